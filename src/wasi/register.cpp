// The table of all functions: name, signature, code. Signatures are written out for whoever reads this, in the letters
// of the opcode table ("iI_i": an i32 and an i64 in, an i32 out), and checked against the C++ functions when this is
// compiled; from those, arguments are taken out of their cells.
#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>
#include <utility>

#include "wasi/functions.h"
#include "wasi/wasi.h"

namespace tenon::wasi {

namespace {

using Entry = runtime::HostFunctionDefinition;

template <class Parameter>
Parameter argument(const HostCall& call, size_t index) {
  static_assert(std::is_same_v<Parameter, uint32_t> || std::is_same_v<Parameter, uint64_t>);
  if constexpr (std::is_same_v<Parameter, uint32_t>) {
    return call.u32(index);
  } else {
    return call.u64(index);
  }
}

// A WASI function as a host function.
template <auto kFunction>
struct Adapter;

template <class... Parameters, Outcome<> (*kFunction)(Process&, HostCall&, Parameters...)>
struct Adapter<kFunction> {
  static constexpr bool has_signature(std::string_view signature) {
    constexpr std::array expected = {sizeof(Parameters) == sizeof(uint32_t) ? 'i' : 'I' ..., '_', 'i'};
    return signature == std::string_view(expected.data(), expected.size());
  }

  static bool call(void* environment, HostCall& host_call) {
    const Outcome<> outcome = [&]<size_t... kIndices>(std::index_sequence<kIndices...>) {
      return kFunction(*static_cast<Process*>(environment), host_call, argument<Parameters>(host_call, kIndices)...);
    }(std::index_sequence_for<Parameters...>());
    host_call.set_u32(static_cast<uint32_t>(outcome ? Errno::success : outcome.error()));
    return true;
  }
};

template <auto kFunction>
consteval Entry entry(std::string_view name, std::string_view signature) {
  if (!Adapter<kFunction>::has_signature(signature)) {
    throw "the signature is not the function's";  // an error of compilation
  }
  return {name, signature, Adapter<kFunction>::call};
}

constexpr std::array kFunctions = {
    entry<args_get>("args_get", "ii_i"),
    entry<args_sizes_get>("args_sizes_get", "ii_i"),
    entry<environ_get>("environ_get", "ii_i"),
    entry<environ_sizes_get>("environ_sizes_get", "ii_i"),
    entry<clock_res_get>("clock_res_get", "ii_i"),
    entry<clock_time_get>("clock_time_get", "iIi_i"),
    entry<fd_advise>("fd_advise", "iIIi_i"),
    entry<fd_allocate>("fd_allocate", "iII_i"),
    entry<fd_close>("fd_close", "i_i"),
    entry<fd_datasync>("fd_datasync", "i_i"),
    entry<fd_fdstat_get>("fd_fdstat_get", "ii_i"),
    entry<fd_fdstat_set_flags>("fd_fdstat_set_flags", "ii_i"),
    entry<fd_fdstat_set_rights>("fd_fdstat_set_rights", "iII_i"),
    entry<fd_filestat_get>("fd_filestat_get", "ii_i"),
    entry<fd_filestat_set_size>("fd_filestat_set_size", "iI_i"),
    entry<fd_filestat_set_times>("fd_filestat_set_times", "iIIi_i"),
    entry<fd_pread>("fd_pread", "iiiIi_i"),
    entry<fd_prestat_get>("fd_prestat_get", "ii_i"),
    entry<fd_prestat_dir_name>("fd_prestat_dir_name", "iii_i"),
    entry<fd_pwrite>("fd_pwrite", "iiiIi_i"),
    entry<fd_read>("fd_read", "iiii_i"),
    entry<fd_readdir>("fd_readdir", "iiiIi_i"),
    entry<fd_renumber>("fd_renumber", "ii_i"),
    entry<fd_seek>("fd_seek", "iIii_i"),
    entry<fd_sync>("fd_sync", "i_i"),
    entry<fd_tell>("fd_tell", "ii_i"),
    entry<fd_write>("fd_write", "iiii_i"),
    entry<path_create_directory>("path_create_directory", "iii_i"),
    entry<path_filestat_get>("path_filestat_get", "iiiii_i"),
    entry<path_filestat_set_times>("path_filestat_set_times", "iiiiIIi_i"),
    entry<path_link>("path_link", "iiiiiii_i"),
    entry<path_open>("path_open", "iiiiiIIii_i"),
    entry<path_readlink>("path_readlink", "iiiiii_i"),
    entry<path_remove_directory>("path_remove_directory", "iii_i"),
    entry<path_rename>("path_rename", "iiiiii_i"),
    entry<path_symlink>("path_symlink", "iiiii_i"),
    entry<path_unlink_file>("path_unlink_file", "iii_i"),
    entry<poll_oneoff>("poll_oneoff", "iiii_i"),
    Entry{"proc_exit", "i_", proc_exit},
    Entry{"proc_raise", "i_i", proc_raise},
    entry<random_get>("random_get", "ii_i"),
    entry<sched_yield>("sched_yield", "_i"),
    entry<sock_accept>("sock_accept", "iii_i"),
    entry<sock_recv>("sock_recv", "iiiiii_i"),
    entry<sock_send>("sock_send", "iiiii_i"),
    entry<sock_shutdown>("sock_shutdown", "ii_i"),
};

// What wasi_unstable has in place of those of the same name. It has no sock_accept.
constexpr std::array kReplacements = {
    entry<unstable_fd_filestat_get>("fd_filestat_get", "ii_i"),
    entry<unstable_fd_seek>("fd_seek", "iIii_i"),
    entry<unstable_path_filestat_get>("path_filestat_get", "iiiii_i"),
    entry<unstable_poll_oneoff>("poll_oneoff", "iiii_i"),
};

constexpr std::array kUnstableFunctions = [] {
  std::array<Entry, kFunctions.size() - 1> result{};
  const auto end = std::ranges::remove_copy(kFunctions, result.begin(), std::string_view("sock_accept"), &Entry::name);
  if (end.out != result.end()) {
    throw "sock_accept is not there once";  // an error of compilation
  }
  for (const Entry& replacement : kReplacements) {
    *std::ranges::find(result, replacement.name, &Entry::name) = replacement;
  }
  return result;
}();

}  // namespace

std::span<const runtime::HostFunctionDefinition> Wasi::functions() {
  return kFunctions;
}

std::span<const runtime::HostFunctionDefinition> Wasi::unstable_functions() {
  return kUnstableFunctions;
}

}  // namespace tenon::wasi
