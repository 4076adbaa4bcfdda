"""What the runners of behaviour tests share: variants, running a process, comparing what it said, counting."""

import argparse
import concurrent.futures
import difflib
import fcntl
import fnmatch
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Each `tenon run` command is run in all of these: interpreted with both ways to check bounds and both times to bind
# functions; compiled; and main and libraries run in different ways.
VARIANTS = {
    "guard": ["--mode=interp", "--bounds-checks=guard"],
    "explicit": ["--mode=interp", "--bounds-checks=explicit"],
    "bind-now": ["--mode=interp", "--bounds-checks=guard", "--bind-now"],
    "compiled": ["--mode=aot"],
    "main-compiled": ["--mode=aot", "--interpret=libraries"],
    "libraries-compiled": ["--mode=aot", "--interpret=main"],
}

SANITIZER_OPTIONS = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
SANITIZER_REPORT = re.compile(r"(ERROR: \w+Sanitizer|runtime error: ).*")
LONGEST_SHOWN = 4000


def sysroot() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TENON_SYSROOT") or Path(cache) / "tenon" / "sysroot")


def sysroot_libraries(threads: bool = False) -> Path:
    return sysroot() / "lib" / ("wasm32-wasip1-threads" if threads else "wasm32-wasip1")


@dataclass
class Setting:
    """What a runner was started with."""

    preset: str
    jobs: int
    keep: bool
    filter: str
    variants: list[str]
    emulator: str | None
    compiler: Path | None

    @property
    def build(self) -> Path:
        return ROOT / "build" / self.preset

    @property
    def tenon(self) -> Path:
        """What is run as `tenon`: a script where that takes an emulator, so that it is a program's path all the same."""
        return self.build / ("emulated" if self.emulator else "bin") / "tenon"

    @property
    def guest_tools(self) -> list[Path]:
        """What the guest programs of the tests are built with, that is ours."""
        return [self.build / "bin" / "tenon-cc", self.build / "bin" / "set-runtime-path", sysroot() / "recipe"]

    @property
    def is_release(self) -> bool:
        """Only a release build is held to what is said about time and memory."""
        return self.preset == "release"

    def reason_against(self, variant: str) -> str:
        """Why what has to stop main's compiled code in a loop cannot run in this way; empty when it can."""
        if self.preset == "tsan" and variant in ("compiled", "main-compiled"):
            return "the thread sanitizer keeps back the signals that stop compiled code"
        return ""

    def timeout(self, seconds: float) -> float:
        return seconds * (1 if self.is_release else 10)

    def chosen(self, names=VARIANTS) -> dict[str, list[str]]:
        """Options of those variants among `names` that are to be run."""
        return {name: VARIANTS[name] for name in names if name in self.variants}

    def wants(self, name: str) -> bool:
        return fnmatch.fnmatch(name, self.filter)


def parse_arguments(description: str) -> Setting:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="release", help="test build/PRESET/bin/tenon (default: release)")
    parser.add_argument("--filter", default="*", metavar="GLOB", help="only the tests whose name matches")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directories of runs, and name them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="run this way only; several may be given")
    parser.add_argument("--emulator", metavar="COMMAND", help="run tenon in this, because it is for another machine")
    parser.add_argument("--compiler", type=Path, metavar="FILE", help="the tenon-compile that tenon uses (the one beside it)")
    arguments = parser.parse_args()
    setting = Setting(
        arguments.preset,
        arguments.jobs,
        arguments.keep,
        arguments.filter,
        arguments.variant or list(VARIANTS),
        arguments.emulator,
        arguments.compiler and arguments.compiler.resolve(),
    )
    for path in (setting.build / "bin" / "tenon", *setting.guest_tools):
        if not path.exists():
            sys.exit(f"{path} is not there: run scripts/setup, cmake --preset {setting.preset}, cmake --build --preset {setting.preset}")
    if setting.emulator:
        write_emulated(setting)
    return setting


def write_emulated(setting: Setting) -> None:
    setting.tenon.parent.mkdir(parents=True, exist_ok=True)
    program = shlex.quote(str(setting.build / "bin" / "tenon"))
    setting.tenon.write_text(f'#!/bin/sh\nexec {setting.emulator} {program} "$@"\n')
    setting.tenon.chmod(0o755)


def clean_environment(setting: Setting) -> dict[str, str]:
    """Nothing of the caller's environment that could change a result."""
    environment = {
        "PATH": f"{setting.build / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(Path.home()),  # where tenon-cc finds the sysroot
        "LANG": "C.UTF-8",
        "TENON_SYSROOT": str(sysroot()),
        "TENON_CACHE_DIR": str(setting.build / "tests" / "images"),
    }
    if setting.compiler:
        environment["TENON_COMPILER"] = str(setting.compiler)
    for name in SANITIZER_OPTIONS:
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


@dataclass
class Outcome:
    exit: int  # negative: killed by that signal
    stdout: str
    stderr: str
    timed_out: bool
    peak_mib: float


