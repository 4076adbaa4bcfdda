#include "cli/describe.h"

#include <array>

#include "base/mapped_file.h"

namespace tenon::cli {

namespace {

using wasm::ExternKind;

std::string describe_limits(const wasm::Limits& limits, const char* unit) {
  return limits.maximum ? fmt::format("{} to {} {}", limits.minimum, *limits.maximum, unit)
                        : fmt::format("at least {} {}", limits.minimum, unit);
}

}  // namespace

Result<std::shared_ptr<const wasm::Module>> read_module(const std::string& path) {
  const auto bytes = TENON_TRY(base::FileBytes::map(path));
  return wasm::decode(bytes, path);
}

std::string describe_type(const wasm::Module& module, ExternKind kind, uint32_t index) {
  switch (kind) {
    case ExternKind::function:
      return to_string(module.function_type(index));
    case ExternKind::table: {
      const wasm::TableType& type = module.tables[index].type;
      return fmt::format("{}, {}", to_string(type.element), describe_limits(type.limits, "elements"));
    }
    case ExternKind::memory: {
      const wasm::MemoryType& type = module.memories[index].type;
      return describe_limits(type.limits, "pages") + (type.shared ? ", shared" : "");
    }
    case ExternKind::global: {
      const wasm::GlobalType& type = module.globals[index].type;
      return fmt::format("{}{}", type.is_mutable ? "mutable " : "", to_string(type.type));
    }
    case ExternKind::tag:
      return to_string(*module.types[module.tags[index].type]);
  }
  return {};
}

std::vector<std::string> flag_names(uint32_t flags) {
  struct Name {
    uint32_t flag;
    const char* name;
  };
  constexpr auto kNames = std::to_array<Name>({{wasm::kSymbolBindingWeak, "weak"},
                                               {wasm::kSymbolBindingLocal, "local"},
                                               {wasm::kSymbolVisibilityHidden, "hidden"},
                                               {wasm::kSymbolUndefined, "undefined"},
                                               {wasm::kSymbolTls, "tls"}});
  std::vector<std::string> names;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) {
      names.emplace_back(name);
      flags &= ~flag;
    }
  }
  if (flags != 0) {
    names.push_back(fmt::format("{:#x}", flags));
  }
  return names;
}

}  // namespace tenon::cli
