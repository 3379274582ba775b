// The rules for the bytes of a connection in both directions, and for the results of reads and
// writes on the server and on the client.
#include <errno.h>
#include <inttypes.h>

#include "net/server/simulate/oracle.h"

namespace evnet_simulation {

// Returns whether a write, or a range of a file, may be refused with this error.
bool Oracle::IsRefusalLegal(const Conn *c, bool was_ending, bool overflows, int64_t error) const {
  switch (error) {
    case -ENOTCONN:
      return was_ending || MayBeEnding(c);
    case -EPIPE:
      return c->write_ended || Inspect(c).broken;
    case -ECONNRESET:
      return Inspect(c).broken;
    case -ENOMEM:
      return w_.memory.failed() > 0;
    case -ENOBUFS:
      return overflows;
    default:
      return false;
  }
}

void Oracle::Consumed(Conn *c, const uint8_t *data, size_t size) {
  if (!w_.plan.on_data) return;  // evnet has discarded an unknown number of bytes
  for (size_t i = 0; i < size; i++) {
    if (data[i] == c->client->Byte(c->consumed + i)) continue;
    Broken(c, "byte %zu is not what the client sent there", c->consumed + i);
    break;
  }
  c->consumed += size;
  if (c->consumed > c->presented) c->presented = c->consumed;
}

void Oracle::Wrote(Conn *c, const void *data, size_t size, size_t queued_before, bool was_ending,
                   ssize_t result) {
  evnet_sim_note(w_.sim, "write", evnet_sim_port(c->client->socket), static_cast<int64_t>(size),
                 result);
  const size_t most = w_.plan.server.outbound_bytes_max;
  const bool overflows = queued_before + size > most;
  const char *bytes = static_cast<const char *>(data);
  if (result >= 0) {
    if (static_cast<size_t>(result) != size) Broken(c, "write took %zd of %zu", result, size);
    if (was_ending || c->write_ended) Broken(c, "a write is accepted after the close");
    if (overflows)
      Broken(c, "%zu + %zu bytes are queued; the bound is %zu", queued_before, size, most);
    c->written.append(bytes, size);
    c->wrote_ns = w_.now();
    return;
  }
  if (result == -ENOMEM) c->perhaps.assign(bytes, size);
  if (result == -ENOBUFS && w_.plan.server.outbound_overflow == EVNET_OVERFLOW_CLOSE) {
    c->outbound_overflow = true;
  } else if (result == -ENOBUFS && evnet_conn_outbound_bytes(c->conn) != queued_before) {
    Broken(c, "a write that was refused changed the queue");
  }
  if (!IsRefusalLegal(c, was_ending, overflows, result))
    Broken(c, "a write fails with %s without a cause", evnet_status_name(static_cast<int>(result)));
}

void Oracle::ClientRead(Client *client, const uint8_t *data, int64_t result) {
  if (result == -EAGAIN || client->saw_end || client->saw_reset) return;
  evnet_sim_note(w_.sim, "client reads", client->number, static_cast<int64_t>(client->received),
                 result);
  const Conn *c = client->conn;
  if (result < 0) {
    client->saw_reset = true;
    return;
  }
  if (c == nullptr) {
    evnet_sim_fail(w_.sim, "client %u has read %" PRId64 " bytes without an on_open",
                   client->number, result);
    return;
  }
  if (result == 0) {
    client->saw_end = true;
    if (client->received < c->written.size())
      Broken(c, "its client has read %zu bytes of %zu, and then EOF", client->received,
             c->written.size());
    if (!c->closed && !c->write_ended && !MayBeEnding(c)) Broken(c, "its client reads EOF early");
    return;
  }
  for (size_t i = 0; i < static_cast<size_t>(result); i++) {
    const size_t at = client->received + i;
    const size_t sure = c->written.size();
    const bool known = at < sure + c->perhaps.size();
    const char expected = !known ? 0 : at < sure ? c->written[at] : c->perhaps[at - sure];
    if (known && static_cast<char>(data[i]) == expected) continue;
    Broken(c, "byte %zu that its client has read is not what was written (%zu bytes)", at, sure);
    break;
  }
  client->received += static_cast<size_t>(result);
}

}  // namespace evnet_simulation
