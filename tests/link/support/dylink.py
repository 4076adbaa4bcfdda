#!/usr/bin/env python3
"""Writes a module with another dylink.0 section: what no compiler emits, and what WAT cannot say.

usage: dylink.py MODULE [options] -o OUTPUT

A module without the section gets one. Options are applied in order; what they don't name stays as it is.
"""

import argparse
from pathlib import Path

MEM_INFO, NEEDED, EXPORT_INFO, IMPORT_INFO, RUNTIME_PATH = 1, 2, 3, 4, 5
HEADER = b"\0asm\1\0\0\0"
SECTION = "dylink.0"


def unsigned(value: int, width: int = 0) -> bytes:
    """LEB128, in at least `width` bytes."""
    encoded = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if value == 0 and len(encoded) + 1 >= width:
            return bytes(encoded + bytes([byte]))
        encoded.append(byte | 0x80)


def signed(value: int) -> bytes:
    encoded = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            return bytes(encoded + bytes([byte]))
        encoded.append(byte | 0x80)


def block(data: bytes) -> bytes:
    """With its length before it, as names and contents of sections are written."""
    return unsigned(len(data)) + data


def text(name) -> bytes:
    return block(name if isinstance(name, bytes) else name.encode())


def section(number: int, *content: bytes) -> bytes:
    return bytes([number]) + block(b"".join(content))


def custom(name: str, content: bytes) -> bytes:
    return section(0, text(name), content)


def vector(items) -> bytes:
    items = list(items)
    return unsigned(len(items)) + b"".join(items)


def subsection(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + block(content)


class Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def more(self) -> bool:
        return self.position < len(self.data)

    def byte(self) -> int:
        self.position += 1
        return self.data[self.position - 1]

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def block(self) -> bytes:
        length = self.unsigned()
        self.position += length
        return self.data[self.position - length : self.position]


def sections(module: bytes) -> list[tuple[int, bytes]]:
    """Number and content of each."""
    assert module[:8] == HEADER, "not a WebAssembly module"
    reader = Reader(module[8:])
    found = []
    while reader.more():
        number = reader.byte()
        found.append((number, reader.block()))
    return found


def module_of(all_sections) -> bytes:
    return HEADER + b"".join(section(number, content) for number, content in all_sections)


class Dylink:
    """The section as a list of subsections, in the order they have."""

    def __init__(self, content: bytes = b""):
        self.parts: list[tuple[int, bytes]] = []
        reader = Reader(content)
        while reader.more():
            kind = reader.byte()
            self.parts.append((kind, reader.block()))

    def get(self, kind: int) -> bytes:
        return next((content for other, content in self.parts if other == kind), b"\0")

    def set(self, kind: int, content: bytes) -> None:
        for i, (other, _) in enumerate(self.parts):
            if other == kind:
                self.parts[i] = (kind, content)
                return
        self.parts.append((kind, content))

    def mem_info(self) -> list[int]:
        """Memory size and alignment, table size and alignment; alignments are exponents of two."""
        reader = Reader(self.get(MEM_INFO))
        numbers = []
        while reader.more():
            numbers.append(reader.unsigned())
        return (numbers + [0] * 4)[:4]

    def needed(self) -> list[str]:
        reader = Reader(self.get(NEEDED))
        return [reader.block().decode() for _ in range(reader.unsigned())]

    def set_needed(self, names) -> None:
        self.set(NEEDED, vector(text(name) for name in names))

    def content(self) -> bytes:
        return b"".join(subsection(kind, content) for kind, content in self.parts)


def split(module: bytes) -> tuple[Dylink, list[tuple[int, bytes]]]:
    """The dylink.0 section, and all other sections."""
    rest = sections(module)
    if rest and rest[0][0] == 0:
        reader = Reader(rest[0][1])
        if reader.block() == SECTION.encode():
            return Dylink(rest[0][1][reader.position :]), rest[1:]
    return Dylink(), rest


def joined(dylink: Dylink, rest) -> bytes:
    return module_of([(0, text(SECTION) + dylink.content()), *rest])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path)
    parser.add_argument("-o", dest="output", type=Path, required=True)
    parser.add_argument("--memory", metavar="SIZE,ALIGNMENT", help="the alignment is an exponent of two")
    parser.add_argument("--table", metavar="SIZE,ALIGNMENT")
    parser.add_argument("--rename-needed", metavar="FROM=TO", action="append", default=[])
    parser.add_argument("--add-needed", metavar="NAME", action="append", default=[])
    parser.add_argument("--runtime-path", metavar="DIRECTORY", action="append", default=[])
    parser.add_argument("--weak-import", metavar="MODULE.NAME", action="append", default=[])
    parser.add_argument("--subsection", metavar="KIND=HEX", action="append", default=[], help="one more")
    options = parser.parse_args()

    dylink, rest = split(options.module.read_bytes())
    numbers = dylink.mem_info()
    if options.memory:
        numbers[:2] = map(int, options.memory.split(","))
    if options.table:
        numbers[2:] = map(int, options.table.split(","))
    dylink.set(MEM_INFO, b"".join(map(unsigned, numbers)))
    renamed = dict(rename.split("=", 1) for rename in options.rename_needed)
    needed = dylink.needed()
    assert renamed.keys() <= set(needed), f"needed are {needed}"
    needed = [renamed.get(name, name) for name in needed] + options.add_needed
    if needed:
        dylink.set_needed(needed)
    if options.runtime_path:
        dylink.set(RUNTIME_PATH, vector(map(text, options.runtime_path)))
    if options.weak_import:
        weak_and_undefined = 0x01 | 0x10
        dylink.set(
            IMPORT_INFO,
            vector(b"".join(map(text, name.rsplit(".", 1))) + unsigned(weak_and_undefined) for name in options.weak_import),
        )
    for extra in options.subsection:
        kind, content = extra.split("=")
        dylink.parts.append((int(kind), bytes.fromhex(content)))
    options.output.write_bytes(joined(dylink, rest))


if __name__ == "__main__":
    main()
