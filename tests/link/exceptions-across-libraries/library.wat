(module
  (import "env" "__cpp_exception" (tag $cpp (param i32)))
  (tag $mine (export "mine") (param i32 i64))
  (global $cleaned (mut i32) (i32.const 0))
  (func $throw_cpp (export "throw_cpp") (param i32)
    (throw $cpp (local.get 0)))
  (func $throw_mine (export "throw_mine") (param i32)
    (throw $mine (local.get 0) (i64.const 2)))
  ;; A cleanup on the way: catches all, counts, throws again.
  (func $cleanup (param i32)
    (try
      (do (call $throw_cpp (i32.add (local.get 0) (global.get $cleaned))))
      (catch_all
        (global.set $cleaned (i32.add (global.get $cleaned) (i32.const 1)))
        (rethrow 0))))
  (func (export "pass_on") (param i32)
    (try
      (do (call $cleanup (local.get 0)))
      (catch $cpp
        (throw $cpp (i32.add (global.get $cleaned)))))))
