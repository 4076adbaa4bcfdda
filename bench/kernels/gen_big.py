#!/usr/bin/env python3
"""Writes the C source of a large library, always the same one for the same size. It is what opening is measured with:
functions with the loops, switches, calls, tables and strings of real ones, some exported, some calling another library.

usage: gen_big.py FUNCTIONS > big.c          (with 3600 the library has 1.6 MB)
       gen_big.py FUNCTIONS NAME > name.c    (one of many: names begin with NAME_, and it calls no other library)
"""

import contextlib
import io
import random
import sys

EXPORTED = '__attribute__((visibility("default")))'
HIDDEN = '__attribute__((visibility("hidden"), noinline))'


def linkage(index):
    return EXPORTED if index % 5 == 0 else HIDDEN


def function(index, rng):
    k = [rng.randrange(1, 1 << 20) for _ in range(12)]
    callees = [rng.randrange(0, index) if index else 0 for _ in range(3)]
    lines = [
        f"{linkage(index)} int big_f{index}(int a, int b) {{",
        f"  int s = a ^ {k[0]};",
        f"  for (int i = 0; i < (b & 15); i++) s = s * {k[1] | 1} + (big_state[(s ^ i) & 255] ^ {k[2]});",
        "  switch ((unsigned)s % 5) {",
        f"    case 0: s += big_state[{k[3] % 256}]; break;",
        f"    case 1: s ^= b * {k[4]}; break;",
        f"    case 2: s -= (b >> 3) + {k[5]}; break;",
        f"    case 3: s |= {k[6]}; break;",
        f"    default: s = ~s + {k[7]};",
        "  }",
    ]
    if index:
        lines.append(f"  if (s & 1) s += big_f{callees[0]}(s >> 4, b >> 1);")
        lines.append(f"  else if (b > {k[8] % 100000}) s ^= big_f{callees[1]}(s, b - 1);")
    if index % 7 == 0:
        lines.append("  s = add(s, b);")
    if index % 11 == 0:
        lines.append(f"  e{index % 5} += s;")
    lines.append(f"  big_state[(s + {k[9]}) & 255] += s ^ (int)(((long long)s * {k[10]}) >> {1 + k[11] % 20});")
    lines.append("  return s;")
    lines.append("}")
    return "\n".join(lines)


def source(count, is_alone):
    rng = random.Random(42)
    if is_alone:
        print("static int e0, e1, e2, e3, e4;")
        print("static int add(int a, int b) { return a + b; }")
    else:
        print("extern int add(int, int);")  # of libadd.c
        print("extern int e0, e1, e2, e3, e4;")
    for i in range(count):
        print(f"{linkage(i)} int big_f{i}(int a, int b);")
    for i in range(count // 10):
        print(f'static const char s{i}[] = "string constant number {i} of the synthetic library";')
    strings = ", ".join(f"s{i}" for i in range(count // 10))
    table = ", ".join(f"big_f{i}" for i in range(0, count, 4))
    print("typedef int (*Function)(int, int);")
    print(f"{EXPORTED} const char* const big_strings[] = {{{strings}}};")
    print(f"{EXPORTED} Function const big_table[] = {{{table}}};")
    print(f"{EXPORTED} int big_state[256];")
    for i in range(count):
        print(function(i, rng))
    print(f"{EXPORTED} int big_entry(int a, int b) {{ return big_table[a & 7](a, b) + big_strings[1][3]; }}")


def main():
    if len(sys.argv) < 3:
        source(int(sys.argv[1]), False)
        return
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        source(int(sys.argv[1]), True)
    print(text.getvalue().replace("big_", sys.argv[2] + "_"), end="")


if __name__ == "__main__":
    main()
