// The rules for UDP sockets, from the contract of net/reactor/datagram.h.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/udp_input.h"

enum {
  IP4_BYTES_MAX = 65507,
  COST_MAX = 1024,  // the most that a queued datagram may count beyond its bytes
};

static uint64_t hash_of(const uint8_t *bytes, size_t size) {
  uint64_t hash = size;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  return a->socket.any.sa_family == AF_INET && b->socket.any.sa_family == AF_INET &&
         a->socket.ip4.sin_port == b->socket.ip4.sin_port &&
         a->socket.ip4.sin_addr.s_addr == b->socket.ip4.sin_addr.s_addr;
}

bool model_is_alive(const struct socket *s) {
  struct evnet_sim_udp_state state;
  return evnet_sim_udp_inspect(s->world->sim, s->port, &state);
}

// Receiving

static void told(struct socket *s, const struct evnet_sim_udp_news *news) {
  CHECK(s->world, !s->told);  // the previous datagram was presented
  s->told = true;
  s->told_from = *news->from;
  s->told_to = *news->to;
  s->told_size = (uint32_t)news->size;
  s->told_hash = hash_of(news->data, news->size);
  s->told_truncated = news->truncated;
  s->world->received++;
}

void model_presented(struct socket *s) {
  const struct world *w = s->world;
  CHECK(w, s->told && !s->presenting);
  s->told = false;
  struct evnet_address remote;
  struct evnet_address local;
  evnet_conn_remote_address(s->conn, &remote);
  CHECK(w, evnet_conn_local_address(s->conn, &local) == 0);
  CHECK(w, is_same(&remote, &s->told_from));
  if (IN_MULTICAST(ntohl(s->told_to.socket.ip4.sin_addr.s_addr))) {
    CHECK(w, !IN_MULTICAST(ntohl(local.socket.ip4.sin_addr.s_addr)));
  } else {
    CHECK(w, is_same(&local, &s->told_to));
  }
  CHECK(w, evnet_conn_is_truncated(s->conn) == s->told_truncated);
  const struct evnet_bytes all = evnet_conn_peek(s->conn);
  CHECK(w, all.size == s->told_size && all.size <= w->options.udp_datagram_bytes_max);
  CHECK(w, evnet_conn_inbound_bytes(s->conn) == all.size);
  CHECK(w, hash_of(all.data, all.size) == s->told_hash);
}

// Sending

static void forget(struct socket *s, uint32_t index) {
  s->pending_count--;
  memmove(&s->pending[index], &s->pending[index + 1],
          (s->pending_count - index) * sizeof s->pending[0]);
}

uint32_t model_write(struct socket *s, const struct evnet_address *to, const uint8_t *bytes,
                     size_t size) {
  struct world *w = s->world;
  struct pending *pending = &s->pending[s->pending_count++];
  *pending = (struct pending){
      .announced = w->prewrites > 0,
      .writing = true,
      .may_go = w->harness.failed || size + COST_MAX > w->options.udp_outbound_bytes_max,
      .group = w->writes == 0 ? ++w->groups : w->groups,
      .id = ++w->ids,
      .size = (uint32_t)size,
      .hash = hash_of(bytes, size),
  };
  if (to != NULL) {
    pending->to = *to;
  } else if (s->presenting) {
    pending->to = s->told_from;
    pending->has_from =
        s->of_all_hosts && !IN_MULTICAST(ntohl(s->told_to.socket.ip4.sin_addr.s_addr));
    pending->from = s->told_to;
  }
  return pending->id;
}

// Returns why the datagram can never be sent; 0 if it can.
static int wrong_with(const struct pending *pending) {
  if (pending->to.size == 0) return -EDESTADDRREQ;
  if (pending->to.socket.any.sa_family != AF_INET) return -EAFNOSUPPORT;
  if (pending->to.socket.ip4.sin_port == 0) return -EINVAL;
  return pending->size > IP4_BYTES_MAX ? -EMSGSIZE : 0;
}

static bool may_be_full(const struct socket *s, size_t size, size_t queued) {
  const size_t cost = queued + size + (size_t)(s->pending_count + 1) * COST_MAX;
  return cost > s->world->options.udp_outbound_bytes_max;
}

