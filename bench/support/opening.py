"""Libraries that are opened while a program runs: how long that takes, the first time and later, and what stays."""

import contextlib
import os
import pathlib
import re
import subprocess

from results import Row
from tools import (
    BENCH,
    CLANG,
    IMAGES,
    KERNELS,
    NODE,
    OPEN_BENCHMARK,
    TENON_CC,
    Failure,
    available,
    build,
    build_guest_libadd,
    build_guest_libbig,
    build_native_libadd,
    build_native_libbig,
    by_turns,
    check_same,
    in_tenon,
    megabytes,
    run,
    tenon_runners,
    values,
)

OPEN_FIRST_BAR = 2  # interpreted: opening a large library, as a multiple of V8's validation of it
OPEN_AGAIN_BAR = 0.1  # interpreted: opening it again in the same process, as a multiple of the first time
OPEN_COMPILED_BAR = 2  # compiled: dlopen and dlsym for the first time, as a multiple of native
ROUND_BAR = 1.1  # opening and closing after thousands of times, as a multiple of the second thousand
ROUND_MEMORY_BAR = 1.05  # the process's memory in the end, as a multiple of that after the first thousand
GUEST_MEMORY_BAR = 1  # the program's memory in the end, as a multiple of that after the first round
FURTHER_BAR = 1.5  # compiled: memory of each further library, as a multiple of native
IMAGE_DIRTY_BAR = 0  # KiB of images that a process has for itself

FIRST_OPEN_RUNS = 20  # processes for each run of a kernel
OPEN_MANY = 4


def opening(runs):
    """How long it takes to open a large library, the first time and again."""
    library = build_guest_libbig()
    size = megabytes(library)
    first, again = {}, {}
    for _ in range(runs):
        if available("node"):
            output = values(run([NODE, "--no-warnings", BENCH / "validate-in-node.mjs", library]))
            first.setdefault("node", []).append(output["validate_ms"])
        if OPEN_BENCHMARK.exists() and available("interpreted"):
            output = values(run([OPEN_BENCHMARK, library]))
            first.setdefault("interpreted", []).append(output["first_ms"])
            again.setdefault("interpreted", []).append(output["again_ms"])
    first_row, again_row = Row(f"open {size}", "ms", first), Row(f"open {size} again", "ms", again)
    if again:
        first_row.hold("interpreted", OPEN_FIRST_BAR, "× validate", first_row.ratio("interpreted", "node"))
        again_row.hold("interpreted", OPEN_AGAIN_BAR, "× first", again_row.over(first_row))
    return [first_row, again_row]


def open_first(runs):
    """dlopen and dlsym of a large library in a process that has never opened it; its files are in the page cache."""
    source = KERNELS / "open_first.c"
    native_library = build_native_libbig()
    flags = [build_native_libadd(), "-Wl,-rpath,$ORIGIN"]
    native = build(native_library.with_name("open_first"), [CLANG, "-O2", source, *flags], [source])
    commands = {"native": [native, "libbig.so"]}
    size = ""
    if tenon_runners():
        library = build_guest_libbig()
        size = f" of {megabytes(library)}"
        flags = [f"-L{build_guest_libadd().parent}", "-ladd", "-ldl"]
        guest = build(library.with_name("open_first.wasm"), [TENON_CC, "-O2", source, *flags], [source])
        commands |= {runner: in_tenon(runner, guest, arguments=["libbig.so"]) for runner in tenon_runners()}
    check_same("open-first", {"": commands})
    samples = by_turns(runs * FIRST_OPEN_RUNS, {"": commands}, lambda command: values(run(command)))[""]
    row = Row(f"first dlopen and dlsym{size}", "µs", samples["open_us"])
    if "compiled" in commands:
        row.hold("compiled", OPEN_COMPILED_BAR)
    return [row, Row("first call of what was found", "µs", samples["call_us"])]


# ---- Opening and closing --------------------------------------------------------------------------------------------


