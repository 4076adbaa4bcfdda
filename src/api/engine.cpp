#include "tenon/engine.h"

#include <filesystem>
#include <utility>

#include "api/state.h"
#include "base/mapped_file.h"

namespace tenon {

using detail::ModuleAccess;

namespace {

aot::StoreOptions image_options(EngineOptions& options) {
  aot::StoreOptions images;
  switch (options.code) {
    case EngineOptions::Code::interpreted:
      images.mode = aot::Mode::interpret;
      break;
    case EngineOptions::Code::automatic:
      images.mode = aot::Mode::automatic;
      break;
    case EngineOptions::Code::compiled:
      images.mode = aot::Mode::compiled;
      break;
  }
  switch (options.compile) {
    case EngineOptions::Compile::never:
      images.compile = aot::Compile::never;
      break;
    case EngineOptions::Compile::now:
      images.compile = aot::Compile::now;
      break;
    case EngineOptions::Compile::in_background:
      images.compile = aot::Compile::in_background;
      break;
  }
  images.cache_directory = std::move(options.cache_directory);
  images.compiler = options.compiler.empty() ? aot::compiler_beside() : std::move(options.compiler);
  if (images.compiler.empty() && std::filesystem::exists(TENON_INSTALLED_COMPILER)) {
    images.compiler = TENON_INSTALLED_COMPILER;
  }
  images.compiler_arguments = std::move(options.compiler_arguments);
  images.report = std::move(options.report);
  return images;
}

Symbol::Kind to_public(wasm::ExternKind kind) {
  switch (kind) {
    case wasm::ExternKind::function:
      return Symbol::Kind::function;
    case wasm::ExternKind::table:
      return Symbol::Kind::table;
    case wasm::ExternKind::memory:
      return Symbol::Kind::memory;
    case wasm::ExternKind::global:
      return Symbol::Kind::global;
    case wasm::ExternKind::tag:
      break;
  }
  return Symbol::Kind::tag;
}

Symbol describe(const wasm::Module& module, wasm::ExternKind kind, uint32_t index, std::string_view from,
                std::string_view name) {
  Symbol symbol{
      .module = std::string(from), .name = std::string(name), .kind = to_public(kind), .type = {}, .value = {}};
  if (kind == wasm::ExternKind::function) {
    symbol.type = detail::to_public(module.function_type(index));
  } else if (kind == wasm::ExternKind::global) {
    const wasm::GlobalType& type = module.globals[index].type;
    symbol.value = static_cast<ValueType>(type.type);
    symbol.is_mutable = type.is_mutable;
  }
  return symbol;
}

}  // namespace

Module::Module(std::shared_ptr<const State> state) : state_(std::move(state)) {}

const std::string& Module::name() const {
  return state_->module->module().name;
}

std::vector<Symbol> Module::imports() const {
  const wasm::Module& module = state_->module->module();
  std::vector<Symbol> symbols;
  symbols.reserve(module.imports.size());
  for (const wasm::Import& import : module.imports) {
    symbols.push_back(describe(module, import.kind, import.index, import.module, import.name));
  }
  return symbols;
}

std::vector<Symbol> Module::exports() const {
  const wasm::Module& module = state_->module->module();
  std::vector<Symbol> symbols;
  symbols.reserve(module.exports.size());
  for (const wasm::Export& symbol : module.exports) {
    symbols.push_back(describe(module, symbol.kind, symbol.index, {}, symbol.name));
  }
  return symbols;
}

std::vector<std::string> Module::needed() const {
  std::vector<std::string> names;
  if (const auto& dylink = state_->module->module().dylink) {
    for (const wasm::Name& name : dylink->needed) {
      names.emplace_back(name);
    }
  }
  return names;
}

bool Module::is_dynamic() const {
  return state_->module->is_dynamic();
}

bool Module::is_compiled() const {
  return state_->module->native() != nullptr;
}

std::optional<std::vector<uint8_t>> Module::custom_section(std::string_view section) const {
  const base::Bytes file = state_->file.view();
  for (const wasm::CustomSection& custom : state_->module->module().custom_sections) {
    if (custom.name == section && custom.offset <= file.size() && custom.size <= file.size() - custom.offset) {
      std::vector<uint8_t> content(custom.size);
      return base::guarded_copy(content.data(), file.subspan(custom.offset, custom.size)) ? std::optional(content)
                                                                                          : std::nullopt;
    }
  }
  return std::nullopt;
}

Engine::Engine(EngineOptions options) {
  link::EngineOptions internal;
  internal.recent_modules = options.recent_modules;
  internal.recent_bytes = options.recent_bytes;
  runtime::CodeOptions code;
  code.checks =
      options.explicit_bounds_checks ? runtime::BoundsChecks::explicit_checks : runtime::BoundsChecks::guard_pages;
  code.check_stack = options.check_stack;
  internal.images = image_options(options);
  state_ = std::make_shared<detail::EngineState>(std::move(internal), code);
}

Result<Module> Engine::load(const std::string& path) const {
  const auto bytes = TENON_TRY(base::FileBytes::map(path));
  link::ImageSearch images;
  images.path = path;
  auto module = TENON_TRY(state_->engine.load(bytes, path, state_->code, images));
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return ModuleAccess::make(std::move(module), bytes, directory.empty() ? "." : directory);
}

Result<Module> Engine::load(std::span<const uint8_t> bytes, const std::string& name) const {
  const auto copy = base::FileBytes::own(std::vector(bytes.begin(), bytes.end()));
  auto module = TENON_TRY(state_->engine.load(copy, name, state_->code));
  return ModuleAccess::make(std::move(module), copy, {});
}

const char* version() {
  return TENON_VERSION;
}

}  // namespace tenon
