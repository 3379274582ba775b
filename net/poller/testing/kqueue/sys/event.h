// The part of kqueue(2) that the poller uses, for Linux; see ../kqueue.c. Layout and names are
// macOS's. As there, EVFILT_READ does not report out-of-band data.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_SYS_EVENT_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_SYS_EVENT_H_

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_) \
  do {                                                                 \
    struct kevent *evnet_kevent = (event);                             \
    evnet_kevent->ident = (ident_);                                    \
    evnet_kevent->filter = (filter_);                                  \
    evnet_kevent->flags = (flags_);                                    \
    evnet_kevent->fflags = (fflags_);                                  \
    evnet_kevent->data = (data_);                                      \
    evnet_kevent->udata = (udata_);                                    \
  } while (0)

// Filters.
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-10)

// Flags of a change. Any other flag fails with EINVAL.
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020

// Flags of an event.
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

// fflags.
#define NOTE_LOWAT 0x00000001
#define NOTE_TRIGGER 0x01000000

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *out_events,
           int event_count, const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_SYS_EVENT_H_
