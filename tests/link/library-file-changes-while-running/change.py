"""Runs the program, and changes the file of its library in place while it waits.

Whatever is done to the file, the program does what it would have done, or something else that the changed code allows,
or traps and says that the module changed. It never ends in another way.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dylink

TMP = Path(os.environ["TMP"])
WHOLE = Path("liblibrary.so").read_bytes()
CODE = 10
SECONDS = 10


def run(mode: str, change) -> tuple[int | None, str, str]:
    """Exit code (none: it was still running and was stopped), what it printed after it was ready, and to stderr."""
    directory = Path(tempfile.mkdtemp(dir=TMP))
    library = directory / "liblibrary.so"
    library.write_bytes(WHOLE)
    command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "-L", str(directory), "main.wasm", mode]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if process.stdout.readline() != "ready\n":
        sys.exit(f"the program did not come to its waiting place: {process.communicate()}")
    change(library)
    try:
        stdout, stderr = process.communicate("\n", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, "", ""
    finally:
        shutil.rmtree(directory)
    return process.returncode, stdout, stderr


def write_at(library: Path, offset: int, data: bytes) -> None:
    with open(library, "r+b") as file:
        file.seek(offset)
        file.write(data)


def code_offset() -> int:
    """Of the first byte of the code section's contents."""
    reader = dylink.Reader(WHOLE)
    reader.position = 8
    while reader.byte() != CODE:
        reader.block()
    reader.unsigned()
    return reader.position


def replace(library: Path) -> None:
    other = library.with_suffix(".new")
    other.write_bytes(bytes(len(WHOLE)))
    os.replace(other, library)


def truncate(size: int):
    return lambda library: os.truncate(library, size)


def overwrite(offset: int, data: bytes):
    return lambda library: write_at(library, offset, data)


def check(what: str, got, *allowed) -> None:
    code, stdout, stderr = got
    for exit_code, text in allowed:
        if code == exit_code and text in stdout + stderr:
            return
    sys.exit(f"{what}: exit {code}\n{stdout}{stderr}")


UNCHANGED, CHANGED = (0, "630\n"), (134, "module changed on disk")
start = code_offset()
check("nothing changed", run("code", lambda library: None), UNCHANGED)
check("replaced by another file", run("code", replace), UNCHANGED)
check("removed", run("code", os.remove), UNCHANGED)
check("truncated to nothing", run("code", truncate(0)), UNCHANGED, CHANGED)
check("truncated in the code", run("code", truncate(start + 20)), UNCHANGED, CHANGED)
check("zeros", run("code", overwrite(0, bytes(len(WHOLE)))), UNCHANGED, CHANGED)
check("0xff", run("code", overwrite(start, b"\xff" * (len(WHOLE) - start))), UNCHANGED, CHANGED)
check("other names", run("code", overwrite(len(WHOLE) - 50, b"\xff" * 50)), UNCHANGED)
check("data, unchanged", run("data", lambda library: None), (0, "hello\n"))
check("data, truncated", run("data", truncate(0)), (0, "hello\n"), CHANGED)
check("trap, unchanged", run("trap", lambda library: None), (134, "liblibrary.so!early"))
check("trap, truncated", run("trap", truncate(0)), (134, "trap: unreachable"))
check("trap, zeros", run("trap", overwrite(0, bytes(len(WHOLE)))), (134, "trap: unreachable"))

generator = random.Random(1)
for attempt in range(int(sys.argv[1])):
    change = bytearray(WHOLE[start:])
    for _ in range(generator.randrange(1, 4)):
        change[generator.randrange(40)] = generator.choice([0, 1, 2, 0x0B, 0x20, 0x41, 0x6A, 0x7F, 0xFF, generator.randrange(256)])
    # Any end that a guest may have; a signal is not among them.
    code, stdout, stderr = run("code", overwrite(start, bytes(change)))
    if code is not None and code not in (0, 134):
        sys.exit(f"attempt {attempt} {bytes(change[:40]).hex()}: exit {code}\n{stdout}{stderr}")
print("the host is whole")
