// Tests of the proxy with several TCP upstreams: their choice, their failure and return, retries.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "examples/proxy/fixture.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

class Balance : public ProxyProcess {
 protected:
  void Start(std::vector<std::string> options,
             const std::vector<const PlainListener *> &upstreams) {
    upstreams_ = upstreams;
    for (const PlainListener *upstream : upstreams)
      options.push_back("--upstream=" + upstream->text());
    options.push_back("--reactors=2");
    Run(options);
  }

  // A client and the socket of the upstream that serves it.
  struct Pair {
    std::unique_ptr<Client> client;
    int descriptor;
    size_t index;  // of the upstream
  };

  Pair Open(const std::string &source = "") {
    ClientOptions options;
    options.source = source;
    Pair pair = {std::make_unique<Client>(port, options), -1, 0};
    pair.client->SendAll("hello");
    EXPECT_TRUE(WaitUntil([&] {
      for (pair.index = 0; pair.index < upstreams_.size(); pair.index++) {
        pollfd waited = {upstreams_[pair.index]->descriptor(), POLLIN, 0};
        if (poll(&waited, 1, 0) == 1 && (waited.revents & POLLIN) != 0) return true;
      }
      return false;
    }));
    if (pair.index == upstreams_.size()) return pair;
    pair.descriptor = accept4(upstreams_[pair.index]->descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_EQ(ReadExactly(pair.descriptor, 5), "hello");
    return pair;
  }

  // Ends a pair and waits until the proxy has ended both sides.
  static void End(Pair *pair) {
    (void)close(pair->descriptor);
    EXPECT_EQ(pair->client->ReceiveToEnd(), "");
    pair->client->Close();
  }

  // Returns the index of the upstream that a connection gets that comes and goes.
  size_t Pass(const std::string &source = "") {
    Pair pair = Open(source);
    End(&pair);
    return pair.index;
  }

 private:
  std::vector<const PlainListener *> upstreams_;
};

TEST_F(Balance, RoundRobinServesEachUpstreamEquallyOften) {
  const PlainListener a, b, c;
  Start({"--balance=round-robin"}, {&a, &b, &c});
  std::vector<int> counts(3);
  for (int i = 0; i < 12; i++) counts[Pass()]++;
  EXPECT_EQ(counts, (std::vector<int>{4, 4, 4}));
  Stop();
}

TEST_F(Balance, LeastConnectionsServesTheUpstreamWithTheFewest) {
  const PlainListener a, b, c;
  Start({}, {&a, &b, &c});
  std::vector<Pair> pairs;
  std::vector<int> counts(3);
  for (int i = 0; i < 9; i++) {
    pairs.push_back(Open());
    counts[pairs.back().index]++;
  }
  EXPECT_EQ(counts, (std::vector<int>{3, 3, 3}));
  // The third upstream loses its connections, so it gets the next ones.
  for (Pair &pair : pairs)
    if (pair.index == 2) End(&pair);
  for (int i = 0; i < 3; i++) {
    pairs.push_back(Open());
    EXPECT_EQ(pairs.back().index, 2U);
  }
  for (Pair &pair : pairs)
    if (pair.client->descriptor() >= 0) End(&pair);
  Stop();
}

TEST_F(Balance, SourceHashServesAClientsHostByOneUpstream) {
  const PlainListener a, b, c;
  Start({"--balance=source-hash"}, {&a, &b, &c});
  std::vector<int> counts(3);
  for (int host = 1; host <= 12; host++) {
    const std::string source = "127.0.0." + std::to_string(host);
    const size_t index = Pass(source);
    counts[index]++;
    EXPECT_EQ(Pass(source), index);
    EXPECT_EQ(Pass(source), index);
  }
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 12);
  Stop();
}

TEST_F(Balance, AClientOfAnUpstreamThatRefusesIsServedByAnother) {
  const PlainListener down("tcp://127.0.0.1:0", -1), up;
  Start({"--balance=round-robin", "--out-ms=600000"}, {&up, &down});
  // The proxy dials twice for one of the first two clients, which has sent already.
  for (int i = 0; i < 6; i++) EXPECT_EQ(Pass(), 0U);
  EXPECT_EQ(process->ErrLine(),
            "proxy: upstream '" + down.text() + "' is out for 600000 ms: connection refused");
  Stop();
  EXPECT_EQ(process->RestOfErr(), "") << "an upstream that is out is not dialled";
}

TEST_F(Balance, AClientOfAnUpstreamThatDoesNotAnswerIsServedByAnother) {
  const Blackhole down;
  const PlainListener up;
  Start({"--connect-ms=200", "--out-ms=600000", "--upstream=" + down.text()}, {&up});
  for (int i = 0; i < 3; i++) EXPECT_EQ(Pass(), 0U);
  EXPECT_EQ(process->ErrLine(),
            "proxy: upstream '" + down.text() + "' is out for 600000 ms: timed out");
  Stop();
}

TEST_F(Balance, ATrialBringsAnUpstreamBackAndItsTimeOutDoublesBefore) {
  const PlainListener down("tcp://127.0.0.1:0", -1), up;
  Start({"--balance=round-robin", "--out-ms=50"}, {&up, &down});
  const std::string out = "proxy: upstream '" + down.text() + "' is out for ";
  std::atomic<bool> seen(false);
  std::thread reading([&] {
    for (const char *ms : {"50", "100", "200"})
      EXPECT_EQ(process->ErrLine(), out + ms + " ms: connection refused");
    seen = true;
  });
  // Clients come all the time. The other upstream serves all of them.
  while (!seen) EXPECT_EQ(Pass(), 0U);
  reading.join();
  ASSERT_EQ(listen(down.descriptor(), 16), 0);
  EXPECT_TRUE(WaitUntil([&] { return Pass() == 1; }));
  EXPECT_EQ(process->ErrLine(), "proxy: upstream '" + down.text() + "' is back");
  std::vector<int> counts(2);
  for (int i = 0; i < 6; i++) counts[Pass()]++;
  EXPECT_EQ(counts, (std::vector<int>{3, 3}));
  Stop();
}

TEST_F(Balance, IfNoUpstreamIsLeftTheClientIsReset) {
  const PlainListener a("tcp://127.0.0.1:0", -1), b("tcp://127.0.0.1:0", -1);
  Start({}, {&a, &b});
  for (int i = 0; i < 4; i++) {
    Client client(port);
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kReset);
  }
  // All are out, and still the next client is served by the one that serves again.
  ASSERT_EQ(listen(b.descriptor(), 16), 0);
  EXPECT_EQ(Pass(), 1U);
  Stop();
}

TEST_F(Balance, ANameAndAUnixSocketAreUpstreamsToo) {
  const PlainListener local("unix://@evnet-balance-test-" + std::to_string(getpid())), numeric;
  Start({"--balance=round-robin", "--upstream=tcp://no-such-host.invalid:80"},  // RFC 2606
        {&numeric, &local});
  std::vector<int> counts(2);
  for (int i = 0; i < 6; i++) counts[Pass()]++;
  EXPECT_EQ(counts[0] + counts[1], 6);
  EXPECT_GE(counts[0], 2);
  EXPECT_GE(counts[1], 2);
  Stop();
}

}  // namespace
}  // namespace evnet_testing
