// The interpreter, from outside: enter guest code, and the stubs that functions start with.
#pragma once

#include <span>

#include "abi/abi.h"
#include "runtime/executable.h"
#include "runtime/thread.h"

namespace tenon::interp {

/// What Executables of this process are made with. First call registers the interpreter's handlers for fault handling.
[[nodiscard]] runtime::EntryStubs entry_stubs();

/// The entry of a HostCode.
[[nodiscard]] const abi::Instruction* host_entry();

/// Calls a function on `thread`, which must be the calling OS thread's own and may be inside a host call already.
/// `arguments` are one Cell per parameter, results are left in `results`, which has room for all.
/// True: returned. False: thread.pending says why not (trap with backtrace, exit, or exception). Host functions that
/// call back into the guest return false in turn, and unwinding goes on in the guest below.
[[nodiscard]] bool invoke(runtime::Thread& thread, abi::Instance* instance, const abi::Code& code,
                          std::span<const abi::Cell> arguments, std::span<abi::Cell> results);

/// Calls an interpreted function for compiled code: its arguments are at `thread.values`, where results are left. What
/// is pending tells whether it returned. When the result has a code, the function ended with a tail call of that
/// compiled function, whose arguments are at `thread.values`.
[[nodiscard]] runtime::Thread::TailCall invoke_from_native(runtime::Thread& thread, abi::Instance* instance,
                                                           const abi::Code& code);

}  // namespace tenon::interp
