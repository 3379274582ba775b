// Connecting in the simulated kernel.
#include "net/poller/testing/sim_connect.h"

#include <errno.h>

#include "net/base/testing/udp_client.h"
#include "net/poller/testing/sim_fixture.h"
#include "net/poller/testing/sim_udp.h"

namespace evnet_testing {
namespace {

class SimConnect : public Sim {
 protected:
  evnet_handle Reserve(evnet_transport transport = EVNET_TRANSPORT_TCP) {
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_reserve(poller, transport, &handle), 0);
    return handle;
  }

  evnet_address At(int port) { return ParseAddress("tcp://127.0.0.1:" + std::to_string(port)); }

  void ConnectTo(evnet_handle handle, int port) {
    const evnet_address to = At(port);
    evnet_poller_connect(poller, handle, &to, nullptr);
  }
};

TEST_F(SimConnect, BytesGoBothWaysBetweenAHandleAndTheOutside) {
  options.delay_ns_max = 5 * kMs;
  Start();
  const int port = evnet_sim_serve(sim);
  ASSERT_GT(port, 0);
  const evnet_handle handle = Reserve();
  ConnectTo(handle, port);
  loop->Turn(0);
  EXPECT_EQ(loop->Story(handle), "");
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=0");
  evnet_sim_socket *peer = evnet_sim_take(sim, static_cast<uint16_t>(port));
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(evnet_sim_take(sim, static_cast<uint16_t>(port)), nullptr);
  evnet_poller_recv_start(poller, handle);
  const Pair pair = {peer, handle, 0};
  EXPECT_EQ(Write(pair, "to"), 2);
  EXPECT_EQ(Send(pair, "from"), 4);
  Settle();
  EXPECT_EQ(Read(pair), "from EAGAIN");
  evnet_sim_close(peer);
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=0 RECV:to RECV=0");
}

TEST_F(SimConnect, APollersListenerAcceptsIt) {
  Start();
  const evnet_handle handle = Reserve();
  ConnectTo(handle, evnet_address_port(&address));
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=0");
  const std::vector<Event> accepted = loop->Of(listener, EVNET_OP_ACCEPT);
  ASSERT_EQ(accepted.size(), 1u);
  evnet_address own = {};
  ASSERT_EQ(evnet_poller_local_address(poller, handle, &own), 0);
  EXPECT_EQ(evnet_address_port(&accepted[0].peer), evnet_address_port(&own));
  evnet_poller_discard_descriptor(poller, static_cast<int>(accepted[0].result));
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=0 HANGUP=-ECONNRESET");
}

TEST_F(SimConnect, WithoutAnybodyThereItIsRefusedAndMayConnectAgain) {
  Start();
  const evnet_handle handle = Reserve();
  ConnectTo(handle, 1);
  Settle();
  ConnectTo(handle, evnet_sim_serve(sim));
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=-ECONNREFUSED CONNECT=0");
}

TEST_F(SimConnect, FailsAsOftenAsItIsTold) {
  options.faults.connect_refused = 1000;
  Start();
  const evnet_handle handle = Reserve();
  ConnectTo(handle, evnet_sim_serve(sim));
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=-ECONNREFUSED");
}

TEST_F(SimConnect, OneThatIsLostIsStopped) {
  options.faults.connect_lost = 1000;
  Start();
  const evnet_handle handle = Reserve();
  ConnectTo(handle, evnet_sim_serve(sim));
  Settle();
  EXPECT_EQ(loop->Story(handle), "");
  EXPECT_EQ(evnet_sim_next_ns(sim), UINT64_MAX);
  evnet_poller_connect_stop(poller, handle);
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=-ECANCELED");
  evnet_poller_detach(poller, handle);
  Settle();
  EXPECT_EQ(loop->Story(handle), "CONNECT=-ECANCELED DETACH=0");
}

TEST_F(SimConnect, AResetThatComesFirstIsWhatConnectTells) {
  options.delay_ns_max = 40 * kMs;
  Start();
  const int port = evnet_sim_serve(sim);
  int resets = 0;
  for (int i = 0; i < 200; i++) {
    const evnet_handle handle = Reserve();
    ConnectTo(handle, port);
    for (int step = 0; step < 100 && loop->Of(handle).empty(); step++) {
      evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs / 2);
      evnet_sim_socket *peer = evnet_sim_take(sim, static_cast<uint16_t>(port));
      if (peer != nullptr) evnet_sim_reset(peer);
      loop->Turn(0);
    }
    if (loop->Story(handle) == "CONNECT=-ECONNRESET") resets++;
    evnet_poller_detach(poller, handle);
    Settle();
    evnet_sim_socket *left = evnet_sim_take(sim, static_cast<uint16_t>(port));
    if (left != nullptr) evnet_sim_close(left);
  }
  EXPECT_GT(resets, 0);
}

TEST_F(SimConnect, DetachedWhileItConnectsItTellsOnlyThat) {
  options.delay_ns_max = 5 * kMs;
  options.faults.late_close = 500;
  Start();
  const int port = evnet_sim_serve(sim);
  for (int i = 0; i < 20; i++) {
    const evnet_handle handle = Reserve();
    ConnectTo(handle, port);
    if (i % 2 == 0) {
      evnet_poller_detach(poller, handle);
    } else {
      evnet_poller_abort(poller, handle);
    }
    Settle();
    EXPECT_EQ(loop->Story(handle), "DETACH=0");
  }
  const evnet_handle reserved = Reserve();
  evnet_poller_detach(poller, reserved);
  Settle();
  EXPECT_EQ(loop->Story(reserved), "DETACH=0");
  evnet_sim_stats stats = {};
  evnet_sim_stats_of(sim, &stats);
  EXPECT_EQ(stats.handles, 1u);  // of the listener
  EXPECT_EQ(stats.descriptors, 1u);
}

TEST_F(SimConnect, ADatagramSocketHasOnePeer) {
  Start();
  evnet_sim_udp *peer = nullptr;
  ASSERT_EQ(evnet_sim_udp_open(sim, 1, &peer), 0);
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_UDP);
  evnet_poller_connect(poller, handle, evnet_sim_udp_address(peer), nullptr);
  Settle();
  ASSERT_EQ(loop->Story(handle), "CONNECT=0");
  const evnet_datagram empty = {nullptr, 0, nullptr, nullptr};
  EXPECT_EQ(evnet_poller_send_datagrams(poller, handle, &empty, 1), 1);
  Settle();
  EXPECT_EQ(evnet_sim_udp_receive(peer, nullptr, 0, nullptr), 0);
  evnet_poller_detach(poller, handle);
  Settle();
}

TEST_F(SimConnect, NoticesAConnectOfWhatIsConnectedAlready) {
  Start();
  const Pair pair = Connect();
  ConnectTo(pair.handle, 1);
  ASSERT_NE(evnet_sim_failure(sim), nullptr);
  expected_failure = Failure();
  EXPECT_NE(expected_failure.find("wrong kind"), std::string::npos) << expected_failure;
}

}  // namespace
}  // namespace evnet_testing
