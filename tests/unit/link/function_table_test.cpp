#include "link/function_table.h"

#include <gtest/gtest.h>

namespace tenon::link {
namespace {

class FunctionTableTest : public ::testing::Test {
 protected:
  FunctionTableTest() { adopt(1, 100); }

  void adopt(uint64_t size, uint64_t maximum) {
    auto table = runtime::Table::create({wasm::ValueType::funcref, {size, maximum}}, maximum);
    ASSERT_TRUE(table);
    functions_.adopt(*std::move(table));
  }
  uint64_t reserve(uint64_t count, uint32_t alignment = 0) {
    const auto base = functions_.reserve(count, alignment, "owner");
    return base ? *base : 0;
  }
  uint32_t slot_of(const LinkedFunction& function) {
    const auto slot = functions_.slot_of(function);
    return slot ? *slot : 0;
  }
  [[nodiscard]] uint64_t size() const { return functions_.table()->size.load(); }
  [[nodiscard]] const abi::FunctionDescriptor* at(uint64_t slot) const {
    return functions_.table()->get(slot).function;
  }

  FunctionTable functions_;
  LinkedFunction first_;
  LinkedFunction second_;
};

TEST_F(FunctionTableTest, WithoutATableThereAreNoSlots) {
  FunctionTable none;
  EXPECT_EQ(none.reserve(1, 0, "owner").error().kind, ErrorKind::unlinkable);
  EXPECT_EQ(none.slot_of(first_).error().kind, ErrorKind::unlinkable);
  none.release(1, 1, "owner");
  none.release_slot(first_, "owner");
  none.release_unseen(1, 1, "owner");
  EXPECT_EQ(none.former_owner(1), "");
}

TEST_F(FunctionTableTest, AFunctionHasOneSlot) {
  bool is_new = false;
  const auto slot = functions_.slot_of(first_, &is_new);
  ASSERT_TRUE(slot);
  EXPECT_TRUE(is_new);
  is_new = false;
  EXPECT_EQ(*functions_.slot_of(first_, &is_new), *slot);
  EXPECT_FALSE(is_new);
  EXPECT_EQ(at(*slot), &first_);
  EXPECT_NE(slot_of(second_), *slot);
}

TEST_F(FunctionTableTest, AFunctionWhoseSlotWasOverwrittenGetsAnother) {
  const uint32_t slot = slot_of(first_);
  functions_.table()->set(slot, abi::Cell{.function = &second_});
  const uint32_t other = slot_of(first_);
  EXPECT_NE(other, slot);
  EXPECT_EQ(at(other), &first_);
  functions_.table()->set(other, abi::Cell{});
  functions_.release_slot(first_, "owner");
  EXPECT_EQ(functions_.former_owner(other), "") << "what it does not hold any more is not its to give back";
}

TEST_F(FunctionTableTest, WhatIsReleasedIsEmptyAndNamed) {
  const uint64_t base = reserve(4);
  functions_.place(first_, base + 1);
  EXPECT_EQ(slot_of(first_), base + 1);
  const uint64_t behind = reserve(1);
  functions_.release(base, 4, "libgone.so");
  EXPECT_EQ(at(base + 1), nullptr);
  EXPECT_EQ(functions_.former_owner(base), "libgone.so");
  EXPECT_EQ(functions_.former_owner(base + 3), "libgone.so");
  EXPECT_EQ(functions_.former_owner(behind), "");
  EXPECT_EQ(functions_.former_owner(UINT64_MAX), "");
  const uint32_t slot = slot_of(second_);
  functions_.release_slot(second_, "libother.so");
  EXPECT_EQ(at(slot), nullptr);
  EXPECT_EQ(functions_.former_owner(slot), "libother.so");
  EXPECT_EQ(second_.slot.load(), 0);
}

TEST_F(FunctionTableTest, FreshSlotsComeBeforeOldOnes) {
  const uint64_t base = reserve(10);
  functions_.release(base, 10, "libgone.so");
  const uint64_t next = reserve(10);
  EXPECT_EQ(next, base + 10);
  EXPECT_EQ(size(), base + 20);
}

TEST_F(FunctionTableTest, AFullTableUsesTheLongestGoneFirst) {
  adopt(1, 31);
  const uint64_t a = reserve(10);
  const uint64_t b = reserve(10);
  const uint64_t c = reserve(10);
  EXPECT_EQ(functions_.reserve(1, 0, "late").error().kind, ErrorKind::limit);
  functions_.release(b, 10, "b");
  functions_.release(a, 10, "a");
  EXPECT_EQ(reserve(4), b);
  EXPECT_EQ(functions_.former_owner(b), "") << "it has an owner again";
  EXPECT_EQ(functions_.former_owner(a), "a") << "still";
  EXPECT_EQ(reserve(10), a);
  EXPECT_EQ(reserve(7), 0) << "no stretch is so long";
  EXPECT_EQ(reserve(6), b + 4);
  functions_.release(c, 10, "c");
  functions_.table()->set(c + 4, abi::Cell{.function = &second_});  // by the guest
  const uint64_t aligned = reserve(4, 2);
  EXPECT_EQ(aligned % 4, 0);
  EXPECT_GE(aligned, c);
  EXPECT_LE(aligned + 4, c + 10);
  for (uint64_t slot = aligned; slot < aligned + 4; ++slot) {
    EXPECT_EQ(at(slot), nullptr) << slot;
  }
  EXPECT_EQ(functions_.reserve(UINT64_MAX / 2, 0, "huge").error().kind, ErrorKind::limit);
}

TEST_F(FunctionTableTest, WhatNobodySawIsAsIfItHadNeverBeen) {
  const uint64_t before = size();
  const uint64_t base = reserve(10);
  const uint32_t slot = slot_of(first_);
  functions_.release_unseen_slot(first_, "libnever.so");
  EXPECT_EQ(size(), slot);
  functions_.release_unseen(base, 10, "libnever.so");
  EXPECT_EQ(size(), before);
  EXPECT_EQ(functions_.former_owner(base), "");

  const uint64_t below = reserve(10);
  const uint64_t above = reserve(1);
  functions_.release_unseen(below, 10, "libnever.so");
  EXPECT_EQ(size(), above + 1) << "something came behind it";
  EXPECT_EQ(functions_.former_owner(below), "libnever.so");
}

TEST_F(FunctionTableTest, NeighborsOfOneOwnerAreOneStretch) {
  adopt(1, 21);
  const uint64_t base = reserve(20);
  functions_.release(base, 5, "libgone.so");
  functions_.release(base + 5, 15, "libgone.so");
  EXPECT_EQ(reserve(20), base);
}

TEST_F(FunctionTableTest, AnotherTableHasNoPast) {
  const uint64_t base = reserve(4);
  functions_.release(base, 4, "libgone.so");
  adopt(10, 20);
  EXPECT_EQ(functions_.former_owner(base), "");
  EXPECT_EQ(reserve(10), 10);
  EXPECT_EQ(reserve(1), 0) << "what was free in the other one is not free in this one";
}

}  // namespace
}  // namespace tenon::link
