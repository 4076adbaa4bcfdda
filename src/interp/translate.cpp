// From a function's body to register code, in one pass.
//
// The operand stack exists only here. Each entry says where its value is: in the entry's own slot (its canonical
// place), in a local, a constant, or the accumulator. local.get and constants emit nothing; they become operands of
// what uses them. A result is left in the accumulator when it is made, and the instruction that made it is patched to
// write a slot when it turns out that somebody needs the accumulator before the value is used, or that a local.set
// follows.
//
// At every place that control flow can reach from elsewhere, all entries are in their canonical slots or constants, and
// the accumulators hold nothing.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/mapped_file.h"
#include "interp/handlers.h"
#include "interp/interp.h"
#include "interp/translation.h"
#include "runtime/trap.h"
#include "wasm/body_reader.h"
#include "wasm/validate.h"

namespace tenon::interp {

namespace {

using runtime::Executable;
using wasm::Immediate;
using wasm::Opcode;
using wasm::OpcodeRow;
using wasm::ValueType;

constexpr uint32_t kNone = UINT32_MAX;
/// Slots are named by 16 bits; some stay free for what an instruction needs beside its stack.
constexpr uint32_t kMaximumSlots = 65000;

/// Of a v128, which is never in one, any will do.
constexpr Bank bank_of(ValueType type) {
  switch (type) {
    case ValueType::f32:
      return Bank::f32;
    case ValueType::f64:
      return Bank::f64;
    default:
      return Bank::integer;
  }
}

enum class Place : uint8_t {
  slot,
  local,
  constant,
  accumulator,
  sum,  ///< a local plus a constant, not computed yet: most often an address, which loads and stores add up themselves
  global_sum,  ///< a constant global plus a constant, not computed yet: an address in position-independent code
};

struct Entry {
  ValueType type = ValueType::i32;
  Place place = Place::slot;
  uint32_t local = kNone;     ///< place local or sum; or the local that holds a copy of an accumulator's value
  uint64_t bits = 0;          ///< place constant; or what a sum adds
  uint32_t global = kNone;    ///< place global_sum: the global's place in the instance
  uint32_t producer = kNone;  ///< place accumulator: the instruction that made it
  const Family* family = nullptr;
  bool also_in_slot = false;  ///< place accumulator, of a call's result: its slot has the value too
};

/// A local with the same value as the last result of an instruction.
struct Cached {
  uint32_t local = kNone;
  bool written = false;  ///< whether `producer` leaves its result in the accumulator (else it may be patched to)
  uint32_t producer = kNone;
  const Family* family = nullptr;
};

/// What an accumulator holds at the point of translation.
struct Accumulator : Cached {
  uint32_t holder = kNone;  ///< the stack entry whose value it is
  Cached older;             ///< what it held before `producer`, and still does if that does not write it
  uint32_t last_read = 0;   ///< no instruction after this one reads the accumulator
};

/// The last instruction emitted, when it may still be replaced by a longer one that includes what it does.
struct Last {
  uint32_t position = kNone;
  Opcode opcode{};
  Opcode inner = Opcode::nop;  ///< of a shifted operation: what is done to b first
  Source a = Source::slot;
  Source b = Source::slot;
  Operands operands{};
  uint64_t extra = 0;
  Address address = Address::slot;  ///< of a load
};

struct Patch {
  uint32_t instruction;
  uint32_t word;
};

enum class ControlKind : uint8_t { function, block, loop, if_, else_, try_, catch_ };

struct Control {
  explicit Control(ControlKind control_kind) : kind(control_kind) {}

  ControlKind kind;
  uint32_t height = 0;  ///< stack entries below its parameters
  const std::vector<ValueType>* parameters = nullptr;
  const std::vector<ValueType>* results = nullptr;
  uint32_t start = 0;  ///< of a loop
  std::vector<Patch> patches;
  Patch else_patch{kNone, kNone};
  Translation::Try block;
};

/// An operand as an instruction will read it.
struct Operand {
  Source source = Source::slot;
  uint16_t slot = 0;
  uint64_t bits = 0;
};

struct Popped {
  Entry entry;
  uint32_t index;
};

bool is_integer_compare(Opcode opcode) {
  return (opcode >= Opcode::i32_eq && opcode <= Opcode::i32_ge_u) ||
         (opcode >= Opcode::i64_eq && opcode <= Opcode::i64_ge_u);
}

bool is_compare(Opcode opcode) {
  return is_integer_compare(opcode) || (opcode >= Opcode::f32_eq && opcode <= Opcode::f64_ge);
}

// The ten integer compares stand in the same order for both widths: eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u.
Opcode map_compare(Opcode opcode, const std::array<int, 10>& to) {
  const Opcode first = opcode >= Opcode::i64_eq ? Opcode::i64_eq : Opcode::i32_eq;
  const auto base = static_cast<int>(first);
  return static_cast<Opcode>(base + to[static_cast<size_t>(static_cast<int>(opcode) - base)]);
}
Opcode inverse(Opcode opcode) {
  return map_compare(opcode, {1, 0, 8, 9, 6, 7, 4, 5, 2, 3});
}
Opcode mirrored(Opcode opcode) {
  return map_compare(opcode, {0, 1, 4, 5, 2, 3, 8, 9, 6, 7});
}

bool is_commutative(Opcode opcode) {
  switch (opcode) {
    case Opcode::i32_add:
    case Opcode::i32_mul:
    case Opcode::i32_and:
    case Opcode::i32_or:
    case Opcode::i32_xor:
    case Opcode::i64_add:
    case Opcode::i64_mul:
    case Opcode::i64_and:
    case Opcode::i64_or:
    case Opcode::i64_xor:
    case Opcode::f32_add:
    case Opcode::f32_mul:
    case Opcode::f64_add:
    case Opcode::f64_mul:
      return true;  // of two NaNs, either may be the result's
    default:
      return false;
  }
}

class Translator {
 public:
  Translator(Executable& executable, uint32_t function, base::Bytes body)
      : executable_(executable),
        module_(executable.module()),
        function_(function),
        body_offset_(module_.functions[function].body_offset),
        reader_(body, body_offset_),
        handlers_(control_handlers()),
        vectors_(vector_handlers()),
        checked_(executable.options().checks == runtime::BoundsChecks::explicit_checks),
        result_(std::make_unique<Translation>()),
        words_(result_->words) {}

  Result<std::unique_ptr<Translation>> run() {
    words_.reserve(reader_.remaining() * 2 + 8);
    words_.push_back(reinterpret_cast<Word>(result_.get()));
    const wasm::FunctionType& type = module_.function_type(function_);
    for (const ValueType parameter : type.parameters) {
      add_locals(1, parameter);
    }
    const auto parameters = static_cast<uint32_t>(locals_.size());
    for (uint32_t groups = reader_.u32(); groups > 0 && reader_.ok(); --groups) {
      const uint32_t count = reader_.u32();
      const auto local = static_cast<ValueType>(reader_.u8());
      if (locals_.size() + uint64_t{count} > wasm::kMaximumLocals) {
        return too_large();
      }
      add_locals(count, local);
    }
    local_references_.assign(locals_.size(), 0);
    const auto local_count = static_cast<uint32_t>(locals_.size());
    slots_ = local_count + 1;
    slots_of_.assign(1, local_count);
    if (local_count > parameters) {
      emit(handlers_.zero_locals,
           Operands{.target = 0, .a = u16(parameters), .b = u16(local_count - parameters), .c = 0});
    }
    Control outermost(ControlKind::function);
    outermost.parameters = &wasm::kNoTypes;
    outermost.results = &type.results;
    controls_.push_back(std::move(outermost));
    while (!controls_.empty() && reader_.ok()) {
      translate_instruction();
      if (slots_ > kMaximumSlots) {
        return too_large();
      }
    }
    // Validation has seen the same bytes.
    if (!reader_.ok()) {
      return fail(ErrorKind::malformed, "{}: function {}: {}", module_.name, module_.function_name(function_),
                  reader_.message());
    }
    result_->slots = slots_;
    words_.shrink_to_fit();
    result_->positions.shrink_to_fit();
    return std::move(result_);
  }

 private:
  std::unexpected<Error> too_large() {
    return fail(ErrorKind::limit,
                "{}: function {} has more than {} locals and operands, the most the interpreter can run", module_.name,
                module_.function_name(function_), kMaximumSlots);
  }

  static uint16_t u16(uint64_t value) { return static_cast<uint16_t>(value); }

  void add_locals(uint32_t count, ValueType type) {
    const uint32_t cells = abi::cells_of(type);
    for (uint32_t n = 0; n < count; ++n) {
      local_slots_.push_back(static_cast<uint32_t>(locals_.size()));
      locals_.insert(locals_.end(), cells, type);
    }
  }
  /// Takes the index of a local; its slot, by which locals are named from there on.
  [[nodiscard]] uint32_t read_local() { return local_slots_[reader_.u32()]; }

  // --- Emission
  // -------------------------------------------------------------------------------------------------------

  [[nodiscard]] uint32_t position() const { return static_cast<uint32_t>(words_.size()); }
  [[nodiscard]] Operands& operands_at(uint32_t instruction) {
    return *reinterpret_cast<Operands*>(&words_[instruction + 1]);
  }

  uint32_t emit(Handler handler, Operands o) {
    const uint32_t at = position();
    words_.push_back(reinterpret_cast<Word>(handler));
    words_.push_back(std::bit_cast<Word>(o));
    last_.position = kNone;
    return at;
  }
  void emit_word(Word word) { words_.push_back(word); }

  /// The instruction about to be emitted may trap or call: its place in the module is kept.
  void mark_position() {
    if (result_->positions.empty() || result_->positions.back().word != position()) {
      result_->positions.push_back({position(), instruction_offset_});
    } else {
      result_->positions.back().offset = instruction_offset_;
    }
  }

  /// Takes back the last instruction, to emit one that does its work too.
  void take_back(uint32_t instruction) {
    words_.resize(instruction);
    last_constant_ = kNone;
    while (!result_->positions.empty() && result_->positions.back().word > instruction) {
      result_->positions.pop_back();
    }
    last_.position = kNone;
    last_copy_ = kNone;
  }

  /// Takes back the instruction, the last one, that made a popped value: the accumulator holds what it did before.
  void unmake(const Popped& value) {
    take_back(value.entry.producer);
    Accumulator& held = accumulator(bank_of(value.entry.type));
    static_cast<Cached&>(held) = held.older;
    held.older = {};
  }

  /// No instruction before this point may be changed or taken back: a label stands here.
  void forget_last() {
    last_.position = kNone;
    last_copy_ = kNone;
    last_constant_ = kNone;
    last_value_ = kNone;
    last_spill_ = {};
    last_count_ = {};
    last_vector_ = kNone;
  }

  /// Control flow can come here from elsewhere: nothing before may be changed any more, the accumulators hold nothing.
  void barrier() {
    forget_last();
    for (Accumulator& accumulator : accumulators_) {
      const uint32_t holder = accumulator.holder;
      accumulator = Accumulator{};
      accumulator.holder = holder;
      accumulator.last_read = position();
    }
  }

