"""Libraries whose dylink.0 section asks for what nobody can give, or lies about itself."""

from pathlib import Path

import dylink
from dylink import block, signed, subsection, text, unsigned, vector

good = Path("libvalue.so").read_bytes()
HUGE = 0xFFFFFFFF


def write(name: str, module: bytes) -> None:
    Path(name).mkdir()
    Path(name, "libvalue.so").write_bytes(module)


def with_info(name: str, *numbers: int) -> None:
    section, rest = dylink.split(good)
    section.set(dylink.MEM_INFO, b"".join(map(unsigned, numbers)))
    write(name, dylink.joined(section, rest))


def with_part(name: str, kind: int, content: bytes) -> None:
    section, rest = dylink.split(good)
    section.set(kind, content)
    write(name, dylink.joined(section, rest))


def with_section(name: str, content: bytes) -> None:
    _, rest = dylink.split(good)
    write(name, dylink.module_of([(0, text("dylink.0") + content), *rest]))


with_info("memory-size", HUGE, 2, 0, 0)
with_info("memory-alignment-31", 4, 31, 0, 0)
with_info("memory-alignment-32", 4, 32, 0, 0)
with_info("memory-alignment-huge", 4, HUGE, 0, 0)
with_info("table-size", 4, 2, HUGE, 0)
with_info("table-alignment-31", 4, 2, 1, 31)
with_info("table-alignment-huge", 4, 2, 0, HUGE)
with_info("all-huge", HUGE, 31, HUGE, 31)
with_info("memory-too-small", 0, 0, 0, 0)
with_info("short", 4, 2)
with_part("needed-count", dylink.NEEDED, unsigned(1_000_000_000) + text("libc.so"))
with_part("needed-count-huge", dylink.NEEDED, unsigned(HUGE))
with_part("needed-length", dylink.NEEDED, unsigned(1) + unsigned(HUGE) + b"libc.so")
with_part("needed-empty", dylink.NEEDED, vector([text("libc.so"), text("")]))
with_part("needed-zero-byte", dylink.NEEDED, vector([text("libc.so"), text(b"lib\0c.so")]))
with_part("needed-long", dylink.NEEDED, vector([text("libc.so"), text("x" * 60000)]))
with_part("needed-newline", dylink.NEEDED, vector([text("libc.so"), text("a\n\x1b[31mtenon: all is well")]))
with_part("needed-not-utf-8", dylink.NEEDED, vector([text("libc.so"), text(b"\xff\xfe")]))
with_part("needed-itself-missing", dylink.NEEDED, vector([text("."), text("..")]))
with_part("exports-count", dylink.EXPORT_INFO, unsigned(HUGE) + text("value"))
with_part("imports-count", dylink.IMPORT_INFO, unsigned(HUGE) + text("env"))
with_part("path-count", dylink.RUNTIME_PATH, unsigned(HUGE) + text("$ORIGIN"))
with_section("part-length", bytes([dylink.MEM_INFO]) + unsigned(HUGE) + bytes(4))
with_section("part-cut", bytes([dylink.MEM_INFO]) + unsigned(4) + bytes(3))
with_section("leb-endless", bytes([dylink.MEM_INFO]) + block(b"\x80" * 100))
with_section("leb-wide", bytes([dylink.MEM_INFO]) + block(b"\xff\xff\xff\xff\x7f" + bytes(3)))
section, rest = dylink.split(good)
write("not-first", dylink.module_of([*rest, (0, text("dylink.0") + section.content())]))
write("twice", dylink.module_of([(0, text("dylink.0") + section.content())] * 2 + rest))
