#include "link/engine.h"

#include <algorithm>

namespace tenon::link {

Engine::Engine(EngineOptions options) : options_(std::move(options)), images_(options_.images) {}

size_t Engine::KeyHash::operator()(const Key& key) const {
  // Inodes are unique enough; what else tells states of a file apart is compared.
  return std::hash<uint64_t>{}(key.file.inode * 31 + key.file.device);
}

Result<std::shared_ptr<SharedModule>> Engine::load(const base::FileBytes& bytes, const std::string& name,
                                                   const runtime::CodeOptions& code, const ImageSearch& images) {
  const Key key{bytes.identity(), code};
  if (bytes.is_host_file()) {
    if (auto module = find(key)) {
      return module;
    }
  }
  const aot::ImageStore::Wanted wanted{bytes, images.path, name, images.is_main, code, images.guest_can_write};
  auto image = images_.find(wanted);
  std::shared_ptr<const wasm::Module> decoded;
  if (image == nullptr) {
    decoded = TENON_TRY(wasm::decode_and_validate(bytes, name));
    image = images_.make(wanted);
  }
  if (image != nullptr) {
    decoded = image->module();
  }
  auto module = TENON_TRY(SharedModule::make(std::move(decoded), code, std::move(image)));
  const std::scoped_lock lock(mutex_);
  ++counts_.decoded;
  if (bytes.is_host_file()) {
    auto& known = modules_[key];
    if (auto other = known.lock()) {  // another thread decoded the same file meanwhile
      return other;
    }
    known = module;
    recent_.push_front(module);
    recent_bytes_ += module->module().bytes().size();
    forget_old();
  }
  return module;
}

std::shared_ptr<SharedModule> Engine::find(const Key& key) {
  const std::scoped_lock lock(mutex_);
  const auto known = modules_.find(key);
  if (known == modules_.end()) {
    return nullptr;
  }
  auto module = known->second.lock();
  if (module == nullptr) {
    modules_.erase(known);
    return nullptr;
  }
  ++counts_.found;
  if (const auto recent = std::ranges::find(recent_, module); recent != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, recent);
  } else {
    recent_.push_front(module);
    recent_bytes_ += module->module().bytes().size();
    forget_old();
  }
  return module;
}

void Engine::forget_old() {
  while (!recent_.empty() && (recent_.size() > options_.recent_modules || recent_bytes_ > options_.recent_bytes)) {
    recent_bytes_ -= recent_.back()->module().bytes().size();
    recent_.pop_back();
  }
  if (modules_.size() >= sweep_at_) {
    std::erase_if(modules_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kFirstSweep, 2 * modules_.size());
  }
}

Engine::Counts Engine::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace tenon::link
