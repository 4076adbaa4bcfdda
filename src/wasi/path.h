// Confined path resolution: how a path that the guest passes becomes a file, and why it is never one outside of the
// directory that the path is relative to.
//
// The guest names files by a directory descriptor and a path relative to it. It owns what is in that directory: it can
// fill it with symbolic links, and rename and replace whatever is in there from one thread while another resolves. The
// invariant is that no system call is ever made on a path that could lead out at the moment the kernel follows it.
// Checking a path first and using it afterwards cannot keep it; what keeps it is that resolution is either done and
// confined by the kernel in one call, or done here in steps that each cannot leave.
//
//   In the kernel   openat2(2) with RESOLVE_BENEATH. The kernel itself refuses a step above the starting directory, by
//                   `..`, by an absolute path or by a symbolic link to one, and notices a rename that moves the
//                   directories under its feet (EAGAIN: tried again a few times, then walked). Magic links, as in
//                   /proc/self/fd, are refused as well.
//
//   By a walk       For kernels before 5.6, and for sandboxes that forbid openat2. One component at a time:
//                   - openat(2) of a single name that is neither `.` nor `..` and has no slash, with O_NOFOLLOW. It
//                     reaches an entry of the directory that is already held, so whatever is swapped in meanwhile is
//                     also an entry of a directory beneath.
//                   - A symbolic link is not followed but read, and its text put in front of what remains of the path.
//                     An absolute one is refused. 40 expansions are the limit, as in the kernel.
//                   - `..` is never given to the kernel. The handles of the directories walked through are kept, and
//                     `..` goes back to the one before; there is none before the starting directory. So a directory
//                     that is moved out of its parent meanwhile cannot be climbed out of.
//
// Calls that take a name and not a descriptor (mkdirat, unlinkat, renameat, linkat, symlinkat, readlinkat, fstatat,
// utimensat) get a Location: the handle of the parent directory, resolved as above, and one last name that is not `..`
// and has no slash in it, not even at the end (the kernel would follow a link for that). They are called so that they
// do not follow a symbolic link in last place: AT_SYMLINK_NOFOLLOW, or by their nature. When a link in last place is to
// be followed, it is read here and the path it gives is resolved from the start. Should the last name become a link in
// between, the call acts on the link.
//
// What is not confined: mount points below the directory are crossed (whoever mounts there means it), and hard links
// lead where they lead; the guest cannot make one to a file outside, because it would have to name it first.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "wasi/errors.h"
#include "wasi/handle.h"

namespace tenon::wasi {

/// What becomes of a symbolic link in last place.
enum class Follow : uint8_t {
  never,       ///< it is what is meant
  with_slash,  ///< it is followed when the path ends in a slash
  always,
};

/// Where a path leads: a directory and the name of one of its entries, which need not exist.
struct Location {
  Handle directory;   ///< may borrow the starting directory: not to outlive that
  std::string name;   ///< no slash, never `..`; `.` when the path is a directory's by its form (`a/.`, `a/..`)
  bool is_directory;  ///< the path ends in a slash or dot: what it names has to be a directory
};

class Resolver {
 public:
  /// Asks the kernel once whether it confines (openat2), and walks when it does not. `may_use_kernel` false: walks.
  [[nodiscard]] static Resolver detect(bool may_use_kernel);

  /// Opens `path` beneath `directory`, with open(2)'s `flags` and `mode`; O_CLOEXEC is added, and O_NOFOLLOW unless
  /// `follow`. notcapable when the path leads out. May wait, when the path is a FIFO's; intr after a signal then.
  [[nodiscard]] Outcome<Handle> open(int directory, const std::string& path, int flags, mode_t mode, bool follow) const;

  /// Resolves all of `path` but its last name. notcapable when the path leads out, as far as it is resolved.
  [[nodiscard]] Outcome<Location> locate(int directory, const std::string& path, Follow follow) const;

  [[nodiscard]] bool is_in_kernel() const { return in_kernel_; }

 private:
  bool in_kernel_ = false;
};

/// notdir, or another failure, unless the entry is a directory (not a link to one).
[[nodiscard]] Outcome<> require_directory(const Location& location);

}  // namespace tenon::wasi
