"""Builds mains that say something else about their stack: the truth, and lies."""

import subprocess
from pathlib import Path

TEXT = Path("main.wat").read_text()
MAINS = {  # low, high, stack pointer; the memory has 262144 bytes
    "true": (0, 0x20000, 0x20000),
    "outside": (0, 0x10000000, 0x10000000),
    "at-the-end": (0, 0xFFFFFFFF, 0xFFFFFFFF),
    "upside-down": (0x20000, 0, 0x20000),
    "in-use": (0, 0x20000, 0x1800),
    "pointer-below": (0x8000, 0x28000, 0),
}
for name, (low, high, pointer) in MAINS.items():
    text = TEXT.replace("i32.const LOW", f"i32.const {low}").replace("i32.const HIGH", f"i32.const {high}")
    Path(f"{name}.wat").write_text(text.replace("i32.const POINTER", f"i32.const {pointer}"))
    subprocess.run(["wat2wasm", f"{name}.wat", "-o", f"{name}.wasm"], check=True)
