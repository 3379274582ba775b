// Rate limits: how many bytes a second a connection, or a group of connections, receives and sends.
//
// A limit is a token bucket. It holds at most `burst` bytes, is full at first, and fills with
// `bytes_per_s`. evnet passes bytes between the kernel and the connection only while the bucket has
// some, so in any time t at most burst + bytes_per_s * t bytes pass. A bucket that is almost empty
// fills for about 1/32 s, or up to its burst, before bytes pass again. Both directions are limited separately.
//
//   struct evnet_rate rate = {.send_bytes_per_s = 1 << 20};
//   evnet_conn_set_rate(conn, &rate);                   // this connection alone
//   evnet_rate_group_create(reactor, &rate, &group);    // together:
//   evnet_conn_set_rate_group(conn, group);
//
// A limit is one more reason for which receiving stops: it composes with a pause, holds, the water
// marks and the inbound mark, and ends by itself. The limit of sending holds back queued output,
// files too, which counts towards the water marks as ever. While a limit holds a connection back,
// its idle timeout does not run, nor does the read timeout if receiving is held back, nor the write
// timeout if sending is; they restart when bytes may pass. The lifetime and the drain deadline of a
// stop go on. A closing connection sends its output at its rate; the input that it then discards is
// not limited. A stop waits for held back input and output, up to its deadline.
//
// Set a limit in on_open. If it is set later, bytes that io_uring receives until the end of the turn
// pass in addition, and the bucket then fills for longer. UDP sockets have no rates.
#ifndef EVNET_NET_REACTOR_RATE_H_
#define EVNET_NET_REACTOR_RATE_H_

#include <stdint.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
struct evnet_rate_group;
struct evnet_reactor;

// The largest rate and the largest burst: 8 GiB.
#define EVNET_RATE_MAX ((uint64_t)1 << 33)

// A limit for each direction. A structure of zeros limits nothing.
struct evnet_rate {
  uint64_t receive_bytes_per_s EVNET_ZERO;  // 0: no limit
  uint64_t send_bytes_per_s EVNET_ZERO;     // 0: no limit
  uint64_t receive_burst_bytes EVNET_ZERO;  // 0: an eighth of receive_bytes_per_s, at least 1
  uint64_t send_burst_bytes EVNET_ZERO;     // 0: an eighth of send_bytes_per_s, at least 1
};

// evnet_conn_set_rate sets the limits of one connection, which take less than a KiB until they are
// removed or the connection closes. A bucket that has a limit already keeps its bytes, up to the new
// burst.
//
//   rate  copied; NULL or zeros: no limits.
//
// Returns: 0.
// Errors:  -EINVAL if a number is above EVNET_RATE_MAX.
//          -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a UDP socket.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
// Thread:  the connection's reactor.
EVNET_API int evnet_conn_set_rate(struct evnet_conn *conn, const struct evnet_rate *rate);

// evnet_rate_group_create creates a group, whose members share one limit for each direction. Members
// that are held back take turns in the order in which the bucket refused them. In each turn a member
// may pass an equal share of the bytes, but at least 1,024.
//
//   rate       copied; NULL or zeros: no limits.
//   out_group  the group. The caller frees it with evnet_rate_group_destroy; evnet_reactor_destroy
//              frees the groups that are left.
//
// Returns: 0.
// Errors:  -EINVAL if a number is above EVNET_RATE_MAX.
//          -ENOMEM if memory runs out.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_rate_group_create(struct evnet_reactor *reactor,
                                                        const struct evnet_rate *rate,
                                                        struct evnet_rate_group **out_group);

// evnet_rate_group_set_rate changes the limits of a group, as evnet_conn_set_rate those of a
// connection.
//
// Returns: 0.
// Errors:  -EINVAL if a number is above EVNET_RATE_MAX; nothing has changed.
// Thread:  the reactor's.
EVNET_API int evnet_rate_group_set_rate(struct evnet_rate_group *group,
                                        const struct evnet_rate *rate);

// evnet_rate_group_destroy frees a group. Its members are not limited by it any more. NULL is
// accepted.
//
// Thread:  the reactor's.
EVNET_API void evnet_rate_group_destroy(struct evnet_rate_group *group);

// evnet_conn_set_rate_group makes a connection a member of a group, and of no other. It leaves the
// group when it closes. Its own limits apply, too.
//
//   group  of the connection's reactor; NULL: no group.
//
// Returns: 0.
// Errors:  -EINVAL if the group is of another reactor.
//          -ENOTCONN, -EOPNOTSUPP, -ENOMEM as evnet_conn_set_rate.
//          After an error nothing has changed.
// Thread:  the connection's reactor.
EVNET_API int evnet_conn_set_rate_group(struct evnet_conn *conn, struct evnet_rate_group *group);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_RATE_H_
