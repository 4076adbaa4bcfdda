#!/usr/bin/env python3
"""Writes the C source of one of many small libraries, or of a program that calls a function of each.

usage: gen_small.py library INDEX > smallINDEX.c
       gen_small.py program COUNT > many.c
"""

import sys

LIBRARY = """\
#define EXPORT __attribute__((visibility("default")))

EXPORT const char small{i}_name[] = "the small library number {i}";
EXPORT int small{i}_calls;

static __attribute__((noinline)) int mix(int value) {{
  return (value * {factor} + small{i}_name[value & 15]) ^ small{i}_calls;
}}

EXPORT int small{i}_twice(int value) {{
  return mix(mix(value));
}}

static int (*const steps[])(int) = {{mix, small{i}_twice}};

EXPORT int small{i}_entry(int value) {{
  small{i}_calls++;
  return steps[value & 1](value);
}}
"""


def main():
    what, number = sys.argv[1], int(sys.argv[2])
    if what == "library":
        print(LIBRARY.format(i=number, factor=2 * number + 3), end="")
        return
    print('#include "mini.h"\n')
    for i in range(number):
        print(f"extern int small{i}_entry(int value);")
    print("\nPROGRAM {\n  int value = 1;")
    for i in range(number):
        print(f"  value = small{i}_entry(value);")
    print('  print_value("check", (uint32_t)value);\n  PROGRAM_END;\n}')


if __name__ == "__main__":
    main()
