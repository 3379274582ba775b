// Linux's <sys/uio.h>, and macOS's declaration of sendfile(2); see ../sendfile.c.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_

#include_next <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sf_hdtr;

// Another name for the linker, because Linux's sendfile has other parameters.
int sendfile(int file, int descriptor, off_t offset, off_t *size, struct sf_hdtr *around,
             int flags) __asm__("evnet_test_sendfile");

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_SYS_UIO_H_