  /// Guest calls and the like: entries are spilled already, cached locals are lost.
  void clobber_accumulators() {
    for (Accumulator& accumulator : accumulators_) {
      static_cast<Cached&>(accumulator) = {};
      accumulator.older = {};
      accumulator.holder = kNone;
    }
  }

  [[nodiscard]] Accumulator& accumulator(Bank bank) { return accumulators_[static_cast<size_t>(bank)]; }
  void mark_read(Bank bank) { accumulator(bank).last_read = position(); }

  // --- The operand stack
  // ----------------------------------------------------------------------------------------------

  /// The slot of entry `index`, which is there, was popped last or comes next.
  [[nodiscard]] uint32_t canonical(uint64_t index) {
    const uint32_t slot = slots_of_[index];
    slots_ = std::max(slots_, slot + 1);
    return slot;
  }

  void reference(const Entry& entry, int change) {
    if (entry.local != kNone) {
      local_references_[entry.local] = static_cast<uint32_t>(static_cast<int>(local_references_[entry.local]) + change);
    }
  }

  /// Whether the entry's value is somewhere that later code may change.
  static bool is_loose(const Entry& entry) {
    return entry.place != Place::slot && entry.place != Place::constant && entry.place != Place::global_sum;
  }

  void push(Entry entry) {
    reference(entry, 1);
    loose_ += is_loose(entry) ? 1 : 0;
    const uint32_t next = slots_of_[stack_.size()] + abi::cells_of(entry.type);
    stack_.push_back(entry);
    if (slots_of_.size() == stack_.size()) {
      slots_of_.push_back(next);
    } else {
      slots_of_[stack_.size()] = next;
    }
    (void)canonical(stack_.size());
  }
  void push_slot(ValueType type) { push(Entry{.type = type}); }
  void push_constant(ValueType type, uint64_t bits) {
    push(Entry{.type = type, .place = Place::constant, .bits = bits});
  }

  Popped pop() {
    Popped popped{stack_.back(), static_cast<uint32_t>(stack_.size() - 1)};
    stack_.pop_back();
    reference(popped.entry, -1);
    loose_ -= is_loose(popped.entry) ? 1 : 0;
    Accumulator& held = accumulator(bank_of(popped.entry.type));
    if (popped.entry.place == Place::accumulator && held.holder == popped.index) {
      held.holder = kNone;
    }
    return popped;
  }

  void drop_to(size_t height) {
    while (stack_.size() > height) {
      (void)pop();
    }
  }

  /// The instruction that made an accumulator's value writes slot `target` instead.
  void retarget(const Entry& entry, uint32_t target) {
    words_[entry.producer] = reinterpret_cast<Word>((*entry.family)[Target::slot]);
    operands_at(entry.producer).target = u16(target);
    Accumulator& held = accumulator(bank_of(entry.type));
    if (held.producer == entry.producer) {
      held.local = kNone;
      held.written = false;
    }
  }

  /// Takes entry `index` out of the accumulator, without emitting anything.
  void spill(uint32_t index) {
    Entry& entry = stack_[index];
    accumulator(bank_of(entry.type)).holder = kNone;
    if (entry.local != kNone) {
      entry.place = Place::local;
      return;
    }
    if (!entry.also_in_slot) {
      if (entry.producer == last_value_ && last_value_is_last()) {
        last_spill_ = {index, entry.producer, position(), entry.family};
      }
      retarget(entry, canonical(index));
    }
    entry.place = Place::slot;
    --loose_;
    if (last_.position == entry.producer) {
      last_.position = kNone;
    }
  }

  void spill_bank(Bank bank) {
    if (accumulator(bank).holder != kNone) {
      spill(accumulator(bank).holder);
    }
  }

  void spill_all() {
    for (const Bank bank : {Bank::integer, Bank::f32, Bank::f64}) {
      spill_bank(bank);
    }
  }

  void emit_copy(ValueType type, uint32_t to, uint32_t from) {
    if (type == ValueType::f32) {
      emit(handlers_.copy32, Operands{.target = u16(to), .a = u16(from), .b = 0, .c = 0});
      return;
    }
    if (type == ValueType::v128) {
      emit(vectors_.copy, Operands{.target = u16(to), .a = u16(from), .b = 0, .c = 0});
      return;
    }
    if (last_copy_ != kNone && last_copy_ + 2 == position()) {
      words_[last_copy_] = reinterpret_cast<Word>(handlers_.copy64_pair);
      operands_at(last_copy_).b = u16(to);
      operands_at(last_copy_).c = u16(from);
      last_copy_ = kNone;
      last_.position = kNone;
      return;
    }
    last_copy_ = emit(handlers_.copy64, Operands{.target = u16(to), .a = u16(from), .b = 0, .c = 0});
  }

  void emit_constant(ValueType type, uint32_t to, uint64_t bits) {
    if (type == ValueType::i32 || type == ValueType::f32) {
      bits = static_cast<uint64_t>(int64_t{static_cast<int32_t>(bits)});  // the upper half is unspecified
    }
    const auto narrow = static_cast<int32_t>(static_cast<uint32_t>(bits));
    if (last_constant_ != kNone && last_constant_ + 2 == position() && narrow == static_cast<int16_t>(narrow) &&
        static_cast<uint64_t>(int64_t{narrow}) == bits) {
      Operands& pair = operands_at(last_constant_);
      words_[last_constant_] = reinterpret_cast<Word>(handlers_.constant_pair);
      pair = Operands{.target = pair.target,
                      .a = u16(to),
                      .b = u16(static_cast<uint32_t>(pair.immediate)),
                      .c = u16(static_cast<uint32_t>(narrow))};
      last_constant_ = kNone;
      last_.position = kNone;
      return;
    }
    if (static_cast<uint64_t>(int64_t{narrow}) == bits) {
      const uint32_t at = emit(handlers_.constant32, Operands{.target = u16(to), .a = 0, .immediate = narrow});
      last_constant_ = narrow == static_cast<int16_t>(narrow) ? at : kNone;
    } else {
      emit(handlers_.constant64, Operands{.target = u16(to), .a = 0, .immediate = 0});
      emit_word(bits);
    }
  }

  static Operands sum_operands(const Entry& entry, uint32_t target) {
    return Operands{.target = u16(target),
                    .a = u16(entry.local),
                    .immediate = static_cast<int32_t>(static_cast<uint32_t>(entry.bits))};
  }

  void emit_sum(const Entry& entry, uint32_t to) {
    emit((*binary_family(Opcode::i32_add, Source::slot, Source::immediate))[Target::slot], sum_operands(entry, to));
  }

  static Operands global_operands(const Entry& entry, uint32_t target) {
    return Operands{.target = u16(target), .a = 0, .offset = entry.global};
  }

  void emit_global_sum(const Entry& entry, uint32_t to) {
    if (static_cast<uint32_t>(entry.bits) == 0) {
      emit((*global_get_family(Bank::integer, false))[Target::slot], global_operands(entry, to));
    } else {
      emit((*global_sum_family())[Target::slot], global_operands(entry, to));
      emit_word(static_cast<uint32_t>(entry.bits));
    }
  }

  /// Computes the top entry if it is a sum that nobody has wanted yet.
  void compute_top() {
    if (stack_.back().place == Place::global_sum) {
      const Entry entry = pop().entry;
      const Operands o = global_operands(entry, 0);
      const auto added = static_cast<uint32_t>(entry.bits);
      const uint32_t at =
          emit_value(ValueType::i32, added == 0 ? global_get_family(Bank::integer, false) : global_sum_family(), o);
      if (added != 0) {
        emit_word(added);
      }
      remember(at, Opcode::global_get, Source::slot, Source::slot, o);
      return;
    }
    if (stack_.back().place != Place::sum) {
      return;
    }
    const Popped sum = pop();
    const Popped local{Entry{.type = ValueType::i32, .place = Place::local, .local = sum.entry.local}, sum.index};
    const Operand operand = use(local, true, false);
    Operands o = sum_operands(sum.entry, 0);
    o.a = operand.slot;
    const uint32_t at =
        emit_value(ValueType::i32, binary_family(Opcode::i32_add, operand.source, Source::immediate), o);
    remember(at, Opcode::i32_add, operand.source, Source::immediate, o);
  }

  /// Brings a value, popped from position `index` or still there, into slot `to`.
  void move_to(const Entry& entry, uint32_t index, uint32_t to) {
    switch (entry.place) {
      case Place::slot:
        if (canonical(index) != to) {
          emit_copy(entry.type, to, canonical(index));
        }
        break;
      case Place::local:
        if (entry.local != to) {
          emit_copy(entry.type, to, entry.local);
        }
        break;
      case Place::constant:
        emit_constant(entry.type, to, entry.bits);
        break;
      case Place::sum:
        emit_sum(entry, to);
        break;
      case Place::global_sum:
        emit_global_sum(entry, to);
        break;
      case Place::accumulator:
        if (entry.also_in_slot && to == canonical(index)) {
          break;
        }
        if (entry.local == kNone && entry.family != nullptr &&
            (to == canonical(index) || (entry.producer == last_value_ && last_value_is_last()))) {
          retarget(entry, to);
          last_.position = kNone;
        } else {
          mark_read(bank_of(entry.type));
          emit(handlers_.store_accumulator[static_cast<size_t>(bank_of(entry.type))],
               Operands{.target = u16(to), .a = 0, .immediate = 0});
        }
        break;
    }
  }

  /// Brings entry `index` into its canonical slot.
  void settle(uint32_t index) {
    Entry& entry = stack_[index];
    move_to(entry, index, canonical(index));
    if (entry.place == Place::accumulator) {
      accumulator(bank_of(entry.type)).holder = kNone;
    }
    reference(entry, -1);
    loose_ -= is_loose(entry) ? 1 : 0;
    entry = Entry{.type = entry.type};
  }

  void settle_top(size_t count) {
    for (size_t n = stack_.size() - count; n < stack_.size(); ++n) {
      if (stack_[n].place != Place::slot) {
        settle(static_cast<uint32_t>(n));
      }
    }
  }

  /// All entries to where they stay valid whatever the code that follows does: constants may remain.
  void settle_all() {
    spill_all();
    for (size_t n = stack_.size(); n-- > 0 && loose_ > 0;) {
      if (is_loose(stack_[n])) {
        settle(static_cast<uint32_t>(n));
      }
    }
  }

  /// Whether the accumulator holds the local's value, or can be made to: the instruction that set the local may be
  /// patched to write both, when nobody has read or written the accumulator since.
  bool recall(Accumulator& held, uint32_t local) {
    const auto write = [&](Cached& cached) {
      if (!cached.written && cached.producer != kNone && held.holder == kNone && held.last_read <= cached.producer) {
        words_[cached.producer] = reinterpret_cast<Word>((*cached.family)[Target::both]);
        cached.written = true;
      }
      return cached.written;
    };
    if (held.local == local) {
      return write(held);
    }
    if (held.written || held.older.local != local || !write(held.older)) {
      return false;
    }
    // The instruction in between leaves the accumulator alone, and must from here on.
    static_cast<Cached&>(held) = held.older;
    held.older = {};
    return true;
  }

