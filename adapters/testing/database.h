// Real database servers for the tests of adapters: started in a temporary directory of their own, on a
// Unix socket, and stopped at the end.
#ifndef EVNET_ADAPTERS_TESTING_DATABASE_H_
#define EVNET_ADAPTERS_TESTING_DATABASE_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace evnet_testing {

// A server program that runs in a temporary directory, as an unprivileged user if the test runs as
// root. A derived class prepares the directory and chooses the arguments.
class Database {
 public:
  Database(const Database &) = delete;
  Database &operator=(const Database &) = delete;

  // Whether the program is installed. Tests without it are skipped.
  bool installed() const { return !program_.empty(); }
  const std::string &directory() const { return directory_; }

  // Starts the program and waits until it serves. Data of an earlier run remains.
  void Start();
  void Signal(int signal_number);
  // Stops the program by a signal and waits for its exit.
  void Stop(int signal_number);

 protected:
  explicit Database(std::string program);
  ~Database();

  // Runs a program in the directory, as Start does, and waits for its exit.
  void Run(const std::vector<std::string> &arguments);

  std::string program_;                 // its path; empty if it is not installed
  std::vector<std::string> arguments_;  // of Start
  std::function<bool()> ready_;         // whether it serves

 private:
  pid_t Spawn(const std::vector<std::string> &arguments);

  std::string directory_;
  pid_t pid_ = -1;
};

// redis-server (Debian's package of this name).
class RedisServer : public Database {
 public:
  RedisServer();
  ~RedisServer() { Stop(15); }

  const char *socket() const { return socket_.c_str(); }

 private:
  std::string socket_;
};

// PostgreSQL (Debian's package postgresql) with one superuser, "tester", and trusted connections.
class PostgresServer : public Database {
 public:
  PostgresServer();
  ~PostgresServer() { Stop(2); }

  // Returns the connection string of libpq.
  std::string Connection() const;
};

}  // namespace evnet_testing

#endif  // EVNET_ADAPTERS_TESTING_DATABASE_H_
