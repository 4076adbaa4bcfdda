"""Runs four programs at once that use the same libraries, all inside of main before the first goes on."""

import os
import subprocess

command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), "main.wasm"]
programs = [
    subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for number in range(4)
]
for program in programs:
    assert program.stdout.readline() == "ready\n"
for number, program in enumerate(programs):
    print(number, program.communicate("\n")[0].strip(), program.returncode)
