// The handler of UDP sockets. datagrams_oracle.cc checks its results.
#include "net/server/simulate/datagrams.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

namespace evnet_simulation {
namespace {

constexpr const char *kUdpAddresses[] = {"udp4://127.0.0.1:0", "udp4://:0", "udp://:0"};

}  // namespace

Datagrams::~Datagrams() { evnet_sim_udp_set_watch(w_.sim, nullptr, nullptr); }

std::vector<const char *> Datagrams::Addresses() {
  std::vector<const char *> addresses;
  for (size_t i = 0; i < w_.plan.udp_addresses; i++) {
    const uint32_t which = w_.Below(3);
    addresses.push_back(kUdpAddresses[which]);
    sockets_.push_back(std::make_unique<UdpSocket>());
    sockets_.back()->index = w_.plan.addresses + i;
    sockets_.back()->of_all_hosts = which > 0;
    sockets_.back()->of_both_families = which > 1;
  }
  if (sockets_.empty()) return addresses;
  evnet_sim_udp_set_watch(
      w_.sim,
      [](void *user, const evnet_sim_udp_news *news) {
        static_cast<Datagrams *>(user)->Watch(*news);
      },
      this);
  for (size_t i = 0; i < w_.plan.udp_clients; i++) {
    const uint64_t begins_ns = w_.now() + evnet_sim_random(w_.sim) % w_.plan.connects_by_ns;
    const auto host = static_cast<uint8_t>(1 + w_.Below(5));
    peers_.push_back({static_cast<uint32_t>(i), begins_ns, w_.Below(40), host, nullptr});
  }
  return addresses;
}

void Datagrams::Boot(evnet_server *server) {
  for (const auto &socket : sockets_) {
    evnet_address bound = {};
    const int status = evnet_server_address(server, socket->index, &bound);
    socket->port = evnet_address_port(&bound);
    socket->conn = evnet_server_datagram_socket(server, socket->index);
    if (status < 0 || socket->port == 0 || socket->conn == nullptr) {
      evnet_sim_fail(w_.sim, "on_boot before UDP address %zu is bound", socket->index);
      return;
    }
    socket->id = evnet_conn_get_id(socket->conn);
    if (evnet_conn_listener_index(socket->conn) != static_cast<int>(socket->index))
      evnet_sim_fail(w_.sim, "the socket of address %zu says it is that of %d", socket->index,
                     evnet_conn_listener_index(socket->conn));
  }
}

// The first bytes of a datagram are unique, unless it is too short.
std::string Datagrams::Bytes(size_t size) {
  std::string bytes(size, '\0');
  const uint64_t serial = ++serial_;
  memcpy(&bytes[0], &serial, std::min(size, sizeof serial));
  for (size_t i = sizeof serial; i < size; i++)
    bytes[i] = static_cast<char>((serial + i) * 0x9e3779b97f4a7c15u >> 40);
  return bytes;
}

size_t Datagrams::Size() {
  switch (w_.Below(12)) {
    case 0:
      return 0;
    case 1:
    case 2:
      return w_.Below(20);
    case 3:
      return w_.Below(9000);
    case 4:
      return w_.Chance(50) ? 65000 + w_.Below(520) : 1400;
    default:
      return 8 + w_.Below(300);
  }
}

// The handler

UdpSocket *Datagrams::Find(const evnet_conn *conn) {
  for (const auto &socket : sockets_) {
    if (socket->conn == conn && IsAlive(*socket)) return socket.get();
  }
  return nullptr;
}

UdpSocket *Datagrams::Any() {
  if (sockets_.empty()) return nullptr;
  return sockets_[w_.Below(static_cast<uint32_t>(sockets_.size()))].get();
}

// Returns the address of a client, an unused address, or an address that is not valid.
evnet_address Datagrams::Somebody() {
  evnet_address address = {};
  address.size = sizeof address.socket.ip4;
  address.transport = EVNET_TRANSPORT_UDP;
  address.socket.ip4.sin_family = AF_INET;
  address.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.socket.ip4.sin_port = htons(static_cast<uint16_t>(w_.Chance(900) ? 9 : 0));
  if (!peers_.empty() && w_.Chance(850)) {
    const Peer &peer = peers_[w_.Below(static_cast<uint32_t>(peers_.size()))];
    if (peer.udp != nullptr) address = *evnet_sim_udp_address(peer.udp);
  } else if (w_.Chance(100)) {
    address.size = sizeof address.socket.ip6;
    address.socket.ip6 = {};
    address.socket.ip6.sin6_family = AF_INET6;
    address.socket.ip6.sin6_addr = in6addr_loopback;
    address.socket.ip6.sin6_port = htons(9);
  }
  return address;
}

evnet_action Datagrams::OnData(UdpSocket *socket) {
  w_.callbacks++;
  evnet_conn *const conn = socket->conn;
  if (w_.current_reactor != 0 || w_.shut_down)
    evnet_sim_fail(w_.sim, "a datagram on reactor %u, or after on_shutdown", w_.current_reactor);
  if (socket->told.empty()) {
    evnet_sim_fail(w_.sim, "on_data of port %u for nothing", socket->port);
    return EVNET_NONE;
  }
  const ToldDatagram told = socket->told.front();
  socket->told.pop_front();
  socket->presented = &told;
  const evnet_bytes all = evnet_conn_peek(conn);
  evnet_address peer;
  evnet_address local;
  evnet_conn_remote_address(conn, &peer);
  const int status = evnet_conn_local_address(conn, &local);
  evnet_sim_note(w_.sim, "on_data, UDP", socket->port, evnet_address_port(&peer),
                 static_cast<int64_t>(all.size));
  if (all.size != told.bytes.size() || evnet_conn_inbound_bytes(conn) != all.size ||
      (all.size > 0 && memcmp(all.data, told.bytes.data(), all.size) != 0))
    evnet_sim_fail(w_.sim, "%zu bytes are presented of a datagram of %zu", all.size,
                   told.bytes.size());
  if (memcmp(&peer.socket.ip4, &told.from.socket.ip4, sizeof peer.socket.ip4) != 0)
    evnet_sim_fail(w_.sim, "a datagram is presented as port %u's that was %u's",
                   evnet_address_port(&peer), evnet_address_port(&told.from));
  if (status < 0 || local.socket.ip4.sin_addr.s_addr != told.to.socket.ip4.sin_addr.s_addr ||
      local.socket.ip4.sin_port != told.to.socket.ip4.sin_port)
    evnet_sim_fail(w_.sim, "a datagram is presented as one to another address");
  if (evnet_conn_is_truncated(conn) != told.truncated)
    evnet_sim_fail(w_.sim, "a datagram is not presented as cut as it is");
  // evnet drops the rest of the datagram.
  if (w_.Chance(300)) (void)evnet_conn_discard(conn, w_.Below(100));
  while (w_.Chance(400)) Reply(socket);
  if (w_.Chance(w_.plan.chaos)) ActOn(socket);
  socket->presented = nullptr;
  if (!w_.Chance(w_.plan.chaos) || !w_.Chance(w_.plan.endings)) return EVNET_NONE;
  return w_.Chance(50) ? handler_.Shutdown() : EVNET_CLOSE;  // ignored for a UDP socket
}

void Datagrams::Reply(UdpSocket *socket) {
  if (w_.Chance(200)) {
    const evnet_address to = Somebody();
    Write(socket, &to, Bytes(Size()));
  } else {
    Write(socket, nullptr, Bytes(Size()));
  }
}

// Each error is of a datagram that was sent and did not arrive.
void Datagrams::OnError(UdpSocket *socket, const evnet_datagram_error &error) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, "on_datagram_error", evnet_address_port(error.peer), error.status, 0);
  if (socket == nullptr || w_.current_reactor != 0)
    evnet_sim_fail(w_.sim, "on_datagram_error on reactor %u", w_.current_reactor);
  evnet_sim_udp_stats stats;
  evnet_sim_udp_stats_of(w_.sim, &stats);
  const bool has_cause = w_.plan.server.udp_errors && error.status == -ECONNREFUSED &&
                         ports_.count(evnet_address_port(error.peer)) > 0 &&
                         ++errors_ <= stats.lost;
  if (!has_cause)
    evnet_sim_fail(w_.sim, "on_datagram_error with %s for port %u has no cause",
                   evnet_status_name(error.status), evnet_address_port(error.peer));
  if (w_.Chance(300)) Act();
}

