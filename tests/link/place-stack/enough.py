"""Links the program with as much stack as the refusal says, and with less.

With exactly that, --place=stack has room for the library. With 16 bytes less, which is the next smaller stack there can
be, it is refused again, and says the same number.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TMP = Path(os.environ["TMP"])
RUN = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "--place=stack"]


def link(stack: int, options) -> Path:
    path = TMP / "main.wasm"
    words = ["tenon-cc", "-static", "main.c", f"-Wl,-z,stack-size={stack}", *options, "-ldl", "-o", str(path)]
    subprocess.run(words, check=True)
    return path


def opened(stack: int, library: str, options) -> tuple[bool, str]:
    done = subprocess.run([*RUN, "-L", ".", str(link(stack, options)), library], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"stack {stack}, {library}: exit {done.returncode}, {done.stderr}")
    return done.stdout == f"{library}: on the stack\n", done.stdout


for options in [], ["-Wl,--stack-first"]:
    for library in "libsmall.so", "liblarge.so", "libaligned.so":
        good, text = opened(65536, library, options)
        if good:
            sys.exit(f"{library} was put on a stack of 64 KiB, all of which must stay free")
        number = re.search(r"of the stack of 65536 bytes, 65536 have to stay free; link \S+ with -Wl,-z,stack-size=(\d+)", text)
        if not number:
            sys.exit(f"{library}: no advice in: {text}")
        enough = int(number.group(1))
        good, text = opened(enough, library, options)
        if not good:
            sys.exit(f"{library}: {enough} bytes of stack are not enough: {text}")
        good, text = opened(enough - 16, library, options)
        if good or f"stack-size={enough} " not in text:
            sys.exit(f"{library}: 16 bytes less than {enough}: {text}")
print("the number is right")
