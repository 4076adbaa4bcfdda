#include "link/guest_dl.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "link/caller.h"
#include "link/lookup.h"
#include "link/open.h"

namespace tenon::link {

namespace {

using runtime::HostCall;
using runtime::HostFunctionDefinition;

constexpr uint32_t kDefault = 0;        // RTLD_DEFAULT
constexpr uint32_t kNext = UINT32_MAX;  // RTLD_NEXT

// Flags of <dlfcn.h>. 8 is RTLD_LOCAL in wasi-libc's own header: it says nothing.
enum Mode : uint32_t {
  kNow = 0x2,
  kNoLoad = 0x4,
  kDeepBind = 0x10,
  kGlobal = 0x100,
  kNoDelete = 0x1000,
};

// Flags of WASIX.
enum WasixMode : uint32_t {
  kWasixNow = 2,
  kWasixGlobal = 4,
  kWasixNoLoad = 8,
  kWasixNoDelete = 16,
  kWasixDeepBind = 32,
};

// WASI errnos that WASIX gives back.
enum WasixErrno : uint32_t { kSuccess = 0, kInvalid = 28, kNotFound = 44 };

struct Context {
  Namespace& program;
  GuestThread& thread;
  HostCall& call;

  Context(void* environment, HostCall& the_call)
      : program(*static_cast<Namespace*>(environment)),
        thread(GuestThread::of(the_call.thread())),
        call(the_call),
        in_linker_(thread.state()) {}

  /// Ends the host function with `result`, or goes on ending the program when guest code asked for that meanwhile.
  bool finish(uint32_t result) {
    call.set_u32(result);
    return program.ending ? call.exit(*program.ending) : true;
  }
  /// The same after a failure: dlerror will tell it.
  bool fail(const std::string& message, uint32_t result) {
    thread.linker_error = message;
    return finish(result);
  }

