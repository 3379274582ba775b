// The requests of posters. posters_oracle.cc checks their results.
#include "net/server/simulate/posters.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

namespace evnet_simulation {

Posters::Posters(World *world, Oracle *oracle, Handler *handler, Datagrams *datagrams)
    : w_(*world), oracle_(*oracle), handler_(*handler), datagrams_(*datagrams) {
  ask_again_ = [this] { Post(); };
  for (size_t i = 0; i < w_.plan.posters; i++)
    next_ns_.push_back(w_.now() + evnet_sim_random(w_.sim) % w_.plan.requests_every_ns);
  // One more entry, for Release and Answer.
  last_began_.resize(w_.plan.posters + 1,
                     std::vector<uint64_t>(static_cast<size_t>(w_.plan.server.reactors)));
  shared_bytes_.resize(1 + w_.Below(3000));
  for (size_t i = 0; i < shared_bytes_.size(); i++) shared_bytes_[i] = static_cast<char>(i * 7);
  if (evnet_shared_create(shared_bytes_.data(), shared_bytes_.size(), &shared_) < 0)
    shared_ = nullptr;
}

Posters::~Posters() { evnet_shared_release(shared_); }

uint64_t Posters::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (const uint64_t each : next_ns_) next = std::min(next, each);
  return next;
}

void Posters::Step() {
  const size_t count = next_ns_.size();
  const size_t first = w_.Below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; i++) {
    uint64_t *next_ns = &next_ns_[(first + i) % count];
    if (*next_ns > w_.now()) continue;
    *next_ns = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.requests_every_ns;
    for (uint32_t left = 1 + w_.Below(w_.Chance(200) ? 8 : 2); left > 0; left--) Post();
    return;
  }
}

size_t Posters::Size() {
  if (w_.Chance(50)) return 0;
  return 1 + w_.Below(w_.Chance(100) ? 9000 : 200);
}

Posters::Request *Posters::Make(Kind kind) {
  requests_.push_back(std::make_unique<Request>());
  Request *request = requests_.back().get();
  request->posters = this;
  request->kind = kind;
  request->poster = static_cast<uint32_t>(next_ns_.size());
  request->serial = ++serial_;
  request->asks = kind == Kind::kSendTo || w_.Chance(850);
  if (kind == Kind::kShared) {
    request->bytes = shared_bytes_;
  } else {
    request->bytes.resize(Size());
    const uint64_t first = evnet_sim_random(w_.sim);
    for (size_t i = 0; i < request->bytes.size(); i++)
      request->bytes[i] = static_cast<char>((first + i) * 0x9e3779b97f4a7c15u >> 40);
  }
  return request;
}

// Chooses a request's id: of a connection or a UDP socket, open or closed, or an id that never
// existed.
void Posters::Aim(Request *request) {
  const uint32_t dice = w_.Below(1000);
  if (dice < 150) {
    request->socket = datagrams_.Any();
    if (request->socket != nullptr) request->id = request->socket->id;
  } else if (!w_.conns.empty()) {
    const size_t count = w_.conns.size();
    const size_t first = w_.Below(static_cast<uint32_t>(count));
    const bool wants_closed = dice < 300;
    request->c = w_.conns[first].get();
    for (size_t i = 0; i < count; i++) {
      Conn *each = w_.conns[(first + i) % count].get();
      if (each->closed != wants_closed) continue;
      request->c = each;
      break;
    }
    request->id = request->c->id;
  }
  if (w_.Chance(950)) return;
  request->c = nullptr;
  request->socket = nullptr;
  switch (w_.Below(4)) {
    case 0:
      request->id.generation += 1000000;
      break;
    case 1:
      request->id.index ^= 1 + w_.Below(1 << 24);
      request->id.generation += 1000000;
      break;
    case 2:
      request->id.reactor = static_cast<uint32_t>(w_.ended.size()) + w_.Below(5);
      break;
    default:
      request->id = {};
  }
}

void Posters::Post() {
  // A turn runs a limited number of messages, but a request and its two markers must run in the
  // same turn.
  if (waiting_ > kWaitingMax) return;
  auto kind = static_cast<Kind>(w_.Below(kKinds));
  // Only the owner of a hold releases it, and some connections must survive. These requests become
  // writes.
  const bool ends = kind == Kind::kClose || kind == Kind::kAbort;
  if (kind == Kind::kRelease || (ends && !w_.Chance(w_.plan.endings))) kind = Kind::kWrite;
  if (kind == Kind::kShared && shared_ == nullptr) kind = Kind::kWrite;
  Request *request = Make(kind);
  request->poster = next_ns_.empty() ? 0 : w_.Below(static_cast<uint32_t>(next_ns_.size()));
  Aim(request);
  if (kind == Kind::kSendTo) {
    request->to = datagrams_.Somebody();
    // The bytes must be unique, because the request waits for the fate of this datagram.
    request->bytes.resize(std::max(request->bytes.size(), sizeof request->serial));
    memcpy(&request->bytes[0], &request->serial, sizeof request->serial);
  }
  // Writes beyond the plan's bytes_max are small.
  const bool full = request->c != nullptr && request->c->written.size() >= w_.plan.bytes_max;
  if (full && IsWrite(*request)) {
    request->bytes.resize(std::min<size_t>(request->bytes.size(), 8));
    if (request->kind == Kind::kShared) request->kind = Kind::kWrite;
  }
  (void)PostRequest(request);
}

