;; Gives the program's table a maximum, and tells its size.
(module
  (import "env" "__indirect_function_table" (table 0 400 funcref))
  (func (export "table_size") (result i32)
    (table.size 0)))
