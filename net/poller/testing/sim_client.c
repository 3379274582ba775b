// Clients of the simulated kernel.
#include <errno.h>

#include "net/poller/testing/sim_address.h"
#include "net/poller/testing/sim_listener.h"
#include "net/poller/testing/sim_slot.h"
#include "net/poller/testing/sim_socket.h"

int evnet_sim_connect(struct evnet_sim *sim, uint16_t port, uint8_t host,
                      struct evnet_sim_socket **out_socket) {
  struct sim_listener *listener = sim_listener_of(sim, port);
  if (listener == NULL || listener->queue_count >= listener->queue_max) return -ECONNREFUSED;
  struct evnet_sim_socket *client = sim_socket_create(sim, false);
  struct evnet_sim_socket *server = client != NULL ? sim_socket_create(sim, true) : NULL;
  if (server == NULL) return -ENOMEM;
  client->other = server;
  server->other = client;
  client->id = server->id = ++sim->port_last;
  sim_address_set_tcp(&client->address, host, sim->port_last);
  server->address = listener->address;
  sim_listener_push(listener, server);
  evnet_sim_note(sim, "connect", 0, client->id, host);
  *out_socket = client;
  return 0;
}

int64_t evnet_sim_write(struct evnet_sim_socket *socket, const void *data, size_t size) {
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return sim_socket_send(socket, &piece, 1);
}

int64_t evnet_sim_read(struct evnet_sim_socket *socket, void *out, size_t size) {
  return sim_socket_recv(socket, out, size);
}

void evnet_sim_shutdown_write(struct evnet_sim_socket *socket) {
  evnet_sim_note(socket->sim, "shutdown_write", socket->is_server, socket->id, 0);
  sim_socket_end(socket);
}

void evnet_sim_close(struct evnet_sim_socket *socket) { sim_socket_close(socket, false); }

void evnet_sim_reset(struct evnet_sim_socket *socket) { sim_socket_close(socket, true); }

uint16_t evnet_sim_port(const struct evnet_sim_socket *socket) {
  return evnet_address_port(&socket->address);
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

void evnet_sim_inspect(const struct evnet_sim_socket *socket, struct evnet_sim_state *out_state) {
  const struct evnet_sim_socket *server = socket->other;
  *out_state = (struct evnet_sim_state){
      .waiting =
          !server->was_accepted && !server->closed && server->ready_ns <= socket->sim->now_ns,
      .accepted = server->was_accepted,
      .client_end_arrived = server->end_arrived,
      .server_ended = server->write_ended,
      .broken = server->dead,
      .client_reset = socket->reset_sent,
      .server_reset = server->reset_sent,
      .network_reset = socket->reset_by_network,
      .server_active_ns = server->active_ns,
      .server_sent_ns = server->sent_ns,
      .receivable_ns = UINT64_MAX,
      .sendable_ns = UINT64_MAX,
      .server_unread_bytes = server->in.size,
      .to_server_bytes = socket->out.size,
      .to_client_bytes = server->out.size,
      .to_client_fell_ns = server->fell_ns,
      .server_sent_bytes = server->sent_bytes,
  };
  if (server->slot == NULL) return;
  out_state->attached = !server->slot->detaching;
  out_state->receiving = server->slot->receiving;
  out_state->sending = server->slot->send != NULL;
  if (out_state->receiving && server->in.size > 0)
    out_state->receivable_ns = later(server->slot->receiving_ns, server->unread_ns);
  if (out_state->sending && sim_socket_room(server) > 0)
    out_state->sendable_ns = later(server->slot->sending_ns, server->room_ns);
  const struct sim_flight *flight = &server->slot->flight;
  if (flight->flown && !flight->landed) out_state->untold_bytes = flight->piece.iov_len;
}

int evnet_sim_option(const struct evnet_sim_socket *socket, int option) {
  return option >= 0 && option < EVNET_SOCKET_OPTIONS ? socket->other->options[option] : 0;
}
