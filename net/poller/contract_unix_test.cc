// The poller's contract: features that only Unix sockets have, which are received descriptors,
// names and peer credentials. The other contract tests run over Unix sockets as well as over TCP.
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

evnet_address Parse(const std::string &text) {
  evnet_address address = {};
  EXPECT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0);
  return address;
}

class UnixTest : public ContractTest {
 protected:
  bool RunUntilDetached(evnet_handle handle) {
    return loop().RunUntil([this, handle] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); });
  }

  TempDirectory directory_;
};

// However a read is cut short, no data is left unread. Each read returns less than requested, and
// no later edge would report the rest.
class UnixPieces : public UnixTest {
 protected:
  void ExpectNothingLost(bool with_urgent, bool was_stopped);
};

void UnixPieces::ExpectNothingLost(bool with_urgent, bool was_stopped) {
  constexpr int kMessages = 10000;
  constexpr size_t kWindowBytes = 4096;  // at most in flight, so that there is room for each
  const size_t descriptors = fixture().OpenDescriptors();
  const Connection connection = AttachUnix();
  std::string sent;
  if (was_stopped) {  // epoll makes such a connection edge-triggered
    connection.peer->Send("x");
    sent = "x";
    loop().Turn(0);
  }
  evnet_poller_recv_start(poller(), connection.handle);
  std::atomic<size_t> received{0};
  std::atomic<bool> given_up{false};
  std::thread sender([&] {
    std::minstd_rand random(1);
    for (int i = 0; i < kMessages; i++) {
      while (sent.size() > received + kWindowBytes && !given_up) std::this_thread::yield();
      if (given_up) return;
      const std::string data(1 + random() % 200, static_cast<char>('A' + random() % 26));
      const unsigned kind = random() % 8;
      if (kind == 0 && with_urgent) {
        connection.peer->SendUrgent('!');
      } else if (kind < 4) {
        connection.peer->SendWithControl(data);
        sent += data;
      } else {
        connection.peer->Send(data);
        sent += data;
      }
    }
    connection.peer->ShutdownWrite();
  });
  std::string got;
  bool ended = false;
  loop().OnEvent([&](const Event &event) {
    // An urgent byte becomes an ordinary byte when another urgent byte follows.
    std::copy_if(event.data.begin(), event.data.end(), std::back_inserter(got),
                 [](char byte) { return byte != '!'; });
    received += event.data.size();
    ended = ended || !event.more;
    loop().Clear();
  });
  given_up = !loop().RunUntil([&] { return ended; });
  sender.join();
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors + 2);
}

TEST_P(UnixPieces, DescriptorsInAnyOrderLoseNothing) { ExpectNothingLost(false, false); }

TEST_P(UnixPieces, DescriptorsAfterAStopLoseNothing) { ExpectNothingLost(false, true); }

TEST_P(UnixPieces, DescriptorsAndUrgentBytesInAnyOrderLoseNothing) {
  ExpectNothingLost(true, false);
}

TEST_P(UnixTest, AFullSocketReportsOnceThatItHasRoomForADescriptor) {
  const Connection connection = AttachUnix();
  const evnet_handle handle = connection.handle;
  int64_t sent;
  size_t count = 0;
  while ((sent = evnet_poller_send_descriptor(poller(), handle, connection.descriptor, "d", 1)) ==
         1)
    count++;
  ASSERT_EQ(sent, -EAGAIN);
  evnet_poller_await_room(poller(), handle);
  for (int i = 0; i < 10; i++) loop().Turn(0);
  EXPECT_TRUE(loop().Of(handle, EVNET_OP_SEND).empty());
  EXPECT_EQ(connection.peer->Receive(count), std::string(count, 'd'));
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_SEND).empty(); }));
  EXPECT_EQ(loop().Of(handle, EVNET_OP_SEND)[0].result, 0);
  EXPECT_EQ(evnet_poller_send_descriptor(poller(), handle, connection.descriptor, "d", 1), 1);
  for (int i = 0; i < 10; i++) loop().Turn(0);
  EXPECT_EQ(loop().Of(handle, EVNET_OP_SEND).size(), 1u);
}

TEST_P(UnixTest, ADetachCancelsTheWaitForRoom) {
  const Connection connection = AttachUnix();
  const evnet_handle handle = connection.handle;
  while (evnet_poller_send_descriptor(poller(), handle, connection.descriptor, "d", 1) == 1) {
  }
  evnet_poller_await_room(poller(), handle);
  EXPECT_EQ(evnet_poller_shutdown_write(poller(), handle), 0);
  evnet_poller_detach(poller(), handle);
  ASSERT_TRUE(RunUntilDetached(handle));
  ASSERT_EQ(loop().Of(handle, EVNET_OP_SEND).size(), 1u);
  EXPECT_LE(loop().Of(handle, EVNET_OP_SEND)[0].result, 0);
}

