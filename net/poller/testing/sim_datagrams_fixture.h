// A simulated world with UDP sockets of a poller and of clients.
#ifndef EVNET_NET_POLLER_TESTING_SIM_DATAGRAMS_FIXTURE_H_
#define EVNET_NET_POLLER_TESTING_SIM_DATAGRAMS_FIXTURE_H_

#include <string>
#include <vector>

#include "net/poller/testing/sim_fixture.h"
#include "net/poller/testing/sim_udp.h"

namespace evnet_testing {

inline std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  (void)evnet_address_format(&address, text, sizeof text);
  return text;
}

class SimDatagrams : public Sim {
 protected:
  evnet_address Parse(const std::string &text) {
    evnet_address parsed = {};
    EXPECT_EQ(evnet_address_parse(text.c_str(), &parsed, nullptr, 0), 0);
    return parsed;
  }

  evnet_handle Bind(const std::string &text = "udp://127.0.0.1:0") {
    if (sim == nullptr) Start();
    const evnet_address parsed = Parse(text);
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller, &parsed, nullptr, &handle), 0);
    return handle;
  }

  evnet_address AddressOf(evnet_handle handle) {
    evnet_address own = {};
    EXPECT_EQ(evnet_poller_local_address(poller, handle, &own), 0);
    return own;
  }

  evnet_address At(evnet_handle handle, const std::string &host) {
    const evnet_address own = AddressOf(handle);
    return Parse("udp://" + host + ":" + std::to_string(evnet_address_port(&own)));
  }

  evnet_sim_udp *Client(uint8_t host = 1) {
    evnet_sim_udp *client = nullptr;
    EXPECT_EQ(evnet_sim_udp_open(sim, host, &client), 0);
    return client;
  }

  void Send(evnet_sim_udp *client, const evnet_address &to, const std::string &data) {
    EXPECT_EQ(evnet_sim_udp_send(client, &to, data.data(), data.size()),
              static_cast<int64_t>(data.size()));
  }

  int64_t SendFrom(evnet_handle handle, const evnet_address *to, const std::string &data,
                   const evnet_address *from = nullptr) {
    iovec piece = {};
    piece.iov_base = const_cast<char *>(data.data());
    piece.iov_len = data.size();
    const evnet_datagram datagram = {&piece, 1, to, from};
    return evnet_poller_send_datagrams(poller, handle, &datagram, 1);
  }

  // Returns all datagrams that the client has received: "one,two".
  std::string Received(evnet_sim_udp *client, evnet_address *from = nullptr) {
    std::string all;
    std::string block(70000, '\0');
    int64_t size;
    while ((size = evnet_sim_udp_receive(client, &block[0], block.size(), from)) >= 0) {
      if (!all.empty()) all += ",";
      all += block.substr(0, static_cast<size_t>(size));
    }
    EXPECT_EQ(size, -EAGAIN);
    return all;
  }

  std::vector<Event> Datagrams(evnet_handle handle) { return loop->Of(handle, EVNET_OP_DATAGRAM); }
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_SIM_DATAGRAMS_FIXTURE_H_
