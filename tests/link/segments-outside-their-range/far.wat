(module
  (import "env" "memory" (memory 1))
  (data (i32.const 0xfffffff0) "wraps around the end of memory")
  (func (export "value") (result i32) i32.const 7))
