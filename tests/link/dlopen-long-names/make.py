"""Writes a library whose function has a name of 3000 characters."""

from pathlib import Path

Path("library.c").write_text(f"int {'long_' * 600}(int number) {{\n  return number + 1;\n}}\n")
