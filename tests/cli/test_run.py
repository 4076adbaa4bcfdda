"""`tenon run`: what the guest gets, what the caller gets back."""

import os
import resource
import subprocess

from tenon_test import TenonTest, dylink

WASI = "wasi_snapshot_preview1"
ERRNO_PIPE = 64

# Writes its argument or environment strings, as WASI gives them, to standard output.
PRINT_STRINGS = """
  (import "wasi_snapshot_preview1" "{kind}_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "{kind}_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 1024) (i32.const 65536)))
    (i32.store (i32.const 8) (i32.const 65536))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))))
"""

# Writes "out" to a descriptor again and again, and ends with the error number it gets.
WRITE_FOREVER = """
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00out")
  (func (export "_start") (local $error i32)
    (loop $again
      (local.set $error (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br_if $again (i32.eqz (local.get $error))))
    (call $exit (local.get $error)))
"""


class ExitCodes(TenonTest):
    def exit_with(self, code):
        return self.module("exit.wasm", f"""
          (import "{WASI}" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start") (call $exit (i32.const {code})) (unreachable))""")

    def test_return_is_success(self):
        self.module("a.wasm", '(func (export "_start"))')
        self.check(self.tenon("run", "a.wasm"), 0, "")

    def test_the_guests_own(self):
        for code in (0, 1, 7, 126, 255):
            self.check(self.tenon("run", self.exit_with(code)), code, "")

    def test_the_time_is_over(self):
        endless = "(loop $again (br $again))"
        read = "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))"
        for name, body in {"loop": endless, "start": endless, "read": read}.items():
            start = "(start $run)" if name == "start" else ""
            self.module(f"{name}.wasm", f"""
              (import "{WASI}" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00")
              (func $run (export "_start") {body}) {start}""")
            never, writer = os.pipe()
            try:
                result = self.tenon("run", "--timeout", "0.2", f"{name}.wasm", stdin=never)
            finally:
                os.close(never)
                os.close(writer)
            self.check(result, 124, "", ["interrupted", "its time was over (--timeout)"])
        self.check(self.tenon("run", "--timeout", "60", self.exit_with(3)), 3, "")

    def test_options_that_make_no_sense(self):
        for option in ("--timeout=0", "--timeout=-1", "--timeout=x", "--timeout=", "--max-threads=x", "--max-threads=-1"):
            self.check(self.tenon("run", option, self.exit_with(0)), 2, "", "takes a number")

    def test_exit_while_loading(self):
        self.module("a.wasm", f"""
          (import "{WASI}" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func $start (call $exit (i32.const 5)))
          (start $start)
          (func (export "_start") (unreachable))""")
        self.check(self.tenon("run", "a.wasm"), 5, "")

    def test_invalid(self):
        # wat2wasm checks what it writes; this body is `i32.add end` with an empty stack.
        binary = bytes.fromhex("0061736d01000000 0104016000 00 03020100 0a05010300 6a0b".replace(" ", ""))
        (self.directory / "invalid.wasm").write_bytes(binary)
        self.check(self.tenon("run", "invalid.wasm"), 126, "", ["invalid.wasm", "type mismatch"])

    def test_missing_library(self):
        self.module("a.wasm", '(memory (export "memory") 1) (func (export "_start"))', dylink(needed=["libgone.so"]))
        self.check(self.tenon("run", "a.wasm"), 126, "", ["libgone.so", "a.wasm", "-L"])

    def test_no_start(self):
        self.module("a.wasm", '(func (export "f"))')
        self.check(self.tenon("run", "a.wasm"), 126, "", ["_start", "--invoke", "f"])

    def test_trap(self):
        self.module("a.wasm", """
          (memory 1)
          (func $inner (drop (i32.load (i32.const 65536))))
          (func $outer (export "_start") (call $inner))""")
        for checks in ("guard", "explicit"):
            outcome = self.tenon("run", f"--bounds-checks={checks}", "a.wasm")
            self.check(outcome, 134, "", ["out of bounds memory access", "inner", "outer"])
            self.assertLess(outcome.err.index("inner"), outcome.err.index("outer"))

    def test_kinds_of_traps(self):
        for body, kind in (("unreachable", "unreachable"),
                           ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero"),
                           ("(call $f)", "call stack exhausted"),
                           ("(call_indirect (i32.const 3))", "undefined element")):
            self.module("a.wasm", f'(table 1 funcref) (func $f (export "_start") {body})')
            self.check(self.tenon("run", "a.wasm"), 134, "", kind)

    def test_trap_in_a_start_function(self):
        self.module("a.wasm", '(func $f unreachable) (start $f) (func (export "_start"))')
        self.check(self.tenon("run", "a.wasm"), 134, "", "unreachable")


