#include "net/poller/internal/datagram.h"

#include <errno.h>
#include <string.h>

#include "net/base/memory.h"
#include "net/poller/internal/backend.h"
#include "net/poller/internal/datagram_state.h"
#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/socket_address.h"

enum {
  BATCH_MIN = 4,  // even of large messages
  // The most failed calls of a receive in a row. It is more than ICMP can cause between the calls.
  FAILURES_MAX = 4,
  // Extra distance between blocks. Blocks at a distance of a power of two would compete for the
  // same cache lines.
  BLOCK_SPACING = 192,
};

const struct evnet_send evnet_datagrams_room = {0};

// Resets the parts of the header that a receive changes.
static void prepare(struct evnet_datagrams *datagrams, unsigned int index) {
  struct msghdr *header = &datagrams->in[index].header;
  header->msg_namelen = sizeof datagrams->peers[index].socket;
  header->msg_controllen = EVNET_DATAGRAM_CONTROL_BYTES;
  header->msg_flags = 0;
}

static void set_up(struct evnet_datagrams *datagrams) {
  // A few merged messages hold many datagrams.
  datagrams->batch_max = datagrams->options.merged ? BATCH_MIN : EVNET_DATAGRAMS_MAX;
  for (unsigned int i = 0; i < EVNET_DATAGRAMS_MAX; i++) {
    datagrams->peers[i].transport = EVNET_TRANSPORT_UDP;
    datagrams->pieces[i] =
        (struct iovec){.iov_base = datagrams->memory + i * datagrams->block_bytes,
                       .iov_len = datagrams->message_bytes_max};
    datagrams->in[i].header = (struct msghdr){.msg_name = &datagrams->peers[i].socket,
                                              .msg_iov = &datagrams->pieces[i],
                                              .msg_iovlen = 1,
                                              .msg_control = datagrams->in_control[i]};
    prepare(datagrams, i);
  }
}

void evnet_datagram_options_init(struct evnet_datagram_options *out,
                                 const struct evnet_poller_options *options) {
  *out = (struct evnet_datagram_options){
      .allocator = options->allocator,
      .datagram_bytes_max = options->datagram_bytes_max,
      .recv_bytes_max = options->recv_bytes_max,
      .no_segmentation = options->no_udp_segmentation,
      .merged = options->udp_gro,
      .errors = options->udp_errors,
  };
}

int evnet_datagrams_create(const struct evnet_datagram_options *options,
                           struct evnet_datagrams **out) {
  if (*out != NULL) return 0;
  struct evnet_datagrams *datagrams = evnet_block_allocate(options->allocator, sizeof *datagrams);
  if (datagrams == NULL) return -ENOMEM;
  memset(datagrams, 0, sizeof *datagrams);
  datagrams->options = *options;
  datagrams->message_bytes_max =
      options->merged ? EVNET_DATAGRAM_BYTES_MAX_DEFAULT : options->datagram_bytes_max;
  datagrams->block_bytes = (datagrams->message_bytes_max + 63) / 64 * 64 + BLOCK_SPACING;
  datagrams->memory = evnet_pages_reserve(EVNET_DATAGRAMS_MAX * datagrams->block_bytes);
  if (datagrams->memory == NULL) {
    evnet_datagrams_destroy(datagrams);
    return -ENOMEM;
  }
  set_up(datagrams);
  *out = datagrams;
  return 0;
}

void evnet_datagrams_destroy(struct evnet_datagrams *datagrams) {
  if (datagrams == NULL) return;
  evnet_pages_release(datagrams->memory, EVNET_DATAGRAMS_MAX * datagrams->block_bytes);
  evnet_block_release(datagrams->options.allocator, datagrams);
}

int evnet_datagrams_set_up_socket(const struct evnet_datagrams *datagrams, int descriptor,
                                  const char **out_refused) {
  int status = 0;
  const char *option = "udp_gro";
  if (datagrams->options.merged) status = evnet_datagram_system_ask_merged(descriptor);
  if (status == 0 && datagrams->options.errors) {
    option = "udp_errors";
    status = evnet_datagram_system_ask_errors(descriptor);
  }
  if (status < 0 && out_refused != NULL) *out_refused = option;
  return status;
}

// Returns how many messages of the last batch's size fit into a socket's share of a turn. A batch
// may exceed the share, because the number and sizes of its datagrams are known only after
// receiving.
static unsigned int batch_for(const struct evnet_datagrams *datagrams) {
  size_t largest = 1;
  for (unsigned int i = 0; i < datagrams->count; i++) {
    if (datagrams->in[i].size > largest) largest = datagrams->in[i].size;
  }
  size_t fit = datagrams->options.recv_bytes_max / largest;
  size_t fit_told = EVNET_DATAGRAMS_MAX;
  if (datagrams->told > datagrams->count) fit_told = fit_told * datagrams->count / datagrams->told;
  if (fit > fit_told) fit = fit_told;
  return fit < BATCH_MIN ? BATCH_MIN : (unsigned int)fit;
}

// Receives up to `count` messages and skips errors of earlier datagrams (ICMP). The kernel clears
// such an error once a call has returned it; only a lasting error comes repeatedly. Returns the
// number of messages, or -errno of the last call.
static int receive_past_errors(struct evnet_datagrams *datagrams, int descriptor,
                               unsigned int count) {
  int received;
  int failures = 0;
  do {
    received = evnet_datagram_system_receive(descriptor, datagrams->in, count,
                                             &datagrams->receives_singly);
    if (received > 0 || received == -EAGAIN) break;
    if (failures == 0) datagrams->error = received;
  } while (++failures < FAILURES_MAX);
  datagrams->error_lasts = failures == FAILURES_MAX;
  return received;
}

