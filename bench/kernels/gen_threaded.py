#!/usr/bin/env python3
"""Writes the C source of one of many small libraries that have thread-local data.

usage: gen_threaded.py INDEX > threadedINDEX.c
"""

import sys

LIBRARY = """\
#define EXPORT __attribute__((visibility("default")))

static const char name[] = "the small library number {i}";
static _Thread_local int calls = {i};

static __attribute__((noinline)) int mix(int value) {{
  return (value * {factor} + name[value & 15]) ^ calls;
}}

EXPORT int threaded_entry(int value) {{
  calls++;
  return mix(mix(value));
}}
"""


def main():
    index = int(sys.argv[1])
    print(LIBRARY.format(i=index, factor=2 * index + 3), end="")


if __name__ == "__main__":
    main()
