#include "link/put_off.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "base/mapped_file.h"
#include "base/reader.h"
#include "link/binding.h"
#include "link/evaluate.h"
#include "link/instantiate.h"
#include "link/layout.h"
#include "link/load.h"

namespace tenon::link {

namespace {

constexpr uint32_t kEmptyBody = 2;      // no locals, end
constexpr uint32_t kLongestBody = 256;  // of constructors that are looked through
constexpr uint32_t kDeepest = 8;        // calls that are looked through
constexpr uint32_t kMostBodies = 100;   // for one constructor: each may call many

enum Opcode : uint8_t {
  kUnreachable = 0x00,
  kBlock = 0x02,
  kEnd = 0x0b,
  kBrIf = 0x0d,
  kCall = 0x10,
  kGlobalGet = 0x23,
  kI32Load = 0x28,
  kI32Store = 0x36,
  kI32Const = 0x41,
  kI32Eqz = 0x45,
  kI32Add = 0x6a,
  kEmptyType = 0x40,
};

/// Whether a function does nothing that anyone else could see: an empty body, or calls of such functions; and the
/// `_initialize` of the toolchain's crt1-reactor.o, which besides sets a flag of its own and traps when it is set.
class Emptiness {
 public:
  explicit Emptiness(Namespace& program) : program_(program) {}

  bool does_nothing(Dso& dso, uint32_t function) {
    looked_through_ = 0;
    return does_nothing(dso, function, 0);
  }

 private:
  bool does_nothing(Dso& dso, uint32_t function, uint32_t depth) {
    if (depth > kDeepest || looked_through_++ == kMostBodies) {
      return false;
    }
    if (dso.module().is_imported_function(function)) {
      const auto bound = resolve_function_locked(dso, function);
      if (!bound || *bound == nullptr || (*bound)->dso == HostModules::kDso) {
        return false;
      }
      Dso& definer = *program_.dsos[(*bound)->dso];
      note_use(dso, definer);
      return does_nothing(definer, (*bound)->function, depth + 1);
    }
    const wasm::Function& body = dso.module().functions[function];
    if (body.body_size == kEmptyBody) {
      return true;
    }
    // The file may change under its mapping: a wrong answer only moves a constructor to a later time.
    std::array<uint8_t, kLongestBody> copy{};
    const auto bytes = body.body_size > copy.size() ? std::nullopt : dso.module().body(function);
    if (!bytes || !base::guarded_copy(copy.data(), *bytes)) {
      return false;
    }
    base::Reader in(base::Bytes(copy.data(), body.body_size));
    return in.u32() == 0 && calls_nothing_else(dso, in, depth);
  }

  /// Reads `calls* end`, perhaps after the flag.
  bool calls_nothing_else(Dso& dso, base::Reader& in, uint32_t depth) {
    uint8_t opcode = in.u8();
    if (opcode == kBlock) {
      if (!skip_flag(in)) {
        return false;
      }
      opcode = in.u8();
    }
    while (in.ok() && opcode == kCall) {
      const uint32_t callee = in.u32();
      if (!in.ok() || callee >= dso.module().functions.size() || !does_nothing(dso, callee, depth + 1)) {
        return false;
      }
      opcode = in.u8();
    }
    return in.ok() && opcode == kEnd && in.at_end();
  }

  /// `if (flag) trap; flag = 1;` as crt1-reactor.o has it, behind the block's opcode.
  static bool skip_flag(base::Reader& in) {
    const auto address = [&] {
      if (in.u8() != kGlobalGet) {
        return false;
      }
      (void)in.u32();
      const bool is_constant = in.u8() == kI32Const;
      (void)in.s32();
      return is_constant && in.u8() == kI32Add;
    };
    const auto access = [&](uint8_t opcode) {
      const bool is_it = in.u8() == opcode;
      (void)in.u32();
      (void)in.u32();
      return is_it;
    };
    return in.u8() == kEmptyType && address() && access(kI32Load) && in.u8() == kI32Eqz && in.u8() == kBrIf &&
           in.u32() == 0 && in.u8() == kUnreachable && in.u8() == kEnd && address() && in.u8() == kI32Const &&
           in.s32() == 1 && access(kI32Store) && in.ok();
  }

