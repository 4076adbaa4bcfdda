"""Builds 300 libraries, each of which needs the next one, and a main module that needs them all."""

import os
import subprocess

COUNT = 300
names = [f"lib{i:03}" for i in range(COUNT)]
for i, name in enumerate(names):
    has_next = i + 1 < COUNT
    with open(f"{name}.c", "w") as file:
        if has_next:
            file.write(f"int sum_from_{i + 1}(void);\n")
        file.write(f"int number_{i} = {i};\nint* pointer_{i} = &number_{i};\nstatic char padding[1000] = {{1}};\n")
        file.write(f"int sum_from_{i}(void) {{ return padding[0] * *pointer_{i} + ")
        file.write(f"sum_from_{i + 1}(); }}\n" if has_next else "0; }\n")

# One compiler for all: it would take longer to start 300.
subprocess.run(["tenon-cc", "-c", "-O1", *(f"{name}.c" for name in names)], check=True)
flags = ["-shared", "--experimental-pic", "-Bdynamic", "--no-entry", "--export-if-defined=__wasm_call_ctors"]
flags += ["--export-dynamic", "--unresolved-symbols=import-dynamic"]
for i in reversed(range(COUNT)):
    inputs = [f"{names[i]}.o"] + ([f"{names[i + 1]}.so"] if i + 1 < COUNT else [])
    subprocess.run(["wasm-ld-19", *flags, *inputs, "-o", f"{names[i]}.so"], check=True)
    os.remove(f"{names[i]}.c")
    os.remove(f"{names[i]}.o")

with open("main.c", "w") as file:
    file.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
    file.writelines(f"int sum_from_{i}(void);\nextern int number_{i};\n" for i in range(COUNT))
    file.write("int main(void) {\n  long total = 0;\n  char* block = malloc(1000000);\n  memset(block, 255, 1000000);\n")
    file.writelines(f"  total += sum_from_{i}() + number_{i};\n" for i in range(0, COUNT, 10))
    file.write('  printf("%ld %d\\n", total, block[999999]);\n  return 0;\n}\n')
subprocess.run(["tenon-cc", "main.c", *(f"{name}.so" for name in names), "-o", "main.wasm"], check=True)