void Datagrams::OnPrewrite(UdpSocket *socket) {
  evnet_sim_note(w_.sim, "on_prewrite, UDP", socket->port, 0, 0);
  w_.callbacks++;
  if (w_.current_reactor != 0) evnet_sim_fail(w_.sim, "UDP on reactor %u", w_.current_reactor);
  Announce(socket);
  prewrites_++;
  if (w_.Chance(300)) Act();
  prewrites_--;
  Announce(socket);
}

void Datagrams::Act() {
  UdpSocket *socket = Any();
  if (w_.current_reactor != 0 || socket == nullptr || !IsAlive(*socket)) return;
  ActOn(socket);
}

void Datagrams::ActOn(UdpSocket *socket) {
  evnet_conn *const conn = socket->conn;
  if (socket->presented == nullptr && evnet_conn_inbound_bytes(conn) > 0)
    evnet_sim_fail(w_.sim, "port %u keeps %zu bytes of a datagram", socket->port,
                   evnet_conn_inbound_bytes(conn));
  switch (w_.Below(9)) {
    case 0: {
      evnet_conn_pause_reading(conn);
      socket->paused = true;
      owes_ = false;
      if (w_.Chance(900))
        later_.push_back({w_.now() + evnet_sim_random(w_.sim) % (50 * kNsPerMs), socket, true});
      break;
    }
    case 1:
      evnet_conn_resume_reading(conn);
      socket->paused = false;
      break;
    case 2:
      evnet_conn_hold(conn);
      socket->holds++;
      later_.push_back({w_.now() + evnet_sim_random(w_.sim) % (50 * kNsPerMs), socket, false});
      break;
    case 3:
      (void)evnet_conn_flush(conn);
      break;
    case 4:
      WhatItHasNot(socket);
      break;
    case 5:
      JoinOrLeave(socket);
      break;
    default: {
      const bool answers = w_.Chance(100);
      const evnet_address to = Somebody();
      Write(socket, answers ? nullptr : &to, Bytes(Size()));
    }
  }
}

