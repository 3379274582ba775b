// Stopping by signal. A signal's disposition belongs to the process, so this file has evnet's only
// process-wide state: the registrations, each of one server for one signal, and the dispositions
// that they replaced.
//
// The handler takes no lock. While a handler uses an entry, `readers` is above 0, and the entry is
// not given to another server:
//
//   handler, for an entry with a server     evnet_server_destroy, under the mutex
//   H1  readers + 1                         D1  server = NULL
//   H2  read server again; skip if NULL     D2  wait until readers is 0
//   H3  stop that server                    then the entry is free
//   H4  readers - 1
//
// All steps are sequentially consistent. If D2 does not see H1, then H2 sees D1 or a later
// registration. A handler ignores a registration that is newer than the handler's start, because
// its signal came earlier.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "net/server/internal/state.h"

enum { ENTRIES_MAX = 16 };

struct entry {
  struct evnet_server *server;  // atomic; NULL if the entry is free
  int readers;                  // atomic: handlers that use the entry now

  // Written only while `server` is NULL and `readers` is 0.
  int signal_number;
  int64_t drain_ms;
  unsigned number;  // the registration's number
};

// A signal that has entries, and the process's handler before the first of them.
struct disposition {
  int signal_number;  // 0 if free
  struct sigaction previous;
};

static struct {
  pthread_mutex_t mutex;  // guards all writes but those of the handler
  struct entry entries[ENTRIES_MAX];
  struct disposition dispositions[ENTRIES_MAX];
  unsigned registrations;  // atomic: the number of the last registration
  unsigned signals;        // atomic: the number of the last signal; skips 0 on overflow
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_later(unsigned number, unsigned than) { return (int)(number - than) > 0; }

// Returns whether an earlier signal has stopped the server. One signal may match several entries of
// a server; all of them see the same number.
static bool came_before(struct evnet_server *server, unsigned signal) {
  unsigned first = 0;
  if (__atomic_compare_exchange_n(&server->signal_first, &first, signal, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST)) {
    return false;
  }
  return first != signal;
}

static void use(struct entry *entry, int signal_number, unsigned registrations, unsigned signal) {
  struct evnet_server *server = __atomic_load_n(&entry->server, __ATOMIC_SEQ_CST);  // H2
  if (server == NULL || entry->signal_number != signal_number) return;
  if (is_later(entry->number, registrations)) return;
  evnet_server_stop(server, came_before(server, signal) ? 0 : entry->drain_ms);
}

static void handle(int signal_number) {
  int saved = errno;
  const unsigned registrations = __atomic_load_n(&table.registrations, __ATOMIC_SEQ_CST);
  unsigned signal;
  do {
    signal = __atomic_add_fetch(&table.signals, 1, __ATOMIC_SEQ_CST);
  } while (signal == 0);
  for (int i = 0; i < ENTRIES_MAX; i++) {
    struct entry *entry = &table.entries[i];
    // Check before H1, so that a stream of signals cannot keep D2 waiting.
    if (__atomic_load_n(&entry->server, __ATOMIC_SEQ_CST) == NULL) continue;
    __atomic_add_fetch(&entry->readers, 1, __ATOMIC_SEQ_CST);  // H1
    use(entry, signal_number, registrations, signal);
    __atomic_sub_fetch(&entry->readers, 1, __ATOMIC_SEQ_CST);  // H4
  }
  errno = saved;
}

static struct disposition *find_disposition(int signal_number) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (table.dispositions[i].signal_number == signal_number) return &table.dispositions[i];
  }
  return NULL;
}

static struct entry *find_free(void) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (__atomic_load_n(&table.entries[i].server, __ATOMIC_RELAXED) == NULL)
      return &table.entries[i];
  }
  return NULL;
}

static void clear(struct entry *entry) {
  __atomic_store_n(&entry->server, NULL, __ATOMIC_SEQ_CST);  // D1
  // D2. A handler never blocks.
  while (__atomic_load_n(&entry->readers, __ATOMIC_SEQ_CST) > 0) (void)sched_yield();
}

static int add(struct evnet_server *server, int signal_number, int64_t drain_ms) {
  struct entry *entry = find_free();
  if (entry == NULL) return -ENOSPC;
  entry->signal_number = signal_number;
  entry->drain_ms = drain_ms;
  entry->number = table.registrations + 1;
  __atomic_store_n(&entry->server, server, __ATOMIC_SEQ_CST);
  __atomic_store_n(&table.registrations, entry->number, __ATOMIC_SEQ_CST);
  if (signal_number > 0 && find_disposition(signal_number) != NULL) return 0;
  struct disposition *free_place = find_disposition(0);  // never NULL: as many as entries
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
  (void)sigemptyset(&action.sa_mask);
  if (sigaction(signal_number, &action, &free_place->previous) != 0) {
    int status = -errno;
    clear(entry);
    return status;
  }
  free_place->signal_number = signal_number;
  return 0;
}

// fork(2). At the fork, threads of the parent may run the handler or hold the mutex. The child does
// not have these threads, so their counts are reset in the child.

static void lock(void) { (void)pthread_mutex_lock(&table.mutex); }
static void unlock(void) { (void)pthread_mutex_unlock(&table.mutex); }

static void forget_readers(void) {
  for (int i = 0; i < ENTRIES_MAX; i++)
    __atomic_store_n(&table.entries[i].readers, 0, __ATOMIC_SEQ_CST);
  unlock();
}

static void prepare_for_fork(void) {
  // If this fails (ENOMEM), evnet_server_destroy may wait forever in a child process.
  (void)pthread_atfork(lock, unlock, forget_readers);
}

int evnet_server_stop_on_signal(struct evnet_server *server, int signal_number, int64_t drain_ms) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, prepare_for_fork);
  (void)pthread_mutex_lock(&table.mutex);
  int status = add(server, signal_number, drain_ms);
  (void)pthread_mutex_unlock(&table.mutex);
  return status;
}

static bool has_entries(int signal_number) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    const struct entry *entry = &table.entries[i];
    if (__atomic_load_n(&entry->server, __ATOMIC_RELAXED) != NULL &&
        entry->signal_number == signal_number) {
      return true;
    }
  }
  return false;
}

void server_forget_signals(struct evnet_server *server) {
  (void)pthread_mutex_lock(&table.mutex);
  for (int i = 0; i < ENTRIES_MAX; i++) {
    struct entry *entry = &table.entries[i];
    if (__atomic_load_n(&entry->server, __ATOMIC_RELAXED) == server) clear(entry);
  }
  for (int i = 0; i < ENTRIES_MAX; i++) {
    struct disposition *disposition = &table.dispositions[i];
    if (disposition->signal_number == 0 || has_entries(disposition->signal_number)) continue;
    (void)sigaction(disposition->signal_number, &disposition->previous, NULL);
    disposition->signal_number = 0;
  }
  (void)pthread_mutex_unlock(&table.mutex);
}