  Namespace& program_;
  uint32_t looked_through_ = 0;
};

/// Whether a start function does no more than the toolchain's `__wasm_apply_global_relocs`: gives globals of its own
/// module their values, from the bases and constants. It cannot fail, and nobody else sees it.
bool only_sets_own_globals(const Dso& dso, uint32_t function) {
  constexpr uint8_t kGlobalSet = 0x24;
  if (dso.module().is_imported_function(function)) {
    return false;
  }
  constexpr uint32_t kLongest = 64U << 10;
  const auto body = dso.module().body(function);
  if (!body || body->size() > kLongest) {
    return false;
  }
  std::vector<uint8_t> copy(body->size());
  if (!base::guarded_copy(copy.data(), *body)) {
    return false;
  }
  base::Reader in(copy);
  if (in.u32() != 0) {
    return false;
  }
  while (in.ok()) {
    switch (in.u8()) {
      case kGlobalGet:
        (void)in.u32();
        break;
      case kI32Const:
        (void)in.s32();
        break;
      case kI32Add:
        break;
      case kGlobalSet:
        if (in.u32() < dso.module().imported_globals) {
          return false;
        }
        break;
      case kEnd:
        return in.ok() && in.at_end();
      default:
        return false;
    }
  }
  return false;
}

/// Whether instantiating it later cannot fail where instantiating it now would not: it brings nothing of its own but
/// what goes where it was placed.
bool is_harmless(const Namespace& program, const Dso& dso) {
  const wasm::Module& module = dso.module();
  if ((module.start && !only_sets_own_globals(dso, *module.start)) || dso.tables.size() > 1 ||
      dso.memories.size() > 1 || !dso.own_memories.empty()) {
    return false;
  }
  if (!dso.tables.empty() && dso.tables.front().kind != TableBinding::Kind::program) {
    return false;
  }
  if (!dso.memories.empty() && dso.memories.front() != program.memory) {
    return false;
  }
  for (const wasm::DataSegment& segment : module.data) {
    if (segment.mode == wasm::SegmentMode::active) {
      const auto offset = offset_by_place(segment.offset, dso);
      if (!offset || !is_inside(*offset, segment.size, dso.memory_base, dso.memory_size())) {
        return false;
      }
    }
  }
  for (const wasm::ElementSegment& segment : module.elements) {
    if (segment.mode == wasm::SegmentMode::active) {
      const auto offset = offset_by_place(segment.offset, dso);
      if (!offset || !is_inside(*offset, segment.size(), dso.table_base, dso.table_size())) {
        return false;
      }
    }
  }
  // Cells of its own that need another's instance.
  return std::ranges::none_of(dso.globals, [&](const GlobalBinding& binding) {
    return binding.kind == GlobalBinding::Kind::thread_local_data;
  });
}

bool takes_data(GlobalBinding::Kind kind) {
  return kind == GlobalBinding::Kind::data || kind == GlobalBinding::Kind::thread_local_data ||
         kind == GlobalBinding::Kind::cell;
}

/// What others want of a DSO besides calling its functions.
struct Wanted {
  std::unordered_set<const Dso*> data;
  std::unordered_set<const LinkedFunction*> addresses;
};

Wanted wanted_of(const LoadSet& load) {
  Wanted wanted;
  for (const Dso* const dso : load.dsos) {
    for (const GlobalBinding& binding : dso->globals) {
      if (takes_data(binding.kind) && binding.dso != dso) {
        wanted.data.insert(binding.dso);
      }
      if (binding.kind == GlobalBinding::Kind::function) {
        wanted.addresses.insert(binding.function);
      }
    }
    for (const TableBinding& table : dso->tables) {
      if (table.kind == TableBinding::Kind::other) {
        wanted.data.insert(table.dso);
      }
    }
  }
  return wanted;
}

/// Whether a function whose address is taken is also in an element segment of its own DSO, which then says what its
/// address is.
bool places_address(Dso& dso, const Wanted& wanted) {
  for (const wasm::ElementSegment& segment : dso.module().elements) {
    if (segment.mode != wasm::SegmentMode::active) {
      continue;
    }
    if (!segment.expressions.empty()) {
      return true;
    }
    for (const uint32_t function : segment.functions) {
      if (function == wasm::kNoIndex) {
        continue;
      }
      const LinkedFunction* const descriptor = dso.module().is_imported_function(function)
                                                   ? dso.functions[function].load(std::memory_order_acquire)
                                                   : dso.own_functions.find(function);
      if (descriptor != nullptr && wanted.addresses.contains(descriptor)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void choose_put_off(Namespace& program, const LoadSet& load) {
  if (program.options.lazy_loading == LazyLoading::none || load.dsos.size() < 2) {
    return;
  }
  const std::unique_lock lock(program.link_map_lock);
  const Wanted wanted = wanted_of(load);
  Emptiness emptiness(program);
  for (Dso* const dso : std::span(load.dsos).subspan(1)) {
    const auto& initialize = dso->shared().initialize;
    const bool may_wait =
        !wanted.data.contains(dso) && !dso->is_preload && is_harmless(program, *dso) && !places_address(*dso, wanted) &&
        (!initialize || program.options.lazy_loading == LazyLoading::all || emptiness.does_nothing(*dso, *initialize));
    if (may_wait) {
      dso->state = State::put_off;
      ++program.report.statistics.put_off;
      program.report.line(kDebugFiles, "file={};  put off until it is used", dso->name);
    }
  }
}

namespace {

/// Takes the loading of `dso` on. False: somebody else has done it.
Result<bool> begin(Namespace& program, GuestThread& thread, Dso& dso) {
  std::unique_lock lock(program.loader_lock);
  while (is_busy(thread, dso)) {
    TENON_CHECK(wait_for_loader(program, lock, thread, dso));
  }
  if (dso.load_error) {
    return std::unexpected(*dso.load_error);
  }
  if (dso.state != State::put_off) {
    return false;  // by another thread, or by this one, further out
  }
  dso.state = State::arriving;
  dso.loader = &thread;
  return true;
}

}  // namespace

Result<> load_put_off(Namespace& program, GuestThread& thread, Dso& dso) {
  if (!TENON_TRY(begin(program, thread, dso))) {
    return {};
  }
  program.report.line(kDebugFiles, "file={};  used for the first time", dso.name);
  LoadSet set(thread);
  set.is_first = false;
  set.dsos = {&dso};
  // The guest could write there meanwhile.
  if (program.memory != nullptr && dso.memory_size() != 0) {
    program.memory->clear(dso.memory_base, dso.memory_size());
  }
  const auto steps = [&]() -> Result<> {
    TENON_CHECK(instantiate(program, set));
    TENON_CHECK(apply_data_relocations(program, set));
    return construct(program, set);
  };
  Result<> loaded = steps();
  if (!loaded) {
    Error error{loaded.error().kind,
                fmt::format("{} was put off until now, and could not be loaded: {}", dso.name, loaded.error().message)};
    if (thread.instance(dso) != nullptr) {
      // Its code may have run, and others may have been bound to the instance: it goes with the DSO.
      thread.hide_instance(dso);
      const std::scoped_lock lock(program.loader_lock);
      dso.load_error = error;
    }
    dso.state = State::put_off;  // whoever comes next is told the same
    end_loading(program, set);
    return std::unexpected(std::move(error));
  }
  end_loading(program, set);
  ++program.report.statistics.put_off_used;
  return {};
}

Result<> load_put_off_data(Namespace& program, const LoadSet& load) {
  for (const Dso* const dso : load.dsos) {
    for (const GlobalBinding& binding : dso->globals) {
      if (takes_data(binding.kind) && (binding.dso->state == State::put_off || binding.dso->state == State::arriving)) {
        TENON_CHECK(load_put_off(program, *load.thread, *binding.dso));
        if (program.ending) {
          return {};
        }
      }
    }
  }
  return {};
}

}  // namespace tenon::link
