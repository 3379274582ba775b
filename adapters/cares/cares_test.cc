// Lookups by c-ares, with a name server of the test that also misbehaves, over each backend.
#include "adapters/cares/cares.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "adapters/cares/testing/dns_server.h"
#include "gtest/gtest.h"
#include "net/reactor/reactor.h"
#include "net/reactor/stats.h"

namespace evnet_testing {
namespace {

struct Told {
  int calls = 0;
  int status = 1;
  std::vector<std::string> addresses;
  std::string name;
};

void OnFound(int status, const evnet_address *addresses, size_t count, void *user) {
  if (user == nullptr) return;
  Told *const told = static_cast<Told *>(user);
  told->calls++;
  told->status = status;
  for (size_t i = 0; i < count; i++) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&addresses[i], text, sizeof text);
    told->addresses.push_back(text);
  }
}

void OnNamed(int status, const char *name, void *user) {
  Told *const told = static_cast<Told *>(user);
  told->calls++;
  told->status = status;
  if (name != nullptr) told->name = name;
}

size_t ThreadCount() {
  size_t count = 0;
  DIR *const tasks = opendir("/proc/self/task");
  while (const dirent *task = readdir(tasks)) count += task->d_name[0] != '.';
  (void)closedir(tasks);
  return count;
}

class Cares : public testing::TestWithParam<evnet_backend> {
 protected:
  void SetUp() override {
    evnet_cares_options options = {};
    const std::string servers = server_.address();
    options.servers = servers.c_str();
    options.timeout_ms = timeout_ms_;
    options.tries = tries_;
    options.lookups_max = lookups_max_;
    ASSERT_EQ(evnet_cares_create(&options, &cares_), 0);
    reactor_ = Create();
  }

  evnet_reactor *Create() {
    evnet_reactor_options options = {};
    options.backend = GetParam();
    options.resolve = evnet_cares_resolver(cares_);
    const evnet_handler handler = {};
    evnet_reactor *reactor = nullptr;
    const int status = evnet_reactor_create(&handler, nullptr, &options, &reactor);
    if (status < 0) skip_ = evnet_status_message(status);
    return reactor;
  }

  void SetUpAgain() {
    TearDown();
    SetUp();
  }

  void TearDown() override {
    evnet_reactor_destroy(reactor_);
    evnet_cares_destroy(cares_);
  }

  evnet_lookup_id Resolve(const std::string &host, Told *told, int family = AF_UNSPEC,
                          int64_t timeout_ms = 60000) {
    evnet_resolve_options options = {};
    options.family = family;
    options.timeout_ms = timeout_ms;
    evnet_lookup_id id = {};
    EXPECT_EQ(evnet_resolve(reactor_, host.c_str(), &options, OnFound, told, &id), 0);
    return id;
  }

  template <typename Done>
  void Until(const Done &done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      ASSERT_EQ(evnet_reactor_turn(reactor_, 10), 1);
    }
  }
  void UntilTold(const Told &told) {
    Until([&] { return told.calls > 0; });
  }

  DnsServer server_;
  int timeout_ms_ = 300;
  int tries_ = 20;
  size_t lookups_max_ = 0;
  evnet_cares *cares_ = nullptr;
  evnet_reactor *reactor_ = nullptr;
  std::string skip_;
};

#define SKIP_WITHOUT_BACKEND() \
  if (reactor_ == nullptr) GTEST_SKIP() << skip_

TEST_P(Cares, FindsAllAddressesOrThoseOfAFamily) {
  SKIP_WITHOUT_BACKEND();
  Told both, four, six;
  Resolve("ok.test", &both);
  Resolve("ok.test", &four, AF_INET);
  Resolve("ok.test", &six, AF_INET6);
  Until([&] { return both.calls + four.calls + six.calls == 3; });
  EXPECT_EQ(both.status, 0);
  EXPECT_EQ(both.addresses.size(), 2u);
  EXPECT_EQ(four.addresses, std::vector<std::string>({"tcp://192.0.2.1:0"}));
  EXPECT_EQ(six.addresses, std::vector<std::string>({"tcp://[2001:db8::1]:0"}));
}

TEST_P(Cares, AnUnknownNameFails) {
  SKIP_WITHOUT_BACKEND();
  Told told, malformed;
  Resolve("none.test", &told);
  Resolve(std::string(64, 'x') + "..test", &malformed);
  Until([&] { return told.calls + malformed.calls == 2; });
  EXPECT_EQ(told.status, EVNET_STATUS_ADDRESS);
  EXPECT_EQ(malformed.status, EVNET_STATUS_ADDRESS);
}

