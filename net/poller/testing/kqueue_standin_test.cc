// Tests of the stand-in for kqueue(2). Each quotes the sentence of the manual page that kqueue.c
// relies on: FreeBSD's, or "macOS:" for a sentence that only macOS has.
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace {

constexpr int kWaitMs = 20000;  // only a failing test waits this long

class KqueueTest : public ::testing::Test {
 protected:
  KqueueTest() : queue_(kqueue()) { EXPECT_GE(queue_, 0); }
  ~KqueueTest() override {
    for (const int descriptor : opened_) (void)close(descriptor);
    (void)close(queue_);
  }

  int Keep(int descriptor) {
    EXPECT_GE(descriptor, 0);
    opened_.push_back(descriptor);
    return descriptor;
  }

  void Close(int descriptor) {
    opened_.erase(std::find(opened_.begin(), opened_.end(), descriptor));
    ASSERT_EQ(close(descriptor), 0);
  }

  // Makes a connected pair: of TCP over loopback, or of Unix stream sockets.
  void Pair(bool tcp, int *ours, int *theirs) {
    if (!tcp) {
      int pair[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
      *ours = Keep(pair[0]);
      *theirs = Keep(pair[1]);
      return;
    }
    const int listener = Listener();
    *theirs = Connect(listener);
    *ours = Keep(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  }

  int Listener() {
    const int listener = Keep(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener, 16), 0);
    return listener;
  }

  int Connect(int listener) {
    sockaddr_in address = {};
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size), 0);
    const int client = Keep(socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr *>(&address), size), 0);
    return client;
  }

  // Applies one change. Returns 0 or an errno.
  int Change(int ident, int16_t filter, int flags, uint32_t fflags = 0, intptr_t data = 0,
             void *udata = nullptr) {
    struct kevent change;
    EV_SET(&change, static_cast<uintptr_t>(ident), filter, static_cast<uint16_t>(flags), fflags,
           data, udata);
    return kevent(queue_, &change, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }

  std::vector<struct kevent> Wait(int timeout_ms, int count = 16) {
    const timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    std::vector<struct kevent> events(static_cast<size_t>(count));
    const int got = kevent(queue_, nullptr, 0, events.data(), count, &timeout);
    EXPECT_GE(got, 0);
    events.resize(static_cast<size_t>(got < 0 ? 0 : got));
    return events;
  }

  // Returns the one event that comes.
  struct kevent One() {
    const std::vector<struct kevent> events = Wait(kWaitMs);
    EXPECT_EQ(events.size(), 1u);
    return events.empty() ? (struct kevent){} : events.front();
  }

  int queue() const { return queue_; }

 private:
  const int queue_;
  std::vector<int> opened_;
};

// "A kevent is identified by the (ident, filter) pair; there may only be one unique kevent per
// kqueue." "Re-adding an existing event will modify the parameters of the original event, and not
// result in a duplicate entry."
TEST_F(KqueueTest, AddingAgainModifiesAndDoesNotDuplicate) {
  int ours, theirs, first, second;
  Pair(false, &ours, &theirs);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &first), 0);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &second), 0);
  ASSERT_EQ(write(theirs, "abc", 3), 3);
  const struct kevent event = One();
  EXPECT_EQ(event.udata, &second);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(ours));
  EXPECT_EQ(event.filter, EVFILT_READ);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_DELETE), 0);
  EXPECT_EQ(Change(ours, EVFILT_READ, EV_DELETE), ENOENT);
}

// "The filter is also run when the kevent is added", so that a condition that holds is reported.
TEST_F(KqueueTest, WhatHoldsWhenItIsAddedIsReportedAndAgainWhenItIsAddedAgain) {
  int ours, theirs;
  Pair(true, &ours, &theirs);
  ASSERT_EQ(write(theirs, "abc", 3), 3);
  for (int round = 0; round < 2; round++) {
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    EXPECT_EQ(One().data, 3);
    EXPECT_TRUE(Wait(0).empty());
  }
}

// "EV_CLEAR: After the event is retrieved by the user, its state is reset. This is useful for
// filters which report state transitions instead of the current state."
TEST_F(KqueueTest, ClearReportsEachArrivalOnceAndWithoutItTheStateIsReported) {
  int ours, theirs;
  Pair(true, &ours, &theirs);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  for (int sent = 1; sent <= 3; sent++) {
    ASSERT_EQ(write(theirs, "x", 1), 1);
    EXPECT_EQ(One().data, sent);  // "data contains the number of bytes of protocol data available"
    EXPECT_TRUE(Wait(0).empty());
  }
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD), 0);
  EXPECT_EQ(One().data, 3);
  EXPECT_EQ(One().data, 3);
}

