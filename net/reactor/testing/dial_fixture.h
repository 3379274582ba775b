// A reactor that dials, with names from a table (names.h).
#ifndef EVNET_NET_REACTOR_TESTING_DIAL_FIXTURE_H_
#define EVNET_NET_REACTOR_TESTING_DIAL_FIXTURE_H_

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "net/base/testing/listener.h"
#include "net/reactor/dial.h"
#include "net/reactor/testing/harness.h"
#include "net/reactor/testing/names.h"

namespace evnet_testing {

class DialTest : public ::testing::Test {
 protected:
  ~DialTest() override {
    TheNames().Release();
    harness.on.close = nullptr;  // it uses variables of the test, which no longer exist
    harness.Destroy();
    TheNames().Reset();
  }

  bool UntilClosed(const struct evnet_conn_id &id, Place place = Place::Here()) {
    return harness.Until([&] { return harness.Of(id).closed == 1; }, place);
  }
  bool UntilOpen(const struct evnet_conn_id &id, Place place = Place::Here()) {
    return harness.Until([&] { return harness.Of(id).opened == 1; }, place);
  }

  // Dials, waits for the failure, and returns its reason.
  Status Fail(const std::string &address, const evnet_dial_options &options = {},
              Place place = Place::Here()) {
    const struct evnet_conn_id id = harness.Dial(address, options, place);
    if (!UntilClosed(id, place)) return 0;
    EXPECT_EQ(harness.Of(id).Story(), "close");
    return harness.Of(id).reason;
  }

  // Reads from `peer` up to EOF, and turns the reactor meanwhile.
  std::string ReadToEnd(int peer, Place place = Place::Here()) {
    EXPECT_EQ(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    std::string got;
    harness.Until(
        [&] {
          std::string block(1 << 16, 0);
          const ssize_t size = read(peer, &block[0], block.size());
          if (size > 0) got.append(block, 0, static_cast<size_t>(size));
          return size == 0;
        },
        place);
    return got;
  }

  static evnet_dial_options Within(int64_t timeout_ms) {
    evnet_dial_options options = {};
    options.timeout_ms = timeout_ms;
    return options;
  }

  void LogTo(std::string *log) {
    harness.options.logger.log = [](evnet_log_level, const char *message, void *user) {
      *static_cast<std::string *>(user) += std::string(message) + "\n";
    };
    harness.options.logger.user = log;
    harness.options.logger.level = EVNET_LOG_DEBUG;
  }

  // Returns the address of the harness's listener, which is at 127.0.0.1, with this host.
  std::string At(const std::string &host) {
    return "tcp://" + host + ":" + std::to_string(evnet_address_port(&harness.address()));
  }

  Harness harness;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_DIAL_FIXTURE_H_
