"""`tenon run --trace`, and the commands that read what it writes."""

import os

from tenon_test import TenonTest

FIRST = "tenon trace 1\n"


class TraceTest(TenonTest):
    def setUp(self):
        super().setUp()
        self.library("main.wasm", '(func (export "_start"))', needed=["liba.so"])
        self.library("liba.so", '(func (export "__wasm_call_ctors") nop)')
        self.library("plugins/libplug.so", "", needed=["liba.so", "libdeep.so"], runtime_path=["$ORIGIN"])
        self.library("plugins/libdeep.so", "")

    def path(self, name):
        return os.path.realpath(self.directory) + "/" + name

    def trace(self, *events):
        """Writes trace.txt; each event is a list of fields."""
        (self.directory / "trace.txt").write_text(FIRST + "".join("\t".join(event) + "\n" for event in events))

    def opened(self, requester, name, path):
        return ["opened", requester, name, self.path(path)]


class Run(TraceTest):
    def test_writes_a_trace(self):
        self.check(self.tenon("run", "--trace", "trace.txt", "main.wasm"), 0, "")
        self.assertEqual((self.directory / "trace.txt").read_text(), FIRST)
        self.check(self.tenon("ldd", "--all", "--trace=trace.txt", "main.wasm"), 0,
                   self.tenon("ldd", "main.wasm").out)

    def test_cannot_be_written(self):
        self.check(self.tenon("run", "--trace=missing/trace.txt", "main.wasm"), 1, "", "missing/trace.txt")
        self.check(self.tenon("run", "--trace=", "main.wasm"), 2, "", "--trace takes the name of a file")


class Ldd(TraceTest):
    def ldd(self, *options, code=0):
        outcome = self.tenon("ldd", "--all", "--trace", "trace.txt", *options, "main.wasm")
        self.assertEqual(outcome.code, code, outcome)
        return outcome

    def test_opened_libraries_and_what_they_need(self):
        self.trace(self.opened("main.wasm", "libplug.so", "plugins/libplug.so"),
                   ["needed", "libplug.so", "libdeep.so", self.path("plugins/libdeep.so")],
                   ["closed", "main.wasm", "libplug.so", self.path("plugins/libplug.so")],
                   self.opened("main.wasm", "libplug.so", "plugins/libplug.so"))
        lines = self.ldd().out.splitlines()
        self.assertRegex(lines[0], r"^  liba\.so => /.*/liba\.so \(main module's directory, \d+ bytes\)$")
        self.assertRegex(lines[1], r"^  libplug\.so => /.*/plugins/libplug\.so \(opened by main\.wasm, path, \d+ bytes\)$")
        self.assertEqual(lines[2], "    liba.so (above)")
        self.assertRegex(lines[3], r"^    libdeep\.so => /.*/plugins/libdeep\.so \(put off, runtime path, \d+ bytes\)$")
        self.assertEqual(len(lines), 4)
        (file,) = self.ldd("--json").json()
        self.assertEqual(file["opened"], [{"requester": "main.wasm", "name": "libplug.so"}])
        self.assertEqual([entry["name"] for entry in file["dependencies"]],
                         ["main.wasm", "liba.so", "libplug.so", "libdeep.so"])

    def test_opened_by_a_library_and_already_there(self):
        self.trace(self.opened("main.wasm", "libplug.so", "plugins/libplug.so"),
                   self.opened("libplug.so", "./liba.so", "liba.so"),
                   self.opened("libplug.so", "libdeep.so", "plugins/libdeep.so"))
        (file,) = self.ldd("--json").json()
        self.assertEqual(file["opened"], [{"requester": "main.wasm", "name": "libplug.so"},
                                          {"requester": "libplug.so", "name": "liba.so"},
                                          {"requester": "libplug.so", "name": "libdeep.so"}])

    def test_two_files_of_one_name(self):
        self.library("other/libplug.so", "", needed=["./libplug.so"])
        self.trace(self.opened("main.wasm", "libplug.so", "plugins/libplug.so"),
                   self.opened("main.wasm", "libplug.so", "other/libplug.so"))
        (file,) = self.ldd("--json", code=1).json()
        names = [entry["name"] for entry in file["dependencies"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn(self.path("other/libplug.so"), names)
        self.assertEqual(len(file["opened"]), 2)

    def test_failed_and_gone(self):
        self.trace(["failed", "main.wasm", "libnowhere.so", "", "cannot find library libnowhere.so"],
                   self.opened("liba.so", "libgone.so", "libgone.so"),
                   self.opened("main.wasm", "libplug.so", "plugins/libplug.so"))
        outcome = self.ldd(code=1)
        self.assertIn("  libnowhere.so => not found: opened by main.wasm, cannot find library libnowhere.so\n", outcome.out)
        self.assertIn("  libgone.so => not found: opened by liba.so, ", outcome.out)
        self.assertIn("  libplug.so => /", outcome.out)

    def test_not_a_library_any_more(self):
        (self.directory / "text.so").write_text("no module")
        self.trace(self.opened("main.wasm", "text.so", "text.so"),
                   self.opened("main.wasm", "libplug.so", "plugins/libplug.so"))
        outcome = self.ldd(code=1)
        self.assertIn("  text.so => not found: opened by main.wasm, cannot load ", outcome.out)
        self.assertIn("  libplug.so => /", outcome.out)

    def test_a_file_of_the_guests(self):
        self.trace(["opened", "main.wasm", "./libplug.so", "plugins/libplug.so"])
        self.assertIn("  ./libplug.so => not found: opened by main.wasm, there is no file plugins/libplug.so on the host",
                      self.ldd(code=1).out)

    def test_a_trace_is_needed(self):
        self.check(self.tenon("ldd", "--all", "main.wasm"), 2, "", "tenon run --trace FILE")

    def test_hostile_names(self):
        self.trace(["opened", "nobody", "lib\\x1b[2J\\n\\tx.so", "/nowhere/\\x1b"], ["failed", "", "x\\\\", "", "\\x1b"])
        outcome = self.ldd(code=1)
        self.assertNotIn("\x1b", outcome.out)
        self.assertEqual(len(outcome.out.splitlines()), 3, outcome)

    def test_devices_and_directories(self):
        self.trace(["opened", "main.wasm", "zero", "/dev/zero"], ["opened", "main.wasm", "root", "/"])
        outcome = self.ldd(code=1)
        self.assertIn("  zero => not found: ", outcome.out)
        self.assertIn("  root => not found: ", outcome.out)


class BadTraces(TraceTest):
    COMMANDS = ("ldd", "graph")

    def refused(self, code, *texts, file="trace.txt"):
        for command in self.COMMANDS:
            self.check(self.tenon(command, "--trace", file, "main.wasm"), code, "", [file, *texts])

    def test_missing(self):
        self.refused(127, file="missing.txt")
        self.refused(126, file=".")

    def test_cut_off(self):
        self.trace(self.opened("main.wasm", "libplug.so", "plugins/libplug.so"))
        whole = (self.directory / "trace.txt").read_bytes()
        for size in range(len(whole)):
            if size != len(FIRST):
                (self.directory / "trace.txt").write_bytes(whole[:size])
                self.refused(126)

    def test_not_a_trace(self):
        for content, text in ((b"", "no trace"), (b"\0asm\1\0\0\0", "no trace"),
                              (FIRST.encode() + b"loaded\ta\tb\t/c\n", "line 2 begins with `loaded`"),
                              (FIRST.encode() + b"opened\ta\t\xff\\q\t/c\n", "line 2, field 3")):
            (self.directory / "trace.txt").write_bytes(content)
            self.refused(126, text)
