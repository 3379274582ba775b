// The table of watched descriptors.
#include "net/poller/internal/watches.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPACITY_MIN = 16 };

_Static_assert(EVNET_READABLE == POLLIN && EVNET_WRITABLE == POLLOUT &&
                   EVNET_WATCH_ERROR == POLLERR && EVNET_WATCH_HANGUP == POLLHUP,
               "watch events are those of poll(2)");

static int grow(struct watches *watches, const struct evnet_allocator *allocator) {
  const uint32_t capacity = watches->capacity > 0 ? 2 * watches->capacity : CAPACITY_MIN;
  struct watch *table = evnet_allocate(allocator, capacity * sizeof *table);
  if (table == NULL) return -ENOMEM;
  if (watches->used > 0) memcpy(table, watches->table, watches->used * sizeof *table);
  evnet_release(allocator, watches->table);
  watches->table = table;
  watches->capacity = capacity;
  return 0;
}

// Returns a duplicate, or -errno. epoll refuses the files that are always ready; kqueue would
// accept some of them.
static int duplicate(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return -errno;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return -EPERM;
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return copy >= 0 ? copy : -errno;
}

int watches_open(struct watches *watches, const struct evnet_allocator *allocator, int descriptor,
                 uint32_t events, void *user, struct watch **out_watch) {
  if (watches->free_count == 0 && watches->used == watches->capacity) {
    const int status = grow(watches, allocator);
    if (status < 0) return status;
  }
  const int copy = duplicate(descriptor);
  if (copy < 0) return copy;
  struct watch *watch;
  if (watches->free_count > 0) {
    watch = &watches->table[watches->first_free];
    watches->first_free = watch->next_free;
    watches->free_count--;
  } else {
    watch = &watches->table[watches->used++];
    watch->generation = 1;
  }
  *watch = (struct watch){.descriptor = copy,
                          .generation = watch->generation,
                          .events = events,
                          .next_free = WATCH_NONE,
                          .user = user};
  *out_watch = watch;
  return 0;
}

void watches_close(struct watches *watches, struct watch *watch) {
  (void)close(watch->descriptor);
  watch->descriptor = -1;
  watch->generation++;
  if (watch->generation == 0) watch->generation = 1;
  watch->next_free = watches->free_count > 0 ? watches->first_free : WATCH_NONE;
  watches->first_free = (uint32_t)(watch - watches->table);
  watches->free_count++;
}

void watches_deinit(struct watches *watches, const struct evnet_allocator *allocator) {
  for (uint32_t i = 0; i < watches->used; i++) {
    if (watches->table[i].descriptor >= 0) (void)close(watches->table[i].descriptor);
  }
  evnet_release(allocator, watches->table);
}
