// A Treiber stack that is only pushed to and emptied, never popped: posters put their message in
// front by compare-and-swap, the reactor takes the whole chain by one exchange and turns it round,
// which gives the order in which the pushes succeeded, and so each poster's own. There is no ABA: a
// push is right whatever happened meanwhile if `next` is the head at that moment, which is all that
// the compare-and-swap asks.
//
// Memory orders. A push releases the message, the exchange acquires it: also those below the
// newest, since every later push is a read-modify-write and so continues the release sequence
// (C11 5.1.2.4). On top of that, four operations are sequentially consistent, for the one thing
// that release and acquire do not give: that of two threads, each of which writes one word and then
// reads the other's, at least one sees the other's write.
//
//   reactor                       poster
//   S1  asleep = true             P1  head = message
//   S2  read head                 P2  read asleep
//
// If S2 does not see P1, then S1 < S2 < P1 < P2 in their single order, and P2 sees `asleep` true,
// or made false since, by another poster (who then wakes) or by the reactor (which then does not
// wait). All else on `asleep` may be late: that costs at most a wake too many.
#include "net/reactor/mailbox.h"

#include <errno.h>
#include <stdint.h>

#include "net/base/assert.h"

// What `head` holds once sealed: its address only.
static struct evnet_message sealed;

// The chain from the newest message, turned round.
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

// Counts a message against the bound. A compare-and-swap and not an addition that is taken back:
// the bytes of a message that is refused must not for a moment stand in the way of one that fits.
static int reserve(struct evnet_mailbox *mailbox, size_t bytes) {
  size_t bytes_max = mailbox->bytes_max != 0 ? mailbox->bytes_max : SIZE_MAX;
  size_t used = __atomic_load_n(&mailbox->bytes, __ATOMIC_RELAXED);
  do {
    if (used > bytes_max || bytes > bytes_max - used) return -ENOBUFS;
    // Relaxed: a number, which publishes nothing.
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
    // Before the bound is looked at: a full mailbox, once sealed, says -ESHUTDOWN too.
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
    // P1; also the release of the message. On failure nothing of the other head is read: relaxed.
  } while (!__atomic_compare_exchange_n(&mailbox->head, &head, message, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
  // From here on the message may be gone.
  //
  // P2. Read first, so that posting to a busy reactor does not write the word.
  if (!__atomic_load_n(&mailbox->asleep, __ATOMIC_SEQ_CST)) return 0;
  // Of many posters exactly one finds it true. Relaxed: a read-modify-write reads the latest value
  // anyway, and the wake itself is a system call.
  return __atomic_exchange_n(&mailbox->asleep, false, __ATOMIC_RELAXED) ? 1 : 0;
}

struct evnet_message *evnet_mailbox_take(struct evnet_mailbox *mailbox) {
  // The usual case of nothing new costs no write. Only this thread seals, so what is not sealed
  // here is not sealed at the exchange either.
  struct evnet_message *head = __atomic_load_n(&mailbox->head, __ATOMIC_RELAXED);
  if (head == NULL || head == &sealed) return NULL;
  return oldest_first(__atomic_exchange_n(&mailbox->head, NULL, __ATOMIC_ACQUIRE));
}

void evnet_mailbox_release(struct evnet_mailbox *mailbox, size_t bytes) {
  if (bytes == 0) return;
  size_t used = __atomic_fetch_sub(&mailbox->bytes, bytes, __ATOMIC_RELAXED);
  EVNET_ASSERT(used >= bytes);  // those of a message that was taken: its post has added them
}

bool evnet_mailbox_sleep(struct evnet_mailbox *mailbox) {
  __atomic_store_n(&mailbox->asleep, true, __ATOMIC_SEQ_CST);                      // S1
  struct evnet_message *head = __atomic_load_n(&mailbox->head, __ATOMIC_SEQ_CST);  // S2
  if (head == NULL || head == &sealed) return true;
  evnet_mailbox_awake(mailbox);
  return false;
}

void evnet_mailbox_awake(struct evnet_mailbox *mailbox) {
  // Relaxed: a poster that still reads true asks for a wake that is not needed. It cannot hide a
  // later S1, which the same thread writes to the same word.
  __atomic_store_n(&mailbox->asleep, false, __ATOMIC_RELAXED);
}

struct evnet_message *evnet_mailbox_seal(struct evnet_mailbox *mailbox) {
  struct evnet_message *head = __atomic_exchange_n(&mailbox->head, &sealed, __ATOMIC_ACQUIRE);
  return head == &sealed ? NULL : oldest_first(head);
}
