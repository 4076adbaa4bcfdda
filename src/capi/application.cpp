// Running a module as a program, and its functions from words.
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "capi/instance.h"

namespace tenon::capi {

namespace {

using wasm::ValueType;

/// Calls with the instance's own exec env, or the one that the thread is in it with.
bool call_here(WASMModuleInstanceCommon& instance, const Function& function, std::span<const abi::Cell> arguments,
               std::vector<abi::Cell>& results) {
  WASMExecEnv* const active = ActiveCall::find(instance);
  return call(active == nullptr ? instance.singleton : *active, function, arguments, results);
}

/// The strings and the array of their addresses, in the guest's memory; the array's address, 0 with an exception.
uint32_t copy_arguments(WASMModuleInstanceCommon& instance, std::span<char* const> arguments, uint64_t& block) {
  std::string text;
  std::vector<uint32_t> offsets;
  for (const char* const argument : arguments) {
    offsets.push_back(static_cast<uint32_t>(text.size()));
    text.append(argument == nullptr ? "" : argument).push_back('\0');
  }
  text.resize((text.size() + sizeof(uint32_t) - 1) / sizeof(uint32_t) * sizeof(uint32_t));
  const uint64_t size = text.size() + (offsets.size() + 1) * sizeof(uint32_t);
  void* native = nullptr;
  block = wasm_runtime_module_malloc(&instance, size, &native);
  if (block == 0) {
    if (!instance.exception.is_set()) {
      instance.exception.set("allocate memory failed");
    }
    return 0;
  }
  for (uint32_t& offset : offsets) {
    offset += static_cast<uint32_t>(block);
  }
  offsets.push_back(0);
  std::memcpy(native, text.data(), text.size());
  std::memcpy(static_cast<char*>(native) + text.size(), offsets.data(), offsets.size() * sizeof(uint32_t));
  return static_cast<uint32_t>(block + text.size());
}

bool is_main_type(const wasm::FunctionType& type) {
  const std::vector<ValueType> two = {ValueType::i32, ValueType::i32};
  const std::vector<ValueType> one = {ValueType::i32};
  return (type.parameters.empty() || type.parameters == two) && (type.results.empty() || type.results == one);
}

bool execute_main(WASMModuleInstanceCommon& instance, int32_t argc, char** argv) {
  std::vector<abi::Cell> results;
  if (const Function* const start = exported_function(instance, "_start")) {
    return call_here(instance, *start, {}, results);
  }
  const Function* main = nullptr;
  for (const char* const name : {"main", "__main_argc_argv", "_main"}) {
    main = main == nullptr ? exported_function(instance, name) : main;
  }
  if (main == nullptr) {
    instance.exception.set("lookup the entry point symbol (like _start, main, _main, __main_argc_argv) failed");
    return false;
  }
  if (!is_main_type(main->type)) {
    instance.exception.set("invalid function type of main function");
    return false;
  }
  const size_t count = argv == nullptr ? 0 : static_cast<size_t>(std::max(argc, 0));
  std::vector<abi::Cell> arguments;
  uint64_t block = 0;
  if (!main->type.parameters.empty()) {
    const uint32_t array = copy_arguments(instance, {argv, count}, block);
    if (array == 0) {
      return false;
    }
    arguments = {{.u64 = count}, {.u64 = array}};
  }
  const bool returned = call_here(instance, *main, arguments, results);
  if (returned && !results.empty() && count != 0) {
    const int32_t result = results.front().i32;
    std::memcpy(static_cast<void*>(argv), &result, sizeof(result));
  }
  if (block != 0 && returned) {
    wasm_runtime_module_free(&instance, block);
  }
  return returned;
}

/// "$module$function" or "function". Null when there is none.
const Function* find_function(WASMModuleInstanceCommon& instance, std::string_view name) {
  if (!name.starts_with('$')) {
    return exported_function(instance, name);
  }
  const size_t end = name.find('$', 1);
  if (end == std::string_view::npos) {
    return nullptr;
  }
  const auto submodule = instance.submodules.find(name.substr(1, end - 1));
  if (submodule == instance.submodules.end()) {
    return nullptr;
  }
  link::Dso& dso = *submodule->second;
  const wasm::Export* const symbol = dso.module().find_export(name.substr(end + 1));
  return symbol == nullptr || symbol->kind != wasm::ExternKind::function ? nullptr
                                                                         : instance.function(dso, symbol->index);
}

/// "nan", "-nan", "nan:0x200000": a float whose payload is given in bits.
template <class Float, class Bits>
Bits parse_float(const char* word, char** end, Float value, unsigned mantissa) {
  Bits bits{};
  std::memcpy(&bits, &value, sizeof(bits));
  if (std::isnan(value)) {
    constexpr Bits kOne = 1;
    const Bits sign = kOne << (sizeof(Bits) * 8 - 1);
    bits = *word == '-' ? bits | sign : bits & ~sign;
    if (**end == ':') {
      const Bits payload = (kOne << mantissa) - 1;
      bits = (bits & ~payload) | (static_cast<Bits>(std::strtoull(*end + 1, end, 0)) & payload);
    }
  }
  return bits;
}

/// A value from a word. Nothing for what is none.
std::optional<abi::Cell> parse_argument(const WASMModuleInstanceCommon& instance, ValueType type, const char* word) {
  constexpr unsigned kFloatMantissa = 23;
  constexpr unsigned kDoubleMantissa = 52;
  abi::Cell cell{.u64 = 0};
  char* end = nullptr;
  const bool is_null = std::strcmp(word, "null") == 0 || std::strcmp(word, "NULL") == 0;
  switch (type) {
    case ValueType::i32:
      cell.u64 = static_cast<uint32_t>(std::strtoul(word, &end, 0));
      break;
    case ValueType::i64:
      cell.u64 = std::strtoull(word, &end, 0);
      break;
    case ValueType::f32: {
      const float value = std::strtof(word, &end);
      cell.u64 = parse_float<float, uint32_t>(word, &end, value, kFloatMantissa);
      break;
    }
    case ValueType::f64: {
      const double value = std::strtod(word, &end);
      cell.u64 = parse_float<double, uint64_t>(word, &end, value, kDoubleMantissa);
      break;
    }
    case ValueType::funcref:
      if (!is_null) {
        cell.function = function_at(instance, static_cast<uint32_t>(std::strtoul(word, &end, 0)));
      }
      break;
    default:
      if (!is_null) {
        cell.u64 = std::strtoull(word, &end, 0);
      }
      break;
  }
  // "1_000" is taken up to the underscore, as WAMR does.
  return *word == '\0' || (end != nullptr && *end != '\0' && *end != '_') ? std::nullopt : std::optional(cell);
}

void print_result(const WASMModuleInstanceCommon& instance, ValueType type, abi::Cell cell) {
  switch (type) {
    case ValueType::i32:
      std::printf("0x%" PRIx32 ":i32", cell.u32);
      break;
    case ValueType::i64:
      std::printf("0x%" PRIx64 ":i64", cell.u64);
      break;
    case ValueType::f32:
      std::printf("%.7g:f32", static_cast<double>(cell.f32));
      break;
    case ValueType::f64:
      std::printf("%.7g:f64", cell.f64);
      break;
    case ValueType::funcref:
      if (cell.function == nullptr) {
        std::printf("func:ref.null");
      } else {
        std::printf("%" PRIu32 ":ref.func", function_index(instance, cell.function));
      }
      break;
    default:
      if (cell.pointer == nullptr) {
        std::printf("extern:ref.null");
      } else {
        std::printf("%p:ref.extern", cell.pointer);
      }
      break;
  }
}

bool execute_function(WASMModuleInstanceCommon& instance, const char* name, int32_t argc, char** argv) {
  const Function* const function = find_function(instance, name);
  if (function == nullptr) {
    instance.exception.set(fmt::format("lookup function {} failed", name));
    return false;
  }
  const std::vector<ValueType>& types = function->type.parameters;
  if (argc < 0 || types.size() != static_cast<size_t>(argc) || (argc > 0 && argv == nullptr)) {
    instance.exception.set("invalid input argument count");
    return false;
  }
  std::vector<abi::Cell> arguments;
  for (size_t i = 0; i < types.size(); ++i) {
    const auto argument = argv[i] == nullptr ? std::nullopt : parse_argument(instance, types[i], argv[i]);
    if (!argument) {
      instance.exception.set(fmt::format("invalid input argument {}: {}", i, argv[i] == nullptr ? "" : argv[i]));
      return false;
    }
    arguments.push_back(*argument);
  }
  instance.exception.clear();
  std::vector<abi::Cell> results;
  if (!call_here(instance, *function, arguments, results)) {
    return false;
  }
  const char* separator = "";
  auto result = results.begin();
  for (const ValueType type : function->type.results) {
    std::printf("%s", separator);
    separator = ",";
    if (type == ValueType::v128) {
      std::printf("<0x%016" PRIx64 " 0x%016" PRIx64 ">:v128", result[0].u64, result[1].u64);
    } else {
      print_result(instance, type, *result);
    }
    result += abi::cells_of(type);
  }
  std::printf("\n");
  std::fflush(stdout);
  return true;
}

}  // namespace

}  // namespace tenon::capi

extern "C" {

bool wasm_application_execute_main(wasm_module_inst_t module_inst, int32_t argc, char* argv[]) {
  return module_inst != nullptr && tenon::capi::execute_main(*module_inst, argc, argv);
}

bool wasm_application_execute_func(wasm_module_inst_t module_inst, const char* name, int32_t argc, char* argv[]) {
  if (module_inst == nullptr || name == nullptr) {
    return false;
  }
  const bool executed = tenon::capi::execute_function(*module_inst, name, argc, argv);
  if (!executed) {
    std::printf("%s\n", module_inst->exception.get());
    std::fflush(stdout);
  }
  return executed;
}

}  // extern "C"
