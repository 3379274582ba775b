// The mailbox: messages from other threads to a reactor. Many threads post and one thread takes. It
// is lock-free and keeps the order of each poster. Messages are embedded in their owners, so
// posting allocates nothing.
//
// Wakes are coalesced: a post requests a wake only if the reactor has announced that it is about to
// sleep and no other post has requested one since. In the protocol each step is sequentially
// consistent, so one of the two sides always sees the other:
//
//   reactor                                   poster
//   asleep = true                             push the message
//   mailbox empty? -> wait in the poller      asleep, and first to clear it? -> wake
//
// The wake may be late. It must therefore be of a kind that is remembered (an eventfd), and the
// reactor must accept a wake without a message.
//
// evnet_mailbox_seal refuses all later posts, so no message remains unhandled. A post may still
// access the mailbox after its message was taken, so the mailbox's memory must outlive every post
// that has begun.
#ifndef EVNET_NET_REACTOR_MAILBOX_H_
#define EVNET_NET_REACTOR_MAILBOX_H_

#include <stdbool.h>
#include <stddef.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// A message, embedded in its owner. The mailbox owns it from a successful post until it is taken.
struct evnet_message {
  struct evnet_message *next;  // the mailbox's; after a take, the next newer message
  // Called by the taker, on its thread; never by the mailbox. The callee frees the message.
  void (*run)(struct evnet_message *message, void *context);
  size_t bytes;  // counted against bytes_max until evnet_mailbox_release
};

// All fields but bytes_max are atomic, and only the functions below access them.
struct evnet_mailbox {
  struct evnet_message *head;  // the newest message, or a mark that the mailbox is sealed
  size_t bytes;                // posted and not yet released
  size_t bytes_max;            // constant after init
  int asleep;  // 1: the reactor waits, or is about to; a bool would need libatomic on riscv64
};

// evnet_mailbox_init creates an empty mailbox.
//
//   bytes_max  the bound on the messages' bytes; 0: none.
void evnet_mailbox_init(struct evnet_mailbox *mailbox, size_t bytes_max);

// evnet_mailbox_post appends a message.
//
//   message  with run and bytes set. The mailbox's on success, the caller's on error. A message of
//            0 bytes is accepted whatever the bound.
//
// Returns: 1 if the caller must wake the reactor; otherwise 0.
// Errors:  -ENOBUFS if bytes_max would be exceeded.
//          -ESHUTDOWN after evnet_mailbox_seal.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_mailbox_post(struct evnet_mailbox *mailbox,
                                         struct evnet_message *message);

// evnet_mailbox_take removes all messages.
//
// Returns: the oldest, linked by `next` to the newest; NULL if there are none, or if sealed.
// Thread:  the reactor's.
struct evnet_message *evnet_mailbox_take(struct evnet_mailbox *mailbox);

// evnet_mailbox_release gives back the bytes of messages that have been handled.
//
//   bytes  their sum.
//
// Thread:  any.
void evnet_mailbox_release(struct evnet_mailbox *mailbox, size_t bytes);

// evnet_mailbox_sleep announces that the reactor is about to wait.
//
// Returns: true if it may wait: the next post requests a wake. A sealed mailbox has no next post.
//          false if there is a message: do not wait. evnet_mailbox_awake may then be left out.
// Thread:  the reactor's.
bool evnet_mailbox_sleep(struct evnet_mailbox *mailbox);

// evnet_mailbox_awake announces that the reactor no longer waits.
//
// Thread:  the reactor's.
void evnet_mailbox_awake(struct evnet_mailbox *mailbox);

// evnet_mailbox_seal removes all messages, as evnet_mailbox_take, and makes all later posts fail.
// It cannot be undone; a second call returns NULL.
//
// Thread:  the reactor's.
struct evnet_message *evnet_mailbox_seal(struct evnet_mailbox *mailbox);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_MAILBOX_H_
