// No byte is lost, duplicated or altered when clients send much data in random pieces through tiny
// buffers, while other clients reset. The long form echoes 10.5 GiB.
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

// An echo handler that consumes and writes random pieces in random ways.
class RandomEcho {
 public:
  evnet_action operator()(evnet_conn *conn) {
    std::lock_guard<std::mutex> lock(mutex_);
    while (evnet_conn_inbound_bytes(conn) > 0) {
      const size_t unread = evnet_conn_inbound_bytes(conn);
      const size_t size = 1 + random_() % std::min<size_t>(unread, 1 << (random_() % 18));
      switch (random_() % 5) {
        case 0: {
          const evnet_bytes next = evnet_conn_next(conn, size);
          evnet_conn_write(conn, next.data, next.size);
          break;
        }
        case 1: {
          std::string copy(size, '\0');
          evnet_conn_read(conn, &copy[0], size);
          evnet_conn_write(conn, copy.data(), copy.size());
          break;
        }
        case 2: {
          const evnet_bytes all = evnet_conn_peek(conn);
          evnet_conn_write(conn, all.data, size);
          evnet_conn_discard(conn, size);
          break;
        }
        case 3: {
          evnet_bytes spans[2];
          evnet_conn_peek_pair(conn, spans);
          const iovec pieces[] = {{const_cast<uint8_t *>(spans[0].data), spans[0].size},
                                  {nullptr, 0},
                                  {const_cast<uint8_t *>(spans[1].data), spans[1].size}};
          evnet_conn_writev(conn, pieces, 3);
          evnet_conn_discard(conn, unread);
          break;
        }
        default:
          evnet_conn_flush(conn);
          // Unread bytes are presented again with the next bytes. The last 4,096 bytes are always
          // consumed, because no more bytes may come.
          if (random_() % 4 == 0 && unread > 4096) return EVNET_NONE;
      }
    }
    return EVNET_NONE;
  }

 private:
  std::mutex mutex_;
  std::mt19937 random_{20240607};
};

class Integrity : public testing::TestWithParam<int> {
 protected:
  // Sends the data in random pieces and receives the echo at the same time.
  static void Exchange(uint16_t port, const ClientOptions &options, const std::string &data,
                       std::mt19937 *random) {
    Client client(port, options);
    std::thread sender([&] {
      for (size_t sent = 0; sent < data.size();) {
        const size_t size = 1 + (*random)() % (1 << ((*random)() % 18));
        client.SendAll(data.substr(sent, size));
        sent += size;
      }
      client.ShutdownWrite();
    });
    EXPECT_TRUE(client.ReceiveToEnd() == data);
    EXPECT_EQ(client.end(), Client::End::kEnd);
    sender.join();
  }

  // Runs four simultaneous clients. Each exchanges `bytes` bytes `rounds` times.
  void Run(const evnet_options &options, const ClientOptions &client_options, size_t bytes,
           int rounds) {
    RandomEcho echo;
    Callbacks callbacks;
    callbacks.on_data = [&](evnet_conn *conn) { return echo(conn); };
    // The remaining unread bytes are consumed when the client half-closes.
    callbacks.on_half_close = [&](evnet_conn *conn) {
      const std::string rest = Take(conn);
      evnet_conn_write(conn, rest.data(), rest.size());
      return EVNET_CLOSE;
    };
    Server server(callbacks, options);
    std::atomic<bool> ended{false};
    std::thread disturber([&] {
      std::mt19937 random(1);
      while (!ended) {
        Client client(server.port());
        client.TrySend(Pattern(random() % 100000));
        if (random() % 2) client.TryReceive();
        if (random() % 4) client.Reset();
      }
    });
    Progress progress("integrity", 4 * static_cast<uint64_t>(rounds), "exchanges");
    std::vector<std::thread> clients;
    for (uint32_t i = 0; i < 4; i++) {
      clients.emplace_back([&, i] {
        std::mt19937 random(i);
        for (int round = 0; round < rounds; round++) {
          Exchange(server.port(), client_options, Pattern(bytes, static_cast<uint32_t>(random())),
                   &random);
          progress.Add(1);
        }
      });
    }
    for (std::thread &client : clients) client.join();
    ended = true;
    disturber.join();
  }
};

TEST_P(Integrity, RandomPiecesComeBackWhole) {
  evnet_options options = {};
  options.reactors = GetParam();
  Run(options, {}, 8 << 20, LongOr(72, 1));
}

TEST_P(Integrity, RandomPiecesComeBackWholeThroughTinyBuffers) {
  evnet_options options = {};
  options.reactors = GetParam();
  options.send_buffer_bytes = 4096;
  options.receive_buffer_bytes = 4096;
  options.outbound_high_water_bytes = 20000;
  options.read_turn_bytes_max = 3000;
  ClientOptions client_options;
  client_options.send_buffer_bytes = 4096;
  client_options.receive_buffer_bytes = 4096;
  Run(options, client_options, 1 << 20, LongOr(64, 1));
}

TEST_P(Integrity, ManyMegabytesBothWaysAtOnce) {
  evnet_options options = {};
  options.reactors = GetParam();
  Server server(Echo(), options);
  Client client(server.port());
  const std::string data = Pattern(64 << 20);
  const int rounds = LongOr(44, 1);
  Progress progress("integrity", static_cast<uint64_t>(rounds), "rounds");
  for (int round = 0; round < rounds; round++) {
    EXPECT_TRUE(client.Exchange(data) == data);
    progress.Add(1);
  }
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

INSTANTIATE_TEST_SUITE_P(Reactors, Integrity, testing::Values(1, 3));

}  // namespace
}  // namespace evnet_testing
