// Dials in which the n-th allocation fails, for every n.
#ifndef EVNET_NET_REACTOR_TESTING_DIAL_ALLOCATIONS_H_
#define EVNET_NET_REACTOR_TESTING_DIAL_ALLOCATIONS_H_

#include <errno.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "net/reactor/dial.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {

// DialWithEachAllocationFailing dials until no allocation fails. Each dial either opens a
// connection or ends with -ENOMEM. Connections that opened are aborted.
//
//   before  called before each dial.
//   opened  called with each connection that opened, while the failure is still active.
inline void DialWithEachAllocationFailing(
    Harness *harness, const std::string &address, const std::function<void()> &before = [] {},
    const std::function<void(evnet_conn *)> &opened = [](evnet_conn *) {}) {
  bool failed = true;
  for (size_t nth = 1; failed; nth++) {
    ASSERT_LT(nth, 50u);
    const size_t failures = harness->allocator().failures();
    before();
    harness->allocator().fail_at(nth, false);
    struct evnet_conn_id id = {};
    const int status = evnet_dial(harness->reactor(), address.c_str(), nullptr, &id);
    if (status == 0) {
      harness->Of(id).dialled = true;
      harness->Until([&] { return harness->Of(id).opened + harness->Of(id).closed > 0; });
      if (harness->Of(id).opened == 1) {
        opened(harness->Of(id).conn);
      } else {
        EXPECT_EQ(harness->Of(id).reason, -ENOMEM);
      }
    } else {
      EXPECT_EQ(status, -ENOMEM);
    }
    failed = harness->allocator().failures() > failures;
    harness->allocator().fail_at(0, false);
    for (const auto &each : harness->records())
      if (each.second.opened == 1 && each.second.closed == 0) harness->Abort(each.second.conn);
    harness->Settle();
  }
}

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_DIAL_ALLOCATIONS_H_
