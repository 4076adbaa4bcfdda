"""A module with a type of the garbage collection proposal."""

from pathlib import Path

from dylink import section, vector

struct_with_one_field = b"\x5f" + vector([b"\x7f\0"])
Path("main.wasm").write_bytes(b"\0asm\1\0\0\0" + section(1, vector([struct_with_one_field])))
