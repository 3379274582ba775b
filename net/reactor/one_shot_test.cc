// Receiving from a kernel whose completions come without `more`, as io_uring's may. evnet then has
// to start receiving again after each.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "net/poller/testing/sim.h"
#include "net/poller/testing/sim_udp.h"
#include "net/reactor/owner.h"

namespace {

struct World {
  explicit World(bool pauses, const char *text = "tcp4://127.0.0.1:80") : pauses_reading(pauses) {
    evnet_sim_options options = {};
    options.faults.one_shot = 1000;
    sim = evnet_sim_create(&options);
    evnet_handler handler = {};
    handler.on_data = [](evnet_conn *conn, void *user) {
      World *self = static_cast<World *>(user);
      const evnet_bytes bytes = evnet_conn_peek(conn);
      self->received.append(reinterpret_cast<const char *>(bytes.data), bytes.size);
      evnet_conn_discard(conn, bytes.size);
      self->seen = conn;
      if (self->pauses_reading) evnet_conn_pause_reading(conn);
      return EVNET_NONE;
    };
    evnet_reactor_options reactor_options = {};
    reactor_options.kernel = evnet_sim_kernel(sim);
    EXPECT_EQ(evnet_reactor_create(&handler, this, &reactor_options, &reactor), 0);
    EXPECT_EQ(evnet_address_parse(text, &address, nullptr, 0), 0);
    EXPECT_EQ(evnet_reactor_listen(reactor, &address, nullptr, &address), 0);
    evnet_reactor_accept_resume(reactor);
    if (address.transport == EVNET_TRANSPORT_UDP) {
      EXPECT_EQ(evnet_sim_udp_open(sim, 1, &udp_client), 0);
    } else {
      EXPECT_EQ(evnet_sim_connect(sim, 80, 1, &client), 0);
    }
    Settle();
  }
  ~World() {
    evnet_reactor_destroy(reactor);
    EXPECT_EQ(evnet_sim_failure(sim), nullptr);
    evnet_sim_destroy(sim);
  }
  void Settle() {
    for (int i = 0; i < 10; i++) {
      evnet_sim_advance(sim, evnet_sim_now_ns(sim) + 1000000);
      EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
    }
  }
  void Write(const std::string &data) {
    const int64_t sent = udp_client != nullptr
                             ? evnet_sim_udp_send(udp_client, &address, data.data(), data.size())
                             : evnet_sim_write(client, data.data(), data.size());
    EXPECT_EQ(sent, static_cast<int64_t>(data.size()));
    Settle();
  }

  const bool pauses_reading;
  evnet_sim *sim;
  evnet_reactor *reactor = nullptr;
  evnet_address address = {};
  evnet_sim_socket *client = nullptr;
  evnet_sim_udp *udp_client = nullptr;
  evnet_conn *seen = nullptr;
  std::string received;
};

TEST(OneShot, ReceivingGoesOnAfterACompletionWithoutMore) {
  World world(false);
  world.Write("first");
  world.Write("second");
  EXPECT_EQ(world.received, "firstsecond");
}

TEST(OneShot, ReceivingStaysOffAfterACompletionWithoutMoreUnderAPause) {
  World world(true);
  world.Write("first");
  world.Write("second");
  EXPECT_EQ(world.received, "first");
  evnet_conn_resume_reading(world.seen);
  world.Settle();
  EXPECT_EQ(world.received, "firstsecond");
}

TEST(OneShot, DatagramsComeAfterACompletionWithoutMore) {
  World world(false, "udp4://127.0.0.1:80");
  world.Write("first");
  world.Write("second");
  EXPECT_EQ(world.received, "firstsecond");
}

TEST(OneShot, DatagramsStayAwayAfterACompletionWithoutMoreUnderAPause) {
  World world(true, "udp4://127.0.0.1:80");
  world.Write("first");
  world.Write("second");
  EXPECT_EQ(world.received, "first");
  evnet_conn_resume_reading(world.seen);
  world.Settle();
  EXPECT_EQ(world.received, "firstsecond");
}

}  // namespace
