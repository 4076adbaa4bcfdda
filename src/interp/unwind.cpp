#include "interp/unwind.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "interp/interp.h"
#include "interp/translation.h"
#include "runtime/executable.h"
#include "runtime/linked_module.h"

namespace tenon::interp {

namespace {

using runtime::Executable;
using runtime::LinkedModule;
using runtime::Thread;

/// The translation of a frame's code, or null for host functions and for functions not translated.
const Translation* translation_of(const Code& code) {
  if (code.owner == nullptr) {
    return nullptr;
  }
  const Instruction* const entry = code.entry.load(std::memory_order_acquire);
  const auto stubs = stub_instructions();
  return entry == stubs.translate || entry == stubs.bind || entry == stubs.native ? nullptr : &Translation::of(entry);
}

runtime::BacktraceFrame describe(const Code& code, const Instruction* position, bool is_call) {
  runtime::BacktraceFrame result;
  if (code.owner == nullptr) {
    result.module = "host";
    result.function = static_cast<const runtime::HostCode&>(code).name;
    return result;
  }
  const wasm::Module& module = Executable::of(code).module();
  result.module = module.name;
  result.function = module.function_name(code.function);
  result.function_index = code.function;
  if (const Translation* const translation = translation_of(code);
      translation != nullptr && position != nullptr && translation->contains(position)) {
    result.offset = translation->offset_of(translation->word_of(position) - (is_call ? 1 : 0));
  }
  return result;
}

runtime::BacktraceFrame describe(const runtime::NativeFrame& frame) {
  const wasm::Module& module = frame.code->owner->module();
  const uint32_t function = frame.function();
  return {.module = module.name,
          .function = module.function_name(function),
          .function_index = function,
          .offset = frame.code->position_of(frame.address, module.functions[function].body_offset)};
}

/// A call in progress: of compiled code when `native` has a code, else of what the interpreter keeps a frame for.
struct Call {
  runtime::NativeFrame native;
  const Code* code = nullptr;
  const Instruction* position = nullptr;
  bool is_outer = false;  ///< waits for a call to return
};

/// Goes through all calls in progress, innermost first. Compiled code has one frame of the interpreter's for each
/// stretch of its own frames.
template <class Function>
void for_each_call(const Thread& thread, const Instruction* position, const Frame* frames, Function function) {
  const abi::NativeSegment* segment = thread.native;
  const Frame* const end = thread.stack_end();
  for (const Frame* frame = frames; frame < end; ++frame) {
    if (segment != nullptr && segment->frame == frame) {
      for (runtime::NativeWalk walk(*segment); !walk.at_end(); walk.next()) {
        function(Call{.native = walk.frame(), .code = nullptr, .position = nullptr, .is_outer = false});
      }
      segment = segment->outer;
    } else {
      function(Call{.native = {},
                    .code = frame->code,
                    .position = frame == frames ? position : frame[-1].return_to,
                    .is_outer = frame != frames});
    }
  }
}

}  // namespace

void record_backtrace(Thread& thread, const Instruction* position, const Frame* frames) {
  constexpr size_t kKept = 64;
  size_t count = 0;
  for_each_call(thread, position, frames, [&](const auto&) { ++count; });
  const bool all = count <= kKept;
  thread.trap.backtrace.clear();
  thread.trap.omitted = all ? 0 : count - kKept;
  size_t n = 0;
  for_each_call(thread, position, frames, [&](const Call& call) {
    if (all || n < kKept / 2 || n >= count - kKept / 2) {
      thread.trap.backtrace.push_back(call.native.code != nullptr ? describe(call.native)
                                                                  : describe(*call.code, call.position, call.is_outer));
    }
    ++n;
  });
}

Landing unwind(Thread& thread, const Instruction* position, Cell* values, Instance* instance, Frame* frame) {
  abi::Exception& thrown = *thread.exception;
  const Instruction* const thrown_at = position;
  const Frame* const thrown_in = frame;
  bool is_call = false;
  for (;;) {
    if (const Translation* const translation = translation_of(*frame->code)) {
      const uint32_t at = translation->word_of(position) - (is_call ? 1 : 0);
      uint32_t skip_to = Translation::kNoTry;
      bool to_caller = false;
      for (const Translation::Try& block : translation->tries) {
        if (at < block.begin || at >= block.end || (skip_to != Translation::kNoTry && block.identity != skip_to)) {
          continue;
        }
        skip_to = Translation::kNoTry;
        if (block.is_delegate) {
          if (block.delegate_to == Translation::kNoTry) {
            to_caller = true;
          }
          skip_to = block.delegate_to;
        }
        if (to_caller) {
          break;
        }
        for (const Translation::Clause& clause : block.clauses) {
          if (clause.tag != Translation::kCatchAll && LinkedModule::of(*instance).tag(clause.tag) != thrown.tag) {
            continue;
          }
          values[block.slot].pointer = &thrown;
          if (clause.tag != Translation::kCatchAll) {
            std::memcpy(values + block.slot + 1, thrown.values(), thrown.count * sizeof(Cell));
          }
          thread.exception = nullptr;
          thread.pending = abi::Pending::none;
          return {reinterpret_cast<const Instruction*>(translation->words.data() + clause.target), values, instance,
                  frame};
        }
      }
    }
    if (frame->return_to == exit_instruction()) {
      // Not caught in this invocation. The frames are still in place, so the backtrace tells where it was thrown.
      record_backtrace(thread, thrown_at, thrown_in);
      return {};
    }
    position = frame->return_to;
    values = frame->caller_values;
    instance = frame->caller_instance;
    is_call = true;
    ++frame;
  }
}

namespace {

/// Calls `mark` with every word of the native stack that compiled code's frames may have, and everything in between.
template <class Mark>
__attribute__((no_sanitize("address"))) void mark_native_stack(const Thread& thread, Mark mark) {
  const abi::NativeSegment* outermost = thread.native;
  if (outermost == nullptr) {
    return;
  }
  while (outermost->outer != nullptr) {
    outermost = outermost->outer;
  }
  // Registers that were not stored yet are in the innermost segment, which lies in this stretch like all the others.
  const auto* const end = reinterpret_cast<const uintptr_t*>(outermost + 1);
  for (const auto* word = static_cast<const uintptr_t*>(__builtin_frame_address(0)); word < end; ++word) {
    mark(reinterpret_cast<const void*>(*word));
  }
}

/// Frees the exceptions that no slot in use points to. Slots are not typed, so an integer that looks like an
/// exception's address keeps it; that is harmless, and rare.
void sweep(Thread& thread, const Cell* live_end) {
  std::ranges::sort(thread.exceptions);
  const auto mark = [&](const void* candidate) {
    const auto found = std::ranges::lower_bound(thread.exceptions, candidate, std::less<const void*>());
    if (found != thread.exceptions.end() && *found == candidate) {
      (*found)->marked = 1;
    }
  };
  for (const Cell* cell = thread.stack_begin(); cell < live_end; ++cell) {
    mark(cell->pointer);
  }
  mark_native_stack(thread, mark);
  mark(thread.exception);
  std::erase_if(thread.exceptions, [](abi::Exception* exception) {
    if (exception->marked != 0) {
      exception->marked = 0;
      return false;
    }
    std::free(exception);
    return true;
  });
}

}  // namespace

abi::Exception* make_exception(Thread& thread, const void* tag, uint32_t count, const Cell* live_end,
                               const Frame* frames) {
  constexpr size_t kSweepAt = 64;
  if (thread.exceptions.size() >= std::max(kSweepAt, thread.exceptions_kept * 2)) {
    if (const Translation* const translation = translation_of(*frames->code)) {
      live_end = std::min<const Cell*>(live_end + translation->slots, reinterpret_cast<const Cell*>(frames));
    }
    sweep(thread, live_end);
    thread.exceptions_kept = thread.exceptions.size();
  }
  void* const space = std::malloc(sizeof(abi::Exception) + count * sizeof(Cell));
  if (space == nullptr) {
    return nullptr;
  }
  auto* const exception = new (space) abi::Exception;
  exception->tag = tag;
  exception->count = count;
  thread.exceptions.push_back(exception);
  return exception;
}

}  // namespace tenon::interp
