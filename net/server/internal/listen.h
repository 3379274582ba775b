// Binding the sockets of an address.
#ifndef EVNET_NET_SERVER_INTERNAL_LISTEN_H_
#define EVNET_NET_SERVER_INTERNAL_LISTEN_H_

#include <stddef.h>
#include <stdint.h>

#include "net/base/address.h"
#include "net/server/internal/names.h"
#include "net/server/internal/state.h"

// The addresses that one text (a string given to evnet_server_create or evnet_server_add_address)
// resolves to.
struct server_text {
  struct server_address *sockets;
  size_t count;
  uint8_t index;
  uint8_t handler_index;  // in the server's handlers
  // Reactor 0's first bound address; size 0 while there is none.
  struct evnet_address bound;
};

// server_listen_at binds all addresses of a text on a reactor, or none if one fails. Reactor 0 runs
// it first and sets text->bound; the other reactors bind the same port. It logs errors.
//
// Returns: 0.
// Errors:  those of evnet_reactor_listen_at.
// Thread:  the reactor's.
int server_listen_at(struct server_reactor *self, struct server_text *text);

// server_publish lets evnet_server_address and evnet_server_dup_listener find a text that is bound,
// and logs its addresses.
//
// Thread:  reactor 0's.
void server_publish(struct evnet_server *server, const struct server_text *text);

#endif  // EVNET_NET_SERVER_INTERNAL_LISTEN_H_
