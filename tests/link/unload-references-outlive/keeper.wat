;; Keeps a function reference in a table of its own, where the linker does not look.
(module
  (import "env" "__indirect_function_table" (table $shared 0 funcref))
  (table $own 1 funcref)
  (type $function (func (result i32)))
  (func (export "keep") (param $slot i32)
    (table.set $own (i32.const 0) (table.get $shared (local.get $slot))))
  (func (export "put_back") (param $slot i32)
    (table.set $shared (local.get $slot) (table.get $own (i32.const 0))))
  (func (export "call_kept") (result i32)
    (call_indirect $own (type $function) (i32.const 0))))
