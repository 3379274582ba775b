// Tests of the HTTP server: requests and responses, bodies, and clients that misbehave. The server
// runs as a process, over each backend, with one and with several reactors.
#include <signal.h>
#include <stdlib.h>

#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "examples/http/exchange.h"
#include "examples/http/requests.h"
#include "gtest/gtest.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

struct Way {
  const char *name;
  std::vector<std::string> arguments;
};

std::ostream &operator<<(std::ostream &out, const Way &way) { return out << way.name; }

std::string Pattern(size_t size) {
  std::string data(size, 0);
  for (size_t i = 0; i < size; i++) data[i] = static_cast<char>(i * 31 + i / 251);
  return data;
}

const char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

std::string Chunk(const std::string &data) {
  char size[24];
  snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

class Http : public testing::TestWithParam<Way> {
 protected:
  // Starts the server. Returns false, and skips the test, if the backend is not available.
  bool Start(std::vector<std::string> arguments = {}) {
    const Way &way = GetParam();
    arguments.insert(arguments.end(), way.arguments.begin(), way.arguments.end());
    server = std::make_unique<HttpServer>(arguments);
    return server->available();
  }

  std::unique_ptr<HttpServer> server;
};

#define START(...) \
  if (!Start(__VA_ARGS__)) GTEST_SKIP() << "the backend is not available"

TEST_P(Http, GetReturnsTheGreetingAndHeadItsHead) {
  START();
  const Response get = Ask(server->port(), "GET", "/");
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "Hello, World!");
  EXPECT_EQ(get.fields.at("connection"), "close");
  const Response head = Ask(server->port(), "HEAD", "/");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("content-length"), "13");
  EXPECT_EQ(Ask(server->port(), "GET", "http://other/").body, "Hello, World!");
  EXPECT_EQ(Ask(server->port(), "GET", "http://other?x").body, "Hello, World!");
  server->Stop();
}