TEST_P(UnixTest, AnAbstractNameIsServedWhereThereAreSuchNames) {
  const std::string text = "unix://@" + directory_.path();
  const evnet_address address = Parse(text);
  const char *reason = "";
  evnet_listen_options options = {};
  options.out_reason = &reason;
  evnet_handle listener = {};
  const int status = evnet_poller_listen(poller(), &address, &options, &listener);
  if (std::string(GetParam().name) == "kqueue") {
    EXPECT_EQ(status, -EOPNOTSUPP);
    EXPECT_STREQ(reason, "only Linux supports abstract names");
    return;
  }
  ASSERT_EQ(status, 0);
  EXPECT_EQ(reason, nullptr);
  EXPECT_EQ(Format(AddressOf(listener)), text);
  EXPECT_TRUE(directory_.Names().empty());
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &second), -EADDRINUSE);
  const std::unique_ptr<Peer> client = fixture().Connect(address, {});
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(listener, EVNET_OP_ACCEPT).empty(); }));
  evnet_poller_discard_descriptor(poller(), static_cast<int>(loop().Of(listener).front().result));
  evnet_poller_detach(poller(), listener);
  ASSERT_TRUE(RunUntilDetached(listener));
  ASSERT_EQ(evnet_poller_listen(poller(), &address, &options, &listener), 0)
      << "the name is free again";
}

TEST_P(UnixTest, AListenersFilesGoWithIt) {
  const evnet_address address = Parse("unix://" + directory_.File("socket"));
  evnet_handle listener = {};
  for (const bool destroy : {false, true}) {
    ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &listener), 0);
    EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket", "socket.lock"}));
    if (destroy) {
      Destroy();
    } else {
      evnet_poller_detach(poller(), listener);
    }
    EXPECT_TRUE(directory_.Names().empty());
  }
}

TEST_P(UnixTest, APathInUseIsRefusedWithAReason) {
  const evnet_address address = Parse("unix://" + directory_.File("socket"));
  const char *reason = nullptr;
  evnet_listen_options options = {};
  options.out_reason = &reason;
  evnet_handle listener = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &address, &options, &listener), 0);
  EXPECT_EQ(reason, nullptr);
  const size_t descriptors = fixture().OpenDescriptors();
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &second), -EADDRINUSE);
  EXPECT_STREQ(reason, "another server holds its lock file, which ends in .lock");
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
}

TEST_P(UnixTest, AtHandlesMaxNoFileIsLeft) {
  evnet_poller_options options = {};
  options.handles_max = 1;
  Open(options);
  Listen();
  const evnet_address address = Parse("unix://" + directory_.File("socket"));
  const size_t descriptors = fixture().OpenDescriptors();
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &second), -ENOBUFS);
  EXPECT_TRUE(directory_.Names().empty());
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
}

TEST_P(UnixTest, ThePeersAddressIsTold) {
  const Connection connection = Connect();
  evnet_address address = {};
  ASSERT_EQ(evnet_poller_remote_address(poller(), connection.handle, &address), 0);
  EXPECT_EQ(Format(address), Format(connection.peer->LocalAddress()));
  EXPECT_EQ(address.transport, GetParam().transport);
}

TEST_P(UnixTest, AUnixPeersAddressIsToldAfterItsEndToo) {
  const Connection connection = AttachUnix();
  connection.peer->Close();
  Settle();
  evnet_address address = {};
  ASSERT_EQ(evnet_poller_remote_address(poller(), connection.handle, &address), 0);
  EXPECT_EQ(Format(address), "unix://");
}

TEST_P(UnixTest, AUnixPeersCredentialsAreToldAndATcpPeersAreNot) {
  const Connection connection = Connect();
  evnet_credentials credentials = {};
  const int status = evnet_poller_peer_credentials(poller(), connection.handle, &credentials);
  if (GetParam().is_tcp()) {
    EXPECT_EQ(status, -EOPNOTSUPP);
    return;
  }
  ASSERT_EQ(status, 0);
  EXPECT_EQ(credentials.user, geteuid());
  EXPECT_EQ(credentials.group, getegid());
  EXPECT_EQ(credentials.process, std::string(GetParam().name) == "kqueue" ? 0 : getpid());
}

INSTANTIATE_TEST_SUITE_P(Backends, UnixTest, ::testing::ValuesIn(Backends()), BackendName);
INSTANTIATE_TEST_SUITE_P(Backends, UnixPieces, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
