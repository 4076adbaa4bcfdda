#include "link/destructors.h"

#include <algorithm>
#include <array>
#include <optional>

#include "link/binding.h"
#include "link/caller.h"
#include "link/guest_call.h"
#include "link/namespace.h"

namespace tenon::link {

namespace {

using runtime::HostCall;

/// So many may wait at a time: what a guest registers takes memory of the host's.
constexpr size_t kMaximumRegistrations = 1'000'000;

Namespace& namespace_of(void* environment) {
  return *static_cast<Namespace*>(environment);
}

/// Hands a guest's wish to end on to the caller of a host function.
bool returned(const Namespace& program, HostCall& call) {
  return program.ending ? call.exit(*program.ending) : true;
}

bool add(void* environment, HostCall& call, Destructors::When when, bool takes_argument) {
  Namespace& program = namespace_of(environment);
  Dso* const owner = calling_dso(call);
  if (owner == nullptr) {
    return call.trap("a destructor was registered by no module of the program");
  }
  GuestThread& thread = GuestThread::of(call.thread());
  const bool added = program.destructors.add(program, thread,
                                             {.owner = owner,
                                              .thread = &thread,
                                              .when = when,
                                              .function = call.u32(0),
                                              .argument = takes_argument ? call.u32(1) : 0,
                                              .takes_argument = takes_argument});
  call.set_u32(added ? 0 : 1);
  return returned(program, call);
}

bool at_exit(void* environment, HostCall& call) {
  return add(environment, call, Destructors::When::exit, false);
}
bool cxa_at_exit(void* environment, HostCall& call) {
  return add(environment, call, Destructors::When::exit, true);
}
bool cxa_thread_at_exit(void* environment, HostCall& call) {
  return add(environment, call, Destructors::When::thread_end, true);
}

/// What stands on the libc's list for ours.
bool run_marker(void* environment, HostCall& call) {
  Namespace& program = namespace_of(environment);
  const runtime::InLinker in_linker(runtime::Thread::of(call.thread()));
  if (auto ran = program.destructors.run_from(program, GuestThread::of(call.thread()), call.u32(0));
      !ran && !program.ending) {
    return call.trap(ran.error().message);
  }
  return returned(program, call);
}

/// What libc calls when a thread ends, before it runs the destructors of keys.
bool call_tls_destructors(void* environment, HostCall& call) {
  Namespace& program = namespace_of(environment);
  const runtime::InLinker in_linker(runtime::Thread::of(call.thread()));
  if (auto ran = program.destructors.run_of_thread(program, GuestThread::of(call.thread())); !ran && !program.ending) {
    return call.trap(ran.error().message);
  }
  return returned(program, call);
}

/// The last thing that libc calls in a thread that ends inside of calls: they are left, and then the word at the
/// argument, unless that is 0, becomes 0 and who waits there is woken.
bool exit_thread(void* /*environment*/, HostCall& call) {
  runtime::Thread& thread = runtime::Thread::of(call.thread());
  GuestThread& guest = GuestThread::of(thread);
  if (guest.kind != GuestThread::Kind::spawned) {
    return call.trap("the thread cannot end: the program did not spawn it");
  }
  guest.alive_word = call.u32(0);
  guest.has_ended = true;
  return thread.raise_exit(0);
}

constexpr std::array kFunctions = {
    runtime::HostFunctionDefinition{"__call_tls_dtors", "_", &call_tls_destructors},
    runtime::HostFunctionDefinition{"__cxa_atexit", "iii_i", &cxa_at_exit},
    runtime::HostFunctionDefinition{"__cxa_thread_atexit", "iii_i", &cxa_thread_at_exit},
    runtime::HostFunctionDefinition{"__cxa_thread_atexit_impl", "iii_i", &cxa_thread_at_exit},
    runtime::HostFunctionDefinition{"__tenon_thread_exit", "i_", &exit_thread},
    runtime::HostFunctionDefinition{"atexit", "i_i", &at_exit},
    runtime::HostFunctionDefinition{"run_marker", "i_", &run_marker},
};

const wasm::FunctionType& at_exit_type() {
  using enum wasm::ValueType;
  static const wasm::FunctionType type{{i32, i32, i32}, {i32}};
  return type;
}

const wasm::FunctionType& type_with(bool takes_argument) {
  static const wasm::FunctionType with{{wasm::ValueType::i32}, {}};
  static const wasm::FunctionType without;
  return takes_argument ? with : without;
}

}  // namespace

std::span<const runtime::HostFunctionDefinition> destructor_functions() {
  return kFunctions;
}

bool Destructors::is_one(std::string_view name) {
  if (!name.contains("atexit") && !name.starts_with("__call_tls") && !name.starts_with("__tenon_thread")) {
    return false;
  }
  return std::ranges::find(kFunctions, name, &runtime::HostFunctionDefinition::name) != kFunctions.end();
}

bool Destructors::add(Namespace& program, GuestThread& thread, const Registration& registration) {
  // A start function may be here before there is a list to put one on: whoever comes next does.
  const bool has_list = program.main != nullptr && program.main->load_scope != nullptr;
  uint32_t marker = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (registration.owner->state == State::gone || registrations_.size() >= kMaximumRegistrations) {
      return false;
    }
    // Markers never fall from one registration to the next.
    const uint32_t used = registrations_.empty() ? 0 : registrations_.back().marker;
    registrations_.push_back(registration);
    registrations_.back().marker = many_ ? used + 1 : 1;
    if (has_list && registrations_.back().marker > markers_) {
      marker = ++markers_;
    }
  }
  if (marker != 0) {
    put_marker(program, thread, marker);
  }
  return true;
}

