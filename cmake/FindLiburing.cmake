# Finds liburing 2.3 or later: Liburing_FOUND, and the target Liburing::Liburing.
find_path(Liburing_INCLUDE_DIR liburing.h)
find_library(Liburing_LIBRARY uring)
mark_as_advanced(Liburing_INCLUDE_DIR Liburing_LIBRARY)

# The header has no version, so the functions that the backend needs decide; 2.3 has all of them.
set(Liburing_is_recent "${Liburing_INCLUDE_DIR}")
if(Liburing_INCLUDE_DIR)
  foreach(name IN ITEMS io_uring_prep_recv_multishot io_uring_register_buf_ring io_uring_submit_and_get_events)
    file(STRINGS "${Liburing_INCLUDE_DIR}/liburing.h" Liburing_line REGEX "${name}" LIMIT_COUNT 1)
    if(NOT Liburing_line)
      set(Liburing_is_recent FALSE)
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Liburing DEFAULT_MSG Liburing_LIBRARY Liburing_INCLUDE_DIR Liburing_is_recent)

if(Liburing_FOUND AND NOT TARGET Liburing::Liburing)
  add_library(Liburing::Liburing UNKNOWN IMPORTED)
  set_target_properties(Liburing::Liburing PROPERTIES IMPORTED_LOCATION "${Liburing_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${Liburing_INCLUDE_DIR}")
endif()
