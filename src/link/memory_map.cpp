#include "link/memory_map.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "link/evaluate.h"
#include "link/layout.h"
#include "link/namespace.h"
#include "wasm/opcode.h"

namespace tenon::link {

namespace {

using Kind = MappedRange::Kind;

constexpr uint64_t kStackUnit = uint64_t{1} << kStackAlignment;
constexpr uint64_t kLeastUnknown = 1024;  ///< less than that between two ranges is padding

uint64_t align(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// From the first byte of the active data segments of memory 0 to behind the last one.
std::optional<MappedRange> initialized_data(const wasm::Module& module) {
  std::optional<MappedRange> whole;
  for (const wasm::DataSegment& segment : module.data) {
    if (segment.mode != wasm::SegmentMode::active || segment.memory != 0 || segment.size == 0 ||
        segment.offset.size() != 1 || segment.offset.front().opcode != wasm::row(wasm::Opcode::i32_const).code) {
      continue;
    }
    const uint64_t start = static_cast<uint32_t>(segment.offset.front().immediate);
    const uint64_t end = start + segment.size;
    whole = whole ? MappedRange{std::min(whole->start, start), std::max(whole->end, end)} : MappedRange{start, end};
  }
  return whole;
}

/// Puts `claims` in order and makes them cover [0, size): where they overlap, the lower one ends; what is between
/// them becomes `between`.
std::vector<MappedRange> tile(std::vector<MappedRange> claims, uint64_t size, Kind between) {
  std::ranges::sort(claims, {}, [](const MappedRange& range) { return std::pair(range.start, range.end); });
  std::vector<MappedRange> tiles;
  const auto fill = [&](uint64_t end) {
    const uint64_t start = tiles.empty() ? 0 : tiles.back().end;
    if (start < end) {
      tiles.push_back({start, end, end - start < kLeastUnknown ? Kind::padding : between});
    }
  };
  for (MappedRange& claim : claims) {
    claim.end = std::min(claim.end, size);
    if (!tiles.empty() && claim.start < tiles.back().end) {
      claim.start = tiles.back().end;
    }
    if (claim.start < claim.end) {
      fill(claim.start);
      tiles.push_back(std::move(claim));
    }
  }
  fill(size);
  return tiles;
}

std::vector<MappedRange> library_data(std::span<Dso* const> dsos) {
  std::vector<MappedRange> ranges;
  for (const Dso* const dso : dsos) {
    if (dso->memory_size() != 0) {
      ranges.push_back({.start = dso->memory_base,
                        .end = dso->memory_base + dso->memory_size(),
                        .kind = Kind::data,
                        .owner = dso->name,
                        .alignment = uint64_t{1} << dso->module().dylink->memory_alignment});
    }
  }
  return ranges;
}

std::vector<MappedRange> map_position_independent(const Namespace& program, const LoadSet& load) {
  const LinkerSymbols& symbols = program.symbols;
  std::vector<MappedRange> ranges = library_data(load.dsos);
  uint64_t data_end = symbols.stack_high;
  for (const Dso* const dso : load.dsos) {
    data_end = std::max(data_end, dso->memory_base + dso->memory_size());
  }
  ranges.push_back({0, symbols.stack_low, Kind::gap});
  ranges.push_back({symbols.stack_low, symbols.stack_high, Kind::stack, {}, kStackUnit});
  const uint64_t reserve = align(data_end, kStackUnit);
  ranges.push_back({reserve, reserve + program.options.reserve, Kind::reserve, {}, kStackUnit});
  ranges.push_back({symbols.heap_base, symbols.heap_end, Kind::heap, {}, kStackUnit});
  return tile(std::move(ranges), symbols.heap_end, Kind::padding);
}

void map_table(MemoryMap& map, const Namespace& program, const LoadSet& load) {
  const runtime::Table* const table = program.functions.table();
  if (table == nullptr) {
    return;
  }
  map.table_size = table->size.load(std::memory_order_acquire);
  uint64_t first = map.table_size;  // of the libraries' slots
  for (const Dso* const dso : load.dsos) {
    const bool is_placed = map.position_independent || !dso->is_main;
    if (dso->table_size() != 0 && is_placed) {
      map.table.push_back({dso->table_base, dso->table_base + dso->table_size(), dso->name});
      first = std::min(first, dso->table_base);
    }
  }
  // What a main at fixed addresses brings.
  if (!map.position_independent && first > 1) {
    map.table.push_back({1, first, load.dsos.front()->name});
  }
  if (map.table_size != 0) {
    map.table.push_back({0, 1, {}});
  }
  std::ranges::sort(map.table, {}, &SlotRange::start);
}

}  // namespace

std::vector<MappedRange> map_fixed_main(const wasm::Module& module, const std::string& name, uint64_t memory_size) {
  const auto known = [&](std::string_view symbol) -> std::optional<uint64_t> {
    const auto value = exported_constant(module, symbol);
    return value && *value <= memory_size ? value : std::nullopt;
  };
  std::vector<MappedRange> claims;
  const auto claim = [&](uint64_t start, uint64_t end, Kind kind, uint64_t alignment = 1) {
    const bool has_owner = kind == Kind::data || kind == Kind::data_and_stack;
    claims.push_back({start, end, kind, has_owner ? name : "", alignment});
  };
  const auto heap = known("__heap_base");
  const auto stack_top = known("__stack_high") ? known("__stack_high") : known("__stack_pointer");
  const auto data = initialized_data(module);

  // wasm-ld puts the stack in front of the data (--stack-first), or behind them.
  std::optional<uint64_t> stack_bottom = known("__stack_low");
  const bool stack_is_first = stack_top && (stack_bottom ? stack_bottom == 0 : data && data->start >= *stack_top);
  if (stack_is_first) {
    stack_bottom = 0;
  } else if (const auto end = known("__data_end"); !stack_bottom && end && stack_top && *end <= *stack_top) {
    stack_bottom = align(*end, kStackUnit);
  }
  if (stack_top && stack_bottom && *stack_bottom < *stack_top) {
    claim(*stack_bottom, *stack_top, Kind::stack, kStackUnit);
  }

  // The zeroed data follow the others and have no segment.
  if (const auto start = data ? std::optional(data->start) : known("__global_base")) {
    if (!stack_is_first) {
      claim(0, *start, Kind::gap);
    }
    std::optional<uint64_t> end = known("__data_end");
    if (!end) {
      end = stack_is_first ? heap : stack_bottom;
    }
    if (end) {
      claim(*start, std::max(*end, data ? data->end : *start), Kind::data);
    } else {
      claim(*start, data ? data->end : *start, Kind::data);
      if (stack_top) {
        claim(data ? data->end : *start, *stack_top, Kind::data_and_stack);
      }
    }
  }
  if (heap) {
    claim(*heap, memory_size, Kind::heap);
  }
  return tile(std::move(claims), memory_size, Kind::unknown);
}

bool place_in_reserve(MemoryMap& map, const Needs& library) {
  if (library.memory_size == 0) {
    return true;
  }
  const auto base = map.reserve.take(library.memory_size, library.memory_alignment);
  if (!base) {
    return false;
  }
  const auto around = std::ranges::find_if(
      map.memory, [&](const MappedRange& range) { return range.start <= *base && *base < range.end; });
  const MappedRange data = {*base, *base + library.memory_size, Kind::data, library.name,
                            uint64_t{1} << library.memory_alignment};
  const MappedRange behind = {data.end, around->end, Kind::reserve};
  around->end = data.start;
  std::vector<MappedRange> pieces = {*around, data, behind};
  std::erase_if(pieces, [](const MappedRange& piece) { return piece.size() == 0; });
  map.memory.insert(map.memory.erase(around), pieces.begin(), pieces.end());
  return true;
}

void fill_map(MemoryMap& map, const Namespace& program, const LoadSet& load) {
  const Dso& main = *load.dsos.front();
  map.position_independent = main.shared().position_independent;
  map_table(map, program, load);
  if (program.memory == nullptr) {
    return;
  }
  map.is_shared = program.memory->type().shared;
  map.memory_size = program.memory->pages() * wasm::kPageSize;
  map.maximum_memory = program.memory->maximum_pages() * wasm::kPageSize;
  if (map.position_independent) {
    map.memory = map_position_independent(program, load);
    for (const MappedRange& range : map.memory) {
      if (range.kind == Kind::reserve) {
        map.reserve.give(range.start, range.size());
      }
    }
    return;
  }
  const uint64_t own = program.memory->type().limits.minimum * wasm::kPageSize;
  std::vector<MappedRange> ranges = map_fixed_main(main.module(), main.name, own);
  // Libraries may have been placed in the low end of the stack.
  for (MappedRange& range : ranges) {
    if (range.kind == Kind::stack) {
      range.start = std::clamp(program.main_thread->state().stack_low, range.start, range.end);
    }
  }
  std::ranges::move(library_data(std::span(load.dsos).subspan(1)), std::back_inserter(ranges));
  map.memory = tile(std::move(ranges), map.memory_size, Kind::padding);
}

}  // namespace tenon::link
