;; Imports a function and a memory of a module called provider.
(module
  (import "provider" "give" (func $give (result i32)))
  (import "provider" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "take") (result i32) (i32.store (i32.const 8) (call $give)) (i32.load (i32.const 8))))
