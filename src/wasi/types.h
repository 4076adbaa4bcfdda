// The binary interface of WASI preview 1: what guest and host pass through linear memory. Names are those of the
// interface's description (wasi_snapshot_preview1.witx); layouts are those of wasm32 and asserted. Nothing else here.
//
// The structs are copied to and from guest memory with memcpy, never read in place: a guest address may be unaligned,
// and other threads of the guest may write while the host reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenon::wasi {

/// A descriptor number of the guest. Untrusted until the descriptor table has looked it up.
using Fd = uint32_t;
/// An address in the guest's memory 0. Untrusted until HostCall::span() has checked it.
using Address = uint32_t;

/// errno: what every function but proc_exit returns.
enum class Errno : uint16_t {
  success,
  toobig,  ///< `2big`, which is no name in C++
  acces,
  addrinuse,
  addrnotavail,
  afnosupport,
  again,
  already,
  badf,
  badmsg,
  busy,
  canceled,
  child,
  connaborted,
  connrefused,
  connreset,
  deadlk,
  destaddrreq,
  dom,
  dquot,
  exist,
  fault,
  fbig,
  hostunreach,
  idrm,
  ilseq,
  inprogress,
  intr,
  inval,
  io,
  isconn,
  isdir,
  loop,
  mfile,
  mlink,
  msgsize,
  multihop,
  nametoolong,
  netdown,
  netreset,
  netunreach,
  nfile,
  nobufs,
  nodev,
  noent,
  noexec,
  nolck,
  nolink,
  nomem,
  nomsg,
  noprotoopt,
  nospc,
  nosys,
  notconn,
  notdir,
  notempty,
  notrecoverable,
  notsock,
  notsup,
  notty,
  nxio,
  overflow,
  ownerdead,
  perm,
  pipe,
  proto,
  protonosupport,
  prototype,
  range,
  rofs,
  spipe,
  srch,
  stale,
  timedout,
  txtbsy,
  xdev,
  notcapable,
};
static_assert(static_cast<uint16_t>(Errno::badf) == 8 && static_cast<uint16_t>(Errno::inval) == 28);
static_assert(static_cast<uint16_t>(Errno::noent) == 44 && static_cast<uint16_t>(Errno::notcapable) == 76);

/// rights: what a descriptor may be used for.
using Rights = uint64_t;
namespace rights {
constexpr Rights fd_datasync = 1U << 0;
constexpr Rights fd_read = 1U << 1;
constexpr Rights fd_seek = 1U << 2;
constexpr Rights fd_fdstat_set_flags = 1U << 3;
constexpr Rights fd_sync = 1U << 4;
constexpr Rights fd_tell = 1U << 5;
constexpr Rights fd_write = 1U << 6;
constexpr Rights fd_advise = 1U << 7;
constexpr Rights fd_allocate = 1U << 8;
constexpr Rights path_create_directory = 1U << 9;
constexpr Rights path_create_file = 1U << 10;
constexpr Rights path_link_source = 1U << 11;
constexpr Rights path_link_target = 1U << 12;
constexpr Rights path_open = 1U << 13;
constexpr Rights fd_readdir = 1U << 14;
constexpr Rights path_readlink = 1U << 15;
constexpr Rights path_rename_source = 1U << 16;
constexpr Rights path_rename_target = 1U << 17;
constexpr Rights path_filestat_get = 1U << 18;
constexpr Rights path_filestat_set_size = 1U << 19;
constexpr Rights path_filestat_set_times = 1U << 20;
constexpr Rights fd_filestat_get = 1U << 21;
constexpr Rights fd_filestat_set_size = 1U << 22;
constexpr Rights fd_filestat_set_times = 1U << 23;
constexpr Rights path_symlink = 1U << 24;
constexpr Rights path_remove_directory = 1U << 25;
constexpr Rights path_unlink_file = 1U << 26;
constexpr Rights poll_fd_readwrite = 1U << 27;
constexpr Rights sock_shutdown = 1U << 28;
constexpr Rights sock_accept = 1U << 29;
}  // namespace rights

/// clockid
namespace clockid {
constexpr uint32_t realtime = 0;
constexpr uint32_t monotonic = 1;
constexpr uint32_t process_cputime_id = 2;
constexpr uint32_t thread_cputime_id = 3;
}  // namespace clockid

