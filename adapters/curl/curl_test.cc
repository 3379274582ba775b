// libcurl on a reactor, with a server of evnet that answers each request after a moment.
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "adapters/curl/evnet_curl.h"
#include "adapters/testing/loop.h"
#include "evnet/evnet.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

// Answers "GET /N" with N bytes, and "GET /never" never. Keeps connections open.
class HttpServer {
 public:
  HttpServer() {
    evnet_handler handler = {};
    handler.on_data = [](evnet_conn *conn, void *) {
      const evnet_bytes in = evnet_conn_peek(conn);
      const std::string all(reinterpret_cast<const char *>(in.data), in.size);
      const size_t end = all.find("\r\n\r\n");
      if (end == std::string::npos || all.compare(0, 10, "GET /never") == 0) return EVNET_NONE;
      const size_t count = static_cast<size_t>(atol(all.c_str() + 5));
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(count) +
                                 "\r\n\r\n" + std::string(count, 'x');
      evnet_conn_write(conn, answer.data(), answer.size());
      evnet_conn_discard(conn, end + 4);
      return EVNET_NONE;
    };
    const char *addresses[] = {"tcp://127.0.0.1:0"};
    EXPECT_EQ(evnet_server_create(&handler, nullptr, addresses, 1, nullptr, &server_), 0);
    EXPECT_EQ(evnet_server_start(server_), 0);
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server_, 0, &address), 0);
    url_ = "http://127.0.0.1:" + std::to_string(evnet_address_port(&address)) + "/";
  }
  ~HttpServer() {
    evnet_server_stop(server_, 0);
    evnet_server_wait(server_);
    evnet_server_destroy(server_);
  }
  const std::string &url() const { return url_; }

 private:
  evnet_server *server_ = nullptr;
  std::string url_;
};

class Curl : public ::testing::TestWithParam<evnet_backend> {
 protected:
  void SetUp() override {
    multi_ = curl_multi_init();
    ASSERT_EQ(evnet_curl_attach(
                  loop_.get(), multi_,
                  [](CURLM *multi, CURL *easy, CURLcode result, void *user) {
                    Curl *test = static_cast<Curl *>(user);
                    test->results_[easy] = result;
                    EXPECT_EQ(curl_multi_remove_handle(multi, easy), CURLM_OK);
                    if (test->detach_on_done_) test->Detach();
                  },
                  this, &attachment_),
              0);
  }
  void TearDown() override {
    Detach();
    for (CURL *easy : handles_) {
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi_);
  }
  void Detach() {
    evnet_curl_detach(attachment_);
    attachment_ = nullptr;
  }
  CURL *Get(const std::string &path, std::string *body) {
    CURL *easy = curl_easy_init();
    handles_.push_back(easy);
    curl_easy_setopt(easy, CURLOPT_URL, (server_.url() + path).c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(
        easy, CURLOPT_WRITEFUNCTION, +[](char *data, size_t one, size_t count, void *out) {
          static_cast<std::string *>(out)->append(data, one * count);
          return one * count;
        });
    EXPECT_EQ(curl_multi_add_handle(multi_, easy), CURLM_OK);
    return easy;
  }

  HttpServer server_;
  Loop loop_{GetParam()};
  CURLM *multi_ = nullptr;
  evnet_curl *attachment_ = nullptr;
  std::vector<CURL *> handles_;
  std::map<CURL *, CURLcode> results_;
  bool detach_on_done_ = false;
};

TEST_P(Curl, ManyTransfersRunAtTheSameTime) {
  std::vector<std::string> bodies(200);
  for (size_t i = 0; i < bodies.size(); i++) Get(std::to_string(i * 5000), &bodies[i]);
  loop_.Until([&] { return results_.size() == bodies.size(); });
  for (const auto &each : results_) EXPECT_EQ(each.second, CURLE_OK);
  for (size_t i = 0; i < bodies.size(); i++) EXPECT_EQ(bodies[i].size(), i * 5000) << i;
}

TEST_P(Curl, AConnectionIsUsedAgain) {
  for (int i = 1; i <= 5; i++) {
    std::string body;
    CURL *easy = Get("3", &body);
    loop_.Until([&] { return results_.count(easy) == 1; });
    EXPECT_EQ(body, "xxx");
    long connects = -1;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    EXPECT_EQ(connects, i == 1 ? 1 : 0);
  }
}

TEST_P(Curl, ATimeoutEndsATransfer) {
  std::string body;
  CURL *easy = Get("never", &body);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 50L);
  loop_.Until([&] { return results_.count(easy) == 1; });
  EXPECT_EQ(results_[easy], CURLE_OPERATION_TIMEDOUT);
}

TEST_P(Curl, ATransferMayBeRemovedWhileItRuns) {
  std::string never, body;
  CURL *removed = Get("never", &never);
  CURL *other = Get("7", &body);
  loop_.Until([&] { return results_.count(other) == 1; });
  EXPECT_EQ(curl_multi_remove_handle(multi_, removed), CURLM_OK);
  CURL *again = Get("8", &body);
  loop_.Until([&] { return results_.count(again) == 1; });
  EXPECT_EQ(body.size(), 15u);
  EXPECT_EQ(results_.count(removed), 0u);
}

TEST_P(Curl, OnDoneMayDetach) {
  std::string body;
  detach_on_done_ = true;
  CURL *easy = Get("3", &body);
  loop_.Until([&] { return results_.count(easy) == 1; });
  EXPECT_EQ(attachment_, nullptr);
}

TEST_P(Curl, AReactorMayEndDuringATransfer) {
  std::string body;
  Get("never", &body);
  for (int i = 0; i < 10; i++) ASSERT_EQ(evnet_reactor_turn(loop_.get(), 1), 1);
  Detach();
  loop_.Destroy();
  EXPECT_TRUE(results_.empty());
}

INSTANTIATE_TEST_SUITE_P(OnEach, Curl, ::testing::Values(EVNET_BACKEND_EPOLL, EVNET_BACKEND_AUTO));

}  // namespace
}  // namespace evnet_testing
