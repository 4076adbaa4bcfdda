// Random functions full of loops over linear memory, with addresses that are sums of multiples of loop counters: what
// the compiler makes second copies of. Some are as clang unrolls them, some nearly.
#pragma once

#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "unit/wasm/module_builder.h"

namespace tenon::compiler::testing {

using wasm::Opcode;
using wasm::ValueType;
using namespace wasm::testing;

/// Writes functions of five i32 that give an i32. The first two parameters are mostly used as counts, the others as
/// addresses.
class LoopWriter {
 public:
  static constexpr uint32_t kParameters = 5;

  /// `below(n)`: the source of randomness, a number less than n.
  explicit LoopWriter(std::function<uint32_t(uint32_t)> below) : below_(std::move(below)) {}

  struct Function {
    ByteVector locals;
    ByteVector code;
  };
  [[nodiscard]] Function write() {
    locals_.clear();
    code_.clear();
    is_wild_ = chance(30);
    sum32_ = local(ValueType::i32);
    sum64_ = local(ValueType::i64);
    const uint32_t nests = chance(25) ? 2 : 1;
    uint32_t counter = 0;
    for (uint32_t n = 0; n < nests; ++n) {
      counters_.clear();
      counter = loop(pick({1, 1, 1, 2, 2, 3}));
    }
    add(get(counter), get(sum32_), Opcode::i32_xor, get(sum64_), Opcode::i32_wrap_i64, Opcode::i32_xor);
    Function result;
    result.locals = unsigned_leb(locals_.size());
    for (const ValueType type : locals_) {
      append(result.locals, 1);
      append(result.locals, type);
    }
    result.code = code_;
    return result;
  }

 private:
  struct Access {
    Opcode load;
    Opcode store;
    ValueType type;
    int32_t width;
  };
  static constexpr Access kAccesses[] = {
      {Opcode::i32_load8_u, Opcode::i32_store8, ValueType::i32, 1},
      {Opcode::i32_load8_s, Opcode::i32_store8, ValueType::i32, 1},
      {Opcode::i32_load16_u, Opcode::i32_store16, ValueType::i32, 2},
      {Opcode::i32_load16_s, Opcode::i32_store16, ValueType::i32, 2},
      {Opcode::i32_load, Opcode::i32_store, ValueType::i32, 4},
      {Opcode::i32_load, Opcode::i32_store, ValueType::i32, 4},
      {Opcode::i64_load32_u, Opcode::i64_store32, ValueType::i64, 4},
      {Opcode::i64_load, Opcode::i64_store, ValueType::i64, 8},
      {Opcode::f32_load, Opcode::f32_store, ValueType::f32, 4},
      {Opcode::f64_load, Opcode::f64_store, ValueType::f64, 8},
  };
  /// An address without what is added in each of several copies: code that leaves an i32.
  struct Statement {
    bool is_load;
    Access access;
    ByteVector address;
    int32_t from_address;
    uint32_t offset;
    uint32_t loaded;  ///< local, of a load
    ByteVector stored;
    bool adds;
  };

  [[nodiscard]] uint32_t below(uint32_t count) { return below_(count); }
  [[nodiscard]] bool chance(uint32_t percent) { return below(100) < percent; }
  [[nodiscard]] int32_t pick(std::initializer_list<int32_t> from) {
    return *std::next(from.begin(), below(static_cast<uint32_t>(from.size())));
  }
  template <class... Parts>
  void add(const Parts&... parts) {
    append(code_, bytes(parts...));
  }
  [[nodiscard]] static ByteVector get(uint32_t index) { return bytes(Opcode::local_get, unsigned_leb(index)); }
  [[nodiscard]] static ByteVector set(uint32_t index) { return bytes(Opcode::local_set, unsigned_leb(index)); }
  [[nodiscard]] static ByteVector constant(int32_t value) { return bytes(Opcode::i32_const, signed_leb(value)); }
  [[nodiscard]] uint32_t local(ValueType type) {
    locals_.push_back(type);
    return kParameters + static_cast<uint32_t>(locals_.size()) - 1;
  }
  [[nodiscard]] uint32_t count_parameter() { return chance(90) ? below(2) : below(kParameters); }
  [[nodiscard]] uint32_t address_parameter() { return chance(90) ? 2 + below(kParameters - 2) : below(kParameters); }

