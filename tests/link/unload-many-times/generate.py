"""Writes a library of more than 1 MB: 1,700 functions, whose addresses are in its data, and data of all kinds."""

functions = 1700
with open("library.c", "w") as file:
    for i in range(functions):
        file.write(f"int f{i}(int n) {{ int a = n + {i}, b = n ^ {i * 7}; for (int j = 0; j < n % 5; ++j) a += b * j + {i}; return a - b; }}\n")
    file.write(f"int (*const functions[])(int) = {{ {', '.join(f'f{i}' for i in range(functions))} }};\n")
    file.write(f"int numbers[100000] = {{ {', '.join(str(i * 2654435761 % 2147483647) for i in range(100000))} }};\n")
    file.write(
        "char zeros[300000];\n"
        "int use(int n) {\n"
        "  zeros[n % 300000] = 1;\n"
        f"  return functions[n % {functions}](n) + f7(n) + numbers[n % 100000];\n"
        "}\n"
    )