// There is one group address. The socket's port makes it a separate group for each socket.
evnet_address Datagrams::GroupOf(const UdpSocket &socket) {
  evnet_address group = {};
  group.size = sizeof group.socket.ip4;
  group.transport = EVNET_TRANSPORT_UDP;
  group.socket.ip4.sin_family = AF_INET;
  group.socket.ip4.sin_addr.s_addr = htonl(0xef010203);
  group.socket.ip4.sin_port = htons(socket.port);
  return group;
}

void Datagrams::JoinOrLeave(UdpSocket *socket) {
  const evnet_address group = GroupOf(*socket);
  const bool joins = w_.Chance(700);
  const int status = joins ? evnet_conn_join_group(socket->conn, &group, nullptr)
                           : evnet_conn_leave_group(socket->conn, &group, nullptr);
  const int otherwise = joins ? -EADDRINUSE : -EADDRNOTAVAIL;
  if (status != (joins == socket->is_member ? otherwise : 0))
    evnet_sim_fail(w_.sim, "a group is joined or left with %s", evnet_status_name(status));
  socket->is_member = joins;
  socket->was_member = socket->was_member || joins;
}

void Datagrams::WhatItHasNot(UdpSocket *socket) {
  evnet_conn *const conn = socket->conn;
  evnet_conn_close(conn);
  evnet_conn_abort(conn);
  if (evnet_conn_shutdown_write(conn) != -EOPNOTSUPP ||
      evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, 5) != -EOPNOTSUPP ||
      evnet_conn_set_linger(conn, 5) != -EOPNOTSUPP)
    evnet_sim_fail(w_.sim, "a UDP socket accepts an unsupported call");
}

}  // namespace evnet_simulation
