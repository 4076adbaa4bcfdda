(module
  (import "env" "__table_base" (global i64))
  (func (export "value") (result i32) i32.const 7))
