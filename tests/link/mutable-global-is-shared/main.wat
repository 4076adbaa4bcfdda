(module
  (import "env" "counter" (global $counter (mut i64)))
  (import "env" "constant" (global $constant f64))
  (import "env" "bump" (func $bump (param i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  ;; Its initial value is another module's.
  (global $copy f64 (global.get $constant))
  (func (export "_start")
    (call $bump (i64.const 5))                                              ;; 100 + 5
    (global.set $counter (i64.mul (global.get $counter) (i64.const 2)))     ;; 210
    (call $bump (i64.const 1))                                              ;; 211
    (if (f64.ne (global.get $copy) (f64.const 2.5)) (then (call $exit (i32.const 1))))
    (call $exit (i32.wrap_i64 (global.get $counter)))))
