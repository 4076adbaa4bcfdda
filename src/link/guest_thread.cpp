#include "link/guest_thread.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "interp/native.h"

namespace tenon::link {

void GuestThread::Free::operator()(void* memory) const {
  std::free(memory);
}

Result<std::unique_ptr<GuestThread>> GuestThread::create(uint64_t stack_bytes, uint32_t maximum_dsos) {
  std::unique_ptr<GuestThread> thread(new GuestThread);
  thread->state_ = TENON_TRY(runtime::Thread::create(stack_bytes));
  thread->native_thread_ = std::this_thread::get_id();
  const size_t bytes = size_t{maximum_dsos} * sizeof(abi::Instance*);
  void* const array = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (array == MAP_FAILED) {
    return fail(ErrorKind::limit, "cannot reserve room for the instances of {} libraries: {}", maximum_dsos,
                strerror(errno));
  }
  thread->reserved_bytes_ = bytes;
  thread->state_->instances = static_cast<abi::Instance**>(array);
  thread->state_->instance_count = maximum_dsos;
  thread->state_->helpers = &interp::helpers();
  return thread;
}

GuestThread::~GuestThread() {
  if (state_ != nullptr && state_->instances != nullptr) {
    munmap(static_cast<void*>(state_->instances), reserved_bytes_);
  }
}

Result<abi::Instance*> GuestThread::add_instance(Dso& dso, uint64_t maximum_table) {
  const runtime::InstanceLayout& layout = dso.executable().layout();
  void* const memory = std::calloc(1, layout.size);
  if (memory == nullptr) {
    return fail(ErrorKind::limit, "{}: no memory for an instance of {} bytes", dso.name, layout.size);
  }
  OwnedInstance owned;
  owned.instance.reset(new (memory) abi::Instance);
  abi::Instance* const instance = owned.instance.get();
  if (!dso.memories.empty()) {
    instance->memory = dso.memories.front();
    instance->memory_base = instance->memory->base;
  }
  instance->thread = state_.get();
  instance->program_dso = static_cast<runtime::LinkedModule*>(&dso);
  instance->types = dso.executable().types();
  instance->dso = dso.index;

  const wasm::Module& module = dso.module();
  for (uint32_t i = 0; i < dso.tables.size(); ++i) {
    if (dso.tables[i].kind == TableBinding::Kind::own) {
      auto table = runtime::Table::create(module.tables[i].type, maximum_table);
      if (!table) {
        return fail(table.error().kind, "cannot instantiate {}: {}", dso.name, table.error().message);
      }
      owned.tables.push_back(*std::move(table));
      runtime::at<abi::Table*>(*instance, layout.table(i)) = owned.tables.back().get();
    }
  }
  for (uint32_t i = 0; i < module.imported_functions; ++i) {
    auto& slot = runtime::at<abi::ImportSlot>(*instance, layout.import(i));
    slot.native = runtime::native_call_out();
    slot.instance = instance;
    slot.code = &dso.executable().code(i);
  }
  for (uint32_t i = 0; i < dso.tags.size(); ++i) {
    runtime::at<const void*>(*instance, layout.tag(i)) = dso.tags[i];
  }
  instances_[dso.index] = std::move(owned);
  state_->instances[dso.index] = instance;
  return instance;
}

void GuestThread::remove_instance(const Dso& dso) {
  state_->instances[dso.index] = nullptr;
  instances_.erase(dso.index);
}

void GuestThread::hide_instance(const Dso& dso) {
  state_->instances[dso.index] = nullptr;
}

void GuestThread::adopt_native_stack() {
  if (native_thread_ != std::this_thread::get_id()) {
    native_thread_ = std::this_thread::get_id();
    state_->adopt_native_stack();
  }
}

}  // namespace tenon::link
