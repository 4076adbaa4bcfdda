// Calls between compiled code on one side and interpreted code and host functions on the other.
#pragma once

#include "interp/code.h"
#include "runtime/native_code.h"
#include "runtime/thread.h"

namespace tenon::interp {

/// Makes this room the one that answers calls out of compiled code. Called once, before any compiled code runs.
void register_native_calls();

/// What compiled code asks of the runtime.
[[nodiscard]] const abi::Helpers& helpers();

/// Calls the compiled function of `code`, whose arguments are in `values` and whose frame is `frame`; results are left
/// in `values`. False when something is pending.
[[nodiscard]] bool call_native(runtime::Thread& thread, const Code& code, Cell* values, Instance* instance,
                               Frame* frame);

}  // namespace tenon::interp