class Guest(TenonTest):
    def test_arguments(self):
        self.module("print.wasm", PRINT_STRINGS.format(kind="args"))
        outcome = self.tenon("run", "print.wasm", "one", "--bind-now", "--", "-L", "two words", "")
        self.check(outcome, 0, "print.wasm\0one\0--bind-now\0--\0-L\0two words\0\0")
        outcome = self.tenon("run", "--", "./print.wasm", "--help")
        self.check(outcome, 0, "./print.wasm\0--help\0")

    def test_file_without_a_command(self):
        self.module("print.wasm", PRINT_STRINGS.format(kind="args"))
        self.check(self.tenon("./print.wasm", "run", "-x"), 0, "./print.wasm\0run\0-x\0")
        (self.directory / "print").write_bytes((self.directory / "print.wasm").read_bytes())
        self.check(self.tenon("print"), 0, "print\0")

    def test_environment_is_only_what_was_given(self):
        self.module("print.wasm", PRINT_STRINGS.format(kind="environ"))
        self.check(self.tenon("run", "print.wasm"), 0, "")
        outcome = self.tenon("run", "--env", "A=1", "--env=B=x=y", "--env", "A=2", "--env", "C=", "print.wasm")
        self.check(outcome, 0, "B=x=y\0A=2\0C=\0")

    def test_directories(self):
        (self.directory / "data").mkdir()
        self.module("a.wasm", f"""
          (import "{WASI}" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
          (import "{WASI}" "fd_prestat_get" (func $get (param i32 i32) (result i32)))
          (import "{WASI}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (local $fd i32)
            (local.set $fd (i32.const 3))
            (block $done (loop $next
              (br_if $done (call $get (local.get $fd) (i32.const 0)))
              (i32.store (i32.const 8) (i32.const 64))
              (i32.store (i32.const 12) (i32.add (i32.load (i32.const 4)) (i32.const 1)))
              (drop (call $name (local.get $fd) (i32.const 64) (i32.load (i32.const 4))))
              (i32.store8 offset=64 (i32.load (i32.const 4)) (i32.const 10))
              (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
              (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
              (br $next))))""")
        outcome = self.tenon("run", "--dir", "data", "--dir=data::/guest", "--dir", ".::/", "a.wasm")
        self.check(outcome, 0, "data\n/guest\n/\n")

    def test_nobody_reads_the_output(self):
        self.module("forever.wasm", WRITE_FOREVER)
        # The guest is told, whatever the command itself would do at the signal.
        for restore_signals in (True, False):
            reader, writer = os.pipe()
            os.close(reader)
            outcome = self.tenon("run", "forever.wasm", stdout=writer, restore_signals=restore_signals)
            os.close(writer)
            self.check(outcome, ERRNO_PIPE)

    def test_no_room_for_the_output(self):
        self.module("a.wasm", '(func (export "f") (result i32) (i32.const 1))')
        for arguments in (("nm", "a.wasm"), ("inspect", "a.wasm"), ("ldd", "a.wasm"), ("--version",),
                          ("run", "--invoke=f", "a.wasm")):
            with open("/dev/full", "w", encoding="utf-8") as full:
                self.check(self.tenon(*arguments, stdout=full), 1, None, "cannot write to standard output")


