// The web application with real databases, driven by sockets, by curl and by a browser.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/testing/database.h"
#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

struct Answer {
  int status = 0;
  std::string head;
  std::string content;
};

// One connection.
class Http {
 public:
  explicit Http(uint16_t port) : client_(port) {}

  Answer Request(const std::string &method, const std::string &path, const std::string &body = "") {
    Send(method, path, body);
    return Receive(method == "HEAD");
  }
  void Send(const std::string &method, const std::string &path, const std::string &body = "") {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: test\r\n";
    if (!cookie.empty()) request += "Cookie: other=1; session=" + cookie + "\r\n";
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client_.SendAll(request + "\r\n" + body);
  }
  Answer Receive(bool only_head = false) {
    Answer answer;
    while (answer.head.find("\r\n\r\n") == std::string::npos) {
      const std::string byte = client_.Receive(1);
      if (byte.empty()) return answer;
      answer.head += byte;
    }
    answer.status = atoi(answer.head.c_str() + strlen("HTTP/1.1 "));
    const size_t length = answer.head.find("Content-Length: ");
    if (length != std::string::npos && !only_head)
      answer.content = client_.Receive(
          static_cast<size_t>(atol(answer.head.c_str() + length + strlen("Content-Length: "))));
    return answer;
  }
  Answer Login(const std::string &name) {
    Answer answer = Request("POST", "/login", "name=" + name);
    const size_t at = answer.head.find("Set-Cookie: session=");
    if (at != std::string::npos)
      cookie = answer.head.substr(at + strlen("Set-Cookie: session="), 32);
    return answer;
  }

  std::string cookie;

 private:
  Client client_;
};

class Webapp : public ::testing::Test {
 public:
  static void SetUpTestSuite() { postgres_ = new PostgresServer; }
  static void TearDownTestSuite() {
    delete postgres_;
    postgres_ = nullptr;
  }

 protected:
  void SetUp() override {
    if (!redis_.installed()) GTEST_SKIP() << "redis-server is not installed";
    if (!postgres_->installed()) GTEST_SKIP() << "PostgreSQL is not installed";
    redis_.Start();
    postgres_->Start();
    program_ = std::make_unique<Process>(
        std::vector<std::string>{"--reactors=2", "--redis=" + std::string(redis_.socket()),
                                 "--postgres=" + postgres_->Connection(), "tcp://127.0.0.1:0"});
    port_ = PortOf(program_->Line());
    UntilItServes();
  }
  void TearDown() override {
    if (program_ != nullptr) {
      program_->Signal(SIGTERM);
      EXPECT_EQ(program_->ExitCode(), 0);
      EXPECT_EQ(program_->RestOfErr(), "");
    }
    postgres_->Stop(SIGINT);
  }
  // Waits until both reactors have both databases.
  void UntilItServes() {
    int in_a_row = 0;
    EXPECT_TRUE(WaitUntil([&] {
      Http http(port_);
      const bool good =
          http.Login("probe").status == 200 && http.Request("GET", "/notes").status == 200;
      in_a_row = good ? in_a_row + 1 : 0;
      return in_a_row == 4;
    }));
  }
  std::string Url(const std::string &path) {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  // Runs a command of the shell and returns its output.
  static std::string Run(const std::string &command) {
    FILE *pipe = popen(command.c_str(), "r");
    std::string output;
    char bytes[4096];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, pipe)) > 0) output.append(bytes, size);
    EXPECT_EQ(pclose(pipe), 0) << command;
    return output;
  }
  static bool Has(const std::string &program) {
    return system(("command -v " + program + " > /dev/null").c_str()) == 0;
  }

  static PostgresServer *postgres_;
  RedisServer redis_;
  std::unique_ptr<Process> program_;
  uint16_t port_ = 0;
};

PostgresServer *Webapp::postgres_ = nullptr;

TEST_F(Webapp, ASessionHasItsOwnNotes) {
  Http alice(port_), bob(port_), nobody(port_);
  EXPECT_EQ(nobody.Request("GET", "/notes").status, 401);
  EXPECT_EQ(nobody.Request("POST", "/notes", "text").status, 401);
  nobody.cookie = std::string(32, 'a');
  EXPECT_EQ(nobody.Request("GET", "/notes").status, 401);

  EXPECT_EQ(alice.Login("alice").content, "{\"name\":\"alice\"}\n");
  EXPECT_EQ(bob.Login("bob").status, 200);
  EXPECT_EQ(alice.Request("POST", "/notes", "first").status, 200);
  EXPECT_EQ(alice.Request("POST", "/notes", "a \"quoted\" \\ line\n'; DROP TABLE note; --").status,
            200);
  EXPECT_EQ(bob.Request("POST", "/notes", "bob's").status, 200);
  const std::string notes = alice.Request("GET", "/notes").content;
  EXPECT_NE(notes.find("\"text\":\"a \\\"quoted\\\" \\\\ line\\u000a'; DROP TABLE note; --\"}"),
            std::string::npos)
      << notes;
  EXPECT_NE(notes.find("\"text\":\"first\"}]"), std::string::npos) << notes;
  EXPECT_EQ(notes.find("bob"), std::string::npos);
}

