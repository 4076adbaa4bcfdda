"""Ends a program in one thread while others wait, in all ways. Standard input stays open and empty."""

import os
import shlex
import subprocess
import sys

WAITS = ("join", "semaphore", "condition", "mutex", "read", "sleep", "loop")
ENDS = {"exit": 5, "_exit": 6, "abort": 134, "trap": 134, "return": 7}
options = shlex.split(os.environ["TENON_TEST_OPTIONS"])
wrong = 0


def run(waits: str, ends: str, who: str) -> None:
    global wrong
    command = [os.environ["TENON"], "run", *options, "main.wasm", waits, ends, who]
    read_end, write_end = os.pipe()
    try:
        done = subprocess.run(command, stdin=read_end, capture_output=True, text=True, timeout=20)
        problems = []
        if done.returncode != ENDS[ends]:
            problems.append(f"exit {done.returncode}")
        if done.stdout != ("at exit\n" if ends in ("exit", "return") else ""):
            problems.append(f"it printed {done.stdout}")
        if ends == "trap":
            thread = ["end_in_thread", "wasi_thread_start"] if who == "main-waits" else ["main.wasm!main "]
            position = 0
            for name in ["unreachable", "fail_in_thread", "end_by", *thread]:
                position = done.stderr.find(name, position)
                if position < 0:
                    problems.append(f"{name} is not in its place in {done.stderr}")
                    break
        if ends in ("exit", "_exit", "return") and done.stderr:
            problems.append(done.stderr)
    except subprocess.TimeoutExpired:
        problems = ["it did not end"]
    os.close(read_end)
    os.close(write_end)
    for problem in problems:
        wrong += 1
        print(f"{' '.join(command[2:])}: {problem}")


for waits in WAITS:
    for ends in ENDS if waits == "loop" else ("exit", "trap"):
        for who in ("main-waits", "threads-wait"):
            if not (ends == "return" and who == "main-waits"):
                run(waits, ends, who)
for who in ("main-waits", "threads-wait"):
    run("join", "abort", who)
print("all" if wrong == 0 else "not all")
