#include "net/poller/internal/unix_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/poller/internal/socket_system.h"
#include "net/poller/internal/unix_system.h"

enum {
  PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) + 1,  // ends with a 0 byte in any case
  LOCK_PATH_BYTES = PATH_BYTES + sizeof ".lock",
  // The most attempts to lock. Each fails only if another server stopped during the attempt.
  LOCK_TRIES_MAX = 100,
  PROBE_MS = 500,  // a server is alive if a connection to it lasts this long
  PROBES_MAX = 5,
  MODE_BITS = S_IRWXU | S_IRWXG | S_IRWXO,
};

struct evnet_unix_listener {
  struct evnet_unix_listener *next;
  int descriptor;
  int send_buffer_bytes;
  int lock;  // PATH.lock, locked; -1 for an abstract name, which has no files
  bool has_file;
  dev_t device;  // `device` and `inode` are of the file that bind(2) made
  ino_t inode;
  char path[PATH_BYTES];
};

static int refuse(const struct evnet_listen_options *options, int status, const char *reason) {
  if (options->out_reason != NULL) *options->out_reason = reason;
  return status;
}

// The lock

static void lock_path(const struct evnet_unix_listener *listener,
                      char out_path[static LOCK_PATH_BYTES]) {
  (void)snprintf(out_path, LOCK_PATH_BYTES, "%s.lock", listener->path);
}

