(module
  (import "circular" "f" (func))
  (export "f" (func 0)))
