"""`tenon ldd`, `tenon nm` and `tenon inspect`."""

import os

from tenon_test import TenonTest, dylink

WEAK, LOCAL, HIDDEN, UNDEFINED, TLS = 1, 2, 4, 0x10, 0x100

LIBRARY = """
  (import "env" "malloc" (func $malloc (param i32) (result i32)))
  (import "env" "maybe" (func $maybe))
  (import "GOT.mem" "stdout" (global $stdout (mut i32)))
  (import "GOT.func" "free" (global $free (mut i32)))
  (func (export "work") (param i32 i64) (result f64) (f64.const 1))
  (func (export "weak_work"))
  (func (export "_initialize"))
  (global (export "table_of_names") i32 (i32.const 64))
  (global (export "per_thread") i32 (i32.const 4))
  (global (export "weak_data") i32 (i32.const 128))
"""
LIBRARY_DYLINK = {
    "memory": (132, 4),
    "table": (3, 0),
    "needed": ["libc.so", "libm.so"],
    "exports": {"per_thread": TLS, "weak_work": WEAK, "weak_data": WEAK | HIDDEN},
    "imports": {("env", "maybe"): WEAK | UNDEFINED},
    "runtime_path": ["$ORIGIN", "$ORIGIN/../lib"],
}


class Nm(TenonTest):
    def setUp(self):
        super().setUp()
        self.library("libw.so", LIBRARY, **LIBRARY_DYLINK)

    def symbols(self, *options):
        outcome = self.tenon("nm", "--json", *options, "libw.so")
        self.check(outcome, 0)
        (file,) = outcome.json()
        self.assertEqual(file["file"], "libw.so")
        return {((symbol["module"] or "") + "." + symbol["name"]).lstrip("."): symbol for symbol in file["symbols"]}

    def test_letters(self):
        letters = {name: symbol["letter"] for name, symbol in self.symbols().items()}
        self.assertEqual(letters, {
            "work": "T", "weak_work": "W", "_initialize": "T", "table_of_names": "D", "per_thread": "D",
            "weak_data": "V", "env.malloc": "U", "env.maybe": "w", "GOT.mem.stdout": "U", "GOT.func.free": "U",
            "env.memory": "U", "env.__indirect_function_table": "U", "env.__stack_pointer": "U",
            "env.__memory_base": "U", "env.__table_base": "U"})

    def test_one_symbol_whole(self):
        symbols = self.symbols()
        self.assertEqual(symbols["per_thread"], {
            "name": "per_thread", "module": None, "defined": True, "kind": "data", "letter": "D", "binding": "global",
            "tls": True, "flags": ["tls"], "offset": 4, "type": "data"})
        self.assertEqual(symbols["env.maybe"], {
            "name": "maybe", "module": "env", "defined": False, "kind": "function", "letter": "w", "binding": "weak",
            "tls": False, "flags": ["weak", "undefined"], "offset": None, "type": "() -> ()"})

    def test_types_and_bindings(self):
        symbols = self.symbols()
        self.assertEqual(symbols["work"]["type"], "(i32, i64) -> f64")
        self.assertEqual(symbols["GOT.mem.stdout"]["type"], "address of data")
        self.assertEqual(symbols["GOT.func.free"]["type"], "address of function")
        self.assertEqual(symbols["_initialize"]["binding"], "private")
        self.assertEqual(symbols["env.__memory_base"]["binding"], "linker")
        self.assertEqual(symbols["weak_data"]["flags"], ["weak", "hidden"])

    def test_offset_of_a_function_is_its_body(self):
        offset = self.symbols()["work"]["offset"]
        body = (self.directory / "libw.so").read_bytes()[offset:]
        self.assertEqual(body[:2], b"\0\x44")  # no locals, f64.const

    def test_filters(self):
        defined = {name for name, symbol in self.symbols().items() if symbol["defined"]}
        undefined = set(self.symbols()) - defined
        self.assertEqual(set(self.symbols("--defined-only")), defined)
        self.assertEqual(set(self.symbols("--undefined-only")), undefined)
        self.assertEqual(set(self.symbols("-D")), {
            "work", "weak_work", "table_of_names", "per_thread", "weak_data", "env.malloc", "env.maybe",
            "GOT.mem.stdout", "GOT.func.free"})
        self.assertEqual(set(self.symbols("-D", "-u")),
                         {"env.malloc", "env.maybe", "GOT.mem.stdout", "GOT.func.free"})

    def test_text(self):
        outcome = self.tenon("nm", "-D", "libw.so")
        self.check(outcome, 0)
        lines = outcome.out.splitlines()
        self.assertIn("         U global  GOT.func.free  address of function", lines)
        self.assertIn("         U global  env.malloc  (i32) -> i32", lines)
        self.assertIn("00000004 D global  per_thread  data, tls", lines)
        self.assertIn("00000080 V weak    weak_data  data, hidden", lines)
        names = [line[9:].split()[2].split(".")[-1] for line in lines]
        self.assertEqual(names, sorted(names))

    def test_several_files(self):
        outcome = self.tenon("nm", "libw.so", "libw.so")
        self.check(outcome, 0)
        self.assertEqual(outcome.out.count("libw.so:\n"), 2)
        self.assertEqual(len(self.tenon("nm", "--json", "libw.so", "libw.so").json()), 2)

    def test_plain_module(self):
        self.module("a.wasm", """
          (global (export "g") i32 (i32.const 1)) (memory (export "m") 1) (table (export "t") 1 funcref)""")
        self.assertEqual({symbol["name"]: symbol["letter"] for symbol in
                          self.tenon("nm", "--json", "a.wasm").json()[0]["symbols"]}, {"g": "G", "m": "M", "t": "E"})