TEST_F(Webapp, BadRequestsAreRefused) {
  Http http(port_);
  for (const char *body :
       {"name=", "name=a b", "name=<b>", "nome=x", "x", "name=123456789012345678901234567890123"}) {
    EXPECT_EQ(http.Request("POST", "/login", body).status, 400) << body;
  }
  EXPECT_EQ(http.Request("GET", "/login").status, 405);
  EXPECT_EQ(http.Request("DELETE", "/notes").status, 405);
  EXPECT_EQ(http.Request("GET", "/nothing").status, 404);
  EXPECT_EQ(http.Request("HEAD", "/").status, 200);
  EXPECT_EQ(http.Login("carol").status, 200);
  EXPECT_EQ(http.Request("POST", "/notes", "\xff\xfe").status, 400);
  EXPECT_EQ(http.Request("POST", "/notes", std::string("a\0b", 3)).status, 400);
  EXPECT_EQ(http.Request("POST", "/notes", std::string(4096, 'x')).status, 200);
  EXPECT_EQ(http.Request("POST", "/notes", std::string(4097, 'x')).status, 413);
}

TEST_F(Webapp, PipelinedRequestsAreAnsweredInOrder) {
  Http http(port_);
  ASSERT_EQ(http.Login("dave").status, 200);
  for (int i = 0; i < 20; i++) {
    http.Send("POST", "/notes", "note " + std::to_string(i));
    http.Send("GET", "/notes");
    http.Send("GET", "/nothing");
  }
  for (int i = 0; i < 20; i++) {
    EXPECT_EQ(http.Receive().status, 200);
    const std::string notes = http.Receive().content;
    EXPECT_NE(notes.find("note " + std::to_string(i) + "\"}"), std::string::npos) << notes;
    EXPECT_EQ(notes.find("note " + std::to_string(i + 1) + "\"}"), std::string::npos) << notes;
    EXPECT_EQ(http.Receive().status, 404);
  }
}

TEST_F(Webapp, CurlLogsInAndReadsItsNotes) {
  if (!Has("curl")) GTEST_SKIP() << "curl is not installed";
  const std::string jar = redis_.directory() + "/cookies";
  const std::string curl = "curl -sS --max-time 10 -c " + jar + " -b " + jar + " ";
  EXPECT_EQ(Run(curl + "-d name=curl " + Url("/login")), "{\"name\":\"curl\"}\n");
  EXPECT_EQ(Run(curl + "-d 'from curl' " + Url("/notes")), "added\n");
  EXPECT_NE(Run(curl + "-H 'Transfer-Encoding: chunked' -d 'in chunks' " + Url("/notes")), "");
  const std::string notes = Run(curl + Url("/notes"));
  EXPECT_NE(notes.find("from curl"), std::string::npos) << notes;
  EXPECT_NE(notes.find("in chunks"), std::string::npos) << notes;
}

TEST_F(Webapp, ABrowserShowsTheNotesAsText) {
  if (!Has("chromium")) GTEST_SKIP() << "chromium is not installed";
  const std::string profile = redis_.directory() + "/profile";
  const std::string page =
      Run("HOME=" + redis_.directory() +
          " timeout 60 chromium --headless --no-sandbox --disable-gpu "
          "--disable-dev-shm-usage --user-data-dir=" +
          profile + " --virtual-time-budget=10000 --dump-dom '" + Url("/#demo") + "' 2> /dev/null");
  EXPECT_NE(page.find("<li>&lt;b&gt;written by the page&lt;/b&gt;</li>"), std::string::npos)
      << page;
}

// Clients that send requests until the test ends them, and check each answer.
class Load {
 public:
  explicit Load(uint16_t port) {
    for (int i = 0; i < 8; i++) threads_.emplace_back([this, port, i] { Run(port, i); });
  }
  ~Load() {
    stop_ = true;
    for (std::thread &thread : threads_) thread.join();
  }
  int good() const { return good_; }
  int unavailable() const { return unavailable_; }

 private:
  void Run(uint16_t port, int number) {
    Http http(port);
    while (!stop_) {
      const Answer answer = http.cookie.empty() ? http.Login("load-" + std::to_string(number))
                            : number % 2 == 0   ? http.Request("GET", "/notes")
                                                : http.Request("POST", "/notes", "text");
      // After a restart Redis has forgotten the session.
      if (answer.status == 401) http.cookie.clear();
      if (answer.status == 200) good_++;
      if (answer.status == 503) unavailable_++;
      EXPECT_TRUE(answer.status == 200 || answer.status == 503 || answer.status == 401)
          << answer.status << " " << answer.head;
      if (answer.status == 0) return;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> good_{0};
  std::atomic<int> unavailable_{0};
  std::vector<std::thread> threads_;
};

// Waits until more requests than now had each kind of answer.
void ExpectMore(const Load &load, bool unavailable) {
  const int before = unavailable ? load.unavailable() : load.good();
  EXPECT_TRUE(
      WaitUntil([&] { return (unavailable ? load.unavailable() : load.good()) > before + 20; }));
}

TEST_F(Webapp, EveryRequestIsAnsweredWhileDatabasesStopAndStart) {
  Load load(port_);
  ExpectMore(load, false);
  for (int round = 0; round < 2; round++) {
    redis_.Stop(SIGKILL);
    ExpectMore(load, true);
    redis_.Start();
    ExpectMore(load, false);
    postgres_->Stop(SIGINT);
    ExpectMore(load, true);
    postgres_->Start();
    ExpectMore(load, false);
  }
}

// A stopped process keeps its sockets open and does not answer.
TEST_F(Webapp, EveryRequestIsAnsweredWhileADatabaseHangs) {
  Load load(port_);
  ExpectMore(load, false);
  redis_.Signal(SIGSTOP);
  ExpectMore(load, true);
  redis_.Signal(SIGCONT);
  ExpectMore(load, false);
}

}  // namespace
}  // namespace evnet_testing
