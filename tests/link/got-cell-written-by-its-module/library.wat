(module
  (import "env" "memory" (memory 1))
  (import "env" "__memory_base" (global i32))
  (global (export "variable") i32 (i32.const 0)))
