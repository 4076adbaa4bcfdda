#include "link/inquiry.h"

#include <algorithm>

namespace tenon::link {

Inquiry::Inquiry(Namespace& program, GuestThread& self, std::vector<Dso*> gone, bool with_references)
    : dsos_(std::move(gone)) {
  if (with_references) {
    retired_ = program.retired_for_now;
  }
  found_ = std::make_unique<std::atomic<bool>[]>(dsos_.size() + retired_.size());
  for (size_t i = 0; i < dsos_.size(); ++i) {
    add_dso(*dsos_[i], i);
  }
  for (size_t i = 0; i < retired_.size(); ++i) {
    program.retired.at(retired_[i]).functions.for_each_chunk([&](const void* begin, size_t bytes) {
      add(begin, bytes, dsos_.size() + i);
    });
  }
  program.threads.for_each([&](GuestThread& thread) {
    for (size_t i = 0; i < dsos_.size(); ++i) {
      thread.for_each_instance(
          *dsos_[i], [&](const abi::Instance& instance) { add(&instance, dsos_[i]->executable().layout().size, i); });
    }
  });
  std::ranges::sort(ranges_, {}, &Range::begin);

  program.threads.for_each([&](GuestThread& thread) {
    if (&thread == &self) {
      return;
    }
    // A thread that has no instance of any of them, and is not in the linker, holds no more than references. One that
    // came into the linker after they were taken away has not found them.
    const bool can_be_inside = with_references || thread.state().in_linker.load(std::memory_order_relaxed) ||
                               thread.state().linker_entries.load(std::memory_order_relaxed) != 0 ||
                               std::ranges::any_of(dsos_, [&](const Dso* dso) {
                                 return thread.for_each_instance(*dso, [](const abi::Instance&) {});
                               });
    if (can_be_inside) {
      thread.while_present([&](pthread_t runner) {
        unanswered_.fetch_add(1, std::memory_order_relaxed);
        runtime::ask(thread.state(), runner, *this);
      });
    }
  });
  self.state().question.store(this, std::memory_order_relaxed);
  runtime::answer_here(self.state());
}

void Inquiry::remind(Namespace& program, GuestThread& self) {
  // A thread that waits for a processor gets no faster by being asked again, and asking many costs time.
  constexpr auto kPatience = std::chrono::milliseconds(10);
  const auto now = std::chrono::steady_clock::now();
  const bool is_time = now - asked_ >= kPatience;
  if (is_time) {
    asked_ = now;
  }
  program.threads.for_each([&](GuestThread& thread) {
    if (&thread == &self) {
      if (self.state().question.load(std::memory_order_relaxed) == this) {
        runtime::answer_here(self.state());
      }
    } else if (is_time && thread.state().question.load(std::memory_order_relaxed) == this) {
      thread.while_present([&](pthread_t runner) { runtime::remind(thread.state(), runner); });
    }
  });
}

void Inquiry::add(const void* begin, size_t bytes, size_t subject) {
  const auto address = reinterpret_cast<uintptr_t>(begin);
  ranges_.push_back({address, address + bytes, static_cast<uint32_t>(subject)});
  longest_ = std::max<uintptr_t>(longest_, bytes);
}

void Inquiry::add_dso(Dso& dso, size_t subject) {
  add(&dso, sizeof(Dso), subject);
  add(&dso.executable(), sizeof(SharedModule), subject);
  if (const runtime::NativeCode* const native = dso.executable().native()) {
    add(native->text.data(), native->text.size(), subject);
  }
  dso.own_functions.for_each_chunk([&](const void* begin, size_t bytes) { add(begin, bytes, subject); });
  for (const runtime::Tag& tag : dso.own_tags) {
    add(&tag, sizeof(tag), subject);
  }
}

void Inquiry::look_at(uintptr_t word) {
  auto range = std::ranges::upper_bound(ranges_, word, {}, &Range::begin);
  while (range != ranges_.begin()) {
    --range;
    if (word - range->begin > longest_) {
      return;
    }
    if (word < range->end) {
      found_[range->subject].store(true, std::memory_order_relaxed);
    }
  }
}

// Reads a stack that it knows nothing about, among it what the address sanitizer keeps apart.
__attribute__((no_sanitize("address", "thread"))) void Inquiry::answer(runtime::Thread& thread,
                                                                       const runtime::LiveWords& words) {
  look_at(words.position);
  for (size_t i = 0; i < words.register_count; ++i) {
    look_at(words.registers[i]);
  }
  for (const uintptr_t* word = words.stack; word < words.stack_end; ++word) {
    look_at(*word);
  }
  const auto* const end = static_cast<const abi::Frame*>(thread.stack_end());
  for (const abi::Frame* frame = thread.frames; frame < end; ++frame) {
    look_at(reinterpret_cast<uintptr_t>(frame->caller_instance));
    look_at(reinterpret_cast<uintptr_t>(static_cast<const Dso*>(&runtime::LinkedModule::of(*frame->caller_instance))));
    look_at(reinterpret_cast<uintptr_t>(frame->code->owner));
  }
  if (words.stack == nullptr) {
    for (const abi::NativeSegment* segment = thread.native; segment != nullptr; segment = segment->outer) {
      for (runtime::NativeWalk walk(*segment); !walk.at_end(); walk.next()) {
        look_at(walk.frame().address);
      }
    }
  }
  for (const abi::Exception* const exception : thread.exceptions) {
    look_at(reinterpret_cast<uintptr_t>(exception->tag));
  }
  unanswered_.fetch_sub(1, std::memory_order_release);
}

}  // namespace tenon::link
