// Functions across the border: the guest's with their C++ types, and the host's as plain lambdas.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tenon/export.h"
#include "tenon/memory.h"
#include "tenon/result.h"
#include "tenon/types.h"

namespace tenon {

class Caller;
class Program;

namespace detail {

struct ProgramState;
struct CallerAccess;
struct FunctionAccess;

/// A function of the guest, without its type. Its library may go meanwhile: a call then fails.
class TENON_API FunctionHandle {
 public:
  /// `cells`: arguments, and room for results, one of 64 bits for each.
  [[nodiscard]] Result<> call(std::span<const uint64_t> arguments, std::span<uint64_t> results) const;
  [[nodiscard]] uint32_t pointer() const { return slot_; }

 private:
  friend struct FunctionAccess;
  std::shared_ptr<ProgramState> program_;
  uint32_t slot_ = 0;
  std::string name_;  ///< of an export of main's, which has no slot
};

/// Arguments are in `cells` from 0 on, and so are results when it returns.
using HostFunction = std::function<void(Caller& caller, uint64_t* cells)>;

}  // namespace detail

/// The guest that calls a host function. Valid during the call, and used by the calling thread only.
class TENON_API Caller {
 public:
  /// The memory of the module that calls.
  [[nodiscard]] MemoryView memory() const;
  /// The program that calls.
  [[nodiscard]] Program program() const;
  /// The guest ends with `code`, once the host function has returned.
  void exit(uint32_t code);
  /// The guest traps, once the host function has returned. `message` is for people and names what the guest did.
  void trap(std::string message);

 private:
  friend struct detail::CallerAccess;
  Caller() = default;
  void* call_ = nullptr;
  std::shared_ptr<detail::ProgramState> program_;
  bool is_over_ = false;
};

template <class Signature>
class Function;

/// A function of the guest: its type was checked when it was found, so it is called like any other. Copyable. The
/// program stays as long as this, its library need not: a call then fails, and names it. Thread-safe as Program is.
template <class Output, Number... Arguments>
class Function<Output(Arguments...)> {
  static_assert(std::is_void_v<Output> || Number<Output>, "a function of WebAssembly gives nothing or a number");

 public:
  explicit Function(detail::FunctionHandle handle) : handle_(std::move(handle)) {}

  [[nodiscard]] static FunctionType type() {
    FunctionType type{{value_type<Arguments>()...}, {}};
    if constexpr (!std::is_void_v<Output>) {
      type.results.push_back(value_type<Output>());
    }
    return type;
  }

  /// What it returned. Errors: trap, with the trap's text and backtrace; exit; usage, when the library is gone.
  Result<Output> operator()(Arguments... arguments) const {
    const std::array<uint64_t, sizeof...(Arguments)> cells{Value::to_bits(arguments)...};
    std::array<uint64_t, std::is_void_v<Output> ? 0 : 1> results{};
    if (auto called = handle_.call(cells, results); !called) {
      return std::unexpected(std::move(called).error());
    }
    if constexpr (std::is_void_v<Output>) {
      return {};
    } else {
      return Value::from_bits<Output>(results[0]);
    }
  }

  /// Its address as the guest knows it, to be passed to a guest function. 0 when it has none (a function of a main
  /// module without a function table).
  [[nodiscard]] uint32_t pointer() const { return handle_.pointer(); }

