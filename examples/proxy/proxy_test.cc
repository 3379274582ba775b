// Tests of the proxy with one TCP upstream: bytes, ends of streams, back-pressure, timeouts, stops.
#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "examples/proxy/fixture.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

class Proxy : public ProxyProcess {
 protected:
  void Start(const std::string &upstream_address, const std::string &connect_ms = "1500",
             std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--upstream=" + upstream_address, "--connect-ms=" + connect_ms});
    Run(options);
  }

  PlainListener upstream;
};

TEST_F(Proxy, Moves16MibEachWayAtOnceAndEachEndOfTheStream) {
  Start(upstream.text());
  const std::string question = Pattern(16 << 20, 1), answer = Pattern(16 << 20, 2);
  std::string got;
  std::thread serving([&] {
    const int descriptor = upstream.Accept();
    std::thread sending([&] {
      SendAll(descriptor, answer);
      EXPECT_EQ(shutdown(descriptor, SHUT_WR), 0);
    });
    got = ReadToEnd(descriptor);
    sending.join();
    (void)close(descriptor);
  });
  Client client(port);
  std::thread asking([&] {
    SendAll(client.descriptor(), question);
    client.ShutdownWrite();
  });
  const std::string answered = client.ReceiveToEnd();
  asking.join();
  serving.join();
  EXPECT_TRUE(answered == answer);
  EXPECT_TRUE(got == question);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  Stop();
}

TEST_F(Proxy, TheAnswerComesThoughTheQuestionHasEnded) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("question");
  client.ShutdownWrite();
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadToEnd(descriptor), "question");
  SendAll(descriptor, "answer");
  (void)close(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  Stop();
}

TEST_F(Proxy, AClientSendsOnThoughTheAnswerHasEnded) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("question");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 8), "question");
  SendAll(descriptor, "answer");
  ASSERT_EQ(shutdown(descriptor, SHUT_WR), 0);
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.SendAll("more");
  EXPECT_EQ(ReadExactly(descriptor, 4), "more");
  client.ShutdownWrite();
  EXPECT_EQ(ReadToEnd(descriptor), "");
  (void)close(descriptor);
  Stop();
}

TEST_F(Proxy, AnUpstreamThatIsSlowHoldsTheClientBackAndCostsNoMemory) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("go");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 2), "go");
  const size_t before = Kilobytes();
  const std::string data = Pattern(128 << 20, 3);
  const size_t sent = client.SendUntilBlocked(data, 500);
  EXPECT_LT(sent, data.size()) << "the proxy applied no back-pressure";
  EXPECT_LT(Kilobytes(), before + (8 << 10));
  // The other direction is open.
  SendAll(descriptor, "answer");
  EXPECT_EQ(client.Receive(6), "answer");
  client.ShutdownWrite();
  EXPECT_TRUE(ReadToEnd(descriptor) == data.substr(0, sent));
  (void)close(descriptor);
  client.Close();
  Stop();
}

TEST_F(Proxy, AReaderThatIsSlowHoldsTheOtherEndBackAndCostsNoMemory) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("go");
  const int descriptor = upstream.Accept();
  const size_t before = Kilobytes();
  // Send until no byte is taken for 500 ms: every buffer on the way is full.
  const std::string data = Pattern(128 << 20, 3);
  ASSERT_EQ(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
  size_t sent = 0;
  pollfd writable = {descriptor, POLLOUT, 0};
  while (sent < data.size() && poll(&writable, 1, 500) == 1) {
    const ssize_t now = send(descriptor, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
    if (now > 0) sent += static_cast<size_t>(now);
  }
  EXPECT_LT(sent, data.size()) << "the proxy applied no back-pressure";
  EXPECT_LT(Kilobytes(), before + (8 << 10));
  // All of it arrives once the client reads.
  EXPECT_TRUE(client.Receive(sent) == data.substr(0, sent));
  (void)close(descriptor);
  (void)client.ReceiveToEnd();
  Stop();
}

TEST_F(Proxy, AnUpstreamThatRefusesIsAResetAndTheNextClientIsServed) {
  const PlainListener refusing("tcp://127.0.0.1:0", -1);
  Start(refusing.text());
  for (int i = 0; i < 3; i++) {
    Client client(port);
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kReset);
  }
  ASSERT_EQ(listen(refusing.descriptor(), 5), 0);
  Client client(port);
  client.SendAll("hello");
  const int descriptor = accept(refusing.descriptor(), nullptr, nullptr);
  char text[6] = "";
  ASSERT_EQ(recv(descriptor, text, 5, MSG_WAITALL), 5);
  EXPECT_STREQ(text, "hello");
  (void)close(descriptor);
  client.Close();
  Stop();
}

TEST_F(Proxy, AnUpstreamThatNobodyKnowsIsAReset) {
  Start("tcp://no-such-host.invalid:80");  // RFC 2606
  Client client(port);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kReset);
  Stop();
}