/// filetype
enum class FileType : uint8_t {
  unknown = 0,  ///< pipes and FIFOs too: the interface has no name for them
  block_device = 1,
  character_device = 2,
  directory = 3,
  regular_file = 4,
  socket_dgram = 5,
  socket_stream = 6,
  symbolic_link = 7,
};

/// whence, of preview 1 (wasi_unstable has another order, see unstable::whence)
namespace whence {
constexpr uint32_t set = 0;
constexpr uint32_t cur = 1;
constexpr uint32_t end = 2;
}  // namespace whence

/// advice
namespace advice {
constexpr uint32_t normal = 0;
constexpr uint32_t sequential = 1;
constexpr uint32_t random = 2;
constexpr uint32_t willneed = 3;
constexpr uint32_t dontneed = 4;
constexpr uint32_t noreuse = 5;
}  // namespace advice

/// fdflags
namespace fdflags {
constexpr uint16_t append = 1U << 0;
constexpr uint16_t dsync = 1U << 1;
constexpr uint16_t nonblock = 1U << 2;
constexpr uint16_t rsync = 1U << 3;
constexpr uint16_t sync = 1U << 4;
constexpr uint16_t all = append | dsync | nonblock | rsync | sync;
}  // namespace fdflags

/// fstflags
namespace fstflags {
constexpr uint16_t atim = 1U << 0;
constexpr uint16_t atim_now = 1U << 1;
constexpr uint16_t mtim = 1U << 2;
constexpr uint16_t mtim_now = 1U << 3;
constexpr uint16_t all = atim | atim_now | mtim | mtim_now;
}  // namespace fstflags

/// lookupflags
namespace lookupflags {
constexpr uint32_t symlink_follow = 1U << 0;
constexpr uint32_t all = symlink_follow;
}  // namespace lookupflags

/// oflags
namespace oflags {
constexpr uint16_t creat = 1U << 0;
constexpr uint16_t directory = 1U << 1;
constexpr uint16_t excl = 1U << 2;
constexpr uint16_t trunc = 1U << 3;
constexpr uint16_t all = creat | directory | excl | trunc;
}  // namespace oflags

/// riflags and roflags of sock_recv, sdflags of sock_shutdown
namespace riflags {
constexpr uint16_t recv_peek = 1U << 0;
constexpr uint16_t recv_waitall = 1U << 1;
constexpr uint16_t all = recv_peek | recv_waitall;
}  // namespace riflags
namespace roflags {
constexpr uint16_t recv_data_truncated = 1U << 0;
}  // namespace roflags
namespace sdflags {
constexpr uint8_t rd = 1U << 0;
constexpr uint8_t wr = 1U << 1;
constexpr uint8_t all = rd | wr;
}  // namespace sdflags

/// iovec and ciovec
struct IoVec {
  Address buf;
  uint32_t buf_len;
};
static_assert(sizeof(IoVec) == 8);

/// fdstat
struct FdStat {
  uint8_t fs_filetype;
  uint8_t padding1;
  uint16_t fs_flags;
  uint32_t padding2;
  Rights fs_rights_base;
  Rights fs_rights_inheriting;
};
static_assert(sizeof(FdStat) == 24);
static_assert(offsetof(FdStat, fs_flags) == 2);
static_assert(offsetof(FdStat, fs_rights_base) == 8);
static_assert(offsetof(FdStat, fs_rights_inheriting) == 16);

/// filestat
struct FileStat {
  uint64_t dev;
  uint64_t ino;
  uint8_t filetype;
  uint8_t padding[7];
  uint64_t nlink;
  uint64_t size;
  uint64_t atim;
  uint64_t mtim;
  uint64_t ctim;
};
static_assert(sizeof(FileStat) == 64);
static_assert(offsetof(FileStat, ino) == 8);
static_assert(offsetof(FileStat, filetype) == 16);
static_assert(offsetof(FileStat, nlink) == 24);
static_assert(offsetof(FileStat, size) == 32);
static_assert(offsetof(FileStat, atim) == 40);
static_assert(offsetof(FileStat, mtim) == 48);
static_assert(offsetof(FileStat, ctim) == 56);

