// The system calls of a Unix path fail as their manual pages describe. The linker (--wrap) replaces
// the calls. Whichever fails, none of our descriptors and files is left, and the next attempt
// succeeds.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/poller/poller.h"
#include "net/poller/testing/fault.h"
#include "net/poller/testing/socket_fixture.h"

namespace {

using evnet_testing::Fault;

Fault open_fault, flock_fault, lstat_fault, unlink_fault, fchmodat_fault, socket_fault,
    connect_fault, bind_fault, listen_fault, fchmodat2_fault;
std::function<void()> before_flock;
std::function<void()> before_fchmodat;

constexpr long kFchmodat2 = 452;  // include/uapi/asm-generic/unistd.h

}  // namespace

extern "C" {
EVNET_WRAP(int, lstat, (const char *path, struct stat *out), (path, out))
EVNET_WRAP(int, unlink, (const char *path), (path))
EVNET_WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
EVNET_WRAP(int, connect, (int descriptor, const sockaddr *address, socklen_t size),
           (descriptor, address, size))
EVNET_WRAP(int, bind, (int descriptor, const sockaddr *address, socklen_t size),
           (descriptor, address, size))
EVNET_WRAP(int, listen, (int descriptor, int backlog), (descriptor, backlog))

int __real_flock(int descriptor, int operation);
int __wrap_flock(int descriptor, int operation);
int __wrap_flock(int descriptor, int operation) {
  if (before_flock) before_flock();
  return flock_fault.Strikes() ? -1 : __real_flock(descriptor, operation);
}

int __real_fchmodat(int directory, const char *path, mode_t mode, int flags);
int __wrap_fchmodat(int directory, const char *path, mode_t mode, int flags);
int __wrap_fchmodat(int directory, const char *path, mode_t mode, int flags) {
  if (before_fchmodat) before_fchmodat();
  return fchmodat_fault.Strikes() ? -1 : __real_fchmodat(directory, path, mode, flags);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  long values[6];
  va_list arguments;
  va_start(arguments, number);
  for (long &value : values) value = va_arg(arguments, long);
  va_end(arguments);
  if (number == kFchmodat2 && fchmodat2_fault.Strikes()) return -1;
  return __real_syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_fault.Strikes() ? -1 : __real_open(path, flags, mode);
}
}

namespace evnet_testing {
namespace {

class UnixFaults : public ::testing::Test {
 protected:
  UnixFaults() {
    EXPECT_EQ(evnet_poller_create(nullptr, &poller_), 0);
    const std::string text = "unix://" + directory_.File("socket");
    EXPECT_EQ(evnet_address_parse(text.c_str(), &address_, nullptr, 0), 0);
  }
  ~UnixFaults() override {
    for (Fault *fault :
         {&open_fault, &flock_fault, &lstat_fault, &unlink_fault, &fchmodat_fault, &socket_fault,
          &connect_fault, &bind_fault, &listen_fault, &fchmodat2_fault}) {
      *fault = {};
    }
    before_flock = nullptr;
    before_fchmodat = nullptr;
    evnet_poller_destroy(poller_);
  }

  // Leaves a socket file without a server.
  void LeaveStaleSocket() {
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(descriptor, &address_.socket.any, address_.size), 0);
    ASSERT_EQ(close(descriptor), 0);
  }

  // Listens with a mode from which the umask would clear bits.
  int Listen() {
    evnet_listen_options options = {};
    options.unix_mode = 0777;
    options.out_reason = &reason_;
    const mode_t before = umask(022);
    const int status = evnet_poller_listen(poller_, &address_, &options, &handle_);
    umask(before);
    return status;
  }

  mode_t Mode(const std::string &name) const {
    struct stat found;
    EXPECT_EQ(lstat(directory_.File(name).c_str(), &found), 0);
    return found.st_mode & 0777;
  }

  void ExpectServedAndStop() {
    ASSERT_EQ(Listen(), 0);
    evnet_poller_detach(poller_, handle_);
    EXPECT_TRUE(directory_.Names().empty());
  }

