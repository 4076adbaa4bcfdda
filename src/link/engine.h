// Modules of this process: each file is decoded, validated and translated once, however many programs use it and
// however often they open it.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "aot/store.h"
#include "base/mapped_file.h"
#include "base/result.h"
#include "link/shared_module.h"

namespace tenon::link {

struct EngineOptions {
  /// How many modules are kept although no program uses them, so that opening one again after closing it is cheap.
  size_t recent_modules = 64;
  /// And how many bytes of module files they may hold together.
  uint64_t recent_bytes = uint64_t{256} << 20;
  /// Where compiled code comes from. Absent options: all is interpreted.
  aot::StoreOptions images = {};
};

/// How an image of a module may be found.
struct ImageSearch {
  std::string path;  ///< of the module's file on the host; empty when it has none
  aot::ImageStore::GuestCanWrite guest_can_write;
};

/// Thread-safe. Outlives the Programs made with it.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes the module's image, or decodes and validates it, or finds the module made of the same state of the same file
  /// before. Only mapped files have an identity to find them by; owned bytes make a new module each time. `name` is for
  /// messages. Errors: malformed, invalid, unsupported, io, limit; unlinkable when the imports that the dynamic linking
  /// ABI names are not what it says they are.
  [[nodiscard]] Result<std::shared_ptr<SharedModule>> load(const base::FileBytes& bytes, const std::string& name,
                                                           const runtime::CodeOptions& code = {},
                                                           const ImageSearch& images = {});

  /// Modules that `load` had to decode, and those it found, so far.
  struct Counts {
    uint64_t decoded = 0;
    uint64_t found = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  static constexpr size_t kFirstSweep = 256;

  struct Key {
    base::FileIdentity file;
    runtime::CodeOptions code;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };

  std::shared_ptr<SharedModule> find(const Key& key);
  void forget_old();

  EngineOptions options_;
  aot::ImageStore images_;
  mutable std::mutex mutex_;  ///< guards all below; no other lock is taken under it
  std::unordered_map<Key, std::weak_ptr<SharedModule>, KeyHash> modules_;
  size_t sweep_at_ = kFirstSweep;  ///< how many entries `modules_` has when those of modules that are gone are removed
  std::list<std::shared_ptr<SharedModule>> recent_;  ///< most recently loaded first
  uint64_t recent_bytes_ = 0;
  Counts counts_;
};

}  // namespace tenon::link
