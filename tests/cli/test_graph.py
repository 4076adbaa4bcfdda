"""`tenon graph`."""

import re
import xml.etree.ElementTree

from tenon_test import TenonTest, dylink

SVG = "{http://www.w3.org/2000/svg}"
HEADER = b"\0asm\1\0\0\0"


def section(number, content):
    return bytes([number, len(content)]) + content


# A function `__wasm_call_ctors` that is not empty.
CONSTRUCTOR = (section(1, b"\x01\x60\x00\x00") + section(3, b"\x01\x00")
               + section(7, b"\x01\x11__wasm_call_ctors\x00\x00") + section(10, b"\x01\x03\x00\x01\x0b"))


class Graph(TenonTest):
    def library_of(self, file, *needed, lazy=False):
        """A library without anything but what it needs, and, unless it may be put off, a constructor."""
        (self.directory / file).write_bytes(HEADER + dylink(needed=needed) + (b"" if lazy else CONSTRUCTOR))

    def main(self, *needed):
        self.library("main.wasm", '(func (export "_start"))', needed=needed)

    def draw(self, *options, code=0):
        """The picture's text, and the texts in it."""
        outcome = self.tenon("graph", *options, "main.wasm")
        self.check(outcome, code)
        root = xml.etree.ElementTree.fromstring(outcome.out)
        self.assertEqual(root.tag, SVG + "svg")
        self.check_boxes(root)
        return outcome.out, ["".join(element.itertext()) for element in root.iter(SVG + "text")]

    def check_boxes(self, root):
        """Nodes lie inside of the picture, and none over another."""
        width, height = (float(root.get(side)) for side in ("width", "height"))
        boxes = []
        for group in root.iter(SVG + "g"):
            if group.find(SVG + "title") is not None:
                box = group.find(SVG + "rect")
                if box is not None:
                    boxes.append([float(box.get(key)) for key in ("x", "y", "width", "height")])
        self.assertTrue(boxes)
        for i, (x, y, w, h) in enumerate(boxes):
            self.assertTrue(x >= 0 and y >= 0 and x + w <= width and y + h <= height, (x, y, w, h))
            for other_x, other_y, other_w, other_h in boxes[:i]:
                self.assertFalse(x < other_x + other_w and other_x < x + w and y < other_y + other_h and other_y < y + h)

    def row_of(self, text, name):
        return float(re.search(rf'y="([0-9.]+)"[^>]*>{re.escape(name)}</text>', text)[1])

    def edges(self, text):
        return len(re.findall(r'<path d="M[^"]* C', text))

    def test_main_alone(self):
        self.main()
        _, texts = self.draw()
        self.assertIn("main.wasm: 0 libraries", texts)
        self.assertNotIn("not found", texts)

    def test_needs_go_down(self):
        self.main("liba.so", "libc.so")
        self.library_of("liba.so", "libb.so", "libc.so")
        self.library_of("libb.so", "libc.so")
        self.library_of("libc.so")
        text, texts = self.draw()
        self.assertIn("main.wasm: 3 libraries", texts)
        rows = [self.row_of(text, name) for name in ("main.wasm", "liba.so", "libb.so", "libc.so")]
        self.assertEqual(rows, sorted(set(rows)))
        self.assertEqual(self.edges(text), 5)

    def test_cycles(self):
        self.main("liba.so", "liba.so", "main.wasm")
        self.library_of("liba.so", "libb.so", "liba.so", "main.wasm")
        self.library_of("libb.so", "liba.so")
        text, _ = self.draw()
        self.assertEqual(self.edges(text), 2)

    def test_put_off(self):
        self.main("liba.so", "libb.so")
        self.library_of("liba.so")
        self.library_of("libb.so", lazy=True)
        _, texts = self.draw()
        self.assertIn("put off until it is used", texts)
        self.library_of("libb.so")
        _, texts = self.draw()
        self.assertNotIn("put off until it is used", texts)

    def test_missing(self):
        self.main("libgone.so", "liba.so")
        self.library_of("liba.so", "libgone.so")
        text, texts = self.draw(code=1)
        self.assertIn("main.wasm: 1 library, 1 not found", texts)
        self.assertEqual(texts.count("libgone.so"), 1)
        self.assertEqual(self.edges(text), 3)

    def test_opened_according_to_a_trace(self):
        self.main("liba.so")
        self.library_of("liba.so")
        (self.directory / "plugins").mkdir()
        self.library_of("plugins/libplug.so", "liba.so", "libdeep.so")
        self.library_of("plugins/libdeep.so")
        (self.directory / "t").write_text(
            "tenon trace 1\n"
            f"opened\tliba.so\tlibplug.so\t{self.directory.resolve()}/plugins/libplug.so\n"
            "failed\tmain.wasm\tlibnowhere.so\t\n")
        text, texts = self.draw("--trace", "t", "-L", "plugins", code=1)
        for one in ("libplug.so", "libdeep.so", "libnowhere.so", "opened at run time", "not found"):
            self.assertIn(one, texts)
        self.assertEqual(self.edges(text), 5)
        self.assertNotIn(str(self.directory), text)

    def test_search_options(self):
        self.main("libz.so")
        (self.directory / "lib").mkdir()
        self.library_of("lib/libz.so")
        self.library_of("libp.so")
        _, texts = self.draw("-L", "lib", "--preload", "./libp.so")
        self.assertIn("main.wasm: 2 libraries", texts)

    def test_output(self):
        self.main()
        self.check(self.tenon("graph", "-o", "graph.svg", "main.wasm"), 0, "")
        self.assertEqual((self.directory / "graph.svg").read_text(), self.tenon("graph", "main.wasm").out)
        self.check(self.tenon("graph", "-o", "missing/graph.svg", "main.wasm"), 1, "", "cannot write to missing/graph.svg")
        self.check(self.tenon("graph", "main.wasm", "main.wasm"), 2, "", "one: tenon graph")

    def test_hostile_names(self):
        names = ["lib<script>alert(1)</script>.so", "lib\"onload='x'&.so", "a]]>b", "lib\x1b[2J\u202egpj.so", "x" * 4000,
                 "\n\t\r", "\u5e93" * 100, "main.wasm<!--"]
        self.main(*names)
        text, texts = self.draw(code=1)
        self.assertNotIn("<script", text)
        self.assertFalse(re.search(r'="[^"]*onload', text))
        for forbidden in ("\x1b", "\u202e", "<!--", "]]>"):
            self.assertNotIn(forbidden, text)
        self.assertIn("lib\\x1b[2J\ufffdgpj.so", texts)
        self.assertIn("\\x0a\\x09\\x0d", texts)

    def test_many_that_need_one(self):
        names = [f"lib{i}.so" for i in range(300)]
        for i, name in enumerate(names):
            self.library_of(name, "libc.so", *names[i + 1:i + 2])
        self.library_of("libc.so")
        self.main(*names, "libc.so")
        text, texts = self.draw()
        self.assertIn("needs libc.so, as 301 do", texts)
        self.assertIn("needed by main.wasm, as 300 are", texts)
        for name in names:
            self.assertIn(name, texts)
        self.assertEqual(self.edges(text), 299)

    def test_dense(self):
        names = [f"lib{i}.so" for i in range(60)]
        for i, name in enumerate(names):
            self.library_of(name, *[other for j, other in enumerate(names) if (i * 7 + j * 3) % 5 == 0])
        self.main(*names)
        self.draw()