 private:
  runtime::InLinker in_linker_;
};

/// Longer than any path and any name in a module: of what is longer, so much is enough to see that it is neither.
constexpr uint64_t kMaximumString = 200'000;

/// The string at `address`, up to its zero byte, cut when it is long; nothing when it does not end in memory.
std::optional<std::string> read_string(const HostCall& call, uint32_t address) {
  const uint64_t size = call.memory_size();
  if (address >= size) {
    return std::nullopt;
  }
  const uint8_t* const begin = call.span(address, size - address);
  const void* const end = std::memchr(begin, 0, size - address);
  if (end == nullptr) {
    return std::nullopt;
  }
  // Another thread of the guest may write there: what is copied is what counts.
  const auto length = static_cast<uint64_t>(static_cast<const uint8_t*>(end) - begin);
  std::string text(reinterpret_cast<const char*>(begin), std::min(length, kMaximumString));
  text.resize(std::strlen(text.c_str()));
  return text;
}

std::optional<std::string> read_string(const HostCall& call, uint32_t address, uint32_t length) {
  const uint8_t* const begin = call.span(address, length);
  return begin == nullptr ? std::nullopt
                          : std::optional(std::string(reinterpret_cast<const char*>(begin),
                                                      std::min<uint64_t>(length, kMaximumString)));
}

/// Copies what fits, and a zero byte, if there is room for that. False when the buffer is not in memory.
bool write_string(HostCall& call, uint32_t address, uint32_t size, std::string_view text) {
  if (size == 0) {
    return true;
  }
  uint8_t* const buffer = call.span(address, size);
  if (buffer == nullptr) {
    return false;
  }
  const size_t length = std::min<size_t>(text.size(), size - 1);
  std::memcpy(buffer, text.data(), length);
  buffer[length] = 0;
  return true;
}

bool bad_address(HostCall& call, const char* function, const char* what) {
  return call.trap(fmt::format("{}: {} is not in memory", function, what));
}

Dso* find_handle(const Namespace& program, uint32_t handle) {
  const std::shared_lock lock(program.link_map_lock);
  const auto found = program.dsos_by_handle.find(handle);
  return found == program.dsos_by_handle.end() ? nullptr : found->second;
}

std::string no_such_handle(uint32_t handle) {
  return fmt::format("{:#x} is no library's handle, or that of one that was closed", handle);
}

std::string guest_may_not(const std::string& name) {
  return fmt::format("cannot open {}: this program may not open libraries", printable(name));
}

Result<Dso*> open_for_guest(Context& context, const std::string& name, OpenFlags flags) {
  if (!context.program.options.guest_may_open) {
    return fail(ErrorKind::unsupported, "{}", guest_may_not(name));
  }
  Dso* const caller = dlfcn_caller(context.call);
  return open(context.program, context.thread, name, caller == nullptr ? context.program.main : caller, flags);
}

/// dlsym by a handle as guests give it.
Result<SymbolAddress> look_up(Context& context, uint32_t handle, const std::string& name,
                              SymbolKind kind = SymbolKind::any) {
  if (handle == kDefault || handle == kNext) {
    return find_address(context.program, context.thread, handle == kNext ? LookIn::next : LookIn::default_scope,
                        dlfcn_caller(context.call), name, kind);
  }
  Dso* const dso = find_handle(context.program, handle);
  if (dso == nullptr) {
    return fail(ErrorKind::usage, "cannot look up {}: {}", printable(name), no_such_handle(handle));
  }
  return find_address(context.program, context.thread, LookIn::library, dso, name, kind);
}

// ---- tenon_dl -------------------------------------------------------------------------------------------------------

bool dl_open(void* environment, HostCall& call) {
  Context context(environment, call);
  const uint32_t mode = call.u32(1);
  if (call.u32(0) == 0) {
    Dso* const main = open_main(context.program);
    return main != nullptr ? context.finish(main->handle) : context.fail("there is no main program yet", 0);
  }
  const auto name = read_string(call, call.u32(0));
  if (!name) {
    return bad_address(call, "dlopen", "the name");
  }
  OpenFlags flags;
  flags.now = (mode & kNow) != 0;
  flags.global = (mode & kGlobal) != 0;
  flags.only_if_loaded = (mode & kNoLoad) != 0;
  flags.keep = (mode & kNoDelete) != 0;
  flags.own_first = (mode & kDeepBind) != 0;
  auto opened = open_for_guest(context, *name, flags);
  return opened ? context.finish((*opened)->handle) : context.fail(opened.error().message, 0);
}

bool dl_sym(void* environment, HostCall& call) {
  Context context(environment, call);
  const auto name = read_string(call, call.u32(1));
  if (!name) {
    return bad_address(call, "dlsym", "the name");
  }
  auto found = look_up(context, call.u32(0), *name);
  return found ? context.finish(found->address) : context.fail(found.error().message, 0);
}

bool dl_close(void* environment, HostCall& call) {
  Context context(environment, call);
  const uint32_t handle = call.u32(0);
  Dso* const dso = find_handle(context.program, handle);
  if (dso == nullptr) {
    return context.fail("cannot close it: " + no_such_handle(handle), UINT32_MAX);
  }
  auto closed = close(context.program, context.thread, *dso, Party::guest);
  return closed ? context.finish(0) : context.fail(closed.error().message, UINT32_MAX);
}

bool dl_error(void* environment, HostCall& call) {
  Context context(environment, call);
  const std::string text = std::exchange(context.thread.linker_error, {});
  if (!text.empty() && !write_string(call, call.u32(0), call.u32(1), text)) {
    return bad_address(call, "dlerror", "the buffer");
  }
  return context.finish(static_cast<uint32_t>(text.size()));
}

/// What the guest sees of a library: see docs/dlfcn.md.
struct LibraryRecord {
  uint32_t memory_base;
  uint32_t memory_size;
  uint32_t table_base;
  uint32_t table_size;
  uint64_t loaded;
  uint64_t unloaded;
};
static_assert(sizeof(LibraryRecord) == 32);

bool dl_library(void* environment, HostCall& call) {
  Context context(environment, call);
  Namespace& program = context.program;
  const uint32_t previous = call.u32(0);
  LibraryRecord record{};
  uint32_t handle = 0;
  {
    const std::shared_lock lock(program.link_map_lock);
    auto next = program.link_map.begin();
    if (previous != 0) {
      next = std::ranges::find(program.link_map, previous, &Dso::handle);
      next = next == program.link_map.end() ? next : next + 1;
    }
    // Plain modules of the embedder's are no libraries.
    next = std::ranges::find_if(next, program.link_map.end(), [](const Dso* dso) { return dso->handle != 0; });
    if (next == program.link_map.end()) {
      return context.finish(0);
    }
    const Dso& dso = **next;
    const auto [base, size] = dso.data_range();
    handle = dso.handle;
    record = {.memory_base = static_cast<uint32_t>(base),
              .memory_size = static_cast<uint32_t>(size),
              .table_base = static_cast<uint32_t>(dso.table_base),
              .table_size = static_cast<uint32_t>(dso.table_size()),
              .loaded = program.loaded,
              .unloaded = program.unloaded};
  }
  return call.write(call.u32(1), record) ? context.finish(handle) : bad_address(call, "library", "the record");
}

/// The name of a library as the guest may know it: paths of the host are nothing to it.
std::string guest_name(const Dso& dso) {
  return dso.origin == Origin::guest_file && !dso.path.empty() ? dso.path : dso.name;
}

bool dl_library_name(void* environment, HostCall& call) {
  Context context(environment, call);
  Dso* const dso = find_handle(context.program, call.u32(0));
  if (dso == nullptr) {
    return context.finish(0);
  }
  const std::string name = guest_name(*dso);
  if (!write_string(call, call.u32(1), call.u32(2), name)) {
    return bad_address(call, "library_name", "the buffer");
  }
  return context.finish(static_cast<uint32_t>(name.size()));
}

struct SymbolRecord {
  uint32_t memory_base;
  uint32_t symbol;
  uint32_t table_base;
  uint32_t is_function;
};
static_assert(sizeof(SymbolRecord) == 16);

bool dl_symbol_at(void* environment, HostCall& call) {
  Context context(environment, call);
  const auto info = describe_address(context.program, context.thread, call.u32(0));
  if (!info) {
    return context.finish(0);
  }
  const SymbolRecord record = {.memory_base = static_cast<uint32_t>(info->dso->data_range().base),
                               .symbol = info->symbol.empty() ? 0 : info->address,
                               .table_base = static_cast<uint32_t>(info->dso->table_base),
                               .is_function = info->is_function ? 1U : 0U};
  return call.write(call.u32(1), record) ? context.finish(info->dso->handle)
                                         : bad_address(call, "symbol_at", "the record");
}

bool dl_symbol_name(void* environment, HostCall& call) {
  Context context(environment, call);
  const auto info = describe_address(context.program, context.thread, call.u32(1));
  if (!info || info->dso->handle != call.u32(0) || info->symbol.empty()) {
    return context.finish(0);
  }
  if (!write_string(call, call.u32(2), call.u32(3), info->symbol)) {
    return bad_address(call, "symbol_name", "the buffer");
  }
  return context.finish(static_cast<uint32_t>(info->symbol.size()));
}

constexpr std::array kTenon = {
    HostFunctionDefinition{"close", "i_i", &dl_close},
    HostFunctionDefinition{"error", "ii_i", &dl_error},
    HostFunctionDefinition{"library", "ii_i", &dl_library},
    HostFunctionDefinition{"library_name", "iii_i", &dl_library_name},
    HostFunctionDefinition{"open", "ii_i", &dl_open},
    HostFunctionDefinition{"sym", "ii_i", &dl_sym},
    HostFunctionDefinition{"symbol_at", "ii_i", &dl_symbol_at},
    HostFunctionDefinition{"symbol_name", "iiii_i", &dl_symbol_name},
};

// ---- WASIX ----------------------------------------------------------------------------------------------------------

/// Ends with an errno and the text of the failure in the guest's buffer.
bool wasix_fail(Context& context, const Error& error, uint32_t buffer, uint32_t size) {
  if (!write_string(context.call, buffer, size, error.message)) {
    return bad_address(context.call, "dlopen", "the buffer for errors");
  }
  return context.finish(error.kind == ErrorKind::not_found ? kNotFound : kInvalid);
}

// (path, path_len, flags, err_buf, err_buf_len, ld_library_path, ld_library_path_len, out_handle) -> errno. The search
// path is the user's to give and not the guest's: it is not looked at.
bool wasix_dlopen(void* environment, HostCall& call) {
  Context context(environment, call);
  const uint32_t mode = call.u32(2);
  const uint32_t buffer = call.u32(3);
  const uint32_t size = call.u32(4);
  const uint32_t out = call.u32(7);
  const auto name = read_string(call, call.u32(0), call.u32(1));
  if (!name || call.span(out, sizeof(uint32_t)) == nullptr) {
    return bad_address(call, "dlopen", name ? "the place of the handle" : "the path");
  }
  OpenFlags flags;
  flags.now = (mode & kWasixNow) != 0;
  flags.global = (mode & kWasixGlobal) != 0;
  flags.only_if_loaded = (mode & kWasixNoLoad) != 0;
  flags.keep = (mode & kWasixNoDelete) != 0;
  flags.own_first = (mode & kWasixDeepBind) != 0;
  Dso* const main = name->empty() ? open_main(context.program) : nullptr;
  Result<Dso*> opened = main != nullptr ? Result<Dso*>(main) : open_for_guest(context, *name, flags);
  if (!opened) {
    return wasix_fail(context, opened.error(), buffer, size);
  }
  return call.write(out, (*opened)->handle) ? context.finish(kSuccess)
                                            : bad_address(call, "dlopen", "the place of the handle");
}

// (handle, symbol, symbol_len, err_buf, err_buf_len, out_addr) -> errno
bool wasix_dlsym(void* environment, HostCall& call) {
  Context context(environment, call);
  const uint32_t buffer = call.u32(3);
  const uint32_t size = call.u32(4);
  const uint32_t out = call.u32(5);
  const auto name = read_string(call, call.u32(1), call.u32(2));
  if (!name) {
    return bad_address(call, "dlsym", "the symbol");
  }
  auto found = look_up(context, call.u32(0), *name);
  if (!found) {
    return wasix_fail(context, found.error(), buffer, size);
  }
  return call.write(out, found->address) ? context.finish(kSuccess)
                                         : bad_address(call, "dlsym", "the place of the address");
}

// (handle) -> 1 when it is not that of an open library
bool wasix_dl_invalid_handle(void* environment, HostCall& call) {
  Context context(environment, call);
  return context.finish(find_handle(context.program, call.u32(0)) == nullptr ? 1 : 0);
}

constexpr std::array kWasix = {
    HostFunctionDefinition{"dl_invalid_handle", "i_i", &wasix_dl_invalid_handle},
    HostFunctionDefinition{"dlopen", "iiiiiiii_i", &wasix_dlopen},
    HostFunctionDefinition{"dlsym", "iiiiii_i", &wasix_dlsym},
};

// ---- toywasm --------------------------------------------------------------------------------------------------------

// (name, name_len, mode, out_handle) -> 0 or 1
bool toywasm_load_object(void* environment, HostCall& call) {
  Context context(environment, call);
  const uint32_t mode = call.u32(2);
  const uint32_t out = call.u32(3);
  const auto name = read_string(call, call.u32(0), call.u32(1));
  if (!name) {
    return bad_address(call, "load_object", "the name");
  }
  OpenFlags flags;
  flags.now = (mode & kNow) != 0;
  flags.global = (mode & kGlobal) != 0;
  auto opened = open_for_guest(context, *name, flags);
  if (!opened) {
    return context.fail(opened.error().message, 1);
  }
  return call.write(out, (*opened)->handle) ? context.finish(0)
                                            : bad_address(call, "load_object", "the place of the handle");
}

// (handle, 1 for a function or 2 for data, name, name_len, out_addr) -> 0 or 1
bool toywasm_resolve_symbol(void* environment, HostCall& call) {
  Context context(environment, call);
  constexpr uint32_t kFunction = 1;
  constexpr uint32_t kData = 2;
  const uint32_t kind = call.u32(1);
  const uint32_t out = call.u32(4);
  const auto name = read_string(call, call.u32(2), call.u32(3));
  if (!name) {
    return bad_address(call, "resolve_symbol", "the name");
  }
  if (kind != kFunction && kind != kData) {
    return context.fail(fmt::format("cannot look up {}: {} is no kind of symbol", printable(*name), kind), 1);
  }
  auto found = look_up(context, call.u32(0), *name, kind == kFunction ? SymbolKind::function : SymbolKind::data);
  if (!found) {
    return context.fail(found.error().message, 1);
  }
  return call.write(out, found->address) ? context.finish(0)
                                         : bad_address(call, "resolve_symbol", "the place of the address");
}

constexpr std::array kToywasm = {
    HostFunctionDefinition{"load_object", "iiii_i", &toywasm_load_object},
    HostFunctionDefinition{"resolve_symbol", "iiiii_i", &toywasm_resolve_symbol},
};

constexpr std::array kInterfaces = {
    GuestInterface{"tenon_dl", kTenon},
    GuestInterface{"wasix_32v1", kWasix},
    GuestInterface{"dyld", kToywasm},
};

}  // namespace

std::span<const GuestInterface> guest_interfaces() {
  return kInterfaces;
}

}  // namespace tenon::link
