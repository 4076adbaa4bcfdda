# Builds a CMake project as a Tenon guest: `cmake -DCMAKE_TOOLCHAIN_FILE=<this file> ...`. Shared libraries become
# lib*.so, programs *.wasm, both position independent. Platform/WASI.cmake beside this file tells CMake the rest.
#
# tenon-cc is taken from the directory above this one or from a bin/ near it, so the file works in the source tree, in
# a build tree and installed. TENON_SYSROOT, TENON_CLANG and TENON_WASI_SDK in the environment mean what they mean to
# tenon-cc; they must be the same when configuring and when building.
#
# -DTENON_THREADS=ON is for the target with threads, wasm32-wasip1-threads: all is compiled and linked with -pthread.
#
# Where the needed libraries are searched: in the directory of the program and in those given to `tenon run -L`. A target's
# INSTALL_RPATH becomes its runtime path, in the build tree too; `$ORIGIN` in it is the module's own directory.

set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})

option(TENON_THREADS "Compile for the target with threads, wasm32-wasip1-threads")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TENON_THREADS)
set(_tenon_target wasm32-wasip1)
if(TENON_THREADS)
  set(_tenon_target wasm32-wasip1-threads)
  set(CMAKE_C_FLAGS_INIT -pthread)
  set(CMAKE_CXX_FLAGS_INIT -pthread)
endif()

set(_tenon_directories
    ${CMAKE_CURRENT_LIST_DIR}/.. ${CMAKE_CURRENT_LIST_DIR}/../bin ${CMAKE_CURRENT_LIST_DIR}/../../bin
    ${CMAKE_CURRENT_LIST_DIR}/../../../bin)
find_program(TENON_CC tenon-cc PATHS ${_tenon_directories} NO_DEFAULT_PATH REQUIRED)
find_program(TENON_CXX tenon-c++ PATHS ${_tenon_directories} NO_DEFAULT_PATH REQUIRED)
set(CMAKE_C_COMPILER ${TENON_CC})
set(CMAKE_CXX_COMPILER ${TENON_CXX})

# The machine's own ar makes no symbol table of WebAssembly objects.
foreach(_tenon_tool AR RANLIB NM STRIP OBJDUMP)
  string(TOLOWER ${_tenon_tool} _tenon_tool_name)
  find_program(TENON_${_tenon_tool} NAMES llvm-${_tenon_tool_name}-19 llvm-${_tenon_tool_name} HINTS $ENV{TENON_WASI_SDK}/bin)
  if(TENON_${_tenon_tool})
    set(CMAKE_${_tenon_tool} ${TENON_${_tenon_tool}})
  endif()
  mark_as_advanced(TENON_${_tenon_tool})
endforeach()

# Libraries and headers are the sysroot's; tools are the machine's.
if(DEFINED ENV{TENON_WASI_SDK})
  set(_tenon_sysroot $ENV{TENON_WASI_SDK}/share/wasi-sysroot)
elseif(DEFINED ENV{TENON_SYSROOT})
  set(_tenon_sysroot $ENV{TENON_SYSROOT})
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(_tenon_sysroot $ENV{XDG_CACHE_HOME}/tenon/sysroot)
else()
  set(_tenon_sysroot $ENV{HOME}/.cache/tenon/sysroot)
endif()
list(APPEND CMAKE_FIND_ROOT_PATH ${_tenon_sysroot})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Programs that the build or its tests run go through the runtime, if it is there.
find_program(TENON_COMMAND tenon HINTS ${_tenon_directories})
if(TENON_COMMAND)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${TENON_COMMAND} run --library-path ${_tenon_sysroot}/lib/${_tenon_target})
endif()
mark_as_advanced(TENON_CC TENON_CXX TENON_COMMAND)

# check_function_exists and its like declare every function as `char f(void)`. wasm-ld takes that for an error if the
# true one is in a shared library, so what such checks link gets libc from its archive. (The same helps a `configure`
# script: LIBS='-no-pie -Wl,-Bstatic'.)
get_property(_tenon_is_check GLOBAL PROPERTY IN_TRY_COMPILE)
if(_tenon_is_check)
  set(CMAKE_C_STANDARD_LIBRARIES_INIT "-no-pie -Wl,-Bstatic")
  set(CMAKE_CXX_STANDARD_LIBRARIES_INIT "-no-pie -Wl,-Bstatic")
endif()

# CMake can rewrite the runtime path at installation in ELF files only, so it is right from the beginning.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
