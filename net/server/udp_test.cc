// UDP through the public API of a server: one datagram in, one datagram out.
#include <errno.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

const char kIp4[] = "udp://127.0.0.1:0";

// Returns the server's address with another host.
evnet_address At(const Server &server, const std::string &host, size_t index = 0) {
  return ParseAddress("udp://" + host + ":" + std::to_string(server.port(index)));
}

evnet_options LargeBuffers() {
  evnet_options options = {};
  options.send_buffer_bytes = options.receive_buffer_bytes = 1 << 20;
  return options;
}

TEST(Udp, EveryDatagramComesBackAsOneFromEmptyToLargest) {
  const Server server(Echo(), LargeBuffers(), {"udp://:0"});
  UdpClient client;
  for (const size_t size : {0, 1, 4095, 4096, 65507}) {
    SCOPED_TRACE(size);
    const std::string data = Pattern(size);
    client.Send(At(server, "127.0.0.1"), data);
    evnet_address from = {};
    EXPECT_TRUE(client.Receive(&from) == data);
    EXPECT_EQ(FormatAddress(from), FormatAddress(At(server, "127.0.0.1")));
  }
  if (!HasIp6()) GTEST_SKIP() << "no ::1 here";
  UdpClient client6("udp://[::1]:0");
  for (const size_t size : {0, 1, 65527}) {
    SCOPED_TRACE(size);
    const std::string data = Pattern(size);
    client6.Send(At(server, "[::1]"), data);
    EXPECT_TRUE(client6.Receive() == data);
  }
}

TEST(Udp, AnswersLeaveFromTheAddressThatWasAsked) {
  const Server server(Echo(), {}, {"udp4://:0", "udp://:0"});
  for (const size_t index : {0, 1}) {
    if (index == 1 && !HasIp6()) continue;
    UdpClient client;
    const evnet_address asked = At(server, "127.0.0.2", index);
    client.Send(asked, "hello");
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), "hello");
    EXPECT_EQ(FormatAddress(from), FormatAddress(asked));
  }
}

TEST(Udp, OnDataHasTheSenderTheAddressAskedAndNothingLeftOver) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = callbacks.on_data = [&](evnet_conn *conn) {
    evnet_address remote, local;
    evnet_conn_remote_address(conn, &remote);
    EXPECT_EQ(evnet_conn_local_address(conn, &local), 0);
    char text[8] = "";
    const size_t all = evnet_conn_inbound_bytes(conn);
    const size_t got = evnet_conn_read(conn, text, 2);  // evnet drops the rest
    journal.Add(FormatAddress(remote) + " " + FormatAddress(local) + " " + std::to_string(all) +
                " " + std::string(text, got));
    return EVNET_CLOSE;  // ignored
  };
  callbacks.on_close = [&](evnet_conn *, int) {
    journal.Add("close");
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp4://:0"});
  UdpClient client;
  const evnet_address asked = At(server, "127.0.0.3");
  const std::string who = FormatAddress(client.Address()) + " " + FormatAddress(asked);
  client.Send(asked, "abcd");
  client.Send(asked, "efgh");
  client.Send(asked, "");
  EXPECT_TRUE(journal.WaitFor(who + " 0 "));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{who + " 4 ab", who + " 4 ef", who + " 0 "}));
  EXPECT_EQ(server.stats().datagrams_received, 3u);
  EXPECT_EQ(server.stats().bytes_received, 8u);
  EXPECT_EQ(server.stats().connections_accepted, 0u);
}

TEST(Udp, EachWriteIsADatagramAndTheyKeepTheirOrder) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string large = Pattern(5000);
    const iovec pieces[] = {
        {const_cast<char *>("a"), 1}, {nullptr, 0}, {const_cast<char *>("b"), 1}};
    EXPECT_EQ(evnet_conn_write(conn, "one", 3), 3);
    EXPECT_EQ(evnet_conn_write(conn, nullptr, 0), 0);
    EXPECT_EQ(evnet_conn_writev(conn, pieces, 3), 2);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 5u);
    EXPECT_EQ(evnet_conn_write(conn, large.data(), large.size()), 5000);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u);
    for (int i = 0; i < 200; i++) Write(conn, std::to_string(i));
    EXPECT_EQ(evnet_conn_flush(conn), 0);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "?");
  EXPECT_EQ(client.Receive(), "one");
  EXPECT_EQ(client.Receive(), "");
  EXPECT_EQ(client.Receive(), "ab");
  EXPECT_TRUE(client.Receive() == Pattern(5000));
  for (int i = 0; i < 200; i++) EXPECT_EQ(client.Receive(), std::to_string(i));
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(server.stats().datagrams_sent, 204u);
  EXPECT_EQ(server.stats().datagrams_dropped, 0u);
}

