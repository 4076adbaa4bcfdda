(module
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__table_base" (global $base i32))
  (elem (i32.const 1) $value)
  (func $value (export "value") (result i32) i32.const 7))
