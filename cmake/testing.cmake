# The tests: cmake/tests.cmake has all that need no other files. They use functions that libevnet.so does not export, so
# they are linked with libevnet.a.
if(NOT with_static)
  message(FATAL_ERROR "EVNET_BUILD_TESTS needs libevnet.a: do not set BUILD_SHARED_LIBS")
endif()
enable_language(CXX)
find_package(GTest QUIET)
if(NOT TARGET GTest::gtest_main)
  # Debian's package googletest has sources only.
  find_path(EVNET_GOOGLETEST CMakeLists.txt PATHS /usr/src/googletest NO_DEFAULT_PATH)
  if(NOT EVNET_GOOGLETEST)
    message(FATAL_ERROR "EVNET_BUILD_TESTS needs GoogleTest: install googletest")
  endif()
  set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
  set(BUILD_GMOCK OFF CACHE BOOL "" FORCE)
  add_subdirectory("${EVNET_GOOGLETEST}" googletest EXCLUDE_FROM_ALL)
  if(NOT TARGET GTest::gtest_main)
    add_library(GTest::gtest_main ALIAS gtest_main)
    add_library(GTest::gtest ALIAS gtest)
  endif()
endif()

# With EVNET_BUILD_TESTS=ON, a test whose name matches is built.
set(EVNET_TESTS "^net_base_|^net_buffer_|^net_balancer_|^net_reactor_(close|mailbox|stop|timer|wheel)_\
|^net_server_(callbacks|lifecycle|udp|workers)_(uring_)?test$" CACHE STRING "Names of tests, as a regular expression")

# A header that most tests include. They share its compiled form, because they have the same flags.
file(WRITE "${PROJECT_BINARY_DIR}/prelude.cc" "")
add_library(evnet_prelude OBJECT EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/prelude.cc")

function(evnet_test_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF CXX_STANDARD 17 CXX_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${ARGN})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
endfunction()

evnet_test_flags(evnet_prelude)
target_link_libraries(evnet_prelude PRIVATE GTest::gtest)
target_precompile_headers(evnet_prelude PRIVATE "${PROJECT_SOURCE_DIR}/bazel/prelude.h")

# Tells whether a test of this name is built.
function(evnet_test_wanted name linux_only out)
  set(${out} OFF PARENT_SCOPE)
  if((EVNET_BUILD_TESTS STREQUAL "ALL" OR name MATCHES "${EVNET_TESTS}") AND
     NOT (linux_only AND NOT CMAKE_SYSTEM_NAME STREQUAL "Linux") AND (has_uring OR NOT name MATCHES "uring"))
    set(${out} ON PARENT_SCOPE)
  endif()
endfunction()

# A library that only tests use. It is built if one of its tests is.
function(evnet_test_library name)
  cmake_parse_arguments(PARSE_ARGV 1 library "LINUX_ONLY;ALWAYS_LINK" "" "SOURCES;LINK_OPTIONS;DEFINES;DEPS")
  if(NOT library_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${library_DEPS})
    target_link_options(${name} INTERFACE ${library_LINK_OPTIONS})
    return()
  endif()
  if(library_ALWAYS_LINK)
    add_library(${name} OBJECT EXCLUDE_FROM_ALL ${library_SOURCES})
  else()
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${library_SOURCES})
  endif()
  evnet_test_flags(${name} ${library_DEFINES})
  target_link_libraries(${name} PUBLIC ${library_DEPS} evnet::static GTest::gtest)
  target_link_options(${name} INTERFACE ${library_LINK_OPTIONS})
endfunction()

function(evnet_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "LINUX_ONLY" "" "SOURCES;LINK_OPTIONS;ENVIRONMENT;DEPS")
  evnet_test_wanted(${name} ${test_LINUX_ONLY} is_wanted)
  if(NOT is_wanted)
    return()
  endif()
  add_executable(${name} ${test_SOURCES} $<TARGET_OBJECTS:net_base_testing_explain>)
  evnet_test_flags(${name})
  target_precompile_headers(${name} REUSE_FROM evnet_prelude)
  target_link_libraries(${name} PRIVATE ${test_DEPS} evnet::static GTest::gtest_main)
  target_link_options(${name} PRIVATE ${test_LINK_OPTIONS})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${test_ENVIRONMENT}" SKIP_RETURN_CODE 77 TIMEOUT 300)
endfunction()

# The same program with other variables.
function(evnet_test_again name test)
  evnet_test_wanted(${name} OFF is_wanted)
  if(TARGET ${test} AND is_wanted)
    add_test(NAME ${name} COMMAND ${test})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ARGN}" SKIP_RETURN_CODE 77 TIMEOUT 300)
  endif()
endfunction()

include(cmake/tests.cmake)
