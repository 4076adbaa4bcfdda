// Natives: C functions of the host's that guests call, with the letters of their signatures.
#include <cstring>

#include "capi/instance.h"
#include "capi/native_call.h"
#include "runtime/thread.h"

namespace tenon::capi {

namespace {

using wasm::ValueType;
using Parameter = NativeBinding::Parameter;

std::optional<ValueType> type_of(char letter) {
  switch (letter) {
    case 'i':
    case '*':
    case '~':
    case '$':
      return ValueType::i32;
    case 'I':
      return ValueType::i64;
    case 'f':
      return ValueType::f32;
    case 'F':
      return ValueType::f64;
    case 'r':
      return ValueType::externref;
    default:
      return std::nullopt;
  }
}

/// "(i*~)i": the type, and what each parameter is. Nothing for what is no signature.
std::optional<std::pair<wasm::FunctionType, std::vector<Parameter>>> parse(std::string_view signature) {
  if (!signature.starts_with('(')) {
    return std::nullopt;
  }
  const size_t end = signature.find(')');
  if (end == std::string_view::npos || signature.size() - end > 2) {
    return std::nullopt;
  }
  wasm::FunctionType type;
  std::vector<Parameter> parameters;
  for (size_t i = 1; i < end; ++i) {
    const auto letter = type_of(signature[i]);
    if (!letter || (signature[i] == '~' && signature[i - 1] != '*')) {
      return std::nullopt;
    }
    type.parameters.push_back(*letter);
    parameters.push_back(signature[i] == '$'                      ? Parameter::string
                         : signature[i] != '*'                    ? Parameter::plain
                         : i + 1 < end && signature[i + 1] == '~' ? Parameter::pointer_with_length
                                                                  : Parameter::pointer);
  }
  if (end + 1 < signature.size()) {
    const char letter = signature[end + 1];
    const auto result = letter == '*' || letter == '~' || letter == '$' ? std::nullopt : type_of(letter);
    if (!result) {
      return std::nullopt;
    }
    type.results.push_back(*result);
  }
  return std::pair(std::move(type), std::move(parameters));
}

/// A guest's address as the native gets it; null when it is not in memory.
// sandbox: what a native is given lies in memory as far as its signature says.
uint8_t* to_native(runtime::HostCall& call, const NativeBinding& binding, size_t parameter) {
  const uint32_t address = call.u32(parameter);
  switch (binding.parameters[parameter]) {
    case Parameter::pointer_with_length:
      return call.span(address, call.u32(parameter + 1));
    case Parameter::string: {
      const uint8_t* const begin = call.span(address, 1);
      return begin == nullptr || std::memchr(begin, 0, call.memory_size() - address) == nullptr ? nullptr
                                                                                                : call.span(address, 1);
    }
    default:
      return call.span(address, 1);
  }
}

/// An argument in a word: pointers turned into the host's. Nothing when one is not in memory.
std::optional<uint64_t> argument(runtime::HostCall& call, const NativeBinding& binding, size_t i) {
  if (i < binding.parameters.size() && binding.parameters[i] != Parameter::plain) {
    uint8_t* const pointer = to_native(call, binding, i);
    return pointer == nullptr ? std::nullopt : std::optional<uint64_t>(reinterpret_cast<uintptr_t>(pointer));
  }
  const abi::Cell cell = call.cells()[i];
  switch (binding.type.parameters[i]) {
    case ValueType::i32:
    case ValueType::f32:
      return cell.u32;
    case ValueType::funcref:
      return function_index(*binding.instance, cell.function);
    default:
      return cell.u64;
  }
}

abi::Cell result_cell(const NativeBinding& binding, ValueType type, uint64_t bits) {
  abi::Cell cell{.u64 = bits};
  if (type == ValueType::i32 || type == ValueType::f32) {
    cell.u64 = static_cast<uint32_t>(bits);
  } else if (type == ValueType::funcref) {
    cell.function = function_at(*binding.instance, static_cast<uint32_t>(bits));
  }
  return cell;
}

/// Calls void (*)(wasm_exec_env_t, uint64_t*).
void call_raw(const NativeBinding& binding, WASMExecEnv& env, std::vector<uint64_t>& words) {
  using Raw = void (*)(wasm_exec_env_t, uint64_t*);
  reinterpret_cast<Raw>(const_cast<void*>(binding.function))(&env, words.data());
}

/// Calls R (*)(wasm_exec_env_t, parameters..., pointers to further results...); the results are left in `words`.
void call_typed(const NativeBinding& binding, WASMExecEnv& env, std::vector<uint64_t>& words) {
  NativeCaller caller;
  caller.add_integer(reinterpret_cast<uintptr_t>(&env));
  for (size_t i = 0; i < binding.type.parameters.size(); ++i) {
    const ValueType type = binding.type.parameters[i];
    if (type == ValueType::f32 || type == ValueType::f64) {
      caller.add_float(words[i]);
    } else {
      caller.add_integer(words[i]);
    }
  }
  const std::vector<ValueType>& results = binding.type.results;
  std::vector<uint64_t> further(results.size());
  for (size_t i = 1; i < results.size(); ++i) {
    caller.add_integer(reinterpret_cast<uintptr_t>(&further[i]));
  }
  caller.call(binding.function);
  for (size_t i = 0; i < results.size(); ++i) {
    const bool is_float = results[i] == ValueType::f32 || results[i] == ValueType::f64;
    words[i] = i != 0 ? further[i] : is_float ? caller.float_result() : caller.integer_result();
  }
}

/// What becomes of a native that has returned, before the guest goes on: true when it may.
bool finish(runtime::HostCall& call, WASMModuleInstanceCommon& instance) {
  runtime::Thread& thread = runtime::Thread::of(call.thread());
  if (thread.pending == abi::Pending::exit) {
    return false;
  }
  if (const char* const text = instance.exception.get()) {
    constexpr size_t kPrefix = std::string_view("Exception: ").size();
    return thread.pending == abi::Pending::none ? call.trap(text + kPrefix) : false;
  }
  // The guest failed in a call that the native made, and the native has cleared the exception.
  thread.pending = abi::Pending::none;
  thread.exception = nullptr;
  thread.trap = {};
  return true;
}

bool call_native(void* environment, runtime::HostCall& call) {
  const auto& binding = *static_cast<const NativeBinding*>(environment);
  if (binding.function == nullptr) {
    return call.trap(fmt::format("failed to call unlinked import function ({}, {})", binding.module, binding.name));
  }
  const size_t count = binding.type.parameters.size();
  std::vector<uint64_t> words(std::max({count, binding.type.results.size(), size_t{1}}));
  for (size_t i = 0; i < count; ++i) {
    const auto word = argument(call, binding, i);
    if (!word) {
      return call.trap("out of bounds memory access");
    }
    words[i] = *word;
  }
  WASMExecEnv& env = ActiveCall::env_of(*binding.instance);
  void* const outer_attachment = std::exchange(env.attachment, binding.attachment);
  {
    const ActiveCall active(env);
    (binding.is_raw ? call_raw : call_typed)(binding, env, words);
  }
  env.attachment = outer_attachment;
  if (!finish(call, *binding.instance)) {
    return false;
  }
  for (size_t i = 0; i < binding.type.results.size(); ++i) {
    call.cells()[i] = result_cell(binding, binding.type.results[i], words[i]);
  }
  return true;
}

}  // namespace

std::optional<link::ResolvedHostFunction> resolve_native(WASMModuleInstanceCommon& instance, std::string_view module,
                                                         std::string_view name, const wasm::FunctionType* type) {
  NativeBinding binding{.instance = &instance, .module = std::string(module), .name = std::string(name)};
  auto native = instance.runtime->find_native(module, name);
  if (native && native->symbol.signature != nullptr && *native->symbol.signature != '\0') {
    auto parsed = parse(native->symbol.signature);
    if (!parsed || (type != nullptr && parsed->first != *type)) {
      log(WASM_LOG_LEVEL_WARNING, "failed to check signature '{}' of native ({}, {}), imported as {}",
          native->symbol.signature, module, name, type == nullptr ? "an address" : to_string(*type));
      native = std::nullopt;
    } else {
      std::tie(binding.type, binding.parameters) = *std::move(parsed);
    }
  } else if (native && type != nullptr) {
    binding.type = *type;
  } else {
    native = std::nullopt;
  }
  if (native) {
    binding.function = native->symbol.func_ptr;
    binding.attachment = native->symbol.attachment;
    binding.is_raw = native->is_raw;
  } else if (type != nullptr && !instance.module->shared->is_dynamic()) {
    binding.type = *type;  // who imports it may be instantiated, as long as it is not called
  } else {
    return std::nullopt;
  }
  const std::scoped_lock lock(instance.mutex);
  NativeBinding& kept = instance.natives.emplace_back(std::move(binding));
  return link::ResolvedHostFunction{&call_native, &kept, kept.type};
}

}  // namespace tenon::capi
