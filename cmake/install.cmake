# Installs the headers, both kinds of the library, evnet.pc, the CMake package and the manual pages.
include(CMakePackageConfigHelpers)

foreach(header IN LISTS EVNET_HEADERS)
  if(header STREQUAL "evnet/evnet.h")
    # It includes the other headers by ../net, which is net/ in the installed tree.
    file(READ "${PROJECT_SOURCE_DIR}/${header}" text)
    string(REPLACE "\"../net/" "\"net/" text "${text}")
    file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/install/evnet.h" CONTENT "${text}")
    install(FILES "${PROJECT_BINARY_DIR}/install/evnet.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/evnet")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${header}")
  else()
    get_filename_component(directory "${header}" DIRECTORY)
    install(FILES "${PROJECT_SOURCE_DIR}/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/evnet/${directory}")
  endif()
endforeach()

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/evnet")
foreach(kind IN ITEMS static shared)
  if(with_${kind})
    install(TARGETS evnet_${kind} EXPORT evnet_${kind})
    install(EXPORT evnet_${kind} NAMESPACE evnet:: DESTINATION "${package_directory}" FILE evnet-${kind}.cmake)
  endif()
endforeach()
write_basic_package_version_file(evnetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/evnetConfig.cmake.in evnetConfig.cmake @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/evnetConfig.cmake" "${PROJECT_BINARY_DIR}/evnetConfigVersion.cmake"
        cmake/FindLiburing.cmake DESTINATION "${package_directory}")

# The prefix in evnet.pc is relative to the file, so that it is correct after `cmake --install --prefix` and after a move.
# pkg-config leaves out the system's directories only if the prefix is /usr.
file(RELATIVE_PATH from_pc "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" from_pc "${from_pc}")
set(pc_prefix "\${pcfiledir}/${from_pc}")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(pc_prefix /usr)
endif()
set(pc_private "-pthread")
if(atomic_library)
  string(APPEND pc_private " -latomic")
endif()
set(pc_requires)
if(has_uring)
  set(pc_requires "liburing >= 2.3")
endif()
configure_file(cmake/evnet.pc.in evnet.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/evnet.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# Manual pages, if Python 3 is found.
if(NOT EVNET_MAN STREQUAL "OFF")
  find_package(Python3 COMPONENTS Interpreter)
  if(Python3_FOUND)
    list(TRANSFORM EVNET_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE header_paths)
    add_custom_command(
      OUTPUT man3/evnet.3
      COMMAND "${Python3_EXECUTABLE}" tools/man.py ${PROJECT_VERSION} "${PROJECT_BINARY_DIR}/man3" ${EVNET_HEADERS}
      WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
      DEPENDS tools/man.py ${header_paths}
      VERBATIM)
    add_custom_target(evnet_man ALL DEPENDS man3/evnet.3)
    install(DIRECTORY "${PROJECT_BINARY_DIR}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}")
  elseif(EVNET_MAN STREQUAL "ON")
    message(FATAL_ERROR "EVNET_MAN is ON, but there is no Python 3 here")
  endif()
endif()
