(module
  (func $fails unreachable)
  (func (export "address") (result i32) i32.const 0)
  (start $fails))
