(module
  (import "env" "memory" (memory 1))
  (import "env" "__memory_base" (global i32))
  (import "GOT.mem" "variable" (global $variable (mut i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (local $address i32)
    (local.set $address (global.get $variable))
    global.get $variable  ;; its value now, not when it is used
    (global.set $variable (i32.const 77))
    (if (i32.ne (local.get $address)) (then (call $exit (i32.const 2))))
    (if (i32.ne (global.get $variable) (i32.const 77)) (then (call $exit (i32.const 3))))))
