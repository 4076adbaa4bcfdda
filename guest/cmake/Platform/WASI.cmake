# What CMake 3.25 has to know about the WASI platform, which it has never heard of. Read after its generic defaults
# (lib*.so, made with -shared), so only what differs stands here.

set(WASI 1)
set(UNIX 1) # wasi-libc has the names and the headers, and empty libm, libpthread and so on

set(CMAKE_EXECUTABLE_SUFFIX .wasm)
set(CMAKE_DL_LIBS dl)
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS TRUE)

# A module names what it needs by file name: there are no version suffixes and no sonames.
set(CMAKE_PLATFORM_NO_VERSIONED_SONAME 1)

set(CMAKE_SHARED_LIBRARY_RUNTIME_C_FLAG "-Wl,-rpath,")
set(CMAKE_SHARED_LIBRARY_RUNTIME_C_FLAG_SEP ":")

# The sysroot's directories are tenon-cc's business.
set(CMAKE_SYSTEM_INCLUDE_PATH /include/${_tenon_target})
set(CMAKE_SYSTEM_LIBRARY_PATH /lib/${_tenon_target})
