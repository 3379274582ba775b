#include "examples/testing/process.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/base/testing/sanitizers.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

bool ReadByte(int descriptor, char *out) {
  pollfd waited = {descriptor, POLLIN, 0};
  const int ms = static_cast<int>(std::chrono::milliseconds(kDeadline).count());
  return poll(&waited, 1, ms) == 1 && read(descriptor, out, 1) == 1;
}

std::string ReadLine(int descriptor) {
  std::string line;
  char byte;
  while (ReadByte(descriptor, &byte) && byte != '\n') line += byte;
  return line;
}

std::string Rest(int descriptor) {
  std::string rest;
  char byte;
  while (ReadByte(descriptor, &byte)) rest += byte;
  return rest;
}

}  // namespace

Process::Process(std::vector<std::string> arguments) {
  int out[2], err[2];
  EXPECT_EQ(pipe(out), 0);
  EXPECT_EQ(pipe(err), 0);
  const char *program = getenv("PROGRAM");
  EXPECT_NE(program, nullptr) << "PROGRAM names the program under test";
  std::vector<char *> pointers = {const_cast<char *>(program)};
  for (std::string &argument : arguments) pointers.push_back(&argument[0]);
  pointers.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int end : {out[0], out[1], err[0], err[1]}) close(end);
    execv(program, pointers.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Process::~Process() {
  if (!exited_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

std::string Process::Line() { return ReadLine(out_); }
std::string Process::ErrLine() { return ReadLine(err_); }
std::string Process::RestOfOut() { return Rest(out_); }
std::string Process::RestOfErr() { return Rest(err_); }

void Process::Signal(int number) { EXPECT_EQ(kill(pid_, number), 0); }

int Process::ExitCode() {
  int status = 0;
  exited_ = WaitUntil([&] {
    // TSan delays a signal handler until the thread calls a function that TSan knows. io_uring_enter(2)
    // is none, so a signal just before it waits as long as the thread. A stop ends the wait by EINTR.
    if (kIsThreadSanitized) {
      kill(pid_, SIGSTOP);
      kill(pid_, SIGCONT);
    }
    return waitpid(pid_, &status, WNOHANG) == pid_;
  });
  EXPECT_TRUE(exited_) << "the process has not exited";
  return exited_ && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

uint16_t PortOf(const std::string &line) {
  const std::string start = "listening on tcp://127.0.0.1:";
  EXPECT_EQ(line.substr(0, start.size()), start);
  if (line.size() <= start.size()) return 0;
  const int port = atoi(line.c_str() + start.size());
  EXPECT_EQ(line, start + std::to_string(port));
  EXPECT_NE(port, 0) << "must not be 0";
  return static_cast<uint16_t>(port);
}

}  // namespace evnet_testing
