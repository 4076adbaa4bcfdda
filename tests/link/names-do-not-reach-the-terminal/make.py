"""Modules whose names have escape sequences and newlines in them, which must not be printed as they are."""

from pathlib import Path

from dylink import block, custom, section, subsection, text, unsigned, vector

EVIL = b"\x1b[31mred\nfake: line\x07"
HEADER = b"\0asm\1\0\0\0"
FUNCTION = b"\0"
NOTHING = b"\x60" + vector([]) + vector([])
CALL_FIRST, UNREACHABLE = b"\0\x10\2\x0b", b"\0\0\x0b"

body = b"".join(
    [
        section(1, vector([NOTHING])),
        section(2, vector([text("env") + text(EVIL) + FUNCTION + unsigned(0)])),
        section(3, vector([unsigned(0)] * 2)),
        section(7, vector([text("_start") + FUNCTION + unsigned(1), text(EVIL + b"2") + FUNCTION + unsigned(2)])),
        section(10, vector([block(CALL_FIRST), block(UNREACHABLE)])),
    ]
)
dylink = custom("dylink.0", subsection(1, bytes(4)))
names = custom("name", b"\1" + block(vector([unsigned(2) + text(EVIL)])))
Path("plain.wasm").write_bytes(HEADER + body + names)
Path("named.wasm").write_bytes(HEADER + dylink + body + names)
Path("exported.wasm").write_bytes(HEADER + dylink + body)
