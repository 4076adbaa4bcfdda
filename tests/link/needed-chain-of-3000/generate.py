"""Writes 3,000 libraries, each of which needs the next one and calls it, as bytes: to compile them would take minutes."""

from dylink import Dylink, block, custom, section, text, unsigned, vector

COUNT = 3000
I32, FUNCTION_TYPE = b"\x7f", b"\x60"
LOCAL_GET, I32_CONST, CALL, I32_ADD, END = b"\x20", b"\x41", b"\x10", b"\x6a", b"\x0b"


def name(i: int) -> str:
    return f"lib{i}.so"


def library(i: int) -> bytes:
    """Exports f<i>() = 1 + f<i + 1>(); the last one returns 0."""
    dylink = Dylink()
    dylink.set(1, bytes(4))
    is_last = i == COUNT - 1
    if not is_last:
        dylink.set_needed([name(i + 1)])
    imports = [] if is_last else [text("env") + text(f"f{i + 1}") + b"\0" + unsigned(0)]
    code = I32_CONST + b"\0" if is_last else CALL + unsigned(0) + I32_CONST + b"\1" + I32_ADD
    return b"\0asm\1\0\0\0" + b"".join(
        [
            custom("dylink.0", dylink.content()),
            section(1, vector([FUNCTION_TYPE + vector([]) + vector([I32])])),
            section(2, vector(imports)),
            section(3, vector([unsigned(0)])),
            section(7, vector([text(f"f{i}") + b"\0" + unsigned(len(imports))])),
            section(10, vector([block(b"\0" + code + END)])),
        ]
    )


for i in range(COUNT):
    with open(name(i), "wb") as file:
        file.write(library(i))
