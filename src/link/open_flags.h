// How a library is opened.
#pragma once

namespace tenon::link {

/// The flags of dlopen; none of them set is RTLD_LAZY | RTLD_LOCAL.
struct OpenFlags {
  bool now = false;             ///< RTLD_NOW: resolve all its functions
  bool global = false;          ///< RTLD_GLOBAL: libraries that come later may use its symbols
  bool only_if_loaded = false;  ///< RTLD_NOLOAD
  bool keep = false;            ///< RTLD_NODELETE: never unload it
  bool own_first = false;       ///< RTLD_DEEPBIND: its own symbols come before the global ones
};

}  // namespace tenon::link