TEST_P(Http, MethodsThatAResourceDoesNotHaveGet405WithAllow) {
  START();
  const uint16_t port = server->port();
  EXPECT_EQ(Ask(port, "DELETE", "/").status, 405);
  EXPECT_EQ(Ask(port, "DELETE", "/").fields.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(Ask(port, "GET", "/echo").fields.at("allow"), "POST, OPTIONS");
  EXPECT_EQ(Ask(port, "HEAD", "/echo").status, 405);
  EXPECT_EQ(Ask(port, "CONNECT", "x:80").status, 405);
  EXPECT_EQ(Ask(port, "BREW", "/").status, 501);
  EXPECT_EQ(Ask(port, "GET", "/missing").status, 404);
  EXPECT_EQ(Ask(port, "OPTIONS", "/echo").status, 204);
  EXPECT_EQ(Ask(port, "OPTIONS", "/echo").fields.at("allow"), "POST, OPTIONS");
  EXPECT_EQ(Ask(port, "OPTIONS", "*").fields.at("allow"), "GET, HEAD, POST, OPTIONS");
}

// After a request that it rejects, the server never answers another one: bytes that two servers
// would divide differently are not divided at all.
TEST_P(Http, ARejectedRequestEndsTheConnectionAndNothingAfterItIsAnswered) {
  START();
  for (const Case &c : Cases()) {
    if (c.status == 0) continue;
    SCOPED_TRACE(c.name);
    Exchange exchange(server->port());
    exchange.Send(c.bytes + kGet);
    const std::vector<Response> responses = exchange.Rest();
    ASSERT_EQ(responses.size(), c.complete + 1);
    const Response &last = responses.back();
    if (last.status == 200) {
      EXPECT_FALSE(last.complete) << "the echo had begun, and is cut off";
    } else {
      EXPECT_EQ(last.status, c.status);
      EXPECT_EQ(last.fields.count("connection"), 1u);
      EXPECT_TRUE(last.complete);
    }
  }
  server->Stop();
}

TEST_P(Http, AcceptedRequestsAreAnsweredAndTheConnectionGoesOn) {
  START();
  for (const Case &c : Cases()) {
    if (c.status != 0 || c.complete == 0 || c.bytes.find("CONNECT") == 0) continue;
    SCOPED_TRACE(c.name);
    Exchange exchange(server->port());
    exchange.Send(c.bytes);
    for (size_t i = 0; i < c.complete; i++)
      EXPECT_NE(exchange.Next(c.bytes.find("HEAD") == 0).status, 0) << "response " << i;
    if (c.bytes.find("HTTP/1.0") != std::string::npos) continue;
    exchange.Send(kGet);
    EXPECT_EQ(exchange.Next().body, "Hello, World!");
  }
}

TEST_P(Http, PipelinedRequestsAreAnsweredInOrderAndTogether) {
  START();
  Exchange exchange(server->port());
  std::string requests;
  for (int i = 0; i < 16; i++) {
    const std::string body = "body " + std::to_string(i);
    requests += i % 2 == 0 ? kGet
                           : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                 std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  exchange.Send(requests);
  ASSERT_TRUE(exchange.client.Readable(20000));
  const std::string first = exchange.client.TryReceive();
  EXPECT_NE(first.find("body 15"), std::string::npos) << "one send for all responses";
  size_t at = 0;
  for (int i = 0; i < 16; i++) {
    at = first.find(i % 2 == 0 ? "Hello, World!" : "body " + std::to_string(i), at);
    EXPECT_NE(at, std::string::npos) << i;
  }
}

TEST_P(Http, AThousandPipelinedRequestsBeforeAHalfCloseAreAllAnswered) {
  START();
  Exchange exchange(server->port());
  std::string requests;
  for (int i = 0; i < 1000; i++) requests += kGet;
  exchange.Send(requests);
  exchange.client.ShutdownWrite();
  const std::vector<Response> responses = exchange.Rest();
  EXPECT_EQ(responses.size(), 1000u);
  EXPECT_EQ(exchange.client.end(), Client::End::kEnd);
}

TEST_P(Http, Http10ClosesUnlessTheClientAsksToKeepTheConnection) {
  START();
  Exchange closes(server->port());
  closes.Send("GET / HTTP/1.0\r\n\r\n");
  const std::vector<Response> responses = closes.Rest();
  ASSERT_EQ(responses.size(), 1u);
  EXPECT_EQ(responses[0].fields.at("connection"), "close");
  Exchange keeps(server->port());
  for (int i = 0; i < 3; i++) {
    keeps.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeps.Next().fields.at("connection"), "keep-alive");
  }
}

TEST_P(Http, EchoReturnsEachPieceBeforeTheBodyIsComplete) {
  START();
  Exchange counted(server->port());
  counted.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(counted.Line(), "HTTP/1.1 200 OK");
  while (!counted.Line().empty()) continue;
  EXPECT_EQ(counted.Bytes(3), "abc");
  counted.Send("def");
  EXPECT_EQ(counted.Bytes(3), "def");

  Exchange chunked(server->port());
  chunked.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; i++) {
    chunked.Send(Chunk("abc"));
    if (i == 0) {
      EXPECT_EQ(chunked.Line(), "HTTP/1.1 200 OK");
      while (!chunked.Line().empty()) continue;
    }
    EXPECT_EQ(chunked.Line(), "3");
    EXPECT_EQ(chunked.Line(), "abc");
  }
  chunked.Send("0\r\n\r\n");
  EXPECT_EQ(chunked.Line(), "0");
  EXPECT_EQ(chunked.Line(), "");
  chunked.Send(kGet);
  EXPECT_EQ(chunked.Next().body, "Hello, World!");
}

TEST_P(Http, EchoOf8MegabytesKeepsEveryByte) {
  START();
  const std::string data = Pattern(8 << 20);
  // The client sends and receives simultaneously, because the server does not hoard.
  Exchange counted(server->port());
  counted.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(data.size()) +
               "\r\n\r\n");
  std::thread counted_sender([&] { counted.Send(data); });
  EXPECT_TRUE(counted.Next().body == data);
  counted_sender.join();

  std::string chunks;
  for (size_t at = 0; at < data.size(); at += 10000) chunks += Chunk(data.substr(at, 10000));
  Exchange chunked(server->port());
  chunked.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::thread chunked_sender([&] { chunked.Send(chunks + "0\r\n\r\n"); });
  EXPECT_TRUE(chunked.Next().body == data);
  chunked_sender.join();
}

