"""How programs start: one that does nothing, and ones that need many libraries."""

from results import Row
from tools import (
    BUILD,
    CLANG,
    KERNELS,
    TENON_CC,
    available,
    build,
    build_all,
    build_launch,
    by_turns,
    check_same,
    in_node,
    in_tenon,
    run,
    tenon_runners,
    values,
    write_source,
)

START_BAR = 1.5  # interpreted: a trivial program from start to end, as a multiple of a native one
START_MEMORY_BAR = 4096  # KiB, resident at most
MANY_BARS = {"interpreted": 0.6, "compiled": 1}  # a program that needs many small libraries, the same

START_RUNS = 40  # runs of a trivial program for each run of a kernel
PART_START_RUNS = 10  # the same of one that needs many libraries
PARTS, PART_FUNCTIONS, USED_PARTS = 100, 75, (3, 50, 97)  # as in parts.c
SMALL_LIBRARIES = 100


def start(runs):
    """Time and memory of a program that does nothing. The bars are for the plain one; what libc.so adds is shown."""
    launch = build_launch()
    source = KERNELS / "trivial.c"
    native = build(BUILD / "native" / "trivial", [CLANG, "-O2", source], [source])
    commands, shared = {"native": [native]}, {}
    if available("node") or tenon_runners():
        flags = ["-O2", "-no-pie", source, "-Wl,-Bstatic"]
        plain = build(BUILD / "plain" / "trivial.wasm", [TENON_CC, *flags], [source])
        guest = build(BUILD / "guest" / "trivial.wasm", [TENON_CC, "-O2", source], [source])
        commands |= {"node": in_node(plain, optimising=False)} if available("node") else {}
        for runner in tenon_runners():
            commands[runner], shared[runner] = in_tenon(runner, plain), in_tenon(runner, guest)
    rows = []
    for name, forms, is_held in (("start", commands, True), ("start with libc.so", shared, False)):
        wall, memory = {}, {}
        for round_number in range(runs * START_RUNS if forms else 0):
            for runner, command in forms.items():
                if runner == "node" and round_number % START_RUNS:
                    continue  # far slower than the others, and there is no bar for it
                output = values(run([launch, *command]))
                wall.setdefault(runner, []).append(output["wall_us"] / 1000)
                memory.setdefault(runner, []).append(output["peak_rss_kib"])
        wall_row, memory_row = Row(f"{name}: time", "ms", wall), Row(f"{name}: memory", "KiB", memory)
        if is_held and "interpreted" in forms:
            wall_row.hold("interpreted", START_BAR)
            memory_row.hold("interpreted", START_MEMORY_BAR, "KiB", max(memory["interpreted"]))
        if forms:
            rows += [wall_row, memory_row]
    return rows


def build_parts(is_guest):
    """Programs that use three libraries: one that needs a hundred, and one that needs the three."""
    folder = BUILD / ("guest" if is_guest else "native") / "parts"
    compiler = [TENON_CC, "-O2"] if is_guest else [CLANG, "-O2", "-fPIC"]
    flags = ["-nodefaultlibs", "-Wl,--no-gc-sections"] if is_guest else []

    def build_part(index):
        source = write_source(f"part{index}.c", "gen_big.py", PART_FUNCTIONS, f"part{index}")
        return build(folder / f"libpart{index}.so", [*compiler, "-shared", source, *flags], [source])

    libraries = build_all([lambda index=index: build_part(index) for index in range(PARTS)])
    source = KERNELS / "parts.c"
    link = [f"-L{folder}", *(["-nostdlib"] if is_guest else ["-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN"])]
    built = []
    for name, needed in (("all", range(PARTS)), ("few", USED_PARTS)):
        output = folder / f"{name}{'.wasm' if is_guest else ''}"
        needed_flags = [f"-lpart{index}" for index in needed]
        built.append(build(output, [*compiler, source, *link, *needed_flags], [source, KERNELS / "mini.h", *libraries]))
    return built


