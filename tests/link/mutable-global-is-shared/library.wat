(module
  (global $counter (export "counter") (mut i64) (i64.const 100))
  (global (export "constant") f64 (f64.const 2.5))
  (func (export "bump") (param i64)
    (global.set $counter (i64.add (global.get $counter) (local.get 0)))))