TEST_P(Http, AClientThatSendsAndNeverReadsIsStoppedByBackPressure) {
  START();
  const size_t before = server->ResidentKilobytes();
  Client client(server->port());
  const size_t size = 64 << 20;  // more than the kernel's buffers of both directions hold
  client.SendAll("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
                 "\r\n\r\n");
  const std::string data = Pattern(size);
  const size_t sent = client.SendUntilBlocked(data);
  EXPECT_LT(sent, size / 2);
  EXPECT_LT(server->ResidentKilobytes() - before, 32u << 10);
  // The rest arrives once the client reads.
  std::thread sender([&] { client.SendAll(data.substr(sent)); });
  std::string received = client.Receive(size);
  const size_t head_size = received.find("\r\n\r\n") + 4;
  received += client.Receive(head_size);
  sender.join();
  EXPECT_TRUE(received.substr(head_size) == data);
}

TEST_P(Http, PipelinedRequestsOfAClientThatNeverReadsUseNoUnboundedMemory) {
  START();
  const size_t before = server->ResidentKilobytes();
  std::string requests;
  while (requests.size() < 16 << 20) requests += "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";
  Client client(server->port());
  EXPECT_LT(client.SendUntilBlocked(requests), requests.size());
  EXPECT_LT(server->ResidentKilobytes() - before, 32u << 10);
}

TEST_P(Http, ContinueIsSentOnlyForABodyThatIsWanted) {
  START({"--body-bytes-max=10"});
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
  Exchange wanted(server->port());
  wanted.Send(post + "Content-Length: 3\r\n\r\n");
  EXPECT_EQ(wanted.Next().status, 100);
  wanted.Send("abc");
  EXPECT_EQ(wanted.Next().body, "abc");

  Exchange too_large(server->port());
  too_large.Send(post + "Content-Length: 11\r\n\r\n");
  EXPECT_EQ(too_large.Next().status, 413);
  EXPECT_EQ(too_large.Next().status, 0);

  Exchange not_posted(server->port());
  not_posted.Send("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(not_posted.Next().status, 200);
  EXPECT_EQ(not_posted.Next().status, 0) << "the end of the request is unknown";
}

TEST_P(Http, AChunkThatExceedsTheLimitGets413OrAnIncompleteResponse) {
  START({"--body-bytes-max=10"});
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  Exchange first(server->port());
  first.Send(post + "b\r\n");
  EXPECT_EQ(first.Next().status, 413);
  Exchange second(server->port());
  second.Send(post + Chunk("abcdef") + "6\r\n");
  const Response response = second.Next();
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete);
}

TEST_P(Http, ABodyThatNothingWantsIsReadOrEndsTheConnection) {
  START();
  Exchange small(server->port());
  small.Send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + Pattern(60000) + kGet);
  EXPECT_EQ(small.Next().status, 200);
  EXPECT_EQ(small.Next().status, 200);
  Exchange large(server->port());
  large.Send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
  EXPECT_EQ(large.Next().fields.at("connection"), "close");
}

TEST_P(Http, ASlowHeadGets408EvenIfBytesKeepComing) {
  START({"--head-timeout-ms=300"});
  Exchange exchange(server->port());
  const int64_t began_ms = NowMs();
  exchange.Send("GET / HTTP/1.1\r\nHost: x\r\nA: ");
  // A byte every 20 ms would defeat a timeout for silence.
  while (!exchange.client.Readable(20) && NowMs() - began_ms < 20000) exchange.client.TrySend("a");
  EXPECT_EQ(exchange.Next().status, 408);
  EXPECT_EQ(exchange.Next().status, 0);
  EXPECT_GE(NowMs() - began_ms, 290);
}

TEST_P(Http, ASlowBodyGets408OrAnIncompleteResponse) {
  START({"--body-timeout-ms=300"});
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
  Exchange silent(server->port());
  silent.Send(post);
  EXPECT_EQ(silent.Next().status, 408);
  Exchange trickle(server->port());
  trickle.Send(post + "a");
  const Response response = trickle.Next();
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete);
}

TEST_P(Http, AnIdleConnectionIsClosedWithoutAResponse) {
  START({"--idle-timeout-ms=200"});
  Exchange exchange(server->port());
  exchange.Send(kGet);
  EXPECT_EQ(exchange.Next().status, 200);
  EXPECT_EQ(exchange.Next().status, 0);
  EXPECT_NE(exchange.client.end(), Client::End::kOpen);
}

