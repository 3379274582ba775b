// The poller's contract: watching descriptors that are not the poller's.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/temp_directory.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kRead = EVNET_READABLE;
constexpr uint32_t kWrite = EVNET_WRITABLE;

void CloseAll(std::initializer_list<int> descriptors) {
  for (const int descriptor : descriptors) EXPECT_EQ(close(descriptor), 0);
}

// Whether the reading end of a pipe is open.
bool HasReader(int writer) {
  pollfd polled = {writer, POLLOUT, 0};
  EXPECT_GE(poll(&polled, 1, 0), 0);
  return (polled.revents & POLLERR) == 0;
}

class WatchTest : public ContractTest {
 protected:
  evnet_handle Watch(int descriptor, uint32_t events, void *user = nullptr) {
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_watch(poller(), descriptor, events, user, &handle), 0);
    return handle;
  }
  void Stop(evnet_handle handle) { evnet_poller_watch_stop(poller(), handle); }

  // Returns the events that each of `turns` turns reports for a watch; -1: none, -2: several.
  std::vector<int64_t> Turns(evnet_handle handle, int turns) {
    std::vector<int64_t> reported;
    for (int i = 0; i < turns; i++) {
      loop().Clear();
      loop().Turn(0);
      const std::vector<Event> events = loop().Of(handle, EVNET_OP_WATCH);
      reported.push_back(events.empty() ? -1 : events.size() > 1 ? -2 : events[0].result);
    }
    return reported;
  }

  // Returns the events of a watch that the poller reports, once it is as poll(2) reports them.
  int64_t AsPoll(int descriptor, uint32_t events) {
    const evnet_handle handle = Watch(descriptor, events);
    pollfd polled = {descriptor, static_cast<short>(events), 0};
    const int64_t expected = poll(&polled, 1, 0) > 0 ? polled.revents : -1;
    const std::vector<int64_t> turns = Turns(handle, 3);
    for (const int64_t reported : turns) EXPECT_EQ(reported, expected) << "events " << events;
    Stop(handle);
    return expected;
  }

  void Pipe(int *reader, int *writer) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    *reader = ends[0];
    *writer = ends[1];
  }
  void Pair(int *a, int *b) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    *a = ends[0];
    *b = ends[1];
  }
};

TEST_P(WatchTest, ReportsAPipeInEachTurnUntilItIsDrained) {
  int reader, writer;
  Pipe(&reader, &writer);
  int user = 0;
  const evnet_handle handle = Watch(reader, kRead, &user);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{-1, -1}));
  ASSERT_EQ(write(writer, "ab", 2), 2);
  EXPECT_EQ(Turns(handle, 3), (std::vector<int64_t>{kRead, kRead, kRead}));
  char byte;
  ASSERT_EQ(read(reader, &byte, 1), 1);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{kRead, kRead}));
  ASSERT_EQ(read(reader, &byte, 1), 1);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{-1, -1}));
  ASSERT_EQ(write(writer, "c", 1), 1);
  EXPECT_EQ(Turns(handle, 1), (std::vector<int64_t>{kRead}));
  Stop(handle);
  CloseAll({reader, writer});
}

TEST_P(WatchTest, EndsAWaitWithoutALimit) {
  const int counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const evnet_handle handle = Watch(counter, kRead);
  loop().Turn(0);
  const uint64_t one = 1;
  ASSERT_EQ(write(counter, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  loop().Clear();
  EXPECT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_WATCH).empty(); }));
  Stop(handle);
  CloseAll({counter});
}

TEST_P(WatchTest, ReturnsTheUserOfTheWatch) {
  int reader, writer;
  Pipe(&reader, &writer);
  int user = 0;
  const evnet_handle handle = Watch(writer, kWrite, &user);
  void *seen = nullptr;
  for (int i = 0; i < 10 && seen == nullptr; i++) {
    ASSERT_GE(evnet_poller_wait(poller(), 1000000), 0);
    evnet_completion completion;
    while (evnet_poller_next(poller(), &completion)) {
      if (completion.op == EVNET_OP_WATCH) seen = completion.user;
    }
  }
  EXPECT_EQ(seen, &user);
  Stop(handle);
  CloseAll({reader, writer});
}

