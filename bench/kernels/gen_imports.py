#!/usr/bin/env python3
"""Writes the C source of a library of many small functions, or of its callers.

usage: gen_imports.py library COUNT > many.c     the functions, and `many_library_warm`, which calls all of them
       gen_imports.py calls COUNT > calls.h      `call_all`, which calls each of them once, in pieces of 100; with
                                                 INT_MIN it only goes through the pieces
"""

import sys

PIECE = 100


def name(index):
    return f"many_library_function_{index}"


def main():
    what, count = sys.argv[1], int(sys.argv[2])
    if what == "library":
        for i in range(count):
            print(f'__attribute__((visibility("default"), noinline)) int {name(i)}(int a) {{ return (a + {i}) ^ {i * 77 % 1009}; }}')
        print('__attribute__((visibility("default"))) int many_library_warm(int a) {')
        for i in range(count):
            print(f"  a = {name(i)}(a);")
        print("  return a;\n}")
        return
    print("extern int many_library_warm(int);")
    for i in range(count):
        print(f"extern int {name(i)}(int);")
    starts = range(0, count, PIECE)
    for start in starts:
        print(f"static __attribute__((noinline)) int call_from_{start}(int a) {{")
        print("  if (a == -2147483647 - 1) return a;")
        for i in range(start, min(start + PIECE, count)):
            print(f"  a = {name(i)}(a);")
        print("  return a;\n}")
    print("static __attribute__((noinline)) int call_all(int a) {")
    for start in starts:
        print(f"  a = call_from_{start}(a);")
    print("  return a;\n}")
    print(f"enum {{ call_count = {count}, piece_count = {min(PIECE, count)} }};")


if __name__ == "__main__":
    main()
