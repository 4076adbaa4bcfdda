"""Eight libraries that need liblibrary.so, and each the next one: two circles of four."""

import subprocess
from pathlib import Path


def build(number, *arguments):
    command = ["tenon-cc", "-pthread", "-shared", "-nodefaultlibs", f"-DNUMBER={number}", f"-DFUNCTION=part{number}"]
    subprocess.run([*command, "part.c", *arguments], check=True)


Path("stub").mkdir()
for number in range(8):  # to link the others with
    build(number, "-o", f"stub/libpart{number}.so")
for number in range(8):
    following = number - 3 if number % 4 == 3 else number + 1
    needed = ["-L.", "-llibrary", "-Lstub", f"-lpart{following}"]
    build(number, f"-DNEXT=part{following}", *needed, "-o", f"libpart{number}.so")