// Without a libc that has a list, Program::run runs ours when `_start` has returned.
void Destructors::put_marker(Namespace& program, GuestThread& thread, uint32_t marker) {
  const LinkedFunction* const ours = program.host.find(kDestructorModule, "run_marker");
  const auto libc = find_provided(program, "__cxa_atexit", at_exit_type());
  if (!libc) {
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    many_ = libc->dso->is_main;
  }
  const auto slot = program.functions.slot_of(*ours);
  if (!slot) {
    return;
  }
  std::array<abi::Cell, 3> cells{abi::Cell{.u64 = *slot}, abi::Cell{.u64 = marker}, {}};
  if (auto put = call_guest(program, thread, libc->function, cells, std::span(cells).first(1),
                            "registering destructors with", libc->dso->name);
      !put) {
    program.report.line(kDebugInit, "{}", put.error().message);
  }
}

bool Destructors::pins(const Dso& dso) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(registrations_, [&](const Registration& registration) {
    return registration.owner == &dso && registration.when == When::thread_end;
  });
}

Result<> Destructors::run(Namespace& program, GuestThread& thread, const Registration& registration) {
  const std::string owner_name = registration.owner->name;  // what runs may close it
  const runtime::Table* const table = program.functions.table();
  const auto* const function = table == nullptr || registration.function >= table->size.load(std::memory_order_acquire)
                                   ? nullptr
                                   : static_cast<const LinkedFunction*>(table->get(registration.function).function);
  if (function == nullptr || *function->type != type_with(registration.takes_argument)) {
    const std::string owner = program.functions.former_owner(registration.function);
    return fail(ErrorKind::trap, "while running the destructors of {}: table slot {} holds no such function{}",
                owner_name, registration.function, owner.empty() ? "" : ": call into unloaded library " + owner);
  }
  const std::array<abi::Cell, 1> argument{abi::Cell{.u64 = registration.argument}};
  const auto arguments = std::span(argument).first(registration.takes_argument ? 1 : 0);
  return call_guest(program, thread, function, arguments, {}, "running the destructors of", owner_name);
}

template <class Chosen>
std::optional<Destructors::Registration> Destructors::take_last(Chosen chosen) {
  const std::scoped_lock lock(mutex_);
  const auto last = std::ranges::find_if(registrations_.rbegin(), registrations_.rend(), chosen);
  if (last == registrations_.rend()) {
    return std::nullopt;
  }
  const Registration registration = *last;
  registrations_.erase(std::next(last).base());
  return registration;
}

Result<> Destructors::run_of(Namespace& program, GuestThread& thread, const Dso& dso) {
  Result<> result;
  while (!program.ending) {
    const auto last = take_last([&](const Registration& one) { return one.owner == &dso; });
    if (!last) {
      break;
    }
    if (auto ran = run(program, thread, *last); !ran && result) {
      result = std::move(ran);
    }
  }
  return result;
}

Result<> Destructors::run_of_thread(Namespace& program, GuestThread& thread) {
  Result<> result;
  while (result && !program.ending) {
    const auto last =
        take_last([&](const Registration& one) { return one.when == When::thread_end && one.thread == &thread; });
    if (!last) {
      break;
    }
    result = run(program, thread, *last);  // a trap ends the program
  }
  return result;
}

Result<> Destructors::run_from(Namespace& program, GuestThread& thread, uint32_t from) {
  Result<> result = run_of_thread(program, thread);
  while (result && !program.ending) {
    const auto last =
        take_last([&](const Registration& one) { return one.when == When::exit && (from <= 1 || one.marker >= from); });
    if (!last) {
      break;
    }
    result = run(program, thread, *last);
    if (result) {
      result = run_of_thread(program, thread);
    }
  }
  // What is registered from now on goes on the libc's list anew.
  const std::scoped_lock lock(mutex_);
  markers_ = std::min(markers_, from == 0 ? 0 : from - 1);
  return result;
}

void Destructors::forget_all() {
  const std::scoped_lock lock(mutex_);
  registrations_.clear();
  markers_ = 0;
  many_ = false;
}

void Destructors::forget(const Dso& dso) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(registrations_, [&](const Registration& registration) { return registration.owner == &dso; });
}

bool Destructors::forget(const GuestThread& thread) {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(registrations_, [&](const Registration& registration) {
           return registration.when == When::thread_end && registration.thread == &thread;
         }) != 0;
}

}  // namespace tenon::link