void model_wrote(struct socket *s, uint32_t id, size_t size, size_t queued, ssize_t result) {
  struct world *w = s->world;
  uint32_t index = 0;
  while (index < s->pending_count && s->pending[index].id != id) index++;
  evnet_sim_note(w->sim, "write", s->port, (int64_t)size, result);
  const size_t most = w->options.udp_outbound_bytes_max;
  CHECK(w, evnet_conn_outbound_bytes(s->conn) <= (most > IP4_BYTES_MAX ? most : IP4_BYTES_MAX));
  if (index == s->pending_count) {
    // The kernel has taken or refused it within the call.
    CHECK(w, result == (ssize_t)size);
    return;
  }
  struct pending *pending = &s->pending[index];
  pending->writing = false;
  const int wrong = wrong_with(pending);
  if (wrong < 0) {
    CHECK(w, result == wrong);
  } else if (result < 0) {
    CHECK(w, (result == -ENOMEM && w->harness.failed) ||
                 (result == -ENOBUFS && may_be_full(s, size, queued)));
    w->dropped++;
  } else {
    CHECK(w, result == (ssize_t)size);
    if (w->harness.failed) pending->may_go = true;
    return;
  }
  forget(s, index);
}

void model_announced(struct socket *s) {
  for (uint32_t i = 0; i < s->pending_count; i++) s->pending[i].announced = true;
}

static bool is_that(const struct pending *pending, const struct evnet_sim_udp_news *news) {
  return pending->size == news->size && is_same(&pending->to, news->to) &&
         (!pending->has_from || is_same(&pending->from, news->from)) &&
         pending->hash == hash_of(news->data, news->size);
}

static void sent(struct socket *s, const struct evnet_sim_udp_news *news) {
  struct world *w = s->world;
  uint32_t at = 0;
  while (at < s->pending_count && !is_that(&s->pending[at], news)) at++;
  CHECK(w, at < s->pending_count);  // it was written, with this sender and this receiver
  const struct pending found = s->pending[at];
  CHECK(w, !w->has_prewrite || found.announced);
  if (news->event == EVNET_SIM_UDP_TAKEN) {
    w->taken++;
  } else {
    w->dropped++;
  }
  forget(s, at);
  for (uint32_t i = 0; i < at;) {
    if (s->pending[i].group == found.group || s->pending[i].writing) {
      i++;
      continue;
    }
    CHECK(w, s->pending[i].may_go || w->harness.failed);  // must be neither lost nor overtaken
    w->dropped++;
    forget(s, i);
    at--;
  }
}

void model_watch(void *user, const struct evnet_sim_udp_news *news) {
  struct world *w = user;
  if (w->ending) return;
  struct socket *s = &w->sockets[news->port == w->sockets[1].port];
  if (news->event == EVNET_SIM_UDP_TOLD) {
    told(s, news);
  } else {
    sent(s, news);
  }
}

// When the system is idle, and at the end

void model_idle(struct world *w) {
  for (int i = 0; i < SOCKETS; i++) {
    const struct socket *s = &w->sockets[i];
    struct evnet_sim_udp_state state;
    CHECK(w, evnet_sim_udp_inspect(w->sim, s->port, &state));
    CHECK(w, !s->told);
    CHECK(w, state.receiving == !s->paused);
    CHECK(w, evnet_conn_inbound_bytes(s->conn) == 0);
    CHECK(w, state.awaits_room || evnet_conn_outbound_bytes(s->conn) == 0);
    for (uint32_t k = 0; k < s->pending_count && !state.awaits_room; k++)
      CHECK(w, s->pending[k].may_go || w->harness.failed);
  }
}

void model_end(struct world *w) {
  for (int i = 0; i < SOCKETS; i++) {
    const struct socket *s = &w->sockets[i];
    CHECK(w, !s->told);
    w->dropped += s->pending_count;
  }
  struct evnet_reactor_stats stats;
  evnet_reactor_get_stats(w->reactor, &stats);
  CHECK(w, stats.datagrams_sent == w->taken);
  CHECK(w, stats.datagrams_received == w->received);
  CHECK(w, stats.datagrams_dropped == w->dropped);
}
