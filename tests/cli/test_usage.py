"""The command line itself: help, versions, wrong options."""

from tenon_test import TenonTest


class Help(TenonTest):
    def test_version(self):
        outcome = self.tenon("--version")
        self.check(outcome, 0)
        self.assertRegex(outcome.out, r"^tenon \d+\.\d+\.\d+\n$")
        self.assertEqual(self.tenon("run", "--version").out, outcome.out)

    def test_help_lists_the_commands(self):
        outcome = self.tenon("--help")
        self.check(outcome, 0)
        for command in ("run", "ldd", "graph", "maps", "nm", "inspect"):
            self.assertIn(f"tenon {command} ", outcome.out)

    def test_help_of_each_command_lists_its_options(self):
        options = {
            "run": "library-path preload dir env mode bind-now invoke max-memory stack-size reserve check-stack "
                   "bounds-checks trust-runpath trace debug version help",
            "ldd": "library-path preload trust-runpath symbols all trace json help",
            "graph": "library-path preload trust-runpath trace output help",
            "maps": "library-path preload trust-runpath max-memory stack-size reserve output stack-for json help",
            "nm": "dynamic defined-only undefined-only json help",
            "inspect": "json help",
        }
        for command, names in options.items():
            outcome = self.tenon(command, "--help")
            self.check(outcome, 0)
            self.assertIn(f"usage: tenon {command} ", outcome.out)
            for option in names.split():
                self.assertRegex(outcome.out, rf"--{option}\b")

    def test_help_wins_over_a_missing_file(self):
        self.check(self.tenon("run", "-h", "missing.wasm"), 0, self.tenon("run", "--help").out)

    def test_debug_help(self):
        for outcome in (self.tenon("run", "--debug=help"), self.tenon("run", "--debug", "libs,help", "x.wasm"),
                        self.tenon("run", "x.wasm", environment={"TENON_DEBUG": "help"})):
            self.check(outcome, 0)
            for category in "libs files symbols bindings reloc init statistics all help".split():
                self.assertIn(f"  {category} ", outcome.out)


class Wrong(TenonTest):
    def test_nothing_given(self):
        self.check(self.tenon(), 2, "", "tenon --help")

    def test_no_file(self):
        for command in ("run", "ldd", "graph", "maps", "nm", "inspect"):
            self.check(self.tenon(command), 2, "", f"tenon {command} [OPTIONS] FILE")

    def test_unknown_option(self):
        for command in ("run", "ldd", "graph", "maps", "nm", "inspect"):
            self.check(self.tenon(command, "--colour=red", "x.wasm"), 2, "", "there is no option --colour;")
            self.check(self.tenon(command, "-q", "x.wasm"), 2, "", "there is no option -q;")

    def test_option_before_a_command(self):
        self.check(self.tenon("--bind-now", "x.wasm"), 2, "", "tenon run --bind-now")

    def test_misspelled_command(self):
        self.check(self.tenon("lddd", "x.wasm"), 2, "", "`lddd` is no command (run, compile, verify, ldd, graph, maps, nm, inspect)")

    def test_value_missing(self):
        for option in ("-L", "--library-path", "--preload", "--dir", "--env", "--mode", "--invoke", "--max-memory",
                       "--stack-size", "--bounds-checks", "--debug"):
            self.check(self.tenon("run", option), 2, "", "needs a value")

    def test_flag_with_value(self):
        self.check(self.tenon("run", "--bind-now=yes", "x.wasm"), 2, "", "--bind-now takes no value")

    def test_values_that_are_not_accepted(self):
        for option, value, accepted in (
                ("--mode", "jit", "--mode takes auto, interp or aot"),
                ("--bounds-checks", "none", "--bounds-checks takes guard or explicit"),
                ("--max-memory", "lots", "--max-memory takes a number of bytes"),
                ("--max-memory", "-1", "--max-memory takes a number of bytes"),
                ("--max-memory", "", "--max-memory takes a number of bytes"),
                ("--max-memory", "64T", "--max-memory takes a number of bytes"),
                ("--max-memory", "99999999999999999999", "--max-memory takes a number of bytes"),
                ("--max-memory", "18446744073709551615G", "--max-memory takes a number of bytes"),
                ("--stack-size", "1.5M", "--stack-size takes a number of bytes"),
                ("--env", "NAME", "--env takes NAME=VALUE"),
                ("--env", "=x", "--env takes NAME=VALUE"),
                ("--dir", "", "--dir takes HOST or HOST::GUEST"),
                ("--dir", "::x", "--dir takes HOST or HOST::GUEST"),
                ("--debug", "everything", "there is no debug category"),
                ("--library-path", "", "--library-path takes a directory"),
        ):
            with self.subTest(option=option, value=value):
                self.check(self.tenon("run", f"{option}={value}", "x.wasm"), 2, "", accepted)
                self.check(self.tenon("run", option, value, "x.wasm"), 2, "", accepted)

    def test_contradicting_filters(self):
        self.check(self.tenon("nm", "--defined-only", "--undefined-only", "x.wasm"), 2, "", "nothing to list")

    def test_directory_that_cannot_be_given(self):
        self.module("a.wasm", '(func (export "_start"))')
        self.check(self.tenon("run", "--dir", "missing", "a.wasm"), 2, "", "missing")


