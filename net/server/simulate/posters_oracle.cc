// The rules for each request. It begins once, in its poster's order. It changes only its own
// connection, as documented. It is completed once, with a legal status.
#include <errno.h>
#include <string.h>

#include "net/server/simulate/posters.h"

namespace evnet_simulation {

bool Posters::IsRefusalLegal(const Request &request, int status) const {
  const uint32_t reactor = request.id.reactor;
  const bool can_be = reactor < w_.ended.size() && request.id.generation > 0;
  switch (status) {
    case 0:
      return can_be && !w_.ended[reactor];
    case -ESTALE:
      return !can_be;
    case -ENOMEM:
      return w_.memory.failed() > 0;
    case -ENOBUFS:
      return w_.plan.server.mailbox_bytes_max > 0 && request.kind != Kind::kRelease;
    case -ESHUTDOWN:
      return can_be && (w_.ended[reactor] || reactor == w_.current_reactor);
    default:
      return false;
  }
}

// The request begins and ends

void Posters::RunMarker(evnet_message *message, void *reactor) {
  (void)reactor;
  const Marker *marker = reinterpret_cast<Marker *>(message);
  Request *request = marker->request;
  if (!request->accepted) return;
  if (marker->is_behind) {
    request->posters->End(request);
  } else {
    request->posters->Begin(request);
  }
}

void Posters::Begin(Request *request) {
  evnet_sim_note(w_.sim, "request begins", static_cast<int64_t>(request->kind),
                 static_cast<int64_t>(request->serial), 0);
  const uint32_t reactor = request->id.reactor;
  if (request->began || reactor != w_.current_reactor)
    evnet_sim_fail(w_.sim, "a request to reactor %u begins on %u, or twice", reactor,
                   w_.current_reactor);
  uint64_t &last = last_began_[request->poster][reactor];
  if (request->serial < last)
    evnet_sim_fail(w_.sim, "a poster's request begins after a later one of the same poster");
  last = request->serial;
  request->began = true;
  // A message is refused here only in the turn that seals the mailbox.
  request->probe.run = [](evnet_message *, void *) {};
  const int probe =
      evnet_reactor_post_message(evnet_server_reactor(w_.server, reactor), &request->probe);
  request->gone = probe < 0 ? -ESHUTDOWN : -ESTALE;
  waiting_--;
  if (request->c != nullptr && !request->c->closed) BeginConn(request);
  if (request->socket != nullptr && datagrams_.IsAlive(*request->socket)) {
    request->found = true;
    if (request->kind == Kind::kResume) request->socket->paused = false;
    if (request->kind != Kind::kSendTo) return;
    request->expected = Datagrams::WrongWith(*request->socket, request->to, request->bytes.size());
    if (request->expected == 0)
      request->outgoing = datagrams_.Expect(request->socket, request->to, request->bytes);
  }
}

void Posters::BeginConn(Request *request) {
  Conn *c = request->c;
  request->found = true;
  request->was_open = Oracle::IsOpen(c);
  request->queued = evnet_conn_outbound_bytes(c->conn);
  if (request->kind == Kind::kRelease) c->holds--;
  if (request->kind == Kind::kAbort) {
    c->abort_asked = true;
    oracle_.EndsNow(c);
  }
  if (!request->was_open) return;
  if (request->kind == Kind::kWake) {
    c->wakes++;
    c->wake_due = true;
  }
  if (request->kind == Kind::kResume) c->paused = false;
  if (request->kind != Kind::kClose) return;
  c->close_asked = true;
  oracle_.EndsNow(c);
}

void Posters::End(Request *request) {
  if (!request->began || request->ended)
    evnet_sim_fail(w_.sim, "a request ends twice, or without having begun");
  request->ended = true;
  if (request->outgoing != nullptr) datagrams_.Expected(request->outgoing);
  Conn *c = request->c;
  if (c == nullptr || c->closed || !request->was_open) return;
  if (IsWrite(*request)) EndWrite(request);
  if (request->kind == Kind::kClose || request->kind == Kind::kAbort) c->takes_nothing = true;
}

void Posters::EndWrite(Request *request) {
  Conn *c = request->c;
  const size_t size = request->bytes.size();
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  const size_t most = w_.plan.server.outbound_bytes_max;
  if (c->write_ended) {
    request->expected = -EPIPE;
  } else if (request->queued + size > most) {
    request->expected = -ENOBUFS;
    if (w_.plan.server.outbound_overflow == EVNET_OVERFLOW_CLOSE) {
      c->outbound_overflow = true;
      oracle_.EndsNow(c);
      return;
    }
  } else if (queued == request->queued + size) {
    request->has_taken = true;
    c->written += request->bytes;
    c->wrote_ns = w_.now();
    request->end = c->written.size();
    return;
  } else {
    request->expected = -ENOMEM;
    if (w_.memory.failed() == 0)
      evnet_sim_fail(w_.sim, "a request writes %zu bytes, but %zu are queued", size,
                     queued - request->queued);
  }
  if (queued != request->queued) evnet_sim_fail(w_.sim, "a request that fails changes the queue");
}

// The request is completed

void Posters::OnRelease(void *data, void *user) {
  auto *request = static_cast<Request *>(user);
  const Posters *self = request->posters;
  if (request->released || request->told || !request->ended)
    evnet_sim_fail(self->w_.sim,
                   "bytes are released twice, after `done`, or before their "
                   "request has run");
  if (memcmp(data, request->bytes.data(), request->bytes.size()) != 0)
    evnet_sim_fail(self->w_.sim, "bytes have changed before they are given back");
  request->released = true;
  memset(data, 0xdd, request->bytes.size());
  free(data);
}

void Posters::OnDone(struct evnet_conn_id id, int status, void *user) {
  auto *request = static_cast<Request *>(user);
  if (memcmp(&id, &request->id, sizeof id) != 0)
    evnet_sim_fail(request->posters->w_.sim, "a request is answered with another's id");
  request->posters->Done(request, status);
}

void Posters::Done(Request *request, int status) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, "request done", static_cast<int64_t>(request->kind),
                 static_cast<int64_t>(request->serial), status);
  if (request->told || !request->accepted || !request->ended)
    evnet_sim_fail(w_.sim, "a request is answered twice, or before it was carried out");
  if (request->id.reactor != w_.current_reactor || w_.shut_down)
    evnet_sim_fail(w_.sim, "a request is answered on another reactor, or after on_shutdown");
  if (request->kind == Kind::kOwned && !request->released)
    evnet_sim_fail(w_.sim, "a request is answered before its bytes are given back");
  request->told = true;
  w_.request_bytes -= kRequestBytes + request->bytes.size();
  const bool legal = request->kind == Kind::kSendTo && request->outgoing != nullptr
                         ? IsSendToLegal(*request, status)
                         : IsLegal(*request, status);
  if (!legal)
    evnet_sim_fail(w_.sim, "a request of kind %d is answered for no reason with %s",
                   static_cast<int>(request->kind), evnet_status_name(status));
  // A `done` may post another request.
  if (w_.Chance(100)) ask_again_();
  if (w_.Chance(w_.plan.chaos) && request->c != nullptr && !request->c->closed)
    handler_.ActOn(request->c);
}

