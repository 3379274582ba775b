// The parts of the proxy example and what they share.
//
//   proxy.c     options, and the handler of evnet
//   tcp.c       pairs: a client's connection and one to an upstream
//   udp.c       sessions: a client's address and a socket to an upstream
//   header.c    the headers of the PROXY protocol
//   upstream.h  the choice of an upstream, and health; it does not use evnet
//
// A pair or a session is on one reactor, so its two sides use each other without a lock. Reactors
// share the set of upstreams and the number of sessions.
#ifndef EVNET_EXAMPLES_PROXY_APP_H_
#define EVNET_EXAMPLES_PROXY_APP_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "evnet/evnet.h"
#include "examples/proxy/upstream.h"
#include "net/proxy_protocol/proxy_protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sessions;  // the sessions of one reactor, udp.c

struct app {
  struct upstreams streams;    // tcp and unix
  struct upstreams datagrams;  // udp
  long connect_ms;
  long out_ms;
  long idle_ms;      // 0: no timeout
  long rate;         // bytes a second from and to each client; 0: no limit
  long header_ms;    // for the header of a client
  int send_version;  // of the header to the upstream; 0: none
  bool accept_header;
  long session_ms;
  long sessions_max;
  enum upstream_balancing balancing;
  atomic_long session_count;
  struct sessions **sessions;  // by the index of the reactor
};

// app_host returns the bytes of an address's host; no bytes for a Unix socket.
struct evnet_bytes app_host(const struct evnet_address *address);

// app_source returns a hash of an address's host, for upstreams_choose.
uint64_t app_source(const struct evnet_address *address);

// app_connected and app_failed record the result of a connect, and print a line on stderr if the
// upstream's state changes by it.
//
//   reason  of on_close. A local cause, such as a lack of descriptors, is not the upstream's fault.
void app_connected(struct upstreams *set, struct upstream_use *use);
void app_failed(struct upstreams *set, struct upstream_use *use, int reason, uint64_t now_ms);

// app_may_retry returns whether another upstream may connect after a connect ended for this reason.
bool app_may_retry(int reason);

// tcp.c: the handler's callbacks.
enum evnet_action tcp_on_open(struct evnet_conn *conn, void *user);
enum evnet_action tcp_on_data(struct evnet_conn *conn, void *user);
enum evnet_action tcp_on_half_close(struct evnet_conn *conn, void *user);
enum evnet_action tcp_on_pressure(struct evnet_conn *conn, void *user);
enum evnet_action tcp_on_drain(struct evnet_conn *conn, void *user);
enum evnet_action tcp_on_timeout(struct evnet_conn *conn, enum evnet_timeout which, void *user);
enum evnet_action tcp_on_close(struct evnet_conn *conn, int reason, void *user);
void tcp_on_stopping(struct evnet_conn *conn, void *user);

// udp.c

// udp_on_data forwards a datagram of a client.
enum evnet_action udp_on_data(struct evnet_conn *conn, struct app *app);

// udp_on_boot and udp_on_shutdown make and free the sessions of a reactor.
enum evnet_action udp_on_boot(struct evnet_reactor *reactor, void *user);
void udp_on_shutdown(struct evnet_reactor *reactor, void *user);

// header.c

// header_write writes a header about a client to a connection.
//
//   received  the client's own header; NULL if it did not send one.
void header_write(struct evnet_conn *client, const struct evnet_proxy_header *received, int version,
                  struct evnet_conn *upstream);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_PROXY_APP_H_
