"""`tenon maps`."""

import re
import xml.etree.ElementTree

from tenon_test import TenonTest, dylink


class MapsTest(TenonTest):
    def setUp(self):
        super().setUp()
        self.library("main.wasm", '(func (export "_start"))', memory=(100, 2), table=(3, 0), needed=["liba.so"])
        self.library("liba.so", "", memory=(10, 4), table=(2, 0), needed=["libc.so"])
        self.library("libc.so", "", memory=(5000, 4))
        self.library("libplug.so", "", memory=(700, 6), needed=["libc.so", "libdeep.so"])
        self.library("libdeep.so", "", memory=(20, 0))

    def fixed(self, file="fixed.wasm", symbols="", pointer=70000, **options):
        return self.module(file, f"""
          (memory (export "memory") 2) (table (export "__indirect_function_table") 5 funcref)
          (global (export "__stack_pointer") (mut i32) (i32.const {pointer})) {symbols}
          (func (export "_start")) (data (i32.const 1024) "hello")""", dylink(**options))


class Maps(MapsTest):
    def test_position_independent(self):
        self.check(self.tenon("maps", "--stack-size=64K", "main.wasm"), 0, """\
00000000-00000400 rw-p   1024  1  gap
00000400-00010400 rw-p  65536 16  stack
00010400-00010464 rw-p    100  4  data of main.wasm
00010470-0001047a rw-p     10 16  data of liba.so
00010480-00011808 rw-p   5000 16  data of libc.so
00011810-00030000 rw-p 124912 16  heap

slots 0-1 null
slots 1-4 main.wasm
slots 4-6 liba.so
""")

    def test_agrees_with_loading(self):
        outcome = self.tenon("run", "--debug=files", "--stack-size=4K", "main.wasm")
        placed = dict(re.findall(r"file=(\S+);  placed  memory (0x[0-9a-f]+)", outcome.err))
        self.assertEqual(len(placed), 3, outcome)
        ranges = self.map("--stack-size=4K", "main.wasm")["memory"]
        self.assertEqual({r["owner"]: hex(r["start"]) for r in ranges if r["kind"] == "data"}, placed)

    def map(self, *arguments, code=0):
        outcome = self.tenon("maps", "--json", *arguments)
        self.assertEqual(outcome.code, code, outcome)
        return outcome.json()

    def kinds(self, *arguments):
        return [(r["kind"], r["owner"]) for r in self.map(*arguments)["memory"] if r["kind"] != "padding"]

    def test_opened_libraries_go_into_the_reserve(self):
        data = [("data", name) for name in ("main.wasm", "liba.so", "libc.so")]
        self.assertEqual(self.kinds("--reserve=1K", "main.wasm", "libplug.so"), [
            ("gap", None), ("stack", None), *data, ("data", "libdeep.so"), ("reserve", None),
            ("data", "libplug.so"), ("reserve", None), ("heap", None)])  # what alignment left is given out
        self.assertEqual(self.kinds("--reserve=64", "main.wasm", "libplug.so"),
                         [("gap", None), ("stack", None), *data, ("data", "libdeep.so"), ("reserve", None), ("heap", None)])

    def test_opened_libraries_that_have_no_place_yet(self):
        result = self.map("main.wasm", "./libplug.so", "libdeep.so", "libc.so")
        self.assertEqual(result["placed_when_opened"], [
            {"owner": "./libplug.so", "size": 700, "alignment": 64}, {"owner": "libdeep.so", "size": 20, "alignment": 1}])
        self.assertIn("\nplaced when opened: 700 bytes, aligned to 64: data of libplug.so\n",
                      self.tenon("maps", "main.wasm", "libplug.so").out)

    def test_json_covers_all_of_the_memory(self):
        result = self.map("--max-memory=1M", "--stack-size=1000", "main.wasm")
        self.assertEqual(result["maximum_memory"], 1 << 20)
        end = 0
        for memory_range in result["memory"]:
            self.assertEqual(memory_range["start"], end)
            end = memory_range["end"]
        self.assertEqual(end, result["memory_size"])

    def test_fixed_main(self):
        self.fixed(needed=["liba.so"])
        self.check(self.tenon("maps", "fixed.wasm"), 0, """\
00000000-00000400 rw-p  1024  1  gap
00000400-00000405 rw-p     5  1  data of fixed.wasm
00000405-00011170 rw-p 68971  1  zeroed data of fixed.wasm, and stack
00011170-00020000 rw-p 61072  1  unknown
00020000-0002000a rw-p    10 16  data of liba.so
00020010-00021398 rw-p  5000 16  data of libc.so
00021398-00030000 rw-p 60520  1  padding

slots 0-1 null
slots 1-5 fixed.wasm
slots 5-7 liba.so
""")

    def test_fixed_main_that_tells_more(self):
        self.fixed(symbols='(global (export "__stack_low") i32 (i32.const 4464))'
                           '(global (export "__heap_base") i32 (i32.const 70000))')
        self.assertEqual(self.kinds("fixed.wasm"),
                         [("gap", None), ("data", "fixed.wasm"), ("stack", None), ("heap", None)])

    def test_shared_memory(self):
        (self.directory / "threads.wasm").write_bytes(b"\0asm\1\0\0\0" + b"\5\4\1\3\1\4")  # 1 to 4 pages
        self.assertIn("00000000-00010000 rw-s 65536 1  unknown\n", self.tenon("maps", "threads.wasm").out)
        self.module("bare.wasm", '(func (export "_start"))')
        self.check(self.tenon("maps", "bare.wasm"), 0, "no memory\n")

    def test_missing_library(self):
        (self.directory / "libc.so").unlink()
        outcome = self.tenon("maps", "main.wasm")
        self.check(outcome, 1, None, "libc.so, needed by liba.so")
        self.assertIn("data of liba.so", outcome.out)
        self.check(self.tenon("maps", "--stack-for", "main.wasm"), 1, "", "libc.so")
        self.check(self.tenon("maps", "main.wasm", "libnowhere.so"), 126, "", ["libc.so", "libnowhere.so"])

    def test_too_large(self):
        self.check(self.tenon("maps", "--max-memory=64K", "main.wasm"), 126, "", "--stack-size")
        self.check(self.tenon("maps", "--reserve=1T", "main.wasm"), 2, "", "--reserve takes a number of bytes")
        self.check(self.tenon("maps", "--reserve=8G", "main.wasm"), 126, "", "--reserve")

    def test_different_answers(self):
        self.check(self.tenon("maps", "--json", "-o", "x.svg", "main.wasm"), 2, "", "choose one")
        self.check(self.tenon("maps", "--output=", "main.wasm"), 2, "", "--output takes the name of a file")


