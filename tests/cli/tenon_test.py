"""What the tests of the command share: running it, and making small modules from text."""

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

_tenon = None
_workspace = None


def use(binary):
    """Says which command is tested."""
    global _tenon
    _tenon = binary


def binary():
    """The command that is tested."""
    return Path(_tenon)


@contextlib.contextmanager
def workspace():
    """A directory for the modules, as long as the tests run."""
    global _workspace
    with tempfile.TemporaryDirectory(prefix="tenon-cli-") as directory:
        _workspace = Path(directory)
        yield


def leb128(number):
    result = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        if number == 0:
            return bytes(result + bytes([byte]))
        result.append(byte | 0x80)


def name(text):
    data = text.encode()
    return leb128(len(data)) + data


def vector(items):
    return leb128(len(items)) + b"".join(items)


def subsection(number, content):
    return bytes([number]) + leb128(len(content)) + content


def dylink(memory=(0, 0), table=(0, 0), needed=(), exports=None, imports=None, runtime_path=()):
    """The section dylink.0. Alignments are exponents; flags by symbol (imports: by module and symbol)."""
    content = name("dylink.0") + subsection(1, b"".join(map(leb128, (*memory, *table))))
    if needed:
        content += subsection(2, vector([name(library) for library in needed]))
    if exports:
        content += subsection(3, vector([name(symbol) + leb128(flags) for symbol, flags in exports.items()]))
    if imports:
        content += subsection(4, vector([name(module) + name(symbol) + leb128(flags)
                                         for (module, symbol), flags in imports.items()]))
    if runtime_path:
        content += subsection(5, vector([name(path) for path in runtime_path]))
    return b"\0" + leb128(len(content)) + content


def wat2wasm(text):
    cached = _workspace / ("cache-" + hashlib.sha256(text.encode()).hexdigest()[:24])
    if not cached.exists():
        source = _workspace / "source.wat"
        source.write_text(text)
        subprocess.run(["wat2wasm", "--debug-names", str(source), "-o", str(cached)], check=True)
    return cached.read_bytes()


# What every position-independent module imports.
PIC_IMPORTS = """
  (import "env" "memory" (memory 0))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (import "env" "__stack_pointer" (global $sp (mut i32)))
  (import "env" "__memory_base" (global $memory_base i32))
  (import "env" "__table_base" (global $table_base i32))
"""


class Outcome:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class TenonTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(dir=_workspace))

    def tenon(self, *arguments, environment=None, **options):
        """Runs the command in the test's directory, with no TENON_ variables but those given."""
        variables = {key: value for key, value in os.environ.items() if not key.startswith("TENON_")}
        variables.update(environment or {})
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stdin", subprocess.DEVNULL)
        return Outcome(subprocess.run([str(_tenon), *map(str, arguments)], cwd=self.directory, env=variables,
                                      stderr=subprocess.PIPE, text=True, timeout=60,
                                      check=False, **options))

    def module(self, file, text, section=b""):
        """Writes a module made of `text` and perhaps a section in front of all others."""
        binary = wat2wasm(f"(module {text})")
        path = self.directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(binary[:8] + section + binary[8:])
        return file

    def library(self, file, text, **dylink_options):
        """A shared library."""
        return self.module(file, PIC_IMPORTS + text, dylink(**dylink_options))

    def check(self, outcome, code, out=None, err=None):
        """`out` is the whole output; `err` is one or several texts in standard error."""
        self.assertEqual(outcome.code, code, outcome)
        if out is not None:
            self.assertEqual(outcome.out, out, outcome)
        if err is None:
            self.assertEqual(outcome.err, "", outcome)
        for text in [err] if isinstance(err, str) else err or []:
            self.assertIn(text, outcome.err)
        if err is not None:
            self.assertTrue(outcome.err.startswith("tenon: "), outcome)
