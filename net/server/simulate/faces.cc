#include "net/server/simulate/faces.h"

#include <errno.h>

namespace evnet_simulation {

Faces::Faces(World *world, Handler *handler) : w_(*world) {
  for (uint32_t i = 0; i < kFacesMax; i++) faces_[i] = {handler, i};
  of_server_.insert(0);
  for (size_t i = 0; i < w_.plan.addresses + w_.plan.udp_addresses; i++)
    of_server_.insert(w_.plan.faces[i]);
}

bool Faces::Change(evnet_conn *conn) {
  const uint32_t face = Any();
  const int status =
      evnet_conn_set_handler(conn, face > 0 ? &callbacks_[face] : nullptr, &faces_[face]);
  const struct evnet_conn_id id = evnet_conn_get_id(conn);
  evnet_sim_note(w_.sim, "handler", id.index, face, status);
  if (status == 0) Give(id, face);
  if (status < 0 && !(status == -ENOMEM && w_.memory.failed() > 0))
    evnet_sim_fail(w_.sim, "a handler is refused for no reason with %s", evnet_status_name(status));
  return status == 0;
}

void Faces::Same(uint32_t face, const Face &user, const char *what) const {
  if (face != user.number)
    evnet_sim_fail(w_.sim, "%s of handler %u has the user of handler %u", what, face, user.number);
}

void Faces::Called(uint32_t face, const Face &user, const evnet_conn *conn) const {
  Same(face, user, "a callback");
  const struct evnet_conn_id id = evnet_conn_get_id(conn);
  const auto given = given_.find(Key(id));
  const int listener = evnet_conn_listener_index(conn);
  if (given == given_.end() &&
      (listener < 0 || static_cast<size_t>(listener) >= w_.addresses.size())) {
    evnet_sim_fail(w_.sim, "a callback of a connection that no dial and no address made");
    return;
  }
  const uint32_t expected =
      given != given_.end() ? given->second : w_.addresses[static_cast<size_t>(listener)].face;
  if (face != expected)
    evnet_sim_fail(w_.sim, "a callback comes to handler %u instead of %u", face, expected);
  const auto booted = booted_.find(id.reactor);
  if (booted == booted_.end() || booted->second != of_server_)
    evnet_sim_fail(w_.sim, "a callback before on_reactor_boot of reactor %u", id.reactor);
  if (ended_.count(id.reactor) > 0)
    evnet_sim_fail(w_.sim, "a callback after on_reactor_shutdown of reactor %u", id.reactor);
}

void Faces::ServerBooted(uint32_t face, const Face &user) {
  Same(face, user, "on_boot");
  if (!server_booted_.insert(face).second) evnet_sim_fail(w_.sim, "on_boot twice");
  if (!booted_.empty()) evnet_sim_fail(w_.sim, "on_boot after on_reactor_boot");
}

void Faces::ServerEnded(uint32_t face, const Face &user) {
  Same(face, user, "on_shutdown");
  if (!server_ended_.insert(face).second) evnet_sim_fail(w_.sim, "on_shutdown twice");
  if (ended_.size() != w_.ended.size())
    evnet_sim_fail(w_.sim, "on_shutdown before the on_reactor_shutdown of each reactor");
}

void Faces::ReactorBooted(uint32_t face, const Face &user, evnet_reactor *reactor) {
  Same(face, user, "on_reactor_boot");
  const uint32_t index = evnet_reactor_index(reactor);
  evnet_sim_note(w_.sim, "on_reactor_boot", index, face, 0);
  w_.callbacks++;
  if (index != w_.current_reactor) evnet_sim_fail(w_.sim, "on_reactor_boot on another reactor");
  if (evnet_reactor_server(reactor) != w_.server)
    evnet_sim_fail(w_.sim, "on_reactor_boot of another server");
  if (server_booted_ != of_server_) evnet_sim_fail(w_.sim, "on_reactor_boot before on_boot");
  if (!booted_[index].insert(face).second) evnet_sim_fail(w_.sim, "on_reactor_boot twice");
}

void Faces::ReactorEnded(uint32_t face, const Face &user, evnet_reactor *reactor) {
  Same(face, user, "on_reactor_shutdown");
  const uint32_t index = evnet_reactor_index(reactor);
  evnet_sim_note(w_.sim, "on_reactor_shutdown", index, face, 0);
  w_.callbacks++;
  if (index != w_.current_reactor) evnet_sim_fail(w_.sim, "on_reactor_shutdown on another reactor");
  if (!ended_[index].insert(face).second) evnet_sim_fail(w_.sim, "on_reactor_shutdown twice");
  if (evnet_reactor_next_conn(reactor, {}) != nullptr)
    evnet_sim_fail(w_.sim, "on_reactor_shutdown while a connection is open");
}

void Faces::Turned(uint32_t reactor, size_t dials) {
  evnet_reactor *of = evnet_server_reactor(w_.server, reactor);
  size_t open = dials;
  for (const auto &c : w_.conns) {
    if (c->id.reactor != reactor) continue;
    open += !c->closed;
    if (evnet_conn_find(of, c->id) != (c->closed ? nullptr : c->conn))
      evnet_sim_fail(w_.sim, "an id finds %s connection", c->closed ? "a closed" : "no");
  }
  size_t found = 0;
  struct evnet_conn_id at = {};
  while (evnet_conn *conn = evnet_reactor_next_conn(of, at)) {
    at = evnet_conn_get_id(conn);
    if (++found > open) break;
  }
  if (found != open)
    evnet_sim_fail(w_.sim, "a loop over reactor %u finds %zu connections of %zu", reactor, found,
                   open);
}

void Faces::TheEnd() const {
  if (!w_.booted) return;
  if (server_booted_ != of_server_ || server_ended_ != of_server_)
    evnet_sim_fail(w_.sim, "a handler had no on_boot or no on_shutdown");
  for (uint32_t i = 0; i < w_.ended.size(); i++) {
    const auto booted = booted_.find(i), ended = ended_.find(i);
    const bool both = booted != booted_.end() && booted->second == of_server_ &&
                      ended != ended_.end() && ended->second == of_server_;
    if (!both)
      evnet_sim_fail(w_.sim, "reactor %u has not called each handler at its begin and end", i);
  }
}

}  // namespace evnet_simulation