def start_rows(runs, forms, counts):
    """Rows of time and memory for each form, by what is measured and form."""
    launch = build_launch()
    starts = by_turns(runs * counts, forms, lambda command: values(run([launch, *command])))
    rows = {}
    for what, name, unit, divisor in (("wall_us", "time", "ms", 1000), ("peak_rss_kib", "memory", "KiB", 1)):
        for form in starts:
            samples = {runner: [value / divisor for value in all_of] for runner, all_of in starts[form][what].items()}
            rows[name, form] = Row(f"{form}: {name}", unit, samples)
    return rows


def lazy_loading(runs):
    """The start of a program that needs many libraries and uses few of them."""
    default, put_off, eager, few = f"{PARTS} libraries", "with --lazy-load=all", "with --preload-all", "only the 3 used"
    forms = {form: {} for form in (default, put_off, eager, few)}
    # The system's loader knows no lazy loading: there is one way.
    of_all, of_few = build_parts(False)
    forms[default]["native"], forms[few]["native"] = [of_all], [of_few]
    if tenon_runners():
        of_all, of_few = build_parts(True)
    for runner in tenon_runners():
        forms[default][runner], forms[few][runner] = in_tenon(runner, of_all), in_tenon(runner, of_few)
        forms[put_off][runner] = in_tenon(runner, of_all, "--lazy-load=all")
        forms[eager][runner] = in_tenon(runner, of_all, "--preload-all")
    forms = {form: commands for form, commands in forms.items() if commands}
    check_same("lazy-loading", forms)
    rows = start_rows(runs, forms, PART_START_RUNS)
    for name in ("time", "memory"):
        for runner in tenon_runners():
            for form in (default, put_off):
                rows[name, form].also[f"× --preload-all, {runner}"] = rows[name, form].over(rows[name, eager], runner)
            for form in (default, put_off, eager):
                rows[name, form].also[f"× only the 3, {runner}"] = rows[name, form].over(rows[name, few], runner)
        rows[name, default].also["× only the 3, native"] = rows[name, default].over(rows[name, few], "native")
    return list(rows.values())


def build_small(is_guest):
    """A program that needs many small libraries and calls a function of each."""
    folder = BUILD / ("guest" if is_guest else "native") / "small"
    compiler = [TENON_CC, "-O2"] if is_guest else [CLANG, "-O2", "-fPIC"]
    flags = ["-nodefaultlibs"] if is_guest else []

    def build_library(index):
        source = write_source(f"small{index}.c", "gen_small.py", "library", index)
        return build(folder / f"libsmall{index}.so", [*compiler, "-shared", source, *flags], [source])

    libraries = build_all([lambda index=index: build_library(index) for index in range(SMALL_LIBRARIES)])
    source = write_source("small.c", "gen_small.py", "program", SMALL_LIBRARIES)
    link = [f"-I{KERNELS}", f"-L{folder}", *(["-nostdlib"] if is_guest else ["-Wl,-rpath,$ORIGIN"])]
    link += [f"-lsmall{index}" for index in range(SMALL_LIBRARIES)]
    inputs = [source, KERNELS / "mini.h", *libraries]
    return build(folder / f"small{'.wasm' if is_guest else ''}", [*compiler, source, *link], inputs)


def start_many(runs):
    """The start of a program with many small libraries that calls a function of each: nothing is put off."""
    form = f"{SMALL_LIBRARIES} small libraries"
    forms = {form: {"native": [build_small(False)]}}
    if tenon_runners():
        program = build_small(True)
        forms[form] |= {runner: in_tenon(runner, program, "--preload-all") for runner in tenon_runners()}
    check_same("start-many", forms)
    rows = start_rows(runs, forms, PART_START_RUNS)
    for runner in tenon_runners():
        rows["time", form].hold(runner, MANY_BARS[runner])
    return list(rows.values())