TEST_F(Proxy, AnUpstreamThatDoesNotAnswerIsAResetInTime) {
  const Blackhole nowhere;
  Start(nowhere.text());
  const int64_t start = NowMs();
  Client client(port);
  client.SendAll("hello");
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_GE(NowMs() - start, 1400);
  // A client that closes earlier cancels its dial.
  {
    Client impatient(port);
    impatient.Reset();
  }
  Stop();
}

TEST_F(Proxy, AClientsResetMidWayReachesTheUpstream) {
  Start(upstream.text());
  auto client = std::make_unique<Client>(port);
  client->SendAll(Pattern(1 << 20));
  const int descriptor = upstream.Accept();
  std::string block(1 << 16, 0);
  ASSERT_GT(recv(descriptor, &block[0], block.size(), 0), 0);
  client->Reset();
  ssize_t got;
  while ((got = recv(descriptor, &block[0], block.size(), 0)) > 0) {
  }
  EXPECT_EQ(got, -1);
  EXPECT_EQ(errno, ECONNRESET);
  (void)close(descriptor);
  Stop();
}

TEST_F(Proxy, AnUpstreamsResetMidWayReachesTheClient) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("question");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 8), "question");
  SendAll(descriptor, "ans");
  EXPECT_EQ(client.Receive(3), "ans");
  Reset(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kReset);
  Stop();
}

TEST_F(Proxy, AResetReachesASideThatIsPaused) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("go");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 2), "go");
  (void)client.SendUntilBlocked(Pattern(128 << 20, 3), 100);
  Reset(descriptor);
  (void)client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
  Stop();
}

TEST_F(Proxy, ASilentPairEndsInTimeAndOneThatTalksDoesNot) {
  Start(upstream.text(), "1500", {"--idle-ms=500"});
  Client silent(port), talking(port);
  silent.SendAll("s");
  const int first = upstream.Accept();
  talking.SendAll("t");
  const int second = upstream.Accept();
  std::string name = ReadExactly(first, 1);
  const int of_silent = name == "s" ? first : second, of_talking = name == "s" ? second : first;
  const int64_t begin = NowMs();
  // Only one side of the pair talks at a time.
  while (!silent.Readable(20)) {
    SendAll(of_talking, "x");
    EXPECT_EQ(talking.Receive(1), "x");
  }
  EXPECT_GE(NowMs() - begin, 400);
  EXPECT_EQ(silent.ReceiveToEnd(), "");
  EXPECT_EQ(silent.end(), Client::End::kEnd);
  EXPECT_EQ(ReadEnd(of_silent), Client::End::kEnd);
  (void)close(of_silent);
  SendAll(of_talking, "y");
  EXPECT_EQ(talking.Receive(1), "y");
  (void)close(of_talking);
  silent.Close();
  EXPECT_EQ(talking.ReceiveToEnd(), "");
  talking.Close();
  Stop();
}

TEST_F(Proxy, AReaderThatTakesNothingForTheIdleTimeIsReset) {
  Start(upstream.text(), "1500", {"--idle-ms=300"});
  Client client(port);
  client.SendAll("go");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 2), "go");
  // Sends until the proxy resets the connection.
  const std::string block = Pattern(1 << 16);
  while (send(descriptor, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE) << strerror(errno);
  (void)client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
  (void)close(descriptor);
  Stop();
}

TEST_F(Proxy, AClientGetsBytesAndIsReadAtTheRate) {
  Start(upstream.text(), "1500", {"--rate=400000"});
  const std::string request = Pattern(100000, 5), reply = Pattern(100000, 6);
  Client client(port);
  const auto begin = std::chrono::steady_clock::now();
  std::thread sending([&] {
    SendAll(client.descriptor(), request);
    client.ShutdownWrite();
  });
  const int descriptor = upstream.Accept();
  EXPECT_TRUE(ReadToEnd(descriptor) == request);
  // The burst is an eighth of a second's bytes: 50,000. The others take 125 ms at least.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(120));
  sending.join();
  const auto replied = std::chrono::steady_clock::now();
  SendAll(descriptor, reply);
  (void)close(descriptor);
  EXPECT_TRUE(client.ReceiveToEnd() == reply);
  EXPECT_GE(std::chrono::steady_clock::now() - replied, std::chrono::milliseconds(120));
  client.Close();
  Stop();
}

