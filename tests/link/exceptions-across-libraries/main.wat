(module
  (import "env" "__cpp_exception" (tag $cpp (param i32)))
  (import "env" "mine" (tag $mine (param i32 i64)))
  (import "env" "throw_cpp" (func $throw_cpp (param i32)))
  (import "env" "throw_mine" (func $throw_mine (param i32)))
  (import "env" "pass_on" (func $pass_on (param i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func $catch (param $which i32) (result i32)
    (try (result i32)
      (do
        (if (i32.eq (local.get $which) (i32.const 1)) (then (call $throw_cpp (i32.const 10))))
        (if (i32.eq (local.get $which) (i32.const 2)) (then (call $throw_mine (i32.const 20))))
        (if (i32.eq (local.get $which) (i32.const 3)) (then (call $pass_on (i32.const 30))))
        (i32.const 1))
      (catch $cpp)
      (catch $mine
        (i32.wrap_i64)
        (i32.add))))
  (func (export "_start")
    (call $exit
      (i32.add
        (i32.add (call $catch (i32.const 0)) (call $catch (i32.const 1)))
        (i32.add (call $catch (i32.const 2)) (call $catch (i32.const 3))))))
  (func (export "uncaught")
    (call $throw_mine (i32.const 5))))