/// dirent; the name follows it, without a terminating zero
struct DirEnt {
  uint64_t d_next;
  uint64_t d_ino;
  uint32_t d_namlen;
  uint8_t d_type;
  uint8_t padding[3];
};
static_assert(sizeof(DirEnt) == 24);
static_assert(offsetof(DirEnt, d_ino) == 8);
static_assert(offsetof(DirEnt, d_namlen) == 16);
static_assert(offsetof(DirEnt, d_type) == 20);

/// prestat, of the one kind there is: a directory
struct PreStat {
  uint8_t tag;
  uint8_t padding[3];
  uint32_t pr_name_len;
};
static_assert(sizeof(PreStat) == 8);
static_assert(offsetof(PreStat, pr_name_len) == 4);

/// eventtype
namespace eventtype {
constexpr uint8_t clock = 0;
constexpr uint8_t fd_read = 1;
constexpr uint8_t fd_write = 2;
}  // namespace eventtype

/// subclockflags and eventrwflags
namespace subclockflags {
constexpr uint16_t subscription_clock_abstime = 1U << 0;
}  // namespace subclockflags
namespace eventrwflags {
constexpr uint16_t fd_readwrite_hangup = 1U << 0;
}  // namespace eventrwflags

/// subscription_clock
struct SubscriptionClock {
  uint32_t id;
  uint32_t padding1;
  uint64_t timeout;
  uint64_t precision;
  uint16_t flags;
  uint8_t padding2[6];
};
static_assert(sizeof(SubscriptionClock) == 32);
static_assert(offsetof(SubscriptionClock, timeout) == 8);
static_assert(offsetof(SubscriptionClock, precision) == 16);
static_assert(offsetof(SubscriptionClock, flags) == 24);

/// subscription; `tag` is an eventtype
struct Subscription {
  uint64_t userdata;
  uint8_t tag;
  uint8_t padding[7];
  union {
    SubscriptionClock clock;
    Fd file_descriptor;
  };
};
static_assert(sizeof(Subscription) == 48);
static_assert(offsetof(Subscription, tag) == 8);
static_assert(offsetof(Subscription, clock) == 16);
static_assert(offsetof(Subscription, file_descriptor) == 16);

/// event
struct Event {
  uint64_t userdata;
  uint16_t error;
  uint8_t type;
  uint8_t padding1[5];
  uint64_t nbytes;
  uint16_t flags;
  uint8_t padding2[6];
};
static_assert(sizeof(Event) == 32);
static_assert(offsetof(Event, error) == 8);
static_assert(offsetof(Event, type) == 10);
static_assert(offsetof(Event, nbytes) == 16);
static_assert(offsetof(Event, flags) == 24);

/// Where the older module `wasi_unstable` (snapshot 0) differs. All else is the same, but it has no sock_accept.
namespace unstable {

namespace whence {
constexpr uint32_t cur = 0;
constexpr uint32_t end = 1;
constexpr uint32_t set = 2;
}  // namespace whence

/// filestat: a link count of 32 bits
struct FileStat {
  uint64_t dev;
  uint64_t ino;
  uint8_t filetype;
  uint8_t padding[3];
  uint32_t nlink;
  uint64_t size;
  uint64_t atim;
  uint64_t mtim;
  uint64_t ctim;
};
static_assert(sizeof(FileStat) == 56);
static_assert(offsetof(FileStat, nlink) == 20);
static_assert(offsetof(FileStat, size) == 24);
static_assert(offsetof(FileStat, ctim) == 48);

/// subscription_clock: an identifier in front
struct SubscriptionClock {
  uint64_t identifier;
  uint32_t id;
  uint32_t padding1;
  uint64_t timeout;
  uint64_t precision;
  uint16_t flags;
  uint8_t padding2[6];
};
static_assert(sizeof(SubscriptionClock) == 40);
static_assert(offsetof(SubscriptionClock, id) == 8);
static_assert(offsetof(SubscriptionClock, timeout) == 16);
static_assert(offsetof(SubscriptionClock, flags) == 32);

struct Subscription {
  uint64_t userdata;
  uint8_t tag;
  uint8_t padding[7];
  union {
    SubscriptionClock clock;
    Fd file_descriptor;
  };
};
static_assert(sizeof(Subscription) == 56);
static_assert(offsetof(Subscription, clock) == 16);

}  // namespace unstable

}  // namespace tenon::wasi
