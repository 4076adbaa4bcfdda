(module
  (memory (export "memory") 2)
  (table (export "__indirect_function_table") 1 funcref)
  (func (export "_start")))
