#include "link/free_ranges.h"

#include <gtest/gtest.h>

namespace tenon::link {
namespace {

TEST(FreeRanges, GivesTheLowestThatHasRoom) {
  FreeRanges ranges;
  ranges.give(100, 10);
  ranges.give(200, 50);
  EXPECT_EQ(ranges.take(20, 0), 200);
  EXPECT_EQ(ranges.take(10, 0), 100);
  EXPECT_EQ(ranges.take(30, 0), 220);
  EXPECT_EQ(ranges.size(), 0);
  EXPECT_EQ(ranges.take(1, 0), std::nullopt);
}

TEST(FreeRanges, AlignsAndKeepsWhatIsBeforeAndBehind) {
  FreeRanges ranges;
  ranges.give(10, 100);
  EXPECT_EQ(ranges.take(8, 6), 64);
  EXPECT_EQ(ranges.size(), 92);
  EXPECT_EQ(ranges.take(54, 0), 10);
  EXPECT_EQ(ranges.take(38, 0), 72);
  EXPECT_EQ(ranges.size(), 0);
}

TEST(FreeRanges, JoinsNeighbors) {
  FreeRanges ranges;
  ranges.give(0, 10);
  ranges.give(20, 10);
  EXPECT_EQ(ranges.take(25, 0), std::nullopt);
  ranges.give(10, 10);
  EXPECT_EQ(ranges.take(30, 0), 0);
}

TEST(FreeRanges, KnowsTheRangeThatEndsSomewhere) {
  FreeRanges ranges;
  ranges.give(40, 24);
  EXPECT_EQ(ranges.start_of_range_up_to(64), 40);
  EXPECT_EQ(ranges.start_of_range_up_to(65), 65);
  EXPECT_EQ(ranges.start_of_range_up_to(40), 40);
  EXPECT_EQ(ranges.start_of_range_up_to(0), 0);
}

TEST(FreeRanges, DoesNotWrap) {
  FreeRanges ranges;
  ranges.give(1, 100);
  EXPECT_EQ(ranges.take(UINT64_MAX, 0), std::nullopt);
  EXPECT_EQ(ranges.take(1, 16), std::nullopt);
}

}  // namespace
}  // namespace tenon::link
