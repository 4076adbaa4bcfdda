;; Counting instructions on both sides of a loop's label: the one before runs once, the one behind it every time.
(module
  (func (export "count") (param i32) (result i32) (local i32 i32)
    local.get 0 i32.const -5 i32.add local.set 1
    (loop
      local.get 1 i32.const 4 i32.add local.set 1
      local.get 2 i32.const 1 i32.add local.tee 2
      i32.const 3 i32.lt_s br_if 0)
    local.get 1)
  (func (export "compare") (param i32) (result i32) (local i32 i32)
    ;; The accumulator holds an older value than the count when it is compared.
    (loop
      local.get 0 i32.const 7 i32.and local.set 2
      local.get 1 i32.const 1 i32.add local.set 1
      local.get 0 i32.const 1 i32.sub local.set 0
      local.get 2 i32.const 0 i32.ne br_if 0)
    local.get 1)
  (func (export "same") (param i32) (result i32) (local i32)
    (loop
      local.get 0 i32.const 3 i32.add local.set 0
      local.get 0 i32.const -1 i32.add local.set 0
      local.get 1 i32.const 1 i32.add local.tee 1
      i32.const 10 i32.ne br_if 0)
    local.get 0))
