(module
  (import "env" "memory" (memory 1))
  (import "env" "address" (func $address (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start")
    (call $exit (i32.load (call $address)))))
