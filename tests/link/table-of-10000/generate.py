"""Writes a library with 10,000 functions whose addresses are in its data."""

count = 10_000
with open("many.c", "w") as file:
    for i in range(count):
        file.write(f"static int f{i}(int n) {{ return n + {i}; }}\n")
    file.write(f"int (*const functions[{count}])(int) = {{\n")
    file.write("".join(f"f{i},\n" for i in range(count)))
    file.write("};\n")
