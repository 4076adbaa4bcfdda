// Where images come from: beside the module, from the cache, or from the compiler.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aot/image.h"
#include "base/sha256.h"

namespace tenon::aot {

/// How code of modules is run.
enum class Mode : uint8_t {
  interpret,  ///< images are not looked for
  automatic,  ///< images where there are, else interpreted
  compiled,   ///< what has no image is compiled first
};

/// When there is no image.
enum class Compile : uint8_t {
  never,
  now,            ///< and run it
  in_background,  ///< for the next time; interpret meanwhile
};

struct StoreOptions {
  Mode mode = Mode::interpret;
  Compile compile = Compile::never;  ///< in automatic mode
  /// Interpreted whatever the mode is: to find out whether a failure is compiled code's.
  bool interpret_main = false;
  bool interpret_libraries = false;
  /// The cache's directory, made when something is to be written and it is missing. Empty: no cache.
  std::string cache_directory = {};
  /// The compiler's executable. Empty: nothing can be compiled.
  std::string compiler = {};
  /// Arguments for it besides the module's: level, processor. Part of what an image in the cache is found by.
  std::vector<std::string> compiler_arguments = {};
  /// Told when an image is there but is not used, and why, and when a module could not be compiled. Absent: nobody.
  std::function<void(std::string_view text)> report = {};
};

/// The suffix of an image beside its module.
constexpr std::string_view kImageSuffix = ".aot";

/// Thread-safe. Several processes may use one cache at once: files appear whole, by rename.
class ImageStore {
 public:
  explicit ImageStore(StoreOptions options);
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  /// Whether the guest can write the file or directory behind a descriptor: images are not taken from there.
  using GuestCanWrite = std::function<bool(int descriptor)>;

  /// A module whose image is wanted. What it refers to outlives the call.
  struct Wanted {
    const base::FileBytes& bytes;
    const std::string& path;  ///< of its file on the host; empty when it has none
    const std::string& name;  ///< for messages
    bool is_main;
    const abi::CodeOptions& code;
    const GuestCanWrite& guest_can_write;
  };

  /// The image of a module if there is one that may be used, else null. Never fails: what is wrong with an image is
  /// reported, and another one or the interpreter takes its place.
  [[nodiscard]] std::shared_ptr<Image> find(const Wanted& wanted);

  /// For a module that is valid and has no image: makes one if the options say so. Null when it is to be interpreted.
  [[nodiscard]] std::shared_ptr<Image> make(const Wanted& wanted);

  [[nodiscard]] const StoreOptions& options() const { return options_; }

 private:
  struct Search;
  [[nodiscard]] bool is_interpreted(bool is_main) const;
  int cache();
  std::shared_ptr<Image> open(Search& search, int directory, const std::string& file, const std::string& shown,
                              const GuestCanWrite& guest_can_write);
  std::shared_ptr<Image> find_beside(Search& search);
  std::shared_ptr<Image> find_cached(Search& search);
  std::shared_ptr<Image> compile(Search& search, bool wait);
  static std::string size_marker(const Search& search, const std::string& key);
  std::string options_key(const abi::CodeOptions& code) const;
  std::vector<std::string> arguments(const abi::CodeOptions& code) const;
  void report(const std::string& text) const;

  StoreOptions options_;
  std::mutex opening_;            ///< guards opening the cache's directory; no other lock is taken under it
  std::optional<int> directory_;  ///< of the cache; -1: it is not to be used
};

/// `tenon-compile` beside this process's own executable; empty when it is not there.
[[nodiscard]] std::string compiler_beside();

}  // namespace tenon::aot
