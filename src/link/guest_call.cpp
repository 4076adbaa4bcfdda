#include "link/guest_call.h"

#include <unordered_map>

#include "interp/interp.h"

namespace tenon::link {

Result<> call_guest(Namespace& program, GuestThread& thread, Dso& dso, uint32_t function, const char* doing) {
  runtime::Thread& state = thread.state();
  abi::Instance* instance = thread.instance(dso);
  const abi::Code* code = &dso.executable().code(function);
  bool returned = true;
  if (dso.module().is_imported_function(function)) {
    const abi::FunctionDescriptor* const target = dso.descriptor(state, function);
    instance = target == nullptr ? nullptr : dso.instance_of(state, target->dso);
    returned = instance != nullptr;
    code = returned ? target->code : nullptr;
  }
  if (returned && interp::invoke(state, instance, *code, {}, {})) {
    return {};
  }
  switch (state.pending) {
    case abi::Pending::exit:
      program.exit_code = state.exit_code;
      state.pending = abi::Pending::none;
      return {};
    case abi::Pending::exception:
      state.pending = abi::Pending::none;
      state.exception = nullptr;
      return fail(ErrorKind::trap, "while {} {}: an exception was thrown and nobody caught it", doing, dso.name);
    default:
      return fail(ErrorKind::trap, "while {} {}: {}", doing, dso.name, state.take_trap().message);
  }
}

std::vector<Dso*> dependency_order(std::span<Dso* const> dsos) {
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
      if (next < dso->needed.size()) {
        enter(dso->needed[next++]);
      } else {
        order.push_back(dso);
        marks[dso] = Mark::done;
        stack.pop_back();
      }
    }
  }
  return order;
}

}  // namespace tenon::link
