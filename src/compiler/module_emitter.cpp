#include "compiler/module_emitter.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/MDBuilder.h>

namespace tenon::compiler {

namespace {

using wasm::ValueType;

constexpr bool is_float(ValueType type) {
  return type == ValueType::f32 || type == ValueType::f64;
}

/// sandbox: that all data is below 2^32 is seen to when a module is instantiated.
llvm::MDNode* range_of_memory_bases(llvm::LLVMContext& context, const wasm::Module& module) {
  if (!module.dylink || module.dylink->memory_size == 0) {
    return nullptr;
  }
  // The end is not in the range.
  return llvm::MDBuilder(context).createRange(llvm::APInt(32, 0), llvm::APInt(32, 1) - module.dylink->memory_size);
}

}  // namespace

ModuleEmitter::ModuleEmitter(llvm::Module& to, const ModulePlan& module_plan)
    : target(to),
      plan(module_plan),
      module(plan.module()),
      context(target.getContext()),
      i1(llvm::Type::getInt1Ty(context)),
      i8(llvm::Type::getInt8Ty(context)),
      i32(llvm::Type::getInt32Ty(context)),
      i64(llvm::Type::getInt64Ty(context)),
      f32(llvm::Type::getFloatTy(context)),
      f64(llvm::Type::getDoubleTy(context)),
      v128(llvm::FixedVectorType::get(i64, 2)),
      pointer(llvm::PointerType::getUnqual(context)),
      nothing(llvm::Type::getVoidTy(context)),
      empty(llvm::MDNode::get(context, {})),
      unlikely(llvm::MDBuilder(context).createBranchWeights(1, 1U << 20)),
      likelier(llvm::MDBuilder(context).createBranchWeights(7, 1)),
      memory_bases(range_of_memory_bases(context, module)),
      access_kind(context.getMDKindID("tenon.access")),
      memory_base_kind(context.getMDKindID("tenon.memory_base")),
      functions_(module.functions.size()),
      debug_(target) {
  std::vector<llvm::Type*> registers{pointer, pointer};
  registers.insert(registers.end(), integer_registers(), i64);
  registers.insert(registers.end(), abi::kFloatArguments, f64);
  universal_type_ = llvm::FunctionType::get(llvm::StructType::get(i64, f64), registers, false);

  llvm::MDBuilder metadata(context);
  llvm::MDNode* const root = metadata.createTBAARoot("tenon");
  constexpr const char* kNames[kRegions] = {"linear memory", "global", "overflow", "table", "state"};
  for (size_t n = 0; n < kRegions; ++n) {
    llvm::MDNode* const node = metadata.createTBAAScalarTypeNode(kNames[n], root);
    regions_[n] = metadata.createTBAAStructTagNode(node, node, 0);
  }

  if (target.getModuleFlag("Debug Info Version") == nullptr) {
    target.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    target.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 5);
  }
  // No path and no name of the module: the output depends on its bytes only.
  file_ = debug_.createFile("module.wasm", "");
  debug_.createCompileUnit(llvm::dwarf::DW_LANG_C, file_, "tenon", true, "", 0, "",
                           llvm::DICompileUnit::LineTablesOnly);
}

llvm::Type* ModuleEmitter::type(ValueType type) const {
  switch (type) {
    case ValueType::i32:
      return i32;
    case ValueType::i64:
      return i64;
    case ValueType::f32:
      return f32;
    case ValueType::f64:
      return f64;
    case ValueType::v128:
      return v128;
    default:
      return pointer;
  }
}

std::vector<Place> ModuleEmitter::places(std::span<const ValueType> parameters) const {
  uint32_t integers = 0;
  uint32_t floats = 0;
  uint32_t overflow = 0;
  std::vector<Place> result;
  result.reserve(parameters.size());
  for (const ValueType parameter : parameters) {
    if (parameter == ValueType::v128) {
      result.push_back({Place::Kind::overflow, overflow});
      overflow += 2;
    } else if (is_float(parameter) && floats < abi::kFloatArguments) {
      result.push_back({Place::Kind::floating, floats++});
    } else if (!is_float(parameter) && integers < integer_registers()) {
      result.push_back({Place::Kind::integer, integers++});
    } else {
      result.push_back({Place::Kind::overflow, overflow++});
    }
  }
  return result;
}

