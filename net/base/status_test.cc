#include "net/base/status.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace {

struct Named {
  int status;
  const char *name;
};

#define ERRNO(code) \
  { -(code), #code }
#define OWN(code) \
  { code, #code }

// The errors in the ERRORS sections of accept(2), bind(2), connect(2), epoll_ctl(2), getsockopt(2),
// listen(2), mmap(2), open(2), recv(2), send(2), sendfile(2), socket(2), unlink(2) and
// pthread_create(3), and those that ip(7), tcp(7), udp(7) and unix(7) add. Errors that only one
// system has are omitted.
const Named kErrnos[] = {
    ERRNO(EACCES),      ERRNO(EADDRINUSE),   ERRNO(EADDRNOTAVAIL),   ERRNO(EAFNOSUPPORT),
    ERRNO(EAGAIN),      ERRNO(EALREADY),     ERRNO(EBADF),           ERRNO(EBUSY),
    ERRNO(ECANCELED),   ERRNO(ECONNABORTED), ERRNO(ECONNREFUSED),    ERRNO(ECONNRESET),
    ERRNO(EDEADLK),     ERRNO(EDESTADDRREQ), ERRNO(EDQUOT),          ERRNO(EEXIST),
    ERRNO(EFAULT),      ERRNO(EFBIG),        ERRNO(EHOSTDOWN),       ERRNO(EHOSTUNREACH),
    ERRNO(EINPROGRESS), ERRNO(EINTR),        ERRNO(EINVAL),          ERRNO(EIO),
    ERRNO(EISCONN),     ERRNO(EISDIR),       ERRNO(ELOOP),           ERRNO(EMFILE),
    ERRNO(EMSGSIZE),    ERRNO(ENAMETOOLONG), ERRNO(ENETDOWN),        ERRNO(ENETRESET),
    ERRNO(ENETUNREACH), ERRNO(ENFILE),       ERRNO(ENOBUFS),         ERRNO(ENODEV),
    ERRNO(ENOENT),      ERRNO(ENOMEM),       ERRNO(ENOPROTOOPT),     ERRNO(ENOSPC),
    ERRNO(ENOSYS),      ERRNO(ENOTCONN),     ERRNO(ENOTDIR),         ERRNO(ENOTSOCK),
    ERRNO(ENXIO),       ERRNO(EOPNOTSUPP),   ERRNO(EOVERFLOW),       ERRNO(EPERM),
    ERRNO(EPIPE),       ERRNO(EPROTO),       ERRNO(EPROTONOSUPPORT), ERRNO(EPROTOTYPE),
    ERRNO(ERANGE),      ERRNO(EROFS),        ERRNO(ESHUTDOWN),       ERRNO(ESOCKTNOSUPPORT),
    ERRNO(ESPIPE),      ERRNO(ESRCH),        ERRNO(ESTALE),          ERRNO(ETIMEDOUT),
};

const Named kOwn[] = {
    OWN(EVNET_REASON_PEER),
    OWN(EVNET_REASON_LOCAL),
    OWN(EVNET_REASON_ABORTED),
    OWN(EVNET_REASON_SHUTDOWN),
    OWN(EVNET_REASON_DRAIN_DEADLINE),
    OWN(EVNET_REASON_IDLE_TIMEOUT),
    OWN(EVNET_REASON_READ_TIMEOUT),
    OWN(EVNET_REASON_WRITE_TIMEOUT),
    OWN(EVNET_REASON_LIFETIME),
    OWN(EVNET_REASON_INBOUND_OVERFLOW),
    OWN(EVNET_REASON_OUTBOUND_OVERFLOW),
    OWN(EVNET_REASON_HIGH_WATER),
    OWN(EVNET_REASON_FILE_SHORT),
    OWN(EVNET_STATUS_ADDRESS),
    OWN(EVNET_STATUS_OPTION),
    OWN(EVNET_STATUS_LOOKUP),
};

TEST(Status, ErrnosHaveTheirIdentifierAsTheirName) {
  for (const Named &each : kErrnos) EXPECT_STREQ(evnet_status_name(each.status), each.name);
}

TEST(Status, OwnCodesHaveTheirIdentifierAsTheirNameAndLieBelowAllErrnos) {
  for (const Named &each : kOwn) {
    EXPECT_STREQ(evnet_status_name(each.status), each.name);
    EXPECT_LT(each.status, -4096);
  }
}

TEST(Status, FromZeroUpIsGood) {
  for (const int status : {0, 1, 4096, INT_MAX}) {
    EXPECT_STREQ(evnet_status_name(status), "OK");
    EXPECT_STREQ(evnet_status_message(status), "success");
  }
}

TEST(Status, WhatIsNotInTheTableIsUnknown) {
  for (const int status : {-4095, -4096, -4000, -5000, INT_MIN}) {
    EXPECT_STREQ(evnet_status_name(status), "UNKNOWN");
    EXPECT_STREQ(evnet_status_message(status), "unknown status");
  }
}

TEST(Status, EachCodeHasAMessageOfItsOwnWithoutAFullStop) {
  std::map<std::string, int> messages, names;
  for (int status = -5000; status < 0; status++) {
    const std::string name = evnet_status_name(status), message = evnet_status_message(status);
    EXPECT_EQ(name == "UNKNOWN", message == "unknown status") << status;
    if (name == "UNKNOWN") continue;
    EXPECT_EQ(names.count(name), 0u) << name;
    EXPECT_EQ(messages.count(message), 0u) << message;
    names[name] = messages[message] = status;
    ASSERT_FALSE(message.empty()) << name;
    EXPECT_NE(message.back(), '.') << name;
    EXPECT_FALSE(isupper(static_cast<unsigned char>(message[0]))) << name;
  }
  EXPECT_GE(names.size(), sizeof kErrnos / sizeof kErrnos[0] + sizeof kOwn / sizeof kOwn[0]);
}

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 32)
TEST(Status, NamesAgreeWithTheCLibrarys) {
  for (int error = 1; error < 4096; error++) {
    const std::string name = evnet_status_name(-error);
    if (name != "UNKNOWN") {
      EXPECT_EQ(name, strerrorname_np(error));
    }
  }
}
#endif
#endif

}  // namespace