TEST(Udp, ABurstIsAnsweredInOrderAndCounted) {
  evnet_options options = {};
  options.receive_buffer_bytes = 4 << 20;
  options.send_buffer_bytes = 4 << 20;
  Server server(Echo(), options, {kIp4});
  UdpClient client;
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 100; i++) client.Send(server.address(), std::to_string(i));
    for (int i = 0; i < 100; i++) ASSERT_EQ(client.Receive(), std::to_string(i));
  }
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(server.stats().datagrams_received, 2000u);
  EXPECT_EQ(server.stats().datagrams_sent, 2000u);
}

TEST(Udp, ALongerDatagramThanTheOptionIsCutAndSaysSo) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    journal.Add(Take(conn) + (evnet_conn_is_truncated(conn) ? " cut" : ""));
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.udp_datagram_bytes_max = 4;
  Server server(callbacks, options, {kIp4});
  UdpClient client;
  for (const char *data : {"1234", "12345", "end"}) client.Send(server.address(), data);
  EXPECT_TRUE(journal.WaitFor("end"));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"1234", "1234 cut", "end"}));
}

TEST(Udp, WhatCannotBeSentIsRefusedAndTheSocketGoesOn) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string large(65508, 'x');
    evnet_address sender;
    evnet_conn_remote_address(conn, &sender);
    const evnet_address ip6 = ParseAddress("udp://[::1]:9");
    const evnet_address no_port = ParseAddress("udp://127.0.0.1:0");
    EXPECT_EQ(evnet_conn_write(conn, large.data(), large.size()), -EMSGSIZE);
    EXPECT_EQ(evnet_conn_send_to(conn, &sender, large.data(), large.size()), -EMSGSIZE);
    EXPECT_EQ(evnet_conn_send_to(conn, &ip6, "x", 1), -EAFNOSUPPORT);
    EXPECT_EQ(evnet_conn_send_to(conn, &no_port, "x", 1), -EINVAL);
    EXPECT_EQ(evnet_conn_shutdown_write(conn), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, 1), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_set_linger(conn, 1), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_set_water_marks(conn, 1, 1), -EOPNOTSUPP);
    evnet_conn_close(conn);
    evnet_conn_abort(conn);
    return EchoData(conn);
  };
  const Server server(callbacks, {}, {kIp4});
  UdpClient client;
  for (int i = 0; i < 2; i++) {
    client.Send(server.address(), "still here");
    EXPECT_EQ(client.Receive(), "still here");
  }
}

TEST(Udp, SendToReachesAnyAddressWithoutADatagramFirst) {
  UdpClient client;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    EXPECT_EQ(evnet_server_datagram_socket(server, 0), nullptr);
    evnet_conn *conn = evnet_server_datagram_socket(server, 1);
    EXPECT_NE(conn, nullptr);
    const evnet_address to = client.Address();
    EXPECT_EQ(evnet_conn_send_to(conn, &to, "hello", 5), 5);
    EXPECT_EQ(evnet_conn_write(conn, "x", 1), -EDESTADDRREQ);
    EXPECT_EQ(evnet_conn_listener_index(conn), 1);
    evnet_address nobody;
    evnet_conn_remote_address(conn, &nobody);
    EXPECT_EQ(nobody.socket.any.sa_family, AF_UNSPEC);
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {"tcp://127.0.0.1:0", kIp4});
  EXPECT_EQ(client.Receive(), "hello");
}