// The two filters of a descriptor are two kevents.
TEST_F(KqueueTest, BytesBringNoEventOfTheWriteFilter) {
  for (const bool tcp : {false, true}) {
    int ours, theirs;
    Pair(tcp, &ours, &theirs);
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
    EXPECT_EQ(One().filter, EVFILT_WRITE);
    ASSERT_EQ(write(theirs, "x", 1), 1);
    EXPECT_EQ(One().filter, EVFILT_READ);
    EXPECT_TRUE(Wait(0).empty());
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_DELETE), 0);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_DELETE), 0);
  }
}

TEST_F(KqueueTest, TwoEventsOfADescriptorComeInEitherOrderAndOneAtATimeIfAsked) {
  int ours, theirs;
  Pair(true, &ours, &theirs);
  bool first[2] = {false, false};
  for (int round = 0; round < 4; round++) {
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
    ASSERT_EQ(write(theirs, "x", 1), 1);
    std::vector<struct kevent> events;
    while (events.size() < 2) events = Wait(0);
    first[events[0].filter == EVFILT_READ] = true;
  }
  EXPECT_TRUE(first[0] && first[1]);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
  EXPECT_EQ(Wait(0, 1).size() + Wait(0, 1).size() + Wait(0, 1).size(), 2u);
}

// "Sockets which have previously been passed to listen(2) return when there is an incoming
// connection pending. data contains the size of the listen backlog."
TEST_F(KqueueTest, AListenerTellsItsBacklog) {
  const int listener = Listener();
  ASSERT_EQ(Change(listener, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  ASSERT_EQ(Change(listener, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
  EXPECT_TRUE(Wait(0).empty());
  Connect(listener);
  Connect(listener);
  const struct kevent event = One();
  EXPECT_EQ(event.filter, EVFILT_READ);
  EXPECT_EQ(event.data, 2);
  EXPECT_EQ(event.flags & EV_EOF, 0);
}

// "If the read direction of the socket has shutdown, then the filter also sets EV_EOF in flags, and
// returns the socket error (if any) in fflags. It is possible for EOF to be returned (indicating
// the connection is gone) while there is still data pending in the socket buffer."
TEST_F(KqueueTest, ThePeersEndIsEofOfTheReadFilterAloneWithTheDataInFront) {
  for (const bool tcp : {false, true}) {
    int ours, theirs;
    Pair(tcp, &ours, &theirs);
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
    EXPECT_EQ(One().filter, EVFILT_WRITE);
    ASSERT_EQ(write(theirs, "abc", 3), 3);
    EXPECT_EQ(One().flags & EV_EOF, 0);
    ASSERT_EQ(shutdown(theirs, SHUT_WR), 0);
    struct kevent event = {};
    for (const struct kevent &each : Wait(kWaitMs)) {
      if (each.filter == EVFILT_READ) {
        event = each;
      } else {
        EXPECT_EQ(each.flags & EV_EOF, 0);
      }
    }
    EXPECT_NE(event.flags & EV_EOF, 0);
    EXPECT_EQ(event.fflags, 0u);
    EXPECT_EQ(event.data, 3);
  }
}

TEST_F(KqueueTest, OurOwnShutdownIsEofOfTheWriteFilterAlone) {
  for (const bool tcp : {false, true}) {
    int ours, theirs;
    Pair(tcp, &ours, &theirs);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
    EXPECT_EQ(One().flags & EV_EOF, 0);
    ASSERT_EQ(shutdown(ours, SHUT_WR), 0);
    const struct kevent event = One();
    EXPECT_EQ(event.filter, EVFILT_WRITE);
    EXPECT_NE(event.flags & EV_EOF, 0);
    EXPECT_EQ(event.fflags, 0u);
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    for (const struct kevent &each : Wait(0)) EXPECT_NE(each.filter, EVFILT_READ);
    char byte;
    EXPECT_EQ(read(ours, &byte, 1), -1);  // no bytes were sent, and none were taken
    EXPECT_EQ(read(theirs, &byte, 1), 0);
    ASSERT_EQ(Change(ours, EVFILT_READ, EV_DELETE), 0);
  }
}

// The error is reported, and recv(2) still returns it.
TEST_F(KqueueTest, AResetIsEofOfBothFiltersWithTheErrorWhichStays) {
  int ours, theirs;
  Pair(true, &ours, &theirs);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
  EXPECT_EQ(One().filter, EVFILT_WRITE);
  const linger none = {1, 0};
  ASSERT_EQ(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  Close(theirs);
  size_t ends = 0;
  while (ends < 2) {
    for (const struct kevent &event : Wait(kWaitMs)) {
      if (!(event.flags & EV_EOF)) continue;
      EXPECT_EQ(event.fflags, static_cast<uint32_t>(ECONNRESET));
      ends++;
    }
  }
  char byte;
  EXPECT_EQ(recv(ours, &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

// "EVFILT_WRITE: returns when it is possible to write to the descriptor. data will contain the
// amount of space remaining in the write buffer."
TEST_F(KqueueTest, AFullSocketIsWritableWhenThePeerHasRead) {
  for (const bool tcp : {false, true}) {
    int ours, theirs;
    Pair(tcp, &ours, &theirs);
    ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
    EXPECT_GT(One().data, 0);
    std::vector<char> block(65536);
    ssize_t total = 0;
    for (ssize_t sent; (sent = send(ours, block.data(), block.size(), 0)) > 0;) total += sent;
    (void)Wait(0);
    EXPECT_TRUE(Wait(0).empty());
    while (total > 0) {
      const ssize_t got = read(theirs, block.data(), block.size());
      ASSERT_GT(got, 0);
      total -= got;
    }
    EXPECT_EQ(One().filter, EVFILT_WRITE);
  }
}

// NOTE_LOWAT: "the low water mark ... may be overridden on a per-filter basis with the NOTE_LOWAT
// flag in fflags, and specifying the new low water mark in data."
TEST_F(KqueueTest, ALowWaterMarkOutOfReachLeavesOnlyTheEnd) {
  int ours, theirs;
  Pair(false, &ours, &theirs);
  ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR, NOTE_LOWAT, INT32_MAX), 0);
  ASSERT_EQ(write(ours, "abc", 3), 3);
  char bytes[3];
  ASSERT_EQ(read(theirs, bytes, 3), 3);
  EXPECT_TRUE(Wait(10).empty());
  ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
  EXPECT_EQ(One().flags & EV_EOF, 0);
  ASSERT_EQ(Change(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR, NOTE_LOWAT, INT32_MAX), 0);
  EXPECT_TRUE(Wait(0).empty());
  ASSERT_EQ(shutdown(theirs, SHUT_RDWR), 0);
  EXPECT_NE(One().flags & EV_EOF, 0);
}

// XNU sets EV_OOBAND for EVFILT_EXCEPT only (xnu-11417, bsd/kern/uipc_socket.c).
TEST_F(KqueueTest, TheReadFilterDoesNotReportOutOfBandData) {
  int ours, theirs;
  Pair(true, &ours, &theirs);
  ASSERT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  ASSERT_EQ(write(theirs, "a", 1), 1);
  const int flags = One().flags;
  ASSERT_EQ(send(theirs, "!", 1, MSG_OOB), 1);
  ASSERT_EQ(write(theirs, "b", 1), 1);
  EXPECT_EQ(One().flags, flags);
}

// "EVFILT_USER: Establishes a user event identified by ident which is not associated with any
// kernel mechanism but is triggered by user level code." NOTE_TRIGGER: "Cause the event to be
// triggered."
TEST_F(KqueueTest, AUserEventIsReportedOnceHoweverOftenItIsTriggered) {
  int mark;
  EXPECT_EQ(Change(0, EVFILT_USER, 0, NOTE_TRIGGER), ENOENT);
  ASSERT_EQ(Change(0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &mark), 0);
  EXPECT_TRUE(Wait(0).empty());
  for (int i = 0; i < 3; i++) ASSERT_EQ(Change(0, EVFILT_USER, 0, NOTE_TRIGGER), 0);
  const struct kevent event = One();
  EXPECT_EQ(event.filter, EVFILT_USER);
  EXPECT_EQ(event.ident, 0u);
  EXPECT_EQ(event.udata, &mark);
  EXPECT_TRUE(Wait(0).empty());
  std::thread other([this] { EXPECT_EQ(Change(0, EVFILT_USER, 0, NOTE_TRIGGER), 0); });
  EXPECT_EQ(One().filter, EVFILT_USER);
  other.join();
  ASSERT_EQ(Change(0, EVFILT_USER, EV_DELETE), 0);
  EXPECT_EQ(Change(0, EVFILT_USER, 0, NOTE_TRIGGER), ENOENT);
}

// "Calling close(2) on a file descriptor will remove any kevents that reference the descriptor."
TEST_F(KqueueTest, AClosedDescriptorHasNoEventsAndItsNumberStartsAnew) {
  int ours, theirs;
  Pair(false, &ours, &theirs);
  const int number = dup(ours);
  ASSERT_EQ(close(number), 0);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_EQ(Change(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  ASSERT_EQ(close(pair[0]), 0);
  EXPECT_TRUE(Wait(0).empty());
  ASSERT_EQ(dup2(ours, pair[0]), Keep(pair[0]));
  EXPECT_EQ(Change(pair[0], EVFILT_READ, EV_DELETE), ENOENT);
  ASSERT_EQ(Change(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
  EXPECT_TRUE(Wait(0).empty());
  ASSERT_EQ(write(theirs, "x", 1), 1);
  EXPECT_EQ(One().data, 1);
  (void)close(pair[1]);
}

// "If an error occurs while processing an element of the changelist and there is enough room in the
// eventlist, then the event will be placed in the eventlist with EV_ERROR set in flags and the
// system error in data. Otherwise, -1 will be returned, and errno will be set".
TEST_F(KqueueTest, AFailedChangeIsAnEventOrAnError) {
  int ours, theirs;
  Pair(false, &ours, &theirs);
  struct kevent changes[2];
  EV_SET(&changes[0], static_cast<uintptr_t>(ours), EVFILT_READ, EV_DELETE, 0, 0, nullptr);
  EV_SET(&changes[1], static_cast<uintptr_t>(ours), EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, nullptr);
  EXPECT_EQ(kevent(queue(), changes, 2, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(Wait(0).empty());  // the changes after the failed one were not applied
  struct kevent events[2];
  ASSERT_EQ(kevent(queue(), changes, 2, events, 2, nullptr), 1);
  EXPECT_NE(events[0].flags & EV_ERROR, 0);
  EXPECT_EQ(events[0].data, ENOENT);
  EXPECT_EQ(One().filter, EVFILT_WRITE);
}

TEST_F(KqueueTest, WhatItDoesNotKnowIsRefused) {
  int ours, theirs;
  Pair(false, &ours, &theirs);
  EXPECT_EQ(Change(ours, EVFILT_READ, EV_ADD | 0x0010), EINVAL);  // EV_ONESHOT
  EXPECT_EQ(Change(ours, -7, EV_ADD), EINVAL);                    // EVFILT_TIMER
  EXPECT_EQ(Change(ours, EVFILT_READ, EV_ADD, 0x80), EINVAL);
  EXPECT_EQ(Change(ours, EVFILT_READ, EV_ADD | EV_CLEAR, NOTE_LOWAT, 1), EINVAL);
  EXPECT_EQ(Change(1 << 20, EVFILT_READ, EV_ADD), EBADF);
  const int closed = dup(ours);
  ASSERT_EQ(close(closed), 0);
  EXPECT_EQ(Change(closed, EVFILT_READ, EV_ADD), EBADF);
  EXPECT_EQ(kevent(ours, nullptr, 0, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EBADF);
}

// "When nevents is zero kevent() will return immediately even if there is a timeout specified".
TEST_F(KqueueTest, WithoutRoomForEventsItDoesNotWait) {
  EXPECT_EQ(kevent(queue(), nullptr, 0, nullptr, 0, nullptr), 0);
}

// "If timeout is a non-NULL pointer, it specifies a maximum interval to wait for an event".
TEST_F(KqueueTest, TheTimeoutIsNotEarlyAndAnImpossibleOneIsRefused) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(Wait(15).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(15));
  struct kevent event;
  for (const timespec timeout :
       {timespec{-1, 0}, timespec{0, 1000000000}, timespec{200000000, 0}}) {
    EXPECT_EQ(kevent(queue(), nullptr, 0, &event, 1, &timeout), -1);
    EXPECT_EQ(errno, EINVAL);
  }
}

// [EINTR] "A signal was delivered before the timeout expired and before any events were placed on
// the kqueue for return."
TEST_F(KqueueTest, ASignalEndsTheWait) {
  struct sigaction action = {};
  struct sigaction saved;
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &saved), 0);
  std::atomic<bool> stop{false};
  const pthread_t self = pthread_self();
  std::thread sender([&] {
    while (!stop) {
      (void)pthread_kill(self, SIGUSR1);
      std::this_thread::yield();
    }
  });
  struct kevent event;
  EXPECT_EQ(kevent(queue(), nullptr, 0, &event, 1, nullptr), -1);
  EXPECT_EQ(errno, EINTR);
  stop = true;
  sender.join();
  ASSERT_EQ(sigaction(SIGUSR1, &saved, nullptr), 0);
}

// SO_NOSIGPIPE (macOS: setsockopt(2)).
TEST_F(KqueueTest, ASocketWithNoSigpipeRaisesNone) {
  int ours, theirs;
  Pair(false, &ours, &theirs);
  ASSERT_EQ(shutdown(ours, SHUT_WR), 0);
  EXPECT_EXIT((void)send(ours, "x", 1, 0), ::testing::KilledBySignal(SIGPIPE), "");
  const int one = 1;
  ASSERT_EQ(setsockopt(ours, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one), 0);
  EXPECT_EQ(send(ours, "x", 1, 0), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
