// Runs a program under test as a user does: as a process with arguments, output and signals.
#ifndef EVNET_EXAMPLES_TESTING_PROCESS_H_
#define EVNET_EXAMPLES_TESTING_PROCESS_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace evnet_testing {

// A running program. The destructor kills it if it still runs.
class Process {
 public:
  // Runs the file that the environment variable PROGRAM names.
  explicit Process(std::vector<std::string> arguments);
  ~Process();
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;

  pid_t pid() const { return pid_; }

  // Return one line of stdout or stderr, without its line feed.
  std::string Line();
  std::string ErrLine();
  // Return the rest of stdout or stderr, up to the exit of the process.
  std::string RestOfOut();
  std::string RestOfErr();

  void Signal(int number);
  // Waits for the exit. Returns -1 if a signal killed the process, or if it does not exit in time.
  int ExitCode();

 private:
  pid_t pid_;
  bool exited_ = false;
  int out_;
  int err_;
};

// Returns the port in "listening on tcp://127.0.0.1:PORT". Any other line is a test failure and
// returns 0.
uint16_t PortOf(const std::string &line);

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_TESTING_PROCESS_H_
