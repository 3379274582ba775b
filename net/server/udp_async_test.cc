// UDP requests from other threads by the socket's id, and datagrams that find the socket full.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/server.h"

namespace {

// `full` is the number of the next sends that find the socket full. `refusal` is the errno of the
// send after them.
std::atomic<int> full{0};
std::atomic<int> refusal{0};
// The next send accepts this many messages, and then the socket is full for a while. 0: no limit.
std::atomic<unsigned int> room{0};
std::atomic<int> joined{0};  // accepted messages that contain several datagrams

}  // namespace

extern "C" {

int __real_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned int count, int flags);
int __wrap_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned int count, int flags);

int __wrap_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned int count, int flags) {
  if (full > 0) {
    full--;
    errno = EAGAIN;
    return -1;
  }
  const int error = refusal.exchange(0);
  if (error != 0) {
    errno = error;
    return -1;
  }
  const unsigned int places = room.exchange(0);
  if (places > 0) {
    full = 2;
    if (places < count) count = places;
  }
  const int taken = __real_sendmmsg(descriptor, messages, count, flags);
  for (int i = 0; i < taken; i++) joined += messages[i].msg_hdr.msg_controllen > 0;
  return taken;
}
}

namespace evnet_testing {
namespace {

const char kIp4[] = "udp://127.0.0.1:0";

struct Done {
  Journal journal;
  static void Note(struct evnet_conn_id, int status, void *user) {
    static_cast<Done *>(user)->journal.Add(status == 0 ? "0" : evnet_status_name(status));
  }
};

// A UDP echo server. Its socket's id is known after the first datagram.
class UdpAsync : public ::testing::Test {
 protected:
  void Begin(const evnet_options &options = {}) {
    callbacks_.on_data = [this](evnet_conn *conn) {
      std::function<evnet_action(evnet_conn *)> data;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        id_ = evnet_conn_get_id(conn);
        data = data_;
      }
      if (data) return data(conn);
      return EchoData(conn);
    };
    server_ = std::make_unique<Server>(callbacks_, options,
                                       std::vector<std::string>{kIp4, "tcp://127.0.0.1:0"});
    client_.Send(server_->address(), "id?");
    EXPECT_EQ(client_.Receive(), "id?");
  }
  struct evnet_conn_id Id() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return id_;
  }
  // Replaces the echo, beginning with the next datagram.
  void OnData(std::function<evnet_action(evnet_conn *)> data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    data_ = std::move(data);
  }
  int SendTo(const std::string &data, const evnet_address &to) {
    return evnet_async_send_to(server_->get(), Id(), &to, data.data(), data.size(), Done::Note,
                               &done_);
  }

  Done done_;
  Callbacks callbacks_;
  UdpClient client_;
  std::unique_ptr<Server> server_;

 private:
  std::mutex mutex_;
  std::function<evnet_action(evnet_conn *)> data_;
  struct evnet_conn_id id_ = {};
};

TEST_F(UdpAsync, SendToAnswersLaterInOrder) {
  Begin();
  for (int i = 0; i < 100; i++) EXPECT_EQ(SendTo(std::to_string(i), client_.Address()), 0);
  EXPECT_EQ(SendTo("", client_.Address()), 0);
  for (int i = 0; i < 100; i++) EXPECT_EQ(client_.Receive(), std::to_string(i));
  EXPECT_EQ(client_.Receive(), "");
  EXPECT_TRUE(done_.journal.WaitFor("0", 101));
}

TEST_F(UdpAsync, WhatCannotBeDoneSaysWhy) {
  Begin();
  evnet_server *server = server_->get();
  const evnet_address to = client_.Address();
  EXPECT_EQ(evnet_async_write(server, Id(), "x", 1, Done::Note, &done_), 0);
  EXPECT_TRUE(done_.journal.WaitFor("EDESTADDRREQ"));
  EXPECT_EQ(evnet_async_wake(server, Id(), Done::Note, &done_), 0);
  EXPECT_EQ(evnet_async_close(server, Id(), Done::Note, &done_), 0);
  EXPECT_TRUE(done_.journal.WaitFor("EOPNOTSUPP", 2));
  EXPECT_EQ(evnet_async_resume_reading(server, Id(), Done::Note, &done_), 0);
  EXPECT_TRUE(done_.journal.WaitFor("0"));
  EXPECT_EQ(SendTo(std::string(65508, 'x'), to), 0);
  EXPECT_TRUE(done_.journal.WaitFor("EMSGSIZE"));
  EXPECT_EQ(SendTo("x", ParseAddress("udp://127.0.0.1:0")), 0);
  EXPECT_TRUE(done_.journal.WaitFor("EINVAL"));
  struct evnet_conn_id wrong = Id();
  wrong.generation++;
  EXPECT_EQ(evnet_async_send_to(server, wrong, &to, "x", 1, Done::Note, &done_), 0);
  EXPECT_TRUE(done_.journal.WaitFor("ESTALE"));
  EXPECT_EQ(server_->Stop(0), 0);
  EXPECT_EQ(SendTo("x", to), -ESHUTDOWN);
}

TEST_F(UdpAsync, AReleaseByIdLetsAStopGoOn) {
  OnData([](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EchoData(conn);
  });
  Begin();
  std::thread worker([&] {
    EXPECT_EQ(SendTo("late", client_.Address()), 0);
    EXPECT_EQ(evnet_async_release(server_->get(), Id()), 0);
  });
  EXPECT_EQ(server_->Stop(20000), 0);
  worker.join();
  EXPECT_EQ(client_.Receive(), "late");
}

