// The n-th allocation fails, for each n, once or permanently. The server does not crash, leak or
// hang, and reports the error.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

struct Faults {
  bool forever;
  bool reuse_port;  // each reactor listens
};

class AllocationFaults : public testing::TestWithParam<Faults> {
 protected:
  // Creates and starts a server, exchanges bytes twice, and stops it. Returns whether the run
  // reached the n-th allocation.
  bool Run(size_t n, bool forever) {
    FailingAllocator allocator;
    evnet_options options = {};
    options.allocator = allocator.get();
    options.reactors = 2;
    options.lifetime_ms = 60000;
    options.connections_per_address_max = 100;
    options.receive_buffer_bytes = options.send_buffer_bytes = 20000;
    options.reuse_port = GetParam().reuse_port;
    options.balancer = EVNET_SOURCE_HASH;
    const TempDirectory directory;
    const size_t descriptors = OpenDescriptors();
    Callbacks callbacks = Echo();
    callbacks.on_close = [](evnet_conn *, int reason) {
      EXPECT_TRUE(reason == -ENOMEM || reason == EVNET_REASON_PEER ||
                  reason == EVNET_REASON_SHUTDOWN || reason == EVNET_REASON_DRAIN_DEADLINE ||
                  reason == -ECONNRESET)
          << evnet_status_name(reason);
      return EVNET_NONE;
    };
    callbacks.on_data = [](evnet_conn *conn) {
      // Leave the bytes unread until all have arrived, so that evnet has to buffer them.
      if (evnet_conn_inbound_bytes(conn) < 100000) return EVNET_NONE;
      return EchoData(conn);
    };
    bool started = false;
    {
      Created server(
          callbacks, Armed(options, &allocator, n, forever),
          {"tcp://127.0.0.1:0",
           GetParam().reuse_port ? "udp://127.0.0.1:0" : "unix://" + directory.File("socket")});
      if (server.status() == 0) {
        const int status = evnet_server_start(server.get());
        started = status == 0;
        if (!started) {
          EXPECT_EQ(status, -ENOMEM) << server.log().Text();
        }
      } else {
        EXPECT_EQ(server.status(), -ENOMEM);
      }
      if (started) {
        for (const size_t i : {0, 1}) {
          if (server.address(i).transport == EVNET_TRANSPORT_UDP) continue;
          // The client gets the whole echo, or a correct prefix of it and then EOF or a reset.
          Client client(server.address(i));
          const std::string data = Pattern(100000);
          const size_t sent = client.SendUntilBlocked(data, 5000);
          if (sent == data.size()) client.ShutdownWrite();
          const std::string received = client.ReceiveToEnd();
          if (received != data) {
            EXPECT_GT(allocator.failures(), 0u) << sent;
            EXPECT_EQ(received, data.substr(0, received.size()));
          }
        }
        evnet_server_stop(server.get(), 5000);
        EXPECT_EQ(evnet_server_wait(server.get()), 0);
        EXPECT_EQ(server.stats().connections_open, 0u);
      }
    }
    EXPECT_EQ(allocator.live_blocks(), 0u);
    EXPECT_EQ(OpenDescriptors(), descriptors);
    EXPECT_TRUE(directory.Names().empty());
    return allocator.failures() > 0;
  }

 private:
  static evnet_options Armed(const evnet_options &options, FailingAllocator *allocator, size_t n,
                             bool forever) {
    allocator->fail_at(n, forever);
    return options;
  }
};

TEST_P(AllocationFaults, LeadToAnErrorOrALostConnectionAndNothingElse) {
  size_t n = 1;
  while (Run(n, GetParam().forever)) {
    ASSERT_FALSE(HasFailure()) << "allocation " << n << " failed";
    n++;
    ASSERT_LT(n, 1000u);
  }
  EXPECT_GT(n, 20u) << "there are at least this many allocations";
}

INSTANTIATE_TEST_SUITE_P(Of, AllocationFaults,
                         testing::Values(Faults{false, false}, Faults{true, false},
                                         Faults{false, true}, Faults{true, true}),
                         [](const testing::TestParamInfo<Faults> &faults) {
                           return std::string(faults.param.forever ? "ForEver" : "Once") +
                                  (faults.param.reuse_port ? "WithReusePort" : "");
                         });

}  // namespace
}  // namespace evnet_testing
