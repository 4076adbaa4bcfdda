"""Runs a program with its library cut off after every byte: each must be refused, none may end the host otherwise."""

import os
import subprocess
import sys
from pathlib import Path

from dylink import Reader

whole = Path("libvalue.so").read_bytes()
library = Path(os.environ["TMP"], "libvalue.so")
command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "-L", str(library.parent), "main.wasm"]

# Cut between two sections, what is left is a smaller module: without its code, its symbol or its data.
ends = [8]
reader = Reader(whole)
reader.position = 8
while reader.more():
    reader.byte()
    reader.block()
    ends.append(reader.position)

lengths = range(0, len(whole), int(sys.argv[1]))
wrong = 0
for length in lengths:
    library.write_bytes(whole[:length])
    done = subprocess.run(command, capture_output=True, text=True)
    refused = done.returncode == 126 and str(library) in done.stderr
    if not (done.returncode in (0, 126, 134) if length in ends else refused):
        wrong += 1
        print(f"{length} bytes: exit {done.returncode}: {done.stderr}")
print(f"{wrong} wrong of {len(lengths)}" if wrong else "all refused")