def resident_kib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def watch_rounds(command):
    """What open_close.c says at each of its marks, with the memory that its process has then."""
    command = [str(word) for word in command]
    marks = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while line := process.stdout.readline():
            name, value = line.split()
            if name == "rounds":
                marks.append({})
            marks[-1][name] = float(value)
            if name == "check":  # the last of a mark
                marks[-1]["resident"] = resident_kib(process)
                process.stdin.write("\n")
                process.stdin.flush()
    if process.returncode != 0 or len(marks) < 4:
        raise Failure(f"{' '.join(command)}: exit status {process.returncode} after {len(marks)} marks")
    return marks


def open_close(runs):
    """Opening and closing a large library, over and over in one program."""
    source = KERNELS / "open_close.c"
    native_library = build_native_libbig()
    flags = ["-Wl,-rpath,$ORIGIN"]
    native = build(native_library.with_name("open_close"), [CLANG, "-O2", source, *flags], [source])
    commands = {"native": [native, "libbig.so"]}
    size = ""
    if tenon_runners():
        library = build_guest_libbig()
        size = f" of {megabytes(library)}"
        guest = build(library.with_name("open_close.wasm"), [TENON_CC, "-O2", source, "-ldl"], [source])
        commands |= {runner: in_tenon(runner, guest, arguments=["libbig.so"]) for runner in tenon_runners()}
    samples = {}
    for _ in range(runs):
        marks = {runner: watch_rounds(command) for runner, command in commands.items()}
        checks = {runner: marks[runner][-1]["check"] for runner in marks}
        if len(set(checks.values())) > 1:
            raise Failure(f"open-close: the results differ: {checks}")
        for runner, of_runner in marks.items():
            for name, value in {
                "first": of_runner[0]["us"],
                "early": of_runner[2]["us"],
                "late": of_runner[-1]["us"],
                "resident early": of_runner[1]["resident"],
                "resident late": of_runner[-1]["resident"],
                "memory early": of_runner[0]["memory"],
                "memory late": of_runner[-1]["memory"],
            }.items():
                if value:  # native code has no memory of its own
                    samples.setdefault(name, {}).setdefault(runner, []).append(value)
    first = Row(f"first round{size}", "µs", samples["first"])
    early = Row("a round, second 1,000", "µs", samples["early"])
    late = Row("a round, tenth 1,000", "µs", samples["late"])
    resident_early = Row("host memory, 1,000 rounds", "KiB", samples["resident early"])
    resident_late = Row("host memory, 10,000 rounds", "KiB", samples["resident late"])
    rows = [first, early, late, resident_early, resident_late]
    if tenon_runners():
        memory_early = Row("guest memory, 1 round", "KiB", samples["memory early"])
        memory_late = Row("guest memory, 10,000 rounds", "KiB", samples["memory late"])
        rows += [memory_early, memory_late]
    for runner in tenon_runners():
        first.also[f"× a later round, {runner}"] = first.over(late, runner)
        late.hold(runner, ROUND_BAR, "× second 1,000", late.over(early, runner))
        resident_late.hold(runner, ROUND_MEMORY_BAR, "× 1,000 rounds", resident_late.over(resident_early, runner))
        memory_late.hold(runner, GUEST_MEMORY_BAR, "× 1 round", memory_late.over(memory_early, runner))
    first.also["× a later round, native"] = first.over(late, "native")
    late.also["× second 1,000, native"] = late.over(early, "native")
    return rows


# ---- Memory ---------------------------------------------------------------------------------------------------------


def mappings(process):
    """What /proc says of each mapping of a process: its file, its rights, and numbers of KiB."""
    found = []
    for line in pathlib.Path(f"/proc/{process.pid}/smaps").read_text().splitlines():
        if head := re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+\s*(.*)", line):
            found.append({"rights": head[1], "file": head[2]})
        elif field := re.match(r"(\w+):\s+(\d+) kB", line):
            found[-1][field[1]] = int(field[2])
    return found


def total(maps, *fields):
    return float(sum(mapping[field] for mapping in maps for field in fields))


