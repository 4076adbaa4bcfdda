"""Runs a program with its library cut off after every byte: each must be refused, none may end the host otherwise."""

import os
import subprocess
import sys
from pathlib import Path

whole = Path("libvalue.so").read_bytes()
library = Path(os.environ["TMP"], "libvalue.so")
command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "-L", str(library.parent), "main.wasm"]
lengths = range(0, len(whole), int(sys.argv[1]))
wrong = 0
for length in lengths:
    library.write_bytes(whole[:length])
    done = subprocess.run(command, capture_output=True, text=True)
    # Cut between two sections, what is left is a smaller module: it decodes, but lacks code or the symbol.
    if done.returncode not in (126, 134) or str(library) not in done.stderr and "value" not in done.stderr:
        wrong += 1
        print(f"{length} bytes: exit {done.returncode}: {done.stderr}")
print(f"{wrong} wrong of {len(lengths)}" if wrong else "all refused")
