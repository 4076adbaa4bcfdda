"""Writes modules for tests/fuzz/differential."""

import functools
import re
import shutil
import subprocess
import tempfile

I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
NAMES = {I32: "i32", I64: "i64", F32: "f32", F64: "f64", V128: "v128"}

PAGE = 65536
MAXIMUM_PAGES = 3
TABLE = 16
EPILOGUE = 0xC000  # where functions leave their locals
ELSE, END = b"\x05", b"\x0b"


@functools.cache
def unsigned(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@functools.cache
def signed(value):
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def as_signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def constant(kind, bits):
    """A constant, by its bits."""
    if kind == I32:
        return b"\x41" + signed(as_signed(bits, 32))
    if kind == I64:
        return b"\x42" + signed(as_signed(bits, 64))
    if kind == F32:
        return b"\x43" + bits.to_bytes(4, "little")
    if kind == V128:
        return b"\xfd\x0c" + bits.to_bytes(16, "little")
    return b"\x44" + bits.to_bytes(8, "little")


def vector(items):
    return unsigned(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + unsigned(len(content)) + content


class Function:
    def __init__(self, parameters, results, level):
        self.parameters = parameters
        self.results = results
        self.level = level  # it calls only functions of lower ones
        self.locals = []  # types, parameters not included
        self.code = []  # pieces: most are one instruction; pieces that must stay together are one
        self.calls = set()

    def copy(self, code):
        other = Function(self.parameters, self.results, self.level)
        other.locals = self.locals
        other.code = code
        return other


class Module:
    def __init__(self):
        self.types = []
        self.functions = []
        self.globals = []  # type, bits
        self.bases = []  # globals that never change: small numbers, for addresses
        self.table = []
        self.data = b""

    def copy(self, functions):
        other = Module()
        other.__dict__.update(self.__dict__)
        other.types = list(self.types)
        other.functions = functions
        return other

    def type_index(self, parameters, results):
        key = (tuple(parameters), tuple(results))
        if key not in self.types:
            self.types.append(key)
        return self.types.index(key)

    def result_types(self, function):
        return [NAMES[kind] for kind in integers(self.functions[function].results)]

    def wrapper(self, index):
        """A function that takes and gives floats as their bits, with all NaNs the same, and vectors as two numbers."""
        function = self.functions[index]
        code = b""
        n = 0
        for kind in function.parameters:
            code += b"\x20" + unsigned(n) + {F32: b"\xbe", F64: b"\xbf", V128: b"\xfd\x12"}.get(kind, b"")
            if kind == V128:
                n += 1
                code += b"\x20" + unsigned(n) + b"\xfd\x1e\x01"
            n += 1
        code += b"\x10" + unsigned(index)
        first = n
        for n in reversed(range(len(function.results))):
            code += b"\x21" + unsigned(first + n)
        for n, kind in enumerate(function.results):
            get = b"\x20" + unsigned(first + n)
            code += get
            if kind == V128:
                code += b"\xfd\x1d\x00" + get + b"\xfd\x1d\x01"
            if kind in (F32, F64):
                code += NAN[kind] + get + get + EQUAL[kind] + b"\x1b" + REINTERPRET[kind]
        return locals_of(function.results) + code + END

    def reset(self):
        """Memory and globals as at the beginning."""
        code = b"\x41\x00\x41\x00\x3f\x00\x41\x10\x74\xfc\x0b\x00"
        code += b"\x41\x00\x41\x00" + constant(I32, len(self.data)) + b"\xfc\x08\x00\x00"
        for n, (kind, bits) in enumerate(self.globals):
            if n not in self.bases:
                code += constant(kind, bits) + b"\x24" + unsigned(n)
        return locals_of([]) + code + END

    def hash(self):
        """One number of memory and globals."""
        pointer, value = b"\x00", b"\x01"
        step = b"\x85" + constant(I64, 0x9E3779B97F4A7C15) + b"\x7e" + constant(I64, 29) + b"\x89"
        code = b"\x03\x40\x20" + value
        for offset in range(0, 32, 8):
            code += b"\x20" + pointer + b"\x29\x03" + unsigned(offset) + step
        code += b"\x21" + value + b"\x20" + pointer + b"\x41\x20\x6a\x22" + pointer
        code += b"\x3f\x00\x41\x10\x74\x47\x0d\x00\x0b\x20" + value
        for n, (kind, _) in enumerate(self.globals):
            code += b"\x23" + unsigned(n)
            code += {I32: b"\xad", I64: b"", F32: b"\xbc\xad", F64: b"\xbd", V128: b"\xfd\x1d\x00"}[kind] + step
            if kind == V128:
                code += b"\x23" + unsigned(n) + b"\xfd\x1d\x01" + step
        return locals_of([I32, I64]) + code + END

    def bytes(self):
        count = len(self.functions)
        signatures = [self.type_index(f.parameters, f.results) for f in self.functions]
        signatures += [self.type_index(integers(f.parameters), integers(f.results)) for f in self.functions]
        signatures += [self.type_index((), ()), self.type_index((), (I64,))]
        bodies = [locals_of(f.locals) + b"".join(f.code) + END for f in self.functions]
        bodies += [self.wrapper(n) for n in range(count)] + [self.reset(), self.hash()]
        exports = [export(f"f{n}", 0, count + n) for n in range(count)]
        exports += [export("reset", 0, 2 * count), export("hash", 0, 2 * count + 1), export("memory", 2, 0)]
        types = [b"\x60" + vector([bytes([k]) for k in p]) + vector([bytes([k]) for k in r]) for p, r in self.types]
        return b"".join([
            b"\0asm\x01\0\0\0",
            section(1, vector(types)),
            section(3, vector([unsigned(n) for n in signatures])),
            section(4, vector([b"\x70\x00" + unsigned(TABLE)])),
            section(5, vector([b"\x01\x01" + unsigned(MAXIMUM_PAGES)])),
            section(6, vector([bytes([kind, n not in self.bases]) + constant(kind, bits) + END
                               for n, (kind, bits) in enumerate(self.globals)])),
            section(7, vector(exports)),
            section(9, vector([b"\x00\x41\x00\x0b" + vector([unsigned(n) for n in self.table])])),
            section(12, unsigned(1)),
            section(10, vector([unsigned(len(body)) + body for body in bodies])),
            section(11, vector([b"\x01" + unsigned(len(self.data)) + self.data])),
        ])

    def listing(self, function):
        """The function's text; what it calls is not in it."""
        if shutil.which("wasm2wat") is None:
            return []
        with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
            file.write(self.bytes())
            file.flush()
            text = subprocess.run(["wasm2wat", "--enable-tail-call", file.name], capture_output=True, text=True,
                                  check=False).stdout
        found = re.search(rf"^  \(func \(;{function};\).*?(?=^  \((?!local))", text, re.MULTILINE | re.DOTALL)
        return found[0].rstrip().splitlines() if found else []


def export(name, kind, index):
    return unsigned(len(name)) + name.encode() + bytes([kind]) + unsigned(index)


def integers(kinds):
    """What a wrapper has in their place."""
    found = []
    for kind in kinds:
        found += {F32: [I32], F64: [I64], V128: [I64, I64]}.get(kind, [kind])
    return found


def locals_of(kinds):
    groups = []
    for kind in kinds:
        if groups and groups[-1][1] == kind:
            groups[-1][0] += 1
        else:
            groups.append([1, kind])
    return vector([unsigned(count) + bytes([kind]) for count, kind in groups])


NAN = {F32: constant(F32, 0x7FC00000), F64: constant(F64, 0x7FF8000000000000)}
EQUAL = {F32: b"\x5b", F64: b"\x61"}
REINTERPRET = {F32: b"\xbc", F64: b"\xbd"}
