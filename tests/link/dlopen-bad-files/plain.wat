(module
  (memory (export "memory") 1)
  (func (export "value") (result i32) i32.const 7))
