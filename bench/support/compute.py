"""What Tenon's code computes: kernels of our own, and SQLite, zlib and Lua."""

import dataclasses
import functools
import math
import pathlib

from results import Row, geometric_mean
from tools import (
    BUILD,
    CLANG,
    KERNELS,
    TENON_CC,
    Failure,
    build,
    build_all,
    by_turns,
    fetched_sources,
    in_node,
    in_tenon,
    run,
    runners,
    tenon_runners,
    values,
)

# Time as a multiple of native, interpreted.
INTERPRETED_BARS = {"fannkuch": 7.5, "quicksort": 7.5, "nbody": 14.5, "sha256": 15, "coremark-mix": 9, "sqlite": 25}
# The same compiled: for each, and for all. No more than V8's optimising compiler needs, for all.
COMPILED_BAR, MATRIX_BAR, MEAN_BAR, MEAN_V8_BAR = 1.6, 1.4, 1.3, 1
LINKED_BAR = 1.05  # linked dynamically, as a multiple of linked statically

MATRIX_KERNELS = ["gemm", "2mm", "atax", "mvt", "jacobi-2d", "lu", "floyd-warshall"]
SOFTWARE = ["sqlite", "zlib", "lua"]  # kernels that need the sources of others
VECTOR_KERNELS = ["blend"]  # v128; not in the mean of all
NAMES = [*INTERPRETED_BARS, *MATRIX_KERNELS, "zlib", "lua", *VECTOR_KERNELS]

MEASURED_MILLISECONDS = 400  # native; the interpreter does a single round


@dataclasses.dataclass
class Software:
    """The library that a kernel is about, if that is not its own."""

    sources: list[pathlib.Path] = dataclasses.field(default_factory=list)
    flags: list[str] = dataclasses.field(default_factory=list)
    guest_flags: list[str] = dataclasses.field(default_factory=list)
    guest_libraries: list[str] = dataclasses.field(default_factory=list)


def software(name):
    if name in VECTOR_KERNELS:
        return Software(guest_flags=["-msimd128"])
    if name not in SOFTWARE:
        return Software()
    folder = fetched_sources() / {"sqlite": "sqlite3"}.get(name, name)
    flags = [f"-I{folder}"]
    if name == "sqlite":
        flags += ["-DSQLITE_OS_OTHER", "-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL"]
        return Software([folder / "sqlite3.c"], flags)
    if name == "zlib":
        return Software(sorted(folder.glob("*.c")), [*flags, "-DHAVE_UNISTD_H", "-Wno-deprecated-non-prototype"])
    # Without what opens files and libraries. Hashes have the same seed, so that tables are gone through in the same order.
    left_out = ["lua.c", "luac.c", "linit.c", "liolib.c", "loslib.c", "loadlib.c", "ldblib.c"]
    sources = [file for file in sorted(folder.glob("*.c")) if file.name not in left_out]
    flags += [f"-I{KERNELS / 'lua'}", "-Dluai_makeseed(L)=0x5eed"]
    # Lua's errors are longjmps.
    guest_flags = ["-mllvm", "-wasm-enable-sjlj", "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS"]
    return Software(sources, flags, guest_flags, ["-lsetjmp", "-lwasi-emulated-process-clocks"])


def build_kernel(name, form):
    """The program of a kernel. Forms: `native`; `plain`, in WebAssembly, without dynamic linking and what it costs; and
    `guest`, with libc.so."""
    needs = software(name)
    sources = [KERNELS / f"{name.replace('-', '_')}.c", *needs.sources]
    inputs = [*sources, KERNELS / "measure.h", KERNELS / "matrix.h"]
    if form == "native":
        command = [CLANG, "-O2", "-march=native", *needs.flags, *sources, "-lm"]
        return build(BUILD / "native" / name, command, inputs)
    flags = [*needs.flags, *needs.guest_flags]
    libraries = [*needs.guest_libraries, "-lm"]
    if form == "plain":
        command = [TENON_CC, "-O2", "-fno-pic", "-no-pie", *flags, *sources, "-Wl,-Bstatic", *libraries]
        return build(BUILD / "plain" / f"{name}.wasm", command, inputs)
    return build(BUILD / "guest" / f"{name}.wasm", [TENON_CC, "-O2", *flags, *sources, *libraries], inputs)


