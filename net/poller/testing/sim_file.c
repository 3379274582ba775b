// Sending the pieces or the real file of a send_start.
#include "net/poller/testing/sim_file.h"

#include <errno.h>
#include <unistd.h>

#include "net/poller/testing/sim_socket.h"

// Sends at most one block of the range, because a send may always take less.
static int64_t send_file(const struct sim_slot *slot, const struct evnet_file_range *file,
                         size_t bytes_max) {
  struct evnet_sim *sim = slot->owner->sim;
  if (evnet_sim_chance(sim, sim->options.faults.file_failure)) return -EIO;
  uint8_t block[16384];
  size_t size = file->size < sizeof block ? file->size : sizeof block;
  if (size > bytes_max) size = bytes_max;
  ssize_t got = pread(file->descriptor, block, size, (off_t)file->offset);
  if (got < 0) return -errno;
  if (got == 0) return EVNET_REASON_FILE_SHORT;
  const struct iovec piece = {.iov_base = block, .iov_len = (size_t)got};
  return sim_socket_send(slot->socket, &piece, 1);
}

int64_t sim_file_send_started(const struct sim_slot *slot) {
  const struct evnet_send *send = slot->send;
  size_t most = evnet_quota_ask(&slot->owner->poller, slot->handle, EVNET_OP_SEND);
  if (most == 0) return 0;
  if (send->count == 0) return send_file(slot, send->file, most);
  struct iovec pieces[EVNET_SEND_PIECES_MAX];
  size_t count = 0;
  for (; count < send->count && most > 0; count++) {
    pieces[count] = send->pieces[count];
    if (pieces[count].iov_len > most) pieces[count].iov_len = most;
    most -= pieces[count].iov_len;
  }
  return sim_socket_send(slot->socket, pieces, count);
}
