// The choice of the backend: by option, automatic, and after the kernel has refused a backend. Also
// the system calls of a turn of io_uring, counted by wrapped functions (the linker's --wrap).
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

// Calls of the liburing functions that call io_uring_enter(2). Only this test's build wraps them.
std::atomic<int> enters{0};

}  // namespace

extern "C" {

// Weak, because there are builds without liburing. The test does not need its structs.
int __real_io_uring_submit(void *ring) __attribute__((weak));
int __real_io_uring_submit_and_get_events(void *ring) __attribute__((weak));
int __real_io_uring_submit_and_wait_timeout(void *ring, void *cqe, unsigned count, void *limit,
                                            void *mask) __attribute__((weak));

int __wrap_io_uring_submit(void *ring) {
  enters++;
  return __real_io_uring_submit(ring);
}
int __wrap_io_uring_submit_and_get_events(void *ring) {
  enters++;
  return __real_io_uring_submit_and_get_events(ring);
}
int __wrap_io_uring_submit_and_wait_timeout(void *ring, void *cqe, unsigned count, void *limit,
                                            void *mask) {
  enters++;
  return __real_io_uring_submit_and_wait_timeout(ring, cqe, count, limit, mask);
}

}  // extern "C"

namespace evnet_testing {
namespace {

evnet_options Named(evnet_backend backend) {
  evnet_options options = {};
  options.backend = backend;
  return options;
}

// Returns 0, or the error if this machine does not support io_uring.
int UringStatus() {
  evnet_poller_options options = {};
  options.backend = EVNET_BACKEND_IO_URING;
  evnet_poller *poller = nullptr;
  const int status = evnet_poller_create(&options, &poller);
  if (status == 0) evnet_poller_destroy(poller);
  return status;
}

// Makes a system call fail with `error` permanently, for this thread and the threads it creates.
void Refuse(unsigned call, int error) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof code / sizeof code[0], code};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

void RefuseUring(int error) { Refuse(__NR_io_uring_setup, error); }

// Runs `function` in a child process. Returns true if none of its expectations failed.
bool InAChild(const std::function<void()> &function) {
  const pid_t child = fork();
  if (child == 0) {
    function();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void ExpectEcho(const Server &server) {
  Client client(server.port());
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

TEST(Backend, ByNameIsTheOneInUse) {
  {
    Server server(Echo(), Named(EVNET_BACKEND_EPOLL));
    ExpectEcho(server);
    EXPECT_STREQ(server.stats().backend, "epoll");
  }
  const int status = UringStatus();
  if (status == -ENOSYS || status == -EPERM) {
    GTEST_SKIP() << evnet_poller_create_message(EVNET_BACKEND_IO_URING, status);
  }
  evnet_options options = Named(EVNET_BACKEND_IO_URING);
  options.reactors = 3;
  Server server(Echo(), options);
  ExpectEcho(server);
  EXPECT_STREQ(server.stats().backend, "io_uring");
}

TEST(Backend, AnotherSystemsFailsAndTheLogSaysWhy) {
  Created server(Echo(), Named(EVNET_BACKEND_KQUEUE));
  ASSERT_EQ(server.status(), 0);
  EXPECT_EQ(evnet_server_run(server.get()), -ENOSYS);
  EXPECT_TRUE(server.log().Has("option backend: ")) << server.log().Text();
  EXPECT_TRUE(server.log().Has("another system's backend")) << server.log().Text();
}

TEST(Backend, WhereASandboxRefusesEventfdTheLogDoesNotSpeakOfAnotherSystem) {
  for (const evnet_backend backend :
       {EVNET_BACKEND_AUTO, EVNET_BACKEND_EPOLL, EVNET_BACKEND_IO_URING}) {
    for (const int error : {EPERM, ENOSYS}) {
      EXPECT_TRUE(InAChild([&] {
        Refuse(__NR_eventfd2, error);
        Created server(Echo(), Named(backend));
        EXPECT_LT(evnet_server_run(server.get()), 0);
        EXPECT_FALSE(server.log().Has("another system")) << server.log().Text();
        EXPECT_TRUE(server.log().Has("refused")) << server.log().Text();
        const bool names_it = server.log().Has("eventfd") || server.log().Has("does not include");
        EXPECT_TRUE(names_it || backend == EVNET_BACKEND_IO_URING) << server.log().Text();
      })) << "backend "
          << backend << ", errno " << error;
    }
  }
}

TEST(Backend, AThreadThatCannotBeMadeIsNamedAndNotSaidToBlock) {
  for (const bool by_start : {false, true}) {
    EXPECT_TRUE(InAChild([&] {
      evnet_options options = {};
      options.reactors = 3;
      Created server(Echo(), options);
      Refuse(__NR_clone3, EAGAIN);
      Refuse(__NR_clone, EAGAIN);
      EXPECT_EQ(by_start ? evnet_server_start(server.get()) : evnet_server_run(server.get()),
                -EAGAIN);
      EXPECT_TRUE(server.log().Has(by_start ? "cannot create the thread of reactor 0: a limit"
                                            : "cannot create the thread of reactor 1: a limit"))
          << server.log().Text();
      EXPECT_FALSE(server.log().Has("would block")) << server.log().Text();
    }));
  }
}

TEST(Backend, WhereUringIsRefusedAutoServesAndByNameItFailsAndTheLogSaysWhy) {
  const bool in_build = UringStatus() != -ENOSYS;
  for (const int error : {EPERM, ENOSYS}) {
    EXPECT_TRUE(InAChild([&] {
      RefuseUring(error);
      {
        Server server;
        ExpectEcho(server);
        EXPECT_STREQ(server.stats().backend, "epoll");
      }
      for (const int reactors : {1, 3}) {
        evnet_options options = Named(EVNET_BACKEND_IO_URING);
        options.reactors = reactors;
        Created server(Echo(), options);
        EXPECT_EQ(server.status(), 0);
        EXPECT_EQ(evnet_server_run(server.get()), in_build ? -error : -ENOSYS);
        EXPECT_TRUE(server.log().Has("option backend: io_uring ")) << server.log().Text();
        if (in_build && error == EPERM) {
          EXPECT_TRUE(server.log().Has("seccomp")) << server.log().Text();
        }
      }
    })) << "errno "
        << error;
  }
}

// Sets the process's limit of address space. Returns false if the process already uses more, as
// with a sanitizer.
bool LimitAddressSpace(size_t bytes) {
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == nullptr || fscanf(file, "%zu", &pages) != 1) pages = SIZE_MAX / 4096;
  if (file != nullptr) fclose(file);
  if (pages * 4096 > bytes / 4) return false;
  const rlimit limit = {bytes, bytes};
  return setrlimit(RLIMIT_AS, &limit) == 0;
}

TEST(Backend, WhereAddressSpaceIsShortTheDefaultOfConnectionsMaxFollowsIt) {
  // glibc's malloc reserves up to 128 MiB of the larger limit for each thread.
  const struct {
    int reactors;
    size_t bytes;
  } cases[] = {{1, size_t{400} << 20}, {16, size_t{3} << 30}};
  for (const auto &c : cases) {
    EXPECT_TRUE(InAChild([&] {
      if (!LimitAddressSpace(c.bytes)) return;
      evnet_options options = {};
      options.reactors = c.reactors;
      Server server(Echo(), options);
      ExpectEcho(server);
      EXPECT_TRUE(server.log().Has("option connections_max: the default is "))
          << server.log().Text();
      EXPECT_TRUE(server.log().Has("ulimit -v allows " + std::to_string(c.bytes) + " bytes"));
    })) << c.reactors;
  }
}

TEST(Backend, WhereAddressSpaceIsShortForConnectionsMaxTheLogNamesBoth) {
  EXPECT_TRUE(InAChild([&] {
    if (!LimitAddressSpace(400 << 20)) return;
    evnet_options options = {};
    options.connections_max = 8 << 20;
    Created server(Echo(), options);
    EXPECT_EQ(evnet_server_run(server.get()), -ENOMEM);
    EXPECT_TRUE(server.log().Has("option connections_max = 8388608: cannot reserve 107"))
        << server.log().Text();
    EXPECT_TRUE(server.log().Has("bytes of address space; raise ulimit -v"));
  }));
}

// Limits locked memory permanently, also for a privileged user.
void LimitLockedMemory(rlim_t bytes) {
  __user_cap_header_struct header = {};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
  const uint32_t others = ~uint32_t{CAP_TO_MASK(CAP_IPC_LOCK)};
  data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= others;
  data[CAP_TO_INDEX(CAP_IPC_LOCK)].permitted &= others;
  ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
  rlimit limit = {};
  limit.rlim_cur = limit.rlim_max = bytes;
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

TEST(Backend, WhereLockedMemoryIsScarceAutoServesAndByNameItFailsSoonAndTheLogNamesTheLimit) {
  const int status = UringStatus();
  if (status == -ENOSYS || status == -EPERM) {
    GTEST_SKIP() << evnet_poller_create_message(EVNET_BACKEND_IO_URING, status);
  }
  EXPECT_TRUE(InAChild([] {
    LimitLockedMemory(65536);
    {
      Server server;
      ExpectEcho(server);
      EXPECT_STREQ(server.stats().backend, "epoll");
    }
    for (const int reactors : {1, 3}) {
      evnet_options options = Named(EVNET_BACKEND_IO_URING);
      options.reactors = reactors;
      Created server(Echo(), options);
      EXPECT_EQ(evnet_server_run(server.get()), -ENOMEM);
      EXPECT_TRUE(server.log().Has("RLIMIT_MEMLOCK is 65536 bytes")) << server.log().Text();
    }
  }));
  // The server must not wait for memory, because no ring is about to release any.
  EXPECT_TRUE(InAChild([] {
    LimitLockedMemory(65536);
    const int64_t before_ms = NowMs();
    EXPECT_EQ(UringStatus(), -ENOMEM);
    EXPECT_LT(NowMs() - before_ms, 450)
        << "the start waits for a ring that this process has closed";
  }));
}

TEST(Backend, ATurnOfUringIsOneEnterHoweverManyConnectionsItServes) {
  const int status = UringStatus();
  if (status == -ENOSYS || status == -EPERM) {
    GTEST_SKIP() << evnet_poller_create_message(EVNET_BACKEND_IO_URING, status);
  }
  Server server(Echo(), Named(EVNET_BACKEND_IO_URING));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 64; i++) clients.push_back(std::make_unique<Client>(server.port()));
  for (auto &client : clients) ASSERT_EQ(client->Exchange("warm"), "warm");
  const int enters_before = enters;
  const uint64_t turns_before = server.stats().turns;
  for (int round = 0; round < 50; round++) {
    for (auto &client : clients) client->SendAll("ping");
    for (auto &client : clients) ASSERT_EQ(client->Receive(4), "ping");
  }
  // The turn that waits now has called io_uring_enter but is not counted yet. Another turn may end
  // between the two reads.
  const int enters_of_rounds = enters - enters_before;
  const uint64_t turns = server.stats().turns - turns_before;
  EXPECT_LE(enters_of_rounds, static_cast<int>(turns) + 2);
  EXPECT_GT(turns, 0u);
}

}  // namespace
}  // namespace evnet_testing