TEST_P(WatchTest, ReportsWhatPollReportsForPipes) {
  for (const uint32_t events : {kRead, kWrite, kRead | kWrite}) {
    int reader, writer;
    Pipe(&reader, &writer);
    EXPECT_EQ(AsPoll(reader, events), -1);
    EXPECT_EQ(AsPoll(writer, events), events & kWrite ? int64_t{kWrite} : -1);
    ASSERT_EQ(write(writer, "x", 1), 1);
    (void)AsPoll(reader, events);
    ASSERT_EQ(close(writer), 0);
    EXPECT_TRUE(AsPoll(reader, events) & EVNET_WATCH_HANGUP);  // with a byte unread
    char byte;
    ASSERT_EQ(read(reader, &byte, 1), 1);
    EXPECT_EQ(AsPoll(reader, events), EVNET_WATCH_HANGUP);
    ASSERT_EQ(close(reader), 0);
  }
}

TEST_P(WatchTest, ReportsTheErrorOfAPipeWithoutReader) {
  int reader, writer;
  Pipe(&reader, &writer);
  ASSERT_EQ(close(reader), 0);
  EXPECT_TRUE(AsPoll(writer, kWrite) & EVNET_WATCH_ERROR);
  ASSERT_EQ(close(writer), 0);
}

TEST_P(WatchTest, ReportsWhatPollReportsForSockets) {
  for (const uint32_t events : {kRead, kWrite, kRead | kWrite}) {
    int a, b;
    Pair(&a, &b);
    EXPECT_EQ(AsPoll(a, events), events & kWrite ? int64_t{kWrite} : -1);
    ASSERT_EQ(write(b, "x", 1), 1);
    (void)AsPoll(a, events);
    ASSERT_EQ(shutdown(b, SHUT_WR), 0);
    (void)AsPoll(a, events);
    char byte;
    ASSERT_EQ(read(a, &byte, 1), 1);
    (void)AsPoll(a, events);
    ASSERT_EQ(close(b), 0);
    EXPECT_TRUE(AsPoll(a, events) & EVNET_WATCH_HANGUP);
    ASSERT_EQ(close(a), 0);
  }
}

TEST_P(WatchTest, IsNotReportedForASocketWithoutRoomWhosePeerHasEnded) {
  int a, b;
  Pair(&a, &b);
  const std::string chunk(4096, 'x');
  while (write(a, chunk.data(), chunk.size()) > 0) {
  }
  ASSERT_EQ(shutdown(b, SHUT_WR), 0);
  EXPECT_EQ(AsPoll(a, kWrite), -1);
  CloseAll({a, b});
}

TEST_P(WatchTest, ReportsTimersNotificationsAndOtherLoops) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  itimerspec soon = {};
  soon.it_value.tv_nsec = 1;
  ASSERT_EQ(timerfd_settime(timer, 0, &soon, nullptr), 0);
  const TempDirectory directory;
  const int notifications = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(inotify_add_watch(notifications, directory.path().c_str(), IN_CREATE), 0);
  const int file = open(directory.File("created").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  const int other = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(other, EPOLL_CTL_ADD, timer, &event), 0);
  for (const int descriptor : {timer, notifications, other}) {
    const evnet_handle handle = Watch(descriptor, kRead);
    loop().Clear();
    EXPECT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_WATCH).empty(); }));
    Stop(handle);
  }
  CloseAll({other, file, notifications, timer});
}

TEST_P(WatchTest, OfARegularFileADirectoryOrTheNullDeviceIsRefused) {
  const TempDirectory directory;
  const int file = open(directory.File("regular").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const int place = open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  evnet_handle handle;
  for (const int descriptor : {file, place, null}) {
    ASSERT_GE(descriptor, 0);
    EXPECT_EQ(evnet_poller_watch(poller(), descriptor, kRead, nullptr, &handle), -EPERM);
    EXPECT_EQ(evnet_poller_watch(poller(), descriptor, kWrite, nullptr, &handle), -EPERM);
  }
  CloseAll({file, place, null});
}

TEST_P(WatchTest, RefusesWhatIsNotADescriptorOrNoEvent) {
  int reader, writer;
  Pipe(&reader, &writer);
  evnet_handle handle;
  EXPECT_EQ(evnet_poller_watch(poller(), -1, kRead, nullptr, &handle), -EBADF);
  EXPECT_EQ(evnet_poller_watch(poller(), 1 << 20, kRead, nullptr, &handle), -EBADF);
  EXPECT_EQ(evnet_poller_watch(poller(), reader, 0, nullptr, &handle), -EINVAL);
  EXPECT_EQ(evnet_poller_watch(poller(), reader, EVNET_WATCH_HANGUP, nullptr, &handle), -EINVAL);
  EXPECT_EQ(evnet_poller_watch(poller(), reader, kRead | 2, nullptr, &handle), -EINVAL);
  const int own = evnet_poller_loop_descriptor(poller());
  ASSERT_GE(own, 0);
  EXPECT_EQ(evnet_poller_watch(poller(), own, kRead, nullptr, &handle), -EINVAL);
  const evnet_handle watch = Watch(reader, kRead);
  EXPECT_EQ(evnet_poller_watch_change(poller(), watch, 0), -EINVAL);
  ASSERT_EQ(write(writer, "x", 1), 1);
  EXPECT_EQ(Turns(watch, 1), (std::vector<int64_t>{kRead}));
  CloseAll({reader, writer});
}

TEST_P(WatchTest, ChangesWhatIsReported) {
  int a, b;
  Pair(&a, &b);
  ASSERT_EQ(write(b, "x", 1), 1);
  const evnet_handle handle = Watch(a, kRead);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{kRead, kRead}));
  ASSERT_EQ(evnet_poller_watch_change(poller(), handle, kWrite), 0);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{kWrite, kWrite}));
  ASSERT_EQ(evnet_poller_watch_change(poller(), handle, kRead | kWrite), 0);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{kRead | kWrite, kRead | kWrite}));
  ASSERT_EQ(evnet_poller_watch_change(poller(), handle, kRead), 0);
  char byte;
  ASSERT_EQ(read(a, &byte, 1), 1);
  EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{-1, -1}));
  Stop(handle);
  CloseAll({a, b});
}

