// The rules for each datagram.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <algorithm>

#include "net/server/simulate/datagrams.h"

namespace evnet_simulation {
namespace {

constexpr size_t kIp4BytesMax = 65507;
constexpr size_t kIp6BytesMax = 65527;
// At most this much is counted for a queued datagram in addition to its bytes.
constexpr size_t kCostMax = 1024;

bool IsSame(const evnet_address &a, const evnet_address &b) {
  if (a.socket.any.sa_family != b.socket.any.sa_family ||
      evnet_address_port(&a) != evnet_address_port(&b))
    return false;
  if (a.socket.any.sa_family == AF_INET)
    return a.socket.ip4.sin_addr.s_addr == b.socket.ip4.sin_addr.s_addr;
  return memcmp(&a.socket.ip6.sin6_addr, &b.socket.ip6.sin6_addr, 16) == 0;
}

}  // namespace

bool Datagrams::IsAlive(const UdpSocket &socket) const {
  evnet_sim_udp_state state;
  return evnet_sim_udp_inspect(w_.sim, socket.port, &state);
}

// Writing

int Datagrams::WrongWith(const UdpSocket &socket, const evnet_address &to, size_t size) {
  const bool is_ip4 = to.socket.any.sa_family == AF_INET;
  if (to.size == 0) return -EDESTADDRREQ;
  if (!is_ip4 && !socket.of_both_families) return -EAFNOSUPPORT;
  if (evnet_address_port(&to) == 0) return -EINVAL;
  return size > (is_ip4 ? kIp4BytesMax : kIp6BytesMax) ? -EMSGSIZE : 0;
}

void Datagrams::Write(UdpSocket *socket, const evnet_address *to, const std::string &bytes) {
  evnet_conn *const conn = socket->conn;
  const bool answers = to == nullptr;
  Outgoing outgoing;
  if (answers && socket->presented != nullptr) {
    outgoing.to = socket->presented->from;
    outgoing.has_source = true;
    outgoing.source = socket->presented->to;
  } else if (!answers) {
    outgoing.to = *to;
  }
  outgoing.bytes = bytes;
  outgoing.group = depth_ == 0 ? ++groups_ : groups_;
  outgoing.announced = prewrites_ > 0;
  outgoing.writing = true;
  const size_t queued = evnet_conn_outbound_bytes(conn);
  socket->outgoing.push_back(outgoing);
  Outgoing *const written = &socket->outgoing.back();
  depth_++;
  ssize_t result;
  if (!answers || (socket->presented != nullptr && w_.Chance(100))) {
    const evnet_address where = outgoing.to;
    result = evnet_conn_send_to(conn, &where, bytes.data(), bytes.size());
  } else if (w_.Chance(500)) {
    result = evnet_conn_write(conn, bytes.data(), bytes.size());
  } else {
    std::string left = bytes.substr(0, bytes.size() / 3);
    std::string right = bytes.substr(left.size());
    const iovec pieces[] = {{&left[0], left.size()}, {nullptr, 0}, {&right[0], right.size()}};
    result = evnet_conn_writev(conn, pieces, 3);
  }
  depth_--;
  Wrote(socket, written, queued, result);
}

void Datagrams::Wrote(UdpSocket *socket, Outgoing *outgoing, size_t queued, ssize_t result) {
  const size_t size = outgoing->bytes.size();
  evnet_sim_note(w_.sim, "write, UDP", socket->port, static_cast<int64_t>(size), result);
  outgoing->writing = false;
  const int wrong = WrongWith(*socket, outgoing->to, size);
  if (evnet_conn_outbound_bytes(socket->conn) >
      std::max(w_.plan.server.udp_outbound_bytes_max, kIp6BytesMax))
    evnet_sim_fail(w_.sim, "%zu bytes of datagrams are queued",
                   evnet_conn_outbound_bytes(socket->conn));
  if (result >= 0) {
    if (static_cast<size_t>(result) != size || wrong < 0)
      evnet_sim_fail(w_.sim, "a datagram of %zu bytes is taken with %zd", size, result);
    if (outgoing->fate != Fate::kPending) Forget(socket, outgoing);
    return;
  }
  if (outgoing->fate == Fate::kTaken || outgoing->fate == Fate::kRefused)
    evnet_sim_fail(w_.sim, "a datagram whose write returned %s is sent",
                   evnet_status_name(static_cast<int>(result)));
  if (!IsLegal(*socket, wrong, size, queued, result))
    evnet_sim_fail(w_.sim, "the write of a datagram of %zu bytes returns %s with %zu bytes queued",
                   size, evnet_status_name(static_cast<int>(result)), queued);
  if (result == -ENOBUFS || result == -ENOMEM) dropped_++;
  Forget(socket, outgoing);
}

// wrong: the error of WrongWith, which precedes all others, or 0.
bool Datagrams::IsLegal(const UdpSocket &socket, int wrong, size_t size, size_t queued,
                        ssize_t error) const {
  if (wrong < 0) return error == wrong;
  switch (error) {
    case -ENOMEM:
      return w_.memory.failed() > 0;
    case -ENOBUFS:
      return queued + size + kCostMax > w_.plan.server.udp_outbound_bytes_max ||
             MayBeFull(socket, size);
    default:
      return false;
  }
}

// Returns whether the pending datagrams and this one may exceed the bound. Datagrams that were sent
// in the meantime do not count.
bool Datagrams::MayBeFull(const UdpSocket &socket, size_t size) const {
  size_t cost = size + kCostMax;
  for (const Outgoing &each : socket.outgoing) {
    if (each.fate == Fate::kPending) cost += each.bytes.size() + kCostMax;
  }
  return cost > w_.plan.server.udp_outbound_bytes_max;
}

void Datagrams::Expected(Outgoing *outgoing) {
  depth_--;
  outgoing->writing = false;
}

void Datagrams::Answered(UdpSocket *socket, const Outgoing *outgoing) {
  if (outgoing->fate == Fate::kPending) dropped_++;
  Forget(socket, outgoing);
}

Outgoing *Datagrams::Expect(UdpSocket *socket, const evnet_address &to, const std::string &bytes) {
  Outgoing outgoing;
  outgoing.to = to;
  outgoing.bytes = bytes;
  outgoing.group = depth_ == 0 ? ++groups_ : groups_;
  outgoing.announced = prewrites_ > 0;
  outgoing.is_async = true;
  outgoing.writing = true;  // until the request has run
  socket->outgoing.push_back(outgoing);
  depth_++;
  return &socket->outgoing.back();
}

void Datagrams::Forget(UdpSocket *socket, const Outgoing *outgoing) {
  socket->outgoing.remove_if([&](const Outgoing &each) { return &each == outgoing; });
}

void Datagrams::Announce(UdpSocket *socket) {
  for (Outgoing &each : socket->outgoing) each.announced = true;
}

// Returns whether evnet may drop a datagram that the kernel had no room for. It may if there is no
// memory to queue the datagram, or if the datagram alone exceeds the bound of the queue.
bool Datagrams::MayBeDropped(const Outgoing &outgoing) const {
  return w_.memory.failed() > 0 ||
         outgoing.bytes.size() + kCostMax > w_.plan.server.udp_outbound_bytes_max;
}

// Reports of the simulated kernel

void Datagrams::Watch(const evnet_sim_udp_news &news) {
  for (const auto &socket : sockets_) {
    if (socket->port != news.port) continue;
    if (news.event == EVNET_SIM_UDP_TOLD) {
      Told(socket.get(), news);
    } else {
      Sent(socket.get(), news);
    }
    return;
  }
}

void Datagrams::Told(UdpSocket *socket, const evnet_sim_udp_news &news) {
  told_++;
  bytes_told_ += news.size;
  if (!w_.plan.on_data) return;
  if (!socket->told.empty())
    evnet_sim_fail(w_.sim, "a datagram of port %u was not presented", socket->port);
  const std::string bytes(reinterpret_cast<const char *>(news.data), news.size);
  evnet_address to = *news.to;
  if (IN_MULTICAST(ntohl(to.socket.ip4.sin_addr.s_addr))) {
    // evnet reports the host that received it. A datagram that arrived before the socket left the
    // group is still presented.
    to.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!socket->was_member) evnet_sim_fail(w_.sim, "a group's datagram reaches a non-member");
  }
  socket->told.push_back({*news.from, to, bytes, news.truncated});
}

