(module
  (import "env" "alias" (func $alias (param i32) (result i32)))
  (export "other" (func $alias)))
