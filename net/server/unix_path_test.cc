// The ownership of a Unix path: which files a server replaces, which ones it refuses and what it
// logs, and which files remain.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// Root may connect to any socket. While this object exists, file permissions apply to this thread
// and the threads it creates (capabilities(7)).
class HeedPermissions {
 public:
  HeedPermissions() {
    EXPECT_EQ(syscall(SYS_capget, &header_, before_), 0);
    __user_cap_data_struct without[2] = {before_[0], before_[1]};
    without[0].effective &= ~(1u << CAP_DAC_OVERRIDE);
    EXPECT_EQ(syscall(SYS_capset, &header_, without), 0);
  }
  HeedPermissions(const HeedPermissions &) = delete;
  HeedPermissions &operator=(const HeedPermissions &) = delete;
  ~HeedPermissions() { EXPECT_EQ(syscall(SYS_capset, &header_, before_), 0); }

 private:
  __user_cap_header_struct header_ = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct before_[2] = {};
};

class UnixPath : public testing::Test {
 protected:
  std::string path() const { return directory_.File("socket"); }
  std::string text() const { return "unix://" + path(); }
  evnet_address address() const {
    evnet_address address = {};
    EXPECT_EQ(evnet_address_parse(text().c_str(), &address, nullptr, 0), 0);
    return address;
  }

  // Returns a socket bound to the path. It does not listen if backlog is -1.
  int Bind(int type, int backlog) {
    const int descriptor = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    const evnet_address to = address();
    EXPECT_EQ(bind(descriptor, &to.socket.any, to.size), 0) << strerror(errno);
    if (backlog >= 0) {
      EXPECT_EQ(listen(descriptor, backlog), 0);
    }
    return descriptor;
  }
  void LeaveStaleSocket() { close(Bind(SOCK_STREAM, -1)); }

  ino_t Inode(const std::string &name = "socket") const {
    struct stat there = {};
    return lstat(directory_.File(name).c_str(), &there) == 0 ? there.st_ino : 0;
  }

  void ExpectServed() {
    Client client(address());
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }

  // Expects that the start fails, and that the log contains the path and `why`.
  void ExpectRefused(int status, const std::string &why) {
    Created created(Echo(), {}, {text()});
    ASSERT_EQ(created.status(), 0);
    EXPECT_EQ(evnet_server_start(created.get()), status);
    EXPECT_TRUE(created.log().Has("cannot listen on '" + text() + "': ")) << created.log().Text();
    EXPECT_TRUE(created.log().Has(why)) << created.log().Text();
  }

  const TempDirectory directory_;
};

TEST_F(UnixPath, IsServedAndItsFilesGoWithTheServer) {
  for (int round = 0; round < 10; round++) {  // each round immediately after the last one
    Server server(Echo(), {}, {text()});
    EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket", "socket.lock"}));
    EXPECT_TRUE(server.log().Has("listening on " + text()));
    ExpectServed();
    EXPECT_EQ(server.Stop(1000), 0);
    EXPECT_TRUE(directory_.Names().empty());
  }
}

TEST_F(UnixPath, IsFreeForTheNextAsSoonAsAStopHasBegun) {
  Callbacks callbacks = Echo();
  Journal journal;
  callbacks.on_stopping = [&](evnet_conn *conn) {
    evnet_conn_hold(conn);
    journal.Add("stopping");
  };
  callbacks.on_half_close = [](evnet_conn *conn) {
    evnet_conn_release(conn);
    return EVNET_NONE;
  };
  Server leaving(callbacks, {}, {text()});
  Client client(address());
  ASSERT_TRUE(leaving.WaitForOpen(1));
  evnet_server_stop(leaving.get(), 20000);
  ASSERT_TRUE(journal.WaitFor("stopping"));
  {
    Server next(Echo(), {}, {text()});
    ExpectServed();
    client.ShutdownWrite();
    EXPECT_EQ(leaving.Wait(), 0);
    ExpectServed();  // the other server must not remove its files
  }
  EXPECT_TRUE(directory_.Names().empty());
}

TEST_F(UnixPath, AStaleSocketIsReplaced) {
  LeaveStaleSocket();
  Server server(Echo(), {}, {text()});
  ExpectServed();
}

TEST_F(UnixPath, IsServedAgainAtOnceAfterAKill) {
  for (int round = 0; round < 3; round++) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      evnet_handler handler = {};
      handler.on_boot = [](evnet_server *, void *user) {
        return write(*static_cast<int *>(user), "x", 1) == 1 ? EVNET_NONE : EVNET_SHUTDOWN;
      };
      evnet_options options = {};
      options.backend = TestBackend();
      const std::string where = text();
      const char *const addresses[] = {where.c_str()};
      _exit(evnet_serve(&handler, &ready[1], addresses, 1, &options) == 0 ? 0 : 1);
    }
    close(ready[1]);
    char byte;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket", "socket.lock"}));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }
  Server server(Echo(), {}, {text()});
  ExpectServed();
}

