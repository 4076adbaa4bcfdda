;; The start function runs after the data is there, before relocations and constructors, once.
(module
  (import "env" "memory" (memory 1))
  (import "env" "__memory_base" (global $base i32))
  (func $start
    (i32.store (global.get $base) (i32.mul (i32.load (global.get $base)) (i32.const 10))))
  (func (export "__wasm_apply_data_relocs")
    (i32.store (global.get $base) (i32.add (i32.load (global.get $base)) (i32.const 1))))
  (func (export "__wasm_call_ctors")
    (i32.store (global.get $base) (i32.mul (i32.load (global.get $base)) (i32.const 2))))
  (func (export "address") (result i32) (global.get $base))
  (start $start)
  (data (global.get $base) "\03\00\00\00"))
