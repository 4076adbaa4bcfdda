"""AOT images: which are used, which are refused, and what is said about it."""

import os
import re
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import tenon_test
from tenon_test import TenonTest

PROGRAM = '(func (export "f") (result i32) (i32.const 42))'
OTHER = '(func (export "f") (result i32) (i32.const 43))'
TRAILER = 300  # bytes at the end that are surely the trailer's


class ImageTest(TenonTest):
    def setUp(self):
        super().setUp()
        self.cache = self.directory / "cache"
        self.module("a.wasm", PROGRAM)

    def run_f(self, *options, environment=None, **more):
        variables = {"TENON_CACHE_DIR": str(self.cache), **(environment or {})}
        return self.tenon("run", *options, "--invoke", "f", "a.wasm", environment=variables, **more)

    def compile(self, *arguments):
        self.check(self.tenon("compile", *arguments), 0)

    def cached(self):
        return sorted(self.cache.glob("*.aot"))

    def check_used(self, outcome, out="42\n"):
        """The program ran, and nothing was said: with --mode aot and no cache, that takes an image."""
        self.check(outcome, 0, out)

    def check_refused(self, outcome, *why, out="42\n"):
        """The interpreter ran instead."""
        self.check(outcome, 0, out, why)

    def run_without_compiler(self, *options, **more):
        """What has no usable image says so."""
        return self.run_f("--mode=aot", *options, environment={"TENON_COMPILER": "/nowhere/compiler"}, **more)


