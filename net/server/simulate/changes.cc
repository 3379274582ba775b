#include "net/server/simulate/changes.h"

#include <errno.h>

#include <algorithm>

namespace evnet_simulation {
namespace {

constexpr size_t kOpenMax = 5;      // addresses at one time
constexpr size_t kIndexesMax = 40;  // that are used in a run
constexpr size_t kNeverUsed = 63;

}  // namespace

Changes::Changes(World *world, Faces *faces) : w_(*world), faces_(*faces) {
  if (w_.plan.changes_every_ns > 0)
    next_ns_ = w_.now() + evnet_sim_random(w_.sim) % w_.plan.changes_every_ns;
}

uint64_t Changes::NextNs() const { return w_.booted ? next_ns_ : UINT64_MAX; }

// Chooses an index: of an address, of a UDP address, of none, or all of them.
size_t Changes::Aim() {
  const uint32_t dice = w_.Below(100);
  if (dice < 30) return EVNET_ADDRESSES_ALL;
  if (dice < 35) return kNeverUsed;
  return w_.Below(static_cast<uint32_t>(w_.addresses.size()));
}

// Notes the outcome that the request must have. All requests are posted by one thread, so they are
// carried out in the order of their posts.
void Changes::Expect(Request *request) {
  if (request->kind == Kind::kAdd) return;
  const bool all = request->index == EVNET_ADDRESSES_ALL;
  if (!all) {
    if (request->index >= w_.addresses.size() || w_.addresses[request->index].is_leaving) {
      request->expected = -EINVAL;
      return;
    }
    if (w_.addresses[request->index].is_udp) {
      request->expected = -EOPNOTSUPP;
      return;
    }
  }
  switch (request->kind) {
    case Kind::kPause:
      (all ? w_.all_paused : w_.addresses[request->index].paused) = true;
      break;
    case Kind::kResume:
      (all ? w_.all_paused : w_.addresses[request->index].paused) = false;
      (all ? w_.all_held : w_.addresses[request->index].held) = false;
      break;
    default:
      w_.addresses[request->index].is_leaving = true;
  }
}

int Changes::Call(Request *request) {
  switch (request->kind) {
    case Kind::kPause:
      return evnet_server_pause_accept(w_.server, request->index, OnDone, request);
    case Kind::kResume:
      return evnet_server_resume_accept(w_.server, request->index, OnDone, request);
    case Kind::kAdd: {
      evnet_listen listen = {};
      listen.address = "tcp4://127.0.0.1:0";
      request->face = faces_.Any();
      if (request->face > 0) listen.handler = faces_.callbacks(request->face);
      listen.user = faces_.user(request->face);
      return evnet_server_add_address(w_.server, &listen, OnDone, request);
    }
    default:
      return evnet_server_remove_address(w_.server, request->index, OnDone, request);
  }
}

void Changes::Step() {
  next_ns_ = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.changes_every_ns;
  const auto open = static_cast<size_t>(std::count_if(
      w_.addresses.begin(), w_.addresses.end(), [](const Address &a) { return !a.is_leaving; }));
  requests_.push_back(std::make_unique<Request>());
  Request *request = requests_.back().get();
  request->changes = this;
  request->kind = static_cast<Kind>(w_.Below(4));
  request->index = Aim();
  const bool may_add = open < kOpenMax && w_.changes == 0 && w_.addresses.size() < kIndexesMax;
  if (request->kind == Kind::kAdd && !may_add) request->kind = Kind::kResume;
  const bool is_wrong =
      request->index == EVNET_ADDRESSES_ALL ||
      (request->index < w_.addresses.size() && w_.addresses[request->index].is_udp);
  if (request->kind == Kind::kRemove && is_wrong) request->kind = Kind::kResume;
  const int status = Call(request);
  evnet_sim_note(w_.sim, "change", static_cast<int64_t>(request->kind),
                 static_cast<int64_t>(request->index), status);
  request->accepted = status == 0;
  const bool full = status == -ENOBUFS && w_.plan.server.mailbox_bytes_max > 0;
  if (status == -ENOMEM ? w_.memory.failed() == 0
                        : status < 0 && !full && !(status == -ESHUTDOWN && w_.stop_asked()))
    evnet_sim_fail(w_.sim, "a change of addresses is refused with %s", evnet_status_name(status));
  if (status < 0) return;
  Expect(request);
  w_.mail[0] = true;
  w_.changes++;
  if (w_.changes > w_.changes_max) w_.changes_max = w_.changes;
}

void Changes::OnDone(evnet_server *server, size_t index, int status, void *user) {
  auto *request = static_cast<Request *>(user);
  if (server != request->changes->w_.server)
    evnet_sim_fail(request->changes->w_.sim, "a change of addresses is of another server");
  request->changes->Done(request, index, status);
}

void Changes::Done(Request *request, size_t index, int status) {
  w_.callbacks++;
  w_.changes--;
  evnet_sim_note(w_.sim, "change done", static_cast<int64_t>(request->kind),
                 static_cast<int64_t>(index), status);
  if (request->told || !request->accepted)
    evnet_sim_fail(w_.sim, "a change of addresses is answered twice");
  request->told = true;
  if (w_.current_reactor != 0 && !w_.ended[0])
    evnet_sim_fail(w_.sim, "a change of addresses is answered on reactor %u", w_.current_reactor);
  const bool may_fail = (status == -ESHUTDOWN && w_.stop_asked()) ||
                        (request->kind == Kind::kAdd && status < 0 && w_.memory.failed() > 0);
  if (status != request->expected && !may_fail)
    evnet_sim_fail(w_.sim, "a change of addresses ends with %s instead of %s",
                   evnet_status_name(status), evnet_status_name(request->expected));
  if (status < 0) return;
  if (request->kind == Kind::kAdd) {
    evnet_address address = {};
    if (index != w_.addresses.size() || evnet_server_address(w_.server, index, &address) < 0)
      evnet_sim_fail(w_.sim, "an address is added under index %zu", index);
    w_.addresses.push_back({});
    w_.addresses.back().port = evnet_address_port(&address);
    w_.addresses.back().face = request->face;
    w_.addresses.back().added_ns = w_.now();
    return;
  }
  if (index != request->index) evnet_sim_fail(w_.sim, "a change is answered for another address");
  if (request->kind == Kind::kRemove) w_.addresses[index].port = 0;
  // A resume may have been posted meanwhile.
  if (request->kind != Kind::kPause) return;
  if (index == EVNET_ADDRESSES_ALL) {
    w_.all_held = w_.all_paused;
  } else {
    w_.addresses[index].held = w_.addresses[index].paused;
  }
}

void Changes::TheEnd() {
  for (const auto &request : requests_) {
    if (request->accepted && !request->told)
      evnet_sim_fail(w_.sim, "a change of addresses was never answered");
  }
}

}  // namespace evnet_simulation
