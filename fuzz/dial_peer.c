// The peers of dialled and adopted connections. All streams carry the same bytes, so a lost,
// repeated or changed byte is detected wherever it arrives. A connection first sends its number.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz/dial.h"
#include "net/poller/testing/sim_connect.h"

enum { BLOCK_BYTES = 4096 };

void peers_begin(struct world *w) {
  w->listener = -1;
  if (w->sim != NULL) {
    const int port = evnet_sim_serve(w->sim);
    CHECK(port > 0);
    w->port = (uint16_t)port;
    return;
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "evnet-fuzz-dial-%d",
                            (int)getpid());
  w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
  CHECK(bind(w->listener, (struct sockaddr *)&address, bytes) == 0);
  CHECK(listen(w->listener, PEERS_MAX) == 0);
  (void)snprintf(w->listener_text, sizeof w->listener_text, "unix://@%s", address.sun_path + 1);
}

struct peer *peer_add(struct world *w, struct evnet_sim_socket *socket, int descriptor) {
  CHECK(w->peers_used < PEERS_MAX);
  struct peer *peer = &w->peers[w->peers_used++];
  *peer = (struct peer){
      .socket = socket, .descriptor = descriptor, .in_use = true, .number = CONNS_MAX};
  return peer;
}

void peers_take(struct world *w) {
  while (w->peers_used < PEERS_MAX) {
    if (w->sim != NULL) {
      struct evnet_sim_socket *socket = evnet_sim_take(w->sim, w->port);
      if (socket == NULL) return;
      peer_add(w, socket, -1);
    } else {
      const int descriptor = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (descriptor < 0) return;
      peer_add(w, NULL, descriptor);
    }
  }
}

void peer_write(struct world *w, struct peer *peer, size_t size) {
  uint8_t block[BLOCK_BYTES];
  if (peer->ended) return;
  while (size > 0) {
    const size_t part = size < BLOCK_BYTES ? size : BLOCK_BYTES;
    for (size_t i = 0; i < part; i++) block[i] = byte_at(peer->sent + i);
    const int64_t sent = w->sim != NULL
                             ? evnet_sim_write(peer->socket, block, part)
                             : send(peer->descriptor, block, part, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    peer->sent += (size_t)sent;
    size -= (size_t)sent;
  }
}

// Checks the bytes of a connection: its number, then the stream.
static void check_received(struct world *w, struct peer *peer, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (peer->received == 0) {
      peer->number = bytes[i];
      CHECK(peer->number < w->conns_used);
    } else {
      CHECK(bytes[i] == byte_at(peer->received));
    }
    peer->received++;
    CHECK(peer->received <= w->conns[peer->number].written);
  }
}

void peer_read(struct world *w, struct peer *peer) {
  uint8_t block[BLOCK_BYTES];
  for (;;) {
    const int64_t got = w->sim != NULL ? evnet_sim_read(peer->socket, block, sizeof block)
                                       : recv(peer->descriptor, block, sizeof block, MSG_DONTWAIT);
    if (got <= 0) return;
    check_received(w, peer, block, (size_t)got);
  }
}

void peer_end(struct world *w, struct peer *peer) {
  peer->ended = true;
  if (w->sim != NULL) {
    evnet_sim_shutdown_write(peer->socket);
  } else {
    (void)shutdown(peer->descriptor, SHUT_WR);
  }
}

void peer_close(struct world *w, struct peer *peer, bool reset) {
  peer->in_use = false;
  if (w->sim == NULL) {
    (void)close(peer->descriptor);
  } else if (reset) {
    evnet_sim_reset(peer->socket);
  } else {
    evnet_sim_close(peer->socket);
  }
}

void peers_deinit(struct world *w) {
  for (size_t i = 0; i < w->peers_used; i++) {
    if (w->peers[i].in_use) peer_close(w, &w->peers[i], false);
  }
  if (w->listener >= 0) (void)close(w->listener);
}
