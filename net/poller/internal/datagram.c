#include "net/poller/internal/datagram.h"

#include <errno.h>

#include "net/base/memory.h"
#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/socket.h"

enum {
  BATCH_MIN = 4,  // however large the datagrams are
  // Blocks whose distance is a power of two would all want the same lines of the cache.
  BLOCK_SPACING = 192,
};

struct evnet_datagrams {
  const struct evnet_allocator *allocator;
  size_t turn_bytes_max;
  size_t block_bytes;  // from one block to the next
  uint8_t
      *memory;  // EVNET_DATAGRAMS_MAX blocks, reserved pages: what is never filled costs nothing

  struct evnet_handle owner;  // of the batch
  unsigned int next;          // to be told
  unsigned int count;
  unsigned int batch_max;  // of the next one, by the size of the last one's largest
  struct evnet_address local;
  struct evnet_address peers[EVNET_DATAGRAMS_MAX];
  struct iovec pieces[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message in[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message out[EVNET_DATAGRAMS_MAX];
  // Control messages, which begin with a struct cmsghdr.
  _Alignas(struct cmsghdr) uint8_t in_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];
  _Alignas(struct cmsghdr) uint8_t out_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];
};

const struct evnet_send evnet_datagrams_room = {0};

// What a receive changes of the header.
static void prepare(struct evnet_datagrams *datagrams, unsigned int index) {
  struct msghdr *header = &datagrams->in[index].header;
  header->msg_namelen = sizeof datagrams->peers[index].socket;
  header->msg_controllen = EVNET_DATAGRAM_CONTROL_BYTES;
  header->msg_flags = 0;
}

static void set_up(struct evnet_datagrams *datagrams, uint32_t datagram_bytes_max) {
  datagrams->batch_max = EVNET_DATAGRAMS_MAX;
  for (unsigned int i = 0; i < EVNET_DATAGRAMS_MAX; i++) {
    datagrams->peers[i].transport = EVNET_TRANSPORT_UDP;
    datagrams->pieces[i] = (struct iovec){
        .iov_base = datagrams->memory + i * datagrams->block_bytes, .iov_len = datagram_bytes_max};
    datagrams->in[i].header = (struct msghdr){.msg_name = &datagrams->peers[i].socket,
                                              .msg_iov = &datagrams->pieces[i],
                                              .msg_iovlen = 1,
                                              .msg_control = datagrams->in_control[i]};
    prepare(datagrams, i);
  }
}

int evnet_datagrams_create(const struct evnet_allocator *allocator, uint32_t datagram_bytes_max,
                           uint32_t turn_bytes_max, struct evnet_datagrams **out) {
  if (*out != NULL) return 0;
  struct evnet_datagrams *datagrams = evnet_allocate_zeroed(allocator, sizeof *datagrams);
  if (datagrams == NULL) return -ENOMEM;
  datagrams->allocator = allocator;
  datagrams->turn_bytes_max = turn_bytes_max;
  datagrams->block_bytes = ((size_t)datagram_bytes_max + 63) / 64 * 64 + BLOCK_SPACING;
  datagrams->memory = evnet_pages_reserve(EVNET_DATAGRAMS_MAX * datagrams->block_bytes);
  if (datagrams->memory == NULL) {
    evnet_datagrams_destroy(datagrams);
    return -ENOMEM;
  }
  set_up(datagrams, datagram_bytes_max);
  *out = datagrams;
  return 0;
}

void evnet_datagrams_destroy(struct evnet_datagrams *datagrams) {
  if (datagrams == NULL) return;
  evnet_pages_release(datagrams->memory, EVNET_DATAGRAMS_MAX * datagrams->block_bytes);
  evnet_release(datagrams->allocator, datagrams);
}

// Receiving

// A socket's share of a turn, if those that come are as large as those that came. One batch may be
// beyond it: how large they are is known only then.
static unsigned int batch_for(const struct evnet_datagrams *datagrams) {
  size_t largest = 1;
  for (unsigned int i = 0; i < datagrams->count; i++) {
    if (datagrams->in[i].size > largest) largest = datagrams->in[i].size;
  }
  size_t fit = datagrams->turn_bytes_max / largest;
  if (fit >= EVNET_DATAGRAMS_MAX) return EVNET_DATAGRAMS_MAX;
  return fit < BATCH_MIN ? BATCH_MIN : (unsigned int)fit;
}

int evnet_datagrams_receive(struct evnet_datagrams *datagrams, int descriptor,
                            struct evnet_handle owner, bool *out_more) {
  const unsigned int asked = datagrams->batch_max;
  int count = evnet_datagram_system_receive(descriptor, datagrams->in, asked);
  datagrams->owner = owner;
  datagrams->next = 0;
  datagrams->count = count > 0 ? (unsigned int)count : 0;
  *out_more = datagrams->count == asked;
  if (count > 0) datagrams->batch_max = batch_for(datagrams);
  return count;
}

bool evnet_datagrams_next(struct evnet_datagrams *datagrams,
                          struct evnet_completion *out_completion) {
  if (datagrams == NULL || datagrams->next == datagrams->count) return false;
  const unsigned int index = datagrams->next++;
  const struct evnet_datagram_message *message = &datagrams->in[index];
  struct evnet_address *peer = &datagrams->peers[index];
  peer->size = message->header.msg_namelen;
  evnet_socket_unmap_ip4(peer);
  bool has_local = evnet_datagram_local(&message->header, &datagrams->local);
  *out_completion = (struct evnet_completion){
      .handle = datagrams->owner,
      .op = EVNET_OP_DATAGRAM,
      .more = true,
      .truncated = message->header.msg_flags & MSG_TRUNC,
      .result = message->size,
      .data = datagrams->pieces[index].iov_base,
      .peer = peer,
      .local = has_local ? &datagrams->local : NULL,
  };
  prepare(datagrams, index);
  return true;
}

void evnet_datagrams_drop(struct evnet_datagrams *datagrams, struct evnet_handle owner) {
  if (datagrams->owner.index != owner.index || datagrams->owner.generation != owner.generation)
    return;
  while (datagrams->next < datagrams->count) prepare(datagrams, datagrams->next++);
}

// Sending

int64_t evnet_datagrams_send(struct evnet_datagrams *datagrams, int descriptor,
                             const struct evnet_datagram *messages, size_t count) {
  unsigned int batch = count < EVNET_DATAGRAMS_MAX ? (unsigned int)count : EVNET_DATAGRAMS_MAX;
  for (unsigned int i = 0; i < batch; i++) {
    const struct evnet_datagram *message = &messages[i];
    struct msghdr *header = &datagrams->out[i].header;
    *header = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)message->pieces,
                              .msg_iovlen = (uint8_t)message->count};
    if (message->to != NULL) {
      header->msg_name = (void *)(uintptr_t)&message->to->socket;
      header->msg_namelen = message->to->size;
    }
    if (message->from != NULL) {
      header->msg_control = datagrams->out_control[i];
      evnet_datagram_set_source(header, message->from);
    }
  }
  return evnet_datagram_system_send(descriptor, datagrams->out, batch);
}