class Invoke(TenonTest):
    def setUp(self):
        super().setUp()
        self.module("a.wasm", """
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "all") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
            (local.get 3) (local.get 2) (local.get 1) (local.get 0))
          (func (export "references") (param externref) (result externref funcref)
            (local.get 0) (ref.func $nothing))
          (func $nothing (export "nothing"))
          (func (export "trap") unreachable)
          (memory (export "memory") 1)""")

    def invoke(self, function, *arguments):
        return self.tenon("run", "--invoke", function, "a.wasm", *arguments)

    def test_results_are_printed(self):
        self.check(self.invoke("add", "2", "40"), 0, "42\n")
        self.check(self.invoke("nothing"), 0, "")

    def test_integers(self):
        self.check(self.invoke("add", "-1", "0x10"), 0, "15\n")
        self.check(self.invoke("add", "4294967295", "-2147483648"), 0, "2147483647\n")
        self.check(self.invoke("add", "0", "-0x80000000"), 0, "-2147483648\n")

    def test_all_types(self):
        self.check(self.invoke("all", "1", "-9223372036854775808", "0.1", "1e300"), 0,
                   "1e+300\n0.1\n-9223372036854775808\n1\n")
        self.check(self.invoke("all", "1", "18446744073709551615", "-inf", "nan"), 0, "nan\n-inf\n-1\n1\n")
        self.check(self.invoke("all", "0", "0", "-0", "0x1.8p1"), 0, "3\n-0\n0\n0\n")
        self.check(self.invoke("references", "null"), 0, "null\nfuncref\n")

    def test_arguments_that_do_not_fit(self):
        for argument in ("4294967296", "-2147483649", "1.5", "", "one", "0x", "--1", " 1", "1 "):
            with self.subTest(argument=argument):
                self.check(self.invoke("add", "1", argument), 2, "", ["argument 2", "i32 takes an integer"])
        self.check(self.invoke("all", "1", "1", "x", "1"), 2, "", "f32 takes a number, inf or nan")
        self.check(self.invoke("references", "7"), 2, "", "externref takes only `null`")

    def test_wrong_number_of_arguments(self):
        self.check(self.invoke("add", "1"), 2, "", ["add", "2 arguments"])
        self.check(self.invoke("add", "1", "2", "3"), 2, "", ["add", "2 arguments"])

    def test_no_such_function(self):
        self.check(self.invoke("sub"), 2, "", ["no function sub", "add"])
        self.check(self.invoke("memory"), 2, "", "no function memory")

    def test_trap(self):
        self.check(self.invoke("trap"), 134, "", "unreachable")


