// A Treiber stack from which no single message is popped. Posters push their message to the front
// with compare-and-swap. The reactor takes the whole chain with one exchange and reverses it. The
// result is in the order in which the pushes succeeded, which keeps the order of each poster. There
// is no ABA problem: a push is correct if `next` is the head at that moment, whatever happened
// before, and the compare-and-swap checks exactly that.
//
// Memory orders. A push releases its message, and the exchange acquires it. The exchange also
// acquires the messages below the newest, because every later push is a read-modify-write and so
// continues the release sequence (C11 5.1.2.4). In addition, four operations are sequentially
// consistent, because release and acquire do not cover this case: each of two threads writes one
// word and then reads the other's word, and at least one of them must see the other's write.
//
//   reactor                       poster
//   S1  asleep = true             P1  head = message
//   S2  read head                 P2  read asleep
//
// If S2 does not see P1, then S1 < S2 < P1 < P2 in the single total order. P2 then sees `asleep`
// true, unless it was cleared since: by another poster, which then wakes the reactor, or by the
// reactor, which then does not wait. Every other access to `asleep` may see an old value, which
// costs at most one unneeded wake.
#include "net/reactor/mailbox.h"

#include <errno.h>
#include <stdint.h>

#include "net/base/assert.h"

// The value of `head` once the mailbox is sealed; only its address is used.
static struct evnet_message sealed;

// Reverses a chain that begins with the newest message.
static struct evnet_message *oldest_first(struct evnet_message *newest) {
  struct evnet_message *oldest = NULL;
  while (newest != NULL) {
    struct evnet_message *older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

// Counts a message against the bound. An addition that is undone on failure would be wrong, because
// the bytes of a refused message could briefly make a message that fits fail.
static int reserve(struct evnet_mailbox *mailbox, size_t bytes) {
  size_t bytes_max = mailbox->bytes_max != 0 ? mailbox->bytes_max : SIZE_MAX;
  size_t used = __atomic_load_n(&mailbox->bytes, __ATOMIC_RELAXED);
  do {
    if (used > bytes_max || bytes > bytes_max - used) return -ENOBUFS;
    // Relaxed, because the number publishes no other memory.
  } while (!__atomic_compare_exchange_n(&mailbox->bytes, &used, used + bytes, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return 0;
}

void evnet_mailbox_init(struct evnet_mailbox *mailbox, size_t bytes_max) {
  *mailbox = (struct evnet_mailbox){.bytes_max = bytes_max};
}

int evnet_mailbox_post(struct evnet_mailbox *mailbox, struct evnet_message *message) {
  size_t reserved = 0;
  struct evnet_message *head = __atomic_load_n(&mailbox->head, __ATOMIC_RELAXED);
  do {
    // Check before the bound, because a full mailbox that is sealed must return -ESHUTDOWN, too.
    if (head == &sealed) {
      evnet_mailbox_release(mailbox, reserved);
      return -ESHUTDOWN;
    }
    if (reserved != message->bytes) {
      int status = reserve(mailbox, message->bytes);
      if (status < 0) return status;
      reserved = message->bytes;
    }
    message->next = head;
    // P1; this also releases the message. Relaxed on failure, because nothing of the other head is
    // read.
  } while (!__atomic_compare_exchange_n(&mailbox->head, &head, message, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
  // The message may be freed from here on.
  //
  // P2. Read first, so that posting to a busy reactor does not write the word.
  if (!__atomic_load_n(&mailbox->asleep, __ATOMIC_SEQ_CST)) return 0;
  // Exactly one of several posters reads true. Relaxed, because a read-modify-write reads the
  // latest value anyway, and the wake itself is a system call.
  return __atomic_exchange_n(&mailbox->asleep, 0, __ATOMIC_RELAXED) ? 1 : 0;
}

struct evnet_message *evnet_mailbox_take(struct evnet_mailbox *mailbox) {
  // If there is nothing new, which is the usual case, nothing is written. Only this thread seals,
  // so a mailbox that is not sealed here is not sealed at the exchange either.
  struct evnet_message *head = __atomic_load_n(&mailbox->head, __ATOMIC_RELAXED);
  if (head == NULL || head == &sealed) return NULL;
  return oldest_first(__atomic_exchange_n(&mailbox->head, NULL, __ATOMIC_ACQUIRE));
}

void evnet_mailbox_release(struct evnet_mailbox *mailbox, size_t bytes) {
  if (bytes == 0) return;
  size_t used = __atomic_fetch_sub(&mailbox->bytes, bytes, __ATOMIC_RELAXED);
  EVNET_ASSERT(used >= bytes);  // the post of a message that was taken added its bytes
}

bool evnet_mailbox_sleep(struct evnet_mailbox *mailbox) {
  __atomic_store_n(&mailbox->asleep, 1, __ATOMIC_SEQ_CST);                         // S1
  struct evnet_message *head = __atomic_load_n(&mailbox->head, __ATOMIC_SEQ_CST);  // S2
  if (head == NULL || head == &sealed) return true;
  evnet_mailbox_awake(mailbox);
  return false;
}

void evnet_mailbox_awake(struct evnet_mailbox *mailbox) {
  // Relaxed: a poster that still reads true requests a wake that is not needed. This store cannot
  // hide a later S1, because the same thread writes both to the same word.
  __atomic_store_n(&mailbox->asleep, 0, __ATOMIC_RELAXED);
}

struct evnet_message *evnet_mailbox_seal(struct evnet_mailbox *mailbox) {
  struct evnet_message *head = __atomic_exchange_n(&mailbox->head, &sealed, __ATOMIC_ACQUIRE);
  return head == &sealed ? NULL : oldest_first(head);
}