  const TempDirectory directory_;
  std::unique_ptr<Fixture> fixture_ = MakeSocketFixture(EVNET_TRANSPORT_UNIX);
  evnet_poller *poller_ = nullptr;
  evnet_address address_ = {};
  evnet_handle handle_ = {};
  const char *reason_ = nullptr;
};

TEST_F(UnixFaults, WhateverFailsIsToldAndLeavesNothing) {
  const struct {
    Fault *fault;
    int after;
    int error;
    int status;
    std::string reason;  // its beginning; empty: no reason
  } cases[] = {
      {&socket_fault, 0, EMFILE, -EMFILE, ""},
      {&open_fault, 0, EACCES, -EACCES, "cannot open its lock file, which ends in .lock"},
      {&open_fault, 0, EMFILE, -EMFILE, "cannot open its lock file, which ends in .lock"},
      {&open_fault, 0, ENOENT, -ENOENT, "cannot open its lock file, which ends in .lock"},
      {&flock_fault, 0, EWOULDBLOCK, -EADDRINUSE, "another server holds its lock file"},
      {&flock_fault, 0, ENOLCK, -ENOLCK, "cannot lock its lock file, which ends in .lock"},
      {&lstat_fault, 1, ENOTDIR, -ENOTDIR, ""},
      {&socket_fault, 1, EMFILE, -EMFILE, ""},
      {&connect_fault, 0, EAGAIN, -EADDRINUSE, "another server is listening on this path, and its"},
      {&connect_fault, 0, EACCES, -EADDRINUSE,
       "cannot tell whether another server uses this path: connect() was"},
      {&connect_fault, 0, EPERM, -EADDRINUSE,
       "cannot tell whether another server uses this path: connect() was"},
      {&connect_fault, 0, EPROTOTYPE, -EADDRINUSE,
       "cannot tell whether another server uses this path: connect() f"},
      {&unlink_fault, 0, EACCES, -EACCES, "cannot remove the stale socket file"},
      {&bind_fault, 0, EADDRINUSE, -EADDRINUSE, ""},
      {&bind_fault, 0, EROFS, -EROFS, ""},
      {&fchmodat2_fault, 0, EROFS, -EROFS, "cannot set the permissions of the socket file"},
      {&listen_fault, 0, EADDRINUSE, -EADDRINUSE, ""},
  };
  for (const auto &each : cases) {
    SCOPED_TRACE(std::to_string(&each - cases));
    LeaveStaleSocket();
    const size_t descriptors = fixture_->OpenDescriptors();
    *each.fault = {each.after, 1, each.error};
    EXPECT_EQ(Listen(), each.status);
    EXPECT_EQ(each.fault->count, 0);
    EXPECT_EQ(std::string(reason_ != nullptr ? reason_ : "").substr(0, each.reason.size()),
              each.reason);
    EXPECT_EQ(each.reason.empty(), reason_ == nullptr);
    EXPECT_EQ(fixture_->OpenDescriptors(), descriptors);
    std::set<std::string> left = directory_.Names();
    left.erase("socket");
    // A lock that cannot be taken belongs to another server, so its file stays.
    if (each.fault != &flock_fault) {
      EXPECT_TRUE(left.empty());
    }
    *each.fault = {};
    ExpectServedAndStop();
  }
}

TEST_F(UnixFaults, ASocketThatGoesWhileItIsProbedIsNotMissed) {
  LeaveStaleSocket();
  connect_fault = {0, 1, ENOENT};
  ExpectServedAndStop();
  LeaveStaleSocket();
  // Another process removed the file, and created it again; bind(2) reports that.
  unlink_fault = {0, 1, ENOENT};
  EXPECT_EQ(Listen(), -EADDRINUSE);
}

TEST_F(UnixFaults, AKernelOrASandboxWithoutFchmodat2LeavesTheModeToTheCLibrary) {
  for (const int error : {ENOSYS, EPERM}) {
    fchmodat2_fault = {0, 1, error};
    ASSERT_EQ(Listen(), 0);
    EXPECT_EQ(Mode("socket"), 0777u);
    evnet_poller_detach(poller_, handle_);
  }
  fchmodat2_fault = {0, 1, ENOSYS};
  fchmodat_fault = {0, 1, EROFS};
  EXPECT_EQ(Listen(), -EROFS);
}

// The C library sets the mode by way of /proc, which may be missing in a chroot.
TEST_F(UnixFaults, WithoutProcTheModeIsSetAllTheSame) {
  fchmodat2_fault = {0, 1, ENOSYS};
  fchmodat_fault = {0, 1, EOPNOTSUPP};
  ASSERT_EQ(Listen(), 0);
  EXPECT_EQ(fchmodat_fault.count, 0);
  EXPECT_EQ(Mode("socket"), 0777u);
  evnet_poller_detach(poller_, handle_);
}

TEST_F(UnixFaults, WithoutProcAFileThatIsNotOursKeepsItsMode) {
  const std::string victim = directory_.File("victim");
  const int descriptor = open(victim.c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(descriptor, 0);
  close(descriptor);
  before_fchmodat = [&] {
    ASSERT_EQ(unlink(directory_.File("socket").c_str()), 0);
    ASSERT_EQ(symlink(victim.c_str(), directory_.File("socket").c_str()), 0);
  };
  fchmodat2_fault = {0, 1, ENOSYS};
  fchmodat_fault = {0, 1, EOPNOTSUPP};
  EXPECT_EQ(Listen(), -ESTALE);
  EXPECT_STREQ(reason_, "cannot set the permissions of the socket file");
  EXPECT_EQ(Mode("victim"), 0600u);
}

TEST_F(UnixFaults, AnInterruptedLockIsTriedAgain) {
  flock_fault = {0, 3, EINTR};
  ExpectServedAndStop();
}

// The last holder removed the file between our open(2) and flock(2). Other processes would not see
// our lock.
TEST_F(UnixFaults, ALockThatIsNoLongerThereIsTakenAgain) {
  int times = 0;
  before_flock = [&] {
    if (++times > 3) return;
    ASSERT_EQ(unlink(directory_.File("socket.lock").c_str()), 0);
  };
  ASSERT_EQ(Listen(), 0);
  EXPECT_EQ(times, 4);
  EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket", "socket.lock"}));
}

TEST_F(UnixFaults, ALockThatIsNeverThereIsGivenUp) {
  before_flock = [&] { (void)unlink(directory_.File("socket.lock").c_str()); };
  EXPECT_EQ(Listen(), -EADDRINUSE);
  EXPECT_STREQ(reason_,
               "gave up after 100 attempts to lock its lock file, which ends in .lock: other "
               "servers keep starting and stopping");
  EXPECT_TRUE(directory_.Names().empty());
}

}  // namespace
}  // namespace evnet_testing