class Inspect(TenonTest):
    def inspect(self, file):
        outcome = self.tenon("inspect", "--json", file)
        self.check(outcome, 0)
        (result,) = outcome.json()
        return result

    def test_dylink(self):
        self.library("libw.so", LIBRARY, **LIBRARY_DYLINK)
        result = self.inspect("libw.so")
        self.assertEqual(result["dylink"], {
            "memory_size": 132, "memory_alignment": 16, "table_size": 3, "table_alignment": 1,
            "needed": ["libc.so", "libm.so"], "runtime_path": ["$ORIGIN", "$ORIGIN/../lib"],
            "export_flags": [{"name": "per_thread", "flags": ["tls"]},
                             {"name": "weak_data", "flags": ["weak", "hidden"]},
                             {"name": "weak_work", "flags": ["weak"]}],
            "import_flags": [{"module": "env", "name": "maybe", "flags": ["weak", "undefined"]}]})

    def test_sections_cover_the_file(self):
        self.library("libw.so", LIBRARY, **LIBRARY_DYLINK)
        result = self.inspect("libw.so")
        names = [section["name"] for section in result["sections"]]
        self.assertEqual(names, ["dylink.0", "type", "import", "function", "global", "export", "code", "name"])
        size = os.stat(self.directory / "libw.so").st_size
        last = result["sections"][-1]
        self.assertEqual(last["offset"] + last["size"], size)

    def test_imports_and_exports(self):
        self.module("a.wasm", """
          (import "m" "f" (func (param i32)))
          (import "m" "t" (table 2 5 externref))
          (memory (export "memory") 1 2)
          (global (export "g") (mut i64) (i64.const 0))""")
        result = self.inspect("a.wasm")
        self.assertEqual(result["imports"], [
            {"module": "m", "name": "f", "kind": "function", "type": "(i32) -> ()"},
            {"module": "m", "name": "t", "kind": "table", "type": "externref, 2 to 5 elements"}])
        self.assertEqual(result["exports"], [
            {"name": "memory", "kind": "memory", "type": "1 to 2 pages"},
            {"name": "g", "kind": "global", "type": "mutable i64"}])
        self.assertIsNone(result["dylink"])

    def test_kinds(self):
        self.library("libw.so", LIBRARY, **LIBRARY_DYLINK)
        self.library("pie.wasm", '(func (export "_start"))', needed=["libc.so"])
        self.module("fixed.wasm", '(memory (export "memory") 1) (func (export "_start"))', dylink())
        self.module("nodata.so", '(func (export "f"))', dylink())
        self.module("plain.wasm", '(func (export "_start"))')
        for file, kind in (("libw.so", "shared library"), ("pie.wasm", "PIE main"), ("fixed.wasm", "non-PIE main"),
                           ("nodata.so", "shared library"), ("plain.wasm", "plain module")):
            self.assertEqual(self.inspect(file)["kind"], kind, file)
            outcome = self.tenon("inspect", file)
            self.check(outcome, 0)
            self.assertTrue(outcome.out.startswith(f"{file}: {kind}: it has "), outcome)

    def test_text_has_everything(self):
        self.library("libw.so", LIBRARY, **LIBRARY_DYLINK)
        outcome = self.tenon("inspect", "libw.so")
        for text in ("132 bytes, aligned to 16", "3 elements, aligned to 1", "libc.so, libm.so",
                     "$ORIGIN, $ORIGIN/../lib", "per_thread: tls", "env.maybe: weak, undefined", "GOT.mem.stdout",
                     "table_of_names", "(i32, i64) -> f64"):
            self.assertIn(text, outcome.out)


