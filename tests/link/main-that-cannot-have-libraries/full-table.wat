(module
  (memory (export "memory") 2)
  (table (export "__indirect_function_table") 1 1 funcref)
  (global (export "__stack_pointer") (mut i32) (i32.const 65536))
  (func (export "_start")))
