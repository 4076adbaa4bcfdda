"""Builds a library for each alignment from 1 to 65536, each in two files."""

import shutil
import subprocess

for exponent in range(17):
    name = f"lib0{exponent}.so"
    command = ["tenon-cc", "-shared", "-nodefaultlibs", f"-DALIGNED={1 << exponent}", "library.c", "-o", name]
    subprocess.run(command, check=True)
    shutil.copy(name, f"lib1{exponent}.so")
