// Lookups of names when memory or threads run out, which functions wrapped by the linker simulate.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <atomic>

#include "net/reactor/testing/resolver_fixture.h"

namespace {

// Allocations of this thread until one fails, once; 0: none fails.
thread_local int allocations_left;
std::atomic<size_t> size_refused{0};  // the size of the allocation that fails; 0: none fails
std::atomic<int> thread_error{0};     // the error of each pthread_create; 0: none

bool IsRefused(size_t size) {
  if (size_refused != 0 && size == size_refused) return true;
  return allocations_left > 0 && --allocations_left == 0;
}

}  // namespace

extern "C" {

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

void *__wrap_malloc(size_t size) { return IsRefused(size) ? nullptr : __real_malloc(size); }

void *__wrap_calloc(size_t count, size_t size) {
  return IsRefused(count * size) ? nullptr : __real_calloc(count, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument) {
  const int error = thread_error;
  return error != 0 ? error : __real_pthread_create(thread, attributes, main, argument);
}

}  // extern "C"

namespace evnet_testing {
namespace {

// The first test, so that the pool has no thread yet.
TEST_F(Resolver, WithoutANewThreadALookupWaitsForOneThatThereIs) {
  Answer refused, first, second;
  evnet_lookup *lookup = nullptr;
  thread_error = EAGAIN;
  EXPECT_EQ(Begin(reactor_, "fast.test:80", &refused, &lookup), -EAGAIN);
  thread_error = 0;
  LookUp("slow.test:80", &first);
  table_.WaitAsked(1);
  thread_error = EAGAIN;
  LookUp("fast.test:80", &second);
  thread_error = 0;
  table_.Release();
  RunUntil(first);
  RunUntil(second);
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(refused.calls, 0);
}

TEST_F(Resolver, WithoutMemoryNoLookupIsBegun) {
  for (const int allocation : {1, 2, 2}) {  // of the reactor's part, the lookup, and the table
    Answer answer;
    evnet_lookup *lookup = nullptr;
    allocations_left = allocation;
    EXPECT_EQ(Begin(reactor_, "fast.test:80", &answer, &lookup), -ENOMEM);
    EXPECT_EQ(allocations_left, 0);
    EXPECT_EQ(lookup, nullptr);
  }
  Answer answer;
  LookUp("fast.test:80", &answer);
  RunUntil(answer);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(table_.Asked(), 1);
}

TEST_F(Resolver, WithoutMemoryForItsAddressesALookupFails) {
  Answer answer;
  size_refused = 2 * sizeof(evnet_address);  // the table has two addresses
  LookUp("both.test:80", &answer);
  RunUntil(answer);
  size_refused = 0;
  EXPECT_EQ(answer.status, -ENOMEM);
  EXPECT_TRUE(answer.addresses.empty());
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_EQ(log_[0], "cannot look up host 'both.test': out of memory");
}

}  // namespace
}  // namespace evnet_testing