  [[nodiscard]] ByteVector start_of_address() {
    switch (below(8)) {
      case 0:
        return constant(is_wild_ ? pick({0, 8, 100, 4096, 8176, -8, -16, 0x7ffffff0}) : pick({8, 64, 100, 1024, 2048}));
      case 1:
      case 2:
        return bytes(get(address_parameter()), constant(pick({-16, -8, -4, 4, 8, 16, 64, 4096})), Opcode::i32_add);
      case 3:
        return bytes(get(address_parameter()), constant(pick({1, 2, 3})), Opcode::i32_shl);
      default:
        return get(address_parameter());
    }
  }

  [[nodiscard]] int32_t factor(int32_t width) {
    const uint32_t kind = below(100);
    if (kind < 60) {
      return width;
    }
    if (kind < 75) {
      return -width;
    }
    if (kind < 90 || !is_wild_) {
      return pick({1, 2, 3, 4, 8, 16, 24, 32, 64, 128});
    }
    return pick({0, 4096, 65536, 1 << 20, 1 << 24, 1 << 25, 1 << 30, -(1 << 30)});
  }

  [[nodiscard]] ByteVector address(int32_t width) {
    ByteVector result = start_of_address();
    for (const uint32_t counter : counters_) {
      const bool is_innermost = counter == counters_.back();
      if (times_ > 1 && has_pointer_ && counter == counters_[counters_.size() - 2]) {
        continue;  // the pointer goes on as the counter does
      }
      if (!chance(times_ > 1 && is_innermost ? 95 : 80)) {
        continue;
      }
      const int32_t by = times_ > 1 && is_innermost ? (has_pointer_ ? 1 : width) : factor(width);
      const ByteVector term =
          by == 1 ? get(counter)
          : (by & (by - 1)) == 0 && by > 0 && chance(70)
              ? bytes(get(counter), constant(std::countr_zero(static_cast<uint32_t>(by))), Opcode::i32_shl)
              : bytes(get(counter), constant(by), Opcode::i32_mul);
      result = chance(60) ? bytes(result, term, Opcode::i32_add) : bytes(term, result, Opcode::i32_add);
    }
    return result;
  }

  [[nodiscard]] ByteVector value_of(ValueType type, const std::vector<Statement>& before) {
    std::vector<ByteVector> known;
    for (const Statement& statement : before) {
      if (statement.is_load && statement.access.type == type) {
        known.push_back(get(statement.loaded));
      }
    }
    if (type == ValueType::f32) {
      known.push_back(bytes(Opcode::f32_const, ByteVector{0, 0, 0xc0, 0x3f}));
    } else if (type == ValueType::f64) {
      known.push_back(bytes(Opcode::f64_const, ByteVector{0, 0, 0, 0, 0, 0, 2, 0x40}));
    } else if (type == ValueType::i64) {
      known.push_back(get(sum64_));
      known.push_back(bytes(Opcode::i64_const, signed_leb(77)));
    } else {
      for (const uint32_t counter : counters_) {
        known.push_back(get(counter));
      }
      known.push_back(get(0));
      known.push_back(get(sum32_));
    }
    const ByteVector& first = known[below(static_cast<uint32_t>(known.size()))];
    const ByteVector& second = known[below(static_cast<uint32_t>(known.size()))];
    if (type == ValueType::i32 && chance(30)) {
      constexpr Opcode kOperations[] = {Opcode::i32_add, Opcode::i32_sub, Opcode::i32_xor, Opcode::i32_mul};
      return bytes(first, second, kOperations[below(std::size(kOperations))]);
    }
    return first;
  }

