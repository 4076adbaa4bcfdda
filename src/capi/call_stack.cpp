// Call stacks of guests, and what their instances have of memory.
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "capi/instance.h"
#include "interp/unwind.h"

namespace tenon::capi {

namespace {

/// The calls in progress when the calling thread is in the guest, else those of the exec env's last trap.
std::vector<runtime::BacktraceFrame> frames_of(const WASMExecEnv& env) {
  link::GuestThread* const guest = link::Presence::find(env.instance->main()->program());
  if (guest == nullptr || guest->state().frames == guest->state().stack_end()) {
    return env.last_trap.backtrace;
  }
  runtime::Thread& thread = guest->state();
  // What is pending, if anything, has its own.
  runtime::Trap kept = std::exchange(thread.trap, {});
  interp::record_backtrace(thread, thread.position, thread.frames);
  return std::exchange(thread.trap, std::move(kept)).backtrace;
}

std::string text_of(const WASMExecEnv& env) {
  std::string text = "\n";
  size_t number = 0;
  for (const runtime::BacktraceFrame& frame : frames_of(env)) {
    text += fmt::format("#{:02}: 0x{:04x} - {}\n", number++, frame.offset, frame.function);
  }
  return number == 0 ? std::string() : text;
}

}  // namespace

}  // namespace tenon::capi

using namespace tenon::capi;  // NOLINT(google-build-using-namespace): what follows is this namespace's C face

extern "C" {

void wasm_runtime_dump_call_stack(wasm_exec_env_t exec_env) {
  if (exec_env != nullptr) {
    std::printf("%s", text_of(*exec_env).c_str());
    std::fflush(stdout);
  }
}

uint32_t wasm_runtime_get_call_stack_buf_size(wasm_exec_env_t exec_env) {
  const size_t size = exec_env == nullptr ? 0 : text_of(*exec_env).size();
  return size == 0 ? 0 : static_cast<uint32_t>(size + 1);
}

uint32_t wasm_runtime_dump_call_stack_to_buf(wasm_exec_env_t exec_env, char* buf, uint32_t len) {
  const std::string text = exec_env == nullptr ? "" : text_of(*exec_env);
  if (buf == nullptr || text.empty() || text.size() >= len) {
    return 0;
  }
  std::memcpy(buf, text.c_str(), text.size() + 1);
  return static_cast<uint32_t>(text.size() + 1);
}

uint32_t wasm_copy_callstack(const wasm_exec_env_t exec_env, WASMCApiFrame* buffer, const uint32_t length,
                             const uint32_t skip_n, char* error_buf, uint32_t error_buf_size) {
  if (exec_env == nullptr || buffer == nullptr) {
    set_error(error_buf, error_buf_size, "there is no exec env, or no buffer");
    return 0;
  }
  exec_env->copied = frames_of(*exec_env);
  const tenon::wasm::Module& module = exec_env->instance->module->module();
  uint32_t count = 0;
  for (size_t i = skip_n; i < exec_env->copied.size() && count < length; ++i) {
    const tenon::runtime::BacktraceFrame& frame = exec_env->copied[i];
    WASMCApiFrame& copy = buffer[count++];
    copy = {};
    copy.instance = exec_env->instance;
    copy.module_offset = frame.offset;
    copy.func_index = frame.function_index;
    copy.func_name_wp = frame.function.c_str();
    // Of a library's function the module here says nothing.
    if (frame.module == module.name && frame.function_index < module.functions.size() &&
        frame.offset >= module.functions[frame.function_index].body_offset) {
      copy.func_offset = frame.offset - module.functions[frame.function_index].body_offset;
    }
  }
  return count;
}

void wasm_runtime_dump_mem_consumption(wasm_exec_env_t exec_env) {
  if (exec_env == nullptr) {
    return;
  }
  const WASMModuleInstanceCommon& instance = *exec_env->instance;
  for (const tenon::link::LinkMapEntry& entry : instance.program->link_map()) {
    std::printf("%s: %" PRIu64 " bytes of data at 0x%" PRIx64 "\n", entry.name.c_str(), entry.memory_size,
                entry.memory_base);
  }
  std::printf("linear memory: %" PRIu64 " bytes\n", instance.program->memory_size());
  std::fflush(stdout);
}

}  // extern "C"