  /// How an instruction reads a popped value. May emit an instruction that brings it into a slot.
  Operand use(const Popped& popped, bool accumulator_allowed, bool immediate_allowed) {
    const Entry& entry = popped.entry;
    const Bank bank = bank_of(entry.type);
    Accumulator& held = accumulator(bank);
    switch (entry.place) {
      case Place::slot:
        return {.slot = u16(canonical(popped.index))};
      case Place::local:
        if (accumulator_allowed && recall(held, entry.local)) {
          mark_read(bank);
          return {.source = Source::accumulator};
        }
        return {.slot = u16(entry.local)};
      case Place::sum:
        emit_sum(entry, canonical(popped.index));
        return {.slot = u16(canonical(popped.index))};
      case Place::global_sum:
        emit_global_sum(entry, canonical(popped.index));
        return {.slot = u16(canonical(popped.index))};
      case Place::constant: {
        const bool fits = entry.type != ValueType::i64 ||
                          static_cast<uint64_t>(int64_t{static_cast<int32_t>(entry.bits)}) == entry.bits;
        if (immediate_allowed && fits) {
          return {.source = Source::immediate, .bits = entry.bits};
        }
        emit_constant(entry.type, canonical(popped.index), entry.bits);
        return {.slot = u16(canonical(popped.index))};
      }
      case Place::accumulator:
        if (accumulator_allowed) {
          mark_read(bank);
          return {.source = Source::accumulator};
        }
        if (entry.local != kNone) {
          return {.slot = u16(entry.local)};
        }
        if (entry.also_in_slot) {
          return {.slot = u16(canonical(popped.index))};
        }
        retarget(entry, canonical(popped.index));
        last_.position = kNone;
        return {.slot = u16(canonical(popped.index))};
    }
    return {};
  }

  /// A slot that holds the value.
  uint16_t use_slot(const Popped& popped) { return use(popped, false, false).slot; }

  /// Emits an instruction that makes a value of `type`; the value is pushed.
  uint32_t emit_value(ValueType type, const Family* family, Operands o) {
    const Bank bank = bank_of(type);
    spill_bank(bank);
    const uint32_t at = emit((*family)[Target::accumulator], o);
    Accumulator& held = accumulator(bank);
    if (held.local != kNone || held.written) {
      held.older = held;
    }
    held.holder = static_cast<uint32_t>(stack_.size());
    static_cast<Cached&>(held) = {.local = kNone, .written = true, .producer = at, .family = family};
    push(Entry{.type = type, .place = Place::accumulator, .producer = at, .family = family});
    last_value_ = at;
    return at;
  }

  // --- Locals and globals
  // ---------------------------------------------------------------------------------------------

  /// Entries that refer to local `index` get copies of their own before it changes.
  void preserve(uint32_t index) {
    if (local_references_[index] == 0) {
      return;
    }
    // From the top: references to a local that is still changed are the latest.
    for (size_t n = stack_.size(); n-- > 0 && local_references_[index] > 0;) {
      Entry& entry = stack_[n];
      if (entry.local != index) {
        continue;
      }
      if (entry.place == Place::accumulator) {
        entry.place = Place::local;  // the local still has the value
        accumulator(bank_of(entry.type)).holder = kNone;
      }
      settle(static_cast<uint32_t>(n));
    }
  }

  void set_local(uint32_t index, bool tee) {
    compute_top();
    const Popped value = pop();
    const Entry& entry = value.entry;
    const Bank bank = bank_of(entry.type);
    if (entry.place == Place::local && entry.local == index) {
      if (tee) {
        push(Entry{.type = entry.type, .place = Place::local, .local = index});
      }
      return;
    }
    preserve(index);
    if (entry.type == ValueType::v128) {
      set_vector_local(index, value);
      if (tee) {
        push(Entry{.type = entry.type, .place = Place::local, .local = index});
      }
      return;
    }
    Accumulator& held = accumulator(bank);
    const auto forget = [&] {
      for (Accumulator& other : accumulators_) {
        for (Cached* const cached : {static_cast<Cached*>(&other), &other.older}) {
          if (cached->local == index) {
            cached->local = kNone;
          }
        }
      }
    };
    switch (entry.place) {
      case Place::slot:
      case Place::local:
        forget();
        emit_copy(entry.type, index, entry.place == Place::slot ? canonical(value.index) : entry.local);
        if (tee) {
          push(Entry{.type = entry.type, .place = Place::local, .local = index});
        }
        return;
      case Place::constant:
        forget();
        emit_constant(entry.type, index, entry.bits);
        if (tee) {
          push(entry);
        }
        return;
      case Place::sum:
      case Place::global_sum:
      case Place::accumulator:
        break;
    }
    forget();
    const bool directly =
        entry.local == kNone && entry.family != nullptr && entry.producer == last_value_ && last_value_is_last();
    if (directly) {
      words_[entry.producer] = reinterpret_cast<Word>((*entry.family)[tee ? Target::both : Target::slot]);
      operands_at(entry.producer).target = u16(index);
      held.local = index;
      held.written = tee;
      held.producer = entry.producer;
      held.family = entry.family;
      last_.position = kNone;
      if (!tee) {
        take_spill_back(entry.producer);
      }
      note_count(entry.producer, index, tee);
    } else {
      mark_read(bank);
      emit(handlers_.store_accumulator[static_cast<size_t>(bank)],
           Operands{.target = u16(index), .a = 0, .immediate = 0});
      held.local = index;
      held.written = true;
      held.producer = kNone;
    }
    if (tee) {
      held.holder = static_cast<uint32_t>(stack_.size());
      push(Entry{.type = entry.type,
                 .place = Place::accumulator,
                 .local = index,
                 .producer = entry.producer,
                 .family = entry.family,
                 .also_in_slot = false});
    }
  }

  void set_vector_local(uint32_t index, const Popped& value) {
    const uint32_t from = value.entry.place == Place::local ? value.entry.local : canonical(value.index);
    if (last_vector_ != kNone && last_vector_end_ == position() && operands_at(last_vector_).target == from) {
      operands_at(last_vector_).target = u16(index);
      last_vector_ = kNone;
    } else {
      emit_copy(ValueType::v128, index, from);
    }
  }

  /// The last instruction sets local `index`. If it adds a small constant to it, it may be paired with one like it
  /// before, or with a compare and branch that follow.
  void note_count(uint32_t instruction, uint32_t index, bool tee) {
    const Operands o = operands_at(instruction);
    const Family* const add = binary_family(Opcode::i32_add, Source::slot, Source::immediate);
    if (words_[instruction] != reinterpret_cast<Word>((*add)[tee ? Target::both : Target::slot]) || o.a != index ||
        o.immediate != static_cast<int16_t>(o.immediate)) {
      last_count_ = {};
      return;
    }
    if (!tee && last_count_.end == instruction && !last_count_.accumulator) {
      take_back(instruction);
      words_[last_count_.position] = reinterpret_cast<Word>(count_pair_handler());
      Operands& pair = operands_at(last_count_.position);
      pair = Operands{.target = pair.target,
                      .a = u16(index),
                      .b = u16(static_cast<uint32_t>(pair.immediate)),
                      .c = u16(static_cast<uint32_t>(o.immediate))};
      Accumulator& held = accumulator(Bank::integer);
      // Neither sum can be had in the accumulator any more.
      if (held.local == index) {
        held.local = kNone;
      }
      if (held.older.producer == last_count_.position) {
        held.older = {};
      }
      last_value_ = kNone;
      last_count_ = {};
      return;
    }
    last_count_ = {instruction, position(), tee};
  }

  /// An entry was taken out of the accumulator for the instruction at `instruction`, right behind the one that made it,
  /// which turned out to write a local and not the accumulator: it goes back.
  void take_spill_back(uint32_t instruction) {
    if (last_spill_.end != instruction || last_spill_.index >= stack_.size()) {
      return;
    }
    Entry& entry = stack_[last_spill_.index];
    Accumulator& held = accumulator(bank_of(entry.type));
    if (entry.place != Place::slot || entry.producer != last_spill_.producer || held.holder != kNone ||
        held.last_read > entry.producer) {  // what was read is an older value
      return;
    }
    words_[entry.producer] = reinterpret_cast<Word>((*entry.family)[Target::accumulator]);
    entry.place = Place::accumulator;
    ++loose_;
    static_cast<Cached&>(held) = {.local = kNone, .written = true, .producer = entry.producer, .family = entry.family};
    held.older = {};
    held.holder = last_spill_.index;
    last_spill_ = {};
  }

  /// Whether the instruction that made the last value is the last one emitted.
  [[nodiscard]] bool last_value_is_last() const { return last_value_ != kNone && last_value_end_ == position(); }

  [[nodiscard]] bool is_stack_pointer(uint32_t global) const {
    if (global < module_.imported_globals) {
      return std::ranges::any_of(module_.imports, [&](const wasm::Import& import) {
        return import.kind == wasm::ExternKind::global && import.index == global && import.name == "__stack_pointer";
      });
    }
    const wasm::Export* const exported = module_.find_export("__stack_pointer");
    return exported != nullptr && exported->kind == wasm::ExternKind::global && exported->index == global;
  }

  void set_global(uint32_t index) {
    compute_top();
    const Popped value = pop();
    const Bank bank = bank_of(value.entry.type);
    const bool indirect = is_indirect(index);
    const uint32_t offset = executable_.layout().global(index);
    if (value.entry.type == ValueType::v128) {
      emit(vectors_.global_set, Operands{.target = 0, .a = use_slot(value), .offset = offset});
      return;
    }
    if (executable_.options().check_stack && is_stack_pointer(index)) {
      const uint16_t slot = use_slot(value);
      mark_position();
      emit(handlers_.check_stack, Operands{.target = 0, .a = slot, .immediate = 0});
      emit(global_set_handler(bank, Source::slot, indirect), Operands{.target = 0, .a = slot, .offset = offset});
      return;
    }
    if (value.entry.place == Place::constant) {
      emit(global_set_handler(bank, Source::immediate, indirect), Operands{.target = 0, .a = 0, .offset = offset});
      emit_word(value.entry.bits);
      return;
    }
    const Operand operand = use(value, true, false);
    emit(global_set_handler(bank, operand.source, indirect),
         Operands{.target = 0, .a = operand.slot, .offset = offset});
  }

  // --- Arithmetic
  // -----------------------------------------------------------------------------------------------------

  static ValueType type_of(char letter) {
    switch (letter) {
      case 'I':
        return ValueType::i64;
      case 'f':
        return ValueType::f32;
      case 'F':
        return ValueType::f64;
      case 'v':
        return ValueType::v128;
      default:
        return ValueType::i32;
    }
  }

