// Runs functions of the guest on behalf of the linker: start functions, data relocations, constructors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "link/namespace.h"

namespace tenon::link {

/// While one of these lives, guest code may run although something is pending in the thread, which a host function has
/// yet to hand on. It is pending again afterwards, unless something else is.
class PendingKept {
 public:
  explicit PendingKept(runtime::Thread& thread);
  ~PendingKept();
  PendingKept(const PendingKept&) = delete;
  PendingKept& operator=(const PendingKept&) = delete;

 private:
  runtime::Thread& thread_;
  abi::Pending pending_;
  abi::Exception* exception_;
  runtime::Trap trap_;
  uint32_t exit_code_;
};

/// Calls `function`: one cell for each parameter, and room for each result. Errors: trap, with what was being done to
/// whom; the guest's stack pointer is then as it was before. `instance`: the thread's of the function's DSO, when the
/// caller has it. When the guest asks to end, Namespace::ending is set and the result is good: look there before going
/// on. No lock may be held.
[[nodiscard]] Result<> call_guest(Namespace& program, GuestThread& thread, const LinkedFunction* function,
                                  std::span<const abi::Cell> arguments, std::span<abi::Cell> results, const char* doing,
                                  const std::string& whom, abi::Instance* instance = nullptr);
/// The same for function number `function` of `dso`, which takes and returns nothing.
[[nodiscard]] Result<> call_guest(Namespace& program, GuestThread& thread, Dso& dso, uint32_t function,
                                  const char* doing);

/// The stack pointer that the DSOs of a linked program share in `thread`; null when there is none (yet).
[[nodiscard]] abi::Cell* stack_pointer_cell(const Namespace& program, GuestThread& thread);

/// Dependencies first; of a cycle, whoever was loaded first comes first, as in ld.so. `dsos` is in load order.
/// `with_uses`: what a binding refers to counts as needed, unless that contradicts what is; that is for destructors.
[[nodiscard]] std::vector<Dso*> dependency_order(std::span<Dso* const> dsos, bool with_uses = false);

}  // namespace tenon::link
