// Descriptors over Unix sockets: sent, received, bounded, and closed in every case.
#include "net/reactor/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/rights_client.h"
#include "net/base/testing/temp_directory.h"
#include "net/reactor/flow.h"
#include "net/reactor/rate.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// A pipe whose read end is passed on.
struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;
  ~Pipe() {
    for (const int end : ends) (void)close(end);
  }
  int ends[2];
};

class Descriptors : public testing::Test {
 protected:
  std::string Address() const { return "unix://" + Path(); }
  std::string Path() const { return directory_.path() + "/socket"; }

  // A handler that takes descriptors and writes a byte into each, then closes it. It answers with
  // the number of descriptors that came with the bytes.
  static Callbacks Taking(size_t count_max) {
    Callbacks callbacks;
    callbacks.on_open = [count_max](evnet_conn *conn) {
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, count_max), 0);
      return EVNET_NONE;
    };
    callbacks.on_data = [](evnet_conn *conn) {
      const std::string bytes = Take(conn);
      int count = 0;
      for (int got; (got = evnet_conn_take_descriptor(conn)) >= 0; count++) {
        EXPECT_EQ(fcntl(got, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        EXPECT_EQ(write(got, "!", 1), 1);
        (void)close(got);
      }
      Write(conn, bytes + std::to_string(count) + ";");
      return EVNET_NONE;
    };
    return callbacks;
  }

  TempDirectory directory_;
};

TEST_F(Descriptors, AreReceivedWithTheirBytesAndWorkThere) {
  Server server(Taking(4), {}, {Address()});
  RightsClient client(Path());
  std::vector<int> none;
  for (const size_t count : {size_t{1}, size_t{0}, size_t{3}}) {
    Pipe pipe;
    EXPECT_EQ(client.Send("x", std::vector<int>(count, pipe.ends[1])), 1);
    EXPECT_EQ(client.Receive(3, &none), "x" + std::to_string(count) + ";");
    std::string read(count, 0);
    if (count > 0) {
      EXPECT_EQ(::read(pipe.ends[0], &read[0], count), static_cast<ssize_t>(count));
    }
  }
  EXPECT_TRUE(none.empty());
}

TEST_F(Descriptors, EachOfABurstIsReceived) {
  constexpr int kMessages = 200;
  std::atomic<int> bytes{0}, taken{0};
  Callbacks callbacks;
  callbacks.on_open = Taking(kMessages).on_open;
  callbacks.on_data = [&](evnet_conn *conn) {
    bytes += static_cast<int>(Take(conn).size());
    for (int got; (got = evnet_conn_take_descriptor(conn)) >= 0; taken++) (void)close(got);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  Pipe pipe;
  for (int i = 0; i < kMessages; i++) ASSERT_EQ(client.Send("xy", {pipe.ends[1]}), 2);
  ASSERT_TRUE(WaitUntil([&] { return bytes == 2 * kMessages; }));
  EXPECT_EQ(taken, kMessages);
}

TEST_F(Descriptors, MoreThanTheBoundEndTheConnectionAndAreClosed) {
  std::atomic<int> reason{0};
  Callbacks callbacks;
  callbacks.on_open = Taking(2).on_open;
  callbacks.on_data = [](evnet_conn *conn) {
    (void)Take(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  const size_t before = OpenDescriptors();
  {
    RightsClient client(Path());
    Pipe pipe;
    EXPECT_EQ(client.Send("x", std::vector<int>(253, pipe.ends[1])), 1);
    ASSERT_TRUE(WaitUntil([&] { return reason != 0; }));
    EXPECT_EQ(reason, -ENOBUFS);
  }
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() == before; }));
}

TEST_F(Descriptors, ThoseThatAreNotTakenAreClosedWithTheConnection) {
  std::atomic<int> seen{0};
  Callbacks callbacks;
  callbacks.on_open = Taking(8).on_open;
  callbacks.on_data = [&](evnet_conn *conn) {
    seen += static_cast<int>(Take(conn).size());
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 5; i++) {
    RightsClient client(Path());
    Pipe pipe;
    EXPECT_EQ(client.Send("x", std::vector<int>(3, pipe.ends[1])), 1);
    ASSERT_TRUE(WaitUntil([&] { return seen == i + 1; }));
  }
  EXPECT_TRUE(server.WaitForClosed(5));
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() == before; }));
}

TEST_F(Descriptors, ThatWereNotAskedForAreNeverInstalled) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string bytes = Take(conn);
    EXPECT_EQ(evnet_conn_take_descriptor(conn), -ENOENT);
    Write(conn, bytes + std::to_string(OpenDescriptors()) + ";");
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  Pipe pipe;
  std::vector<int> none;
  const std::string expected = "x" + std::to_string(OpenDescriptors() + 1) + ";";
  (void)client.Send("x", {});
  const std::string first = client.Receive(expected.size(), &none);
  EXPECT_EQ(client.Send("x", std::vector<int>(253, pipe.ends[1])), 1);
  EXPECT_EQ(client.Receive(first.size(), &none), first);
}

