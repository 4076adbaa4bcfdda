#include "link/caller.h"

#include <array>

#include "runtime/linked_module.h"
#include "runtime/thread.h"

namespace tenon::link {

namespace {

constexpr std::array<std::string_view, 7> kInterface = {
    "dlopen", "dlsym", "dlclose", "dlvsym", "dladdr", "dlinfo", "dl_iterate_phdr",
};

Dso* dso_of(const abi::Instance& instance) {
  return static_cast<Dso*>(&runtime::LinkedModule::of(instance));
}

bool is_interface(const Dso& dso, const abi::Code& code) {
  if (code.owner != &dso.executable()) {
    return false;
  }
  for (const std::string_view name : kInterface) {
    const wasm::Export* const symbol = dso.module().find_export(name);
    if (symbol != nullptr && symbol->kind == wasm::ExternKind::function && symbol->index == code.function) {
      return true;
    }
  }
  return false;
}

}  // namespace

// The innermost frame is the host function's own: its caller's instance, and behind it the frame of the caller.
Dso* calling_dso(runtime::HostCall& call) {
  const runtime::Thread& thread = runtime::Thread::of(call.thread());
  if (thread.frames >= thread.stack_end()) {
    return nullptr;
  }
  const abi::Instance* const caller = thread.frames->caller_instance;
  return caller->dso == 0 ? nullptr : dso_of(*caller);
}

Dso* dlfcn_caller(runtime::HostCall& call) {
  Dso* const caller = calling_dso(call);
  const runtime::Thread& thread = runtime::Thread::of(call.thread());
  if (caller == nullptr || thread.stack_end() - thread.frames < 2) {
    return caller;
  }
  const abi::Frame& frame = thread.frames[1];
  return is_interface(*caller, *frame.code) && frame.caller_instance->dso != 0 ? dso_of(*frame.caller_instance)
                                                                               : caller;
}

}  // namespace tenon::link
