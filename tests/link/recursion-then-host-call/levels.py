"""Runs the program at ever finer steps around the depth where the call stack ends: up to there it answers, beyond it traps."""

import os
import subprocess
import sys

command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "main.wasm"]


def survives(levels: int) -> bool:
    done = subprocess.run([*command, str(levels)], capture_output=True, text=True)
    if done.returncode == 0 and done.stdout == "bottom\nback\n":
        return True
    if done.returncode == 134 and "call stack exhausted" in done.stderr:
        return False
    sys.exit(f"{levels} levels: exit {done.returncode}\n{done.stdout}{done.stderr[:2000]}")


good, bad = 1000, 50_000_000
if not survives(good) or survives(bad):
    sys.exit(f"{good} levels must work and {bad} must not")
while bad - good > 1:
    middle = (good + bad) // 2
    good, bad = (middle, bad) if survives(middle) else (good, middle)
for levels in range(bad - 40, bad + 40):
    survives(levels)
print("an answer or a trap at every depth")