  [[nodiscard]] bool is_last_value(const Popped& popped) const {
    return popped.entry.place == Place::accumulator && popped.entry.local == kNone && last_.position != kNone &&
           popped.entry.producer == last_.position;
  }

  /// a + (b << k), a ^ rotl(b, k), a + b * c and the like in one instruction, when the inner operation is the last one
  /// emitted.
  bool translate_nested(Opcode opcode, Popped a, Popped b) {
    if (!is_last_value(b) && is_last_value(a) && is_commutative(opcode)) {
      std::swap(a, b);
    }
    if (!is_last_value(b) || last_.inner != Opcode::nop ||
        (a.entry.place != Place::slot && a.entry.place != Place::local) ||
        nested_family(opcode, last_.opcode, Source::slot, Source::slot) == nullptr) {
      return false;
    }
    Last inner = last_;
    const bool is_product = inner.opcode == Opcode::i32_mul || inner.opcode == Opcode::i64_mul ||
                            inner.opcode == Opcode::f32_mul || inner.opcode == Opcode::f64_mul;
    Operands o{.target = 0, .a = 0, .b = inner.operands.a, .c = inner.operands.b};
    if (is_product) {
      if (inner.a == Source::immediate || inner.b == Source::immediate) {
        return false;
      }
      if (inner.a == Source::accumulator || inner.b == Source::accumulator) {
        o.b = 0;
        o.c = inner.operands.a;
        inner.a = Source::accumulator;
      }
    } else {
      if (inner.b != Source::immediate || inner.a == Source::immediate) {
        return false;
      }
      o.c = u16(static_cast<uint32_t>(inner.operands.immediate) & 63);
    }
    const ValueType type = b.entry.type;
    unmake(b);
    Source left = Source::slot;
    if (a.entry.place == Place::slot && inner.a == Source::slot && last_spill_.index == a.index &&
        last_spill_.end == inner.position) {
      // a's value went to its slot only because the inner operation wanted the accumulator.
      words_[last_spill_.producer] = reinterpret_cast<Word>((*last_spill_.family)[Target::accumulator]);
      static_cast<Cached&>(accumulator(bank_of(type))) = {.written = true};
      mark_read(bank_of(type));
      left = Source::accumulator;
    } else {
      o.a = use_slot(a);
      if (inner.a == Source::accumulator) {
        mark_read(bank_of(type));
      }
    }
    last_spill_ = {};
    const uint32_t at = emit_value(type, nested_family(opcode, inner.opcode, left, inner.a), o);
    remember(at, opcode, left, inner.a, o);
    last_.inner = inner.opcode;
    return true;
  }

  /// (a >> k) & mask in one instruction, when the shift is the last one emitted.
  bool translate_extract(Opcode opcode, const Popped& a, const Popped& b) {
    if ((opcode != Opcode::i32_and && opcode != Opcode::i64_and) || b.entry.place != Place::constant ||
        b.entry.bits > UINT16_MAX || !is_last_value(a) || last_.inner != Opcode::nop ||
        last_.opcode != (opcode == Opcode::i32_and ? Opcode::i32_shr_u : Opcode::i64_shr_u) ||
        last_.b != Source::immediate || last_.a == Source::immediate) {
      return false;
    }
    const Last shift = last_;
    const ValueType type = a.entry.type;
    unmake(a);
    if (shift.a == Source::accumulator) {
      mark_read(Bank::integer);
    }
    const Operands o{.target = 0,
                     .a = shift.operands.a,
                     .b = u16(static_cast<uint32_t>(shift.operands.immediate) & 63),
                     .c = u16(b.entry.bits)};
    const uint32_t at = emit_value(type, extract_family(opcode, shift.a), o);
    remember(at, opcode, shift.a, Source::immediate, o);
    last_.inner = shift.opcode;
    return true;
  }

  [[nodiscard]] bool is_indirect(uint32_t global) const {
    return executable_.global_access(global) == runtime::GlobalAccess::indirect;
  }

  /// local + constant, global + constant, or such a sum + constant, either way round: nothing is emitted.
  bool push_sum() {
    const Entry& b = stack_.back();
    const Entry& a = stack_[stack_.size() - 2];
    const Entry& constant = b.place == Place::constant ? b : a;
    const Entry& base = b.place == Place::constant ? a : b;
    if (constant.place != Place::constant ||
        (base.place != Place::local && base.place != Place::sum && base.place != Place::global_sum)) {
      return false;
    }
    Entry sum{.type = ValueType::i32,
              .place = base.place == Place::local ? Place::sum : base.place,
              .local = base.local,
              .bits = static_cast<uint32_t>(constant.bits),
              .global = base.global};
    if (base.place != Place::local) {
      sum.bits = static_cast<uint32_t>(sum.bits + base.bits);
    }
    drop_to(stack_.size() - 2);
    push(sum);
    return true;
  }

  void translate_binary(Opcode opcode, ValueType operand_type, ValueType result_type) {
    if (opcode == Opcode::i32_add && push_sum()) {
      return;
    }
    compute_top();
    Popped b = pop();
    Popped a = pop();
    if (a.entry.place == Place::constant && b.entry.place != Place::constant) {
      if (is_commutative(opcode)) {
        std::swap(a, b);
      } else if (is_integer_compare(opcode)) {
        std::swap(a, b);
        opcode = mirrored(opcode);
      }
    }
    if (translate_nested(opcode, a, b) || translate_extract(opcode, a, b)) {
      return;
    }
    Operand right = use(b, true, true);
    const bool same_bank_taken = right.source == Source::accumulator;
    const Operand left = use(a, !same_bank_taken, right.source != Source::immediate);
    Operands o{.target = 0, .a = 0, .immediate = 0};
    uint64_t extra = 0;
    if (left.source == Source::slot) {
      o.a = left.slot;
      if (right.source == Source::slot) {
        o.b = right.slot;
      }
    } else if (right.source == Source::slot) {
      o.a = right.slot;
    }
    const bool immediate = left.source == Source::immediate || right.source == Source::immediate;
    const bool wide = immediate && bank_of(operand_type) != Bank::integer;
    if (immediate) {
      extra = left.source == Source::immediate ? left.bits : right.bits;
      if (!wide) {
        o.immediate = static_cast<int32_t>(static_cast<uint32_t>(extra));
      }
    }
    const Family* const family = binary_family(opcode, left.source, right.source);
    mark_position_if_partial(opcode);
    const uint32_t at = emit_value(result_type, family, o);
    if (wide) {
      emit_word(extra);
    }
    remember(at, opcode, left.source, right.source, o, extra);
  }

  void mark_position_if_partial(Opcode opcode) {
    switch (opcode) {
      case Opcode::i32_div_s:
      case Opcode::i32_div_u:
      case Opcode::i32_rem_s:
      case Opcode::i32_rem_u:
      case Opcode::i64_div_s:
      case Opcode::i64_div_u:
      case Opcode::i64_rem_s:
      case Opcode::i64_rem_u:
        mark_position();
        break;
      default:
        if (opcode >= Opcode::i32_trunc_f32_s && opcode <= Opcode::i64_trunc_f64_u) {
          mark_position();
        }
        break;
    }
  }

  /// Keeps the last instruction for fusing; also notes where the last value's instruction ends.
  void remember(uint32_t at, Opcode opcode, Source a, Source b, Operands o, uint64_t extra = 0) {
    last_ = Last{at, opcode, Opcode::nop, a, b, o, extra};
    last_value_end_ = position();
  }

  void translate_unary(Opcode opcode, ValueType result_type) {
    if (opcode == Opcode::i32_wrap_i64) {
      // The low half is where an i32 is looked for anyway.
      Entry& top = stack_.back();
      top.type = ValueType::i32;
      top.bits &= UINT32_MAX;
      last_.position = kNone;
      return;
    }
    if (opcode == Opcode::i32_eqz &&
        (reader_.peek() == wasm::row(Opcode::br_if).code || reader_.peek() == wasm::row(Opcode::if_).code)) {
      inverted_ = !inverted_;
      return;
    }
    compute_top();
    const Popped a = pop();
    if (opcode == Opcode::i32_eqz && is_last_value(a) && last_.inner == Opcode::nop &&
        is_integer_compare(last_.opcode)) {
      const Last compare = last_;
      unmake(a);
      const Opcode opposite = inverse(compare.opcode);
      const uint32_t at = emit_value(ValueType::i32, binary_family(opposite, compare.a, compare.b), compare.operands);
      remember(at, opposite, compare.a, compare.b, compare.operands);
      return;
    }
    const Operand operand = use(a, true, false);
    const Operands o{.target = 0, .a = operand.slot, .immediate = 0};
    mark_position_if_partial(opcode);
    const uint32_t at = emit_value(result_type, unary_family(opcode, operand.source), o);
    remember(at, opcode, operand.source, Source::slot, o);
  }

  /// What a select may choose: a slot, or of integers a constant of 16 bits, signed.
  Operand use_choice(const Popped& popped) {
    const Entry& entry = popped.entry;
    if (entry.place == Place::constant && bank_of(entry.type) == Bank::integer) {
      const auto value =
          entry.type == ValueType::i32 ? int64_t{static_cast<int32_t>(entry.bits)} : static_cast<int64_t>(entry.bits);
      if (value == static_cast<int16_t>(value)) {
        return {.source = Source::immediate, .slot = u16(entry.bits)};
      }
    }
    return {.source = Source::slot, .slot = use_slot(popped)};
  }

  void translate_select() {
    compute_top();
    const Popped condition = pop();
    const Popped b = pop();
    const Popped a = pop();
    const ValueType type = a.entry.type;
    if (type == ValueType::v128) {
      const Operand chooser = use(condition, true, false);
      emit_vector(vectors_.select[static_cast<size_t>(chooser.source)],
                  Operands{.target = 0, .a = use_slot(a), .b = use_slot(b), .c = chooser.slot});
      return;
    }
    // Before what they need is emitted, which would stand between the compare and its use.
    const bool compares =
        is_last_value(condition) && last_.inner == Opcode::nop && bank_of(type) == Bank::integer &&
        (last_.opcode == Opcode::i32_and || (last_.opcode >= Opcode::i32_eq && last_.opcode <= Opcode::i32_ge_u));
    Last compare = last_;
    if (compares && compare.b == Source::accumulator) {
      std::swap(compare.a, compare.b);
      if (compare.opcode != Opcode::i32_and) {
        compare.opcode = mirrored(compare.opcode);
      }
    }
    const bool fuses = compares && compare.a != Source::immediate && compare.b != Source::accumulator;
    if (fuses) {
      unmake(condition);
    }
    Operand first = use_choice(a);
    Operand second = use_choice(b);
    if (!fuses) {
      const Operand chooser = use(condition, true, false);
      const Operands o{.target = 0, .a = first.slot, .b = second.slot, .c = chooser.slot};
      const uint32_t at =
          emit_value(type, select_family(bank_of(type), chooser.source, first.source, second.source), o);
      remember(at, Opcode::select, Source::slot, Source::slot, o);
      return;
    }
    if (compare_select_family(compare.opcode, compare.a, compare.b, first.source, second.source) == nullptr) {
      compare.opcode = inverse(compare.opcode);
      std::swap(first, second);
    }
    if (compare.a == Source::accumulator) {
      mark_read(Bank::integer);
    }
    const uint32_t at =
        emit_value(type, compare_select_family(compare.opcode, compare.a, compare.b, first.source, second.source),
                   compare.operands);
    emit_word(std::bit_cast<Word>(Operands{.target = 0, .a = first.slot, .b = second.slot, .c = 0}));
    remember(at, Opcode::select, Source::slot, Source::slot, compare.operands);
  }