  [[nodiscard]] std::vector<Statement> statements() {
    std::vector<Statement> result;
    const int32_t count = pick({1, 1, 2, 2, 3, 4});
    for (int32_t n = 0; n < count; ++n) {
      Statement next{};
      next.access = kAccesses[below(std::size(kAccesses))];
      while (times_ > 1 && has_pointer_ && next.access.width != pointer_width_) {
        next.access = kAccesses[below(std::size(kAccesses))];
      }
      next.is_load = chance(60);
      next.adds = chance(60);
      if (!result.empty() && chance(45)) {
        const Statement& near = result[below(static_cast<uint32_t>(result.size()))];
        next.access = near.access;
        next.address = near.address;
        next.offset = near.offset;
        next.from_address = near.access.width * (static_cast<int32_t>(below(13)) - 6);
      } else {
        next.address = address(next.access.width);
        next.offset = static_cast<uint32_t>(is_wild_ ? pick({0, 0, 0, 0, 4, 8, 1000, 8192, 65528, -16})
                                                     : pick({0, 0, 0, 8, 256}));
      }
      if (next.is_load) {
        next.loaded = local(next.access.type);
      } else {
        next.stored = value_of(next.access.type, result);
      }
      result.push_back(next);
    }
    return result;
  }

  void write_statements(const std::vector<Statement>& list, int32_t copy) {
    for (const Statement& statement : list) {
      const int32_t width = statement.access.width;
      int32_t distance = statement.from_address + copy * width;
      distance += copy > 0 && chance(1) ? width : 0;
      uint32_t offset = statement.offset;
      ByteVector place = statement.address;
      if (distance > 0 && offset < 65536 && chance(40)) {
        offset += static_cast<uint32_t>(distance);
      } else if (distance != 0) {
        place = bytes(place, constant(distance), Opcode::i32_add);
      }
      const ByteVector immediate = bytes(0, unsigned_leb(offset));
      if (!statement.is_load) {
        add(place, statement.stored, statement.access.store, immediate);
        continue;
      }
      add(place, statement.access.load, immediate, set(statement.loaded));
      if (statement.adds && statement.access.type == ValueType::i32) {
        add(get(sum32_), get(statement.loaded), Opcode::i32_add, set(sum32_));
      } else if (statement.adds && statement.access.type == ValueType::i64) {
        add(get(sum64_), get(statement.loaded), Opcode::i64_xor, set(sum64_));
      }
    }
  }

  void body() {
    const std::vector<Statement> list = statements();
    if (chance(15)) {
      add(get(counters_[below(static_cast<uint32_t>(counters_.size()))]), constant(pick({1, 2, 4})), Opcode::i32_and,
          Opcode::if_, 0x40);
      write_statements(list, 0);
      add(Opcode::end);
      return;
    }
    for (int32_t copy = 0; copy < times_; ++copy) {
      write_statements(list, copy);
    }
  }

  /// Returns the local that counts.
  uint32_t loop(int32_t depth) {
    const uint32_t counter = local(ValueType::i32);
    const uint32_t limit = local(ValueType::i32);
    int32_t step = is_wild_ ? pick({1, 1, 1, 2, 4, 8, -1, -4, 3, 16, 0x10000, 0x10000000}) : pick({1, 1, 1, 2, 4, -1});
    times_ = pick({1, 1, 1, 1, 1, 2, 3, 4, 8});
    if (times_ > 1 && chance(80)) {
      step = times_;
    }
    ByteVector to = limit_of_loop();
    ByteVector from = chance(70) ? constant(pick({0, 0, 0, 1}))
                                 : get(counters_.empty() ? count_parameter()
                                                         : counters_[below(static_cast<uint32_t>(counters_.size()))]);
    ByteVector goes_on;
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        from = get(limit);
        step = -1;
        goes_on = get(counter);
        break;
      case 4:
      case 5:
      case 6:
        goes_on = bytes(get(counter), get(limit), step < 0 ? Opcode::i32_gt_s : Opcode::i32_lt_s);
        break;
      case 7:
      case 8:
      case 9:
      case 10:
        step = std::abs(step);
        goes_on = bytes(get(counter), get(limit), Opcode::i32_lt_u);
        break;
      case 11:
        step = std::abs(step);
        goes_on = bytes(get(counter), get(limit), Opcode::i32_le_u);
        break;
      default:
        if (step != times_ && step != -1) {
          step = 1;
        }
        if (step > 1) {
          from = constant(0);
          to = (step & (step - 1)) == 0 ? bytes(get(count_parameter()), constant(-step), Opcode::i32_and)
                                        : constant(step * static_cast<int32_t>(1 + below(12)));
        }
        goes_on = bytes(get(counter), get(limit), Opcode::i32_ne);
        break;
    }
    add(to, set(limit), from, set(counter), Opcode::block, 0x40);
    if (chance(70)) {
      add(goes_on, Opcode::i32_eqz, Opcode::br_if, 0);
    }
    has_pointer_ = chance(40);
    pointer_width_ = pick({1, 2, 4, 8});
    const uint32_t pointer = has_pointer_ ? local(ValueType::i32) : 0;
    if (has_pointer_) {
      add(start_of_address(), set(pointer));
    }
    const int32_t bump = times_ > 1 ? times_ * pointer_width_ : pick({1, 4, 8, 16, 32, -4, -8});
    add(Opcode::loop, 0x40);
    const std::vector<uint32_t> outer = counters_;
    counters_.push_back(counter);
    if (has_pointer_) {
      counters_.push_back(pointer);
    }
    const bool has_pointer = has_pointer_;
    const bool is_innermost = depth == 1 || chance(15);
    if (is_innermost || chance(30)) {
      body();
    }
    if (!is_innermost) {
      (void)loop(depth - 1);
      if (chance(25)) {
        (void)loop(1);
      }
      times_ = 1;
      if (chance(20)) {
        body();
      }
    }
    if (chance(5)) {
      add(get(counter), constant(static_cast<int32_t>(below(40))), Opcode::i32_eq, Opcode::br_if, 1);
    }
    if (has_pointer) {
      add(get(pointer), constant(bump), Opcode::i32_add, set(pointer));
    }
    add(get(counter), constant(step), Opcode::i32_add, set(counter), goes_on, Opcode::br_if, 0, Opcode::end,
        Opcode::end);
    counters_ = outer;
    return counter;
  }

