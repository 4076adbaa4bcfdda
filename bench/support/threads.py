"""Threads: what one costs beside many libraries, opening beside many threads, thread-local data, and computing."""

from compute import rounds_of, with_rounds
from results import Row
from tools import (
    BUILD,
    CLANG,
    GUEST_LIBRARIES,
    KERNELS,
    TENON_CC,
    Failure,
    build,
    build_all,
    by_turns,
    in_tenon,
    run,
    tenon_runners,
    values,
    write_source,
)

CREATE_BAR = 3  # compiled: making a thread and waiting for its end, as a multiple of native
CREATE_MANY_BAR = 1.2  # the same with many libraries open, as a multiple of none
OPEN_WAITING_BAR = 1.2  # dlopen while many threads wait, as a multiple of none
OPEN_SPINNING_BAR = 1.5  # its processor time while many threads run, as a multiple of none
TLS_BAR = 1.5  # compiled: thread-local variables of the own library, as a multiple of native with initial-exec
COMPUTE_BAR = 1.25  # compiled: a kernel on two threads, as a multiple of native

LIBRARIES = 100
OPENED = 50  # libraries that are opened while others run, which takes long
OTHER_THREADS = 64  # as in threads_dlopen.c
COMPUTE_KERNELS = {"mandelbrot": "mandelbrot_threads", "jacobi": "jacobi_threads"}

THREAD_LIBRARIES = GUEST_LIBRARIES.with_name("wasm32-wasip1-threads")


def folder_of(system):
    return BUILD / system / "threads"


def compiler_of(system):
    flags = ["-O2", "-march=native", "-fPIC", "-fno-plt"] if system == "native" else ["-O2"]
    return [CLANG if system == "native" else TENON_CC, *flags, "-pthread"]


def suffix_of(system):
    return "" if system == "native" else ".wasm"


def systems():
    return ["native", *(["guest"] if tenon_runners() else [])]


def build_program(system, name, headers, flags=()):
    source = KERNELS / f"{name}.c"
    output = folder_of(system) / f"{name}{suffix_of(system)}"
    # Libraries are beside the program; each is found by its bare name.
    own_flags = ["-Wl,-rpath,$ORIGIN"] if system == "native" else []
    inputs = [source, *(KERNELS / header for header in headers)]
    return build(output, [*compiler_of(system), source, *flags, *own_flags], inputs)


def build_libraries(system):
    """The names of many small libraries with thread-local data."""

    def build_library(index):
        source = write_source(f"threaded{index}.c", "gen_threaded.py", index)
        flags = ["-shared", *([] if system == "native" else ["-nodefaultlibs"])]
        return build(folder_of(system) / f"libthreaded{index}.so", [*compiler_of(system), source, *flags], [source])

    return [library.name for library in build_all([lambda i=i: build_library(i) for i in range(LIBRARIES)])]


def commands_for(programs, options=(), arguments=()):
    """How to run a program, by runner. `programs`: the built ones, by system."""
    commands = {"native": [programs["native"], *arguments]}
    for runner in tenon_runners():
        commands[runner] = in_tenon(
            runner, programs["guest"], *options, arguments=arguments, libraries=THREAD_LIBRARIES
        )
    return commands


def measured(name, rounds, forms):
    """Samples by form, name and runner. Fails unless all runners compute the same in each form."""
    checks = {}

    def one(form, runner):
        output = values(run(forms[form][runner]))
        checks.setdefault(form, set()).add(output.pop("check", None))
        if len(checks[form]) > 1 or None in checks[form]:
            raise Failure(f"{name}, {form}: the results differ: {checks[form]}")
        return output

    pairs = {form: {runner: (form, runner) for runner in commands} for form, commands in forms.items()}
    return by_turns(rounds, pairs, lambda pair: one(*pair))


