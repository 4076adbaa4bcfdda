(module
  (import "env" "__stack_pointer" (global (mut f32)))
  (func (export "value") (result i32) i32.const 7))
