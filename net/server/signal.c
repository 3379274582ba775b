// Stopping by signal. A signal's disposition belongs to the process, so this file has evnet's only
// process-wide state: who is to be stopped by which signal.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "net/server/internal/state.h"

enum { ENTRIES_MAX = 16 };

struct entry {
  struct evnet_server *server;  // atomic; NULL: free
  int signal_number;
  int64_t drain_ms;
  int count;  // atomic: how often the signal came
};

static struct {
  pthread_mutex_t mutex;  // guards all but what the handler reads
  struct entry entries[ENTRIES_MAX];
  struct sigaction previous[ENTRIES_MAX];  // of the entry that installed the handler for its signal
  bool installed[ENTRIES_MAX];
  int handlers;  // atomic: handlers running now
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void handle(int signal_number) {
  int saved = errno;
  __atomic_add_fetch(&table.handlers, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < ENTRIES_MAX; i++) {
    struct entry *entry = &table.entries[i];
    struct evnet_server *server = __atomic_load_n(&entry->server, __ATOMIC_SEQ_CST);
    if (server == NULL || entry->signal_number != signal_number) continue;
    bool again = __atomic_fetch_add(&entry->count, 1, __ATOMIC_RELAXED) > 0;
    evnet_server_stop(server, again ? 0 : entry->drain_ms);
  }
  __atomic_sub_fetch(&table.handlers, 1, __ATOMIC_SEQ_CST);
  errno = saved;
}

// The entry that installed the handler for a signal, or -1.
static int find_installer(int signal_number) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (table.installed[i] && table.entries[i].signal_number == signal_number) return i;
  }
  return -1;
}

static int find_free(void) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (table.entries[i].server == NULL && !table.installed[i]) return i;
  }
  return -1;
}

static int add(struct evnet_server *server, int signal_number, int64_t drain_ms) {
  int free_index = find_free();
  if (free_index < 0) return -ENOSPC;
  struct entry *entry = &table.entries[free_index];
  entry->signal_number = signal_number;
  entry->drain_ms = drain_ms;
  entry->count = 0;
  __atomic_store_n(&entry->server, server, __ATOMIC_SEQ_CST);
  if (find_installer(signal_number) >= 0) return 0;
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
  (void)sigemptyset(&action.sa_mask);
  if (sigaction(signal_number, &action, &table.previous[free_index]) != 0) {
    int status = -errno;
    __atomic_store_n(&entry->server, NULL, __ATOMIC_SEQ_CST);
    return status;
  }
  table.installed[free_index] = true;
  return 0;
}

int evnet_server_stop_on_signal(struct evnet_server *server, int signal_number, int64_t drain_ms) {
  (void)pthread_mutex_lock(&table.mutex);
  int status = add(server, signal_number, drain_ms);
  (void)pthread_mutex_unlock(&table.mutex);
  return status;
}

static bool has_servers(int signal_number) {
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (table.entries[i].server != NULL && table.entries[i].signal_number == signal_number)
      return true;
  }
  return false;
}

void server_forget_signals(struct evnet_server *server) {
  (void)pthread_mutex_lock(&table.mutex);
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (table.entries[i].server == server)
      __atomic_store_n(&table.entries[i].server, NULL, __ATOMIC_SEQ_CST);
  }
  for (int i = 0; i < ENTRIES_MAX; i++) {
    if (!table.installed[i] || has_servers(table.entries[i].signal_number)) continue;
    (void)sigaction(table.entries[i].signal_number, &table.previous[i], NULL);
    table.installed[i] = false;
  }
  (void)pthread_mutex_unlock(&table.mutex);
  // A handler on another thread may have read the entry just before; it ends soon, as it never
  // blocks.
  while (__atomic_load_n(&table.handlers, __ATOMIC_SEQ_CST) > 0) {
  }
}
