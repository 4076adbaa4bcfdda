"""Where things are, how what is measured is built, and how it is run."""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
KERNELS = BENCH / "kernels"
BUILD = ROOT / "build" / "bench"
RELEASE = ROOT / "build" / "release" / "bin"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tenon"
SYSROOT = pathlib.Path(os.environ.get("TENON_SYSROOT") or CACHE / "sysroot")
GUEST_LIBRARIES = SYSROOT / "lib" / "wasm32-wasip1"

TENON = RELEASE / "tenon"
OPEN_BENCHMARK = RELEASE / "tenon-bench-open"  # FILE: opens it twice in one process, prints first_ms and again_ms
TENON_CC = RELEASE / "tenon-cc" if (RELEASE / "tenon-cc").exists() else ROOT / "guest" / "tenon-cc"
TENON_CXX = TENON_CC.with_name("tenon-c++")
CLANG = os.environ.get("TENON_NATIVE_CLANG", "clang-19")
CLANGXX = CLANG.replace("clang", "clang++")
NODE = shutil.which("node")

# Ways to run a program, in the order of their turns. The last two are Tenon's.
RUNNERS = ["native", "node", "interpreted", "compiled"]
MODES = {"interpreted": "interp", "compiled": "aot"}  # of `tenon run --mode`

COMPILER = TENON.with_name("tenon-compile")

# The cache of images: nobody else's, and a new one for each compiler.
IMAGES = BUILD / "images" / (f"{COMPILER.stat().st_mtime_ns:x}" if COMPILER.exists() else "none")
os.environ["TENON_CACHE_DIR"] = str(IMAGES)

# All code by V8's optimising compiler, and before the program starts.
OPTIMISING = ["--no-liftoff", "--no-wasm-tier-up", "--no-wasm-lazy-compilation"]


class Failure(Exception):
    """Something that makes one benchmark fail, and not the others; rows that there are nevertheless."""

    def __init__(self, message, rows=()):
        super().__init__(message)
        self.rows = rows


# ---- Running --------------------------------------------------------------------------------------------------------


def run(command, timeout=300):
    """The standard output of a command that succeeds."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: not done after {timeout} seconds") from None
    except OSError as error:
        raise Failure(f"{' '.join(command)}: {error}") from None
    if done.returncode != 0:
        last_words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise Failure(f"{' '.join(command)}: exit status {done.returncode}\n{last_words}")
    return done.stdout


def values(output):
    """The `name value` lines of a program's output."""
    pairs = (line.split() for line in output.splitlines())
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def by_turns(rounds, forms, measure):
    """The values that `measure(command)` gives, by form, name and runner. `forms`: commands by form and runner."""
    samples = {}
    for _ in range(rounds):
        for form, commands in forms.items():
            for runner, command in commands.items():
                for name, value in measure(command).items():
                    samples.setdefault(form, {}).setdefault(name, {}).setdefault(runner, []).append(value)
    return samples


def check_same(name, forms):
    """Fails unless all forms of a program compute the same."""
    checks = {
        f"{form}, {runner}": values(run(command)).get("check")
        for form, commands in forms.items()
        for runner, command in commands.items()
    }
    if len(set(checks.values())) > 1 or None in checks.values():
        raise Failure(f"{name}: the results differ: {checks}")


# ---- Runners --------------------------------------------------------------------------------------------------------

_wanted = set(RUNNERS)


def want_runners(names):
    global _wanted
    _wanted = set(names)


@functools.cache
def modes():
    """The modes that this `tenon` has."""
    if not TENON.exists():
        return []
    words = run([TENON, "run", "--help"])
    found = [runner for runner, mode in MODES.items() if mode in words]
    return [runner for runner in found if runner != "compiled" or COMPILER.exists()]


def available(runner):
    if runner == "node":
        return bool(NODE) and runner in _wanted
    return runner == "native" or runner in modes() and runner in _wanted


def runners():
    return [runner for runner in RUNNERS if available(runner)]


def tenon_runners():
    return [runner for runner in MODES if available(runner)]


def in_tenon(runner, program, *options, arguments=(), libraries=GUEST_LIBRARIES):
    """The command that runs a program in Tenon, interpreted or compiled: if so, its images are there."""
    command = [TENON, "run", "--mode", MODES[runner], *options, "--library-path", libraries, program, *arguments]
    command = tuple(str(word) for word in command)
    if runner == "compiled":
        make_images(command)
    return list(command)