TEST_F(Descriptors, AreSentAfterEarlierBytesAndStayTheSenders) {
  Pipe pipe;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    Write(conn, "earlier ");
    EXPECT_EQ(evnet_conn_send_descriptor(conn, pipe.ends[1], "with", 4), 4);
    Write(conn, " later");
    EXPECT_GE(fcntl(pipe.ends[1], F_GETFD), 0);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  std::vector<int> received;
  EXPECT_EQ(client.Receive(18, &received), "earlier with later");
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(write(received[0], "!", 1), 1);
  char byte;
  EXPECT_EQ(read(pipe.ends[0], &byte, 1), 1);
  (void)close(received[0]);
}

TEST_F(Descriptors, WhileOutputIsQueuedTheSendWaitsForOnBelow) {
  constexpr size_t kQueued = 4 << 20;
  Pipe pipe;
  std::atomic<int> refused{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    Write(conn, std::string(kQueued, 'q'));
    EXPECT_EQ(evnet_conn_send_descriptor(conn, pipe.ends[1], "d", 1), -EAGAIN);
    EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
    refused++;
    return EVNET_NONE;
  };
  callbacks.on_below = [&](evnet_conn *conn) {
    const ssize_t sent = evnet_conn_send_descriptor(conn, pipe.ends[1], "d", 1);
    if (sent == -EAGAIN) {  // the bytes that were queued have filled the socket
      EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
    } else {
      EXPECT_EQ(sent, 1);
    }
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  ASSERT_TRUE(WaitUntil([&] { return refused == 1; }));
  std::vector<int> received;
  const std::string all = client.Receive(kQueued + 1, &received);
  EXPECT_EQ(all.size(), kQueued + 1);
  EXPECT_EQ(all.back(), 'd');
  ASSERT_EQ(received.size(), 1u);
  (void)close(received[0]);
}

// Sends descriptors, "d" with each, to a client that does not read, until the socket is full.
class DescriptorsFull : public Descriptors {
 protected:
  // `refused` is called with the connection after -EAGAIN and a request of on_below. A connection
  // that sends "p" gets "p" back.
  Callbacks Filling(std::function<evnet_action(evnet_conn *)> refused) {
    const auto fill = [this, refused](evnet_conn *conn) {
      ssize_t sent;
      while ((sent = evnet_conn_send_descriptor(conn, pipe_.ends[1], "d", 1)) == 1) sent_++;
      if (sent == -EPIPE) return EVNET_NONE;  // the client has received enough and has closed
      EXPECT_EQ(sent, -EAGAIN);
      EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
      refused_++;
      return refused(conn);
    };
    Callbacks callbacks;
    callbacks.on_data = [fill](evnet_conn *conn) {
      if (Take(conn) != "p") return fill(conn);
      Write(conn, "p");
      return EVNET_NONE;
    };
    callbacks.on_below = fill;
    return callbacks;
  }

  // Returns after the server has made turns that other connections cause.
  void MakeTurns() const {
    RightsClient other(Path());
    std::vector<int> none;
    for (int i = 0; i < 100; i++) {
      (void)other.Send("p", {});
      ASSERT_EQ(other.Receive(1, &none), "p");
    }
  }

  Pipe pipe_;
  std::atomic<int> sent_{0}, refused_{0};
};

TEST_F(DescriptorsFull, OnBelowWaitsForRoomAndDoesNotRepeat) {
  Server server(Filling([](evnet_conn *) { return EVNET_NONE; }), {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  ASSERT_TRUE(WaitUntil([&] { return refused_ == 1; }));
  MakeTurns();
  EXPECT_EQ(refused_, 1);
  const int sent = sent_;
  ASSERT_GT(sent, 0);
  std::vector<int> received;
  const std::string all = client.Receive(static_cast<size_t>(sent) + 1, &received);
  EXPECT_EQ(all, std::string(all.size(), 'd'));
  EXPECT_EQ(received.size(), static_cast<size_t>(sent) + 1);
  for (const int each : received) (void)close(each);
}

TEST_F(DescriptorsFull, BytesWrittenWhileItWaitsComeNextInOrder) {
  Server server(Filling([this](evnet_conn *conn) {
                  if (refused_ == 1) Write(conn, "later");
                  return EVNET_NONE;
                }),
                {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  ASSERT_TRUE(WaitUntil([&] { return refused_ == 1; }));
  MakeTurns();
  const size_t sent = static_cast<size_t>(sent_);
  std::vector<int> received;
  EXPECT_EQ(client.Receive(sent + 6, &received), std::string(sent, 'd') + "laterd");
  EXPECT_EQ(received.size(), sent + 1);
  for (const int each : received) (void)close(each);
}

TEST_F(DescriptorsFull, AConnectionThatWaitsCanEndInEveryWay) {
  const size_t before = OpenDescriptors();
  const std::function<evnet_action(evnet_conn *)> ends[] = {
      [](evnet_conn *) { return EVNET_CLOSE; },
      [](evnet_conn *conn) {
        EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
        EXPECT_EQ(evnet_conn_notify_below(conn, 0), 0);
        return EVNET_NONE;
      },
      [](evnet_conn *conn) {
        evnet_conn_abort(conn);
        return EVNET_NONE;
      },
  };
  for (const auto &end : ends) {
    refused_ = sent_ = 0;
    Server server(Filling(end), {}, {Address()});
    std::vector<int> received;
    {
      RightsClient client(Path());
      (void)client.Send("x", {});
      ASSERT_TRUE(WaitUntil([&] { return refused_ == 1; }));
      EXPECT_EQ(client.Receive(1000000, &received), std::string(static_cast<size_t>(sent_), 'd'));
    }
    for (const int each : received) (void)close(each);
    EXPECT_TRUE(server.WaitForClosed(1));
  }
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() == before; }));
}

TEST_F(DescriptorsFull, AStopWaitsWithoutTurnsAndOnlyUntilItsDeadline) {
  Server server(Filling([](evnet_conn *) { return EVNET_NONE; }), {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  ASSERT_TRUE(WaitUntil([&] { return refused_ == 1; }));
  const uint64_t turns = server.stats().turns;
  EXPECT_EQ(server.Stop(200), 0);
  EXPECT_EQ(refused_, 1);
  EXPECT_LT(server.stats().turns, turns + 1000);
}

TEST_F(Descriptors, TheRestOfALargeMessageIsQueued) {
  const std::string data(3 << 20, 'x');
  Pipe pipe;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    EXPECT_EQ(evnet_conn_send_descriptor(conn, pipe.ends[1], data.data(), data.size()),
              static_cast<ssize_t>(data.size()));
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  (void)client.Send("x", {});
  std::vector<int> received;
  EXPECT_TRUE(client.Receive(data.size(), &received) == data);
  ASSERT_EQ(received.size(), 1u);
  (void)close(received[0]);
}

TEST_F(Descriptors, WrongCallsHaveNoEffect) {
  std::atomic<int> done{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    const bool is_unix = evnet_conn_listener_index(conn) == 0;
    if (is_unix) {
      EXPECT_EQ(evnet_conn_send_descriptor(conn, -1, "x", 1), -EBADF);
      EXPECT_EQ(evnet_conn_send_descriptor(conn, 0, "", 0), -EINVAL);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, 0), -EINVAL);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, EVNET_DESCRIPTORS_MAX + 1), -EINVAL);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, 3), 0);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, 3), 0);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, 4), -EALREADY);
      const evnet_rate rate = {1000000, 0};
      EXPECT_EQ(evnet_conn_set_rate(conn, &rate), 0);
      EXPECT_EQ(evnet_conn_send_descriptor(conn, 0, "x", 1), -EOPNOTSUPP);
      const evnet_rate none = {};
      EXPECT_EQ(evnet_conn_set_rate(conn, &none), 0);
    } else {
      EXPECT_EQ(evnet_conn_send_descriptor(conn, 0, "x", 1), -EOPNOTSUPP);
      EXPECT_EQ(evnet_conn_accept_descriptors(conn, 1), -EOPNOTSUPP);
    }
    EXPECT_EQ(evnet_conn_take_descriptor(conn), -ENOENT);
    Write(conn, "ok");
    done++;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address(), "tcp://127.0.0.1:0"});
  RightsClient client(Path());
  std::vector<int> none;
  (void)client.Send("x", {});
  EXPECT_EQ(client.Receive(2, &none), "ok");
  EXPECT_EQ(client.Send("x", {}), 1);
  EXPECT_EQ(client.Receive(2, &none), "ok");
  Client other(server.port(1));
  other.SendAll("x");
  EXPECT_EQ(other.Receive(2), "ok");
  EXPECT_EQ(done, 3);
}

// A descriptor that the process has no room for would leave its message without it.
TEST_F(Descriptors, WithoutRoomInTheProcessTheConnectionEnds) {
  std::atomic<int> reason{0};
  Callbacks callbacks = Taking(253);
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  RightsClient client(Path());
  std::vector<int> none;
  (void)client.Send("x", {});
  EXPECT_EQ(client.Receive(3, &none), "x0;");
  Pipe pipe;
  std::vector<int> taken;
  for (int more; (more = dup(0)) >= 0;) taken.push_back(more);
  EXPECT_EQ(client.Send("x", {pipe.ends[1], pipe.ends[1]}), 1);
  EXPECT_TRUE(WaitUntil([&] { return reason != 0; }));
  for (const int each : taken) (void)close(each);
  EXPECT_EQ(reason, -EMFILE);
}

}  // namespace
}  // namespace evnet_testing