TEST_P(Http, AClientThatNeverReadsIsDroppedByTheWriteTimeout) {
  START({"--write-timeout-ms=300"});
  Client client(server->port());
  std::string requests;
  while (requests.size() < 16 << 20) requests += "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";
  client.SendUntilBlocked(requests);
  EXPECT_TRUE(WaitUntil([&] {
    const Response metrics = Ask(server->port(), "GET", "/metrics");
    return metrics.body.find("\nevnet_connections 1\n") != std::string::npos;
  }));
}

TEST_P(Http, GarbageAndResetsHurtNoOtherClient) {
  START();
  Exchange other(server->port());
  for (int i = 0; i < 50; i++) {
    Client client(server->port());
    client.TrySend(Pattern(static_cast<size_t>(i) * 1000 + 1));
    if (i % 2 == 0) client.Reset();
  }
  other.Send(kGet);
  EXPECT_EQ(other.Next().body, "Hello, World!");
  other.client.Close();
  server->Stop();
}

TEST_P(Http, AHalfClosedClientGetsItsAnswerAndAnIncompleteRequestGets400) {
  START();
  Exchange complete(server->port());
  complete.Send(kGet);
  complete.client.ShutdownWrite();
  EXPECT_EQ(complete.Rest().size(), 1u);
  for (const char *part : {"GET / HTTP/1.1\r\nHo",
                           "POST /echo HTTP/1.1\r\nHost: x\r\n"
                           "Content-Length: 5\r\n\r\n"}) {
    Exchange incomplete(server->port());
    incomplete.Send(part);
    incomplete.client.ShutdownWrite();
    EXPECT_EQ(incomplete.Next().status, 400);
    EXPECT_EQ(incomplete.Next().status, 0);
  }
}

TEST_P(Http, SigtermWaitsForABodyThatIsBeingEchoed) {
  START();
  Exchange exchange(server->port());
  exchange.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(exchange.Line(), "HTTP/1.1 200 OK");
  while (!exchange.Line().empty()) continue;
  EXPECT_EQ(exchange.Bytes(3), "abc");
  Exchange idle(server->port());
  idle.Send(kGet);
  EXPECT_EQ(idle.Next().status, 200);
  server->process().Signal(SIGTERM);
  EXPECT_EQ(idle.Next().status, 0) << "an idle connection closes";
  exchange.Send("def");
  EXPECT_EQ(exchange.Bytes(3), "def");
  EXPECT_EQ(exchange.Bytes(1), "") << "then the connection closes";
  exchange.client.Close();
  idle.client.Close();
  EXPECT_EQ(server->process().ExitCode(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    On, Http,
    testing::Values(Way{"Epoll", {"--backend=epoll"}}, Way{"IoUring", {"--backend=io_uring"}},
                    Way{"EpollReactors2", {"--backend=epoll", "--reactors=2"}},
                    Way{"IoUringReactors2", {"--backend=io_uring", "--reactors=2"}}),
    [](const testing::TestParamInfo<Way> &way) { return way.param.name; });

TEST(HttpArguments, HelpNamesEveryOptionAndABadOneEndsWithTwo) {
  Process help({"--help"});
  EXPECT_EQ(help.ExitCode(), 0);
  const std::string text = help.RestOfOut();
  for (const char *word :
       {"--root=DIR", "--head-timeout-ms=N", "--body-timeout-ms=N", "--idle-timeout-ms=N",
        "--write-timeout-ms=N", "--line-bytes-max=N", "--head-bytes-max=N", "--fields-max=N",
        "--body-bytes-max=N", "/metrics", "--reactors=N"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  for (const char *bad : {"--root=/nonexistent", "--root=/etc/passwd", "--root=",
                          "--head-timeout-ms=0", "--body-timeout-ms=x", "--idle-timeout-ms=3600001",
                          "--write-timeout-ms=", "--fields-max=0", "--line-bytes-max=65537",
                          "--head-bytes-max=262145", "--body-bytes-max=-1", "udp://127.0.0.1:0"}) {
    Process process({bad, "tcp://127.0.0.1:0"});
    EXPECT_EQ(process.ExitCode(), 2) << bad;
    EXPECT_NE(process.RestOfErr().find(bad), std::string::npos);
  }
}

TEST(HttpArguments, AnAddressInUseEndsWithOne) {
  HttpServer first({});
  Process second({"tcp://127.0.0.1:" + std::to_string(first.port())});
  EXPECT_EQ(second.ExitCode(), 1);
}

}  // namespace
}  // namespace evnet_testing
