// Every WASI function, as register.cpp hands them to guests. Parameters and their order are those of the interface's
// description; a parameter of 32 bits or fewer is a uint32_t, one of 64 bits a uint64_t, and none is checked yet.
//
// A function looks up its descriptors, checks rights, arguments and addresses, and only then does something. It says
// what it came to; the errno becomes the result that the guest sees.
#pragma once

#include "runtime/host.h"
#include "wasi/errors.h"
#include "wasi/guest.h"
#include "wasi/process.h"
#include "wasi/types.h"

namespace tenon::wasi {

using runtime::HostCall;

// process.cpp: arguments, environment, end, random bytes
Outcome<> args_get(Process& process, HostCall& call, Address argv, Address argv_buf);
Outcome<> args_sizes_get(Process& process, HostCall& call, Address count, Address size);
Outcome<> environ_get(Process& process, HostCall& call, Address pointers, Address environ_buf);
Outcome<> environ_sizes_get(Process& process, HostCall& call, Address count, Address size);
Outcome<> random_get(Process& process, HostCall& call, Address buf, uint32_t buf_len);
Outcome<> sched_yield(Process& process, HostCall& call);
/// These two end the guest, or may: they are host functions as they are (false: the guest is to be unwound).
bool proc_exit(void* environment, HostCall& call);
bool proc_raise(void* environment, HostCall& call);

// clocks.cpp
Outcome<> clock_res_get(Process& process, HostCall& call, uint32_t id, Address result);
Outcome<> clock_time_get(Process& process, HostCall& call, uint32_t id, uint64_t precision, Address result);

// files.cpp: what is done with a descriptor
Outcome<> fd_advise(Process& process, HostCall& call, Fd fd, uint64_t offset, uint64_t len, uint32_t advice);
Outcome<> fd_allocate(Process& process, HostCall& call, Fd fd, uint64_t offset, uint64_t len);
Outcome<> fd_close(Process& process, HostCall& call, Fd fd);
Outcome<> fd_datasync(Process& process, HostCall& call, Fd fd);
Outcome<> fd_fdstat_get(Process& process, HostCall& call, Fd fd, Address result);
Outcome<> fd_fdstat_set_flags(Process& process, HostCall& call, Fd fd, uint32_t flags);
Outcome<> fd_fdstat_set_rights(Process& process, HostCall& call, Fd fd, Rights base, Rights inheriting);
Outcome<> fd_filestat_get(Process& process, HostCall& call, Fd fd, Address result);
Outcome<> fd_filestat_set_size(Process& process, HostCall& call, Fd fd, uint64_t size);
Outcome<> fd_filestat_set_times(Process& process, HostCall& call, Fd fd, uint64_t atim, uint64_t mtim, uint32_t flags);
Outcome<> fd_pread(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, uint64_t offset,
                   Address result);
Outcome<> fd_prestat_get(Process& process, HostCall& call, Fd fd, Address result);
Outcome<> fd_prestat_dir_name(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len);
Outcome<> fd_pwrite(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, uint64_t offset,
                    Address result);
Outcome<> fd_read(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, Address result);
Outcome<> fd_renumber(Process& process, HostCall& call, Fd fd, Fd to);
Outcome<> fd_seek(Process& process, HostCall& call, Fd fd, uint64_t offset, uint32_t whence, Address result);
Outcome<> fd_sync(Process& process, HostCall& call, Fd fd);
Outcome<> fd_tell(Process& process, HostCall& call, Fd fd, Address result);
Outcome<> fd_write(Process& process, HostCall& call, Fd fd, Address iovs, uint32_t iovs_len, Address result);
Outcome<> unstable_fd_filestat_get(Process& process, HostCall& call, Fd fd, Address result);
Outcome<> unstable_fd_seek(Process& process, HostCall& call, Fd fd, uint64_t offset, uint32_t whence, Address result);

// readdir.cpp
Outcome<> fd_readdir(Process& process, HostCall& call, Fd fd, Address buf, uint32_t buf_len, uint64_t cookie,
                     Address result);

// paths.cpp: what is done with a directory descriptor and a path
Outcome<> path_create_directory(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len);
Outcome<> path_filestat_get(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path, uint32_t path_len,
                            Address result);
Outcome<> path_filestat_set_times(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path,
                                  uint32_t path_len, uint64_t atim, uint64_t mtim, uint32_t fst_flags);
Outcome<> path_link(Process& process, HostCall& call, Fd old_fd, uint32_t old_flags, Address old_path,
                    uint32_t old_path_len, Fd new_fd, Address new_path, uint32_t new_path_len);
Outcome<> path_open(Process& process, HostCall& call, Fd fd, uint32_t dirflags, Address path, uint32_t path_len,
                    uint32_t open_flags, Rights base, Rights inheriting, uint32_t fd_flags, Address result);
Outcome<> path_readlink(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len, Address buf,
                        uint32_t buf_len, Address result);
Outcome<> path_remove_directory(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len);
Outcome<> path_rename(Process& process, HostCall& call, Fd old_fd, Address old_path, uint32_t old_path_len, Fd new_fd,
                      Address new_path, uint32_t new_path_len);
Outcome<> path_symlink(Process& process, HostCall& call, Address old_path, uint32_t old_path_len, Fd fd,
                       Address new_path, uint32_t new_path_len);
Outcome<> path_unlink_file(Process& process, HostCall& call, Fd fd, Address path, uint32_t path_len);
Outcome<> unstable_path_filestat_get(Process& process, HostCall& call, Fd fd, uint32_t flags, Address path,
                                     uint32_t path_len, Address result);

// poll.cpp
Outcome<> poll_oneoff(Process& process, HostCall& call, Address in, Address out, uint32_t count, Address result);
Outcome<> unstable_poll_oneoff(Process& process, HostCall& call, Address in, Address out, uint32_t count,
                               Address result);

// sockets.cpp
Outcome<> sock_accept(Process& process, HostCall& call, Fd fd, uint32_t flags, Address result);
Outcome<> sock_recv(Process& process, HostCall& call, Fd fd, Address ri_data, uint32_t ri_data_len, uint32_t ri_flags,
                    Address ro_data_len, Address ro_flags);
Outcome<> sock_send(Process& process, HostCall& call, Fd fd, Address si_data, uint32_t si_data_len, uint32_t si_flags,
                    Address so_data_len);
Outcome<> sock_shutdown(Process& process, HostCall& call, Fd fd, uint32_t how);

}  // namespace tenon::wasi
