#include "tenon/types.h"

#include "api/state.h"

namespace tenon {

std::string to_string(ValueType type) {
  return wasm::to_string(detail::to_internal(type));
}

std::string to_string(const FunctionType& type) {
  wasm::FunctionType internal;
  for (const ValueType parameter : type.parameters) {
    internal.parameters.push_back(detail::to_internal(parameter));
  }
  for (const ValueType result : type.results) {
    internal.results.push_back(detail::to_internal(result));
  }
  return wasm::to_string(internal);
}

namespace detail {

wasm::ValueType to_internal(ValueType type) {
  return static_cast<wasm::ValueType>(type);  // both are the byte of the binary format
}

FunctionType to_public(const wasm::FunctionType& type) {
  FunctionType result;
  for (const wasm::ValueType parameter : type.parameters) {
    result.parameters.push_back(static_cast<ValueType>(parameter));
  }
  for (const wasm::ValueType value : type.results) {
    result.results.push_back(static_cast<ValueType>(value));
  }
  return result;
}

}  // namespace detail
}  // namespace tenon
