#include "compiler/pipeline.h"

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/BDCE.h>
#include <llvm/Transforms/Scalar/DivRemPairs.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopInstSimplify.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopSimplifyCFG.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/Reassociate.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>
#include <llvm/Transforms/Vectorize/SLPVectorizer.h>
#include <llvm/Transforms/Vectorize/VectorCombine.h>

#include "compiler/loop_versioning.h"

namespace tenon::compiler {

namespace {

/// What there is no library for: none of its functions may be called.
llvm::TargetLibraryInfoImpl no_library(const llvm::TargetMachine& machine) {
  llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  return library;
}

/// The guest's own compiler has inlined, hoisted and simplified. What is left to do is what the way through WebAssembly
/// and its emission added: locals, conversions of conditions and addresses, checks, the shapes of loops. So every pass
/// runs once or twice, and none looks beyond its function.
void add_scalar_passes(llvm::FunctionPassManager& passes, unsigned level) {
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/level >= 2));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
}

void add_loop_passes(llvm::FunctionPassManager& passes, unsigned level) {
  llvm::LoopPassManager shape;
  shape.addPass(llvm::LoopInstSimplifyPass());
  shape.addPass(llvm::LoopSimplifyCFGPass());
  shape.addPass(llvm::LoopRotatePass(/*EnableHeaderDuplication=*/true, /*PrepareForLTO=*/false));
  shape.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(shape), /*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
  passes.addPass(llvm::InstCombinePass());

  llvm::LoopPassManager induction;
  induction.addPass(llvm::IndVarSimplifyPass());
  induction.addPass(llvm::LoopDeletionPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(induction), /*UseMemorySSA=*/false));
  if (level >= 3) {
    passes.addPass(llvm::GVNPass());
  }
}

void add_vector_passes(llvm::FunctionPassManager& passes, unsigned level) {
  // Loops get a second copy with ordinary accesses, which is what can be vectorized, before LoopVectorize looks at them
  // and after their shape and induction variables are what they will be.
  add_loop_versioning(passes);
  passes.addPass(llvm::LoopVectorizePass());
  add_loop_review(passes);
  if (level >= 3) {
    passes.addPass(llvm::SLPVectorizerPass());
    passes.addPass(llvm::VectorCombinePass());
  }
  passes.addPass(llvm::LoopUnrollPass(llvm::LoopUnrollOptions(static_cast<int>(level))));
}

void add_last_passes(llvm::FunctionPassManager& passes) {
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::DivRemPairsPass());
  passes.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions()
                                           .convertSwitchRangeToICmp(true)
                                           .convertSwitchToLookupTable(true)
                                           .hoistCommonInsts(true)
                                           .sinkCommonInsts(true)));
  passes.addPass(llvm::ADCEPass());
}

llvm::FunctionPassManager passes_of(unsigned level) {
  llvm::FunctionPassManager passes;
  add_scalar_passes(passes, level);
  if (level >= 2) {
    add_loop_passes(passes, level);
    add_vector_passes(passes, level);
    add_last_passes(passes);
  }
  return passes;
}

}  // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& machine, unsigned level) {
  if (level == 0) {
    return;
  }
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  // The first registration of an analysis is the one that counts.
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(no_library(machine)); });
  llvm::PipelineTuningOptions tuning;
  tuning.LoopInterleaving = true;
  tuning.LoopVectorization = true;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  llvm::FunctionPassManager passes = passes_of(level);
  for (llvm::Function& function : module) {
    if (!function.isDeclaration() && !function.hasOptNone()) {
      passes.run(function, functions);
      functions.clear(function, function.getName());
    }
  }
}

Result<ObjectBytes> generate_code(llvm::Module& module, llvm::TargetMachine& machine) {
  ObjectBytes object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(no_library(machine)));  // the manager owns it
  // What addPassesToEmitFile() does, without the passes that do nothing for us.
  auto& code_machine = static_cast<llvm::LLVMTargetMachine&>(machine);
  llvm::TargetPassConfig* const config = code_machine.createPassConfig(passes);
  config->setDisableVerify(true);
  config->disablePass(&llvm::LiveDebugValuesID);  // tracks variables, of which there are none, for 5% of the time
  passes.add(config);
  auto* const functions = new llvm::MachineModuleInfoWrapperPass(&code_machine);
  passes.add(functions);
  bool is_supported = !config->addISelPasses();
  if (is_supported) {
    config->addMachinePasses();
    config->setInitialized();
    is_supported = !code_machine.addAsmPrinter(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                               functions->getMMI().getContext());
  }
  if (!is_supported) {
    return fail(ErrorKind::unsupported, "LLVM makes no object files for {}", machine.getTargetTriple().str());
  }
  passes.add(llvm::createFreeMachineFunctionPass());
  passes.run(module);
  return object;
}

}  // namespace tenon::compiler