class Ldd(TenonTest):
    def setUp(self):
        super().setUp()
        self.module("main.wasm", """
          (import "env" "f" (func $f (param i32)))
          (import "env" "g" (func $g))
          (memory (export "memory") 1)
          (table (export "__indirect_function_table") 1 funcref)
          (global (export "__stack_pointer") (mut i32) (i32.const 1024))
          (func (export "_start"))""", dylink(needed=["libf.so", "libg.so"]))
        self.library("lib/libf.so", '(func (export "f") (param i32)) (func (export "__wasm_call_ctors") nop)',
                     needed=["libg.so"])
        self.library("lib/libg.so", '(func (export "g"))', needed=["libf.so"])

    def test_tree(self):
        outcome = self.tenon("ldd", "-L", "lib", "main.wasm")
        self.check(outcome, 0)
        lines = outcome.out.splitlines()
        self.assertRegex(lines[0], r"^  libf\.so => /.*/lib/libf\.so \(library path, \d+ bytes\)$")
        self.assertRegex(lines[1], r"^    libg\.so => /.*/lib/libg\.so \(put off, library path, \d+ bytes\)$")
        self.assertEqual(lines[2:], ["      libf.so (above)", "  libg.so (above)"])

    def test_nothing_needed(self):
        self.module("plain.wasm", '(func (export "_start"))')
        self.check(self.tenon("ldd", "plain.wasm"), 0, "  needs no libraries\n")

    def test_not_found(self):
        outcome = self.tenon("ldd", "main.wasm")
        self.check(outcome, 1)
        self.assertIn("  libf.so => not found: ", outcome.out)
        self.assertIn("  libg.so => not found: ", outcome.out)
        (file,) = self.tenon("ldd", "--json", "main.wasm").json()
        self.assertEqual([(entry["name"], entry["found"]) for entry in file["dependencies"]],
                         [("main.wasm", True), ("libf.so", False), ("libg.so", False)])
        self.assertIn("main.wasm", file["dependencies"][1]["reason"])

    def test_json(self):
        outcome = self.tenon("ldd", "--json", "main.wasm", environment={"TENON_LIBRARY_PATH": "lib"})
        self.check(outcome, 0)
        (file,) = outcome.json()
        self.assertEqual(file["file"], "main.wasm")
        self.assertNotIn("missing_symbols", file)
        names = [entry["name"] for entry in file["dependencies"]]
        self.assertEqual(names, ["main.wasm", "libf.so", "libg.so"])
        library = file["dependencies"][1]
        path = os.path.realpath(self.directory / "lib/libf.so")
        self.assertEqual(library, {"name": "libf.so", "found": True, "path": path, "found_through": "library path",
                                   "size": os.stat(path).st_size, "needed": ["libg.so"], "lazy": False})

    def test_symbols(self):
        self.check(self.tenon("ldd", "-r", "-L", "lib", "main.wasm"), 0, self.tenon("ldd", "-Llib", "main.wasm").out)
        self.library("lib/libf.so", '(func (export "f") (param i64))', needed=["libg.so"])
        self.library("lib/libg.so", '(import "GOT.mem" "d" (global (mut i32)))')
        outcome = self.tenon("ldd", "-r", "-L", "lib", "main.wasm")
        self.check(outcome, 1)
        missing = [line for line in outcome.out.splitlines() if line.startswith("missing symbol: ")]
        self.assertEqual(len(missing), 3, outcome)
        (file,) = self.tenon("ldd", "-r", "--json", "-L", "lib", "main.wasm").json()
        by_name = {entry["symbol"]: entry for entry in file["missing_symbols"]}
        self.assertEqual(set(by_name), {"f", "g", "d"})
        self.assertIn("(i32) -> ()", by_name["f"]["expected"])
        self.assertIn("(i64) -> ()", by_name["f"]["found"])
        self.assertIn("libf.so", by_name["f"]["found_in"])
        self.assertIsNone(by_name["g"]["found"])
        self.assertIn("libg.so", by_name["d"]["importer"])

    def test_without_symbols_a_missing_one_is_no_failure(self):
        self.library("lib/libg.so", "")
        self.assertEqual(self.tenon("ldd", "-L", "lib", "main.wasm").code, 0)

    def test_malformed_library(self):
        (self.directory / "lib/libg.so").write_bytes(b"\0asm\1\0\0\0\1")
        self.check(self.tenon("ldd", "-L", "lib", "main.wasm"), 126, "", "libg.so")

    def test_preload(self):
        self.library("libp.so", "")
        outcome = self.tenon("ldd", "-L", "lib", "--preload", "./libp.so", "main.wasm")
        self.check(outcome, 0)
        self.assertIn("libp.so", outcome.out)
        self.assertIn("preloaded", outcome.out)

    def test_several_files(self):
        outcome = self.tenon("ldd", "-Llib", "main.wasm", "main.wasm")
        self.check(outcome, 0)
        self.assertEqual(outcome.out.count("main.wasm:\n"), 2)