int Posters::Release(Conn *c) {
  if (w_.Chance(500)) {
    Request *write = Make(w_.Chance(500) ? Kind::kOwned : Kind::kWritev);
    write->c = c;
    write->id = c->id;
    (void)PostRequest(write);
  }
  Request *release = Make(Kind::kRelease);
  release->c = c;
  release->id = c->id;
  return PostRequest(release);
}

int Posters::Answer(Conn *c, const std::string &bytes) {
  Request *write = Make(Kind::kOwned);
  write->bytes = bytes;
  write->c = c;
  write->id = c->id;
  (void)PostRequest(write);
  Request *release = Make(Kind::kRelease);
  release->c = c;
  release->id = c->id;
  return PostRequest(release);
}

int Posters::PostRequest(Request *request) {
  const uint32_t reactor = request->id.reactor;
  evnet_reactor *const target = evnet_server_reactor(w_.server, reactor);
  const bool can_be = target != nullptr && request->id.generation > 0;
  request->before.message.run = request->behind.message.run = RunMarker;
  request->before.request = request->behind.request = request;
  request->behind.is_behind = true;
  // No other message comes between these three, because the simulation has one thread. Only a
  // reactor that has ended refuses a message of 0 bytes.
  const int before = can_be ? evnet_reactor_post_message(target, &request->before.message) : 0;
  const size_t bytes = kRequestBytes + request->bytes.size();
  w_.request_bytes_max = std::max(w_.request_bytes_max, w_.request_bytes + bytes);
  request->refused = before < 0;
  const int status = Call(request);
  request->accepted = status == 0;
  if (before < 0 && request->accepted)
    evnet_sim_fail(w_.sim, "a reactor that has ended accepts a request");
  const int behind = request->accepted && can_be
                         ? evnet_reactor_post_message(target, &request->behind.message)
                         : 0;
  if (behind < 0) evnet_sim_fail(w_.sim, "a request is accepted, but the next message is not");
  evnet_sim_note(w_.sim, "request", static_cast<int64_t>(request->kind),
                 request->c != nullptr ? evnet_sim_port(request->c->client->socket) : 0, status);
  if (can_be) w_.mail[reactor] = true;
  if (request->accepted) {
    w_.request_bytes += bytes;
    waiting_++;
  }
  if (status == -ESHUTDOWN && can_be) w_.sealed[reactor] = true;
  if (!IsRefusalLegal(*request, status))
    evnet_sim_fail(w_.sim, "the post of a request returns %s without a cause",
                   evnet_status_name(status));
  return status;
}

int Posters::Call(Request *request) {
  void (*const done)(struct evnet_conn_id, int, void *) = request->asks ? OnDone : nullptr;
  const char *const data = request->bytes.data();
  const size_t size = request->bytes.size();
  switch (request->kind) {
    case Kind::kWrite: {
      std::string copy = request->bytes;
      const int status =
          evnet_async_write(w_.server, request->id, copy.data(), size, done, request);
      std::fill(copy.begin(), copy.end(), '!');  // evnet borrows the bytes for the call only
      return status;
    }
    case Kind::kWritev: {
      std::string left = request->bytes.substr(0, size / 3);
      std::string right = request->bytes.substr(left.size());
      const iovec pieces[] = {{&left[0], left.size()}, {nullptr, 0}, {&right[0], right.size()}};
      return evnet_async_writev(w_.server, request->id, pieces, 3, done, request);
    }
    case Kind::kOwned: {
      void *copy = malloc(size + 1);
      if (copy == nullptr) return -ENOMEM;
      memcpy(copy, data, size);
      const int status =
          evnet_async_write_owned(w_.server, request->id, copy, size, OnRelease, done, request);
      if (status < 0) free(copy);
      return status;
    }
    case Kind::kShared:
      return evnet_async_write_shared(w_.server, request->id, shared_, done, request);
    case Kind::kSendTo: {
      const evnet_address to = request->to;
      return evnet_async_send_to(w_.server, request->id, &to, data, size, done, request);
    }
    case Kind::kWake:
      return evnet_async_wake(w_.server, request->id, done, request);
    case Kind::kResume:
      return evnet_async_resume_reading(w_.server, request->id, done, request);
    case Kind::kClose:
      return evnet_async_close(w_.server, request->id, done, request);
    case Kind::kAbort:
      return evnet_async_abort(w_.server, request->id, done, request);
    case Kind::kRelease:
      request->asks = false;
      if (request->c != nullptr && !request->c->taken_holds.empty()) {
        evnet_hold *hold = request->c->taken_holds.back();
        request->c->taken_holds.pop_back();
        evnet_hold_release(hold);
        return request->refused ? -ESHUTDOWN : 0;
      }
      return evnet_async_release(w_.server, request->id);
  }
  return -EINVAL;
}

void Posters::CheckAllAreRefused() {
  for (uint32_t kind = 0; kind < kKinds; kind++) {
    Request *request = Make(static_cast<Kind>(kind));
    if (request->kind == Kind::kShared && shared_ == nullptr) continue;
    if (w_.conns.empty()) return;
    request->c = w_.conns[w_.Below(static_cast<uint32_t>(w_.conns.size()))].get();
    request->id = request->c->id;
    const int status = PostRequest(request);
    if (status != -ESHUTDOWN && !(status == -ENOMEM && w_.memory.failed() > 0))
      evnet_sim_fail(w_.sim, "a reactor that has ended answers a request with %s",
                     evnet_status_name(status));
  }
}

}  // namespace evnet_simulation
