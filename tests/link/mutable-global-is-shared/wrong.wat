(module
  (global (export "counter") (mut i32) (i32.const 100))
  (global (export "constant") f64 (f64.const 2.5))
  (func (export "bump") (param i64)))