class Sizes(TenonTest):
    def setUp(self):
        super().setUp()
        self.module("grow.wasm", """
          (memory (export "memory") 1)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))""")

    def test_max_memory(self):
        for size, pages in (("1M", 16), ("64k", 1), ("0x100000", 16), ("1G", 16384)):
            for checks in ("guard", "explicit"):
                grow = ("run", f"--bounds-checks={checks}", "--max-memory", size, "--invoke", "grow", "grow.wasm")
                self.check(self.tenon(*grow, pages - 1), 0, "1\n")
                self.check(self.tenon(*grow, pages), 0, "-1\n")

    def test_max_memory_that_the_module_does_not_fit_in(self):
        self.check(self.tenon("run", "--max-memory=1", "--invoke=grow", "grow.wasm", "1"), 126, "", "grow.wasm")

    def test_little_address_space(self):
        """Explicit checks make do with what there is; guard pages cannot, and say what can."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

        if self.tenon("--version", preexec_fn=limit).code != 0:
            self.skipTest("a sanitizer needs more address space than that for itself")
        grow = ("--invoke", "grow", "grow.wasm", 16)
        self.check(self.tenon("run", "--bounds-checks=explicit", *grow, preexec_fn=limit), 0, "1\n")
        self.check(self.tenon("run", *grow, preexec_fn=limit), 126, "", ["address space", "explicit bounds checks"])


class Libraries(TenonTest):
    """Only what the options do; linking itself is tested elsewhere."""

    def setUp(self):
        super().setUp()
        self.module("main.wasm", """
          (import "env" "answer" (func $answer (result i32)))
          (memory (export "memory") 1)
          (table (export "__indirect_function_table") 1 funcref)
          (global (export "__stack_pointer") (mut i32) (i32.const 1024))
          (func (export "call") (result i32) (call $answer))
          (func (export "_start"))""", dylink(needed=["libanswer.so"]))
        self.answer("lib/libanswer.so", 42)
        self.answer("other/libanswer.so", 7)
        self.answer("libsix.so", 6)

    def answer(self, file, number):
        self.library(file, f'(func (export "answer") (result i32) (i32.const {number}))')

    def call(self, *options, **keywords):
        return self.tenon("run", *options, "--invoke=call", "main.wasm", **keywords)

    def test_library_path(self):
        self.check(self.call("-L", "lib"), 0, "42\n")
        self.check(self.call("-Lother"), 0, "7\n")
        self.check(self.call("--library-path=lib", "-L", "other"), 0, "42\n")
        self.check(self.call("-L", "missing", "-L", "other"), 0, "7\n")

    def test_library_path_in_the_environment(self):
        self.check(self.call(environment={"TENON_LIBRARY_PATH": "missing::other:lib"}), 0, "7\n")
        self.check(self.call("-L", "lib", environment={"TENON_LIBRARY_PATH": "other"}), 0, "42\n")

    def test_preload(self):
        self.check(self.call("-L", "lib", "--preload", "./libsix.so"), 0, "6\n")
        self.check(self.call("-L", "lib", "--preload=libsix.so"), 0, "6\n")
        self.check(self.call("-L", "lib", environment={"TENON_PRELOAD": "./libsix.so"}), 0, "6\n")
        self.check(self.call("-L", "lib", "--preload", "./gone.so"), 126, "", "gone.so")

    def test_bind_now(self):
        self.library("lib/libanswer.so", '(func (export "question"))')
        self.check(self.call("-L", "lib"), 134, "", ["answer", "main.wasm"])
        self.check(self.call("-L", "lib", "--bind-now"), 126, "", ["answer", "main.wasm"])
        self.check(self.call("-L", "lib", environment={"TENON_BIND_NOW": "1"}), 126, "", ["answer", "main.wasm"])
        self.check(self.call("-L", "lib", environment={"TENON_BIND_NOW": ""}), 134, "", "answer")

    def test_debug(self):
        for category, text in (("libs", "lib/libanswer.so"), ("files", "libanswer.so"), ("bindings", "answer"),
                               ("statistics", "runtime linker statistics"), ("all", "answer")):
            outcome = self.call("-L", "lib", f"--debug={category}")
            self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
            self.assertIn(text, outcome.err)
        outcome = self.call("-L", "lib", environment={"TENON_DEBUG": "files"})
        self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
        self.assertIn("libanswer.so", outcome.err)

    def test_wrong_debug_variable_is_ignored(self):
        self.check(self.call("-L", "lib", environment={"TENON_DEBUG": "everything"}), 0, "42\n",
                   "ignoring TENON_DEBUG")

    def test_runtime_path_is_confined_unless_trusted(self):
        self.answer("outside/libanswer.so", 1)
        os.mkdir(self.directory / "inside")
        os.rename(self.directory / "main.wasm", self.directory / "inside/plain.wasm")
        binary = (self.directory / "inside/plain.wasm").read_bytes()
        section = dylink(needed=["libanswer.so"])
        with_path = dylink(needed=["libanswer.so"], runtime_path=["$ORIGIN/../outside"])
        (self.directory / "inside/main.wasm").write_bytes(binary.replace(section, with_path, 1))
        self.check(self.tenon("run", "--invoke=call", "inside/main.wasm"), 126, "", ["libanswer.so", "--trust-runpath"])
        self.check(self.tenon("run", "--trust-runpath", "--invoke=call", "inside/main.wasm"), 0, "1\n")


class Shell(TenonTest):
    def test_pipe_ends_quietly(self):
        self.module("a.wasm", "".join(f'(func (export "function_with_a_long_name_{i}"))' for i in range(20000)))
        reader, writer = os.pipe()
        os.close(reader)
        outcome = self.tenon("nm", "a.wasm", stdout=writer)
        os.close(writer)
        self.assertEqual((outcome.code, outcome.err), (-13, ""), outcome)

    def test_standard_output_closed(self):
        self.module("a.wasm", '(func (export "_start"))')
        outcome = self.tenon("run", "a.wasm", stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(1))
        self.assertEqual(outcome.code, 0, outcome)
