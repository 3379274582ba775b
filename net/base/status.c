// The table of status names and messages. It is constant, so both functions are thread-safe.
// strerror(3) is not, and only glibc has strerrorname_np(3).
#include "net/base/status.h"

#include <errno.h>
#include <stddef.h>

struct entry {
  int status;
  const char *name;
  const char *message;
};

#define ERRNO_ENTRY(code, message) \
  { -(code), #code, message }
#define OWN_ENTRY(code, message) \
  { code, #code, message }

static const struct entry entries[] = {
    ERRNO_ENTRY(EPERM, "operation not permitted"),
    ERRNO_ENTRY(ENOENT, "no such file or directory"),
    ERRNO_ENTRY(ESRCH, "no such process"),
    ERRNO_ENTRY(EINTR, "interrupted"),
    ERRNO_ENTRY(EIO, "input/output error"),
    ERRNO_ENTRY(ENXIO, "no such device or address"),
    ERRNO_ENTRY(EBADF, "bad file descriptor"),
    ERRNO_ENTRY(EAGAIN, "would block, or full: try again"),
    ERRNO_ENTRY(ENOMEM, "out of memory"),
    ERRNO_ENTRY(EACCES, "permission denied"),
    ERRNO_ENTRY(EFAULT, "bad memory address"),
    ERRNO_ENTRY(EBUSY, "busy"),
    ERRNO_ENTRY(EEXIST, "exists already"),
    ERRNO_ENTRY(ENODEV, "no such device"),
    ERRNO_ENTRY(ENOTDIR, "not a directory"),
    ERRNO_ENTRY(EISDIR, "is a directory"),
    ERRNO_ENTRY(EINVAL, "invalid argument"),
    ERRNO_ENTRY(ENFILE, "out of descriptors in the system"),
    ERRNO_ENTRY(EMFILE, "out of descriptors in the process"),
    ERRNO_ENTRY(EFBIG, "file too large"),
    ERRNO_ENTRY(ENOSPC, "no space left"),
    ERRNO_ENTRY(ESPIPE, "cannot seek"),
    ERRNO_ENTRY(EROFS, "read-only file system"),
    ERRNO_ENTRY(EPIPE, "broken pipe"),
    ERRNO_ENTRY(ERANGE, "out of range"),
    ERRNO_ENTRY(EDEADLK, "would deadlock"),
    ERRNO_ENTRY(ENAMETOOLONG, "name too long"),
    ERRNO_ENTRY(ENOSYS, "not supported by this system"),
    ERRNO_ENTRY(ELOOP, "too many symbolic links"),
    ERRNO_ENTRY(EPROTO, "protocol error"),
    ERRNO_ENTRY(EOVERFLOW, "value too large"),
    ERRNO_ENTRY(ENOTSOCK, "not a socket"),
    ERRNO_ENTRY(EDESTADDRREQ, "destination address required"),
    ERRNO_ENTRY(EMSGSIZE, "message too long"),
    ERRNO_ENTRY(EPROTOTYPE, "wrong protocol for the socket"),
    ERRNO_ENTRY(ENOPROTOOPT, "no such socket option"),
    ERRNO_ENTRY(EPROTONOSUPPORT, "protocol not supported"),
    ERRNO_ENTRY(ESOCKTNOSUPPORT, "socket type not supported"),
    ERRNO_ENTRY(EOPNOTSUPP, "operation not supported"),
    ERRNO_ENTRY(EAFNOSUPPORT, "address family not supported"),
    ERRNO_ENTRY(EADDRINUSE, "address in use"),
    ERRNO_ENTRY(EADDRNOTAVAIL, "address not available"),
    ERRNO_ENTRY(ENETDOWN, "network is down"),
    ERRNO_ENTRY(ENETUNREACH, "network is unreachable"),
    ERRNO_ENTRY(ENETRESET, "connection dropped by the network"),
    ERRNO_ENTRY(ECONNABORTED, "connection aborted"),
    ERRNO_ENTRY(ECONNRESET, "connection reset by peer"),
    ERRNO_ENTRY(ENOBUFS, "no buffer space: a bound was reached"),
    ERRNO_ENTRY(EISCONN, "connected already"),
    ERRNO_ENTRY(ENOTCONN, "not connected"),
    ERRNO_ENTRY(ESHUTDOWN, "shut down"),
    ERRNO_ENTRY(ETIMEDOUT, "timed out"),
    ERRNO_ENTRY(ECONNREFUSED, "connection refused"),
    ERRNO_ENTRY(EHOSTDOWN, "host is down"),
    ERRNO_ENTRY(EHOSTUNREACH, "host is unreachable"),
    ERRNO_ENTRY(EALREADY, "already under way or done"),
    ERRNO_ENTRY(EINPROGRESS, "in progress"),
    ERRNO_ENTRY(ESTALE, "stale: closed or replaced since"),
    ERRNO_ENTRY(EDQUOT, "disk quota exceeded"),
    ERRNO_ENTRY(ECANCELED, "canceled"),
    OWN_ENTRY(EVNET_REASON_PEER, "closed by the peer"),
    OWN_ENTRY(EVNET_REASON_LOCAL, "closed here"),
    OWN_ENTRY(EVNET_REASON_ABORTED, "aborted here"),
    OWN_ENTRY(EVNET_REASON_SHUTDOWN, "the server stopped"),
    OWN_ENTRY(EVNET_REASON_DRAIN_DEADLINE, "the server stopped, its drain deadline passed"),
    OWN_ENTRY(EVNET_REASON_IDLE_TIMEOUT, "idle timeout"),
    OWN_ENTRY(EVNET_REASON_READ_TIMEOUT, "read timeout"),
    OWN_ENTRY(EVNET_REASON_WRITE_TIMEOUT, "write timeout"),
    OWN_ENTRY(EVNET_REASON_LIFETIME, "lifetime over"),
    OWN_ENTRY(EVNET_REASON_INBOUND_OVERFLOW, "too many unread bytes"),
    OWN_ENTRY(EVNET_REASON_OUTBOUND_OVERFLOW, "too many unsent bytes"),
    OWN_ENTRY(EVNET_REASON_HIGH_WATER, "output above the high-water mark"),
    OWN_ENTRY(EVNET_REASON_FILE_SHORT, "the file being sent was too short"),
    OWN_ENTRY(EVNET_STATUS_ADDRESS, "malformed address or unknown name"),
    OWN_ENTRY(EVNET_STATUS_OPTION, "bad option"),
    OWN_ENTRY(EVNET_STATUS_LOOKUP, "name lookup failed: try again later"),
};

static const struct entry *find(int status) {
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    if (entries[i].status == status) return &entries[i];
  }
  return NULL;
}

const char *evnet_status_name(int status) {
  if (status >= 0) return "OK";
  const struct entry *entry = find(status);
  return entry != NULL ? entry->name : "UNKNOWN";
}

const char *evnet_status_message(int status) {
  if (status >= 0) return "success";
  const struct entry *entry = find(status);
  return entry != NULL ? entry->message : "unknown status";
}
