(module
  (memory 1)
  (data (i32.const 8) "\00\00\00\00\00\00\f8\3f")  ;; 1.5

  ;; The value to be stored is still in an accumulator, and so is part of the address: of another kind.
  (func (export "store") (result f64) (local $x f64) (local $p i32)
    (local.set $p (i32.const 24))
    (local.set $x (f64.load (i32.const 8)))
    (f64.store (i32.add (local.get $p) (i32.load (i32.const 16))) (local.get $x))
    (f64.load (i32.const 24)))

  ;; A value waits on the stack while an older one is used again.
  (func (export "older") (param $c i32) (result i32) (local $a i32) (local $d i32)
    (local.set $a (i32.add (local.get $a) (i32.const 5)))
    local.get $c
    i32.const 32
    i32.or
    block (param i32)
      local.get $c
      local.get $a
      i32.sub
      local.set $d
      i32.const 3
      i32.mul
      drop
    end
    local.get $d)

  ;; One instruction for a load and a store traps at either, and then has stored nothing.
  (func (export "load-traps") (param $from i32)
    (i32.store (i32.const 32) (i32.const 77))
    (i32.store (local.get $from) (i32.load offset=65536 (local.get $from))))
  (func (export "store-traps") (param $to i32)
    (i32.store (local.get $to) (i32.load (i32.const 8)))
    (i32.store offset=65536 (local.get $to) (i32.load (local.get $to)))))