class StackFor(MapsTest):
    def stack_for(self, *arguments):
        outcome = self.tenon("maps", "--stack-for", *arguments)
        self.check(outcome, 0)
        return int(outcome.out)

    def test_each_library_once(self):
        # libplug.so: 704 bytes, and at most 48 for its alignment. libdeep.so: 32. libc.so: 5008, needed by main.
        room = 704 + 48 + 32 + 5008
        least = 65536 + 1024
        self.fixed(needed=["libc.so"])
        self.assertEqual(self.stack_for("fixed.wasm", "libplug.so"), least + room)
        self.assertEqual(self.stack_for("fixed.wasm", "libplug.so", "./libplug.so", "libdeep.so", "libc.so"), least + room)
        self.assertEqual(self.stack_for("fixed.wasm", "liba.so"), least + 16 + 5008)
        self.assertEqual(self.stack_for("fixed.wasm"), least + 5008)

    def test_is_enough(self):
        low = 4096
        for size, code in ((self.enough(), 0), (self.enough() - 5008, 126)):
            self.fixed(symbols=f'(global (export "__stack_low") i32 (i32.const {low}))', pointer=low + size, needed=["liba.so"])
            self.assertEqual(self.tenon("run", "--place=stack", "fixed.wasm").code, code)
        self.fixed(symbols=f'(global (export "__stack_low") i32 (i32.const {low}))', pointer=low + self.enough(),
                   needed=["liba.so"])
        self.assertEqual([(r["kind"], r["owner"]) for r in
                          self.tenon("maps", "--json", "--place=stack", "fixed.wasm").json()["memory"]
                          if r["kind"] in ("data", "stack")],
                         [("data", "fixed.wasm"), ("data", "liba.so"), ("data", "libc.so"), ("stack", None)])

    def enough(self):
        self.fixed(symbols='(global (export "__stack_low") i32 (i32.const 4096))', pointer=8192, needed=["liba.so"])
        return self.stack_for("fixed.wasm")

    def test_the_stack_that_is_there_remains(self):
        stack_low = '(global (export "__stack_low") i32 (i32.const 1040))'
        self.fixed(symbols=stack_low, pointer=101040)
        self.assertEqual(self.stack_for("fixed.wasm", "liba.so"), 100000 + 16 + 5008)
        self.fixed(symbols=stack_low, pointer=1040 + 4096)
        self.assertEqual(self.stack_for("fixed.wasm", "liba.so"), 65536 + 16 + 5008)

    def test_position_independent_main(self):
        self.assertEqual(self.stack_for("main.wasm", "liba.so"), 1 << 20)
        self.assertEqual(self.stack_for("--stack-size=100000", "main.wasm", "libdeep.so"), 100000 + 32)


class Picture(MapsTest):
    def draw(self, *arguments):
        self.check(self.tenon("maps", "-o", "maps.svg", *arguments), 0, "")
        text = (self.directory / "maps.svg").read_text()
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        return text, ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]

    def test_has_everything(self):
        _, texts = self.draw("main.wasm")
        for text in ("gap", "stack", "main.wasm", "liba.so", "libc.so", "heap", "1.0 MiB", "00100400"):
            self.assertIn(text, texts)

    def test_many(self):
        names = [f"lib{i}.so" for i in range(300)]
        section = dylink(memory=(30000, 4))
        for name in names:
            (self.directory / name).write_bytes(b"\0asm\1\0\0\0" + section)
        self.library("many.wasm", '(func (export "_start"))', needed=names)
        _, texts = self.draw("many.wasm")
        for name in names:
            self.assertTrue(any(text.endswith("data of " + name) for text in texts), name)

    def test_hostile_names(self):
        name = "lib<script>&\"'\x1b\u202e]]>.so"
        (self.directory / name).write_bytes(b"\0asm\1\0\0\0" + dylink(memory=(3000000, 4)))
        self.library("hostile.wasm", '(func (export "_start"))', needed=[name])
        text, texts = self.draw("hostile.wasm")
        self.assertNotIn("<script", text)
        self.assertNotIn("\x1b", text)
        self.assertTrue(any("data of lib<script>&\"'\\x1b\ufffd]]>.so" in one for one in texts), texts)

    def test_cannot_be_written(self):
        self.check(self.tenon("maps", "-o", "missing/maps.svg", "main.wasm"), 1, "", "cannot write to missing/maps.svg")
