# wasi_thread_start(tid, start): where the host enters a thread that pthread_create asked for. It must not use the stack before
# it has set it, nor after it has given it back, so it is written by hand. It uses nothing but its parameters and this
# module's globals, so it is position independent.
#
# What is at `start` is `struct start` of thread.c:
#   +0  initial stack pointer
#   +4  libc's thread-local block, for a host that made none
#   +8  alive: 1 until the thread uses neither its stack nor its thread-local block any more; then it may be freed

	.globaltype	__stack_pointer, i32
	.globaltype	__tls_base, i32
	.functype	__wasm_init_tls (i32) -> ()
	.functype	__wasilibc_run_thread (i32, i32) -> ()

	.section	.text.wasi_thread_start,"",@
	.hidden	__wasilibc_run_thread
	.globl	wasi_thread_start
	.export_name	wasi_thread_start, wasi_thread_start
	.type	wasi_thread_start,@function
wasi_thread_start:
	.functype	wasi_thread_start (i32, i32) -> ()
	local.get	1
	i32.load	0
	global.set	__stack_pointer
	global.get	__tls_base
	i32.eqz
	if
	local.get	1
	i32.load	4
	call	__wasm_init_tls
	end_if
	local.get	0
	local.get	1
	call	__wasilibc_run_thread
	local.get	1
	i32.const	0
	i32.atomic.store	8
	local.get	1
	i32.const	-1
	memory.atomic.notify	8
	drop
	end_function

# __wasilibc_park(start, never): ends a thread in the middle of its calls for a host that cannot: gives its stack back and waits
# for ever, on a word that never changes.
	.section	.text.__wasilibc_park,"",@
	.hidden	__wasilibc_park
	.globl	__wasilibc_park
	.type	__wasilibc_park,@function
__wasilibc_park:
	.functype	__wasilibc_park (i32, i32) -> ()
	local.get	0
	i32.const	0
	i32.atomic.store	8
	local.get	0
	i32.const	-1
	memory.atomic.notify	8
	drop
	loop
	local.get	1
	i32.const	0
	i64.const	-1
	memory.atomic.wait32	0
	drop
	br	0
	end_loop
	end_function
