(module
  (import "env" "original" (func $original (param i32) (result i32)))
  (export "alias" (func $original)))
