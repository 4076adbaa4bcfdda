(module
  (import "env" "other" (func $other (param i32) (result i32)))
  (export "alias" (func $other)))
