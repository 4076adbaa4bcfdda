"""Libraries of 40 functions each, which call each other: first of second, and second of first."""

COUNT = 40
for name, other in (("first", "second"), ("second", "first")):
    with open(f"{name}.c", "w") as file:
        for i in range(COUNT):
            file.write(f"int {other}{i}(int depth);\n")
        for i in range(COUNT):
            file.write(f"int {name}{i}(int depth) {{ return depth == 0 ? {i} : {other}{COUNT - 1 - i}(depth - 1) + 1; }}\n")
with open("calls.h", "w") as file:
    for i in range(COUNT):
        file.write(f"int first{i}(int depth);\n")
    file.write("static int (*const functions[])(int) = {")
    file.write(", ".join(f"first{i}" for i in range(COUNT)) + "};\n")
    file.write("static int call_all(int depth) {\n  int sum = 0;\n")
    for i in range(COUNT):
        file.write(f"  sum += first{i}(depth);\n")
    file.write("  return sum;\n}\n")