// The replies go to a port without a socket, so the kernel returns ICMP errors.
TEST(Udp, AClientThatHasGoneDoesNotStopTheSocket) {
  for (const std::string host : {kIp4, "udp://[::1]:0"}) {
    SCOPED_TRACE(host);
    if (host != kIp4 && !HasIp6()) continue;
    const Server server(Echo(), {}, {host});
    UdpClient client(host);
    for (int i = 0; i < 50; i++) {
      UdpClient gone(host);
      gone.Send(server.address(), "x");
      gone.Close();
    }
    client.Send(server.address(), "hello");
    EXPECT_EQ(client.Receive(), "hello");
  }
}

TEST(Udp, WhilePausedDatagramsWaitInTheKernel) {
  Journal journal;
  std::atomic<evnet_conn *> socket{nullptr};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    const std::string data = Take(conn);
    if (data == "pause") {
      evnet_conn_pause_reading(conn);
      socket = conn;
    }
    journal.Add(data);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "pause");
  EXPECT_TRUE(journal.WaitFor("pause"));
  client.Send(server.address(), "later");
  Post(evnet_conn_reactor(socket), [&] { journal.Add("posted"); });
  EXPECT_TRUE(journal.WaitFor("posted"));
  Post(evnet_conn_reactor(socket), [&] {
    journal.Add("resume");
    evnet_conn_resume_reading(socket);
  });
  EXPECT_TRUE(journal.WaitFor("later"));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"pause", "posted", "resume", "later"}));
}

// In the past evnet treated the socket as a connection with unread bytes, and the socket lost its
// UDP state.
TEST(Udp, PausingAndResumingInsideOnDataKeepsTheSocket) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    evnet_conn_resume_reading(conn);
    Write(conn, "answer");
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  for (int i = 0; i < 3; i++) {
    client.Send(server.address(), "question");
    EXPECT_EQ(client.Receive(), "answer");
  }
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(server.stats().datagrams_received, 3u);
}

TEST(Udp, PrewriteIsCalledOnceBeforeABatchAndMayAddToIt) {
  std::atomic<int> calls{0};
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    for (int i = 0; i < 3; i++) Write(conn, "x");
    evnet_conn_flush(conn);
    return EVNET_NONE;
  };
  callbacks.on_prewrite = [&](evnet_conn *conn) {
    calls++;
    Write(conn, "last");
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "?");
  for (int i = 0; i < 3; i++) EXPECT_EQ(client.Receive(), "x");
  EXPECT_EQ(client.Receive(), "last");
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(calls, 1);
}

TEST(Udp, AFloodDoesNotKeepConnectionsWaiting) {
  const Server server(Echo(), {}, {kIp4, "tcp://127.0.0.1:0"});
  std::atomic<bool> done{false};
  std::thread flood([&] {
    UdpClient client;
    const evnet_address to = server.address();
    while (!done) client.Send(to, "flood");
  });
  {
    Client client(server.port(1));
    for (int i = 0; i < 20; i++) EXPECT_EQ(client.Exchange("hello"), "hello");
  }
  done = true;
  flood.join();
}

// With several reactors the socket belongs to reactor 0, and connections_max does not affect it.
TEST(Udp, IsServedBesideConnectionsAtTheirLimit) {
  evnet_options options = {};
  options.reactors = 2;
  options.connections_max = 1;
  const Server server(Echo(), options, {"tcp://127.0.0.1:0", kIp4});
  Client first(server.port(0));
  EXPECT_EQ(first.Exchange("x"), "x");
  UdpClient client;
  client.Send(server.address(1), "hello");
  EXPECT_EQ(client.Receive(), "hello");
}

TEST(Udp, AStopReadsWhatTheKernelHoldsAndWaitsForHolds) {
  std::atomic<evnet_conn *> held{nullptr};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_address sender;
    evnet_conn_remote_address(conn, &sender);
    if (Take(conn) != "hold") return EVNET_NONE;
    evnet_conn_hold(conn);
    Post(evnet_conn_reactor(conn), [&held, conn, sender] {
      // The stop's last read is over. This datagram is the reply that the hold waited for.
      EXPECT_EQ(evnet_conn_send_to(conn, &sender, "owed", 4), 4);
      held = conn;
      evnet_conn_release(conn);
    });
    return EVNET_SHUTDOWN;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "hold");
  EXPECT_EQ(client.Receive(), "owed");
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_NE(held.load(), nullptr);
}

