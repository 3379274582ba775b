// Linux's <sys/uio.h>, and sendfile(2) as macOS declares it there; see ../sendfile.c.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_

#include_next <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sf_hdtr;

// Another name for the linker: Linux has a sendfile with other arguments.
int sendfile(int file, int descriptor, off_t offset, off_t *size, struct sf_hdtr *around,
             int flags) __asm__("evnet_test_sendfile");

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_
