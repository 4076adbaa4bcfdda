#include "link/evaluate.h"

#include <vector>

namespace tenon::link {

namespace {

// The opcodes that may stand in a constant expression, as in the binary format.
enum ConstantOpcode : uint8_t {
  kGlobalGet = 0x23,
  kI32Const = 0x41,
  kI64Const = 0x42,
  kF32Const = 0x43,
  kF64Const = 0x44,
  kI32Add = 0x6a,
  kI32Sub = 0x6b,
  kI32Mul = 0x6c,
  kI64Add = 0x7c,
  kI64Sub = 0x7d,
  kI64Mul = 0x7e,
  kRefNull = 0xd0,
  kRefFunc = 0xd2,
};

const abi::FunctionDescriptor* function_value(Dso& dso, uint32_t function) {
  return dso.module().is_imported_function(function) ? dso.functions[function].load(std::memory_order_acquire)
                                                     : dso.own_function(function);
}

abi::Cell operand(const wasm::ConstantInstruction& instruction, Dso& dso, abi::Instance& instance) {
  switch (instruction.opcode) {
    case kGlobalGet:
      return global_value(dso, instance, static_cast<uint32_t>(instruction.immediate));
    case kRefFunc:
      return {.function = function_value(dso, static_cast<uint32_t>(instruction.immediate))};
    case kRefNull:
      return {.bits = 0};
    case kI32Const:
    case kF32Const:
      return {.bits = static_cast<uint32_t>(instruction.immediate)};
    default:
      return {.bits = instruction.immediate};
  }
}

bool is_operation(uint8_t opcode) {
  return (opcode >= kI32Add && opcode <= kI32Mul) || (opcode >= kI64Add && opcode <= kI64Mul);
}

uint64_t calculate(uint8_t opcode, uint64_t left, uint64_t right) {
  switch (opcode) {
    case kI32Add:
      return static_cast<uint32_t>(left + right);
    case kI32Sub:
      return static_cast<uint32_t>(left - right);
    case kI32Mul:
      return static_cast<uint32_t>(left * right);
    case kI64Add:
      return left + right;
    case kI64Sub:
      return left - right;
    default:
      return left * right;
  }
}

}  // namespace

abi::Cell* global_cell(const Dso& dso, abi::Instance& instance, uint32_t index) {
  auto& cell = runtime::at<abi::Cell>(instance, dso.executable().layout().global(index));
  return dso.shared().is_indirect(index) ? cell.cell : &cell;
}

abi::Cell global_value(const Dso& dso, abi::Instance& instance, uint32_t index) {
  return *global_cell(dso, instance, index);
}

abi::Cell evaluate(const wasm::ConstantExpression& expression, Dso& dso, abi::Instance& instance) {
  if (expression.size() == 1) {
    return operand(expression.front(), dso, instance);
  }
  std::vector<uint64_t> stack;
  for (const wasm::ConstantInstruction& instruction : expression) {
    if (is_operation(instruction.opcode)) {  // validated: it has two operands
      const uint64_t right = stack.back();
      stack.pop_back();
      stack.back() = calculate(instruction.opcode, stack.back(), right);
    } else {
      stack.push_back(operand(instruction, dso, instance).bits);
    }
  }
  return {.bits = stack.back()};
}

abi::V128 evaluate_v128(const wasm::ConstantExpression& expression, const Dso& dso, abi::Instance& instance) {
  if (expression.front().opcode == kGlobalGet) {
    const abi::Cell* const cells = global_cell(dso, instance, static_cast<uint32_t>(expression.front().immediate));
    return {cells[0].bits, cells[1].bits};
  }
  return {expression.front().immediate, expression.back().immediate};
}

std::optional<uint32_t> constant_value(const wasm::ConstantExpression& expression) {
  return expression.size() == 1 && expression.front().opcode == kI32Const
             ? std::optional(static_cast<uint32_t>(expression.front().immediate))
             : std::nullopt;
}

std::optional<uint32_t> exported_constant(const wasm::Module& module, std::string_view name) {
  const wasm::Export* const symbol = module.find_export(name);
  const bool is_own =
      symbol != nullptr && symbol->kind == wasm::ExternKind::global && symbol->index >= module.imported_globals;
  return is_own ? constant_value(module.globals[symbol->index].initial) : std::nullopt;
}

std::optional<uint32_t> offset_by_place(const wasm::ConstantExpression& expression, const Dso& dso) {
  std::vector<uint64_t> stack;
  for (const wasm::ConstantInstruction& instruction : expression) {
    if (is_operation(instruction.opcode)) {  // validated: it has two operands
      const uint64_t right = stack.back();
      stack.pop_back();
      stack.back() = calculate(instruction.opcode, stack.back(), right);
    } else if (instruction.opcode == kI32Const) {
      stack.push_back(static_cast<uint32_t>(instruction.immediate));
    } else if (instruction.opcode == kGlobalGet && instruction.immediate < dso.globals.size()) {
      const GlobalBinding::Kind kind = dso.globals[instruction.immediate].kind;
      if (kind != GlobalBinding::Kind::memory_base && kind != GlobalBinding::Kind::table_base) {
        return std::nullopt;
      }
      stack.push_back(kind == GlobalBinding::Kind::memory_base ? dso.memory_base : dso.table_base);
    } else {
      return std::nullopt;
    }
  }
  return static_cast<uint32_t>(stack.back());
}

}  // namespace tenon::link