@functools.cache
def make_images(command):
    """Runs a program once, which compiles what has no image for this processor. Some programs wait for lines."""
    for old in (BUILD / "images").glob("*"):
        if old != IMAGES:
            shutil.rmtree(old)
    try:
        done = subprocess.run(
            command, input="\n" * 2, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=1800
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: not done after half an hour") from None
    refused = [line for line in done.stderr.splitlines() if " is interpreted" in line]
    if refused:
        raise Failure("\n".join([f"{' '.join(command)}: not all of it is compiled", *refused]))


@functools.cache
def node_options(optimising):
    # WASI is there only if asked in Node 18; what libc.so begins with is not yet on by default in Node 20.
    major = int(run([NODE, "--version"]).lstrip("v").split(".")[0])
    options = ["--no-warnings"]
    options += ["--experimental-wasi-unstable-preview1"] if major < 20 else []
    options += ["--experimental-wasm-extended-const"] if major < 21 else []
    return options + (OPTIMISING if optimising else [])


def in_node(program, optimising=True):
    """A plain WASI program in Node."""
    return [NODE, *node_options(optimising), BENCH / "run-in-node.mjs", program]


def linked_in_node(program):
    """A program with shared libraries in Node, linked as Emscripten's loader does."""
    return [NODE, *node_options(True), BENCH / "link-in-node.mjs", "-L", GUEST_LIBRARIES, program]


# ---- Building -------------------------------------------------------------------------------------------------------


def build(output, command, inputs):
    """Runs `command -o output` unless it was run already for the same contents of its inputs."""
    command = [str(word) for word in command]
    digest = hashlib.sha256("\0".join(command).encode())
    for file in [*inputs, TENON_CC]:
        digest.update(pathlib.Path(file).read_bytes())
    recipe = output.with_name(output.name + ".recipe")
    if not output.exists() or not recipe.exists() or recipe.read_text() != digest.hexdigest():
        output.parent.mkdir(parents=True, exist_ok=True)
        print(f"building {output.relative_to(ROOT)}", file=sys.stderr)
        run([*command, "-o", output], timeout=1200)
        recipe.write_text(digest.hexdigest())
    return output


def build_all(tasks):
    """Results of the tasks, in order; the compilers run side by side."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def write_source(name, generator, *arguments):
    """A generated source, touched only when it changes."""
    text = run([sys.executable, KERNELS / generator, *arguments])
    file = BUILD / name
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return file


def build_launch():
    source = BENCH / "launch.c"
    return build(BUILD / "native" / "launch", [CLANG, "-O2", "-static", source], [source])


@functools.cache
def fetched_sources():
    """Where the sources of zlib, SQLite and Lua are."""
    return pathlib.Path(run([ROOT / "guest" / "demo" / "fetch-sources"], timeout=1200).strip())


# ---- Libraries that several benchmarks use --------------------------------------------------------------------------

LIBRARY_FUNCTIONS = 3600


def build_guest_libadd():
    source = [KERNELS / "libadd.c"]
    return build(BUILD / "guest" / "libadd.so", [TENON_CC, "-O2", "-shared", "-nodefaultlibs", *source], source)


def build_native_libadd():
    source = [KERNELS / "libadd.c"]
    return build(BUILD / "native" / "libadd.so", [CLANG, "-O2", "-fPIC", "-shared", *source], source)


def build_guest_libbig():
    source = write_source("big.c", "gen_big.py", LIBRARY_FUNCTIONS)
    libadd = build_guest_libadd()
    # Without --no-gc-sections, a quarter of the functions, which nobody calls, would go.
    flags = ["-shared", "-nodefaultlibs", "-Wl,--no-gc-sections", f"-L{libadd.parent}", "-ladd"]
    return build(BUILD / "guest" / "libbig.so", [TENON_CC, "-O2", source, *flags], [source])


def build_native_libbig():
    source = write_source("big.c", "gen_big.py", LIBRARY_FUNCTIONS)
    libadd = build_native_libadd()
    flags = ["-fPIC", "-shared", f"-L{libadd.parent}", "-ladd", "-Wl,-rpath,$ORIGIN"]
    return build(BUILD / "native" / "libbig.so", [CLANG, "-O2", source, *flags], [source])


def megabytes(library):
    return f"{library.stat().st_size / 1e6:.2f} MB"
