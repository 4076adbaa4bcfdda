// A function's register code and what is known about it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "interp/code.h"
#include "runtime/executable.h"
#include "runtime/thread.h"

namespace tenon::interp {

struct Translation {
  /// The instruction at word `word` came from offset `offset` of the module's bytes. Ascending.
  struct Position {
    uint32_t word;
    uint32_t offset;
  };

  constexpr static uint32_t kCatchAll = UINT32_MAX;
  constexpr static uint32_t kNoTry = UINT32_MAX;

  struct Clause {
    uint32_t tag;     ///< index, or kCatchAll
    uint32_t target;  ///< word of the clause's code
  };

  /// A try block. Inner ones stand before the ones around them.
  struct Try {
    uint32_t begin;  ///< words of the body, [begin, end)
    uint32_t end;
    uint32_t slot;                  ///< where a clause finds the exception; its values follow
    uint32_t identity;              ///< what `delegate` of others names
    uint32_t delegate_to = kNoTry;  ///< with is_delegate: the try that goes on, or kNoTry for the caller
    bool is_delegate = false;
    std::vector<Clause> clauses;
  };

  /// The first word holds this Translation's address, so that it is found from a Code's entry; code starts at the
  /// second.
  std::vector<Word> words;
  uint32_t slots = 0;  ///< of a frame
  std::vector<Position> positions;
  std::vector<Try> tries;

  [[nodiscard]] const Instruction* entry() const { return reinterpret_cast<const Instruction*>(words.data() + 1); }
  /// Of a translated function.
  [[nodiscard]] static const Translation& of(const Instruction* entry) {
    return **reinterpret_cast<const Translation* const*>(entry - 1);
  }
  /// Words from the start of `words`.
  [[nodiscard]] uint32_t word_of(const Instruction* pc) const {
    return static_cast<uint32_t>(reinterpret_cast<const Word*>(pc) - words.data());
  }
  [[nodiscard]] bool contains(const Instruction* pc) const {
    const auto* const p = reinterpret_cast<const Word*>(pc);
    return p > words.data() && p < words.data() + words.size();
  }
  /// Offset in the module of the last instruction that starts at or before `word`; 0 if there is none.
  [[nodiscard]] uint32_t offset_of(uint32_t word) const;
};

/// Validates a private copy of the function's body once more and translates it. Errors: malformed, invalid (the file
/// behind mapped bytes was changed after it was validated), io (it was truncated), limit (more slots than an
/// instruction can name).
[[nodiscard]] Result<std::unique_ptr<Translation>> translate(runtime::Executable& executable, uint32_t function);

/// Translates `code`'s function unless another thread has. False with a trap pending.
[[nodiscard]] bool ensure_translated(runtime::Thread& thread, const Code& code);

/// The stubs' instructions.
[[nodiscard]] runtime::EntryStubs stub_instructions();

}  // namespace tenon::interp
