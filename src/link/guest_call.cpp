#include "link/guest_call.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "interp/interp.h"
#include "link/evaluate.h"
#include "link/instantiate.h"

namespace tenon::link {

PendingKept::PendingKept(runtime::Thread& thread)
    : thread_(thread), pending_(thread.pending), exception_(thread.exception), exit_code_(thread.exit_code) {
  if (pending_ != abi::Pending::none) {
    // A slot in use keeps the exception.
    *thread.values++ = {.pointer = exception_};
    trap_ = std::exchange(thread.trap, {});
    thread.pending = abi::Pending::none;
  }
}

PendingKept::~PendingKept() {
  if (pending_ == abi::Pending::none) {
    return;
  }
  --thread_.values;
  if (thread_.pending == abi::Pending::none) {
    thread_.pending = pending_;
    thread_.exception = exception_;
    thread_.trap = std::move(trap_);
    thread_.exit_code = exit_code_;
  }
}

abi::Cell* stack_pointer_cell(const Namespace& program, GuestThread& thread) {
  if (program.symbols.defined) {
    return &thread.state().stack_pointer;
  }
  const Dso* const main = program.main;
  abi::Instance* const instance = main == nullptr ? nullptr : thread.instance(*main);
  return instance == nullptr || !main->shared().stack_pointer
             ? nullptr
             : global_cell(*main, *instance, *main->shared().stack_pointer);
}

Result<> call_guest(Namespace& program, GuestThread& thread, const LinkedFunction* function,
                    std::span<const abi::Cell> arguments, std::span<abi::Cell> results, const char* doing,
                    const std::string& whom, abi::Instance* instance) {
  runtime::Thread& state = thread.state();
  abi::Cell* const stack_pointer = stack_pointer_cell(program, thread);
  const uint64_t stack_pointer_before = stack_pointer == nullptr ? 0 : stack_pointer->u64;
  // Null: what it stands for could not be bound, which left a trap pending.
  if (function != nullptr && instance == nullptr) {
    instance = thread.instance(function->dso);
    instance = instance != nullptr ? instance : instance_for_thread(program, state, function->dso);
  }
  if (instance != nullptr && interp::invoke(state, instance, *function->code, arguments, results)) {
    return {};
  }
  if (stack_pointer != nullptr) {
    stack_pointer->u64 = stack_pointer_before;
  }
  switch (state.pending) {
    case abi::Pending::exit:
      state.pending = abi::Pending::none;
      if (thread.has_ended) {
        thread.has_ended = false;
        return fail(ErrorKind::trap, "while {} {}: it ended the thread (pthread_exit), which cannot be done here",
                    doing, whom);
      }
      end_program(program, &thread, state.exit_code);
      return {};
    case abi::Pending::exception:
      state.pending = abi::Pending::none;
      state.exception = nullptr;
      return fail(ErrorKind::trap, "while {} {}: an exception was thrown and nobody caught it", doing, whom);
    default:
      return fail(ErrorKind::trap, "while {} {}: {}", doing, whom, state.take_trap().message);
  }
}

Result<> call_guest(Namespace& program, GuestThread& thread, Dso& dso, uint32_t function, const char* doing) {
  const auto* const target = static_cast<const LinkedFunction*>(dso.descriptor(thread.state(), function));
  return call_guest(program, thread, target, {}, {}, doing, dso.name);
}

namespace {

std::vector<Dso*> walk(std::span<Dso* const> dsos, bool with_uses) {
  // Depth first from the last one loaded, each after what it needs: glibc's order. With a stack of its own, because how
  // deep libraries need each other is the guest's choice.
  enum class Mark : uint8_t { fresh, entered, done };
  std::unordered_map<Dso*, Mark> marks;
  for (Dso* const dso : dsos) {
    marks[dso] = Mark::fresh;
  }
  std::vector<Dso*> order;
  std::vector<std::pair<Dso*, size_t>> stack;
  for (size_t i = dsos.size(); i-- > 0;) {
    const auto enter = [&](Dso* dso) {
      const auto mark = marks.find(dso);
      if (mark != marks.end() && mark->second == Mark::fresh) {
        mark->second = Mark::entered;
        stack.emplace_back(dso, 0);
      }
    };
    enter(dsos[i]);
    while (!stack.empty()) {
      auto& [dso, next] = stack.back();
      const size_t place = next++;
      if (place < dso->needed.size()) {
        enter(dso->needed[place]);
      } else if (with_uses && place - dso->needed.size() < dso->also_uses.size()) {
        enter(dso->also_uses[place - dso->needed.size()]);
      } else {
        order.push_back(dso);
        marks[dso] = Mark::done;
        stack.pop_back();
      }
    }
  }
  return order;
}

/// Whether `order` has something before what it needs although `other` has not.
bool contradicts_needs(const std::vector<Dso*>& order, const std::vector<Dso*>& other) {
  const auto places = [](const std::vector<Dso*>& list) {
    std::unordered_map<const Dso*, size_t> place;
    for (size_t i = 0; i < list.size(); ++i) {
      place.emplace(list[i], i);
    }
    return place;
  };
  const auto place = places(order);
  const auto other_place = places(other);
  return std::ranges::any_of(order, [&](const Dso* dso) {
    return std::ranges::any_of(dso->needed, [&](const Dso* needed) {
      return place.contains(needed) && place.at(needed) > place.at(dso) && other_place.at(needed) < other_place.at(dso);
    });
  });
}

}  // namespace

std::vector<Dso*> dependency_order(std::span<Dso* const> dsos, bool with_uses) {
  std::vector<Dso*> plain = walk(dsos, false);
  if (!with_uses) {
    return plain;
  }
  std::vector<Dso*> order = walk(dsos, true);
  return contradicts_needs(order, plain) ? plain : order;
}

}  // namespace tenon::link