  [[nodiscard]] ByteVector limit_of_loop() {
    ByteVector result;
    switch (below(3)) {
      case 0:
        result = constant(static_cast<int32_t>(1 + below(40)));
        break;
      case 1:
        result = get(count_parameter());
        break;
      default:
        result = bytes(get(count_parameter()), constant(pick({3, 7, 15, 31, -4})), Opcode::i32_and);
        break;
    }
    if (!counters_.empty() && chance(35)) {
      const ByteVector other = get(counters_[below(static_cast<uint32_t>(counters_.size()))]);
      result = chance(70) ? other : bytes(result, other, Opcode::i32_sub);
    }
    return result;
  }

  std::function<uint32_t(uint32_t)> below_;
  std::vector<ValueType> locals_;
  ByteVector code_;
  std::vector<uint32_t> counters_;  ///< of the loops around, and their pointers
  uint32_t sum32_ = 0;
  uint32_t sum64_ = 0;
  bool is_wild_ = false;  ///< addresses that wrap around, and the like
  int32_t times_ = 1;     ///< copies of the innermost loop's body
  bool has_pointer_ = false;
  int32_t pointer_width_ = 4;
};

/// Arguments of such a function that often are inside a memory of `size` bytes, often just not, and sometimes anything.
inline std::array<uint32_t, LoopWriter::kParameters> arguments_of_loops(const std::function<uint32_t(uint32_t)>& below,
                                                                        uint32_t size) {
  std::array<uint32_t, LoopWriter::kParameters> result{};
  const bool is_tame = below(4) != 0;
  const uint32_t inside = size > 3000 ? size - 2500 : 1;
  for (uint32_t n = 0; n < result.size(); ++n) {
    uint32_t& argument = result[n];
    if (is_tame && n < 2) {
      argument = below(8) == 0 ? below(3) : below(40);
      continue;
    }
    switch (below(is_tame ? 5 : 9)) {
      case 0:
        argument = below(inside);
        break;
      case 1:
        argument = below(inside) & ~7U;
        break;
      case 2:
        argument = inside / 2 + below(200);
        break;
      case 3:
        argument = size - below(400);
        break;
      case 4:
        argument = n > 2 ? result[2] : below(inside);
        break;
      case 5:
        argument = below(40);
        break;
      case 6:
        argument = 0U - below(300);
        break;
      case 7:
        argument = below(9) * 8;
        break;
      default:
        argument = below(1U << 16) << 16 | below(1U << 16);
        break;
    }
  }
  return result;
}

}  // namespace tenon::compiler::testing
