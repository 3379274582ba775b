// Tests of /metrics, /events and /status, with promtool and Chromium, and of the tools that people
// use with an HTTP server. A test whose program is not installed is skipped by its name.
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "examples/http/exchange.h"
#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

bool Has(const std::string &program) {
  return system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

#define NEEDS(program) \
  if (!Has(program)) GTEST_SKIP() << program << " is not installed"

// Runs a command and returns its output.
std::string Output(const std::string &command, int *out_status = nullptr) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  for (int byte; (byte = fgetc(pipe)) != EOF;) output += static_cast<char>(byte);
  const int status = pclose(pipe);
  if (out_status != nullptr) *out_status = status;
  return output;
}

const char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpMetrics, CountersAreThoseOfTheRequests) {
  HttpServer server({"--reactors=2"});
  {
    Exchange exchange(server.port());
    for (int i = 0; i < 5; i++) {
      exchange.Send(kGet);
      EXPECT_EQ(exchange.Next().status, 200);
    }
    exchange.Send("GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(exchange.Next().status, 404);
    exchange.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nabcdefg");
    EXPECT_EQ(exchange.Next().status, 200);
  }
  const std::string text = Ask(server.port(), "GET", "/metrics").body;
  for (const char *line :
       {"\nhttp_requests_total 8\n", "\nhttp_responses_total{class=\"4xx\"} 1\n",
        "\nhttp_responses_total{class=\"2xx\"} 6\n", "\nhttp_request_body_bytes_total 7\n",
        "\nevnet_connections_accepted_total 2\n", "\nevnet_reactor_connections{reactor=\"1\"} "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(HttpMetrics, PromtoolIsSatisfied) {
  NEEDS("promtool");
  HttpServer server({"--reactors=2"});
  const TempDirectory directory;
  const std::string path = directory.File("metrics");
  FILE *file = fopen(path.c_str(), "w");
  fputs(Ask(server.port(), "GET", "/metrics").body.c_str(), file);
  fclose(file);
  int status;
  const std::string output = Output("promtool check metrics < " + path, &status);
  EXPECT_EQ(status, 0) << output;
}

TEST(HttpEvents, ComeEachSecondUntilTheClientLeaves) {
  HttpServer server({"--reactors=2"});
  {
    Exchange exchange(server.port());
    exchange.Send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(exchange.Line(), "HTTP/1.1 200 OK");
    std::string head;
    for (std::string line; !(line = exchange.Line()).empty();) head += line + "\n";
    EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
    exchange.Send(kGet);  // ignored
    std::string events = exchange.Bytes(10);
    EXPECT_EQ(events, "data: {\"re");
    while (events.find("}\n\ndata: ") == std::string::npos && events.size() < 10000)
      events += exchange.Bytes(1);
    EXPECT_NE(events.find("\"reactors\":[{"), std::string::npos);
  }
  EXPECT_TRUE(WaitUntil([&] {
    const std::string text = Ask(server.port(), "GET", "/metrics").body;
    return text.find("\nevnet_connections 1\n") != std::string::npos;
  }));
  server.Stop();
}

TEST(HttpEvents, EndWithTheServer) {
  HttpServer server({});
  Exchange exchange(server.port());
  exchange.Send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(exchange.Line(), "HTTP/1.1 200 OK");
  exchange.client.ShutdownWrite();
  exchange.client.ReceiveToEnd();
  server.Stop();
}

TEST(HttpStatus, ThePageLoadsNothingFromElsewhere) {
  HttpServer server({});
  const Response page = Ask(server.port(), "GET", "/status");
  EXPECT_EQ(page.fields.at("content-type"), "text/html; charset=utf-8");
  for (const char *word : {"http://", "https://", "src=", "@import", "url("})
    EXPECT_EQ(page.body.find(word), std::string::npos) << word;
}

TEST(HttpStatus, ChromiumDrawsTheEventsAsTheyCome) {
  NEEDS("chromium");
  NEEDS("python3");
  HttpServer server({"--reactors=2"});
  const TempDirectory directory;
  const std::string profile = directory.path() + "/profile";
  // A line of two points has taken two events.
  const std::string page = Output("python3 examples/http/browse.py " + server.url() +
                                  "/status 'points=\"118,' " + profile);
  EXPECT_EQ(system(("rm -rf " + profile).c_str()), 0);
  if (page.find("<html") == std::string::npos) GTEST_SKIP() << "chromium does not run: " << page;
  EXPECT_NE(page.find("points=\"118,"), std::string::npos) << page;
  EXPECT_NE(page.find(">live, "), std::string::npos) << page;
  EXPECT_NE(page.find("<td>1</td>"), std::string::npos) << "a row for reactor 1: " << page;
}

TEST(HttpTools, CurlGetsAndPosts) {
  NEEDS("curl");
  HttpServer server({});
  EXPECT_EQ(Output("curl -sS " + server.url() + "/"), "Hello, World!");
  EXPECT_EQ(Output("curl -sS -d hello " + server.url() + "/echo"), "hello");
  EXPECT_EQ(Output("printf hello | curl -sS -T - -X POST " + server.url() + "/echo"), "hello");
  EXPECT_EQ(Output("curl -sS -0 " + server.url() + "/"), "Hello, World!");
  EXPECT_EQ(Output("head -c 3000000 /dev/zero | curl -sS --data-binary @- " + server.url() +
                   "/echo | wc -c"),
            "3000000\n");
}

TEST(HttpTools, WrkReportsNoError) {
  NEEDS("wrk");
  HttpServer server({});
  const std::string output = Output("wrk -t1 -c20 -d1 " + server.url() + "/");
  EXPECT_NE(output.find("Requests/sec"), std::string::npos) << output;
  EXPECT_EQ(output.find("Socket errors"), std::string::npos) << output;
  EXPECT_EQ(output.find("Non-2xx"), std::string::npos) << output;
}

TEST(HttpTools, AbKeepsItsConnections) {
  NEEDS("ab");
  HttpServer server({});
  const std::string output = Output("ab -q -k -c 10 -n 1000 " + server.url() + "/");
  EXPECT_NE(output.find("Keep-Alive requests:    1000"), std::string::npos) << output;
  EXPECT_NE(output.find("Failed requests:        0"), std::string::npos) << output;
}

TEST(HttpTools, H2loadPipelines) {
  NEEDS("h2load");
  HttpServer server({});
  const std::string output = Output("h2load --h1 -c 5 -m 16 -n 1000 " + server.url() + "/");
  EXPECT_NE(output.find("1000 succeeded, 0 failed, 0 errored"), std::string::npos) << output;
}

}  // namespace
}  // namespace evnet_testing
