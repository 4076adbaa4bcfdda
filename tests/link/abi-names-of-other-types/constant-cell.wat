(module
  (import "GOT.mem" "errno" (global i32))
  (func (export "value") (result i32) i32.const 7))
