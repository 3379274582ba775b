// A program under test as its user meets it: a process, its arguments, its output, its signals.
#ifndef EVNET_EXAMPLES_TESTING_PROCESS_H_
#define EVNET_EXAMPLES_TESTING_PROCESS_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace evnet_testing {

// A running program; killed at the end if it still runs.
class Process {
 public:
  // The program is the file that the environment variable PROGRAM names.
  explicit Process(std::vector<std::string> arguments);
  ~Process();
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;

  pid_t pid() const { return pid_; }

  // One line of stdout, without its line feed.
  std::string Line();
  // All that is left of stdout or stderr; ends with the process.
  std::string RestOfOut();
  std::string RestOfErr();

  void Signal(int number);
  // Waits for the exit; -1 for a death by signal or when it does not end.
  int ExitCode();

 private:
  pid_t pid_;
  bool exited_ = false;
  int out_;
  int err_;
};

// The port in "listening on tcp://127.0.0.1:PORT"; 0, with a failure, for any other line.
uint16_t PortOf(const std::string &line);

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_TESTING_PROCESS_H_