@contextlib.contextmanager
def with_many_open(command, count):
    """The process of open_many.c with all its libraries open, what it had with one, and its check."""
    command = [str(word) for word in command]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def mark(expected):
            opened, check = process.stdout.readline().split(), process.stdout.readline().split()
            if opened != ["opened", str(expected)]:
                raise Failure(f"{' '.join(command)}: said {opened} instead of having opened {expected}")
            return check

        try:
            mark(1)
            before = mappings(process)
            process.stdin.write("\n")
            process.stdin.flush()
            yield process, before, mark(count)
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def variants(library):
    """Libraries that differ from a built one in a letter, so that nobody takes them for the same."""
    data = library.read_bytes()
    written = []
    for i in range(OPEN_MANY):
        changed = data.replace(b"number 1 of the synthetic", b"number 1 of the synthet%02d" % i)
        if changed == data:
            raise Failure(f"{library} does not hold the text that is to be changed")
        written.append(library.with_name(f"libbig{i}.so"))
        if not written[-1].exists() or written[-1].read_bytes() != changed:
            written[-1].write_bytes(changed)
    return written


def memory(runs):
    """What each further large library takes, and what a second process that runs the same program takes."""
    source = KERNELS / "open_many.c"
    libraries = variants(build_native_libbig())
    names = [library.name for library in libraries]
    flags = ["-Wl,-rpath,$ORIGIN"]
    native = build(libraries[0].with_name("open_many"), [CLANG, "-O2", source, *flags], [source])
    commands = {"native": [native, *names]}
    files = {"native": {str(library) for library in libraries}}
    size = ""
    if tenon_runners():
        guest_libraries = variants(build_guest_libbig())
        size = f" {megabytes(guest_libraries[0])}"
        guest = guest_libraries[0].with_name("open_many.wasm")
        build(guest, [TENON_CC, "-O2", source, "-ldl"], [source])
        for runner in tenon_runners():
            commands[runner] = in_tenon(runner, guest, arguments=names)
            files[runner] = {str(library) for library in guest_libraries}

    def is_library(runner, mapping):
        file = mapping["file"]
        return file in files[runner] or runner == "compiled" and file.startswith(str(IMAGES))

    rows = {
        "further": Row(f"memory of each further{size} library", "KiB", {}),
        "own": Row("a second process: its own", "KiB", {}),
        "shared": Row("a second process: shared", "KiB", {}),
        "dirty": Row("of that, files of libraries, changed", "KiB", {}),
        "clean": Row("of that, files of libraries, shared", "KiB", {}),
    }
    checks = {}
    os.sync()  # pages of a file that was just written are not clean
    for _ in range(runs):
        for runner, command in commands.items():
            with (
                with_many_open(command, OPEN_MANY) as (_, _, _),
                with_many_open(command, OPEN_MANY) as (second, before, check),
            ):
                after = mappings(second)
            checks[runner] = check
            of_libraries = [mapping for mapping in after if is_library(runner, mapping)]
            for what, value in {
                "further": (total(after, "Rss") - total(before, "Rss")) / (OPEN_MANY - 1),
                "own": total(after, "Private_Clean", "Private_Dirty"),
                "shared": total(after, "Shared_Clean", "Shared_Dirty"),
                "dirty": total(of_libraries, "Private_Dirty"),
                "clean": total(of_libraries, "Shared_Clean"),
            }.items():
                rows[what].samples.setdefault(runner, []).append(value)
            rows["shared"].notes = [note for note in rows["shared"].notes if not note.startswith(runner)]
            rows["shared"].notes += [f"{runner}: {line}" for line in describe(runner, after, is_library)]
    if len({tuple(check) for check in checks.values()}) > 1:
        raise Failure(f"memory: the results differ: {checks}")
    if "compiled" in commands:
        rows["further"].hold("compiled", FURTHER_BAR)
        rows["dirty"].hold("compiled", IMAGE_DIRTY_BAR, "KiB", rows["dirty"].median("compiled"))
    return list(rows.values())


def describe(runner, maps, is_library):
    """The mappings of the second process, added up by kind and rights, as lines."""
    kinds = {}
    for mapping in maps:
        is_file = mapping["file"].startswith("/")
        kind = "files of libraries" if is_library(runner, mapping) else "other files" if is_file else "anonymous"
        kinds.setdefault((kind, mapping["rights"]), []).append(mapping)
    for (kind, rights), of_kind in sorted(kinds.items()):
        if total(of_kind, "Rss"):
            fields = ["Rss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty"]
            numbers = ", ".join(f"{field} {total(of_kind, field):.0f}" for field in fields)
            yield f"{kind}, {rights} ({len(of_kind)}): {numbers} KiB"