 private:
  detail::FunctionHandle handle_;
};

namespace detail {

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};

template <class T>
struct IsTuple : std::false_type {};
template <class... T>
struct IsTuple<std::tuple<T...>> : std::true_type {};

template <class Output>
void add_results(FunctionType& type) {
  if constexpr (IsResult<Output>::value) {
    add_results<typename Output::value_type>(type);
  } else if constexpr (IsTuple<Output>::value) {
    [&]<class... T>(std::type_identity<std::tuple<T...>>) {
      (type.results.push_back(value_type<T>()), ...);
    }(std::type_identity<Output>());
  } else if constexpr (!std::is_void_v<Output>) {
    static_assert(Number<Output>, "a host function gives nothing, a number, a tuple of numbers, or a Result of these");
    type.results.push_back(value_type<Output>());
  }
}

template <class Output>
void put_results(Output&& output, uint64_t* cells) {
  if constexpr (IsTuple<std::remove_cvref_t<Output>>::value) {
    std::apply([&](const auto&... number) { ((*cells++ = Value::to_bits(number)), ...); }, output);
  } else {
    *cells = Value::to_bits(output);
  }
}

/// What a lambda says about itself.
template <class F>
struct Callable : Callable<decltype(&F::operator())> {};
template <class Output, class... Arguments>
struct Callable<Output (*)(Arguments...)> {
  using Parameters = std::tuple<std::remove_cvref_t<Arguments>...>;
  using Returned = Output;
};
template <class Class, class Output, class... Arguments>
struct Callable<Output (Class::*)(Arguments...)> : Callable<Output (*)(Arguments...)> {};
template <class Class, class Output, class... Arguments>
struct Callable<Output (Class::*)(Arguments...) const> : Callable<Output (*)(Arguments...)> {};
template <class Class, class Output, class... Arguments>
struct Callable<Output (Class::*)(Arguments...) noexcept> : Callable<Output (*)(Arguments...)> {};
template <class Class, class Output, class... Arguments>
struct Callable<Output (Class::*)(Arguments...) const noexcept> : Callable<Output (*)(Arguments...)> {};

/// A lambda with its WebAssembly type.
struct TypedHostFunction {
  FunctionType type;
  HostFunction function;
};

template <class Output, class F, bool takes_caller, class... Numbers>
TypedHostFunction wrap(F function, std::type_identity<std::tuple<Numbers...>> /*parameters*/) {
  static_assert((Number<Numbers> && ...), "a host function takes numbers, and perhaps a Caller& before them");
  TypedHostFunction typed{.type = {{value_type<Numbers>()...}, {}}, .function = {}};
  add_results<Output>(typed.type);
  typed.function = [function = std::move(function)](Caller& caller, uint64_t* cells) mutable {
    const auto call = [&]<size_t... kIndices>(std::index_sequence<kIndices...>) -> Output {
      if constexpr (takes_caller) {
        return function(caller, Value::from_bits<Numbers>(cells[kIndices])...);
      } else {
        return function(Value::from_bits<Numbers>(cells[kIndices])...);
      }
    };
    constexpr auto kAll = std::index_sequence_for<Numbers...>();
    const auto run = [&] {
      if constexpr (std::is_void_v<Output>) {
        call(kAll);
      } else if constexpr (IsResult<Output>::value) {
        Output output = call(kAll);
        if (!output) {
          caller.trap(std::move(output).error().message);
        } else if constexpr (!std::is_void_v<typename Output::value_type>) {
          put_results(*std::move(output), cells);
        }
      } else {
        put_results(call(kAll), cells);
      }
    };
#ifdef __cpp_exceptions
    try {
      run();
    } catch (const std::exception& thrown) {
      caller.trap(std::string("the host function threw: ") + thrown.what());
    } catch (...) {
      caller.trap("the host function threw an exception");
    }
#else
    run();
#endif
  };
  return typed;
}

template <class F>
TypedHostFunction make_host_function(F function) {
  using Parameters = typename Callable<F>::Parameters;
  using Output = typename Callable<F>::Returned;
  if constexpr (std::tuple_size_v<Parameters> == 0) {
    return wrap<Output, F, false>(std::move(function), std::type_identity<std::tuple<>>());
  } else if constexpr (std::is_same_v<std::tuple_element_t<0, Parameters>, Caller>) {
    return []<class... Rest>(F f, std::type_identity<std::tuple<Caller, Rest...>>) {
      return wrap<Output, F, true>(std::move(f), std::type_identity<std::tuple<Rest...>>());
    }(std::move(function), std::type_identity<Parameters>());
  } else {
    return wrap<Output, F, false>(std::move(function), std::type_identity<Parameters>());
  }
}

}  // namespace detail

}  // namespace tenon
