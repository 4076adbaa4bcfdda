// What running code asks of the linker about one DSO. link::Dso implements it.
#pragma once

#include <string>

#include "abi/abi.h"
#include "base/result.h"
#include "runtime/executable.h"
#include "runtime/memory.h"

namespace tenon::runtime {

class LinkedModule {
 public:
  explicit LinkedModule(std::shared_ptr<Executable> executable) : executable_(std::move(executable)) {}
  LinkedModule(const LinkedModule&) = delete;
  LinkedModule& operator=(const LinkedModule&) = delete;
  virtual ~LinkedModule() = default;

  [[nodiscard]] Executable& executable() const { return *executable_; }
  [[nodiscard]] const std::shared_ptr<Executable>& share_executable() const { return executable_; }
  [[nodiscard]] static LinkedModule& of(const abi::Instance& instance) {
    return *static_cast<LinkedModule*>(instance.program_dso);
  }

  /// The one descriptor of function `index` (defined, or imported and then resolved), made when there is none yet: so a
  /// function has one address. Null with a trap pending in `thread` when an import cannot be resolved. Thread-safe.
  [[nodiscard]] virtual const abi::FunctionDescriptor* descriptor(abi::Thread& thread, uint32_t index) = 0;

  /// Resolves import slot `index` of `importer`, an instance of this DSO, patches it if it may be (see abi::ImportSlot)
  /// and makes the instance it needs. The function; null with a trap pending when the symbol is missing or of the wrong
  /// type.
  [[nodiscard]] virtual const abi::FunctionDescriptor* bind(abi::Thread& thread, abi::Instance& importer,
                                                            uint32_t index) = 0;

  /// The instance of DSO number `dso` in `thread`, made if there is none. Null with a trap pending.
  [[nodiscard]] virtual abi::Instance* instance_of(abi::Thread& thread, uint32_t dso) = 0;

  /// The instance in `thread` of the module with `executable`, in the program of this one: of several, which libraries
  /// that were closed and opened again are, the one that the thread can be in the middle of. Null when there is none,
  /// or it cannot be told.
  [[nodiscard]] virtual abi::Instance* running_instance(abi::Thread& thread, const Executable& executable) const = 0;

  /// What a trap says besides its kind when a call finds element `index` of `table` null: who was there before. May be
  /// empty.
  [[nodiscard]] virtual std::string describe_null_element(const abi::Table& table, uint64_t index) const = 0;

  /// Identity of tag `index` of this module.
  [[nodiscard]] virtual const Tag* tag(uint32_t index) const = 0;

  /// The memory object of memory `index`: for memory.grow.
  [[nodiscard]] virtual Memory& memory(uint32_t index) const = 0;

 private:
  std::shared_ptr<Executable> executable_;
};

}  // namespace tenon::runtime
