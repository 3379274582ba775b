// Tests of lookups that lack memory or descriptors. getaddrinfo reports some of these as a name
// that is not known. This file defines getaddrinfo, and open(2) by the linker option --wrap.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"

namespace {

int lookup_error;         // the result of getaddrinfo
int lookup_system_error;  // errno after getaddrinfo
int open_error;           // errno of open(2); 0: no error

}  // namespace

extern "C" {

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...) {
  errno = open_error;
  if (open_error != 0) return -1;
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return __real_open(path, flags, mode);
}

int getaddrinfo(const char *, const char *, const addrinfo *, addrinfo **) {
  errno = lookup_system_error;
  return lookup_error;
}

}  // extern "C"

namespace {

// Returns the status of a lookup in which getaddrinfo and open(2) fail with these errors.
int Resolve(int error, int system_error, int opening_error) {
  lookup_error = error;
  lookup_system_error = system_error;
  open_error = opening_error;
  evnet_address out = {};
  const int status = evnet_address_resolve("host.test:80", &out, nullptr, 0);
  open_error = 0;
  return status;
}

TEST(AddressShortage, OfMemoryIsReportedAsThat) { EXPECT_EQ(Resolve(EAI_MEMORY, 0, 0), -ENOMEM); }

TEST(AddressShortage, OfDescriptorsThatGetaddrinfoReportsIsReportedAsThat) {
  EXPECT_EQ(Resolve(EAI_SYSTEM, EMFILE, 0), -EMFILE);
  EXPECT_EQ(Resolve(EAI_SYSTEM, ENFILE, 0), -ENFILE);
}

TEST(AddressShortage, OfDescriptorsIsFoundByOpeningAFile) {
  EXPECT_EQ(Resolve(EAI_NONAME, 0, EMFILE), -EMFILE);
  EXPECT_EQ(Resolve(EAI_NONAME, 0, ENFILE), -ENFILE);
}

TEST(AddressShortage, AnyOtherErrorIsTheLookups) {
  EXPECT_EQ(Resolve(EAI_SYSTEM, EIO, 0), EVNET_STATUS_LOOKUP);
  EXPECT_EQ(Resolve(EAI_AGAIN, 0, 0), EVNET_STATUS_LOOKUP);
  EXPECT_EQ(Resolve(EAI_FAIL, 0, 0), EVNET_STATUS_LOOKUP);
  EXPECT_EQ(Resolve(EAI_NONAME, 0, EACCES), EVNET_STATUS_ADDRESS);
}

}  // namespace
