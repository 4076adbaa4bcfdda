// A function of the guest with its C++ type: checked once, then called like any other.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "link/program.h"

namespace tenon::link {

/// The WebAssembly type that stands for a C++ type: 32-bit integers and pointers' numbers are i32, abi::V128 is v128,
/// and so on.
template <class T>
[[nodiscard]] constexpr wasm::ValueType value_type() {
  if constexpr (std::is_same_v<T, float>) {
    return wasm::ValueType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return wasm::ValueType::f64;
  } else if constexpr (std::is_same_v<T, abi::V128>) {
    return wasm::ValueType::v128;
  } else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= sizeof(uint64_t), "no WebAssembly value is of this type");
    return sizeof(T) == sizeof(uint64_t) ? wasm::ValueType::i64 : wasm::ValueType::i32;
  }
}

template <class Signature>
class TypedFunction;

/// Result is void or one value. Belongs to one program, and is used as that is: by one thread at a time. It may outlive
/// the library: a call then fails and names the library.
template <class Result_, class... Arguments>
class TypedFunction<Result_(Arguments...)> {
 public:
  /// The function that `name` means in `dso` (see Program::symbol). Errors: not_found, limit; unlinkable, when it is no
  /// function or has another type.
  [[nodiscard]] static Result<TypedFunction> find(Program& program, Dso& dso, std::string_view name) {
    const Program::Symbol symbol = TENON_TRY(program.symbol(dso, name));
    wasm::FunctionType type{{value_type<Arguments>()...}, {}};
    if constexpr (!std::is_void_v<Result_>) {
      type.results.push_back(value_type<Result_>());
    }
    if (!symbol.is_function || symbol.type != type) {
      return fail(ErrorKind::unlinkable, "{} is {}, not a function {}", printable(name),
                  symbol.is_function ? "a function " + to_string(symbol.type) : "data", to_string(type));
    }
    return TypedFunction(program, symbol.address);
  }

  /// What it returned. Errors: trap, with the trap's text and backtrace; usage, when the library is gone or the program
  /// has ended.
  [[nodiscard]] Result<Result_> operator()(Arguments... arguments) const {
    std::array<abi::Cell, (size_t{0} + ... + abi::cells_of(value_type<Arguments>()))> cells;
    [[maybe_unused]] abi::Cell* next = cells.data();
    ((next = put(next, arguments)), ...);
    const CallOutcome outcome = TENON_TRY(program_->call_slot(slot_, cells));
    switch (outcome.kind) {
      case CallOutcome::Kind::returned:
        break;
      case CallOutcome::Kind::trap:
        return fail(ErrorKind::trap, "{}", runtime::to_string(outcome.trap));
      case CallOutcome::Kind::exit:
        return fail(ErrorKind::usage, "the program ended with exit code {}", outcome.exit_code);
      case CallOutcome::Kind::exception:
        return fail(ErrorKind::trap, "an exception was thrown and nobody caught it");
    }
    if constexpr (std::is_void_v<Result_>) {
      return {};
    } else {
      return take(outcome.results);
    }
  }

  /// Its function pointer, as the guest has it.
  [[nodiscard]] uint32_t slot() const { return slot_; }

 private:
  TypedFunction(Program& program, uint32_t slot) : program_(&program), slot_(slot) {}

  /// Returns where the next value goes.
  template <class T>
  [[nodiscard]] static abi::Cell* put(abi::Cell* cell, T value) {
    cell->u64 = 0;
    if constexpr (std::is_same_v<T, float>) {
      cell->f32 = value;
    } else if constexpr (std::is_same_v<T, double>) {
      cell->f64 = value;
    } else if constexpr (std::is_same_v<T, abi::V128>) {
      cell[0].u64 = value.low;
      cell[1].u64 = value.high;
    } else {
      cell->u64 = static_cast<uint64_t>(value);
    }
    return cell + abi::cells_of(value_type<T>());
  }
  [[nodiscard]] static auto take(std::span<const abi::Cell> cells) {
    if constexpr (std::is_same_v<Result_, float>) {
      return cells[0].f32;
    } else if constexpr (std::is_same_v<Result_, double>) {
      return cells[0].f64;
    } else if constexpr (std::is_same_v<Result_, abi::V128>) {
      return abi::V128{cells[0].u64, cells[1].u64};
    } else {
      return static_cast<Result_>(cells[0].u64);
    }
  }

  Program* program_;
  uint32_t slot_;
};

}  // namespace tenon::link
