// Queues of connections that wait to be accepted.
#include "net/poller/testing/sim_listener.h"

#include "net/poller/testing/sim_dice.h"

// If several listeners share a port, one is chosen at random. A system's kernel chooses by a hash
// of both addresses.
struct sim_listener *sim_listener_of(struct evnet_sim *sim, uint16_t port) {
  struct sim_listener *chosen = NULL;
  uint32_t count = 0;
  for (int i = 0; i < SIM_LISTENERS_MAX; i++) {
    struct sim_listener *each = &sim->listeners[i];
    if (!each->open || evnet_address_port(&each->address) != port) continue;
    if (count++ == 0 || evnet_sim_below(sim, count) == 0) chosen = each;
  }
  return chosen;
}

void sim_listener_push(struct sim_listener *listener, struct evnet_sim_socket *socket) {
  socket->ready_ns = sim_arrival_ns(socket->sim);
  uint32_t at = listener->queue_count++;
  for (; at > 0 && listener->queue[at - 1]->ready_ns > socket->ready_ns; at--)
    listener->queue[at] = listener->queue[at - 1];
  listener->queue[at] = socket;
}

void sim_listener_pop(struct sim_listener *listener) {
  listener->queue_count--;
  for (uint32_t i = 0; i < listener->queue_count; i++) listener->queue[i] = listener->queue[i + 1];
}
