#include "cli/images.h"

#include <unistd.h>

#include <cstdlib>

#include "base/mapped_file.h"
#include "cli/output.h"

namespace tenon::cli {

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::vector<Option> image_options(aot::StoreOptions& store) {
  std::vector<Option> table;
  table.push_back(
      {0, "mode", "MODE",
       "how code is run: auto (compiled where there is an image, else\ninterpreted; the default), interp, or "
       "aot (what has no image is\ncompiled first)",
       [&store](std::string_view value) -> Result<> {
         if (value == "auto") {
           store.mode = aot::Mode::automatic;
         } else if (value == "interp") {
           store.mode = aot::Mode::interpret;
         } else if (value == "aot") {
           store.mode = aot::Mode::compiled;
         } else {
           return fail(ErrorKind::usage, "--mode takes auto, interp or aot, not `{}`", value);
         }
         return {};
       }});
  table.push_back({0, "compile", "", "compile what has no image, into the cache (also TENON_COMPILE=1)",
                   [&store](std::string_view) -> Result<> {
                     store.compile = aot::Compile::now;
                     return {};
                   }});
  table.push_back({0, "compile-in-background", "",
                   "the same, for the next time: interpret it meanwhile (also\nTENON_COMPILE=background)",
                   [&store](std::string_view) -> Result<> {
                     store.compile = aot::Compile::in_background;
                     return {};
                   }});
  return table;
}

std::string find_compiler() {
  if (std::string named = variable("TENON_COMPILER"); !named.empty()) {
    return named;
  }
  constexpr size_t kLongest = 4096;
  std::string self(kLongest, '\0');
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0 || static_cast<size_t>(length) == self.size()) {
    return {};
  }
  self.resize(static_cast<size_t>(length));
  const std::string compiler = self.substr(0, self.rfind('/') + 1) + "tenon-compile";
  return access(compiler.c_str(), X_OK) == 0 ? compiler : "";
}

std::string cache_directory() {
  if (std::string named = variable("TENON_CACHE_DIR"); !named.empty()) {
    return named;
  }
  if (const std::string caches = variable("XDG_CACHE_HOME"); caches.starts_with('/')) {
    return caches + "/tenon/images";
  }
  const std::string home = variable("HOME");
  return home.starts_with('/') ? home + "/.cache/tenon/images" : "";
}

void add_image_environment(aot::StoreOptions& store) {
  if (store.mode == aot::Mode::interpret) {
    return;
  }
  if (const std::string value = variable("TENON_COMPILE"); !value.empty() && store.compile == aot::Compile::never) {
    if (value == "1" || value == "now") {
      store.compile = aot::Compile::now;
    } else if (value == "background") {
      store.compile = aot::Compile::in_background;
    } else if (value != "0") {
      complain("ignoring TENON_COMPILE, which is 1, background or 0, not `{}`", value);
    }
  }
  store.cache_directory = cache_directory();
  if (store.mode == aot::Mode::compiled || store.compile != aot::Compile::never) {
    store.compiler = find_compiler();
  }
  store.report = [](std::string_view text) { complain("{}", text); };
}

}  // namespace tenon::cli