def build_shared(name, is_guest):
    """A kernel that needs its software as a shared library."""
    needs = software(name)
    main = KERNELS / f"{name}.c"
    folder = BUILD / ("guest" if is_guest else "native") / "shared"
    if is_guest:
        compiler = [TENON_CC, "-O2", *needs.flags, *needs.guest_flags]
        libraries, suffix = needs.guest_libraries, ".wasm"
    else:
        compiler, libraries, suffix = [CLANG, "-O2", "-march=native", "-fPIC", *needs.flags], ["-lm"], ""
    library = folder / f"lib{name}.so"
    build(library, [*compiler, "-shared", *needs.sources, *libraries], needs.sources)
    link = [f"-L{folder}", f"-l{name}", *libraries, *([] if is_guest else ["-Wl,-rpath,$ORIGIN"])]
    return build(folder / f"{name}{suffix}", [*compiler, main, *link], [main, KERNELS / "measure.h", library])


def rounds_of(native):
    """How many rounds take long enough to be measured."""
    return max(1, math.ceil(MEASURED_MILLISECONDS / values(run([native]))["ms"]))


def measure(name, runs, forms):
    """Samples of milliseconds by form and runner. `forms`: commands, by the same."""
    checks = {}

    def one(command):
        output = values(run(command))
        if "check" not in output or "ms" not in output:
            raise Failure(f"{' '.join(map(str, command))}: printed neither `check` nor `ms`")
        checks[" ".join(map(str, command))] = output["check"]
        return {"ms": output["ms"]}

    samples = by_turns(runs, forms, one)
    if len(set(checks.values())) > 1:
        raise Failure(f"{name}: the results differ: {checks}")
    return {form: samples[form]["ms"] for form in samples}


def with_rounds(commands, rounds):
    return {
        runner: [*command, "1" if runner == "interpreted" else str(rounds)] for runner, command in commands.items()
    }


def kernel(name, runs):
    """How long one kernel takes; it measures itself, so the start of the process does not count."""
    needed = ["native", *(["plain"] if "node" in runners() else []), *(["guest"] if tenon_runners() else [])]
    built = dict(zip(needed, build_all([functools.partial(build_kernel, name, form) for form in needed])))
    commands = {"native": [built["native"]]}
    if "plain" in built:
        commands["node"] = in_node(built["plain"])
    for runner in tenon_runners():
        commands[runner] = in_tenon(runner, built["guest"])
    samples = measure(name, runs, {"": with_rounds(commands, rounds_of(built["native"]))})[""]
    row = Row(name, "ms", samples)
    if name in INTERPRETED_BARS and "interpreted" in commands:
        row.hold("interpreted", INTERPRETED_BARS[name])
    if "compiled" in commands:
        row.hold("compiled", MATRIX_BAR if name in MATRIX_KERNELS else COMPILED_BAR)
        if "interpreted" in commands:
            row.also["× compiled, interpreted"] = row.ratio("interpreted", "compiled")
    return [row]


def compute(runs):
    """All kernels, and their geometric mean."""
    rows, failures = [], []
    for name in NAMES:
        try:
            rows += kernel(name, runs)
        except Failure as failure:
            failures.append(f"{name}: {failure}")
    usual = [row for row in rows if row.name not in VECTOR_KERNELS]
    ratios = {runner: [row.ratio(runner) for row in usual] for runner in runners()}
    means = {runner: [geometric_mean(of_runner)] for runner, of_runner in ratios.items() if of_runner}
    mean = Row(f"geometric mean of {len(usual)}", "× native", means)
    if "compiled" in means:
        mean.hold("compiled", MEAN_BAR)
        mean.hold("compiled", MEAN_V8_BAR, "× V8")
    rows.append(mean)
    if failures:
        raise Failure("\n".join(failures), rows)
    return rows


def linked(runs):
    """The same programs linked dynamically, with a shared library, and statically."""
    rows = []
    forms_of = {"linked dynamically": (build_shared, True), "linked statically": (build_kernel, "plain")}
    for name in SOFTWARE:
        native = {"linked dynamically": build_shared(name, False), "linked statically": build_kernel(name, "native")}
        rounds = rounds_of(native["linked statically"])
        forms = {}
        for form, (builder, how) in forms_of.items():
            commands = {"native": [native[form]]}
            if tenon_runners():
                program = builder(name, how)
                commands |= {runner: in_tenon(runner, program) for runner in tenon_runners()}
            forms[form] = with_rounds(commands, rounds)
        samples = measure(name, runs, forms)
        dynamic, static = (Row(f"{name}, {form}", "ms", samples[form]) for form in forms)
        if "compiled" in tenon_runners():
            measured = dynamic.over(static, "compiled")
            dynamic.hold("compiled", LINKED_BAR, "× linked statically", measured)
        for runner in runners():
            if runner in ("native", "interpreted"):
                dynamic.also[f"× linked statically, {runner}"] = dynamic.over(static, runner)
        rows += [dynamic, static]
    return rows