TEST_F(UnixPath, OfAnotherProgramsServerIsRefusedAndLeftAlone) {
  const int other = Bind(SOCK_STREAM, 5);
  const ino_t before = Inode();
  ExpectRefused(-EADDRINUSE, "another server is listening on this path (address in use)\n");
  EXPECT_EQ(Inode(), before);
  EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket"}));
  close(other);
}

TEST_F(UnixPath, OfAServerWithAFullBacklogIsRefused) {
  const int other = Bind(SOCK_STREAM, 0);
  const evnet_address to = address();
  std::vector<int> clients;
  do {
    ASSERT_LT(clients.size(), 100u);
    clients.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  } while (connect(clients.back(), &to.socket.any, to.size) == 0);
  EXPECT_EQ(errno, EAGAIN);
  const ino_t before = Inode();
  ExpectRefused(-EADDRINUSE, "this path, and its backlog is full (address in use)\n");
  EXPECT_EQ(Inode(), before);
  for (const int client : clients) close(client);
  close(other);
}

TEST_F(UnixPath, OfASocketOfAnotherKindIsRefused) {
  const int other = Bind(SOCK_DGRAM, -1);
  const ino_t before = Inode();
  ExpectRefused(-EADDRINUSE, "uses this path: connect() failed (address in use)\n");
  EXPECT_EQ(Inode(), before);
  close(other);
}

TEST_F(UnixPath, ThatMayNotBeConnectedToIsRefused) {
  const int other = Bind(SOCK_STREAM, 5);
  ASSERT_EQ(chmod(path().c_str(), 0), 0);
  const ino_t before = Inode();
  {
    const HeedPermissions heed;
    ExpectRefused(-EADDRINUSE, "uses this path: connect() was denied (address in use)\n");
  }
  EXPECT_EQ(Inode(), before);
  close(other);
}

TEST_F(UnixPath, OfAServerOfOursIsRefusedByItsLock) {
  Server server(Echo(), {}, {text()});
  const ino_t before = Inode();
  for (int round = 0; round < 3; round++) {
    ExpectRefused(-EADDRINUSE,
                  "another server holds its lock file, which ends in .lock (address in use)\n");
  }
  EXPECT_EQ(Inode(), before);
  ExpectServed();
  EXPECT_EQ(server.stats().connections_accepted, 1u)
      << "the second server did not even probe the first";
}

TEST_F(UnixPath, TwiceAmongTheAddressesIsRefused) {
  Created created(Echo(), {}, {text(), text()});
  EXPECT_EQ(evnet_server_start(created.get()), -EADDRINUSE);
  created.Destroy();
  EXPECT_TRUE(directory_.Names().empty());
}

TEST_F(UnixPath, WhatIsNotASocketIsNeverRemoved) {
  const std::string elsewhere = directory_.File("elsewhere");
  const struct {
    const char *what;
    std::function<int()> make;
  } cases[] = {
      {"a file", [&] { return close(creat(path().c_str(), 0600)); }},
      {"a directory", [&] { return mkdir(path().c_str(), 0700); }},
      {"a FIFO", [&] { return mkfifo(path().c_str(), 0600); }},
      {"a link to nothing", [&] { return symlink(elsewhere.c_str(), path().c_str()); }},
      {"a link to a stale socket",
       [&] {
         LeaveStaleSocket();
         return rename(path().c_str(), elsewhere.c_str()) |
                symlink(elsewhere.c_str(), path().c_str());
       }},
  };
  for (const auto &each : cases) {
    SCOPED_TRACE(each.what);
    ASSERT_EQ(each.make(), 0);
    const ino_t before = Inode();
    ExpectRefused(-EADDRINUSE,
                  "the file at this path is not a socket; not replacing it (address in use)\n");
    EXPECT_EQ(Inode(), before);
    EXPECT_EQ(Inode("socket.lock"), 0u);
    ASSERT_EQ(remove(path().c_str()), 0);
  }
  EXPECT_NE(Inode("elsewhere"), 0u);
}

TEST_F(UnixPath, ReplacedBySomebodyElseIsNotRemoved) {
  for (const bool served : {false, true}) {
    Server server(Echo(), {}, {text()});
    ASSERT_EQ(unlink(path().c_str()), 0);
    const int other = served ? Bind(SOCK_STREAM, 5) : creat(path().c_str(), 0600);
    const ino_t before = Inode();
    EXPECT_EQ(server.Stop(1000), 0);
    EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket"}));
    EXPECT_EQ(Inode(), before);
    close(other);
    ASSERT_EQ(unlink(path().c_str()), 0);
  }
}

