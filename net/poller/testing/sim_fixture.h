// A simulated world with a poller and a listener, for the tests of the simulated kernel.
#ifndef EVNET_NET_POLLER_TESTING_SIM_FIXTURE_H_
#define EVNET_NET_POLLER_TESTING_SIM_FIXTURE_H_

#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/poller/poller.h"
#include "net/poller/testing/loop.h"
#include "net/poller/testing/sim.h"

namespace evnet_testing {

constexpr uint64_t kMs = 1000000;

class Sim : public ::testing::Test {
 protected:
  struct Pair {
    evnet_sim_socket *client;
    evnet_handle handle;
    int descriptor;
  };

  ~Sim() override {
    evnet_poller_destroy(poller);
    if (sim != nullptr) {
      EXPECT_EQ(Failure(), expected_failure);
    }
    evnet_sim_destroy(sim);
  }

  void Start() {
    sim = evnet_sim_create(&options);
    evnet_poller_options poller_options = {};
    poller_options.recv_bytes_max = 4096;
    poller_options.handles_max = 64;
    poller_options.datagram_bytes_max = datagram_bytes_max;
    poller_options.kernel = evnet_sim_kernel(sim);
    ASSERT_EQ(evnet_poller_create(&poller_options, &poller), 0);
    loop = std::make_unique<Loop>(poller);
    ASSERT_EQ(evnet_address_parse("tcp4://127.0.0.1:0", &address, nullptr, 0), 0);
    ASSERT_EQ(evnet_poller_listen(poller, &address, &listen_options, &listener), 0);
    ASSERT_EQ(evnet_poller_local_address(poller, listener, &address), 0);
    evnet_poller_accept_start(poller, listener);
  }

  // Advances the clock until everything in flight has arrived, with turns in between.
  void Settle() {
    for (int i = 0; i < 50; i++) {
      evnet_sim_advance(sim, evnet_sim_now_ns(sim) + 10 * kMs);
      loop->Turn(0);
    }
  }

  int TryConnect(evnet_sim_socket **out) {
    return evnet_sim_connect(sim, evnet_address_port(&address), 1, out);
  }

  Pair Connect() {
    Pair pair = {};
    EXPECT_EQ(TryConnect(&pair.client), 0);
    loop->Clear();
    Settle();
    const std::vector<Event> accepted = loop->Of(listener, EVNET_OP_ACCEPT);
    EXPECT_EQ(accepted.size(), 1u);
    if (accepted.size() != 1) return pair;
    pair.descriptor = static_cast<int>(accepted[0].result);
    EXPECT_EQ(evnet_address_port(&accepted[0].peer), evnet_sim_port(pair.client));
    EXPECT_EQ(evnet_poller_attach(poller, pair.descriptor, EVNET_TRANSPORT_TCP, &pair.handle), 0);
    loop->Clear();
    return pair;
  }

  std::string Story(const Pair &pair) { return loop->Story(pair.handle); }
  std::string Story(evnet_handle handle) { return loop->Story(handle); }

  int64_t Write(const Pair &pair, const std::string &data) {
    return evnet_sim_write(pair.client, data.data(), data.size());
  }

  int64_t Send(const Pair &pair, const std::string &data) {
    iovec piece = {};
    piece.iov_base = const_cast<char *>(data.data());
    piece.iov_len = data.size();
    return evnet_poller_send(poller, pair.handle, &piece, 1);
  }

  // Returns all bytes that the client can read now, and the result of its last read: "abc EAGAIN",
  // "abc END".
  std::string Read(const Pair &pair) {
    std::string all;
    char block[100];
    int64_t got;
    while ((got = evnet_sim_read(pair.client, block, sizeof block)) > 0)
      all.append(block, static_cast<size_t>(got));
    return all + (got == 0 ? " END" : std::string(" ") + evnet_status_name(static_cast<int>(got)));
  }

  std::string Failure() const {
    const char *failure = evnet_sim_failure(sim);
    return failure != nullptr ? failure : "";
  }

  evnet_sim_options options = {};
  evnet_listen_options listen_options = {};
  uint32_t datagram_bytes_max = 0;
  evnet_sim *sim = nullptr;
  evnet_poller *poller = nullptr;
  std::unique_ptr<Loop> loop;
  evnet_address address = {};
  evnet_handle listener = {};
  std::string expected_failure;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_SIM_FIXTURE_H_
