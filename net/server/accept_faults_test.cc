// The system runs out of descriptors or memory while clients connect. A wrapped accept4(2) (the
// linker's --wrap) fails until the system recovers.
#include <errno.h>
#include <sys/socket.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

std::atomic<int> fault_error{0};  // accept4's errno; 0 for none
std::atomic<int> fault_calls{0};

}  // namespace

extern "C" {

int __real_accept4(int listener, sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int listener, sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int listener, sockaddr *address, socklen_t *size, int flags) {
  const int error = fault_error;
  if (error == 0) return __real_accept4(listener, address, size, flags);
  fault_calls++;
  errno = error;
  return -1;
}
}

namespace evnet_testing {
namespace {

class AcceptFaults : public testing::TestWithParam<int> {
 protected:
  ~AcceptFaults() override { fault_error = 0; }
};

TEST_P(AcceptFaults, TheRestIsServedFewTriesAreMadeAndAcceptingGoesOnWhenTheyEnd) {
  for (const int reactors : {1, 2}) {
    SCOPED_TRACE(reactors);
    evnet_options options = {};
    options.reactors = reactors;
    options.backend = EVNET_BACKEND_EPOLL;  // io_uring does not call accept4
    Server server(Echo(), options);
    Client served(server.port());
    EXPECT_EQ(served.Exchange("before"), "before");

    fault_calls = 0;
    fault_error = GetParam();
    std::vector<Client> waiting;
    const int64_t begin_ms = NowMs();
    for (int i = 0; i < 10; i++) {
      waiting.emplace_back(server.port());
      waiting.back().SendAll("x");
      EXPECT_FALSE(waiting.front().Readable(50));
      EXPECT_EQ(served.Exchange("meanwhile"), "meanwhile");
    }
    EXPECT_TRUE(WaitUntil([] { return fault_calls >= 2; })) << "accept is retried";
    const int64_t took_ms = NowMs() - begin_ms;
    EXPECT_LE(fault_calls, took_ms / 100 + 2)
        << "not retried at each event: in " << took_ms << " ms";

    fault_error = 0;
    for (Client &client : waiting) {
      EXPECT_TRUE(client.Readable(1000)) << "accepted within a second";
      EXPECT_EQ(client.Receive(1), "x");
    }
    EXPECT_EQ(server.Stop(0), 0);
    const std::string text = server.log().Text();
    const size_t first = text.find("accept failed");
    EXPECT_NE(first, std::string::npos);
    if (took_ms < EVNET_LOG_LIMIT_MS) {
      EXPECT_EQ(text.find("accept failed", first + 1), std::string::npos) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, AcceptFaults, testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM),
                         [](const testing::TestParamInfo<int> &error) {
                           return std::string(evnet_status_name(-error.param));
                         });

}  // namespace
}  // namespace evnet_testing