// Takes errors of sent datagrams, which the kernel keeps apart from the datagrams.
static void read_failures(struct evnet_datagrams *datagrams, int descriptor) {
  while (datagrams->failure_count < DATAGRAM_FAILURES_MAX) {
    struct evnet_datagram_failure *failure = &datagrams->failures[datagrams->failure_count];
    if (!evnet_datagram_system_read_failure(descriptor, failure)) return;
    if (failure->status < 0) datagrams->failure_count++;
  }
}

// An error that a receive returned comes from the same queue, unless the socket is connected. Takes
// it from there, with its address.
static void replace_error(struct evnet_datagrams *datagrams, int descriptor) {
  const unsigned int before = datagrams->failure_count;
  read_failures(datagrams, descriptor);
  const bool is_full = datagrams->failure_count == DATAGRAM_FAILURES_MAX;
  if (is_full || datagrams->failure_count > before) datagrams->error = 0;
}

int evnet_datagrams_receive(struct evnet_datagrams *datagrams, int descriptor,
                            struct evnet_handle owner, bool *out_more) {
  if (datagrams->count > 0) datagrams->batch_max = batch_for(datagrams);
  const unsigned int asked = datagrams->batch_max;
  datagrams->error = 0;
  datagrams->failure_next = datagrams->failure_count = 0;
  if (datagrams->options.errors) read_failures(datagrams, descriptor);
  const int count = receive_past_errors(datagrams, descriptor, asked);
  datagrams->owner = owner;
  datagrams->next = 0;
  datagrams->next_offset = 0;
  datagrams->told = 0;
  datagrams->count = count > 0 ? (unsigned int)count : 0;
  if (datagrams->options.errors && datagrams->error < 0 && !datagrams->error_lasts)
    replace_error(datagrams, descriptor);
  *out_more = datagrams->count == asked || datagrams->failure_count == DATAGRAM_FAILURES_MAX;
  return datagrams->error_lasts ? datagrams->error : count;
}

// Reads the sender, the local host and the segment size of the next message.
static void begin_message(struct evnet_datagrams *datagrams) {
  const struct evnet_datagram_message *message = &datagrams->in[datagrams->next];
  struct evnet_address *peer = &datagrams->peers[datagrams->next];
  peer->size = message->header.msg_namelen;
  evnet_socket_unmap_ip4(peer);
  datagrams->has_local = evnet_datagram_local(&message->header, &datagrams->local);
  datagrams->segment_bytes =
      datagrams->options.merged ? evnet_datagram_system_merged(&message->header) : 0;
  if (datagrams->segment_bytes == 0) datagrams->segment_bytes = message->size;
}

static void end_message(struct evnet_datagrams *datagrams) {
  prepare(datagrams, datagrams->next++);
  datagrams->next_offset = 0;
}

static bool next_failure(struct evnet_datagrams *datagrams,
                         struct evnet_completion *out_completion) {
  const struct evnet_datagram_failure *failure = &datagrams->failures[datagrams->failure_next++];
  *out_completion =
      (struct evnet_completion){.handle = datagrams->owner,
                                .op = EVNET_OP_DATAGRAM,
                                .more = true,
                                .result = failure->status,
                                .rest = failure->mtu,
                                .peer = &failure->to,
                                .local = failure->has_reporter ? &failure->reporter : NULL};
  return true;
}

static bool next_error(struct evnet_datagrams *datagrams, struct evnet_completion *out_completion) {
  *out_completion = (struct evnet_completion){.handle = datagrams->owner,
                                              .op = EVNET_OP_DATAGRAM,
                                              .more = !datagrams->error_lasts,
                                              .result = datagrams->error};
  datagrams->error = 0;
  return true;
}

bool evnet_datagrams_next(struct evnet_datagrams *datagrams,
                          struct evnet_completion *out_completion) {
  if (datagrams == NULL) return false;
  if (datagrams->failure_next < datagrams->failure_count)
    return next_failure(datagrams, out_completion);
  if (datagrams->error < 0) return next_error(datagrams, out_completion);
  if (datagrams->next == datagrams->count) return false;
  const unsigned int index = datagrams->next;
  const size_t offset = datagrams->next_offset;
  if (offset == 0) begin_message(datagrams);
  const size_t left = datagrams->in[index].size - offset;
  const bool is_last = left <= datagrams->segment_bytes;
  size_t size = is_last ? left : datagrams->segment_bytes;
  const bool cut = datagrams->in[index].header.msg_flags & MSG_TRUNC;
  const size_t size_max = datagrams->options.datagram_bytes_max;
  *out_completion = (struct evnet_completion){
      .handle = datagrams->owner,
      .op = EVNET_OP_DATAGRAM,
      .more = true,
      .truncated = size > size_max || cut,
      .result = (int64_t)(size < size_max ? size : size_max),
      .data = (const uint8_t *)datagrams->pieces[index].iov_base + offset,
      .peer = &datagrams->peers[index],
      .local = datagrams->has_local ? &datagrams->local : NULL,
  };
  datagrams->told++;
  datagrams->next_offset += size;
  if (is_last) end_message(datagrams);
  return true;
}

void evnet_datagrams_drop(struct evnet_datagrams *datagrams, struct evnet_handle owner) {
  if (datagrams->owner.index != owner.index || datagrams->owner.generation != owner.generation)
    return;
  datagrams->error = 0;
  datagrams->failure_next = datagrams->failure_count;
  while (datagrams->next < datagrams->count) end_message(datagrams);
}