TEST_P(WatchTest, StoppedByACallbackOfTheSameTurnIsNotReported) {
  int ends[2][2];
  evnet_handle handles[2];
  for (int i = 0; i < 2; i++) {
    Pipe(&ends[i][0], &ends[i][1]);
    ASSERT_EQ(write(ends[i][1], "x", 1), 1);
    handles[i] = Watch(ends[i][0], kRead);
  }
  bool stopped = false;
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_WATCH || stopped) return;
    Stop(event.handle == handles[0] ? handles[1] : handles[0]);
    stopped = true;
  });
  loop().Clear();
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().events().empty(); }));
  const Event first = loop().events()[0];
  for (int i = 0; i < 3; i++) loop().Turn(0);
  for (const Event &event : loop().events()) EXPECT_TRUE(event.handle == first.handle);
  for (auto &pair : ends) CloseAll({pair[0], pair[1]});
}

TEST_P(WatchTest, ChangedByACallbackOfTheSameTurnReportsOnlyWhatIsRequested) {
  int ends[2][2];
  evnet_handle handles[2];
  for (int i = 0; i < 2; i++) {
    Pair(&ends[i][0], &ends[i][1]);
    ASSERT_EQ(write(ends[i][1], "x", 1), 1);
    handles[i] = Watch(ends[i][0], kRead);
  }
  evnet_handle changed = {};
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_WATCH || changed.generation != 0) return;
    changed = event.handle == handles[0] ? handles[1] : handles[0];
    ASSERT_EQ(evnet_poller_watch_change(poller(), changed, kWrite), 0);
  });
  loop().Clear();
  ASSERT_TRUE(loop().RunUntil([&] { return changed.generation != 0; }));
  for (int i = 0; i < 3; i++) loop().Turn(0);
  EXPECT_FALSE(loop().Of(changed).empty());
  for (const Event &event : loop().Of(changed)) EXPECT_EQ(event.result, kWrite);
  for (auto &pair : ends) CloseAll({pair[0], pair[1]});
}

TEST_P(WatchTest, SeveralOfOneDescriptorAreIndependent) {
  int a, b;
  Pair(&a, &b);
  const evnet_handle reads = Watch(a, kRead);
  const evnet_handle writes = Watch(a, kWrite);
  const evnet_handle again = Watch(a, kRead);
  ASSERT_EQ(write(b, "x", 1), 1);
  loop().Clear();
  loop().Turn(0);
  EXPECT_EQ(loop().Story(reads), "WATCH=1");
  EXPECT_EQ(loop().Story(writes), "WATCH=4");
  EXPECT_EQ(loop().Story(again), "WATCH=1");
  Stop(reads);
  loop().Clear();
  loop().Turn(0);
  EXPECT_EQ(loop().Story(reads), "");
  EXPECT_EQ(loop().Story(writes), "WATCH=4");
  EXPECT_EQ(loop().Story(again), "WATCH=1");
  Stop(writes);
  Stop(again);
  CloseAll({a, b});
}