TEST_P(Cares, AFailureOfTheServerIsNoUnknownName) {
  SKIP_WITHOUT_BACKEND();
  Told empty, failing;
  Resolve("empty.test", &empty);
  Resolve("failing.test", &failing);
  Until([&] { return empty.calls + failing.calls == 2; });
  EXPECT_EQ(empty.status, EVNET_STATUS_ADDRESS);
  EXPECT_EQ(failing.status, EVNET_STATUS_LOOKUP);
}

TEST_P(Cares, AnswersWithAnotherIdAndGarbageAreIgnored) {
  SKIP_WITHOUT_BACKEND();
  Told wrong, garbage;
  Resolve("wrong.test", &wrong, AF_INET);
  Resolve("garbage.test", &garbage, AF_INET);
  Until([&] { return wrong.calls + garbage.calls == 2; });
  EXPECT_EQ(wrong.addresses, std::vector<std::string>({"tcp://192.0.2.1:0"}));
  for (const std::string &address : garbage.addresses) EXPECT_EQ(address, "tcp://192.0.2.1:0");
}

TEST_P(Cares, ATruncatedAnswerIsRepeatedOverTcp) {
  SKIP_WITHOUT_BACKEND();
  Told told;
  Resolve("truncated.test", &told, AF_INET);
  UntilTold(told);
  EXPECT_EQ(told.addresses, std::vector<std::string>({"tcp://192.0.2.1:0"}));
  EXPECT_GE(server_.asked_tcp(), 1u);
}

TEST_P(Cares, AHugeAnswerIsCut) {
  SKIP_WITHOUT_BACKEND();
  Told told;
  Resolve("huge.test", &told, AF_INET);
  UntilTold(told);
  EXPECT_EQ(told.status, 0);
  EXPECT_EQ(told.addresses.size(), static_cast<size_t>(EVNET_RESOLVER_ADDRESSES_MAX));
}

TEST_P(Cares, ASilentServerDelaysNoOtherAndTheTimeoutHolds) {
  SKIP_WITHOUT_BACKEND();
  Told silent, ok;
  Resolve("silent.test", &silent, AF_INET, 150);
  Resolve("ok.test", &ok, AF_INET);
  UntilTold(ok);
  EXPECT_EQ(ok.status, 0);
  UntilTold(silent);
  EXPECT_EQ(silent.status, -ETIMEDOUT);
}

TEST_P(Cares, ALateAnswerReachesNoOtherLookup) {
  SKIP_WITHOUT_BACKEND();
  Told cancelled, other;
  const evnet_lookup_id id = Resolve("held.test", &cancelled, AF_INET);
  Until([&] { return server_.held() == 1; });
  EXPECT_EQ(evnet_resolve_cancel(reactor_, id), 0);
  Resolve("ok.test", &other, AF_INET6);
  server_.Release();
  UntilTold(other);
  Told next;
  Resolve("ok.test", &next, AF_INET);
  UntilTold(next);
  EXPECT_EQ(cancelled.calls, 0);
  EXPECT_EQ(other.calls, 1);
}

TEST_P(Cares, TenThousandLookupsAreInFlightWithoutAThread) {
  timeout_ms_ = 5000;  // no query is repeated while it is held
  SetUpAgain();
  SKIP_WITHOUT_BACKEND();
  constexpr size_t kCount = 10000;
  constexpr size_t kBurst = 100;  // datagrams that fit into a receive buffer
  const size_t threads = ThreadCount();
  std::vector<Told> told(kCount);
  for (size_t i = 0; i < kCount; i++) {
    Resolve("held" + std::to_string(i) + ".test", &told[i], AF_INET);
    if ((i + 1) % kBurst == 0) Until([&] { return server_.held() == i + 1; });
  }
  struct evnet_reactor_stats stats;
  evnet_reactor_get_stats(reactor_, &stats);
  EXPECT_EQ(stats.lookups_pending, kCount);
  EXPECT_EQ(ThreadCount(), threads);
  for (uint64_t left = kCount; left > 0; left = stats.lookups_pending) {
    server_.Release(kCount - left + kBurst);
    Until([&] {
      evnet_reactor_get_stats(reactor_, &stats);
      return stats.lookups_pending < left;
    });
  }
  for (const Told &each : told) {
    ASSERT_EQ(each.calls, 1);
    ASSERT_EQ(each.addresses, std::vector<std::string>({"tcp://192.0.2.1:0"}));
  }
}

