// Moving bytes between two connections by splice(2). All connections use one pipe, because it is
// empty between the calls: the caller takes the bytes that `to` does not take out of it.
#include "net/poller/internal/ready_splice.h"

#include <errno.h>
#include <unistd.h>

#include "net/poller/internal/ready_state.h"
#include "net/poller/internal/socket_system.h"

enum { SMALL_MAX = 8 };  // amounts below EVNET_SPLICE_BYTES_MIN in a row

void ready_splice_close(struct ready *ready) {
  if (!ready->has_splice_pipe) return;
  (void)close(ready->splice_pipe[0]);
  (void)close(ready->splice_pipe[1]);
  ready->has_splice_pipe = false;
}

// Returns 0, or the reason why the kernel cannot move bytes between the slots.
static int prepare(struct ready *ready, const struct slot *from, const struct slot *to) {
  if (from->transport != EVNET_TRANSPORT_TCP || to->transport != EVNET_TRANSPORT_TCP)
    return -EOPNOTSUPP;
  // Out-of-band data cuts a read short, and recv(2) reports an end after the bytes.
  if (!(from->flags & RECV_ON) || (from->flags & URGENT) || to->send != NULL) return -EOPNOTSUPP;
  if (ready->has_splice_pipe) return 0;
  const int status = evnet_socket_system_splice_open(ready->splice_pipe);
  ready->has_splice_pipe = status == 0;
  return status < 0 ? -EOPNOTSUPP : 0;
}

// A large message often arrives in parts, so a few small amounts do not end splicing.
static void count_small(struct slot *from, bool is_much) {
  if (is_much) {
    from->held = SMALL_MAX;
  } else if (from->held > 0) {
    from->held--;
  }
}

int ready_splice(struct evnet_poller *poller, struct evnet_handle from_handle,
                 struct evnet_handle to_handle, size_t size, bool soon, struct evnet_spliced *out) {
  struct ready *ready = ready_of(poller);
  struct slot *from = slot_of(ready, from_handle), *to = slot_of(ready, to_handle);
  int status = prepare(ready, from, to);
  if (status < 0) return status;
  if (size > ready->recv_bytes) size = ready->recv_bytes;
  evnet_socket_system_splice(from->descriptor, to->descriptor, ready->splice_pipe, size, out);
  if (out->to_status == -EAGAIN) {
    to->flags &= (uint16_t)~WRITABLE;
    out->to_status = 0;
  }
  from->flags &= (uint16_t)~SPLICES;
  status = out->from_status;
  // A sandbox may not permit the call (seccomp(2)).
  const bool is_refused = status == -ENOSYS || status == -EPERM || status == -EINVAL;
  if (is_refused && out->received == 0) return -EOPNOTSUPP;
  if (status == -EAGAIN) {
    from->flags &= (uint16_t)~READABLE;
  } else if (out->received > 0) {
    from->flags |= READABLE;  // the rest makes no edge
  }
  if (status == -EAGAIN || is_refused) out->from_status = 0;
  if (out->from_status < 0) from->flags |= HANGUP_TOLD;
  // recv(2) reports the end.
  count_small(from, soon || out->received >= EVNET_SPLICE_BYTES_MIN);
  if (from->held > 0 && !out->from_ended && out->from_status == 0) from->flags |= SPLICES;
  // More bytes have to wait for the next turn, in which other connections have theirs.
  if ((from->flags & READABLE) && out->received > 0) {
    if (ready->current == from) ready->current = NULL;
    enqueue(ready, &ready->later, from);
  }
  return 0;
}

size_t ready_splice_rest(struct evnet_poller *poller, void *out, size_t size) {
  const ssize_t got = read(ready_of(poller)->splice_pipe[0], out, size);
  return got > 0 ? (size_t)got : 0;
}
