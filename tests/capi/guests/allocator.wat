;; An allocator of its own that hands out addresses upwards; one that says what is not true.
(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (global $freed (export "freed") (mut i32) (i32.const 0))
  (global $lie (export "lie") (mut i32) (i32.const 0))
  (func (export "malloc") (param i32) (result i32)
    (if (i32.eq (global.get $lie) (i32.const 1)) (then (return (i32.const 0xfffffff0))))
    (if (i32.eq (global.get $lie) (i32.const 2)) (then unreachable))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func (export "free") (param i32) (global.set $freed (local.get 0))))
