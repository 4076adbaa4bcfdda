"""What crossing from one library to another costs: calls, variables, first calls, exceptions."""

from results import Row
from tools import (
    BUILD,
    CLANG,
    CLANGXX,
    KERNELS,
    TENON_CC,
    TENON_CXX,
    Failure,
    available,
    build,
    build_guest_libadd,
    build_launch,
    build_native_libadd,
    by_turns,
    check_same,
    in_tenon,
    linked_in_node,
    run,
    runners,
    tenon_runners,
    values,
    write_source,
)

CALL_BAR = 1.05  # interpreted: a call into another library, as a multiple of one within the library
# Compiled, by loop of caller.c: as a multiple of native, and of V8.
COMPILED_CALL_BARS = {"import": (1.2, 0.75), "pointer_got": (1.5, 1), "data_imported": (1.5, 0.5)}
LATER_CALL_BAR = 1.05  # a call after its first, lazily bound, as a multiple of one bound at load
THROW_BAR = 3  # compiled, as a multiple of native

BINDING_RUNS = 10  # runs of what tells the cost of first calls for each run of a kernel
START_RUNS = 40  # the same of what starts a program
IMPORTS = 2000


def calls(runs):
    """What calls and variables of another library cost."""
    source = KERNELS / "caller.c"
    inputs = [source, KERNELS / "mini.h", KERNELS / "caller_impl.h", KERNELS / "libadd.c"]
    native_library = build_native_libadd()
    # The call goes through the GOT, without the stub of the PLT.
    native_flags = ["-fno-plt", f"-Wl,-rpath,{native_library.parent}", native_library]
    commands = {"native": [build(BUILD / "native" / "caller", [CLANG, "-O2", source, *native_flags], inputs)]}
    if len(runners()) > 1:
        guest_library = build_guest_libadd()
        flags = ["-nostdlib", f"-L{guest_library.parent}", "-ladd"]
        guest = build(BUILD / "guest" / "caller.wasm", [TENON_CC, "-O2", source, *flags], inputs)
        commands |= {"node": linked_in_node(guest)} if available("node") else {}
        commands |= {runner: in_tenon(runner, guest) for runner in tenon_runners()}
    checks = {}

    def measure(command):
        output = values(run(command))
        checks[" ".join(map(str, command))] = output.pop("check", None)
        return {loop: picoseconds / 1000 for loop, picoseconds in output.items()}

    loops = by_turns(runs, {"": commands}, measure)[""]
    if len(set(checks.values())) > 1 or None in checks.values():
        raise Failure(f"calls: the results differ: {checks}")
    rows = {loop: Row(f"call: {loop.replace('_', ' ')}", "ns", samples) for loop, samples in loops.items()}
    imported = rows["import"]
    if "interpreted" in commands:
        imported.hold("interpreted", CALL_BAR, "× local", imported.over(rows["local"]))
    if "compiled" in commands:
        for loop, (native_bar, v8_bar) in COMPILED_CALL_BARS.items():
            rows[loop].hold("compiled", native_bar)
            rows[loop].hold("compiled", v8_bar, "× V8")
    return list(rows.values())


def lazy_binding(runs):
    """What the first call through an import costs, and what binding all of them at load costs instead."""
    library_source = write_source("many.c", "gen_imports.py", "library", IMPORTS)
    calls_header = write_source("imports_calls.h", "gen_imports.py", "calls", IMPORTS)
    inputs = [library_source, calls_header, KERNELS / "mini.h"]
    tools = {"native": ([CLANG, "-O2", "-fPIC"], [])}
    if tenon_runners():
        tools["guest"] = ([TENON_CC, "-O2"], ["-nodefaultlibs"])
    for system, (compiler, library_flags) in tools.items():
        build(BUILD / system / "libmany.so", [*compiler, "-shared", library_source, *library_flags], inputs)

    def forms_of(name):
        source = KERNELS / f"{name}.c"
        flags = [f"-I{BUILD}", "-lmany"]
        forms = {"lazy": {}, "bound at load": {}}
        for form, native_name, how in (("lazy", name, "lazy"), ("bound at load", f"{name}_now", "now")):
            folder = BUILD / "native"
            native_flags = [*flags, f"-L{folder}", f"-Wl,-z,{how}", "-Wl,-rpath,$ORIGIN"]
            native = [*tools["native"][0], source, *native_flags]
            forms[form]["native"] = [build(folder / native_name, native, [source, *inputs])]
        for runner in tenon_runners():
            folder = BUILD / "guest"
            guest = [*tools["guest"][0], source, *flags, f"-L{folder}", "-nostdlib"]
            program = build(folder / f"{name}.wasm", guest, [source, *inputs])
            forms["lazy"][runner] = in_tenon(runner, program)
            forms["bound at load"][runner] = in_tenon(runner, program, "--bind-now")
        return forms

    forms = forms_of("imports")
    check_same("lazy-binding", forms)
    calls_of = by_turns(runs * BINDING_RUNS, forms, lambda command: values(run(command)))
    launch = build_launch()
    starts = by_turns(runs * START_RUNS, forms_of("imports_start"), lambda command: values(run([launch, *command])))
    rows = {}
    for call in ("first", "later"):
        for form in forms:
            samples = {runner: [ps / 1000 for ps in all_ps] for runner, all_ps in calls_of[form][call].items()}
            rows[call, form] = Row(f"{call} call, {form}", "ns", samples)
    for form in forms:
        samples = {runner: [us / 1000 for us in all_us] for runner, all_us in starts[form]["wall_us"].items()}
        rows["start", form] = Row(f"start, {IMPORTS} imports, {form}", "ms", samples)
    for what in ("first", "later", "start"):
        lazy, bound = rows[what, "lazy"], rows[what, "bound at load"]
        for runner in tenon_runners():
            if what == "later":
                lazy.hold(runner, LATER_CALL_BAR, "× bound at load", lazy.over(bound, runner))
            else:
                lazy.also[f"× bound at load, {runner}"] = lazy.over(bound, runner)
        lazy.also["× bound at load, native"] = lazy.over(bound, "native")
    return list(rows.values())


def exceptions(runs):
    """Throwing in one library and catching in another."""
    main, library = KERNELS / "throw_catch.cpp", KERNELS / "libthrow.cpp"
    inputs = [main, library, KERNELS / "libthrow.h"]

    def build_for(system, compiler, suffix, flags=()):
        folder = BUILD / system / "exceptions"
        build(folder / "libthrow.so", [*compiler, "-shared", library], inputs)
        return build(folder / f"throw_catch{suffix}", [*compiler, main, f"-L{folder}", "-lthrow", *flags], inputs)

    native = build_for("native", [CLANGXX, "-O2", "-fPIC", "-fno-plt"], "", ["-Wl,-rpath,$ORIGIN"])
    commands = {"native": [native]}
    if len(runners()) > 1:
        guest = build_for("guest", [TENON_CXX, "-O2"], ".wasm")
        commands |= {"node": linked_in_node(guest)} if available("node") else {}
        commands |= {runner: in_tenon(runner, guest) for runner in tenon_runners()}
    check_same("exceptions", {"": commands})
    samples = by_turns(runs, {"": commands}, lambda command: values(run(command)))[""]
    rows = []
    for what, name in {
        "near": "throw into another library",
        "far": "the same through ten frames of the two",
        "cleanup": "the same with destructors in them",
    }.items():
        row = Row(name, "ns", samples[what])
        if "compiled" in commands:
            row.hold("compiled", THROW_BAR)
        rows.append(row)
    return rows