  // --- Memory
  // ---------------------------------------------------------------------------------------------------------

  struct EffectiveAddress {
    Address address = Address::slot;
    Operands operands{};
    uint64_t extra = 0;
    bool has_extra = false;
  };

  /// How a load or store reaches its address. What computed the address is taken back when it is the last instruction
  /// and the access can do its work. `accumulator_allowed`: the value to be stored is not in the one for integers.
  EffectiveAddress effective_address(const Popped& base, uint32_t offset, bool accumulator_allowed) {
    EffectiveAddress result;
    result.operands.offset = offset;
    if (base.entry.place == Place::constant) {
      result.address = Address::constant;
      result.extra = uint64_t{static_cast<uint32_t>(base.entry.bits)} + offset;
      result.has_extra = true;
      return result;
    }
    if (base.entry.place == Place::sum) {
      result.address = Address::plus_immediate;
      result.operands = sum_operands(base.entry, 0);
      result.extra = offset;
      result.has_extra = true;
      return result;
    }
    if (base.entry.place == Place::global_sum) {
      result.address = Address::plus_global;
      result.operands = global_operands(base.entry, 0);
      result.extra = static_cast<uint32_t>(base.entry.bits) | uint64_t{offset} << 32;
      result.has_extra = true;
      return result;
    }
    if (is_last_value(base) && last_.opcode == Opcode::i32_add) {
      const Last sum = last_;
      Operands o{.target = 0, .a = sum.operands.a, .b = 0, .c = 0};
      bool fused = true;
      if (sum.inner != Opcode::nop) {
        fused = sum.inner == Opcode::i32_shl && sum.a == Source::slot;
        result.address = sum.b == Source::slot ? Address::plus_slot : Address::plus_accumulator;
        o = sum.operands;
      } else if (sum.a == Source::slot && sum.b == Source::slot) {
        result.address = Address::plus_slot;
        o.b = sum.operands.b;
      } else if ((sum.a == Source::slot && sum.b == Source::accumulator) ||
                 (sum.a == Source::accumulator && sum.b == Source::slot)) {
        result.address = Address::plus_accumulator;
      } else if (sum.a == Source::slot && sum.b == Source::immediate) {
        result.address = Address::plus_immediate;
        o.immediate = sum.operands.immediate;
      } else {
        fused = false;
      }
      if (fused && (accumulator_allowed || result.address != Address::plus_accumulator)) {
        unmake(base);
        if (result.address == Address::plus_accumulator) {
          mark_read(Bank::integer);
        }
        result.operands = o;
        result.extra = offset;
        result.has_extra = true;
        return result;
      }
      result.operands = Operands{};
      result.operands.offset = offset;
    }
    const Operand operand = use(base, accumulator_allowed, false);
    result.address = operand.source == Source::slot ? Address::slot : Address::accumulator;
    result.operands.a = operand.slot;
    return result;
  }

  void translate_load(Opcode opcode, ValueType type) {
    (void)reader_.u32();  // alignment: a hint
    const uint32_t offset = reader_.u32();
    const Popped base = pop();
    const EffectiveAddress address = effective_address(base, offset, true);
    mark_position();
    const uint32_t at = emit_value(type, load_family(opcode, address.address, checked_), address.operands);
    if (address.has_extra) {
      emit_word(address.extra);
    }
    remember(at, opcode, Source::slot, Source::slot, address.operands, address.extra);
    last_.address = address.address;
  }

  /// The store of a value that was loaded right before, at an address that is at hand: both in one instruction.
  bool translate_transfer(Opcode opcode, const Popped& value, const Popped& base, uint32_t offset) {
    const wasm::Immediate width = wasm::row(opcode).immediate;
    if (!is_last_value(value) || last_.opcode < Opcode::i32_load || last_.opcode > Opcode::i64_load32_u ||
        wasm::row(last_.opcode).immediate != width) {
      return false;
    }
    if (base.entry.place != Place::slot && base.entry.place != Place::local && base.entry.place != Place::sum) {
      return false;
    }
    const Handler handler = transfer_handler(
        width, last_.address, base.entry.place == Place::sum ? Address::plus_immediate : Address::slot, checked_);
    if (handler == nullptr) {
      return false;
    }
    const Last load = last_;
    unmake(value);
    if (load.address == Address::accumulator || load.address == Address::plus_accumulator) {
      mark_read(Bank::integer);
    }
    const EffectiveAddress to = effective_address(base, offset, false);
    // The load's place in the module is known already. Any later word of the instruction stands for the store.
    const uint32_t at = emit(handler, load.operands);
    result_->positions.push_back({at + 1, instruction_offset_});
    if (load.address != Address::slot && load.address != Address::accumulator) {
      emit_word(load.extra);
    }
    emit_word(std::bit_cast<Word>(to.operands));
    if (to.has_extra) {
      emit_word(to.extra);
    }
    return true;
  }

  void translate_store(Opcode opcode) {
    (void)reader_.u32();
    const uint32_t offset = reader_.u32();
    compute_top();
    const Popped value = pop();
    const Popped base = pop();
    if (translate_transfer(opcode, value, base, offset)) {
      return;
    }
    const bool constant = value.entry.place == Place::constant;
    const bool integer = bank_of(value.entry.type) == Bank::integer;
    Operand operand;
    EffectiveAddress address;
    if (value.entry.place == Place::accumulator || (!constant && !is_last_value(base))) {
      operand = use(value, true, false);
      const bool taken = integer && operand.source == Source::accumulator;
      address = effective_address(base, offset, !taken);
    } else {
      // The value emits nothing, so the address can still be fused with what made it.
      address = effective_address(base, offset, true);
      if (constant) {
        operand = Operand{.source = Source::immediate, .bits = value.entry.bits};
      } else {
        const bool taken = address.address == Address::accumulator || address.address == Address::plus_accumulator;
        operand = use(value, !(integer && taken), false);
      }
    }
    if (operand.source == Source::slot) {
      address.operands.target = operand.slot;
    }
    mark_position();
    emit(store_handler(opcode, address.address, operand.source, checked_), address.operands);
    if (address.has_extra) {
      emit_word(address.extra);
    }
    if (operand.source == Source::immediate) {
      emit_word(operand.bits);
    }
  }

  /// Instructions whose operands are the top `inputs` entries in their slots. `indices`: packed, second in the upper
  /// half.
  void translate_plain(Opcode opcode, size_t inputs, const ValueType* result, uint64_t indices) {
    settle_top(inputs);
    const uint32_t first = canonical(stack_.size() - inputs);
    mark_position();
    emit(plain_handler(opcode), Operands{.target = u16(first), .a = u16(first), .immediate = 0});
    emit_word(indices);
    drop_to(stack_.size() - inputs);
    if (result != nullptr) {
      push_slot(*result);
    }
  }

  void translate_atomic(const OpcodeRow& row) {
    uint32_t offset = 0;
    if (row.opcode == Opcode::atomic_fence) {
      (void)reader_.u8();
    } else {
      (void)reader_.u32();
      offset = reader_.u32();
    }
    const std::string_view signature = row.signature;
    const size_t inputs = signature.find('_');
    settle_top(inputs);
    const uint32_t first = canonical(stack_.size() - inputs);
    mark_position();
    emit(atomic_handler(row.opcode, checked_), Operands{.target = u16(first), .a = u16(first), .offset = offset});
    drop_to(stack_.size() - inputs);
    if (inputs + 1 < signature.size()) {
      push_slot(type_of(signature.back()));
    }
  }

  // --- Vectors
  // --------------------------------------------------------------------------------------------------------

  /// Emits an instruction that makes a vector, which is pushed.
  void emit_vector(Handler handler, Operands o, std::initializer_list<Word> words = {}) {
    o.target = u16(canonical(stack_.size()));
    last_vector_ = emit(handler, o);
    for (const Word word : words) {
      emit_word(word);
    }
    last_vector_end_ = position();
    push_slot(ValueType::v128);
  }

  void translate_vector(const OpcodeRow& row) {
    const std::string_view signature = row.signature;
    switch (row.immediate) {
      case Immediate::none:
        break;
      case Immediate::v128: {
        const uint64_t low = reader_.u64_fixed();
        emit_vector(vectors_.constant, Operands{}, {low, reader_.u64_fixed()});
        return;
      }
      case Immediate::shuffle:
        translate_shuffle();
        return;
      case Immediate::lane2:
      case Immediate::lane4:
      case Immediate::lane8:
      case Immediate::lane16:
        translate_lane(row);
        return;
      case Immediate::memarg8_lane:
      case Immediate::memarg16_lane:
      case Immediate::memarg32_lane:
      case Immediate::memarg64_lane:
        translate_lane_access(row);
        return;
      default:
        signature.back() == 'v' ? translate_vector_load(row.opcode) : translate_vector_store();
        return;
    }
    if (const Handler handler = vector_handler(row.opcode)) {
      Operands o{};
      if (signature.size() > 4) {
        o.c = use_slot(pop());
      }
      if (signature.size() > 3) {
        o.b = use_slot(pop());
      }
      o.a = use_slot(pop());
      emit_vector(handler, o);
    } else if (signature == "vi_v") {
      translate_vector_shift(row.opcode);
    } else if (signature.back() == 'v') {
      compute_top();
      const Operand scalar = use(pop(), true, false);
      emit_vector(vector_splat_handler(row.opcode, scalar.source),
                  Operands{.target = 0, .a = scalar.slot, .offset = 0});
    } else {
      emit_scalar_of_vector(row, 0);
    }
  }

  /// What makes a scalar of the vector on top.
  void emit_scalar_of_vector(const OpcodeRow& row, uint16_t lane) {
    const Operands o{.target = 0, .a = use_slot(pop()), .b = 0, .c = lane};
    const uint32_t at = emit_value(type_of(row.signature[2]), vector_scalar_family(row.opcode), o);
    remember(at, row.opcode, Source::slot, Source::slot, o);
  }

