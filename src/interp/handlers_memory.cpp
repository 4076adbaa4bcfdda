// Handlers of loads, stores and globals.
#include <array>

#include "interp/addresses.h"
#include "interp/handlers.h"
#include "interp/operands.h"
#include "interp/operations.h"

namespace tenon::interp {

namespace {

using wasm::Opcode;

// The tables hold the rows of loads, or of stores, only: what they point to is relocated at every start.
constexpr size_t load_index(Opcode opcode) {
  return static_cast<size_t>(opcode) - static_cast<size_t>(Opcode::i32_load);
}
constexpr size_t store_index(Opcode opcode) {
  return static_cast<size_t>(opcode) - static_cast<size_t>(Opcode::i32_store);
}
constexpr size_t kLoadCount = load_index(Opcode::i64_load32_u) + 1;
constexpr size_t kStoreCount = store_index(Opcode::i64_store32) + 1;

template <class M, class R, Address kAddress, Target D, bool kChecked>
TENON_HANDLER load(TENON_HANDLER_PARAMETERS) {
  const uint64_t address = effective_address<kAddress>(pc, values, i, instance);
  if (outside<M, kChecked>(address, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  TENON_BEFORE_ACCESS();
  const M loaded = load_unaligned<M>(memory + address);
  put<R, D>(pc, values, static_cast<R>(loaded), i, d, f);
  TENON_NEXT(kAddressWords<kAddress>);
}

/// The value's slot is in `target`. An immediate value is the word after the address's.
template <class M, class T, Address kAddress, Source kValue, bool kChecked>
TENON_HANDLER store(TENON_HANDLER_PARAMETERS) {
  const uint64_t address = effective_address<kAddress>(pc, values, i, instance);
  if (outside<M, kChecked>(address, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  T value;
  if constexpr (kValue == Source::slot) {
    value = slot<T>(values, operands(pc).target);
  } else if constexpr (kValue == Source::accumulator) {
    value = accumulator<T>(i, d, f);
  } else {
    value = word<T>(pc, kAddressWords<kAddress>);
  }
  TENON_BEFORE_ACCESS();
  store_unaligned<M>(memory + address, static_cast<M>(value));
  TENON_NEXT(kAddressWords<kAddress> + (kValue == Source::immediate ? 1 : 0));
}

/// A load and the store of what it loaded: most of a copied struct, half of a swap.
template <class M, Address kFrom, Address kTo, bool kChecked>
TENON_HANDLER transfer(TENON_HANDLER_PARAMETERS) {
  const uint64_t from = effective_address<kFrom>(pc, values, i, instance);
  if (outside<M, kChecked>(from, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  TENON_BEFORE_ACCESS();
  const M moved = load_unaligned<M>(memory + from);
  // The rest looks like an instruction of its own; a trap in it has a place in the module of its own, too.
  pc += kAddressWords<kFrom> - 1;
  const uint64_t to = effective_address<kTo>(pc, values, i, instance);
  if (outside<M, kChecked>(to, instance)) [[unlikely]] {
    TENON_TRAP(runtime::TrapKind::memory_out_of_bounds);
  }
  TENON_BEFORE_ACCESS();
  store_unaligned<M>(memory + to, moved);
  TENON_NEXT(kAddressWords<kTo>);
}

template <class M, class R, Address A, bool C>
constexpr Family kLoad = {
    {&load<M, R, A, Target::accumulator, C>, &load<M, R, A, Target::slot, C>, &load<M, R, A, Target::both, C>}};

using LoadRow = std::array<std::array<const Family*, 7>, 2>;
using StoreRow = std::array<std::array<std::array<Handler, 3>, 7>, 2>;

template <class M, class R, bool C>
constexpr std::array<const Family*, 7> load_row() {
  using enum Address;
  return {&kLoad<M, R, slot, C>,       &kLoad<M, R, accumulator, C>,      &kLoad<M, R, plus_immediate, C>,
          &kLoad<M, R, plus_slot, C>,  &kLoad<M, R, plus_accumulator, C>, &kLoad<M, R, constant, C>,
          &kLoad<M, R, plus_global, C>};
}

template <class M, class T, bool C>
constexpr std::array<std::array<Handler, 3>, 7> store_row() {
  using S = Source;
  using enum Address;
  return {{{&store<M, T, slot, S::slot, C>, &store<M, T, slot, S::accumulator, C>, &store<M, T, slot, S::immediate, C>},
           {&store<M, T, accumulator, S::slot, C>, &store<M, T, accumulator, S::accumulator, C>,
            &store<M, T, accumulator, S::immediate, C>},
           {&store<M, T, plus_immediate, S::slot, C>, &store<M, T, plus_immediate, S::accumulator, C>,
            &store<M, T, plus_immediate, S::immediate, C>},
           {&store<M, T, plus_slot, S::slot, C>, &store<M, T, plus_slot, S::accumulator, C>,
            &store<M, T, plus_slot, S::immediate, C>},
           {&store<M, T, plus_accumulator, S::slot, C>,
            std::is_floating_point_v<T> ? &store<M, T, plus_accumulator, S::accumulator, C> : nullptr,
            &store<M, T, plus_accumulator, S::immediate, C>},
           {&store<M, T, constant, S::slot, C>, &store<M, T, constant, S::accumulator, C>,
            &store<M, T, constant, S::immediate, C>},
           {&store<M, T, plus_global, S::slot, C>, &store<M, T, plus_global, S::accumulator, C>,
            &store<M, T, plus_global, S::immediate, C>}}};
}

constexpr auto kLoads = [] {
  std::array<LoadRow, kLoadCount> table{};
#define LOAD_ROW(name, M, R) table[load_index(Opcode::name)] = {load_row<M, R, false>(), load_row<M, R, true>()};
  TENON_LOADS(LOAD_ROW)
  return table;
}();

constexpr auto kStores = [] {
  std::array<StoreRow, kStoreCount> table{};
#define STORE_ROW(name, M, T) table[store_index(Opcode::name)] = {store_row<M, T, false>(), store_row<M, T, true>()};
  TENON_STORES(STORE_ROW)
  return table;
}();

template <class M, Address kTo, bool C>
constexpr std::array<Handler, 5> transfer_row() {
  using enum Address;
  return {&transfer<M, slot, kTo, C>, &transfer<M, accumulator, kTo, C>, &transfer<M, plus_immediate, kTo, C>,
          &transfer<M, plus_slot, kTo, C>, &transfer<M, plus_accumulator, kTo, C>};
}

/// By what is checked, then the store's address (slot, plus_immediate), then the load's.
template <class M>
constexpr std::array<std::array<std::array<Handler, 5>, 2>, 2> kTransfers = {
    {{transfer_row<M, Address::slot, false>(), transfer_row<M, Address::plus_immediate, false>()},
     {transfer_row<M, Address::slot, true>(), transfer_row<M, Address::plus_immediate, true>()}}};

/// `offset` is the global's Cell in the instance; kIndirect: that Cell points to the exporter's.
template <class T, bool kIndirect, Target D>
TENON_HANDLER global_get(TENON_HANDLER_PARAMETERS) {
  const Cell* cell = &global_cell(instance, operands(pc).offset);
  if constexpr (kIndirect) {
    cell = cell->cell;
  }
  put<T, D>(pc, values, slot<T>(cell, 0), i, d, f);
  TENON_NEXT(2);
}

template <Target D>
TENON_HANDLER global_sum(TENON_HANDLER_PARAMETERS) {
  put<uint32_t, D>(pc, values, global_cell(instance, operands(pc).offset).u32 + word<uint32_t>(pc, 2), i, d, f);
  TENON_NEXT(3);
}

constexpr Family kGlobalSum = {
    {&global_sum<Target::accumulator>, &global_sum<Target::slot>, &global_sum<Target::both>}};

template <class T, bool kIndirect, Source kValue>
TENON_HANDLER global_set(TENON_HANDLER_PARAMETERS) {
  Cell* cell = &global_cell(instance, operands(pc).offset);
  if constexpr (kIndirect) {
    cell = cell->cell;
  }
  T value;
  if constexpr (kValue == Source::immediate) {
    value = word<T>(pc, 2);
  } else {
    value = operand<T, kValue>(pc, values, operands(pc).a, i, d, f);
  }
  set_slot<T>(cell, 0, value);
  TENON_NEXT(kValue == Source::immediate ? 3 : 2);
}

template <class T, bool I>
constexpr Family kGlobalGet = {
    {&global_get<T, I, Target::accumulator>, &global_get<T, I, Target::slot>, &global_get<T, I, Target::both>}};

template <class T, bool I>
constexpr std::array<Handler, 3> global_set_row() {
  return {&global_set<T, I, Source::slot>, &global_set<T, I, Source::accumulator>,
          &global_set<T, I, Source::immediate>};
}

}  // namespace

const Family* load_family(Opcode opcode, Address address, bool checked) {
  return kLoads[load_index(opcode)][checked ? 1 : 0][static_cast<size_t>(address)];
}

Handler store_handler(Opcode opcode, Address address, Source value, bool checked) {
  return kStores[store_index(opcode)][checked ? 1 : 0][static_cast<size_t>(address)][static_cast<size_t>(value)];
}

Handler transfer_handler(wasm::Immediate width, Address from, Address to, bool checked) {
  if (from == Address::constant || from == Address::plus_global ||
      (to != Address::slot && to != Address::plus_immediate)) {
    return nullptr;
  }
  const auto& table = width == wasm::Immediate::memarg8    ? kTransfers<uint8_t>
                      : width == wasm::Immediate::memarg16 ? kTransfers<uint16_t>
                      : width == wasm::Immediate::memarg32 ? kTransfers<uint32_t>
                                                           : kTransfers<uint64_t>;
  return table[checked ? 1 : 0][to == Address::slot ? 0 : 1][static_cast<size_t>(from)];
}

const Family* global_get_family(Bank bank, bool indirect) {
  static constexpr const Family* kTable[3][2] = {{&kGlobalGet<uint64_t, false>, &kGlobalGet<uint64_t, true>},
                                                 {&kGlobalGet<float, false>, &kGlobalGet<float, true>},
                                                 {&kGlobalGet<double, false>, &kGlobalGet<double, true>}};
  return kTable[static_cast<size_t>(bank)][indirect ? 1 : 0];
}

const Family* global_sum_family() {
  return &kGlobalSum;
}

Handler global_set_handler(Bank bank, Source value, bool indirect) {
  static constexpr std::array<Handler, 3> kTable[3][2] = {
      {global_set_row<uint64_t, false>(), global_set_row<uint64_t, true>()},
      {global_set_row<float, false>(), global_set_row<float, true>()},
      {global_set_row<double, false>(), global_set_row<double, true>()}};
  return kTable[static_cast<size_t>(bank)][indirect ? 1 : 0][static_cast<size_t>(value)];
}

}  // namespace tenon::interp