// Whether the path still names the opened file.
static bool is_there(int descriptor, const char *path) {
  struct stat opened, there;
  return fstat(descriptor, &opened) == 0 && lstat(path, &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

static int take_lock(struct evnet_unix_listener *listener,
                     const struct evnet_listen_options *options) {
  char path[LOCK_PATH_BYTES];
  lock_path(listener, path);
  for (int tries = 0; tries < LOCK_TRIES_MAX; tries++) {
    // O_NONBLOCK, because the file might be a FIFO.
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (lock < 0) {
      return refuse(options, -errno, "cannot open its lock file, which ends in .lock");
    }
    int status = flock(lock, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
    if (status == 0 && is_there(lock, path)) {
      listener->lock = lock;
      return 0;
    }
    (void)close(lock);
    if (status == -EWOULDBLOCK) {
      return refuse(options, -EADDRINUSE,
                    "another server holds its lock file, which ends in .lock");
    }
    if (status < 0 && status != -EINTR) {
      return refuse(options, status, "cannot lock its lock file, which ends in .lock");
    }
  }
  return refuse(options, -EADDRINUSE,
                "gave up after 100 attempts to lock its lock file, which ends in .lock: other "
                "servers keep starting and stopping");
}

static void drop_lock(struct evnet_unix_listener *listener) {
  if (listener->lock < 0) return;
  char path[LOCK_PATH_BYTES];
  lock_path(listener, path);
  // Another program may have a file of this name. The listener's own lock file is empty.
  struct stat opened;
  bool ours = fstat(listener->lock, &opened) == 0 && S_ISREG(opened.st_mode) && opened.st_size == 0;
  if (ours && is_there(listener->lock, path)) (void)unlink(path);
  (void)close(listener->lock);
  listener->lock = -1;
}

// The path

// Connects without blocking. Returns 0 and a descriptor, or -errno.
static int try_connect(const struct evnet_address *address, int *out_descriptor) {
  int descriptor = evnet_socket_system_open(AF_UNIX, SOCK_STREAM);
  if (descriptor < 0) return descriptor;
  int status = connect(descriptor, &address->socket.any, address->size) == 0 ? 0 : -errno;
  if (status < 0) (void)close(descriptor);
  *out_descriptor = descriptor;
  return status;
}

// Waits until the other end of a connection closes, and closes the descriptor. Returns whether the
// other end closed.
static bool wait_for_hangup(int descriptor) {
  struct pollfd waited = {.fd = descriptor};  // POLLHUP is always reported (poll(2))
  int count = poll(&waited, 1, PROBE_MS);
  (void)close(descriptor);
  return count != 0;  // also after a signal: another probe does no harm
}

// Returns 0 if no server listens on the existing socket.
static int probe(const struct evnet_address *address, const struct evnet_listen_options *options) {
  int status = 0;
  // io_uring's sockets outlive a killed process by about 30 ms (Linux 6.18), and connecting
  // succeeds during that time. So the probe is repeated if the other end closes.
  for (int tries = 0; tries < PROBES_MAX && status == 0; tries++) {
    int descriptor;
    status = try_connect(address, &descriptor);
    if (status == 0 && !wait_for_hangup(descriptor)) break;
  }
  switch (-status) {
    case ECONNREFUSED:
    case ENOENT:
      return 0;
    case 0:
      return refuse(options, -EADDRINUSE, "another server is listening on this path");
    case EAGAIN:
      // The BSDs return ECONNREFUSED for a full backlog, too. There only the lock keeps a busy
      // server from being taken for a dead one.
      return refuse(options, -EADDRINUSE,
                    "another server is listening on this path, and its backlog is full");
    case EACCES:
    case EPERM:
      return refuse(options, -EADDRINUSE,
                    "cannot tell whether another server uses this path: connect() was denied");
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return status;
    default:
      return refuse(options, -EADDRINUSE,
                    "cannot tell whether another server uses this path: connect() failed");
  }
}

static int clear_path(const struct evnet_unix_listener *listener,
                      const struct evnet_address *address,
                      const struct evnet_listen_options *options) {
  struct stat there;
  if (lstat(listener->path, &there) != 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(there.st_mode)) {
    return refuse(options, -EADDRINUSE, "the file at this path is not a socket; not replacing it");
  }
  int status = probe(address, options);
  if (status < 0) return status;
  if (unlink(listener->path) != 0 && errno != ENOENT) {
    return refuse(options, -errno, "cannot remove the stale socket file");
  }
  return 0;
}

static int bind_path(struct evnet_unix_listener *listener, const struct evnet_address *address,
                     const struct evnet_listen_options *options) {
  const mode_t mode = options->unix_mode;
  // On Linux the file gets the socket's own mode less the umask; other systems refuse this fchmod.
  if (mode != 0) (void)fchmod(listener->descriptor, mode);
  if (bind(listener->descriptor, &address->socket.any, address->size) != 0) return -errno;
  struct stat made;
  if (lstat(listener->path, &made) != 0) return -errno;
  listener->has_file = true;
  listener->device = made.st_dev;
  listener->inode = made.st_ino;
  // Restores the bits that the umask cleared. This is not too late, because clients cannot connect
  // before listen(2).
  if (mode == 0 || (made.st_mode & MODE_BITS) == mode) return 0;
  int status = evnet_unix_system_chmod(listener->path, &made, mode);
  return status < 0 ? refuse(options, status, "cannot set the permissions of the socket file") : 0;
}

static void remove_file(const struct evnet_unix_listener *listener) {
  struct stat there;
  if (listener->has_file && lstat(listener->path, &there) == 0 &&
      there.st_dev == listener->device && there.st_ino == listener->inode) {
    (void)unlink(listener->path);
  }
}

// Listening

static int bind_any(struct evnet_unix_listener *listener, const struct evnet_address *address,
                    const struct evnet_listen_options *options) {
  if (listener->path[0] != '\0') {
    int status = take_lock(listener, options);
    if (status == 0) status = clear_path(listener, address, options);
    return status < 0 ? status : bind_path(listener, address, options);
  }
  if (!evnet_unix_system_abstract_names) {
    return refuse(options, -EOPNOTSUPP, "only Linux supports abstract names");
  }
  return bind(listener->descriptor, &address->socket.any, address->size) == 0 ? 0 : -errno;
}

static int open_and_listen(struct evnet_unix_listener *listener,
                           const struct evnet_address *address,
                           const struct evnet_listen_options *options) {
  listener->descriptor = evnet_socket_system_open(AF_UNIX, SOCK_STREAM);
  if (listener->descriptor < 0) return listener->descriptor;
  int status = bind_any(listener, address, options);
  int backlog = options->backlog > 0 ? options->backlog : SOMAXCONN;
  if (status == 0 && listen(listener->descriptor, backlog) != 0) status = -errno;
  return status;
}

static void release(struct evnet_unix_listeners *listeners, struct evnet_unix_listener *listener) {
  remove_file(listener);
  drop_lock(listener);
  evnet_release(listeners->allocator, listener);
}

int evnet_unix_listen(struct evnet_unix_listeners *listeners, const struct evnet_address *address,
                      const struct evnet_listen_options *options) {
  if (options->reuse_port) {
    // Linux would accept the option and ignore it. A path belongs to one listener in any case.
    if (options->out_refused != NULL) *options->out_refused = "reuse_port";
    return -EOPNOTSUPP;
  }
  struct evnet_unix_listener *listener = evnet_allocate(listeners->allocator, sizeof *listener);
  if (listener == NULL) return -ENOMEM;
  *listener = (struct evnet_unix_listener){
      .descriptor = -1, .send_buffer_bytes = options->send_buffer_bytes, .lock = -1};
  // The rest of `path` is 0.
  memcpy(listener->path, address->socket.local.sun_path,
         address->size - offsetof(struct sockaddr_un, sun_path));
  int status = open_and_listen(listener, address, options);
  int descriptor = listener->descriptor;
  if (status < 0) {
    release(listeners, listener);
    if (descriptor >= 0) (void)close(descriptor);
    return status;
  }
  listener->next = listeners->first;
  listeners->first = listener;
  return descriptor;
}

void evnet_unix_accepted(const struct evnet_unix_listeners *listeners, int listener,
                         int descriptor) {
  for (const struct evnet_unix_listener *each = listeners->first; each != NULL; each = each->next) {
    if (each->descriptor != listener || each->send_buffer_bytes == 0) continue;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &each->send_buffer_bytes,
                     sizeof each->send_buffer_bytes);
  }
}

void evnet_unix_release(struct evnet_unix_listeners *listeners, int descriptor) {
  struct evnet_unix_listener **link = &listeners->first;
  while (*link != NULL && (*link)->descriptor != descriptor) link = &(*link)->next;
  if (*link == NULL) return;
  struct evnet_unix_listener *listener = *link;
  *link = listener->next;
  release(listeners, listener);
}

void evnet_unix_release_all(struct evnet_unix_listeners *listeners) {
  while (listeners->first != NULL) evnet_unix_release(listeners, listeners->first->descriptor);
}
