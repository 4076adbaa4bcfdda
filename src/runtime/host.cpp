#include "runtime/host.h"

#include "runtime/executable.h"
#include "runtime/interruption.h"
#include "runtime/thread.h"

namespace tenon::runtime {

bool HostCall::exit(uint32_t code) {
  return Thread::of(thread_).raise_exit(code);
}

bool HostCall::trap(std::string message) {
  return Thread::of(thread_).raise(TrapKind::host, std::move(message));
}

bool call_host(Thread& thread, const HostCode& code, HostCall& call) {
  {
    const InHost host(thread);
    if (!code.function(code.environment, call)) {
      return false;
    }
  }
  return thread.interrupt.load(std::memory_order_relaxed) == 0 || poll(thread);
}

wasm::FunctionType parse_signature(std::string_view signature) {
  wasm::FunctionType type;
  auto* side = &type.parameters;
  for (const char letter : signature) {
    switch (letter) {
      case 'i':
        side->push_back(wasm::ValueType::i32);
        break;
      case 'I':
        side->push_back(wasm::ValueType::i64);
        break;
      case 'f':
        side->push_back(wasm::ValueType::f32);
        break;
      case 'F':
        side->push_back(wasm::ValueType::f64);
        break;
      case 'v':
        side->push_back(wasm::ValueType::v128);
        break;
      default:
        side = &type.results;
        break;
    }
  }
  return type;
}

}  // namespace tenon::runtime