TEST_P(WatchTest, StoppedLateDoesNotTouchAFileWithTheSameNumber) {
  int reader, writer;
  Pipe(&reader, &writer);
  const evnet_handle old = Watch(reader, kRead);
  loop().Turn(0);
  ASSERT_EQ(write(writer, "x", 1), 1);
  ASSERT_EQ(close(reader), 0);
  int again, other;
  Pipe(&again, &other);
  ASSERT_EQ(again, reader) << "the number is not used again";
  const evnet_handle current = Watch(again, kRead);
  // The file of the first watch is still open, because the watch has a duplicate.
  EXPECT_EQ(Turns(old, 2), (std::vector<int64_t>{kRead, kRead}));
  EXPECT_EQ(Turns(current, 2), (std::vector<int64_t>{-1, -1}));
  Stop(old);
  EXPECT_FALSE(HasReader(writer));  // now it is closed
  ASSERT_EQ(write(other, "y", 1), 1);
  EXPECT_EQ(Turns(current, 2), (std::vector<int64_t>{kRead, kRead}));
  Stop(current);
  CloseAll({again, other, writer});
}

TEST_P(WatchTest, OfTheSameNumberAsAConnectionThatClosedGetsOnlyItsOwnEvents) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  int reader, writer;
  Pipe(&reader, &writer);
  const evnet_handle handle = Watch(reader, kRead);
  evnet_poller_detach(poller(), connection.handle);
  loop().Clear();
  EXPECT_TRUE(loop().RunUntil([&] { return !loop().events().empty(); }));
  EXPECT_EQ(loop().Story(connection.handle), "DETACH=0");
  EXPECT_EQ(loop().Of(handle, EVNET_OP_WATCH).size(), 0u);
  Stop(handle);
  CloseAll({reader, writer});
}

TEST_P(WatchTest, IsCloseOnExecAndLeavesTheDescriptorsFlags) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const evnet_handle handle = Watch(ends[0], kRead);
  EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, 0);
  Stop(handle);
  CloseAll({ends[0], ends[1]});
}

TEST_P(WatchTest, BusyDoesNotKeepAConnectionWaiting) {
  const int counter = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);  // ready in every turn
  const evnet_handle handle = Watch(counter, kRead);
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  for (int i = 0; i < 20; i++) {
    connection.peer->Send("x");
    loop().Clear();
    EXPECT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "x"; }));
    EXPECT_LE(loop().Of(handle, EVNET_OP_WATCH).size(), 100u);
  }
  Stop(handle);
  CloseAll({counter});
}

TEST_P(WatchTest, MoreThanATurnReportsAllHaveTheirTurn) {
  // Several watches of each, because the number of descriptors is limited.
  enum { kCounters = 150, kCount = 8 * kCounters };
  std::vector<int> counters;
  std::vector<evnet_handle> handles;
  for (int i = 0; i < kCounters; i++) {
    counters.push_back(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    ASSERT_GE(counters.back(), 0);
  }
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit old_limit = limit;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (int i = 0; i < kCount; i++) handles.push_back(Watch(counters[i % kCounters], kRead));
  std::vector<int> counts(kCount, 0);
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_WATCH) counts[event.handle.index]++;
  });
  for (int i = 0; i < 24; i++) loop().Turn(0);
  for (const evnet_handle &handle : handles) EXPECT_GE(counts[handle.index], 2);
  loop().OnEvent(nullptr);
  for (const evnet_handle &handle : handles) Stop(handle);
  loop().Clear();
  for (int i = 0; i < 3; i++) loop().Turn(0);
  EXPECT_TRUE(loop().events().empty());
  for (const int counter : counters) CloseAll({counter});
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &old_limit), 0);
}

TEST_P(WatchTest, ReadyInEveryTurnLeavesNothingUnreported) {
  const int counter = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  const evnet_handle handle = Watch(counter, kRead);
  for (int i = 0; i < 5; i++) loop().Turn(0);
  EXPECT_LE(evnet_poller_unreported(poller()), 4u);
  Stop(handle);
  CloseAll({counter});
}

TEST_P(WatchTest, DestroyClosesTheDuplicates) {
  int reader, writer;
  Pipe(&reader, &writer);
  (void)Watch(reader, kRead);
  (void)Watch(reader, kRead);
  loop().Turn(0);
  ASSERT_EQ(close(reader), 0);
  Destroy();
  EXPECT_FALSE(HasReader(writer));
  CloseAll({writer});
}