class BadFiles(TenonTest):
    COMMANDS = ("run", "ldd", "graph", "maps", "nm", "inspect")

    def test_missing(self):
        for command in self.COMMANDS:
            self.check(self.tenon(command, "missing.wasm"), 127, "", "missing.wasm")
        self.check(self.tenon("./missing"), 127, "", "./missing")

    def test_directory(self):
        (self.directory / "folder").mkdir()
        for command in self.COMMANDS:
            self.check(self.tenon(command, "folder"), 126, "", "folder")

    def test_unreadable(self):
        path = self.directory / "secret.wasm"
        path.write_bytes(b"")
        path.chmod(0)
        for command in self.COMMANDS:
            self.assertEqual(self.tenon(command, "secret.wasm").code, 126)

    def test_empty_and_not_a_module(self):
        for file, content in (("empty.wasm", b""), ("text.wasm", b"#!/bin/sh\necho no\n"), ("magic.wasm", b"\0asm")):
            (self.directory / file).write_bytes(content)
            for command in self.COMMANDS:
                self.check(self.tenon(command, file), 126, "", file)

    def test_truncated_anywhere(self):
        file = self.library("whole.wasm", """
          (import "env" "f" (func $f (param i32) (result i32)))
          (import "GOT.mem" "d" (global (mut i32)))
          (func (export "g") (result i32) (call $f (i32.const 7)))
          (global (export "data") i32 (i32.const 16))
          (data (global.get $memory_base) "hello")""", memory=(32, 4), needed=["libx.so"], runtime_path=["$ORIGIN"])
        whole = (self.directory / file).read_bytes()
        for size in range(len(whole)):
            (self.directory / "cut.wasm").write_bytes(whole[:size])
            for command in ("inspect", "run"):
                outcome = self.tenon(command, "cut.wasm")
                with self.subTest(size=size, command=command):
                    # Between sections a module may end and be one, only not one that can run.
                    self.assertIn(outcome.code, (0, 126) if command == "inspect" else (126,), outcome)
                    if outcome.code != 0:
                        self.assertIn("cut.wasm", outcome.err)
                        self.assertEqual(outcome.err.count("\n"), 1, outcome)

    def test_several_files_end_with_the_worst(self):
        self.module("a.wasm", '(func (export "f"))')
        for command in ("ldd", "nm", "inspect"):
            self.assertEqual(self.tenon(command, "a.wasm").code, 0)
            outcome = self.tenon(command, "a.wasm", "missing.wasm", "a.wasm")
            self.assertEqual(outcome.code, 127)
            self.assertEqual(outcome.out.count("a.wasm:"), 2, outcome)

    def test_control_characters_in_names(self):
        self.module("a.wasm", r'(func (export "a\1b[2Jb\0a"))')
        for command in ("nm", "inspect"):
            outcome = self.tenon(command, "a.wasm")
            self.check(outcome, 0)
            self.assertNotIn("\x1b", outcome.out)
            self.assertIn(r"a\x1b[2Jb\x0a", outcome.out)
