// Sending datagrams. Consecutive datagrams to one address and of one size (the last may be shorter)
// are passed to the system as one message. The system cuts it up as late as possible: Linux by
// UDP_SEGMENT (datagram_segments_linux.c). Datagrams that the system does not take this way are
// sent one by one.
#include <errno.h>
#include <string.h>

#include "net/poller/internal/datagram_state.h"

enum {
  // Several datagrams together may not be longer than the longest datagram of IPv4.
  MESSAGE_BYTES_MAX = 65507,
  SEGMENT_BYTES_MAX = MESSAGE_BYTES_MAX / 2,
};

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  if (a == b) return true;
  if (a == NULL || b == NULL || a->size != b->size) return false;
  return memcmp(&a->socket, &b->socket, a->size) == 0;
}

// Segments

static struct datagram_segments *segments_of(struct evnet_datagrams *datagrams,
                                             struct evnet_handle owner) {
  struct datagram_segments *entry =
      &datagrams->segments_of[owner.index & (uint32_t)(DATAGRAM_SEGMENTS - 1)];
  const bool is_owner =
      entry->owner.index == owner.index && entry->owner.generation == owner.generation;
  if (!is_owner) *entry = (struct datagram_segments){owner, SEGMENT_BYTES_MAX};
  return entry;
}

// Returns the largest datagram that may be part of a message of several. 0: none.
static uint32_t segment_bytes_max(struct evnet_datagrams *datagrams, int descriptor,
                                  struct evnet_handle owner) {
  if (datagrams->options.no_segmentation) return 0;
  if (!datagrams->segments_known) {
    datagrams->segments_known = true;
    datagrams->segments = evnet_datagram_system_has_segments(descriptor);
  }
  return datagrams->segments ? segments_of(datagrams, owner)->bytes_max : 0;
}

// Returns how many datagrams, from the first on, can be one message.
static unsigned int count_alike(const struct evnet_datagram *messages, unsigned int count,
                                uint32_t bytes_max) {
  const struct evnet_datagram *first = messages;
  if (first->count != 1) return 1;
  const size_t size = first->pieces->iov_len;
  if (size == 0 || size > bytes_max) return 1;
  size_t total = size;
  unsigned int alike = 1;
  while (alike < count) {
    const struct evnet_datagram *next = &messages[alike];
    const size_t next_size = next->count == 1 ? next->pieces->iov_len : 0;
    if (next_size == 0 || next_size > size || next_size > MESSAGE_BYTES_MAX - total) break;
    if (!is_same(next->to, first->to) || !is_same(next->from, first->from)) break;
    total += next_size;
    alike++;
    if (next_size < size) break;
  }
  return alike;
}

// Messages

static void address(struct evnet_datagrams *datagrams, unsigned int index,
                    const struct evnet_datagram *message) {
  struct msghdr *header = &datagrams->out[index].header;
  if (message->to != NULL) {
    header->msg_name = (void *)(uintptr_t)&message->to->socket;
    header->msg_namelen = message->to->size;
  }
  if (message->from != NULL) {
    header->msg_control = datagrams->out_control[index];
    evnet_datagram_set_source(header, message->from);
  }
}

// Appends a piece. A piece that directly follows the last one in memory extends it.
static size_t append(struct iovec *pieces, size_t count, const struct iovec *piece) {
  if (count > 0) {
    struct iovec *last = &pieces[count - 1];
    if ((uint8_t *)last->iov_base + last->iov_len == piece->iov_base) {
      last->iov_len += piece->iov_len;
      return count;
    }
  }
  pieces[count] = *piece;
  return count + 1;
}

// Makes messages of datagrams. Returns the number of messages.
static unsigned int make_messages(struct evnet_datagrams *datagrams,
                                  const struct evnet_datagram *messages, unsigned int count,
                                  uint32_t bytes_max) {
  struct iovec *pieces = datagrams->out_pieces;  // free ones, after those of the messages
  unsigned int made = 0;
  for (unsigned int i = 0; i < count;) {
    const struct evnet_datagram *first = &messages[i];
    const unsigned int alike = bytes_max > 0 ? count_alike(first, count - i, bytes_max) : 1;
    struct msghdr *header = &datagrams->out[made].header;
    *header = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)first->pieces,
                              .msg_iovlen = (uint8_t)first->count};
    address(datagrams, made, first);
    if (alike > 1) {
      size_t piece_count = 0;
      for (unsigned int j = 0; j < alike; j++)
        piece_count = append(pieces, piece_count, first[j].pieces);
      header->msg_iov = pieces;
      header->msg_iovlen = (uint8_t)piece_count;
      pieces += piece_count;
      header->msg_control = datagrams->out_control[made];
      evnet_datagram_system_set_segment(header, (uint16_t)first->pieces->iov_len);
    }
    datagrams->out_counts[made++] = (uint8_t)alike;
    i += alike;
  }
  return made;
}

static int64_t send_messages(struct evnet_datagrams *datagrams, int descriptor,
                             unsigned int count) {
  // With udp_errors, a send of a socket that is not connected may fail with the error of an earlier
  // datagram to another address, which the kernel reports once (udp_sendmsg() of Linux). The
  // socket's error queue has it, too.
  const bool is_connected = datagrams->out[0].header.msg_name == NULL;
  int tries = datagrams->options.errors && !is_connected ? 3 : 1;
  int sent;
  do {
    sent = evnet_datagram_system_send(descriptor, datagrams->out, count, &datagrams->sends_singly);
  } while (sent < 0 && sent != -EAGAIN && --tries > 0);
  if (sent <= 0) return sent;
  int64_t taken = 0;
  for (int i = 0; i < sent; i++) taken += datagrams->out_counts[i];
  return taken;
}

int64_t evnet_datagrams_send(struct evnet_datagrams *datagrams, int descriptor,
                             struct evnet_handle owner, const struct evnet_datagram *messages,
                             size_t count) {
  const unsigned int batch =
      count < EVNET_DATAGRAMS_MAX ? (unsigned int)count : EVNET_DATAGRAMS_MAX;
  const uint32_t bytes_max = segment_bytes_max(datagrams, descriptor, owner);
  unsigned int made = make_messages(datagrams, messages, batch, bytes_max);
  const unsigned int alike = datagrams->out_counts[0];
  int64_t taken = send_messages(datagrams, descriptor, made);
  if (taken >= 0 || alike == 1) return taken;
  const uint32_t allowed =
      evnet_datagram_system_segment_allowed((int)taken, (uint32_t)messages->pieces->iov_len);
  if (allowed == UINT32_MAX) return taken;
  made = make_messages(datagrams, messages, alike, 0);
  taken = send_messages(datagrams, descriptor, made);
  // The single datagrams were sent, so the failure was due to sending several as one.
  if (taken > 0) segments_of(datagrams, owner)->bytes_max = allowed;
  return taken;
}
