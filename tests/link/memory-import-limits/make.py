"""Libraries that import a memory that is larger, smaller or of another kind than others'."""

import sys
from pathlib import Path

from dylink import block, custom, module_of, section, subsection, text, unsigned, vector

I32, FUNCTION_TYPE = b"\x7f", b"\x60"


def library(limits: bytes) -> bytes:
    return b"\0asm\1\0\0\0" + b"".join(
        [
            custom("dylink.0", subsection(1, bytes(4))),
            section(1, vector([FUNCTION_TYPE + vector([]) + vector([I32])])),
            section(2, vector([text("env") + text("memory") + b"\2" + limits])),
            section(3, vector([unsigned(0)])),
            section(7, vector([text("value") + b"\0" + unsigned(0)])),
            section(10, vector([block(b"\0\x41\x07\x0b")])),
        ]
    )


def write(directory: str, limits: bytes) -> None:
    Path(directory).mkdir()
    (Path(directory) / "libvalue.so").write_bytes(library(limits))


write("small", b"\0" + unsigned(1))
write("large", b"\0" + unsigned(2000))
write("whole", b"\0" + unsigned(65536))
write("tight", b"\1" + unsigned(1) + unsigned(2))
write("shared", b"\3" + unsigned(1) + unsigned(65536))