bool Posters::IsLegal(const Request &request, int status) const {
  const bool gone = status == request.gone;
  if (!request.found) return gone;
  if (request.socket != nullptr)
    return status == (IsWrite(request)                ? -EDESTADDRREQ
                      : request.kind == Kind::kSendTo ? request.expected
                      : request.kind == Kind::kResume ? 0
                                                      : -EOPNOTSUPP);
  if (request.kind == Kind::kSendTo) return status == -EOPNOTSUPP || (gone && !request.was_open);
  // An abort also ends a connection that is closing.
  if (!request.was_open) return gone || (request.kind == Kind::kAbort && status == 0);
  if (IsWrite(request)) return IsWriteLegal(request, status);
  return status == 0 ||
         (request.kind == Kind::kWake && status == -ENOMEM && w_.memory.failed() > 0);
}

bool Posters::IsWriteLegal(const Request &request, int status) const {
  if (!request.has_taken) {
    // A write of no bytes to a connection that has closed may succeed or fail.
    return status == request.expected || (status == 0 && request.bytes.empty()) ||
           (status == -ENOMEM && w_.memory.failed() > 0);
  }
  const Conn *c = request.c;
  if (status < 0 && status != c->reason) return false;
  if (status != 0) return c->closed && status == c->reason;
  evnet_sim_state state;
  evnet_sim_inspect(c->client->socket, &state);
  return request.bytes.empty() || state.server_sent_bytes >= request.end;
}

bool Posters::IsSendToLegal(const Request &request, int status) {
  const Outgoing outgoing = *request.outgoing;
  datagrams_.Answered(request.socket, request.outgoing);
  switch (outgoing.fate) {
    case Fate::kTaken:
      return status == 0;
    case Fate::kRefused:
      return status == outgoing.error;
    case Fate::kPending:
    case Fate::kPassedOver:
      break;
  }
  return (status == -ENOMEM && w_.memory.failed() > 0) ||
         (status == -ENOBUFS && datagrams_.MayBeFull(*request.socket, request.bytes.size())) ||
         (status == -ESHUTDOWN && w_.stop_asked());
}

// At the end

void Posters::TheEnd() {
  for (const auto &each : requests_) {
    const Request &request = *each;
    if (!request.accepted) continue;
    if (!request.ended || (request.asks && !request.told))
      evnet_sim_fail(w_.sim, "request %llu was never answered",
                     static_cast<unsigned long long>(request.serial));
    if (request.kind == Kind::kOwned && !request.released)
      evnet_sim_fail(w_.sim, "a request's bytes were never given back");
  }
}

}  // namespace evnet_simulation