// After on_shutdown a user may still have a pointer to the socket.
TEST(Udp, ASocketThatHasClosedRefusesWhatItIsAskedFor) {
  Callbacks callbacks = Echo();
  evnet_conn *conn = nullptr;
  bool asked = false;
  callbacks.on_boot = [&](evnet_server *server) {
    conn = evnet_server_datagram_socket(server, 0);
    return EVNET_NONE;
  };
  callbacks.on_shutdown = [&](evnet_server *) {
    evnet_address address = {};
    evnet_tcp_info info = {};
    EXPECT_EQ(evnet_conn_local_address(conn, &address), -ENOTCONN);
    evnet_conn_remote_address(conn, &address);
    EXPECT_EQ(evnet_conn_tcp_info(conn, &info), -ENOTCONN);
    EXPECT_EQ(evnet_conn_fd(conn), -ENOTCONN);
    EXPECT_EQ(evnet_conn_dup(conn), -ENOTCONN);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 1 << 16, 0), -ENOTCONN);
    EXPECT_EQ(evnet_conn_write(conn, "x", 1), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(conn), 0);
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    evnet_conn_release(conn);
    evnet_conn_pause_reading(conn);
    evnet_conn_resume_reading(conn);
    evnet_conn_close(conn);
    evnet_conn_abort(conn);
    asked = true;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "hello");
  EXPECT_EQ(client.Receive(), "hello");
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_TRUE(asked);
}

TEST(Udp, ASocketSendsNoFiles) {
  std::atomic<int64_t> status{0};
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    status = evnet_conn_sendfile(evnet_server_datagram_socket(server, 0), 0, 0, 1);
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {kIp4});
  EXPECT_EQ(status, -EOPNOTSUPP);
}

TEST(Udp, AtHoldsMaxClientsWaitUntilOneIsAnswered) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    if (evnet_conn_listener_index(conn) == 1) return EchoData(conn);
    journal.Add(Take(conn));
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.holds_max = 1;
  Server server(callbacks, options, {kIp4, "tcp://127.0.0.1:0"});
  UdpClient client;
  client.Send(server.address(0), "one");
  EXPECT_TRUE(journal.WaitFor("one"));
  client.Send(server.address(0), "two");
  // After these two exchanges the loop has run at least two turns.
  Client turns(server.port(1));
  for (int i = 0; i < 2; i++) EXPECT_EQ(turns.Exchange("x"), "x");
  EXPECT_EQ(journal.Lines(), std::vector<std::string>{"one"});
  evnet_conn *const conn = evnet_server_datagram_socket(server.get(), 0);
  Post(evnet_conn_reactor(conn), [conn] { evnet_conn_release(conn); });
  EXPECT_TRUE(journal.WaitFor("two"));
  Post(evnet_conn_reactor(conn), [conn] { evnet_conn_release(conn); });
}

TEST(Udp, AStopReadsWhatWaitsBehindHoldsMax) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    journal.Add(Take(conn));
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.holds_max = 1;
  Server server(callbacks, options, {kIp4});
  UdpClient client;
  client.Send(server.address(), "one");
  EXPECT_TRUE(journal.WaitFor("one"));
  client.Send(server.address(), "two");
  evnet_conn *const conn = evnet_server_datagram_socket(server.get(), 0);
  evnet_reactor *const reactor = evnet_conn_reactor(conn);
  evnet_server_stop(server.get(), 60000);
  Post(reactor, [conn] { evnet_conn_release(conn); });
  EXPECT_TRUE(journal.WaitFor("two"));
  Post(reactor, [conn] { evnet_conn_release(conn); });
  EXPECT_EQ(server.Wait(), 0);
}

TEST(Udp, AHoldThatIsNeverReleasedEndsAtTheDeadline) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_hold(conn);
    journal.Add("held");
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {kIp4});
  UdpClient client;
  client.Send(server.address(), "hold");
  EXPECT_TRUE(journal.WaitFor("held"));
  EXPECT_EQ(server.Stop(50), 0);
}

}  // namespace
}  // namespace evnet_testing
