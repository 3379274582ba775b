// The mailbox: how another thread reaches a reactor. Many threads post, one takes; lock-free, and
// in order for each poster. What is posted embeds the message, so posting allocates nothing.
//
// Waking is coalesced: a post asks for a wake only if the reactor has announced that it is going to
// sleep and no other post has asked since. The protocol (each step sequentially consistent, so that
// one of the two sides always sees the other):
//
//   reactor                                   poster
//   asleep = true                             push the message
//   mailbox empty? -> wait in the poller      asleep, and this post the one to end it? -> wake
//
// Whoever was told to wake may be late: the wake must be one that is remembered (an eventfd), and
// the reactor must stand a wake for which there is no message.
//
// After evnet_mailbox_seal every post is refused: nothing that is posted is ever left lying. A post
// may still look at the mailbox after its message has been taken: the mailbox's memory must outlive
// every post that has begun.
#ifndef EVNET_NET_REACTOR_MAILBOX_H_
#define EVNET_NET_REACTOR_MAILBOX_H_

#include <stdbool.h>
#include <stddef.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Embedded in what is posted; owned by the mailbox from a successful post until it is taken.
struct evnet_message {
  struct evnet_message *next;  // the mailbox's; after a take: the message behind this one
  // Runs on the taker's thread, which calls it; the message is the callee's to free. The mailbox
  // itself never calls it.
  void (*run)(struct evnet_message *message, void *context);
  size_t bytes;  // counted against the mailbox's bound until evnet_mailbox_release
};

// Fields other than bytes_max are atomic and are touched by the functions below only.
struct evnet_mailbox {
  struct evnet_message *head;  // the newest message, or a mark of the mailbox being sealed
  size_t bytes;                // posted and not yet released
  size_t bytes_max;            // constant after init
  bool asleep;
};

// evnet_mailbox_init makes an empty mailbox.
//
//   bytes_max  the bound on the messages' bytes; 0: none.
void evnet_mailbox_init(struct evnet_mailbox *mailbox, size_t bytes_max);

// evnet_mailbox_post appends a message.
//
//   message  run and bytes set by the caller; the mailbox's on success, the caller's on error. One
//            of 0 bytes passes whatever the bound.
//
// Returns: 1 when the caller must now wake the reactor, 0 when it need not.
// Errors:  -ENOBUFS above bytes_max; -ESHUTDOWN after evnet_mailbox_seal.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_mailbox_post(struct evnet_mailbox *mailbox,
                                         struct evnet_message *message);

// evnet_mailbox_take removes all messages.
//
// Returns: the oldest, linked by `next` to the newest; NULL when there is none, or when sealed.
// Thread:  the reactor's.
struct evnet_message *evnet_mailbox_take(struct evnet_mailbox *mailbox);

// evnet_mailbox_release says that messages of `bytes` in sum have been dealt with.
//
// Thread:  any.
void evnet_mailbox_release(struct evnet_mailbox *mailbox, size_t bytes);

// evnet_mailbox_sleep announces that the reactor is about to wait.
//
// Returns: true when it may wait: the next post asks for a wake (once sealed there is no next one).
//          False when a message is there: do not wait (evnet_mailbox_awake may be left out).
// Thread:  the reactor's.
bool evnet_mailbox_sleep(struct evnet_mailbox *mailbox);

// evnet_mailbox_awake says that the reactor no longer waits.
//
// Thread:  the reactor's.
void evnet_mailbox_awake(struct evnet_mailbox *mailbox);

// evnet_mailbox_seal removes all messages, as evnet_mailbox_take, and refuses every later post.
// There is no way back; a second call finds nothing.
//
// Thread:  the reactor's.
struct evnet_message *evnet_mailbox_seal(struct evnet_mailbox *mailbox);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_MAILBOX_H_