TEST_P(WatchTest, IsRefusedWhenAnAllocationFailsAndWorksAfterwards) {
  FailingAllocator allocator;
  evnet_poller_options options = {};
  options.allocator = allocator.get();
  Open(options);
  int reader, writer;
  Pipe(&reader, &writer);
  evnet_handle handle = {};
  allocator.fail_at(1, false);
  EXPECT_EQ(evnet_poller_watch(poller(), reader, kRead, nullptr, &handle), -ENOMEM);
  handle = Watch(reader, kRead);
  ASSERT_EQ(write(writer, "x", 1), 1);
  EXPECT_EQ(Turns(handle, 1), (std::vector<int64_t>{kRead}));
  Destroy();
  CloseAll({reader, writer});
}

// Another loop

class LoopDescriptorTest : public WatchTest {
 protected:
  bool IsReadable() {
    pollfd polled = {evnet_poller_loop_descriptor(poller()), POLLIN, 0};
    return poll(&polled, 1, 0) > 0;
  }
  // Runs turns until the poller says that another loop may wait.
  void Settle() {
    for (int i = 0; i < 10; i++) {
      loop().Turn(0);
      if (evnet_poller_settle(poller()) && !IsReadable()) return;
    }
    FAIL() << "it does not settle";
  }
};

TEST_P(LoopDescriptorTest, IsReadableOnceAWaitHasSomethingToReport) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  Settle();
  connection.peer->Send("x");
  pollfd polled = {evnet_poller_loop_descriptor(poller()), POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, 10000), 1);
  loop().Turn(0);
  EXPECT_EQ(loop().Data(connection.handle), "x");
  Settle();
}

// kqueue reports out-of-band data as readable.
TEST_P(LoopDescriptorTest, IsNotReadableForOutOfBandDataOfAWatch) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size), 0);
  const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(peer, reinterpret_cast<sockaddr *>(&address), size), 0);
  const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  ASSERT_GE(socket, 0);
  const evnet_handle handle = Watch(socket, kRead);
  ASSERT_EQ(send(peer, "!", 1, MSG_OOB), 1);
  pollfd polled = {socket, POLLPRI, 0};
  ASSERT_EQ(poll(&polled, 1, 10000), 1);
  EXPECT_EQ(Turns(handle, 3), (std::vector<int64_t>{-1, -1, -1}));
  Settle();
  for (int i = 0; i < 2; i++) {  // the watch goes on as before
    ASSERT_EQ(send(peer, "x", 1, 0), 1);
    loop().Clear();
    EXPECT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_WATCH).empty(); }));
    EXPECT_EQ(Turns(handle, 2), (std::vector<int64_t>{kRead, kRead}));
    char byte;
    ASSERT_EQ(recv(socket, &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'x');
    Settle();
  }
  Stop(handle);
  CloseAll({socket, peer, listener});
}

TEST_P(LoopDescriptorTest, IsReadableForConnectionsRoomWatchesAndWakes) {
  int reader, writer;
  Pipe(&reader, &writer);
  (void)Watch(reader, kRead);
  const evnet_handle listener = Listen();
  evnet_poller_accept_start(poller(), listener);
  Settle();
  pollfd polled = {evnet_poller_loop_descriptor(poller()), POLLIN, 0};

  evnet_poller_wake(poller());
  EXPECT_EQ(poll(&polled, 1, 10000), 1);
  Settle();

  ASSERT_EQ(write(writer, "x", 1), 1);
  EXPECT_EQ(poll(&polled, 1, 10000), 1);
  char byte;
  ASSERT_EQ(read(reader, &byte, 1), 1);
  Settle();

  const std::unique_ptr<Peer> peer = fixture().Connect(AddressOf(listener), {});
  EXPECT_EQ(poll(&polled, 1, 10000), 1);
  CloseAll({reader, writer});
}

TEST_P(LoopDescriptorTest, IsReadableWhenABlockedSendHasRoom) {
  Connection connection = Connect();
  loop().Turn(0);
  const std::string taken = SendUntilFull(connection.handle);
  const iovec piece = {const_cast<char *>("z"), 1};
  evnet_send send = {};
  send.pieces = &piece;
  send.count = 1;
  evnet_poller_send_start(poller(), connection.handle, &send);
  Settle();
  EXPECT_EQ(connection.peer->Receive(taken.size()), taken);
  pollfd polled = {evnet_poller_loop_descriptor(poller()), POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, 10000), 1);
  EXPECT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
}

INSTANTIATE_TEST_SUITE_P(Backends, WatchTest, ::testing::ValuesIn(TcpBackends()), BackendName);
INSTANTIATE_TEST_SUITE_P(Backends, LoopDescriptorTest, ::testing::ValuesIn(TcpBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
