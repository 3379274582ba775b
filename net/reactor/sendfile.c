// Sending files: checks the file and duplicates the descriptor for the queue. outbound.c sends
// files as it sends bytes.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/write.h"

// Returns 0 if sendfile(2) supports the file on every system.
static int check_file(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return -errno;
  if (!S_ISREG(status.st_mode)) return -EINVAL;
  // Reading 0 bytes checks whether the descriptor is open for reading.
  char byte;
  return pread(descriptor, &byte, 0, 0) == 0 ? 0 : -errno;
}

static void close_file(int descriptor) { (void)close(descriptor); }

int64_t evnet_conn_sendfile(struct evnet_conn *conn, int descriptor, int64_t offset, int64_t size) {
  if (conn_is_datagram(conn)) return -EOPNOTSUPP;
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  if (offset < 0 || size < 0 || size > INT64_MAX - offset) return -EINVAL;
  if (size == 0) return 0;
  status = check_file(descriptor);
  if (status < 0) return status;
  struct evnet_outbound_file file = {.offset = offset,
                                     .size = size,
                                     .descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0),
                                     .close = close_file};
  if (file.descriptor < 0) return -errno;
  status = write_file(conn, &file);
  if (status == 0) return size;
  close_file(file.descriptor);
  return status;
}