  void translate_vector_shift(Opcode opcode) {
    compute_top();
    const Popped count = pop();
    const Popped vector = pop();
    Operands o{};
    Source source = Source::immediate;
    if (count.entry.place == Place::constant) {
      o.b = u16(count.entry.bits & 63);
    } else {
      const Operand operand = use(count, true, false);
      source = operand.source;
      o.b = operand.slot;
    }
    o.a = use_slot(vector);
    emit_vector(vector_shift_handler(opcode, source), o);
  }

  /// Shuffles whole lanes of the greatest width that will do.
  void translate_shuffle() {
    std::array<uint8_t, 16> lanes{};
    for (uint8_t& lane : lanes) {
      lane = reader_.u8();
    }
    size_t exponent = 0;
    for (; exponent < 3; ++exponent) {
      // Pairs of neighbours that begin with an even one.
      const size_t count = lanes.size() >> exponent;
      bool pairs = true;
      for (size_t n = 0; n < count; n += 2) {
        pairs = pairs && lanes[n] % 2 == 0 && lanes[n + 1] == lanes[n] + 1;
      }
      if (!pairs) {
        break;
      }
      for (size_t n = 0; n < count / 2; ++n) {
        lanes[n] = lanes[2 * n] / 2;
      }
    }
    std::array<Word, 2> words{};
    std::memcpy(words.data(), lanes.data(), sizeof(words));
    Operands o{};
    o.b = use_slot(pop());
    o.a = use_slot(pop());
    emit_vector(vectors_.shuffle[exponent], o, {words[0], words[1]});
  }

  void translate_lane(const OpcodeRow& row) {
    const uint8_t lane = reader_.u8();
    const std::string_view signature = row.signature;
    if (signature.back() != 'v') {
      emit_scalar_of_vector(row, lane);
      return;
    }
    Operands o{};
    o.c = lane;
    o.b = use_slot(pop());
    o.a = use_slot(pop());
    emit_vector(vector_replace_handler(row.opcode), o);
  }

  void translate_vector_load(Opcode opcode) {
    (void)reader_.u32();  // alignment: a hint
    const uint32_t offset = reader_.u32();
    const EffectiveAddress address = effective_address(pop(), offset, true);
    mark_position();
    const Handler handler = vector_load_handler(opcode, address.address, checked_);
    if (address.has_extra) {
      emit_vector(handler, address.operands, {address.extra});
    } else {
      emit_vector(handler, address.operands);
    }
  }

  void translate_vector_store() {
    (void)reader_.u32();
    const uint32_t offset = reader_.u32();
    const Popped value = pop();
    const Popped base = pop();
    EffectiveAddress address = effective_address(base, offset, true);
    address.operands.target = use_slot(value);
    mark_position();
    emit(vector_store_handler(address.address, checked_), address.operands);
    if (address.has_extra) {
      emit_word(address.extra);
    }
  }

  void translate_lane_access(const OpcodeRow& row) {
    (void)reader_.u32();
    const uint32_t offset = reader_.u32();
    Operands o{};
    o.c = reader_.u8();
    o.b = use_slot(pop());
    o.a = use_slot(pop());
    mark_position();
    const Handler handler = vector_lane_handler(row.opcode, checked_);
    if (std::string_view(row.signature).back() == 'v') {
      emit_vector(handler, o, {offset});
    } else {
      emit(handler, o);
      emit_word(offset);
    }
  }

  // --- Control
  // --------------------------------------------------------------------------------------------------------

  void read_block_type(Control& control) {
    const wasm::BlockSignature signature = reader_.block_signature(module_);
    control.parameters = signature.parameters;
    control.results = signature.results;
  }

  void begin_block(ControlKind kind) {
    Control control(kind);
    read_block_type(control);
    settle_all();
    // Parameters are the block's own entries: in their slots, so that every way to the label agrees.
    settle_top(control.parameters->size());
    control.height = static_cast<uint32_t>(stack_.size() - control.parameters->size());
    if (kind == ControlKind::loop || kind == ControlKind::try_) {
      barrier();
      control.start = position();
    }
    if (kind == ControlKind::try_) {
      control.block.begin = position();
      control.block.identity = next_try_++;
      control.block.slot = canonical(control.height);
    }
    controls_.push_back(std::move(control));
  }

  /// Emits a branch taken when the popped condition's truth is `when`; the distance is to be filled in.
  Patch emit_branch(const Popped& condition, bool when, Way way) {
    when = when != inverted_;
    inverted_ = false;
    if (condition.entry.place == Place::accumulator && condition.entry.local != kNone &&
        condition.entry.producer == last_count_.position && last_count_.end == position()) {
      return emit_count_branch(when ? Opcode::i32_ne : Opcode::i32_eq, Source::immediate, Operands{}, way);
    }
    if (is_last_value(condition) && last_.inner == Opcode::nop) {
      const Last test = last_;
      if (is_compare(test.opcode) || test.opcode == Opcode::i32_and) {
        unmake(condition);
        // Only when the accumulator is the sum: the counting instruction may also have left an older value there.
        if (last_count_.end == test.position && is_compare(test.opcode) && test.a == Source::accumulator &&
            test.opcode <= Opcode::i32_ge_u &&
            words_[last_count_.position] == reinterpret_cast<Word>((*binary_family(Opcode::i32_add, Source::slot,
                                                                                   Source::immediate))[Target::both])) {
          return emit_count_branch(when ? test.opcode : inverse(test.opcode), test.b, test.operands, way);
        }
        if (test.a == Source::accumulator || test.b == Source::accumulator) {
          mark_read(operand_bank(test.opcode));
        }
        const uint32_t at = emit(compare_branch_handler(test.opcode, test.a, test.b, !when, way), test.operands);
        const bool wide =
            (test.a == Source::immediate || test.b == Source::immediate) && operand_bank(test.opcode) != Bank::integer;
        if (wide) {
          emit_word(test.extra);
        }
        emit_word(0);
        return {at, position() - 1};
      }
      if (test.opcode == Opcode::i64_eqz) {
        unmake(condition);
        if (test.a == Source::accumulator) {
          mark_read(Bank::integer);
        }
        const uint32_t at = emit(compare_branch_handler(Opcode::i64_eq, test.a, Source::immediate, !when, way),
                                 Operands{.target = 0, .a = test.operands.a, .immediate = 0});
        emit_word(0);
        return {at, position() - 1};
      }
    }
    const Operand operand = use(condition, true, false);
    const ControlHandlers::Branches& branches = branches_of(way);
    const auto& row = when ? branches.branch_if : branches.branch_unless;
    const uint32_t at =
        emit(row[static_cast<size_t>(operand.source)], Operands{.target = 0, .a = operand.slot, .immediate = 0});
    emit_word(0);
    return {at, position() - 1};
  }

  /// The counting instruction at the end, a compare of its sum with b, and a branch taken when it holds, all in one.
  Patch emit_count_branch(Opcode compare, Source b, Operands with, Way way) {
    const Operands count = operands_at(last_count_.position);
    take_back(last_count_.position);
    last_count_ = {};
    last_value_ = kNone;
    Operands o{.target = count.target, .a = u16(static_cast<uint32_t>(count.immediate)), .immediate = 0};
    if (b == Source::slot) {
      o.b = with.a;
    } else {
      o.immediate = with.immediate;
    }
    // The sum stays in the accumulator; what it holds is known as before.
    Accumulator& held = accumulator(Bank::integer);
    held.local = count.target;
    held.written = true;
    held.producer = kNone;
    const uint32_t at = emit(count_branch_handler(compare, b, way), o);
    held.last_read = at;
    emit_word(0);
    return {at, position() - 1};
  }

  static Bank operand_bank(Opcode opcode) {
    if (opcode >= Opcode::f32_eq && opcode <= Opcode::f32_ge) {
      return Bank::f32;
    }
    return opcode >= Opcode::f64_eq && opcode <= Opcode::f64_ge ? Bank::f64 : Bank::integer;
  }

  void fill_in(const Patch& patch, uint32_t target) {
    words_[patch.word] = static_cast<Word>(int64_t{target} - int64_t{patch.instruction});
  }

  [[nodiscard]] const ControlHandlers::Branches& branches_of(Way way) const {
    return handlers_.branches[static_cast<size_t>(way)];
  }

  Patch emit_jump(Way way) {
    if (last_copy_ != kNone && last_copy_ + 2 == position()) {
      const uint32_t copy = last_copy_;
      words_[copy] = reinterpret_cast<Word>(branches_of(way).copy64_jump);
      emit_word(0);
      last_copy_ = kNone;
      return {copy, position() - 1};
    }
    const uint32_t at = position();
    words_.push_back(reinterpret_cast<Word>(branches_of(way).jump));
    words_.push_back(0);
    last_.position = kNone;
    return {at, at + 1};
  }

  [[nodiscard]] Control& label(uint32_t depth) { return controls_[controls_.size() - 1 - depth]; }

  [[nodiscard]] static size_t arity(const Control& control) {
    return control.kind == ControlKind::loop ? control.parameters->size() : control.results->size();
  }

  [[nodiscard]] static Way way_to(const Control& target) {
    return target.kind == ControlKind::loop ? Way::back : Way::forward;
  }

  void link(Control& target, const Patch& patch) {
    if (way_to(target) == Way::back) {
      fill_in(patch, target.start);
    } else {
      target.patches.push_back(patch);
    }
  }

  /// Whether the top entries, once settled, stand where the label expects them.
  [[nodiscard]] bool in_place(const Control& target) const { return target.height + arity(target) == stack_.size(); }

  /// Copies the top `count` entries, which are settled, down to where the label expects them.
  void emit_moves(const Control& target, size_t count) {
    uint32_t to = canonical(target.height);
    for (size_t from = stack_.size() - count; from < stack_.size(); ++from) {
      const ValueType type = stack_[from].type;
      if (to != canonical(from)) {
        emit_copy(type, to, canonical(from));
      }
      to += abi::cells_of(type);
    }
  }

  /// The top entries as results of the function.
  void emit_return() {
    const auto& results = *controls_.front().results;
    if (results.empty()) {
      emit(handlers_.return_none, Operands{});
      return;
    }
    if (results.size() == 1 && results.front() != ValueType::v128) {
      compute_top();
      const Entry top = stack_.back();
      const Popped value = pop();
      const auto bank = static_cast<size_t>(bank_of(top.type));
      if (top.place == Place::constant) {
        emit(handlers_.return_one[bank][static_cast<size_t>(Source::immediate)], Operands{});
        emit_word(top.bits);
      } else {
        const Operand operand = use(value, true, false);
        emit(handlers_.return_one[bank][static_cast<size_t>(operand.source)],
             Operands{.target = 0, .a = operand.slot, .immediate = 0});
      }
      push(Entry{.type = top.type});
      return;
    }
    settle_top(results.size());
    uint32_t to = 0;
    for (size_t n = 0; n < results.size(); ++n) {
      emit_copy(results[n], to, canonical(stack_.size() - results.size() + n));
      to += abi::cells_of(results[n]);
    }
    emit(handlers_.return_none, Operands{});
  }

