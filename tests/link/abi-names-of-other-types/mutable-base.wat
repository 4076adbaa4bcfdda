(module
  (import "env" "__memory_base" (global (mut i32)))
  (func (export "value") (result i32) i32.const 7))
