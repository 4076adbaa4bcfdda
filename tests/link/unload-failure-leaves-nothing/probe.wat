;; What only WebAssembly can tell.
(module
  (import "env" "__indirect_function_table" (table 0 funcref))
  (func (export "table_size") (result i32)
    (table.size 0)))