def run_process(command, directory, environment, stdin: bytes, timeout: float) -> Outcome:
    """Its standard input is a pipe that ends after `stdin`. Output goes to files, so that one that never stops writing
    cannot hang the runner."""
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as given, open(write_end, "wb") as giving:
        assert len(stdin) <= fcntl.fcntl(write_end, fcntl.F_GETPIPE_SZ), "more than a pipe holds"
        giving.write(stdin)
        giving.close()
        return run_with_input(command, directory, environment, given, timeout)


def run_with_input(command, directory, environment, given, timeout: float) -> Outcome:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=given, stdout=out, stderr=err, start_new_session=True
        )
        timed_out = threading.Event()

        def stop():
            timed_out.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, stop)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)

        def text(file):
            file.seek(0)
            return file.read().decode("utf-8", "backslashreplace")

        return Outcome(process.returncode, text(out), text(err), timed_out.is_set(), usage.ru_maxrss / 1024)


def exit_text(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"


def shortened(text: str) -> str:
    half = LONGEST_SHOWN // 2
    return text if len(text) <= LONGEST_SHOWN else f"{text[:half]}\n[... {len(text) - LONGEST_SHOWN} more ...]\n{text[-half:]}"


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in shortened(text).splitlines())


@dataclass
class Expectation:
    """What a run must do. `exact`, `contains` (in any order), `in_order` and `lacks` are by stream."""

    exit: int = 0
    exact: dict[str, str] = field(default_factory=dict)
    contains: dict[str, list[str]] = field(default_factory=dict)
    in_order: dict[str, list[str]] = field(default_factory=dict)
    lacks: dict[str, list[str]] = field(default_factory=dict)
    peak_mib: float | None = None

    def failures(self, outcome: Outcome) -> list[str]:
        found = []
        if outcome.timed_out:
            found.append("it was still running when its time was over")
        elif outcome.exit != self.exit:
            found.append(f"{exit_text(outcome.exit)}, not {exit_text(self.exit)}")
        if report := SANITIZER_REPORT.search(outcome.stderr):
            found.append(f"a sanitizer's report: {report.group()}")
        for stream, expected in self.exact.items():
            actual = getattr(outcome, stream)
            if actual != expected:
                difference = difflib.unified_diff(
                    expected.splitlines(True), actual.splitlines(True), f"expected {stream}", f"actual {stream}"
                )
                lines = [line if line.endswith("\n") else line + "\n    (no newline)\n" for line in difference]
                found.append(f"{stream} differs\n" + shortened("".join(lines)).rstrip())
        for stream, texts in self.contains.items():
            for text in texts:
                if text not in getattr(outcome, stream):
                    found.append(f"{stream} does not contain: {text}")
        for stream, texts in self.in_order.items():
            position = 0
            for text in texts:
                at = getattr(outcome, stream).find(text, position)
                if at < 0:
                    where = " after what comes before it" if text in getattr(outcome, stream) else ""
                    found.append(f"{stream} does not contain{where}: {text}")
                    break
                position = at + len(text)
        for stream, texts in self.lacks.items():
            for text in texts:
                if text in getattr(outcome, stream):
                    found.append(f"{stream} contains: {text}")
        if self.peak_mib is not None and outcome.peak_mib > self.peak_mib:
            found.append(f"it used {outcome.peak_mib:.0f} MiB of memory, more than {self.peak_mib:.0f}")
        return found


class Tally:
    """Counts, and prints failures as they come. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = 0
        self.failed = 0
        self.left_out = {}

    def leave_out(self, reason: str):
        with self.lock:
            self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def good(self):
        with self.lock:
            self.passed += 1

    def bad(self, title: str, reasons: list[str], outcome: Outcome | None = None):
        with self.lock:
            self.failed += 1
            print(f"FAIL {title}")
            for reason in reasons:
                print(indented(reason), end="")
            if outcome is not None:
                for stream in ("stdout", "stderr"):
                    if text := getattr(outcome, stream):
                        print(f"  {stream}:\n{indented(text)}", end="")
            sys.stdout.flush()

    def finish(self) -> int:
        if self.passed + self.failed == 0:
            print("there is no test of that name")
            self.failed = 1
        for reason, count in self.left_out.items():
            print(f"skipped, {count} times: {reason}")
        skipped = sum(self.left_out.values())
        print(f"{self.passed} passed, {self.failed} failed" + (f", {skipped} skipped" if skipped else ""))
        return 1 if self.failed else 0


class Scratch:
    """A fresh empty directory for one run."""

    def __init__(self, setting: Setting):
        self.keep = setting.keep
        parent = setting.build / "tests" / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(dir=parent))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_):
        if self.keep:
            print(f"kept {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def run_all(setting: Setting, tests, run_one) -> None:
    """`run_one(test)` for each, `setting.jobs` at a time; what it raises ends the runner."""
    with concurrent.futures.ThreadPoolExecutor(setting.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_one, test) for test in tests]):
            done.result()
