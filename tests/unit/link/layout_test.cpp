#include "link/layout.h"

#include <gtest/gtest.h>

namespace tenon::link {
namespace {

constexpr uint64_t kPage = 65536;

PlanLimits limits() {
  return {.stack_size = kPage,
          .reserve = 0,
          .minimum_pages = 0,
          .maximum_memory = uint64_t{4} << 30,
          .minimum_table = 0,
          .maximum_table = 1000};
}

Needs needs(std::string name, uint64_t size, uint32_t alignment = 0, uint64_t slots = 0, uint32_t slot_alignment = 0) {
  return {std::move(name), size, alignment, slots, slot_alignment};
}

TEST(PlanProgram, GapThenStackThenDataThenHeap) {
  const std::vector<Needs> all = {needs("main", 100, 2, 3), needs("lib", 10, 4, 2)};
  const auto plan = plan_program(all, limits());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->symbols.stack_low, 1024);
  EXPECT_EQ(plan->symbols.stack_high, 1024 + kPage);
  EXPECT_EQ(plan->placed[0].memory_base, 1024 + kPage);
  EXPECT_EQ(plan->placed[1].memory_base, 1024 + kPage + 112);
  EXPECT_EQ(plan->symbols.heap_base, 1024 + kPage + 128);
  EXPECT_EQ(plan->memory_pages, 3);
  EXPECT_EQ(plan->symbols.heap_end, 3 * kPage);
  EXPECT_EQ(plan->placed[0].table_base, 1);
  EXPECT_EQ(plan->placed[1].table_base, 4);
  EXPECT_EQ(plan->table_size, 6);
}

TEST(PlanProgram, HonoursAlignmentUpTo64KiB) {
  const std::vector<Needs> all = {needs("main", 1), needs("page", 5, 12), needs("huge", 5, 16, 1, 8)};
  const auto plan = plan_program(all, limits());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->placed[1].memory_base % 4096, 0);
  EXPECT_EQ(plan->placed[2].memory_base % 65536, 0);
  EXPECT_EQ(plan->placed[2].table_base, 256);
  EXPECT_GE(plan->symbols.heap_base, plan->placed[2].memory_base + 5);
}

TEST(PlanProgram, NothingIsAtAddressOrSlotZero) {
  PlanLimits none = limits();
  none.stack_size = 0;
  const std::vector<Needs> all = {needs("main", 0, 0, 1)};
  const auto plan = plan_program(all, none);
  ASSERT_TRUE(plan);
  EXPECT_GE(plan->placed[0].memory_base, 1024);
  EXPECT_GE(plan->placed[0].table_base, 1);
  EXPECT_GE(plan->symbols.heap_base, 1024);
}

TEST(PlanProgram, ReserveLiesBeforeTheHeap) {
  PlanLimits with_reserve = limits();
  with_reserve.reserve = 10 * kPage;
  const std::vector<Needs> all = {needs("main", 0)};
  const auto plan = plan_program(all, with_reserve);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->symbols.heap_base, 1024 + 11 * kPage);
}

TEST(PlanProgram, StackIsRoundedUpTo16) {
  PlanLimits odd = limits();
  odd.stack_size = 1001;
  const std::vector<Needs> all = {needs("main", 0)};
  const auto plan = plan_program(all, odd);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->symbols.stack_high - plan->symbols.stack_low, 1008);
}

TEST(PlanProgram, ImportsGiveTheLeastSizes) {
  PlanLimits large = limits();
  large.minimum_pages = 100;
  large.minimum_table = 500;
  const std::vector<Needs> all = {needs("main", 10)};
  const auto plan = plan_program(all, large);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->memory_pages, 100);
  EXPECT_EQ(plan->table_size, 500);
}

TEST(PlanProgram, FillsAMemoryToItsLastPage) {
  PlanLimits exact = limits();
  exact.maximum_memory = 2 * kPage;
  const std::vector<Needs> fits = {needs("main", kPage - 1024)};
  const auto plan = plan_program(fits, exact);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->memory_pages, 2);
  EXPECT_EQ(plan->symbols.heap_base, plan->symbols.heap_end);
  const std::vector<Needs> exceeds = {needs("main", kPage - 1024), needs("libone.so", 1)};
  const auto failed = plan_program(exceeds, exact);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::limit);
  EXPECT_NE(failed.error().message.find("libone.so"), std::string::npos) << failed.error().message;
}

TEST(PlanProgram, SumsDoNotWrap) {
  const uint64_t most = UINT32_MAX;
  const std::vector<Needs> all = {needs("main", most, 16), needs("second", most, 16)};
  const auto plan = plan_program(all, limits());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::limit);
  PlanLimits absurd = limits();
  absurd.stack_size = UINT64_MAX;
  EXPECT_FALSE(plan_program(all, absurd));
  absurd = limits();
  absurd.reserve = UINT64_MAX;
  const std::vector<Needs> small = {needs("main", 1)};
  EXPECT_FALSE(plan_program(small, absurd));
  absurd = limits();
  absurd.minimum_pages = UINT64_MAX;
  EXPECT_FALSE(plan_program(small, absurd));
}

TEST(PlanProgram, TableHasALimit) {
  const std::vector<Needs> all = {needs("main", 0, 0, 900), needs("libtable.so", 0, 0, 100)};
  const auto plan = plan_program(all, limits());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::limit);
  EXPECT_NE(plan.error().message.find("libtable.so"), std::string::npos);
}

}  // namespace
}  // namespace tenon::link
