// Finds the bytes of a library by its name (design: Loading in order, 1).
//
// Names and runtime paths inside modules are untrusted: they reach only what lies below the directories that the user
// or the embedder gave (the main module's, and the library path), unless ProgramOptions::trust_runtime_path. What the
// user names is opened as it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "link/confined_open.h"
#include "link/dso.h"
#include "link/options.h"
#include "link/report.h"

namespace tenon::link {

/// What was found for a name: a file's bytes, or a module that needs no decoding.
struct Found {
  base::FileBytes bytes;
  std::shared_ptr<SharedModule> module;
  std::string path;       ///< absolute on the host, or as the guest names it; empty for what has no file
  std::string directory;  ///< of `path`
  Origin origin = Origin::host_file;
  FoundThrough through = FoundThrough::path;
};

class Search {
 public:
  Search(const ProgramOptions& options, Report& report);

  /// Opens the main module, which the user names, and makes its directory one to search. Errors: not_found, io.
  [[nodiscard]] Result<Found> find_main(const std::string& path);
  /// Makes `directory` the main module's; empty for none.
  void set_main_directory(const std::string& directory);
  /// Opens the directories to search, unless they are open. A program that needs no libraries does without; for all
  /// others it has to be done before any guest code runs, which could put other directories in their places.
  void open_roots();

  /// A library that the user names: a bare name or a path. Errors: not_found (lists everywhere it was looked for), io.
  [[nodiscard]] Result<Found> find_preload(const std::string& name);
  /// A library that is opened while the program runs: by the guest, in a function of `requester`, or by the embedder
  /// (no requester), whose paths are the host's. Errors: as below.
  [[nodiscard]] Result<Found> find_opened(const std::string& name, const Dso* requester);
  /// A library that `requester` needs. Errors: as above; malformed, for what can't be a name.
  [[nodiscard]] Result<Found> find_needed(const std::string& name, const Dso& requester, bool told_to_guest = false);

 private:
  /// A directory that was given by the user: what lies below is within reach of names in modules.
  struct Root {
    std::string path;   ///< absolute; the real one when the directory is there
    std::string alias;  ///< absolute, as it was given
    Descriptor directory;
    FoundThrough through;
  };
  struct Attempts;

  [[nodiscard]] static Root open_root(const std::string& path, FoundThrough through);
  /// On whose behalf, and how far names reach.
  struct Request {
    const Dso* requester = nullptr;
    const char* user = "";         ///< who asks when no DSO does
    bool is_opened = false;        ///< by dlopen, or the embedder's like
    bool trusted = false;          ///< names of the host's files may lead anywhere
    bool path_is_guest_s = false;  ///< a name with a slash is a path in the guest's file system
    bool told_to_guest = false;    ///< errors do not say where on the host was looked

    [[nodiscard]] std::string asked_by() const;
  };

  [[nodiscard]] Result<Found> find(const std::string& name, const Request& request);
  [[nodiscard]] bool open_guest_candidate(const std::string& path, FoundThrough through, Attempts& attempts,
                                          Found& found);
  [[nodiscard]] Result<bool> find_in_embedder(const std::string& name, const Request& request, Found& found);
  [[nodiscard]] Result<bool> find_in_runtime_path(const std::string& name, const Request& request, Attempts& attempts,
                                                  Found& found);
  [[nodiscard]] bool find_in_roots(const std::string& name, bool trusted, Attempts& attempts, Found& found);
  [[nodiscard]] bool open_candidate(const std::string& path, FoundThrough through, bool trusted, Attempts& attempts,
                                    Found& found);
  [[nodiscard]] Result<base::FileBytes> take_bytes(int descriptor, const std::string& path) const;
  [[nodiscard]] Descriptor open_confined(const std::string& path, std::string& reason) const;

  const ProgramOptions& options_;
  Report& report_;
  std::string main_directory_;  ///< empty for none
  bool roots_are_open_ = false;
  std::vector<Root> roots_;  ///< the library path, then the main module's directory
};

/// The directories of one runtime path entry: `$ORIGIN` and `${ORIGIN}` replaced, split at colons. Relative ones are
/// relative to `working_directory`. Entries that name an origin that the requester has not are left out.
[[nodiscard]] std::vector<std::string> expand_runtime_path(std::string_view entry, const std::string& origin,
                                                           const std::string& working_directory);

}  // namespace tenon::link