bool Datagrams::IsThat(const UdpSocket &socket, const Outgoing &outgoing,
                       const evnet_sim_udp_news &news) {
  if (outgoing.fate != Fate::kPending || outgoing.bytes.size() != news.size ||
      !IsSame(outgoing.to, *news.to))
    return false;
  if (socket.of_all_hosts && outgoing.has_source && !IsSame(outgoing.source, *news.from))
    return false;
  return news.size == 0 || memcmp(outgoing.bytes.data(), news.data, news.size) == 0;
}

void Datagrams::Sent(UdpSocket *socket, const evnet_sim_udp_news &news) {
  Outgoing *found = nullptr;
  for (Outgoing &each : socket->outgoing) {
    if (found == nullptr && IsThat(*socket, each, news)) found = &each;
  }
  const char *const what = news.event == EVNET_SIM_UDP_TAKEN ? "sent" : "refused";
  if (found == nullptr) {
    evnet_sim_fail(w_.sim,
                   "a datagram of %zu bytes to port %u is %s that the handler has not written, or "
                   "not to this address, not from this address, or not now",
                   news.size, evnet_address_port(news.to), what);
    return;
  }
  if (w_.plan.on_prewrite && !found->announced)
    evnet_sim_fail(w_.sim, "a datagram of %zu bytes is %s without an on_prewrite", news.size, what);
  found->fate = news.event == EVNET_SIM_UDP_TAKEN ? Fate::kTaken : Fate::kRefused;
  found->error = news.error;
  (found->fate == Fate::kTaken ? taken_ : dropped_)++;
  if (found->fate == Fate::kTaken) ports_.insert(evnet_address_port(news.to));
  // Datagrams written earlier and still pending have been dropped, so MayBeDropped must hold.
  for (auto each = socket->outgoing.begin(); &*each != found;) {
    auto next = std::next(each);
    if (each->fate == Fate::kPending && each->group != found->group && !each->writing) {
      if (!MayBeDropped(*each))
        evnet_sim_fail(w_.sim, "a datagram of %zu bytes to port %u was lost, or overtaken",
                       each->bytes.size(), evnet_address_port(&each->to));
      each->fate = Fate::kPassedOver;
      dropped_++;
      if (!each->is_async) socket->outgoing.erase(each);
    }
    each = next;
  }
  if (!found->writing && !found->is_async) Forget(socket, found);
}

