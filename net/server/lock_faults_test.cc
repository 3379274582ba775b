// A mutex or a condition variable cannot be initialized. The creation returns the error and
// destroys the locks that it has initialized.
#include <errno.h>
#include <pthread.h>

#include <set>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/server/server.h"
#include "net/server/workers.h"

namespace {

struct {
  bool counted = false;  // only the calls of a creation under test
  int fail_at = 0;       // number of the call that fails, from 1; 0 for none
  int calls = 0;
  std::set<void *> live;
} locks;

bool Fails(void *lock) {
  if (!locks.counted) return false;
  if (++locks.calls == locks.fail_at) return true;
  locks.live.insert(lock);
  return false;
}

}  // namespace

extern "C" {

int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __real_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition);

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  return Fails(mutex) ? EAGAIN : __real_pthread_mutex_init(mutex, attributes);
}
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex) {
  locks.live.erase(mutex);
  return __real_pthread_mutex_destroy(mutex);
}
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
  return Fails(condition) ? EAGAIN : __real_pthread_cond_init(condition, attributes);
}
int __wrap_pthread_cond_destroy(pthread_cond_t *condition) {
  locks.live.erase(condition);
  return __real_pthread_cond_destroy(condition);
}

}  // extern "C"

namespace evnet_testing {
namespace {

// Calls `create` once for each lock that can fail, and once without a failure, then `destroy`.
template <typename Create, typename Destroy>
void FailEach(int lock_count, Create create, Destroy destroy) {
  for (int fail_at = lock_count; fail_at >= 0; fail_at--) {
    FailingAllocator allocator;
    locks = {true, fail_at, 0, {}};
    const int status = create(allocator.get());
    locks.counted = false;
    EXPECT_EQ(status, fail_at == 0 ? 0 : -EAGAIN) << "lock " << fail_at;
    EXPECT_EQ(locks.calls, fail_at == 0 ? lock_count : fail_at);
    EXPECT_EQ(locks.live.size(), fail_at == 0 ? static_cast<size_t>(lock_count) : 0u);
    if (status == 0) destroy();
    EXPECT_TRUE(locks.live.empty());
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }
}

TEST(LockFaults, WorkersThatCannotHaveTheirLocksAreNotCreated) {
  evnet_workers *workers = nullptr;
  FailEach(
      2,
      [&](const evnet_allocator *allocator) {
        const evnet_workers_options options = {1, 0, allocator};
        return evnet_workers_create(&options, &workers);
      },
      [&] { evnet_workers_destroy(workers); });
}

TEST(LockFaults, AServerThatCannotHaveItsLocksIsNotCreated) {
  evnet_server *server = nullptr;
  for (const bool counts_addresses : {false, true}) {
    FailEach(
        counts_addresses ? 4 : 3,
        [&](const evnet_allocator *allocator) {
          const evnet_handler handler = {};
          const char *const addresses[] = {"tcp://127.0.0.1:0"};
          evnet_options options = {};
          options.allocator = allocator;
          if (counts_addresses) options.connections_per_address_max = 5;
          return evnet_server_create(&handler, nullptr, addresses, 1, &options, &server);
        },
        [&] { evnet_server_destroy(server); });
  }
}

}  // namespace
}  // namespace evnet_testing