TEST_F(Proxy, AnUpstreamsNameAndAUnixSocketWillDo) {
  PlainListener local("unix://@evnet-proxy-test-" + std::to_string(getpid()));
  Start(local.text());
  Client client(port);
  client.SendAll("hello");
  client.ShutdownWrite();
  const int descriptor = local.Accept();
  EXPECT_EQ(ReadToEnd(descriptor), "hello");
  (void)close(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  Stop();
}

TEST_F(Proxy, AnUpstreamThatCannotBeDialledIsRefusedAtTheStart) {
  for (const std::string bad :
       {"", "junk", "udp://127.0.0.1", "udp4://127.0.0.1:0", "tcp://127.0.0.1", "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:99999", "tcp://localhost:0", "localhost:00", "tcp://:9001", ":9001"}) {
    SCOPED_TRACE(bad);
    Process refused({"--upstream=" + bad, "tcp://127.0.0.1:0"});
    EXPECT_EQ(refused.ExitCode(), 2);
    EXPECT_EQ(refused.RestOfErr(), "proxy: '--upstream=" + bad +
                                       "': must be an address with a host and a port, and one of "
                                       "at most 64 of its kind\n");
  }
}

TEST_F(Proxy, AnAddressWithoutAnUpstreamOfItsKindIsRefusedAtTheStart) {
  Process datagrams({"--upstream=tcp://127.0.0.1:9", "tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  EXPECT_EQ(datagrams.ExitCode(), 2);
  EXPECT_EQ(datagrams.RestOfErr(), "proxy: 'udp://127.0.0.1:0': no upstream is udp://\n");
  Process streams({"--upstream=udp://127.0.0.1:9", "unix://@evnet-proxy-test"});
  EXPECT_EQ(streams.ExitCode(), 2);
  EXPECT_EQ(streams.RestOfErr(),
            "proxy: 'unix://@evnet-proxy-test': no upstream is tcp:// or unix://\n");
}

TEST_F(Proxy, AStopLosesNoAnswerThatIsOwedAndNoneThatComesInParts) {
  Start(upstream.text());
  Client waiting(port), halfway(port), idle(port);
  waiting.SendAll("question 1");
  const int first = upstream.Accept();
  EXPECT_EQ(ReadExactly(first, 10), "question 1");
  halfway.SendAll("question 2");
  int second = upstream.Accept(), third = upstream.Accept();
  // The proxy may have dialled for either client first.
  pollfd both[] = {{second, POLLIN, 0}, {third, POLLIN, 0}};
  ASSERT_EQ(poll(both, 2, 20000), 1);
  if (both[1].revents != 0) std::swap(second, third);
  EXPECT_EQ(ReadExactly(second, 10), "question 2");
  SendAll(second, "ans");
  EXPECT_EQ(halfway.Receive(3), "ans");
  process->Signal(SIGTERM);
  // The proxy has seen the signal once it has closed its listener.
  EXPECT_TRUE(WaitUntil([&] {
    const int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const evnet_address address = ParseAddress("tcp://127.0.0.1:" + std::to_string(port));
    const bool refused = connect(late, &address.socket.any, address.size) != 0;
    (void)close(late);
    return refused;
  }));
  EXPECT_FALSE(waiting.Readable(100));
  SendAll(second, "wer 2");
  EXPECT_EQ(halfway.Receive(5), "wer 2");
  EXPECT_FALSE(waiting.Readable(100));
  SendAll(first, "answer 1");
  EXPECT_EQ(waiting.ReceiveToEnd(), "answer 1");
  EXPECT_EQ(waiting.end(), Client::End::kEnd);
  EXPECT_EQ(halfway.ReceiveToEnd(), "");
  EXPECT_EQ(halfway.end(), Client::End::kEnd);
  EXPECT_EQ(idle.ReceiveToEnd(), "");
  EXPECT_EQ(idle.end(), Client::End::kEnd);
  for (Client *client : {&waiting, &halfway, &idle}) client->Close();
  for (const int descriptor : {first, second, third}) {
    EXPECT_EQ(ReadToEnd(descriptor), "");
    (void)close(descriptor);
  }
  EXPECT_EQ(process->ExitCode(), 0);
}

TEST_F(Proxy, AStopFinishesARequestThatHasYetToBeDialledFor) {
  PlainListener full("tcp://127.0.0.1:0", 0);
  const int filling = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(filling, &full.address().socket.any, full.address().size), 0);
  Start(full.text(), "20000");
  Client client(port);
  client.SendAll("question");
  client.WaitUntilDelivered();
  EXPECT_FALSE(client.Readable(50));  // the proxy dials, and the kernel drops the SYN
  process->Signal(SIGTERM);
  EXPECT_FALSE(client.Readable(50));
  (void)close(full.Accept());  // makes room for the next SYN
  const int descriptor = full.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 8), "question");
  SendAll(descriptor, "answer");
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  (void)close(descriptor);
  (void)close(filling);
  EXPECT_EQ(process->ExitCode(), 0);
}

TEST_F(Proxy, AStopDeliversWhatAClientHasSentAndLeft) {
  Start(upstream.text());
  const std::string sent = Pattern(4 << 20, 4);
  Client client(port);
  std::thread sending([&] {
    SendAll(client.descriptor(), sent);
    client.ShutdownWrite();
  });
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 1000), sent.substr(0, 1000));
  process->Signal(SIGTERM);
  EXPECT_TRUE(ReadToEnd(descriptor) == sent.substr(1000));
  sending.join();
  (void)close(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(process->ExitCode(), 0);
}

}  // namespace
}  // namespace evnet_testing