// When nothing can run, and at the end

void Datagrams::NoteOwed() {
  owed_ = told_;
  owes_ = w_.plan.sim.faults.deferred == 0;
  for (const auto &socket : sockets_) {
    evnet_sim_udp_state state = {};
    if (!evnet_sim_udp_inspect(w_.sim, socket->port, &state)) continue;
    if (socket->paused || !state.receiving) owes_ = false;
    owed_ += state.waiting;
  }
}

void Datagrams::Idle() {
  for (const auto &each : sockets_) {
    const UdpSocket &socket = *each;
    evnet_sim_udp_state state = {};
    if (!evnet_sim_udp_inspect(w_.sim, socket.port, &state)) {
      if (!w_.stop_asked())
        evnet_sim_fail(w_.sim, "the socket of port %u is gone without a stop", socket.port);
      continue;
    }
    const bool stopped = socket.paused || w_.IsHeldBack(socket.conn);
    if (!stopped && !state.receiving && !state.failed && !w_.stop_asked())
      evnet_sim_fail(w_.sim, "port %u does not receive, though it is not paused", socket.port);
    if (stopped && state.receiving)
      evnet_sim_fail(w_.sim, "port %u receives, though it is paused", socket.port);
    if (evnet_conn_inbound_bytes(socket.conn) > 0)
      evnet_sim_fail(w_.sim, "port %u keeps bytes of a datagram", socket.port);
    const size_t queued = evnet_conn_outbound_bytes(socket.conn);
    size_t pending = 0;
    for (const Outgoing &outgoing : socket.outgoing)
      if (outgoing.fate == Fate::kPending && !MayBeDropped(outgoing)) pending++;
    if (!state.awaits_room && queued > 0)
      evnet_sim_fail(w_.sim, "port %u has %zu bytes to send, and does not wait for room",
                     socket.port, queued);
    if (!state.awaits_room && pending > 0)
      evnet_sim_fail(w_.sim, "port %u has lost %zu datagrams", socket.port, pending);
  }
}

void Datagrams::Stats() {
  if (sockets_.empty()) return;
  for (const auto &socket : sockets_) {
    if (!socket->told.empty())
      evnet_sim_fail(w_.sim, "a datagram of port %u was not presented", socket->port);
    if (socket->holds > 0 && w_.now() < w_.stop_by_ns)
      evnet_sim_fail(w_.sim, "the stop did not wait for the %d holds of port %u", socket->holds,
                     socket->port);
    for (const Outgoing &outgoing : socket->outgoing) {
      if (outgoing.fate != Fate::kPending) continue;
      if (!MayBeDropped(outgoing) && w_.now() < w_.stop_by_ns)
        evnet_sim_fail(w_.sim, "the stop ended with a datagram of %zu bytes unsent",
                       outgoing.bytes.size());
      dropped_++;
    }
  }
  if (owes_ && told_ < owed_ && w_.now() < w_.stop_by_ns)
    evnet_sim_fail(w_.sim,
                   "%" PRIu64 " datagrams had arrived when the stop began, %" PRIu64 " were read",
                   owed_, told_);
  struct evnet_server_stats stats;
  evnet_server_get_stats(w_.server, &stats);
  if (stats.datagrams_received != told_ || stats.datagrams_sent != taken_ ||
      stats.datagrams_dropped != dropped_)
    evnet_sim_fail(w_.sim,
                   "%" PRIu64 " datagrams are counted as received, %" PRIu64 " as sent, %" PRIu64
                   " as dropped; %" PRIu64 ", %" PRIu64 " and %" PRIu64 " were",
                   stats.datagrams_received, stats.datagrams_sent, stats.datagrams_dropped, told_,
                   taken_, dropped_);
}

}  // namespace evnet_simulation
