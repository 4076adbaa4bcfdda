#include "link/memory_map.h"

#include <gtest/gtest.h>

#include "link/layout.h"

namespace tenon::link {
namespace {

using Kind = MappedRange::Kind;
constexpr uint64_t kPage = 65536;

/// What is in a module's exported globals and data segments, without the rest of a module.
class FixedMain {
 public:
  FixedMain& global(const char* name, uint32_t value) {
    module_.exports.push_back(
        {module_.keep_name(name), wasm::ExternKind::global, static_cast<uint32_t>(module_.globals.size())});
    module_.globals.push_back({{wasm::ValueType::i32, false}, constant(value), false});
    return *this;
  }
  FixedMain& data(uint32_t start, uint32_t size) {
    module_.data.push_back({wasm::SegmentMode::active, 0, constant(start), 0, size});
    return *this;
  }
  /// "gap 0-1024, ..." of a memory of two pages.
  std::string map() {
    EXPECT_TRUE(module_.index_exports());
    std::string text;
    uint64_t end = 0;
    for (const MappedRange& range : map_fixed_main(module_, "main", 2 * kPage)) {
      constexpr const char* kNames[] = {"gap", "stack", "data", "data+stack", "reserve", "heap", "padding", "unknown"};
      EXPECT_EQ(range.start, end);
      EXPECT_LT(range.start, range.end);
      end = range.end;
      text += fmt::format("{}{} {}-{}", text.empty() ? "" : ", ", kNames[static_cast<size_t>(range.kind)], range.start,
                          range.end);
    }
    EXPECT_EQ(end, 2 * kPage);
    return text;
  }

 private:
  wasm::ConstantExpression constant(uint32_t value) {
    const wasm::ConstantInstruction instruction{0x41, value};
    return module_.keep(std::span(&instruction, 1));
  }

  wasm::Module module_;
};

TEST(MapFixedMain, EverythingKnown) {
  EXPECT_EQ(FixedMain()
                .global("__stack_low", 5008)
                .global("__stack_high", 70544)
                .global("__heap_base", 70544)
                .global("__data_end", 5001)
                .data(1024, 100)
                .data(2000, 10)
                .map(),
            "gap 0-1024, data 1024-5001, padding 5001-5008, stack 5008-70544, heap 70544-131072");
}

TEST(MapFixedMain, WhereTheStackBeginsIsNotKnown) {
  EXPECT_EQ(FixedMain().global("__stack_pointer", 70544).global("__heap_base", 70544).data(1024, 100).map(),
            "gap 0-1024, data 1024-1124, data+stack 1124-70544, heap 70544-131072");
}

TEST(MapFixedMain, StackFirst) {
  EXPECT_EQ(FixedMain().global("__stack_pointer", 65536).global("__heap_base", 80000).data(65536, 100).map(),
            "stack 0-65536, data 65536-80000, heap 80000-131072");
}

TEST(MapFixedMain, NothingKnown) {
  EXPECT_EQ(FixedMain().map(), "unknown 0-131072");
  EXPECT_EQ(FixedMain().data(5000, 10).map(), "gap 0-5000, data 5000-5010, unknown 5010-131072");
}

TEST(MapFixedMain, ClaimsThatCannotBe) {
  for (const uint32_t high : {0U, 1U, 5000U, 131072U, 131073U, UINT32_MAX}) {
    for (const uint32_t low : {0U, 5000U, 131072U, UINT32_MAX}) {
      for (const uint32_t heap : {0U, 1U, 131072U, UINT32_MAX}) {
        for (const uint32_t end : {0U, 5000U, UINT32_MAX}) {
          (void)FixedMain()
              .global("__stack_low", low)
              .global("__stack_high", high)
              .global("__heap_base", heap)
              .global("__data_end", end)
              .data(heap, UINT32_MAX)
              .map();
          (void)FixedMain().global("__stack_pointer", high).global("__heap_base", heap).data(low, 7).map();
        }
      }
    }
  }
}

TEST(PlaceInReserve, FromItsStart) {
  MemoryMap map;
  map.memory_size = kPage;
  map.memory = {{0, 1000, Kind::data, "main"}, {1000, 2000, Kind::reserve}, {2000, kPage, Kind::heap}};
  const auto kinds = [&] {
    std::vector<Kind> list;
    for (const MappedRange& range : map.memory) {
      list.push_back(range.kind);
    }
    return list;
  };
  map.reserve.give(1000, 1000);
  const auto place = [&](uint64_t size, uint32_t alignment) {
    return place_in_reserve(map, {.name = "lib", .memory_size = size, .memory_alignment = alignment});
  };
  EXPECT_TRUE(place(0, 0));
  EXPECT_FALSE(place(1001, 0));
  EXPECT_FALSE(place(1, 11));
  EXPECT_EQ(map.memory.size(), 3);
  EXPECT_TRUE(place(10, 4));
  EXPECT_EQ(kinds(), (std::vector{Kind::data, Kind::reserve, Kind::data, Kind::reserve, Kind::heap}));
  EXPECT_EQ(map.memory[2].start, 1008);
  EXPECT_TRUE(place(8, 0));  // in front of it
  EXPECT_EQ(map.memory[1].start, 1000);
  EXPECT_TRUE(place(2000 - 1018, 0));
  EXPECT_EQ(kinds(), (std::vector{Kind::data, Kind::data, Kind::data, Kind::data, Kind::heap}));
  EXPECT_FALSE(place(1, 0));
}

}  // namespace
}  // namespace tenon::link