  void translate_br(uint32_t depth) {
    Control& target = label(depth);
    if (target.kind == ControlKind::function) {
      emit_return();
    } else {
      const size_t count = arity(target);
      if (count == 1) {
        // Straight to where the label wants it.
        const Popped value = pop();
        move_to(value.entry, value.index, canonical(target.height));
        push_slot(value.entry.type);
      } else {
        settle_top(count);
        emit_moves(target, count);
      }
      link(target, emit_jump(way_to(target)));
    }
    unreachable_ = true;
  }

  void translate_br_if(uint32_t depth) {
    Control& target = label(depth);
    compute_top();
    const Popped condition = pop();
    const size_t count = arity(target);
    if (count == 0) {
      link(target, emit_branch(condition, true, way_to(target)));
      return;
    }
    settle_top(count);
    if (target.kind != ControlKind::function && in_place(target)) {
      link(target, emit_branch(condition, true, way_to(target)));
      return;
    }
    const Patch skip = emit_branch(condition, false, Way::forward);
    if (target.kind == ControlKind::function) {
      emit_return();
    } else {
      emit_moves(target, count);
      link(target, emit_jump(way_to(target)));
    }
    fill_in(skip, position());
    forget_last();
  }

  void translate_br_table() {
    std::vector<uint32_t> depths(uint64_t{reader_.u32()} + 1);
    for (uint32_t& depth : depths) {
      depth = reader_.u32();
    }
    const Popped index = pop();
    const size_t count = arity(label(depths.back()));
    settle_top(count);
    const Operand operand = use(index, true, false);
    const uint32_t at =
        emit(handlers_.branch_table[static_cast<size_t>(operand.source)],
             Operands{.target = 0, .a = operand.slot, .offset = static_cast<uint32_t>(depths.size() - 1)});
    const uint32_t first = position();
    words_.resize(words_.size() + depths.size());
    std::vector<uint32_t> trampolines(controls_.size(), kNone);
    for (size_t n = 0; n < depths.size(); ++n) {
      const Patch patch{at, static_cast<uint32_t>(first + n)};
      Control& target = label(depths[n]);
      if (count == 0 || (target.kind != ControlKind::function && in_place(target))) {
        link(target, patch);
        continue;
      }
      uint32_t& trampoline = trampolines[depths[n]];
      if (trampoline == kNone) {
        forget_last();
        trampoline = position();
        if (target.kind == ControlKind::function) {
          emit_return();
        } else {
          emit_moves(target, count);
          link(target, emit_jump(way_to(target)));
        }
      }
      fill_in(patch, trampoline);
    }
    unreachable_ = true;
  }

  void push_types(const std::vector<ValueType>& types) {
    for (const ValueType type : types) {
      push_slot(type);
    }
  }

  /// Ends the code before `else`, `catch` or `end`: results to where the label wants them.
  void settle_results(const Control& control) {
    const size_t count = control.results->size();
    settle_top(count);
    emit_moves(control, count);
  }

  void translate_else() {
    Control& control = controls_.back();
    if (!unreachable_) {
      settle_results(control);
      control.patches.push_back(emit_jump(Way::forward));
    }
    drop_to(control.height);
    push_types(*control.parameters);
    fill_in(control.else_patch, position());
    control.else_patch.word = kNone;
    control.kind = ControlKind::else_;
    unreachable_ = false;
    barrier();
  }

  void translate_catch(uint32_t tag) {
    Control& control = controls_.back();
    if (!unreachable_) {
      settle_results(control);
      control.patches.push_back(emit_jump(Way::forward));
    }
    if (control.kind == ControlKind::try_) {
      control.block.end = position();
      control.kind = ControlKind::catch_;
    }
    drop_to(control.height);
    push_slot(ValueType::externref);  // the exception itself, for rethrow
    if (tag != Translation::kCatchAll) {
      push_types(module_.types[module_.tags[tag].type]->parameters);
    }
    unreachable_ = false;
    barrier();
    control.block.clauses.push_back({tag, position()});
  }

  void translate_delegate(uint32_t depth) {
    Control& control = controls_.back();
    control.block.end = position();
    control.block.is_delegate = true;
    // The label's own try, if its body is where the exception comes from, or the nearest around it.
    for (auto n = static_cast<int64_t>(controls_.size()) - 2 - int64_t{depth}; n >= 0; --n) {
      if (controls_[static_cast<size_t>(n)].kind == ControlKind::try_) {
        control.block.delegate_to = controls_[static_cast<size_t>(n)].block.identity;
        break;
      }
    }
    translate_end();
  }

  void translate_end() {
    Control control = std::move(controls_.back());
    if (control.kind == ControlKind::function) {
      const bool used = !control.patches.empty();
      if (!unreachable_ || used) {
        // Only functions without results are left by branches to the end.
        for (const Patch& patch : control.patches) {
          fill_in(patch, position());
        }
        emit_return();
      }
      controls_.pop_back();
      return;
    }
    if (!unreachable_) {
      settle_results(control);
    }
    drop_to(control.height);
    bool reached = !unreachable_;
    if (control.else_patch.word != kNone) {
      fill_in(control.else_patch, position());
      reached = true;
    }
    for (const Patch& patch : control.patches) {
      fill_in(patch, position());
    }
    const bool joined = !control.patches.empty() || control.else_patch.word != kNone;
    reached = reached || joined;
    const bool is_try = control.kind == ControlKind::try_ || control.kind == ControlKind::catch_;
    if (control.kind == ControlKind::try_) {
      control.block.end = position();
    }
    if (is_try && (control.block.is_delegate || !control.block.clauses.empty())) {
      result_->tries.push_back(std::move(control.block));
    }
    if (joined || is_try) {
      barrier();
    }
    push_types(*control.results);
    unreachable_ = !reached;
    controls_.pop_back();
    if (unreachable_) {
      drop_to(std::min(stack_.size(), size_t{control.height}));
    }
  }

  // --- Calls
  // ----------------------------------------------------------------------------------------------------------

  /// Arguments to their slots, everything else out of the accumulators; where the arguments start.
  uint32_t prepare_arguments(const wasm::FunctionType& type) {
    settle_top(type.parameters.size());
    spill_all();
    const uint32_t first = canonical(stack_.size() - type.parameters.size());
    slots_ = std::max(slots_, first + std::max(abi::cells_of(type.parameters), abi::cells_of(type.results)) + 1);
    return first;
  }

  void finish_call(const wasm::FunctionType& type) {
    drop_to(stack_.size() - type.parameters.size());
    clobber_accumulators();
    last_value_ = kNone;
    if (type.results.size() != 1 || type.results.front() == ValueType::v128) {
      push_types(type.results);
      return;
    }
    // A single result is left in its slot and in the accumulator.
    Accumulator& held = accumulator(bank_of(type.results[0]));
    held.holder = static_cast<uint32_t>(stack_.size());
    held.written = true;
    push(Entry{.type = type.results[0], .place = Place::accumulator, .also_in_slot = true});
  }

  void translate_call(uint32_t function) {
    const wasm::FunctionType& type = module_.function_type(function);
    const uint32_t first = prepare_arguments(type);
    mark_position();
    if (module_.is_imported_function(function)) {
      emit(handlers_.call_import,
           Operands{.target = u16(first), .a = 0, .offset = executable_.layout().import(function)});
    } else {
      emit(handlers_.call, Operands{.target = u16(first), .a = 0, .immediate = 0});
      emit_word(reinterpret_cast<Word>(&executable_.code(function)));
    }
    finish_call(type);
  }

  void translate_tail_call(uint32_t function) {
    const wasm::FunctionType& type = module_.function_type(function);
    const uint32_t first = prepare_arguments(type);
    const Operands o{.target = u16(first), .a = u16(abi::cells_of(type.parameters)), .immediate = 0};
    mark_position();
    if (module_.is_imported_function(function)) {
      emit(handlers_.tail_call_import, o);
      emit_word(executable_.layout().import(function));
    } else {
      emit(handlers_.tail_call, o);
      emit_word(reinterpret_cast<Word>(&executable_.code(function)));
    }
    unreachable_ = true;
  }

  void translate_call_indirect(bool tail) {
    const wasm::FunctionType* const type = module_.types[reader_.u32()].get();
    const uint32_t table = executable_.layout().table(reader_.u32());
    const Popped index = pop();
    if (tail) {
      // The index goes behind the arguments.
      move_to(index.entry, index.index, canonical(index.index));
      const uint32_t first = prepare_arguments(*type);
      (void)canonical(index.index + 1);
      mark_position();
      emit(handlers_.tail_call_indirect,
           Operands{.target = u16(first), .a = u16(abi::cells_of(type->parameters)), .immediate = 0});
      emit_word(reinterpret_cast<Word>(type));
      emit_word(table);
      unreachable_ = true;
      return;
    }
    const uint32_t first = prepare_arguments(*type);
    Operand operand = use(index, true, false);
    if (operand.source == Source::accumulator) {
      operand.slot = u16(canonical(index.index));
    }
    mark_position();
    emit(handlers_.call_indirect[static_cast<size_t>(operand.source)],
         Operands{.target = u16(first), .a = operand.slot, .offset = table});
    emit_word(reinterpret_cast<Word>(type));
    finish_call(*type);
  }

  // --- Instructions
  // ---------------------------------------------------------------------------------------------------

  [[nodiscard]] const OpcodeRow& next_opcode() {
    instruction_offset_ = static_cast<uint32_t>(reader_.position());
    return reader_.next_opcode();
  }

  void skip_unreachable(const OpcodeRow& row) {
    switch (row.opcode) {
      case Opcode::block:
      case Opcode::loop:
      case Opcode::if_:
      case Opcode::try_:
        ++skipped_blocks_;
        break;
      case Opcode::end:
      case Opcode::delegate:
        if (skipped_blocks_ > 0) {
          --skipped_blocks_;
          break;
        }
        [[fallthrough]];
      case Opcode::else_:
      case Opcode::catch_:
      case Opcode::catch_all:
        if (skipped_blocks_ == 0) {
          translate_control(row);
          return;
        }
        break;
      default:
        break;
    }
    reader_.skip_immediates(row);
  }

  /// The instructions that unreachable code may end with.
  void translate_control(const OpcodeRow& row) {
    switch (row.opcode) {
      case Opcode::end:
        translate_end();
        break;
      case Opcode::else_:
        translate_else();
        break;
      case Opcode::catch_:
        translate_catch(reader_.u32());
        break;
      case Opcode::catch_all:
        translate_catch(Translation::kCatchAll);
        break;
      default:
        translate_delegate(reader_.u32());
        break;
    }
  }