class Use(ImageTest):
    def test_beside_the_module(self):
        self.compile("a.wasm")
        self.check_used(self.run_without_compiler())

    def test_from_the_cache(self):
        self.check_used(self.run_f("--mode=aot"))
        self.assertEqual(len(self.cached()), 1)
        self.check_used(self.run_without_compiler())

    def test_from_the_cache_by_content(self):
        self.check_used(self.run_f("--mode=aot"))
        shutil.copy(self.directory / "a.wasm", self.directory / "b.wasm")
        os.replace(self.directory / "b.wasm", self.directory / "a.wasm")
        self.check_used(self.run_without_compiler())

    def test_the_mode_auto_makes_none(self):
        self.check(self.run_f(), 0, "42\n")
        self.assertFalse(self.cache.exists())

    def test_compile_makes_one(self):
        for option, variable in (["--compile"], {}), ([], {"TENON_COMPILE": "1"}):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.check(self.run_f(*option, environment=variable), 0, "42\n")
            self.assertEqual(len(self.cached()), 1)
            self.check_used(self.run_without_compiler())

    def test_compile_in_the_background(self):
        self.check(self.run_f("--compile-in-background"), 0, "42\n")
        end = time.monotonic() + 30
        while not self.cached() and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(len(self.cached()), 1)
        self.check_used(self.run_without_compiler())

    def test_two_at_once(self):
        variables = {**os.environ, "TENON_CACHE_DIR": str(self.cache)}
        command = [tenon_test.binary(), "run", "--mode=aot", "--invoke", "f", "a.wasm"]
        running = [subprocess.Popen(command, cwd=self.directory, env=variables, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for _ in range(4)]
        for process in running:
            self.assertEqual(process.communicate(timeout=60), ("42\n", ""))
        self.assertEqual(len(self.cached()), 1)
        self.assertEqual([path.name for path in self.cache.iterdir() if re.search(r"\.aot\.", path.name)], [])

    def test_changed_module(self):
        self.compile("a.wasm")
        self.module("a.wasm", OTHER)
        self.check_refused(self.run_f(), "a.wasm.aot", "it was made from another state of", "tenon compile", out="43\n")

    def test_same_content_with_another_time(self):
        self.compile("a.wasm")
        os.utime(self.directory / "a.wasm", (1, 1))
        self.check_used(self.run_without_compiler())


class Damage(ImageTest):
    def setUp(self):
        super().setUp()
        self.compile("a.wasm")
        self.image = self.directory / "a.wasm.aot"
        self.good = self.image.read_bytes()

    def refuse(self, data, *why):
        self.image.write_bytes(data)
        self.check_refused(self.run_f(), "a.wasm.aot", *why)
        self.assertEqual(self.tenon("verify", "a.wasm.aot").code, 1)

    def test_cut(self):
        for length in [0, 1, 8, 100, *range(200, len(self.good), max(1, len(self.good) // 40)), len(self.good) - 1]:
            with self.subTest(length=length):
                self.refuse(self.good[:length], "it is not used")

    def test_longer(self):
        self.refuse(self.good + b"\0" * 8, "it is not used")

    def test_flipped(self):
        """What is read at each start is checked at each start."""
        for back in [*range(1, TRAILER + 1), *range(TRAILER + 1, TRAILER + 800, 7)]:
            data = bytearray(self.good)
            data[-back] ^= 1 << (back % 8)
            with self.subTest(back=back):
                self.image.write_bytes(data)
                outcome = self.run_f()
                self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
                if back <= TRAILER:
                    self.assertIn("it is not used", outcome.err)

    def test_flipped_code_is_found_by_verify(self):
        self.check(self.tenon("verify", "a.wasm.aot"), 0)
        data = bytearray(self.good)
        data[0x1000] ^= 4
        self.image.write_bytes(data)
        self.check(self.tenon("verify", "a.wasm.aot"), 1, None, "does not match the hash")

    def test_another_abi(self):
        version = re.search(rb"\x04\0\0\0", self.good[-120:-16])
        self.assertIsNotNone(version)
        at = len(self.good) - 120 + version.start()
        self.refuse(self.good[:at] + b"\x63" + self.good[at + 1:], "version 99 of compiled code's interface")

    def test_another_module(self):
        self.module("b.wasm", OTHER)
        self.compile("b.wasm")
        self.refuse_foreign((self.directory / "b.wasm.aot").read_bytes(), "it was made from another state of")

    def test_another_processor(self):
        self.compile("--target", "aarch64" if os.uname().machine == "x86_64" else "x86_64", "a.wasm")
        self.refuse_foreign(self.image.read_bytes(), "was made for")

    def test_a_better_processor(self):
        if os.uname().machine != "x86_64":
            self.skipTest("names processors of x86-64")
        self.compile("--cpu", "sapphirerapids", "a.wasm")
        if "amx" in Path("/proc/cpuinfo").read_text():
            self.skipTest("this processor has all that the image wants")
        self.refuse_foreign(self.image.read_bytes(), "was made for a processor with")

    def test_other_checks(self):
        self.compile("--bounds-checks=explicit", "a.wasm")
        self.check_refused(self.run_f(), "was made for explicit bounds checks")
        self.check_used(self.run_without_compiler("--bounds-checks=explicit"))

    def refuse_foreign(self, data, *why):
        """The image is whole."""
        self.image.write_bytes(data)
        self.check_refused(self.run_f(), "a.wasm.aot", *why)


class Directories(ImageTest):
    def test_image_that_others_can_write(self):
        self.compile("a.wasm")
        (self.directory / "a.wasm.aot").chmod(0o666)
        self.check_refused(self.run_f(), "a.wasm.aot is not used: other users can write it")

    def test_directory_that_others_can_write(self):
        self.compile("a.wasm")
        self.directory.chmod(0o777)
        self.check_refused(self.run_f(), "a.wasm.aot is not used: of its directory, other users can write it")

    def test_image_that_the_program_can_write(self):
        self.compile("a.wasm")
        self.check_refused(self.run_without_compiler("--dir", "."), "a.wasm is interpreted")
        self.check_used(self.run_without_compiler("--dir-ro", "."))

    def test_image_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        self.compile("a.wasm")
        os.chown(self.directory / "a.wasm.aot", 12345, -1)
        self.check_refused(self.run_f(), "a.wasm.aot is not used: it belongs to user 12345")

    def test_image_that_is_a_link(self):
        self.compile("a.wasm")
        os.rename(self.directory / "a.wasm.aot", self.directory / "elsewhere")
        (self.directory / "a.wasm.aot").symlink_to("elsewhere")
        self.check_refused(self.run_f(), "a.wasm.aot is not used: it is a symbolic link")

    def test_cache_that_others_can_write(self):
        self.cache.mkdir()
        self.cache.chmod(0o777)
        self.check_refused(self.run_f("--mode=aot"), "the cache directory", "is not used: other users can write it")

    def test_cache_that_the_program_can_write(self):
        self.check_used(self.run_f("--mode=aot"))
        self.check_refused(self.run_f("--mode=aot", "--dir", "."), "the cache directory", "the program can write it")

    def test_cache_that_is_a_link(self):
        (self.directory / "elsewhere").mkdir()
        self.cache.symlink_to("elsewhere")
        self.check_refused(self.run_f("--mode=aot"), "the cache directory", "it is a symbolic link")

    def test_cache_that_is_a_file(self):
        self.cache.write_text("")
        self.check_refused(self.run_f("--mode=aot"), "the cache directory", "is not used: Not a directory")

    def test_cache_that_cannot_be_made(self):
        self.check_refused(self.run_f("--mode=aot", environment={"TENON_CACHE_DIR": "/proc/tenon"}),
                           "cannot make the cache directory /proc/tenon")

    def in_own_mounts(self, options):
        """Runs with a file system of its own on the cache directory."""
        self.cache.mkdir()
        mount = f'mount -t tmpfs -o mode=700,{options} none "$TENON_CACHE_DIR"'
        unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        variables = {**os.environ, "TENON_CACHE_DIR": str(self.cache)}
        if subprocess.run([*unshare, mount], env=variables, capture_output=True, check=False).returncode != 0:
            self.skipTest("no file systems of one's own can be mounted here")
        command = f"{mount} && exec '{tenon_test.binary()}' run --mode=aot --invoke f a.wasm"
        return tenon_test.Outcome(subprocess.run([*unshare, command], cwd=self.directory, env=variables, text=True,
                                                 capture_output=True, timeout=60, check=False))

    def test_full_cache(self):
        outcome = self.in_own_mounts("size=4k")
        self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
        self.assertIn("No space left on device", outcome.err)
        self.assertIn("a.wasm is interpreted", outcome.err)

    def test_read_only_cache(self):
        outcome = self.in_own_mounts("ro")
        self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
        self.assertIn("Read-only file system", outcome.err)
        self.assertIn("a.wasm is interpreted", outcome.err)


class Compiler(ImageTest):
    def compiler(self, text):
        path = self.directory / "compiler"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return {"TENON_COMPILER": str(path)}

    def test_none(self):
        self.check_refused(self.run_without_compiler(), "a.wasm is interpreted: cannot start /nowhere/compiler")

    def test_it_fails(self):
        outcome = self.run_f("--mode=aot", environment=self.compiler("exit 3"))
        self.check_refused(outcome, "a.wasm is interpreted: it could not be compiled")

    def test_it_is_killed(self):
        outcome = self.run_f("--mode=aot", environment=self.compiler("kill -9 $$"))
        self.check_refused(outcome, "a.wasm is interpreted: it could not be compiled", "signal 9", "too little memory")

    def test_too_little_memory(self):
        functions = "".join(f"(func (param i32) (result i32) {'(i32.mul (local.get 0) ' * 400} (i32.const {i})"
                            f"{')' * 400})" for i in range(300))
        self.module("a.wasm", PROGRAM + functions)
        real = tenon_test.binary().with_name("tenon-compile")
        outcome = self.run_f("--mode=aot", environment=self.compiler(f"ulimit -v 130000; exec {real} \"$@\""))
        self.assertEqual((outcome.code, outcome.out), (0, "42\n"), outcome)
        self.assertIn("a.wasm is interpreted: it could not be compiled", outcome.err)
        self.assertEqual(self.cached(), [])

    def test_it_makes_something_else(self):
        environment = self.compiler('while [ "$1" != -o ]; do shift; done; echo no image > "$2"')
        self.check_refused(self.run_f("--mode=aot", environment=environment), "is no AOT image")

    def test_invalid_module(self):
        (self.directory / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\1")
        outcome = self.tenon("compile", "bad.wasm")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("bad.wasm", outcome.err)
        self.assertFalse((self.directory / "bad.wasm.aot").exists())


@unittest.skipUnless(shutil.which("gdb"), "gdb is not installed")
class Debugger(TenonTest):
    def test_backtrace_names_guest_functions(self):
        self.module("a.wasm", """
          (func $innermost (param i32) (if (local.get 0) (then (unreachable))))
          (func $outer (param i32) (call $innermost (local.get 0)) (call $innermost (i32.const 0)))
          (func (export "_start") (call $outer (i32.const 1)) (call $outer (i32.const 0)))""")
        self.check(self.tenon("compile", "a.wasm"), 0)
        script = Path(__file__).resolve().parents[2] / "scripts" / "gdb" / "tenon.py"
        command = ["gdb", "-batch", "-nx", "-x", script, "-ex", "set debuginfod enabled off",
                   "-ex", "break tenon_helper_trap_cxx", "-ex", "run", "-ex", "tenon-symbols", "-ex", "backtrace",
                   "--args", tenon_test.binary(), "run", "a.wasm"]
        done = subprocess.run(list(map(str, command)), cwd=self.directory, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertRegex(done.stdout, r"(?s)1 compiled modules.*innermost.*outer.*_start", done)
