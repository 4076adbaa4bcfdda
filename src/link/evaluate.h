// Constant expressions (specification 3.3.10), over the cells of an instance.
#pragma once

#include <optional>
#include <string_view>

#include "abi/abi.h"
#include "link/dso.h"
#include "wasm/module.h"

namespace tenon::link {

/// The value of a validated expression of `dso`'s module. Globals that it names must have their values; functions that
/// it names must be resolved: an import that is not gives ref.null.
[[nodiscard]] abi::Cell evaluate(const wasm::ConstantExpression& expression, Dso& dso, abi::Instance& instance);
/// The same of an expression of type v128.
[[nodiscard]] abi::V128 evaluate_v128(const wasm::ConstantExpression& expression, const Dso& dso,
                                      abi::Instance& instance);

/// The value of global `index`, imported or not. Of a v128, the lower half.
[[nodiscard]] abi::Cell global_value(const Dso& dso, abi::Instance& instance, uint32_t index);
/// Where global `index` is kept: in this instance, or in the one it was imported from. Two Cells for a v128.
[[nodiscard]] abi::Cell* global_cell(const Dso& dso, abi::Instance& instance, uint32_t index);

/// The value of an expression that is one i32.const; nothing when it is anything else.
[[nodiscard]] std::optional<uint32_t> constant_value(const wasm::ConstantExpression& expression);
/// The same of a global that `module` defines and exports as `name`.
[[nodiscard]] std::optional<uint32_t> exported_constant(const wasm::Module& module, std::string_view name);

/// The value of a segment's offset in `dso` before that has an instance, when it follows from where the DSO was placed
/// alone; nothing when it does not.
[[nodiscard]] std::optional<uint32_t> offset_by_place(const wasm::ConstantExpression& expression, const Dso& dso);

}  // namespace tenon::link