TEST_F(UnixPath, RemovedBySomebodyElseDoesNotDisturbTheStop) {
  Server server(Echo(), {}, {text()});
  Client client(address());
  ASSERT_EQ(unlink(path().c_str()), 0);
  ExpectRefused(-EADDRINUSE, "another server holds its lock file");
  EXPECT_EQ(client.Exchange("hello"), "hello");
  client.Close();
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_TRUE(directory_.Names().empty());
}

TEST_F(UnixPath, AFileThatHasTheLocksNameKeepsItsContent) {
  const std::string lock = directory_.File("socket.lock");
  std::ofstream(lock) << "foreign";
  {
    Server server(Echo(), {}, {text()});
    ExpectServed();
  }
  std::string content;
  std::ifstream(lock) >> content;
  EXPECT_EQ(content, "foreign");
  // A file that has replaced the lock does not belong to the server.
  ASSERT_EQ(unlink(lock.c_str()), 0);
  {
    Server server(Echo(), {}, {text()});
    ASSERT_EQ(unlink(lock.c_str()), 0);
    close(creat(lock.c_str(), 0600));
  }
  EXPECT_EQ(directory_.Names(), (std::set<std::string>{"socket.lock"}));
}

TEST_F(UnixPath, OfTwoStartersOneWins) {
  evnet_options options = {};
  options.log = [](evnet_log_level, const char *, void *) {};
  for (int round = 0; round < 40; round++) {
    if (round % 2 == 0) LeaveStaleSocket();
    Created first(Echo(), options, {text()});
    Created second(Echo(), options, {text()});
    Created *const servers[] = {&first, &second};
    int status[2] = {};
    std::thread threads[2];
    for (int i = 0; i < 2; i++) {
      threads[i] = std::thread([&, i] { status[i] = evnet_server_start(servers[i]->get()); });
    }
    for (std::thread &thread : threads) thread.join();
    const int winner = status[0] == 0 ? 0 : 1;
    EXPECT_EQ(status[winner], 0);
    EXPECT_EQ(status[1 - winner], -EADDRINUSE);
    if (status[winner] != 0) break;
    ExpectServed();
    evnet_server_stop(servers[winner]->get(), 0);
    EXPECT_EQ(evnet_server_wait(servers[winner]->get()), 0);
    if (status[1 - winner] == 0) {
      evnet_server_stop(servers[1 - winner]->get(), 0);
      EXPECT_EQ(evnet_server_wait(servers[1 - winner]->get()), 0);
      break;
    }
    EXPECT_TRUE(directory_.Names().empty());
  }
}

TEST_F(UnixPath, HasThePermissionsOfTheOptionWhateverTheUmask) {
  const mode_t before = umask(0);
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{077}, mode_t{0777}}) {
    for (const mode_t mode : {mode_t{0}, mode_t{0600}, mode_t{0660}, mode_t{0777}}) {
      SCOPED_TRACE(testing::Message() << std::oct << mask << " " << mode);
      umask(mask);
      evnet_options options = {};
      options.unix_mode = mode;
      Server server(Echo(), options, {text()});
      struct stat there = {};
      EXPECT_EQ(stat(path().c_str(), &there), 0);
      EXPECT_EQ(there.st_mode & 0777, mode != 0 ? mode : 0777 & ~mask);
      EXPECT_EQ(umask(mask), mask) << "the process's umask is unchanged";
    }
  }
  umask(before);
}

TEST_F(UnixPath, ThatDoesNotFitIsRefusedByName) {
  const size_t room = sizeof(sockaddr_un::sun_path) - 1;
  const std::string longest = directory_.File("") + std::string(room, 'x');
  Server server(Echo(), {}, {"unix://" + longest.substr(0, room)});
  Client client(server.address());
  EXPECT_EQ(client.Exchange("hello"), "hello");
  Created created(Echo(), {}, {"unix://" + longest.substr(0, room + 1)});
  EXPECT_EQ(created.status(), EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(created.log().Has("the path has 108 bytes, at most 107 fit")) << created.log().Text();
}

TEST_F(UnixPath, WithoutADirectoryIsRefused) {
  Created created(Echo(), {}, {"unix://" + path() + "/socket"});
  EXPECT_EQ(evnet_server_start(created.get()), -ENOENT);
  EXPECT_TRUE(created.log().Has(
      text() + "/socket': cannot open its lock file, which ends in .lock (no such file"))
      << created.log().Text();
}

TEST_F(UnixPath, GoesWhenAnotherAddressCannotBeServed) {
  Server other;
  Created created(Echo(), {}, {text(), "tcp://127.0.0.1:" + std::to_string(other.port())});
  EXPECT_EQ(evnet_server_start(created.get()), -EADDRINUSE);
  created.Destroy();
  EXPECT_TRUE(directory_.Names().empty());
}

}  // namespace
}  // namespace evnet_testing
