// Loops compiled with and without second copies, side by side.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "unit/compiler/loop_writer.h"
#include "unit/compiler/native_module.h"

namespace tenon::compiler::testing {

/// Writes `functions` random functions, and calls each with `inputs` random arguments and memories: compiled at level
/// 1, where every access is made as it is written, and at level 2. Returns what differs, if anything does: the results,
/// the trap and where it was, the memory left behind.
inline std::optional<std::string> difference_of_loops(const std::function<uint32_t(uint32_t)>& below,
                                                      uint32_t functions, uint32_t inputs, abi::BoundsChecks checks) {
  constexpr uint32_t kPage = 4096;
  constexpr int kLongRun = 30;
  LoopWriter writer(below);
  ModuleBuilder builder;
  const std::vector<ValueType> parameters(LoopWriter::kParameters, ValueType::i32);
  const uint32_t type = builder.type(parameters, {ValueType::i32});
  builder.add(kMemory, bytes(0x00, 1));
  for (uint32_t n = 0; n < functions; ++n) {
    const LoopWriter::Function function = writer.write();
    builder.function(type, function.code, function.locals);
  }
  auto module = wasm::decode_and_validate(base::FileBytes::own(builder.build()), "loops.wasm");
  if (!module) {
    return module.error().message;
  }
  CompileOptions options;
  options.code.checks = checks;
  options.threads = 1;
  options.level = 1;
  const NativeModule exact(**module, options);
  options.level = 2;
  const NativeModule optimized(**module, options);

  GuestMemory memory;
  for (uint32_t n = 0; n < functions; ++n) {
    for (uint32_t input = 0; input < inputs; ++input) {
      const uint32_t size = (below(4) != 0 ? 1 : below(48)) * kPage;
      const NativeModule::Arguments arguments = arguments_of_loops(below, size);
      const uint32_t seed = below(1U << 16);
      memory.reset(size, seed);
      const Outcome expected = exact.call(n, memory, arguments, kLongRun);
      if (expected.kind == Outcome::Kind::took_too_long) {
        continue;
      }
      const std::vector<uint8_t> left = memory.content();
      memory.reset(size, seed);
      const Outcome outcome = optimized.call(n, memory, arguments, kLongRun * 100);
      if (outcome != expected || memory.content() != left) {
        const auto& [a, b, c, d, e] = arguments;
        return fmt::format("function {} ({:#x}, {:#x}, {:#x}, {:#x}, {:#x}), memory {:#x}: {} {:#x}, not {} {:#x}{}", n,
                           a, b, c, d, e, size, static_cast<int>(outcome.kind), outcome.value,
                           static_cast<int>(expected.kind), expected.value,
                           memory.content() == left ? "" : "; memory differs");
      }
    }
  }
  return std::nullopt;
}

}  // namespace tenon::compiler::testing
