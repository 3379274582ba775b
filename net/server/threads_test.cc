// The names of threads, and reactors that are pinned to a CPU.
#include <pthread.h>
#include <sched.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/thread.h"
#include "net/server/internal/affinity.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

std::vector<int> Mask() {
  cpu_set_t set;
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::string Name() {
  char name[16] = "";
  EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof name), 0);
  return name;
}

TEST(Pin, TakesTheCpusOfTheMaskInTurnAndGivesTheMaskBack) {
  const std::vector<int> all = Mask();
  for (uint32_t index = 0; index < 2 * all.size() + 1; index++) {
    evnet_affinity *before = nullptr;
    ASSERT_EQ(evnet_thread_pin(index, &before), 0);
    EXPECT_EQ(Mask(), std::vector<int>({all[index % all.size()]}));
    evnet_thread_unpin(before);
    EXPECT_EQ(Mask(), all);
  }
  evnet_thread_unpin(nullptr);
}

TEST(ThreadName, IsCutAtFifteenCharacters) {
  std::thread([] {
    evnet_thread_set_name("evnet", 1023);
    EXPECT_EQ(Name(), "evnet-1023");
    evnet_thread_set_name("evnet-worker", 1023);
    EXPECT_EQ(Name(), "evnet-worker-10");
  }).join();
}

// The name and the affinity mask of each reactor's thread, by the reactor's index.
struct Seen {
  std::mutex mutex;
  std::map<uint32_t, std::string> names;
  std::map<uint32_t, std::vector<int>> masks;
};

Callbacks Look(Seen *seen) {
  Callbacks callbacks = Echo();
  callbacks.on_open = [seen](evnet_conn *conn) {
    std::lock_guard<std::mutex> lock(seen->mutex);
    seen->names[evnet_conn_get_id(conn).reactor] = Name();
    seen->masks[evnet_conn_get_id(conn).reactor] = Mask();
    return EVNET_NONE;
  };
  return callbacks;
}

TEST(Reactors, AreNamedAndPinnedEachToItsCpuWhenSoAsked) {
  const std::vector<int> all = Mask();
  for (bool pin : {false, true}) {
    Seen seen;
    evnet_options options = {};
    options.reactors = 3;
    options.pin_reactors = pin;
    Server server(Look(&seen), options);
    for (int i = 0; i < 3; i++) {
      Client client(server.port());
      client.SendAll("x");
      EXPECT_EQ(client.Receive(1), "x");
    }
    EXPECT_EQ(server.Stop(5000), 0);
    ASSERT_EQ(seen.names.size(), 3u);
    for (uint32_t i = 0; i < 3; i++) {
      EXPECT_EQ(seen.names[i], "evnet-" + std::to_string(i));
      EXPECT_EQ(seen.masks[i], pin ? std::vector<int>({all[i % all.size()]}) : all);
    }
  }
}

TEST(Reactors, TheCallersThreadGetsItsNameAndMaskBack) {
  const std::vector<int> all = Mask();
  const std::string name = Name();
  Callbacks callbacks;
  std::vector<int> inside;
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    inside = Mask();
    *delay_ms = 1;
    return inside.size() == 1 ? EVNET_SHUTDOWN : EVNET_NONE;
  };
  evnet_options options = {};
  options.pin_reactors = true;
  Created created(callbacks, options);
  ASSERT_EQ(created.status(), 0);
  EXPECT_EQ(evnet_server_run(created.get()), 0);
  EXPECT_EQ(inside, std::vector<int>({all[0]}));
  EXPECT_EQ(Mask(), all);
  EXPECT_EQ(Name(), name);
}

}  // namespace
}  // namespace evnet_testing
