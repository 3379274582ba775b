#include "net/reactor/mailbox_steps.h"

void (*evnet_mailbox_step)(void);

static void step(void) {
  if (evnet_mailbox_step != NULL) evnet_mailbox_step();
}

// Inside these macros the names mean the builtins, because a macro does not expand its own name.
#define __atomic_load_n(...) (step(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) (step(), __atomic_store_n(__VA_ARGS__))
#define __atomic_exchange_n(...) (step(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_fetch_sub(...) (step(), __atomic_fetch_sub(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) (step(), __atomic_compare_exchange_n(__VA_ARGS__))

#include "net/reactor/mailbox.c"
