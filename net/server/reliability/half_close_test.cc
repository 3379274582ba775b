// The peer half-closes while megabytes are queued for it. Every byte arrives, and then EOF.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kSizeBytes = 8;  // a request is a size, in decimal digits

class HalfClose : public testing::TestWithParam<int> {
 protected:
  // Replies to a request for n bytes with one write of n bytes.
  Callbacks Source() {
    Callbacks callbacks;
    callbacks.on_data = [](evnet_conn *conn) {
      if (evnet_conn_inbound_bytes(conn) < kSizeBytes) return EVNET_NONE;
      Write(conn, Pattern(static_cast<size_t>(std::stoul(Take(conn)))));
      return EVNET_NONE;
    };
    callbacks.on_close = [this](evnet_conn *, int reason) {
      journal_.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
    return callbacks;
  }

  // Requests `bytes` bytes, half-closes, and reads slowly in small pieces.
  static void Ask(uint16_t port, size_t bytes, std::mt19937 *random) {
    ClientOptions small;
    small.receive_buffer_bytes = (*random)() % 2 ? 0 : 8192;
    Client client(port, small);
    std::string request = std::to_string(bytes);
    client.SendAll(std::string(kSizeBytes - request.size(), '0') + request);
    client.ShutdownWrite();
    const std::string expected = Pattern(bytes);
    for (size_t at = 0; at < bytes;) {
      const size_t part = std::min<size_t>(bytes - at, 1 + (*random)() % (1 << 20));
      ASSERT_TRUE(client.Receive(part) == expected.substr(at, part)) << at << " of " << bytes;
      at += part;
    }
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }

  void Run(const Callbacks &callbacks, evnet_high_action action) {
    const uint32_t requests = LongOr(100u, 2u);
    const size_t bytes_max = LongOr<size_t>(24 << 20, 8 << 20);
    evnet_options options = {};
    options.reactors = GetParam();
    options.outbound_bytes_max = 64 << 20;
    options.outbound_high_action = action;
    options.send_buffer_bytes = 100000;  // so that evnet queues most of the bytes
    Server server(callbacks, options);
    Progress progress("half_close", 4 * requests, "requests");
    std::vector<std::thread> clients;
    for (uint32_t i = 0; i < 4; i++) {
      clients.emplace_back([&, i] {
        std::mt19937 random(i);
        for (uint32_t k = 0; k < requests; k++) {
          Ask(server.port(), 1 + random() % bytes_max, &random);
          progress.Add(1);
        }
      });
    }
    for (std::thread &client : clients) client.join();
    EXPECT_TRUE(server.WaitForClosed(4 * requests));
  }

  Journal journal_;
};

TEST_P(HalfClose, EveryByteArrivesThenTheEnd) {
  Run(Source(), EVNET_HIGH_STOP_READING);
  for (const std::string &reason : journal_.Lines()) EXPECT_EQ(reason, "EVNET_REASON_PEER");
}

// The server reads on above the high water mark, so on_half_close comes while nearly all bytes are
// queued.
TEST_P(HalfClose, EveryByteArrivesThenTheEndWhenTheHandlerCloses) {
  Callbacks callbacks = Source();
  std::atomic<size_t> most{0};
  callbacks.on_half_close = [&](evnet_conn *conn) {
    most = std::max(most.load(), evnet_conn_outbound_bytes(conn));
    return EVNET_CLOSE;
  };
  Run(callbacks, EVNET_HIGH_NOTIFY);
  EXPECT_GT(most, 1u << 20) << "megabytes were queued when an end came";
  for (const std::string &reason : journal_.Lines()) EXPECT_EQ(reason, "EVNET_REASON_LOCAL");
}

INSTANTIATE_TEST_SUITE_P(Reactors, HalfClose, testing::Values(1, 3));

}  // namespace
}  // namespace evnet_testing
