"""Runs a program whose threads print: all lines are there, whole, and those of each thread in order."""

import os
import shlex
import subprocess

command = [os.environ["TENON"], "run", *shlex.split(os.environ["TENON_TEST_OPTIONS"]), "main.wasm", "print"]
done = subprocess.run(command, capture_output=True, text=True, timeout=60)
counts = [0] * 8
for line in done.stdout.splitlines():
    number = int(line.split()[0])
    if line != f"{number} says {counts[number]} and the same words in each line":
        raise SystemExit(f"this line is not whole, or comes too early: {line}")
    counts[number] += 1
print(done.returncode, done.stderr, counts)