TEST_F(UdpAsync, WhatFindsTheSocketFullIsQueuedAndLeavesInOrder) {
  Begin();
  OnData([](evnet_conn *conn) {
    full = 3;
    EXPECT_EQ(evnet_conn_write(conn, "0", 1), 1);
    EXPECT_EQ(evnet_conn_flush(conn), 1);  // the kernel refuses it, so it is queued
    for (int i = 1; i < 100; i++) Write(conn, std::to_string(i));
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 190u);
    return EVNET_NONE;
  });
  client_.Send(server_->address(), "?");
  for (int i = 0; i < 100; i++) EXPECT_EQ(client_.Receive(), std::to_string(i));
  EXPECT_EQ(full, 0);
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(server_->stats().datagrams_sent, 101u);
  EXPECT_EQ(server_->stats().datagrams_dropped, 0u);
}

// Datagrams of equal size are sent as one message (UDP_SEGMENT).
TEST_F(UdpAsync, WhatASocketTookAPartOfGoesOnBehindThatPart) {
  std::vector<std::string> sent;
  for (const size_t size : {100, 200, 300, 400}) {
    for (int i = 0; i < 16; i++) {
      sent.push_back(std::to_string(sent.size()));
      sent.back().resize(size, 'x');
    }
  }
  Begin();
  joined = 0;
  OnData([&](evnet_conn *conn) {
    room = 2;
    for (const std::string &data : sent) Write(conn, data);
    EXPECT_EQ(evnet_conn_flush(conn), 16 * 700);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 16u * 700);
    return EVNET_NONE;
  });
  client_.Send(server_->address(), "?");
  for (const std::string &data : sent) EXPECT_EQ(client_.Receive(), data);
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(joined, 4);
  EXPECT_EQ(server_->stats().datagrams_sent, 65u);
  EXPECT_EQ(server_->stats().bytes_sent, 16u * 1000 + 3);
  EXPECT_EQ(server_->stats().datagrams_dropped, 0u);
}

TEST_F(UdpAsync, SegmentationIsSwitchedOff) {
  evnet_options options = {};
  options.no_udp_segmentation = true;
  Begin(options);
  joined = 0;
  OnData([](evnet_conn *conn) {
    for (int i = 0; i < 20; i++) Write(conn, "same");
    return EVNET_NONE;
  });
  client_.Send(server_->address(), "?");
  for (int i = 0; i < 20; i++) EXPECT_EQ(client_.Receive(), "same");
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(joined, 0);
}

// The client sends with UDP_SEGMENT. On `lo` its datagrams arrive as one message with udp_gro.
TEST_F(UdpAsync, WhatComesTogetherIsPresentedOneByOne) {
  evnet_options options = {};
  options.udp_gro = true;
  Begin(options);
  std::string all;
  for (int i = 0; i < 64; i++) all += std::to_string(1000 + i);
  const int size = 4;
  ASSERT_TRUE(client_.Set(IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size));
  joined = 0;
  client_.Send(server_->address(), all);
  for (int i = 0; i < 64; i++) EXPECT_EQ(client_.Receive(), std::to_string(1000 + i));
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(joined, 1);
  EXPECT_EQ(server_->stats().datagrams_received, 65u);
  EXPECT_EQ(server_->stats().datagrams_sent, 65u);
}

TEST_F(UdpAsync, AFullQueueRefusesAndCounts) {
  evnet_options options = {};
  options.udp_outbound_bytes_max = 20000;
  Begin(options);
  std::atomic<int> refused{0}, taken{0};
  OnData([&](evnet_conn *conn) {
    full = 1;
    for (int i = 0; i < 1000; i++) {
      const ssize_t written = evnet_conn_write(conn, "x", 1);
      if (i == 0) evnet_conn_flush(conn);
      if (written == 1) {
        taken++;
      } else {
        EXPECT_EQ(written, -ENOBUFS);
        refused++;
      }
    }
    EXPECT_LE(evnet_conn_outbound_bytes(conn), 100u);  // each costs about 300 more bytes
    return EVNET_NONE;
  });
  client_.Send(server_->address(), "?");
  EXPECT_TRUE(WaitUntil([&] { return taken + refused == 1000; }));
  for (int i = 0; i < taken; i++) EXPECT_EQ(client_.Receive(), "x");
  EXPECT_GT(refused, 900);
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(server_->stats().datagrams_dropped, static_cast<uint64_t>(refused));
}

TEST_F(UdpAsync, OneThatTheKernelRefusesIsDroppedAndCountedAlone) {
  Begin();
  OnData([](evnet_conn *conn) {
    refusal = ENETUNREACH;
    for (const char *data : {"0", "1", "2"}) Write(conn, data);
    return EVNET_NONE;
  });
  client_.Send(server_->address(), "?");
  EXPECT_EQ(client_.Receive(), "1");
  EXPECT_EQ(client_.Receive(), "2");
  refusal = ENETUNREACH;
  EXPECT_EQ(SendTo("x", client_.Address()), 0);
  EXPECT_TRUE(done_.journal.WaitFor("ENETUNREACH"));
  EXPECT_EQ(server_->Stop(1000), 0);
  EXPECT_EQ(server_->stats().datagrams_dropped, 2u);
}

// The request's bytes are queued without a copy, and the request completes when they are sent.
TEST_F(UdpAsync, ARequestThatFindsTheSocketFullIsAnsweredWhenItHasLeft) {
  Begin();
  full = 2;
  EXPECT_EQ(SendTo("patient", client_.Address()), 0);
  EXPECT_EQ(client_.Receive(), "patient");
  EXPECT_TRUE(done_.journal.WaitFor("0"));
  EXPECT_EQ(full, 0);
}

}  // namespace
}  // namespace evnet_testing