  void translate_instruction() {
    const OpcodeRow& row = next_opcode();
    if (unreachable_) {
      skip_unreachable(row);
      return;
    }
    switch (row.opcode) {
      case Opcode::nop:
        return;
      case Opcode::unreachable:
        mark_position();
        emit(handlers_.trap,
             Operands{.target = 0, .a = u16(static_cast<uint64_t>(runtime::TrapKind::unreachable)), .immediate = 0});
        unreachable_ = true;
        return;
      case Opcode::block:
        begin_block(ControlKind::block);
        return;
      case Opcode::loop:
        begin_block(ControlKind::loop);
        return;
      case Opcode::if_:
        begin_if();
        return;
      case Opcode::try_:
        begin_block(ControlKind::try_);
        return;
      case Opcode::else_:
      case Opcode::end:
      case Opcode::catch_:
      case Opcode::catch_all:
      case Opcode::delegate:
        translate_control(row);
        return;
      case Opcode::throw_:
        translate_throw(reader_.u32());
        return;
      case Opcode::rethrow: {
        const uint32_t slot = canonical(label(reader_.u32()).height);
        mark_position();
        emit(handlers_.rethrow, Operands{.target = 0, .a = u16(slot), .immediate = 0});
        unreachable_ = true;
        return;
      }
      case Opcode::br:
        translate_br(reader_.u32());
        return;
      case Opcode::br_if:
        translate_br_if(reader_.u32());
        return;
      case Opcode::br_table:
        translate_br_table();
        return;
      case Opcode::return_:
        emit_return();
        unreachable_ = true;
        return;
      case Opcode::call:
        translate_call(reader_.u32());
        return;
      case Opcode::call_indirect:
        translate_call_indirect(false);
        return;
      case Opcode::return_call:
        translate_tail_call(reader_.u32());
        return;
      case Opcode::return_call_indirect:
        translate_call_indirect(true);
        return;
      case Opcode::drop:
        (void)pop();
        return;
      case Opcode::select_typed:
        reader_.skip(reader_.u32());
        translate_select();
        return;
      case Opcode::select:
        translate_select();
        return;
      case Opcode::local_get: {
        const uint32_t local = read_local();
        push(Entry{.type = locals_[local], .place = Place::local, .local = local});
        return;
      }
      case Opcode::local_set:
        set_local(read_local(), false);
        return;
      case Opcode::local_tee:
        set_local(read_local(), true);
        return;
      case Opcode::global_get: {
        const uint32_t index = reader_.u32();
        const ValueType type = module_.globals[index].type.type;
        if (type == ValueType::i32 && executable_.global_access(index) == runtime::GlobalAccess::constant) {
          push(Entry{.type = type, .place = Place::global_sum, .global = executable_.layout().global(index)});
          return;
        }
        const Operands o{.target = 0, .a = 0, .offset = executable_.layout().global(index)};
        if (type == ValueType::v128) {
          emit_vector(vectors_.global_get, o);
          return;
        }
        const uint32_t at = emit_value(type, global_get_family(bank_of(type), is_indirect(index)), o);
        remember(at, row.opcode, Source::slot, Source::slot, o);
        return;
      }
      case Opcode::global_set:
        set_global(reader_.u32());
        return;
      case Opcode::i32_const:
        push_constant(ValueType::i32, static_cast<uint32_t>(reader_.s32()));
        return;
      case Opcode::i64_const:
        push_constant(ValueType::i64, static_cast<uint64_t>(reader_.s64()));
        return;
      case Opcode::f32_const:
        push_constant(ValueType::f32, reader_.u32_fixed());
        return;
      case Opcode::f64_const:
        push_constant(ValueType::f64, reader_.u64_fixed());
        return;
      case Opcode::ref_null:
        push_constant(static_cast<ValueType>(reader_.u8()), 0);
        return;
      case Opcode::ref_func: {
        const uint32_t target = canonical(stack_.size());
        const uint32_t function = reader_.u32();
        mark_position();
        emit(handlers_.reference_function, Operands{.target = u16(target), .a = 0, .offset = function});
        push_slot(ValueType::funcref);
        return;
      }
      case Opcode::ref_is_null:
        translate_unary(row.opcode, ValueType::i32);
        return;
      default:
        break;
    }
    if (row.prefix == wasm::kAtomicPrefix) {
      translate_atomic(row);
      return;
    }
    if (row.prefix == wasm::kVectorPrefix) {
      translate_vector(row);
      return;
    }
    if (row.opcode >= Opcode::i32_load && row.opcode <= Opcode::i64_load32_u) {
      translate_load(row.opcode, type_of(row.signature[2]));
    } else if (row.opcode >= Opcode::i32_store && row.opcode <= Opcode::i64_store32) {
      translate_store(row.opcode);
    } else if (plain_handler(row.opcode) != nullptr) {
      translate_plain_row(row);
    } else {
      const std::string_view signature = row.signature;
      const ValueType result = type_of(signature.back());
      if (signature.find('_') == 2) {
        translate_binary(row.opcode, type_of(signature.front()), result);
      } else {
        translate_unary(row.opcode, result);
      }
    }
  }

  void begin_if() {
    Control control(ControlKind::if_);
    read_block_type(control);
    const Popped condition = pop();
    // Before the branch, which goes to the else part.
    settle_all();
    settle_top(control.parameters->size());
    control.else_patch = emit_branch(condition, false, Way::forward);
    control.height = static_cast<uint32_t>(stack_.size() - control.parameters->size());
    controls_.push_back(std::move(control));
  }

  void translate_throw(uint32_t tag) {
    const auto& parameters = module_.types[module_.tags[tag].type]->parameters;
    settle_top(parameters.size());
    spill_all();
    mark_position();
    emit(handlers_.throw_, Operands{.target = u16(abi::cells_of(parameters)),
                                    .a = u16(canonical(stack_.size() - parameters.size())),
                                    .b = u16(tag),
                                    .c = 0});
    unreachable_ = true;
  }

  void translate_plain_row(const OpcodeRow& row) {
    static constexpr ValueType kI32 = ValueType::i32;
    uint64_t first = reader_.u32();
    uint64_t second = 0;
    switch (row.immediate) {
      case Immediate::memory_memory:
      case Immediate::data_memory:
      case Immediate::element_table:
      case Immediate::table_table:
        second = reader_.u32();
        break;
      default:
        break;
    }
    const uint64_t indices = first | (second << 32);
    switch (row.opcode) {
      case Opcode::table_get: {
        const ValueType type = module_.tables[first].type.element;
        translate_plain(row.opcode, 1, &type, indices);
        return;
      }
      case Opcode::table_set:
        translate_plain(row.opcode, 2, nullptr, indices);
        return;
      case Opcode::table_grow:
        translate_plain(row.opcode, 2, &kI32, indices);
        return;
      case Opcode::table_fill:
        translate_plain(row.opcode, 3, nullptr, indices);
        return;
      default: {
        const std::string_view signature = row.signature;
        translate_plain(row.opcode, signature.find('_'), signature.back() == 'i' ? &kI32 : nullptr, indices);
        return;
      }
    }
  }

  Executable& executable_;
  const wasm::Module& module_;
  uint32_t function_;
  uint32_t body_offset_;
  wasm::BodyReader reader_;
  const ControlHandlers& handlers_;
  const VectorHandlers& vectors_;
  bool checked_;
  std::unique_ptr<Translation> result_;
  std::vector<Word>& words_;

  std::vector<ValueType> locals_;           ///< by slot: the second of a v128 is there too
  std::vector<uint32_t> local_slots_;       ///< of each local; what code here calls a local is its slot
  std::vector<uint32_t> local_references_;  ///< stack entries by the local they refer to
  std::vector<Entry> stack_;
  std::vector<uint32_t> slots_of_;  ///< of each entry of the stack and what comes next, and of some that are gone
  std::vector<Control> controls_;
  std::array<Accumulator, 3> accumulators_;
  Last last_;
  uint32_t last_copy_ = kNone;
  uint32_t last_constant_ = kNone;   ///< the last instruction that sets a slot to a constant of 16 bits
  bool inverted_ = false;            ///< the next branch is to be taken when its condition is zero
  uint32_t last_value_ = kNone;      ///< the last instruction that made an accumulator's value
  uint32_t last_value_end_ = kNone;  ///< the word behind it
  uint32_t last_vector_ = kNone;     ///< the last instruction that made a vector
  uint32_t last_vector_end_ = kNone;
  /// The last entry taken out of the accumulator, right after the instruction that made it.
  struct {
    uint32_t index = kNone;
    uint32_t producer = kNone;
    uint32_t end = kNone;
    const Family* family = nullptr;
  } last_spill_;
  /// The last instruction that adds a small constant to a local, and whether it leaves the sum in the accumulator for
  /// sure.
  struct {
    uint32_t position = kNone;
    uint32_t end = kNone;
    bool accumulator = false;
  } last_count_;
  uint32_t loose_ = 0;  ///< entries that are is_loose()
  uint32_t slots_ = 0;
  uint32_t next_try_ = 0;
  uint32_t instruction_offset_ = 0;
  uint32_t skipped_blocks_ = 0;
  bool unreachable_ = false;
};

/// The translations of one module, by function.
class Translations final : public runtime::CodeStore {
 public:
  std::vector<std::unique_ptr<Translation>> of;
};

}  // namespace

uint32_t Translation::offset_of(uint32_t word) const {
  const auto after = std::ranges::upper_bound(positions, word, {}, &Position::word);
  return after == positions.begin() ? 0 : std::prev(after)->offset;
}

Result<std::unique_ptr<Translation>> translate(Executable& executable, uint32_t function) {
  const wasm::Module& module = executable.module();
  const auto kept = module.body(function);
  if (module.is_restored() || !kept) {
    return fail(ErrorKind::usage, "{} was loaded as compiled code: function {} has no body that could be interpreted",
                module.name, function);
  }
  const base::Bytes body = *kept;
  if (!module.storage().is_mapped()) {
    return Translator(executable, function, body).run();
  }
  // sandbox: what another process may change under us is copied, and the copy is what is validated and translated.
  std::vector<uint8_t> copy(body.size());
  if (!base::guarded_copy(copy.data(), body)) {
    return fail(ErrorKind::io, "{} was truncated after it had been validated", module.name);
  }
  TENON_CHECK(wasm::validate_function(module, function, copy));
  return Translator(executable, function, copy).run();
}

bool ensure_translated(runtime::Thread& thread, const Code& code) {
  Executable& executable = Executable::of(code);
  const std::scoped_lock lock(executable.translating);
  if (code.entry.load(std::memory_order_relaxed) != stub_instructions().translate) {
    return true;  // another thread was first
  }
  auto translated = translate(executable, code.function);
  if (!translated) {
    return thread.raise(runtime::TrapKind::module_changed, translated.error().message);
  }
  if (executable.store == nullptr) {
    auto store = std::make_unique<Translations>();
    store->of.resize(executable.module().functions.size());
    executable.store = std::move(store);
  }
  auto& place = static_cast<Translations&>(*executable.store).of[code.function];
  place = std::move(*translated);
  executable.code(code.function).slots.store(static_cast<uint16_t>(place->slots), std::memory_order_relaxed);
  executable.code(code.function).entry.store(place->entry(), std::memory_order_release);
  return true;
}

}  // namespace tenon::interp
