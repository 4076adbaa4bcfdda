"""Broken copies of a main module and of a library."""

from pathlib import Path

main = Path("main.wasm").read_bytes()
library = Path("libvalue.so").read_bytes()

broken = {
    "empty": lambda whole: b"",
    "magic": lambda whole: b"\0asn" + whole[4:],
    "version": lambda whole: whole[:4] + b"\2\0\0\0" + whole[8:],
    "component": lambda whole: whole[:4] + b"\x0d\0\1\0" + whole[8:],
    "text": lambda whole: b"This is not a module.\n",
    "half": lambda whole: whole[: len(whole) // 2],
    "last-byte": lambda whole: whole[:-1],
    "elf": lambda whole: b"\x7fELF" + bytes(100),
    "magic-only": lambda whole: whole[:4],
}
for name, damage in broken.items():
    Path(f"main-{name}.wasm").write_bytes(damage(main))
    Path(name).mkdir()
    Path(name, "libvalue.so").write_bytes(damage(library))
