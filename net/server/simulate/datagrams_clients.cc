// The UDP clients, and acts of the handler that another thread posts later.
#include "net/server/simulate/datagrams.h"

#include <algorithm>

namespace evnet_simulation {

uint64_t Datagrams::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (const Peer &peer : peers_) next = std::min(next, peer.next_ns);
  return next;
}

void Datagrams::Step() {
  const size_t count = peers_.size();
  const size_t first = w_.Below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; i++) {
    Peer *peer = &peers_[(first + i) % count];
    if (peer->next_ns > w_.now()) continue;
    peer->next_ns = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.pause_ns_max;
    if (peer->udp == nullptr) {
      if (evnet_sim_udp_open(w_.sim, peer->host, &peer->udp) < 0) peer->next_ns = UINT64_MAX;
    } else if (peer->to_send > 0 && w_.Chance(700)) {
      // Some clients send several datagrams in a row.
      for (uint32_t left = 1 + w_.Below(w_.Chance(200) ? 20 : 2); left > 0; left--) Send(peer);
    } else {
      Receive(peer);
    }
    return;
  }
}

void Datagrams::Send(Peer *peer) {
  if (peer->to_send == 0) return;
  const UdpSocket *socket = Any();
  evnet_address to = *evnet_sim_udp_address(peer->udp);
  const uint32_t host = socket->of_all_hosts ? 1 + w_.Below(3) : 1;
  to.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
  to.socket.ip4.sin_port = htons(socket->port);
  if (w_.Chance(100)) to = GroupOf(*socket);
  const std::string bytes = Bytes(Size());
  const int64_t sent = evnet_sim_udp_send(peer->udp, &to, bytes.data(), bytes.size());
  if (sent >= 0) peer->to_send--;
}

void Datagrams::Receive(Peer *peer) {
  char block[16];
  evnet_address from = {};
  while (evnet_sim_udp_receive(peer->udp, block, sizeof block, &from) >= 0) {
    bool known = false;
    for (const auto &socket : sockets_) known = known || evnet_address_port(&from) == socket->port;
    if (!known) evnet_sim_fail(w_.sim, "a datagram from port %u", evnet_address_port(&from));
  }
  if (peer->to_send > 0 || w_.Chance(800)) return;
  peer->next_ns = UINT64_MAX;
  // Datagrams to a closed client have no receiver.
  if (w_.Chance(500)) evnet_sim_udp_close(peer->udp);
}

uint64_t Datagrams::NextLaterNs() const {
  uint64_t next = UINT64_MAX;
  for (const Later &each : later_) next = std::min(next, each.at_ns);
  return next;
}

void Datagrams::RunLater() {
  for (size_t i = 0; i < later_.size(); i++) {
    if (later_[i].at_ns > w_.now()) continue;
    const Later due = later_[i];
    later_[i] = later_.back();
    later_.pop_back();
    const int status = handler_.PostFunction(0, [this, due] {
      UdpSocket *const socket = due.socket;
      if (!IsAlive(*socket)) return;
      if (due.resume) {
        evnet_conn_resume_reading(socket->conn);
        socket->paused = false;
      } else {
        if (w_.Chance(500)) ActOn(socket);
        socket->holds--;
        evnet_conn_release(socket->conn);
      }
    });
    if (status == -ENOMEM || status == -ENOBUFS)
      later_.push_back({w_.now() + kNsPerMs, due.socket, due.resume});
    return;
  }
}

void Datagrams::TheEnd() {
  for (Peer &peer : peers_) {
    if (peer.udp != nullptr) Receive(&peer);
  }
}

}  // namespace evnet_simulation
