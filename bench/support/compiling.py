"""How long the compiler takes."""

from compute import build_shared, software
from results import Row
from tools import BUILD, CLANG, TENON, available, build_launch, by_turns, run, values

WALL_BAR, CPU_BAR = 1, 1.6  # SQLite, as multiples of clang -O2 from its source


def compile_sqlite(runs):
    """Compiling SQLite to machine code: natively from C, by Tenon from WebAssembly at the default level."""
    needs = software("sqlite")
    folder = BUILD / "compiled"
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["-fPIC", "-c", *needs.flags, *needs.sources]
    commands = {"native": [CLANG, "-O2", *flags, "-o", folder / "sqlite3.o"]}
    if available("compiled"):
        library = build_shared("sqlite", True).with_name("libsqlite.so")
        commands["compiled"] = [TENON, "compile", library, "-o", folder / "libsqlite.image"]
    launch = build_launch()
    samples = by_turns(runs, {"": commands}, lambda command: values(run([launch, *command], timeout=1200)))[""]
    rows = []
    for what, name, unit, divisor, bar in (
        ("wall_us", "time", "ms", 1000, WALL_BAR),
        ("cpu_us", "processor time", "ms", 1000, CPU_BAR),
        ("peak_rss_kib", "memory", "KiB", 1, None),
    ):
        values_of = {runner: [value / divisor for value in all_of] for runner, all_of in samples[what].items()}
        row = Row(f"compile SQLite: {name}", unit, values_of)
        if bar and "compiled" in commands:
            row.hold("compiled", bar)
        rows.append(row)
    return rows
