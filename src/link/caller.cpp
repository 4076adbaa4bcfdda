#include "link/caller.h"

#include <array>
#include <shared_mutex>

#include "link/namespace.h"
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

bool is_interface(const Dso& dso, uint32_t function) {
  for (const std::string_view name : kInterface) {
    const wasm::Export* const symbol = dso.module().find_export(name);
    if (symbol != nullptr && symbol->kind == wasm::ExternKind::function && symbol->index == function) {
      return true;
    }
  }
  return false;
}

/// The same as below where `caller` is compiled.
Dso* native_dlfcn_caller(const runtime::Thread& thread, Dso& caller) {
  runtime::NativeWalk walk(*thread.native);
  if (walk.at_end() || walk.frame().code->owner != &caller.executable() ||
      !is_interface(caller, walk.frame().function())) {
    return &caller;
  }
  walk.next();
  Dso* outer = nullptr;
  if (!walk.at_end()) {
    outer = running_dso(caller.program(), thread, *walk.frame().code->owner);
  } else if (const abi::Instance* const instance = thread.native->frame->caller_instance; instance->dso != 0) {
    outer = dso_of(*instance);
  }
  return outer == nullptr ? &caller : outer;
}

}  // namespace

Dso* running_dso(const Namespace& program, const runtime::Thread& thread, const runtime::Executable& executable) {
  const std::shared_lock lock(program.link_map_lock);
  Dso* gone = nullptr;
  size_t count = 0;
  for (const auto& dso : program.dsos) {
    if (dso == nullptr || &dso->executable() != &executable || thread.instances[dso->index] == nullptr) {
      continue;
    }
    if (dso->state != State::gone) {
      return dso.get();
    }
    gone = dso.get();
    ++count;
  }
  return count == 1 ? gone : nullptr;
}

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
  if (caller != nullptr && thread.native != nullptr && thread.native->frame == thread.frames + 1) {
    return native_dlfcn_caller(thread, *caller);
  }
  if (caller == nullptr || thread.stack_end() - thread.frames < 2) {
    return caller;
  }
  const abi::Frame& frame = thread.frames[1];
  if (thread.native != nullptr && thread.native->frame == thread.frames + 2) {
    // Compiled code called the function of that name: its frames say who it is.
    const runtime::NativeWalk walk(*thread.native);
    Dso* const outer = walk.at_end() ? nullptr : running_dso(caller->program(), thread, *walk.frame().code->owner);
    return outer != nullptr && frame.code->owner == &caller->executable() && is_interface(*caller, frame.code->function)
               ? outer
               : caller;
  }
  return frame.code->owner == &caller->executable() && is_interface(*caller, frame.code->function) &&
                 frame.caller_instance->dso != 0
             ? dso_of(*frame.caller_instance)
             : caller;
}

}  // namespace tenon::link
