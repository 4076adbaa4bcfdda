#include "link/describe.h"

#include <fmt/format.h>

namespace tenon::link {

namespace {

using wasm::ExternKind;

std::string describe(const wasm::Limits& limits) {
  return limits.maximum ? fmt::format("{} to {}", limits.minimum, *limits.maximum)
                        : fmt::format("at least {}", limits.minimum);
}

}  // namespace

std::string describe(const wasm::GlobalType& type) {
  return fmt::format("{}global {}", type.is_mutable ? "mutable " : "", wasm::to_string(type.type));
}

std::string describe(const wasm::MemoryType& type) {
  return fmt::format("{}memory of {} pages", type.shared ? "shared " : "", describe(type.limits));
}

std::string describe(const wasm::TableType& type) {
  return fmt::format("table of {} {} elements", describe(type.limits), wasm::to_string(type.element));
}

std::string describe(const wasm::Module& module, const wasm::Export& symbol) {
  switch (symbol.kind) {
    case ExternKind::function:
      return "function " + to_string(module.function_type(symbol.index));
    case ExternKind::global:
      return describe(module.globals[symbol.index].type);
    case ExternKind::tag:
      return "tag " + to_string(*module.types[module.tags[symbol.index].type]);
    case ExternKind::memory:
      return describe(module.memories[symbol.index].type);
    case ExternKind::table:
      return describe(module.tables[symbol.index].type);
  }
  return {};
}

}  // namespace tenon::link
