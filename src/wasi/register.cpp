// The table of all functions: name, signature, code. Signatures are written out for whoever reads this, in the letters
// of the opcode table ("iI_i": an i32 and an i64 in, an i32 out), and checked against the C++ functions when this is
// compiled; from those, arguments are taken out of their cells.
#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "wasi/functions.h"
#include "wasi/wasi.h"

namespace tenon::wasi {

namespace {

struct Entry {
  std::string_view name;
  std::string_view signature;
  runtime::HostFunction function;
};

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
constexpr std::array kUnstableFunctions = {
    entry<unstable_fd_filestat_get>("fd_filestat_get", "ii_i"),
    entry<unstable_fd_seek>("fd_seek", "iIii_i"),
    entry<unstable_path_filestat_get>("path_filestat_get", "iiiii_i"),
    entry<unstable_poll_oneoff>("poll_oneoff", "iiii_i"),
};

runtime::HostFunctionDefinition define(const Entry& entry) {
  return {.name = entry.name, .type = runtime::parse_signature(entry.signature), .function = entry.function};
}

}  // namespace

std::span<const runtime::HostFunctionDefinition> Wasi::functions() {
  static const std::vector<runtime::HostFunctionDefinition> definitions = [] {
    std::vector<runtime::HostFunctionDefinition> result;
    result.reserve(kFunctions.size());
    for (const Entry& entry : kFunctions) {
      result.push_back(define(entry));
    }
    return result;
  }();
  return definitions;
}

std::span<const runtime::HostFunctionDefinition> Wasi::unstable_functions() {
  static const std::vector<runtime::HostFunctionDefinition> definitions = [] {
    std::vector<runtime::HostFunctionDefinition> result;
    for (Entry entry : kFunctions) {
      if (entry.name == "sock_accept") {
        continue;
      }
      for (const Entry& other : kUnstableFunctions) {
        if (other.name == entry.name) {
          entry = other;
        }
      }
      result.push_back(define(entry));
    }
    return result;
  }();
  return definitions;
}

}  // namespace tenon::wasi
