"""What `tenon-cc -pthread` and `tenon-c++ -pthread` make, and the libraries that they link with."""

import os
import subprocess
from pathlib import Path

from tenon_test import TenonTest, binary

TLS_EXPORTS = {"__wasm_init_tls": "(i32) -> ()", "__tls_base": "mutable i32", "__tls_size": "i32", "__tls_align": "i32"}
SHARED_MEMORY = "65536 pages, shared"

THREAD_PROGRAM = """
  #include <pthread.h>
  #include <stdio.h>
  static _Thread_local int mine = 5;
  static void* run(void* argument) { mine += 1; return argument; }
  int main(void) {
    pthread_t thread;
    void* result = 0;
    if (pthread_create(&thread, 0, run, "done") == 0) pthread_join(thread, &result);
    printf("%s %d\\n", result ? (char*)result : "none", mine);
  }
"""
CATCHING_LIBRARY = "int guarded(void (*call)()) { try { call(); return 0; } catch (int number) { return number; } }"


def sysroot():
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TENON_SYSROOT") or Path(cache) / "tenon" / "sysroot")


class ThreadsTarget(TenonTest):
    def build(self, compiler, *options, source):
        """Compiles and links `source`; the result, as `tenon inspect` sees it."""
        suffix = ".cpp" if compiler == "tenon-c++" else ".c"
        (self.directory / f"source{suffix}").write_text(source)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TENON_")}
        environment["TENON_SYSROOT"] = str(sysroot())
        done = subprocess.run([binary().parent / compiler, "-pthread", "-O1", f"source{suffix}", *options, "-o", "result"],
                              cwd=self.directory, env=environment, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.inspect("result")

    def inspect(self, file):
        outcome = self.tenon("inspect", "--json", file)
        self.check(outcome, 0)
        (result,) = outcome.json()
        return result

    def imports(self, result):
        return {(entry["module"], entry["name"]): entry["type"] for entry in result["imports"]}

    def exports(self, result):
        return {entry["name"]: entry["type"] for entry in result["exports"]}

    def check_shared_memory(self, result):
        """Imported, shared, and with the limit that no other module's is above."""
        self.assertTrue(self.imports(result)["env", "memory"].endswith(SHARED_MEMORY), self.imports(result))

    def check_tls(self, result):
        self.assertEqual(TLS_EXPORTS, {name: kind for name, kind in self.exports(result).items() if name in TLS_EXPORTS})


class Links(ThreadsTarget):
    def test_library(self):
        result = self.build("tenon-cc", "-shared", source="_Thread_local int mine = 5; int* mine_of(void) { return &mine; }")
        self.check_shared_memory(result)
        self.check_tls(result)
        self.assertEqual(result["dylink"]["needed"], ["libc.so"])

    def test_library_without_thread_local_data(self):
        result = self.build("tenon-cc", "-shared", source="int five(void) { return 5; }")
        self.check_shared_memory(result)

    def test_pie(self):
        result = self.build("tenon-cc", source=THREAD_PROGRAM)
        self.check_shared_memory(result)
        self.check_tls(result)
        self.assertEqual(result["dylink"]["needed"], ["libc.so"])
        self.assertIn(("env", "pthread_create"), self.imports(result))
        self.assertNotIn(("wasi", "thread-spawn"), self.imports(result))

    def test_no_pie(self):
        result = self.build("tenon-cc", "-no-pie", source=THREAD_PROGRAM)
        self.check_shared_memory(result)
        self.check_tls(result)
        self.assertEqual(result["dylink"]["needed"], ["libc.so"])
        for name in ("memory", "__stack_pointer", "__heap_base", "__heap_end"):
            self.assertIn(name, self.exports(result))

    def test_programs_that_carry_libc(self):
        for options in (["-static"], ["-no-pie", "-Wl,-Bstatic"]):
            with self.subTest(options=options):
                result = self.build("tenon-cc", *options, source=THREAD_PROGRAM)
                self.check_shared_memory(result)
                self.check_tls(result)
                self.assertEqual(self.imports(result)["wasi", "thread-spawn"], "(i32) -> i32")
                self.assertEqual(self.exports(result)["wasi_thread_start"], "(i32, i32) -> ()")
                self.assertIn("memory", self.exports(result))


class LinksOfCxx(ThreadsTarget):
    """The context of landing pads is thread-local, so each module that catches has a libunwind of its own."""

    def check_unwinder(self, result):
        self.check_shared_memory(result)
        self.check_tls(result)
        self.assertNotIn("libunwind.so", result["dylink"]["needed"])
        self.assertNotIn("__wasm_lpad_context", self.exports(result))
        self.assertNotIn(("env", "_Unwind_CallPersonality"), self.imports(result))

    def test_library(self):
        result = self.build("tenon-c++", "-shared", source=CATCHING_LIBRARY)
        self.check_unwinder(result)
        self.assertIn("libc++.so", result["dylink"]["needed"])

    def test_library_of_a_program_that_carries_all(self):
        result = self.build("tenon-c++", "-shared", "-nodefaultlibs", source=CATCHING_LIBRARY)
        self.check_unwinder(result)
        self.assertEqual(result["dylink"]["needed"], [])

    def test_programs(self):
        program = CATCHING_LIBRARY + "\n#include <thread>\nint main() { std::thread([] { guarded([] { throw 5; }); }).join(); }"
        for options in ([], ["-no-pie"]):
            with self.subTest(options=options):
                self.check_unwinder(self.build("tenon-c++", *options, source=program))
        result = self.build("tenon-c++", "-static", source=program)
        self.assertIn("wasi_thread_start", self.exports(result))


class Sysroot(ThreadsTarget):
    def library(self, name):
        return self.inspect(sysroot() / "lib" / "wasm32-wasip1-threads" / name)

    def test_libc(self):
        result = self.library("libc.so")
        self.check_shared_memory(result)
        self.check_tls(result)
        exports = self.exports(result)
        self.assertEqual(exports["wasi_thread_start"], "(i32, i32) -> ()")
        for name in ("pthread_create", "pthread_cancel", "pthread_key_create", "thrd_create", "sem_wait", "__errno_location",
                     "__wasilibc_tls_alloc", "__wasilibc_thread_leave", "qsort_r", "getpagesize"):
            self.assertIn(name, exports)

    def test_libc_can_do_without_the_runtimes_functions(self):
        result = self.library("libc.so")
        weak = {entry["name"] for entry in result["dylink"]["import_flags"] if "weak" in entry["flags"]}
        for name in ("__call_tls_dtors", "__tenon_thread_exit"):
            self.assertIn(name, weak)
            self.assertIn(("GOT.func", name), self.imports(result))
            self.assertNotIn(("env", name), self.imports(result))  # that would be an import that somebody must have

    def test_libraries(self):
        for name in ("libsetjmp.so", "libdl.so", "libc++.so", "libc++abi.so", "libwasi-emulated-mman.so",
                     "libwasi-emulated-signal.so", "libwasi-emulated-getpid.so", "libwasi-emulated-process-clocks.so"):
            with self.subTest(library=name):
                self.check_shared_memory(self.library(name))
        self.assertIn(("tenon_dl", "open"), self.imports(self.library("libdl.so")))
