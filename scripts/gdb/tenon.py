"""Shows gdb the compiled guest code of a process that runs programs with Tenon.

    gdb -x scripts/gdb/tenon.py --args tenon run --mode aot program.wasm
    (gdb) tenon-symbols

Images are mapped by the runtime and not by the system's loader, so gdb does not look for them by itself. Afterwards
backtraces name guest functions, and, if the module was compiled with its debug information, source lines; breakpoints
can be set on them. Works on running processes and on cores.
"""

import gdb

MAGIC = b"\x7fTENONA1"  # the last bytes of an image


def mapped_files():
    """Files that are mapped from their beginning, with where that is."""
    for line in gdb.execute("info proc mappings", to_string=True).splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].startswith("0x") and words[-1].startswith("/"):
            start, offset = int(words[0], 16), int(words[3], 16)
            if offset == 0:
                yield words[-1], start


def is_image(path):
    try:
        with open(path, "rb") as file:
            file.seek(-len(MAGIC), 2)
            return file.read() == MAGIC
    except OSError:
        return False


class TenonSymbols(gdb.Command):
    """Reads the symbols of all compiled images that the process has mapped by now."""

    def __init__(self):
        super().__init__("tenon-symbols", gdb.COMMAND_FILES)
        self.known = set()

    def invoke(self, _argument, _from_tty):
        mapped = {image for image in mapped_files() if is_image(image[0])}
        for _path, start in self.known - mapped:
            gdb.execute(f"remove-symbol-file -a {start + 1:#x}", to_string=True)
        self.known &= mapped
        for path, start in sorted(mapped - self.known):
            gdb.execute(f"add-symbol-file '{path}' -o {start:#x}", to_string=True)
            self.known.add((path, start))
        print(f"{len(self.known)} compiled modules")


TenonSymbols()
