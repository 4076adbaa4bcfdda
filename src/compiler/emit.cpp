#include "compiler/emit.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

namespace tenon::compiler {

ModulePlan::ModulePlan(const wasm::Module& module, const EmitOptions&) : module_(&module) {
  for (uint32_t function = 0; function != module.functions.size(); ++function) {
    symbols_.push_back(fmt::format("{}.{}", module.function_name(function), function));
  }
}

Result<> emit_functions(llvm::Module& target, const ModulePlan& plan, uint32_t first, uint32_t last) {
  llvm::LLVMContext& context = target.getContext();
  llvm::DIBuilder debug(target);
  llvm::DIFile* file = debug.createFile("m.wasm", ".");
  debug.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "tenon", true, "", 0, "", llvm::DICompileUnit::LineTablesOnly);
  target.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  for (uint32_t index = first; index != last; ++index) {
    auto* type = llvm::FunctionType::get(llvm::Type::getInt64Ty(context), false);
    auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, plan.symbol(index), target);
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->setUWTableKind(llvm::UWTableKind::Async);
    const uint32_t line = plan.module().functions[index].body_offset;
    auto* subprogram = debug.createFunction(file, plan.symbol(index), "", file, line,
                                            debug.createSubroutineType(debug.getOrCreateTypeArray({})), line,
                                            llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
    function->setSubprogram(subprogram);
    auto* block = llvm::BasicBlock::Create(context, "", function);
    llvm::IRBuilder<> builder(block);
    builder.SetCurrentDebugLocation(llvm::DILocation::get(context, line + 1, 0, subprogram));
    builder.CreateRet(builder.getInt64(0));
  }
  debug.finalize();
  return {};
}

}  // namespace tenon::compiler
