#include "adapters/testing/database.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "gtest/gtest.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

// The unprivileged user of Debian. PostgreSQL refuses to run as root.
constexpr uid_t kUser = 65534;

// Returns the last match of a pattern (glob(3)) that can be executed, or "".
std::string FindProgram(const char *pattern) {
  glob_t found = {};
  std::string path;
  if (glob(pattern, 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; i++) {
      if (access(found.gl_pathv[i], X_OK) == 0) path = found.gl_pathv[i];
    }
  }
  globfree(&found);
  return path;
}

bool Accepts(const std::string &path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool accepted =
      connect(descriptor, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
  close(descriptor);
  return accepted;
}

// Runs in the child, so it may only call async-signal-safe functions.
void BecomeUser(const char *directory) {
  if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(kUser) != 0 || setuid(kUser) != 0))
    _exit(126);
  if (chdir(directory) != 0) _exit(126);
  const int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
}

}  // namespace

Database::Database(std::string program) : program_(std::move(program)) {
  // The path of a Unix socket has at most 107 bytes, and other users cannot enter TEST_TMPDIR.
  char name[] = "/tmp/evnet-XXXXXX";
  EXPECT_NE(mkdtemp(name), nullptr);
  directory_ = name;
  if (geteuid() == 0) {
    EXPECT_EQ(chown(name, kUser, kUser), 0);
  }
}

Database::~Database() {
  EXPECT_EQ(directory_.rfind("/tmp/evnet-", 0), 0u);
  const std::string command = "rm -rf " + directory_;
  EXPECT_EQ(system(command.c_str()), 0);
}

pid_t Database::Spawn(const std::vector<std::string> &arguments) {
  std::vector<char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(const_cast<char *>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeUser(directory_.c_str());
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  return pid;
}

void Database::Run(const std::vector<std::string> &arguments) {
  const pid_t pid = Spawn(arguments);
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << arguments[0] << " failed; its log is in " << directory_;
}

void Database::Start() {
  ASSERT_EQ(pid_, -1);
  std::vector<std::string> arguments = {program_};
  arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
  pid_ = Spawn(arguments);
  EXPECT_TRUE(WaitUntil(ready_)) << program_ << " does not serve";
}

void Database::Signal(int signal_number) { EXPECT_EQ(kill(pid_, signal_number), 0); }

void Database::Stop(int signal_number) {
  if (pid_ == -1) return;
  EXPECT_EQ(kill(pid_, signal_number), 0);
  EXPECT_EQ(waitpid(pid_, nullptr, 0), pid_);
  pid_ = -1;
}

RedisServer::RedisServer() : Database(FindProgram("/usr/bin/redis-server")) {
  socket_ = directory() + "/redis";
  arguments_ = {"--port", "0", "--unixsocket", socket_, "--save", ""};
  ready_ = [this] { return Accepts(socket_); };
}

PostgresServer::PostgresServer() : Database(FindProgram("/usr/lib/postgresql/*/bin/postgres")) {
  if (!installed()) return;
  const std::string data = directory() + "/data";
  const std::string initdb = program_.substr(0, program_.rfind('/')) + "/initdb";
  Run({initdb, "-D", data, "-U", "tester", "--auth=trust", "--no-sync", "--no-locale", "-E",
       "UTF8"});
  // PostgreSQL listens before it serves. It writes its state into this file.
  ready_ = [data] {
    std::ifstream file(data + "/postmaster.pid");
    std::string line, last;
    while (std::getline(file, line)) last = line;
    return last.compare(0, 5, "ready") == 0;
  };
  // fsync off: the data is only kept for the test.
  arguments_ = {"-D", data, "-k", directory(), "-c", "listen_addresses=", "-c", "fsync=off"};
}

std::string PostgresServer::Connection() const {
  return "host=" + directory() + " user=tester dbname=postgres";
}

}  // namespace evnet_testing
