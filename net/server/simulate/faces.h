// The handlers of a simulated server. They do the same, but each has functions and a user of its
// own (a face), so that the simulation notices a callback that comes to another handler than the
// connection's, or with another user.
//
// The rules:
// - A callback comes to the face of the connection's last evnet_conn_set_handler, or else of its
//   dial, or else of its address.
// - The callbacks of the server and of each reactor come to each face of the addresses once. Those
//   of a reactor enclose all other callbacks on it.
// - An id finds its connection from its on_open to its on_close. A loop over a reactor's
//   connections finds the same.
#ifndef EVNET_NET_SERVER_SIMULATE_FACES_H_
#define EVNET_NET_SERVER_SIMULATE_FACES_H_

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Handler;

class Faces {
 public:
  struct Face {
    Handler *handler = nullptr;
    uint32_t number = 0;
  };

  Faces(World *world, Handler *handler);

  void set_callbacks(uint32_t face, const evnet_handler &callbacks) {
    callbacks_[face] = callbacks;
  }
  const evnet_handler *callbacks(uint32_t face) const { return &callbacks_[face]; }
  Face *user(uint32_t face) { return &faces_[face]; }
  uint32_t Any() { return w_.Below(kFacesMax); }

  // A dial or evnet_conn_set_handler gives a connection a face.
  void Give(const struct evnet_conn_id &id, uint32_t face) { given_[Key(id)] = face; }
  // evnet_conn_set_handler by the dice. Returns whether it succeeded.
  bool Change(evnet_conn *conn);

  // Called at the beginning of each callback of a connection.
  void Called(uint32_t face, const Face &user, const evnet_conn *conn) const;
  // Called in the callbacks of the server and of a reactor.
  void ServerBooted(uint32_t face, const Face &user);
  void ServerEnded(uint32_t face, const Face &user);
  void ReactorBooted(uint32_t face, const Face &user, evnet_reactor *reactor);
  void ReactorEnded(uint32_t face, const Face &user, evnet_reactor *reactor);

  // Called after a turn. `dials`: the number of the reactor's open dialled connections.
  void Turned(uint32_t reactor, size_t dials);
  void TheEnd() const;

 private:
  using Key_ = std::pair<uint32_t, uint64_t>;
  static Key_ Key(const struct evnet_conn_id &id) { return {id.reactor, id.generation}; }
  void Same(uint32_t face, const Face &user, const char *what) const;

  World &w_;
  Face faces_[kFacesMax];
  evnet_handler callbacks_[kFacesMax] = {};
  std::map<Key_, uint32_t> given_;
  std::set<uint32_t> of_server_;  // the faces of the server and its addresses
  std::set<uint32_t> server_booted_, server_ended_;
  std::map<uint32_t, std::set<uint32_t>> booted_, ended_;  // faces by reactor
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_FACES_H_
