// Posting to a reactor: functions to run now or later, and messages of the layers above. Any thread
// may post; inbox.c runs the messages.
#include "net/reactor/internal/post.h"

#include <errno.h>
#include <stddef.h>

#include "net/reactor/internal/reactor.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"
#include "net/reactor/timer.h"

struct task {
  struct evnet_message message;  // first, because run gets a pointer to it
  void (*function)(void *user);
  void *user;
};

// On the reactor's list from the time when the message runs until the timer expires.
struct later {
  struct task task;  // first, for the same reason
  uint64_t delay_ms;
  struct evnet_timer timer;
  struct later *next;
  struct later **to_this;  // the pointer that points to this entry
};

// Messages

int evnet_reactor_post_message(struct evnet_reactor *reactor, struct evnet_message *message) {
  int status = evnet_mailbox_post(&reactor->posted.mailbox, message);
  if (status > 0) {
    __atomic_add_fetch(&reactor->stats.wakes, 1, __ATOMIC_RELAXED);
    evnet_poller_wake(reactor->poller);
  }
  return status < 0 ? status : 0;
}

// Functions

static void run_task(struct evnet_reactor *reactor, struct task *task) {
  void (*function)(void *user) = task->function;
  void *user = task->user;
  evnet_release(reactor->options.allocator, task);
  function(user);
}

static void run_now(struct evnet_message *message, void *context) {
  run_task(context, (struct task *)message);
}

static void run_later(struct evnet_reactor *reactor, struct later *later) {
  evnet_timer_stop(reactor, &later->timer);
  *later->to_this = later->next;
  if (later->next != NULL) later->next->to_this = later->to_this;
  run_task(reactor, &later->task);
}

void post_run_later(struct evnet_reactor *reactor) { run_later(reactor, reactor->posted.later); }

static void expired(struct evnet_timer *timer, void *user) {
  run_later(user, (struct later *)((char *)timer - offsetof(struct later, timer)));
}

static void begin_later(struct evnet_message *message, void *context) {
  struct evnet_reactor *reactor = context;
  struct later *later = (struct later *)message;
  later->next = reactor->posted.later;
  later->to_this = &reactor->posted.later;
  if (later->next != NULL) later->next->to_this = &later->next;
  reactor->posted.later = later;
  evnet_timer_start(reactor, &later->timer, later->delay_ms, expired, reactor);
}

static int post_task(struct evnet_reactor *reactor, struct task *task) {
  int status = evnet_reactor_post_message(reactor, &task->message);
  if (status < 0) evnet_release(reactor->options.allocator, task);
  return status;
}

int evnet_reactor_post(struct evnet_reactor *reactor, void (*function)(void *user), void *user) {
  struct task *task = evnet_allocate(reactor->options.allocator, sizeof *task);
  if (task == NULL) return -ENOMEM;
  *task = (struct task){
      .message = {.run = run_now, .bytes = sizeof *task}, .function = function, .user = user};
  return post_task(reactor, task);
}

int evnet_reactor_post_after(struct evnet_reactor *reactor, uint64_t delay_ms,
                             void (*function)(void *user), void *user) {
  struct later *later = evnet_allocate(reactor->options.allocator, sizeof *later);
  if (later == NULL) return -ENOMEM;
  *later = (struct later){.task = {.message = {.run = begin_later, .bytes = sizeof *later},
                                   .function = function,
                                   .user = user},
                          .delay_ms = delay_ms};
  return post_task(reactor, &later->task);
}
