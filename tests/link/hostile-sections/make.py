"""Libraries with counts and sizes that are far larger than the file."""

from pathlib import Path

from dylink import block, custom, module_of, section, sections, subsection, text, unsigned, vector

HUGE = 0xFFFFFFFF
I32, FUNCTION_TYPE, VALUE = b"\x7f", b"\x60", b"\x41\x07\x0b"
good = {
    "types": (1, vector([FUNCTION_TYPE + vector([]) + vector([I32])])),
    "functions": (3, vector([unsigned(0)])),
    "exports": (7, vector([text("value") + b"\0" + unsigned(0)])),
    "code": (10, vector([block(b"\0" + VALUE)])),
}


def module(**changed) -> bytes:
    parts = sorted((good | changed).values())
    return b"\0asm\1\0\0\0" + custom("dylink.0", subsection(1, bytes(4))) + b"".join(section(n, c) for n, c in parts)


def write(name: str, content: bytes) -> None:
    Path(name).mkdir()
    Path(name, "libvalue.so").write_bytes(content)


write("good", module())
for name, number in [("types", 1), ("imports", 2), ("functions", 3), ("tables", 4), ("globals", 6), ("exports", 7)]:
    write(f"{name}-count", module(**{name: (number, unsigned(HUGE))}))
for name, number in [("elements", 9), ("data", 11)]:
    write(f"{name}-count", module(**{name: (number, unsigned(HUGE))}))
write("code-count", module(code=(10, unsigned(HUGE) + block(b"\0" + VALUE))))
write("code-count-wrong", module(code=(10, vector([block(b"\0" + VALUE)] * 2))))
write("section-length", module()[:-2] + b"\0" + unsigned(HUGE))
write("body-length", module(code=(10, unsigned(1) + unsigned(HUGE) + b"\0" + VALUE)))
write("parameters", module(types=(1, unsigned(1) + FUNCTION_TYPE + unsigned(HUGE))))
write("locals", module(code=(10, vector([block(unsigned(1) + unsigned(HUGE) + I32 + VALUE)]))))
write("locals-sum", module(code=(10, vector([block(unsigned(3) + (unsigned(2_000_000_000) + I32) * 3 + VALUE)]))))
write("local-groups", module(code=(10, vector([block(unsigned(HUGE) + VALUE)]))))
write("branch-table", module(code=(10, vector([block(b"\0\x41\x00\x0e" + unsigned(HUGE) + b"\0\x0b")]))))
write("nested-blocks", module(code=(10, vector([block(b"\0" + b"\x02\x40" * 1_000_000 + b"\x0b" * 1_000_000 + VALUE)]))))
write("deep-operands", module(code=(10, vector([block(b"\0" + b"\x41\x00" * 1_000_000 + b"\x1a" * 1_000_000 + VALUE)]))))
write("name-length", module(exports=(7, unsigned(1) + unsigned(HUGE) + b"value")))
write("memory-of-its-own", module(memory=(5, vector([b"\0" + unsigned(65536)]))))
write("table-of-its-own", module(tables=(4, vector([b"\x70\0" + unsigned(HUGE)]))))
write("twice-exported", module(exports=(7, vector([text("value") + b"\0" + unsigned(0)] * 2))))
write("name-section", module() + custom("name", b"\1" + block(unsigned(HUGE))))
write("name-section-cut", module() + custom("name", b"\1" + unsigned(HUGE)))