TEST_P(Cares, ANameOfAnAddressIsFoundIfItIsPlain) {
  SKIP_WITHOUT_BACKEND();
  evnet_address seven, other;
  ASSERT_EQ(evnet_address_parse("192.0.2.7:80", &seven, nullptr, 0), 0);
  ASSERT_EQ(evnet_address_parse("192.0.2.8:80", &other, nullptr, 0), 0);
  Told plain, hostile;
  EXPECT_EQ(evnet_resolve_name(reactor_, &seven, 0, OnNamed, &plain, nullptr), 0);
  EXPECT_EQ(evnet_resolve_name(reactor_, &other, 0, OnNamed, &hostile, nullptr), 0);
  Until([&] { return plain.calls + hostile.calls == 2; });
  EXPECT_EQ(plain.name, "seven.test");
  EXPECT_EQ(hostile.status, EVNET_STATUS_ADDRESS);
}

TEST_P(Cares, AnEntryOfEtcHostsNeedsNoServer) {
  SKIP_WITHOUT_BACKEND();
  std::ifstream hosts("/etc/hosts");
  std::string line, found;
  while (found.empty() && std::getline(hosts, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address, name;
    if (words >> address >> name && address.find(':') == std::string::npos &&
        name.find("localhost") == std::string::npos)
      found = name;
  }
  if (found.empty()) GTEST_SKIP() << "/etc/hosts has only localhost";
  Told told;
  Resolve(found, &told, AF_INET);
  UntilTold(told);
  EXPECT_EQ(told.status, 0);
  EXPECT_EQ(server_.asked(), 0u);
}

TEST_P(Cares, CancelledLookupsCountUntilTheyEnd) {
  lookups_max_ = 3;
  SetUpAgain();
  SKIP_WITHOUT_BACKEND();
  Told told;
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(evnet_resolve_cancel(reactor_, Resolve("held" + std::to_string(i), &told, AF_INET)),
              0);
  EXPECT_EQ(evnet_resolve(reactor_, "ok.test", nullptr, OnFound, &told, nullptr), -EAGAIN);
  EXPECT_EQ(told.calls, 0);
}

TEST_P(Cares, AReactorThatEndsEndsItsLookups) {
  SKIP_WITHOUT_BACKEND();
  std::vector<Told> told(100);
  for (size_t i = 0; i < told.size(); i++) Resolve("silent" + std::to_string(i), &told[i]);
  ASSERT_EQ(evnet_reactor_turn(reactor_, 0), 1);
  evnet_reactor_stop(reactor_, 60000);
  while (evnet_reactor_turn(reactor_, 10) > 0) {
  }
  for (const Told &each : told) {
    EXPECT_EQ(each.calls, 1);
    EXPECT_EQ(each.status, -ESHUTDOWN);
  }
}

TEST_P(Cares, AChildOfAForkLooksUpOnAReactorOfItsOwn) {
  SKIP_WITHOUT_BACKEND();
  Told told;
  Resolve("held.test", &told, AF_INET);
  Until([&] { return server_.held() == 1; });
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    reactor_ = Create();
    Told own;
    Resolve("ok.test", &own, AF_INET);
    UntilTold(own);
    evnet_reactor_destroy(reactor_);
    _exit(own.status == 0 && !HasFailure() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  server_.Release();
  UntilTold(told);
  EXPECT_EQ(told.status, 0);
}

TEST(CaresOptions, ABadOptionIsRefused) {
  evnet_cares *cares = nullptr;
  evnet_cares_options options = {};
  options.servers = "not a server";
  EXPECT_EQ(evnet_cares_create(&options, &cares), EVNET_STATUS_OPTION);
  options.servers = nullptr;
  options.tries = -1;
  EXPECT_EQ(evnet_cares_create(&options, &cares), EVNET_STATUS_OPTION);
  EXPECT_EQ(cares, nullptr);
  evnet_cares_destroy(nullptr);
}

INSTANTIATE_TEST_SUITE_P(Backends, Cares,
                         testing::Values(EVNET_BACKEND_EPOLL, EVNET_BACKEND_IO_URING),
                         [](const testing::TestParamInfo<evnet_backend> &each) {
                           return std::string(each.param == EVNET_BACKEND_EPOLL ? "epoll"
                                                                                : "io_uring");
                         });

}  // namespace
}  // namespace evnet_testing
