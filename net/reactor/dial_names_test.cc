// Names are looked up by the system's getaddrinfo(3), with a name server that never replies, in
// namespaces that the test creates. A name without a reply delays no other name.
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "net/base/testing/listener.h"
#include "net/base/testing/net_namespace.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr int kSilentNames = 100;
constexpr double kBarMs = 50;
constexpr int kTries = 20;  // the machine may be busy, so only the best try counts

// Replaces a file of /etc with this text, for this process only.
bool Replace(const TempDirectory &directory, const std::string &name, const std::string &text) {
  const std::string path = directory.File(name);
  std::ofstream(path) << text;
  return mount(path.c_str(), ("/etc/" + name).c_str(), nullptr, MS_BIND, nullptr) == 0;
}

bool EnterNames(const TempDirectory &directory) {
  if (!EnterNetNamespace() || unshare(CLONE_NEWNS) != 0) return false;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return Replace(directory, "hosts", "127.0.0.1 fast.test\n") &&
         Replace(directory, "resolv.conf",
                 "nameserver 127.0.0.99\noptions timeout:10 attempts:1\n") &&
         Replace(directory, "nsswitch.conf", "hosts: files dns\n");
}

TEST(DialNames, WhileAHundredAreSilentAKnownOneOpensWithin50Ms) {
  const TempDirectory directory;
  if (!EnterNames(directory)) GTEST_SKIP() << "no namespaces, or no files of /etc to replace";
  const UdpClient silent_server("udp://127.0.0.99:53");
  PlainListener listener("tcp://127.0.0.1:0", 64);
  Harness harness;
  harness.Start();
  const std::string port = ":" + std::to_string(listener.port());
  std::vector<struct evnet_conn_id> silent;
  for (int i = 0; i < kSilentNames; i++)
    silent.push_back(harness.Dial("tcp://silent" + std::to_string(i) + ".test" + port));
  double best_ms = 1e9;
  for (int i = 0; i < kTries && best_ms > kBarMs; i++) {
    const auto begin = std::chrono::steady_clock::now();
    const struct evnet_conn_id id = harness.Dial("tcp://fast.test" + port);
    ASSERT_TRUE(harness.Until([&] { return harness.Of(id).opened == 1; }));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    best_ms = std::min(best_ms, took.count());
    harness.Close(harness.Of(id).conn);
    (void)close(listener.Accept());
  }
  EXPECT_LE(best_ms, kBarMs);
  for (const struct evnet_conn_id &id : silent) EXPECT_EQ(harness.Of(id).Story(), "");
}

}  // namespace
}  // namespace evnet_testing