llvm::FunctionType* ModuleEmitter::function_type(const wasm::FunctionType& type, bool with_slot) const {
  std::vector<llvm::Type*> parameters;
  if (with_slot) {
    parameters.push_back(pointer);
  }
  parameters.push_back(pointer);
  const std::vector<Place> where = places(type.parameters);
  for (size_t n = 0; n < where.size(); ++n) {
    if (where[n].kind != Place::Kind::overflow) {
      parameters.push_back(this->type(type.parameters[n]));
    }
  }
  const bool has_register = !type.results.empty() && type.results.front() != ValueType::v128;
  llvm::Type* const result = has_register ? this->type(type.results.front()) : nothing;
  return llvm::FunctionType::get(result, parameters, false);
}

llvm::Function* ModuleEmitter::function(uint32_t index) {
  llvm::Function*& declared = functions_[index];
  if (declared == nullptr) {
    declared = target.getFunction(plan.symbol(index));
  }
  if (declared == nullptr) {
    declared = llvm::Function::Create(function_type(module.function_type(index), false),
                                      llvm::GlobalValue::ExternalLinkage, plan.symbol(index), target);
    declared->setVisibility(llvm::GlobalValue::HiddenVisibility);
    declared->setDSOLocal(true);
  }
  return declared;
}

llvm::Function* ModuleEmitter::define(uint32_t index, bool universal) {
  llvm::Function* defined = function(index);
  llvm::FunctionType* const wanted = universal ? universal_type_ : function_type(module.function_type(index), false);
  if (defined->getFunctionType() != wanted) {
    // Calls emitted before now keep the type they call with: to the machine it is the same.
    llvm::Function* const replacement = llvm::Function::Create(wanted, llvm::GlobalValue::ExternalLinkage, "", target);
    replacement->takeName(defined);
    defined->replaceAllUsesWith(replacement);
    defined->eraseFromParent();
    functions_[index] = defined = replacement;
    defined->setVisibility(llvm::GlobalValue::HiddenVisibility);
    defined->setDSOLocal(true);
  }
  defined->setUWTableKind(llvm::UWTableKind::Async);
  // Every call has a frame: a backtrace shows it, and a runaway recursion comes to an end. Only musttail calls do not.
  defined->addFnAttr("disable-tail-calls", "true");
  // No function has a name that says what it does, and no loop may become a call of one that has.
  defined->addFnAttr("no-builtins");
  if (universal) {
    defined->addParamAttr(0, llvm::Attribute::Nest);
    // Calls of this function have another type on purpose, and must not be made to fit by casting arguments.
    defined->addFnAttr("thunk");
  } else {
    for (unsigned n = 0; n < wanted->getNumParams(); ++n) {
      defined->addParamAttr(n, llvm::Attribute::NoUndef);
    }
  }
  const unsigned instance = universal ? 1 : 0;
  defined->addParamAttr(instance, llvm::Attribute::NonNull);
  defined->addParamAttr(instance, llvm::Attribute::getWithAlignment(context, llvm::Align(alignof(abi::Instance))));
  defined->addDereferenceableParamAttr(instance, plan.layout().size);
  return defined;
}

llvm::Function* ModuleEmitter::personality() {
  constexpr const char* kName = "__gxx_personality_v0";
  if (personality_ == nullptr) {
    personality_ = target.getFunction(kName);
  }
  if (personality_ == nullptr) {
    personality_ =
        llvm::Function::Create(llvm::FunctionType::get(i32, true), llvm::GlobalValue::ExternalLinkage, kName, target);
    personality_->setVisibility(llvm::GlobalValue::HiddenVisibility);
    personality_->setDSOLocal(true);
  }
  return personality_;
}

llvm::DISubprogram* ModuleEmitter::describe(llvm::Function& function, uint32_t line) {
  llvm::DISubprogram* const subprogram = debug_.createFunction(
      file_, function.getName(), "", file_, line, debug_.createSubroutineType(debug_.getOrCreateTypeArray({})), line,
      llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
  function.setSubprogram(subprogram);
  return subprogram;
}

}  // namespace tenon::compiler