def create(runs):
    """What a thread costs that calls nothing, with libraries open and without, and what its first calls cost."""
    programs = {
        system: build_program(system, "threads_create", ["clock.h", "many_libraries.h"], ["-ldl"])
        for system in systems()
    }
    names = [build_libraries(system) for system in systems()][0]
    none, many = "no library", f"{LIBRARIES} libraries"
    now, preloaded = f"{LIBRARIES}, RTLD_NOW", f"{LIBRARIES}, --preload-all"
    forms = {
        none: commands_for(programs, arguments=["lazy"]),
        many: commands_for(programs, arguments=["lazy", *names]),
        now: commands_for(programs, arguments=["now", *names]),
        preloaded: commands_for(programs, ["--preload-all"], ["lazy", *names]),
    }
    del forms[preloaded]["native"]  # the system's loader has no such thing
    if not forms[preloaded]:
        del forms[preloaded]
    samples = measured("threads-create", runs, forms)
    rows = {}
    for what, title, divisor in (
        ("create", "create and join", 1),
        ("start", "create, until it runs", 1),
        ("first", "a thread's first call into a library", LIBRARIES),
        ("later", "its second call", LIBRARIES),
    ):
        for form in forms:
            if form == none and what != "create":
                continue
            per_runner = samples[form][f"{what}_us"].items()
            scaled = {runner: [value / divisor for value in all_of] for runner, all_of in per_runner}
            rows[what, form] = Row(f"{title}: {form}", "µs", scaled)
    for runner in tenon_runners():
        ratio = rows["create", many].over(rows["create", none], runner)
        rows["create", many].hold(runner, CREATE_MANY_BAR, "× no library", ratio)
    rows["create", many].also["× no library, native"] = rows["create", many].over(rows["create", none], "native")
    if "compiled" in tenon_runners():
        rows["create", none].hold("compiled", CREATE_BAR)
    return list(rows.values())


def opening(runs):
    """dlopen and dlsym, and dlclose, of small libraries while many threads wait, or run."""
    programs = {
        system: build_program(system, "threads_dlopen", ["clock.h", "many_libraries.h"], ["-ldl"])
        for system in systems()
    }
    names = [build_libraries(system) for system in systems()][0]
    titles = {
        "none": "one thread",
        "waiting": f"{OTHER_THREADS} threads wait",
        "spinning": f"{OTHER_THREADS} threads run",
    }
    forms = {form: commands_for(programs, arguments=[form, *names[:OPENED]]) for form in titles}
    samples = measured("threads-dlopen", runs, forms)
    rows = {}
    for what, title in (("first", "first dlopen"), ("open", "later dlopen"), ("close", "dlclose")):
        for form in titles:
            for kind, meaning in (("us", "time"), ("cpu_us", "processor time")):
                row = Row(f"{title}: {titles[form]}: {meaning}", "µs", samples[form][f"{what}_{kind}"])
                rows[what, form, kind] = row
    for what in ("first", "open", "close"):
        for form, kind, limit in (
            ("waiting", "us", OPEN_WAITING_BAR),
            ("waiting", "cpu_us", None),
            ("spinning", "cpu_us", OPEN_SPINNING_BAR),
        ):
            row, alone = rows[what, form, kind], rows[what, "none", kind]
            for runner in tenon_runners():
                ratio = row.over(alone, runner)
                if what == "close" or limit is None:
                    row.also[f"× one thread, {runner}"] = ratio
                else:
                    row.hold(runner, limit, "× one thread", ratio)
            row.also["× one thread, native"] = row.over(alone, "native")
    return list(rows.values())


def tls(runs):
    """What thread-local variables cost, beside others of the same library."""
    programs = {}
    for system in systems():
        source, header = KERNELS / "libtls.c", KERNELS / "libtls.h"
        flags = ["-ftls-model=initial-exec"] if system == "native" else ["-nodefaultlibs"]
        library = folder_of(system) / "libtls.so"
        build(library, [*compiler_of(system), "-shared", source, *flags], [source, header])
        link = [f"-L{library.parent}", "-ltls"]
        programs[system] = build_program(system, "threads_tls", ["clock.h", "libtls.h"], link)
    samples = measured("threads-tls", runs, {"": commands_for(programs)})[""]
    rows = {}
    for what, title in (
        ("own", "four thread-local variables"),
        ("exported", "four exported ones"),
        ("none", "four that are not thread-local"),
    ):
        nanoseconds = {runner: [value / 1000 for value in all_of] for runner, all_of in samples[what].items()}
        rows[what] = Row(title, "ns", nanoseconds)
    if "compiled" in tenon_runners():
        rows["own"].hold("compiled", TLS_BAR)
    for runner in ["native", *tenon_runners()]:
        rows["own"].also[f"× not thread-local, {runner}"] = rows["own"].over(rows["none"], runner)
    return list(rows.values())


def computing(runs):
    """Kernels that two threads compute."""
    rows = []
    for name, file in COMPUTE_KERNELS.items():
        headers = ["measure.h", "two_threads.h"]
        programs = {system: build_program(system, file, headers) for system in systems()}
        commands = with_rounds(commands_for(programs), rounds_of(programs["native"]))
        row = Row(f"{name}, two threads", "ms", measured("threads-compute", runs, {name: commands})[name]["ms"])
        if "compiled" in commands:
            row.hold("compiled", COMPUTE_BAR)
        rows.append(row)
    return rows
