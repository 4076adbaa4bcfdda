"""A host in Python, as bindings made with ctypes are: opens libiwasm.so by its path, loads a module from bytes, calls it, and
is called by it. Started by `run` among the guests."""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
pointer = ctypes.c_void_p
for name in ("wasm_runtime_load", "wasm_runtime_instantiate", "wasm_runtime_lookup_function", "wasm_runtime_create_exec_env"):
    getattr(library, name).restype = pointer
library.wasm_runtime_get_exception.restype = ctypes.c_char_p
library.wasm_runtime_init.restype = ctypes.c_bool
library.wasm_runtime_call_wasm.restype = ctypes.c_bool


def instantiate(name):
    with open(name, "rb") as file:
        code = file.read()
    error = ctypes.create_string_buffer(256)
    module = library.wasm_runtime_load(code, len(code), error, len(error))
    assert module, error.value
    instance = library.wasm_runtime_instantiate(pointer(module), 65536, 0, error, len(error))
    assert instance, error.value
    return pointer(module), pointer(instance)


def call(instance, name, *arguments):
    argv = (ctypes.c_uint32 * max(len(arguments), 2))(*arguments)
    env = pointer(library.wasm_runtime_create_exec_env(instance, 65536))
    function = pointer(library.wasm_runtime_lookup_function(instance, name))
    done = library.wasm_runtime_call_wasm(env, function, len(arguments), argv)
    library.wasm_runtime_destroy_exec_env(env)
    return argv[0] if done else library.wasm_runtime_get_exception(instance)


class NativeSymbol(ctypes.Structure):
    _fields_ = [("symbol", ctypes.c_char_p), ("func_ptr", pointer), ("signature", ctypes.c_char_p), ("attachment", pointer)]


@ctypes.CFUNCTYPE(ctypes.c_int32, pointer, ctypes.c_char_p)
def length(env, text):
    return len(text)


assert library.wasm_runtime_init()
symbols = (NativeSymbol * 1)(NativeSymbol(b"length", ctypes.cast(length, pointer), b"($)i", None))
assert library.wasm_runtime_register_natives(b"env", symbols, 1)
library.wasm_runtime_set_log_level(1)
plain, instance = instantiate("plain.wasm")
assert call(instance, b"add", 3, 4) == 7
assert call(instance, b"crash") == b"Exception: unreachable"
library.wasm_runtime_deinstantiate(instance)
library.wasm_runtime_unload(plain)
natives, instance = instantiate("natives.wasm")
assert call(instance, b"use_length", 64) == 4
assert call(instance, b"use_length", 65536) == b"Exception: out of bounds memory access"
library.wasm_runtime_deinstantiate(instance)
library.wasm_runtime_unload(natives)
library.wasm_runtime_destroy()
