# What `cmake --install` puts where: the command, the compiler, the guest compiler wrappers, the library with its headers,
# and how CMake (find_package(tenon)) and pkg-config (tenon.pc) find it.
include(CMakePackageConfigHelpers)

install(TARGETS tenon RUNTIME)
if(TENON_COMPILER)
  install(TARGETS tenon-compile RUNTIME)
endif()
install(PROGRAMS guest/tenon-cc guest/tenon-c++ guest/set-runtime-path TYPE BIN)
install(TARGETS tenon-shared EXPORT tenon-targets LIBRARY)
install(TARGETS iwasm LIBRARY)
install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN *.h)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)
install(EXPORT tenon-targets NAMESPACE tenon:: DESTINATION ${package_directory} FILE tenon-targets.cmake)
configure_package_config_file(cmake/tenon-config.cmake.in tenon-config.cmake INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(tenon-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tenon-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/tenon-config-version.cmake
  DESTINATION ${package_directory})

file(RELATIVE_PATH includes_from_package_file /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/tenon.pc.in tenon.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tenon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Manual pages, from what the commands say of themselves, and completion, which asks them.
install(FILES cmake/tenon.bash-completion DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tenon)
find_program(TENON_HELP2MAN help2man)
if(TENON_HELP2MAN AND NOT CMAKE_CROSSCOMPILING)
  set(manual_pages)
  foreach(page
      "tenon:WebAssembly runtime made around dynamic linking"
      "tenon-run:link a WebAssembly program with its libraries and run it"
      "tenon-compile:compile WebAssembly modules ahead of time"
      "tenon-verify:check images of compiled WebAssembly modules"
      "tenon-ldd:print the shared libraries that a WebAssembly module needs"
      "tenon-graph:draw the shared libraries that a WebAssembly module needs"
      "tenon-maps:print who has which part of a WebAssembly program's memory"
      "tenon-nm:list the symbols of WebAssembly modules"
      "tenon-inspect:print the sections of WebAssembly modules")
    string(REGEX MATCH "^([^:]*):(.*)$" page "${page}")
    set(name ${CMAKE_MATCH_1})
    set(what ${CMAKE_MATCH_2})
    string(REPLACE "tenon-" "tenon " words ${name})
    set(file ${CMAKE_CURRENT_BINARY_DIR}/man/${name}.1)
    add_custom_command(OUTPUT ${file} DEPENDS tenon
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/man
      COMMAND ${TENON_HELP2MAN} --no-info --name ${what} --version-string "tenon ${PROJECT_VERSION}" --output ${file}
        "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${words}"
      VERBATIM)
    list(APPEND manual_pages ${file})
  endforeach()
  add_custom_target(manual-pages ALL DEPENDS ${manual_pages})
  install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# `cpack --config build/release/CPackConfig.cmake` makes a Debian package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Tenon's maintainers <maintainers@tenon.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "WebAssembly runtime made around dynamic linking")
set(CPACK_PACKAGE_DESCRIPTION "Links WebAssembly programs with shared libraries when they start and while they run,
 runs them interpreted or compiled ahead of time, from a command line or inside of a host program.")
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS clang-19)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)
