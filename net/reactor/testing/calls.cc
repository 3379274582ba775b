// Notes the calls of evnet_conn_ functions that a message of a failed test shows; see steps.h. The
// linker puts these in between.
#include "net/reactor/testing/harness.h"

using evnet_testing::Harness;
using evnet_testing::Step;

extern "C" {

#define EVNET_NOTE_VOID(name)                                \
  void __real_evnet_conn_##name(evnet_conn *conn);           \
  void __wrap_evnet_conn_##name(evnet_conn *conn);           \
  void __wrap_evnet_conn_##name(evnet_conn *conn) {          \
    Harness::NoteCall(conn, Step::Kind::kVoid, #name, 0, 0); \
    __real_evnet_conn_##name(conn);                          \
  }

EVNET_NOTE_VOID(abort)
EVNET_NOTE_VOID(close)
EVNET_NOTE_VOID(pause_reading)
EVNET_NOTE_VOID(release)
EVNET_NOTE_VOID(resume_reading)

ssize_t __real_evnet_conn_write(evnet_conn *conn, const void *data, size_t size);
ssize_t __wrap_evnet_conn_write(evnet_conn *conn, const void *data, size_t size);
int64_t __real_evnet_conn_sendfile(evnet_conn *conn, int descriptor, int64_t offset, int64_t size);
int64_t __wrap_evnet_conn_sendfile(evnet_conn *conn, int descriptor, int64_t offset, int64_t size);
int __real_evnet_conn_shutdown_write(evnet_conn *conn);
int __wrap_evnet_conn_shutdown_write(evnet_conn *conn);
int __real_evnet_conn_hold(evnet_conn *conn);
int __wrap_evnet_conn_hold(evnet_conn *conn);

ssize_t __wrap_evnet_conn_write(evnet_conn *conn, const void *data, size_t size) {
  const ssize_t result = __real_evnet_conn_write(conn, data, size);
  Harness::NoteCall(conn, Step::Kind::kCall, "write", static_cast<int64_t>(size), result);
  return result;
}

int64_t __wrap_evnet_conn_sendfile(evnet_conn *conn, int descriptor, int64_t offset, int64_t size) {
  const int64_t result = __real_evnet_conn_sendfile(conn, descriptor, offset, size);
  Harness::NoteCall(conn, Step::Kind::kCall, "sendfile", size, result);
  return result;
}

int __wrap_evnet_conn_shutdown_write(evnet_conn *conn) {
  const int result = __real_evnet_conn_shutdown_write(conn);
  Harness::NoteCall(conn, Step::Kind::kStatus, "shutdown_write()", 0, result);
  return result;
}

int __wrap_evnet_conn_hold(evnet_conn *conn) {
  const int result = __real_evnet_conn_hold(conn);
  Harness::NoteCall(conn, Step::Kind::kStatus, "hold()", 0, result);
  return result;
}

}  // extern "C"
