// The programs of docs/guide.md do what their steps claim, as their users see it.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/net_namespace.h"
#include "net/base/testing/rights_client.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

using Strings = std::vector<std::string>;

const char kAnyPort[] = "tcp://127.0.0.1:0";

// A program that listens.
class Program {
 public:
  //   addresses  how many of the arguments are addresses to listen on; they come first.
  explicit Program(const std::string &name, const Strings &arguments = {kAnyPort},
                   size_t addresses = 1) {
    setenv("PROGRAM", ("examples/guide/" + name).c_str(), 1);
    process_ = std::make_unique<Process>(arguments);
    const std::string start = "evnet: info: listening on ";
    while (ports_.size() < addresses) {
      const std::string line = process_->ErrLine();
      EXPECT_EQ(line.substr(0, start.size()), start);
      if (line.empty()) ports_.resize(addresses);
      ports_.push_back(static_cast<uint16_t>(atoi(line.c_str() + line.rfind(':') + 1)));
    }
  }

  uint16_t port(size_t index = 0) const { return ports_[index]; }
  std::string address() const { return "tcp://127.0.0.1:" + std::to_string(port()); }
  pid_t pid() const { return process_->pid(); }

  void Signal(int number) { process_->Signal(number); }
  std::string RestOfErr() { return process_->RestOfErr(); }
  // Also fails if the program leaks and a sanitizer sees it.
  void ExpectExit() { EXPECT_EQ(process_->ExitCode(), 0) << process_->RestOfErr(); }
  void Stop() {
    Signal(SIGTERM);
    ExpectExit();
  }

 private:
  std::unique_ptr<Process> process_;
  std::vector<uint16_t> ports_;
};

// The next line, with its line feed; what came before the end of the stream if there is none.
std::string ReceiveLine(Client *client) {
  std::string line;
  while (line.empty() || line.back() != '\n') {
    const std::string byte = client->Receive(1);
    if (byte.empty()) break;
    line += byte;
  }
  return line;
}

std::string Ask(Client *client, const std::string &line) {
  client->SendAll(line);
  return ReceiveLine(client);
}

// A client whose address is another one of this machine.
Client ClientFrom(const std::string &source, uint16_t port) {
  ClientOptions options;
  options.source = source;
  return Client(port, options);
}

class Guide : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const bool entered = EnterLoopbackNamespace();
    if (!entered) return;
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_migrate_req", "w");
    if (file == nullptr) return;
    moves_queue_ = fputs("1\n", file) >= 0;
    moves_queue_ = fclose(file) == 0 && moves_queue_;
  }

  // Whether the kernel moves queued connections to the other listeners of a port.
  static bool moves_queue_;
};

bool Guide::moves_queue_ = false;

TEST_F(Guide, EchoSendsEachByteBack) {
  Program program("00_echo");
  Client client(program.port());
  const std::string data = Pattern(1 << 20);
  EXPECT_TRUE(client.Exchange(data) == data);
}

TEST_F(Guide, FramingPutsASplitLineTogetherAndSeparatesMergedOnes) {
  Program program("01_framing");
  {
    Client client(program.port());
    client.SendAll("spl");
    client.WaitUntilDelivered();
    client.SendAll("it\n");
    EXPECT_EQ(ReceiveLine(&client), "1: split\n");
    client.SendAll("merged\none\nthe beginn");
    EXPECT_EQ(ReceiveLine(&client), "2: merged\n");
    EXPECT_EQ(ReceiveLine(&client), "3: one\n");
    client.SendAll("ing\n");
    EXPECT_EQ(ReceiveLine(&client), "4: the beginning\n");
    Client other(program.port());
    EXPECT_EQ(Ask(&other, "other\n"), "1: other\n") << "each connection has its own count";
  }
  program.Stop();
}

TEST_F(Guide, FramingEndsALineThatIsTooLong) {
  Program program("01_framing");
  for (const std::string &line : {std::string(4097, 'x'), std::string(4096, 'x') + "\n"}) {
    Client client(program.port());
    client.SendAll(line);
    EXPECT_EQ(client.ReceiveToEnd(), "line too long\n");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }
  {
    Client client(program.port());
    const std::string longest = std::string(4095, 'x') + "\n";
    EXPECT_EQ(Ask(&client, longest), "1: " + longest);
  }
  program.Stop();
}

TEST_F(Guide, BackPressurePausesTheStreamOfAPeerThatDoesNotRead) {
  constexpr size_t kBytes = 5 << 20;  // above what the kernel buffers
  std::string numbers;
  for (int number = 0; numbers.size() < kBytes; number++) numbers += std::to_string(number) + "\n";
  numbers.resize(kBytes);
  Program program("02_back_pressure");
  const size_t before = ResidentBytes(program.pid());
  ClientOptions small;
  small.receive_buffer_bytes = 64 << 10;
  {
    Client stuck(program.port(), small);
    EXPECT_TRUE(stuck.Readable(20000));
    Client other(program.port());
    EXPECT_TRUE(other.Receive(kBytes) == numbers) << "the stuck peer does not matter to others";
    EXPECT_LT(ResidentBytes(program.pid()), before + (32 << 20));
    EXPECT_TRUE(stuck.Receive(kBytes) == numbers) << "nothing was lost or closed meanwhile";
  }
  program.Stop();
}

TEST_F(Guide, DeadlinesCloseIdleAndSlowClients) {
  Program program("03_deadlines");
  const int64_t start_ms = NowMs();
  {
    Client idle(program.port());
    Client complete(program.port());
    EXPECT_EQ(Ask(&complete, "begun\ncompl"), "begun\n");
    const bool in_time = Ask(&complete, "ete\n") == "complete\n";
    EXPECT_TRUE(in_time || NowMs() - start_ms >= 450) << "unless this machine is slow";
    Client slow(program.port());
    // Never idle, and never a complete line.
    do slow.SendAll("x");
    while (!slow.Readable(20) && NowMs() - start_ms < 20000);
    EXPECT_TRUE(slow.Readable(0)) << "further bytes must not extend the deadline";
    EXPECT_EQ(slow.ReceiveToEnd(), "too slow\n");
    EXPECT_GE(NowMs() - start_ms, 450);  // 500, less what two clocks round
    EXPECT_EQ(idle.ReceiveToEnd(), "idle\n");
    EXPECT_GE(NowMs() - start_ms, 950);
    if (in_time) {
      EXPECT_EQ(complete.ReceiveToEnd(), "idle\n") << "a complete line has no deadline";
    }
  }
  program.Stop();
}

class GuideWorkers : public Guide {
 protected:
  GuideWorkers() {
    EXPECT_EQ(mkfifo(directory_.File("slow").c_str(), 0600), 0);
    FILE *file = fopen(directory_.File("fast").c_str(), "w");
    EXPECT_NE(file, nullptr);
    if (file == nullptr) return;
    EXPECT_GE(fputs("fast\n", file), 0);
    EXPECT_EQ(fclose(file), 0);
  }

  // Lets one read of "slow" return.
  void FinishSlow() {
    int fifo = -1;
    EXPECT_TRUE(WaitUntil([&] {
      fifo = open(directory_.File("slow").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return fifo >= 0;
    })) << "no worker reads";
    EXPECT_EQ(write(fifo, "slow\n", 5), 5);
    EXPECT_EQ(close(fifo), 0);
  }

  const TempDirectory directory_;
};

TEST_F(GuideWorkers, SlowWorkDoesNotDelayOtherClients) {
  Program program("04_workers", {kAnyPort, directory_.path()});
  {
    Client slow(program.port());
    slow.SendAll("slow\n");
    Client other(program.port());
    EXPECT_EQ(Ask(&other, "fast\n"), "fast\n");
    EXPECT_FALSE(slow.Readable(0));
    FinishSlow();
    EXPECT_EQ(ReceiveLine(&slow), "slow\n");
  }
  program.Stop();
}

TEST_F(GuideWorkers, RepliesComeInOrderAndThenTheEnd) {
  Program program("04_workers", {kAnyPort, directory_.path()});
  {
    Client client(program.port());
    client.SendAll("slow\nfast\n../fast\n\nmissing\nfast\n");
    client.ShutdownWrite();
    FinishSlow();
    EXPECT_EQ(client.ReceiveToEnd(),
              "slow\nfast\nerror: not a name\nerror: not a name\n"
              "error: no such file or directory\nfast\n");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }
  program.Stop();
}

TEST_F(GuideWorkers, AFullQueueIsReportedImmediately) {
  Program program("04_workers", {kAnyPort, directory_.path()});
  std::vector<Client> clients;
  for (int i = 0; i < 8 + 100 + 1; i++) {
    clients.emplace_back(program.port());
    clients.back().SendAll("slow\n");
  }
  std::string refused;
  EXPECT_TRUE(WaitUntil([&] {
    for (Client &client : clients) refused += client.TryReceive();
    return !refused.empty();
  }));
  EXPECT_EQ(refused.substr(0, 12), "error: busy\n");
}

TEST_F(Guide, ReactorsRunOnFourThreadsAndTakeTurns) {
  Program program("05_reactors");
  size_t threads = 0;
  DIR *tasks = opendir(("/proc/" + std::to_string(program.pid()) + "/task").c_str());
  ASSERT_NE(tasks, nullptr);
  while (const dirent *task = readdir(tasks)) threads += task->d_name[0] != '.';
  closedir(tasks);
  EXPECT_GE(threads, 4u);
  {
    std::set<std::string> reactors;
    std::vector<Client> clients;
    for (int i = 1; i <= 4; i++) {
      clients.emplace_back(program.port());
      const std::string reply = Ask(&clients.back(), "\n");
      reactors.insert(reply.substr(0, 9));
      EXPECT_EQ(reply.substr(9), ": 1 here, " + std::to_string(i) + " in total\n");
    }
    EXPECT_EQ(reactors,
              (std::set<std::string>{"reactor 0", "reactor 1", "reactor 2", "reactor 3"}));
    const std::string reply = Ask(&clients[2], "\n");
    EXPECT_EQ(reply.substr(9), ": 2 here, 5 in total\n");
  }
  program.Stop();
}

TEST_F(Guide, UdpRepliesFromTheAddressThatWasAsked) {
  Program program("06_udp", {"udp4://:0"});
  const evnet_address asked = ParseAddress("udp://127.0.0.2:" + std::to_string(program.port()));
  UdpClient client;
  for (const std::string data : {"now", "later", ""}) {
    SCOPED_TRACE(data);
    client.Send(asked, data);
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), data);
    EXPECT_EQ(FormatAddress(from), FormatAddress(asked));
  }
  client.Send(asked, std::string(2000, 'x'));
  client.Send(asked, "later, and the server stops");
  program.Signal(SIGTERM);
  EXPECT_EQ(client.Receive(), "later, and the server stops") << "and the long one was dropped";
  program.ExpectExit();
}

TEST_F(Guide, DiallingRelaysBothWays) {
  Program upstream("00_echo");
  Program program("07_dialling", {kAnyPort, upstream.address()});
  {
    Client client(program.port());
    const std::string data = Pattern(4 << 20);
    EXPECT_TRUE(client.Exchange(data) == data);
    client.ShutdownWrite();
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kEnd);
    Client gone(program.port());
    EXPECT_EQ(gone.Exchange("hello"), "hello");
    gone.Reset();
  }
  program.Stop();
}

TEST_F(Guide, DiallingReportsAnUpstreamThatRefusesOrIsSilent) {
  PlainListener refusing;
  const std::string address = refusing.text();
  refusing.Close();
  const Blackhole silent;
  Program with_refusing("07_dialling", {kAnyPort, address});
  Program with_silent("07_dialling", {kAnyPort, silent.text()});
  {
    Client client(with_silent.port());
    Client leaves(with_silent.port());
    leaves.Close();
    Client refused(with_refusing.port());
    refused.SendAll("request\n");
    EXPECT_EQ(refused.ReceiveToEnd(), "upstream: connection refused\n");
    EXPECT_EQ(refused.end(), Client::End::kEnd);
    client.SendAll("request\n");
    EXPECT_EQ(client.ReceiveToEnd(), "upstream: timed out\n");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }
  with_refusing.Stop();
  with_silent.Stop();
}

TEST_F(Guide, DiallingPassesAResetOn) {
  PlainListener upstream;
  Program program("07_dialling", {kAnyPort, upstream.text()});
  {
    Client client(program.port());
    client.SendAll("request");
    const int accepted = upstream.Accept();
    char request[7];  // once it has come, both connections are open
    EXPECT_EQ(recv(accepted, request, sizeof request, MSG_WAITALL), ssize_t{sizeof request});
    const linger reset = {1, 0};
    EXPECT_EQ(setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    EXPECT_EQ(close(accepted), 0);
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kReset);
  }
  program.Stop();
}

TEST_F(Guide, LimitsRefuseAndCountAndMakeRoomAgain) {
  Program program("08_limits");
  {
    std::vector<Client> clients;
    for (int i = 1; i <= 4; i++) {
      clients.emplace_back(program.port());
      EXPECT_EQ(Ask(&clients.back(), "\n"), std::to_string(i) + " open, 0 refused\n");
    }
    Client fifth(program.port());
    EXPECT_EQ(fifth.ReceiveToEnd(), "");
    EXPECT_EQ(fifth.end(), Client::End::kReset) << "connections_per_address_max";
    for (int i = 5; i <= 6; i++) {
      clients.push_back(ClientFrom("127.0.0.2", program.port()));
      EXPECT_EQ(Ask(&clients.back(), "\n"), std::to_string(i) + " open, 1 refused\n");
    }
    Client seventh = ClientFrom("127.0.0.3", program.port());
    EXPECT_EQ(seventh.ReceiveToEnd(), "");
    EXPECT_EQ(seventh.end(), Client::End::kReset) << "connections_max";
    EXPECT_EQ(Ask(&clients[0], "\n"), "6 open, 2 refused\n");
    clients.pop_back();
    EXPECT_TRUE(WaitUntil([&] { return Ask(&clients[0], "\n") == "5 open, 2 refused\n"; }));
    Client again = ClientFrom("127.0.0.3", program.port());
    EXPECT_EQ(Ask(&again, "\n"), "6 open, 2 refused\n");
  }
  program.Stop();
}

TEST_F(Guide, AStopDeliversAPendingReplyAndExitsWithZero) {
  for (const int number : {SIGTERM, SIGINT}) {
    Program program("09_restart", {kAnyPort});
    const std::string reply = "process " + std::to_string(program.pid()) + "\n";
    {
      Client idle(program.port());
      Client waits(program.port());
      EXPECT_EQ(Ask(&waits, "request\n"), reply);
      waits.SendAll("request\n");
      program.Signal(number);
      EXPECT_EQ(idle.ReceiveToEnd(), "stopping\n");
      EXPECT_EQ(idle.end(), Client::End::kEnd);
      const std::string rest = waits.ReceiveToEnd();
      EXPECT_NE(rest.find(reply), std::string::npos) << rest;
      EXPECT_EQ(waits.end(), Client::End::kEnd);
    }
    program.ExpectExit();
  }
}

TEST_F(Guide, ARestartMovesQueuedConnectionsToTheSuccessor) {
  Program first("09_restart", {kAnyPort});
  Program second("09_restart", {first.address()});
  EXPECT_EQ(second.port(), first.port());
  const std::string from_first = "process " + std::to_string(first.pid()) + "\n";
  const std::string from_second = "process " + std::to_string(second.pid()) + "\n";
  {
    first.Signal(SIGSTOP);  // the kernel still queues about half of the clients for it
    std::vector<Client> clients;
    for (int i = 0; i < 40; i++) {
      clients.emplace_back(first.port());
      EXPECT_TRUE(clients.back().connected());
      clients.back().SendAll("request\n");
      clients.back().ShutdownWrite();
    }
    first.Signal(SIGTERM);
    first.Signal(SIGCONT);
    for (Client &client : clients) {
      const std::string reply = client.ReceiveToEnd();
      if (client.end() == Client::End::kReset && !moves_queue_) continue;
      EXPECT_EQ(client.end(), Client::End::kEnd);
      EXPECT_TRUE(reply.find(from_first) != std::string::npos || reply == from_second) << reply;
    }
  }
  first.ExpectExit();
  {
    Client client(first.port());
    EXPECT_EQ(Ask(&client, "request\n"), from_second);
  }
  second.Stop();
}

TEST_F(Guide, MetricsAreServedOnASecondAddress) {
  Program program("10_metrics", {kAnyPort, kAnyPort}, 2);
  {
    Client client(program.port());
    EXPECT_EQ(client.Exchange("one\ntwo\nthree\n"), "one\ntwo\nthree\n");
    Client scraper(program.port(1));
    scraper.SendAll("GET /metrics HTTP/1.1\r\n");
    scraper.WaitUntilDelivered();
    scraper.SendAll("Host: localhost\r\n\r\n");
    const std::string reply = scraper.ReceiveToEnd();
    EXPECT_EQ(scraper.end(), Client::End::kEnd);
    EXPECT_EQ(reply.substr(0, reply.find("\r\n")), "HTTP/1.0 200 OK");
    for (const std::string line : {"lines_total 3", "connections_open 2", "bytes_sent_total 14",
                                   "connections_refused_total 0", "bytes_queued 0"}) {
      EXPECT_NE(reply.find("\n" + line + "\n"), std::string::npos) << reply;
    }
    const auto value = [&](const std::string &name) {
      const size_t at = reply.find("\n" + name + " ");
      if (at == std::string::npos) return std::string("none");
      const size_t begin = at + name.size() + 2;
      return reply.substr(begin, reply.find('\n', begin) - begin);
    };
    EXPECT_NE(value("callback_seconds_count"), "none") << reply;
    EXPECT_EQ(value("callback_seconds_bucket{le=\"+Inf\"}"), value("callback_seconds_count"));
    EXPECT_NE(value("callback_seconds_bucket{le=\"4.096e-06\"}"), "none") << reply;
    Client poster(program.port(1));
    poster.SendAll("POST / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(poster.ReceiveToEnd(), "HTTP/1.0 405 Method Not Allowed\r\n\r\n");
  }
  program.Stop();
}

TEST_F(Guide, AddressesAreOpenedPausedAndClosedOnRequest) {
  Program program("11_addresses");
  const std::string path = TempDirectory().path() + ".sock";
  const evnet_address address = ParseAddress("unix://" + path);
  Client control(program.port());
  EXPECT_EQ(Ask(&control, "open unix://" + path + "\n"), "address 1: done\n");
  Client client(address);
  EXPECT_EQ(Ask(&client, "hello\n"), "hello\n");
  EXPECT_EQ(Ask(&control, "pause 1\n"), "address 1: done\n");
  Client waiting(address);
  waiting.SendAll("again\n");
  EXPECT_FALSE(waiting.Readable(20));
  EXPECT_EQ(Ask(&control, "resume 1\n"), "address 1: done\n");
  EXPECT_EQ(ReceiveLine(&waiting), "again\n");
  EXPECT_EQ(Ask(&control, "close 1\n"), "address 1: done\n");
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EQ(Ask(&client, "still\n"), "still\n");
  EXPECT_EQ(Ask(&control, "close 1\n"), "EINVAL\n");
  EXPECT_EQ(Ask(&control, "close 0\n"), "EPERM\n");
  for (Client *each : {&control, &client, &waiting}) each->Close();
  program.Stop();
}

TEST_F(Guide, LibraryServesAnAddressAndAConnectionAndAsksForTheProgram) {
  Program program("12_library", {kAnyPort, kAnyPort}, 2);
  // The library's own address.
  Client direct(program.port(1));
  EXPECT_EQ(Ask(&direct, "word\n"), "word has 4 letters\n");
  // The program asks the library, one word after the other.
  Client client(program.port(0));
  client.SendAll("cat\nhorse\n");
  EXPECT_EQ(ReceiveLine(&client), "cat has 3 letters\n");
  EXPECT_EQ(ReceiveLine(&client), "horse has 5 letters\n");
  // The library takes the connection over, with the words that follow the request.
  client.SendAll("dictionary\nbee\nzebra\n");
  EXPECT_EQ(ReceiveLine(&client), "bee has 3 letters\n");
  EXPECT_EQ(ReceiveLine(&client), "zebra has 5 letters\n");
  EXPECT_EQ(Ask(&client, "elephant\n"), "elephant has 8 letters\n");
  program.Signal(SIGTERM);
  const std::string log = program.RestOfErr();
  EXPECT_NE(log.find("6 lookups"), std::string::npos) << log;
  program.ExpectExit();
}

// Makes a pipe the standard input of the programs that start now.
class Input {
 public:
  Input() : old_(dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    writer_ = ends[1];
  }
  Input(const Input &) = delete;
  Input &operator=(const Input &) = delete;
  ~Input() {
    Close();
    Restore();
  }
  // Gives this process its own standard input again.
  void Restore() {
    if (old_ < 0) return;
    (void)dup2(old_, STDIN_FILENO);
    (void)close(old_);
    old_ = -1;
  }
  void Write(const std::string &data) {
    EXPECT_EQ(write(writer_, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  }
  void Close() {
    if (writer_ >= 0) (void)close(writer_);
    writer_ = -1;
  }

 private:
  int old_;
  int writer_;
};

TEST_F(Guide, DescriptorsSendStandardInputToAllClients) {
  Input input;
  Program program("13_descriptors");
  input.Restore();
  Client first(program.port());
  Client second(program.port());
  for (Client *client : {&first, &second}) EXPECT_EQ(ReceiveLine(client), "ready\n");
  first.SendAll("ignored\n");
  for (const std::string line : {"one\n", "two\n"}) {
    input.Write(line);
    for (Client *client : {&first, &second}) EXPECT_EQ(ReceiveLine(client), line);
  }
  input.Close();  // the end of the input does not end the server
  Client third(program.port());
  EXPECT_EQ(ReceiveLine(&third), "ready\n");
  program.Stop();
}

TEST_F(Guide, DescriptorsRefuseAFileAsStandardInput) {
  Input input;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(null, 0);
  ASSERT_EQ(dup2(null, STDIN_FILENO), STDIN_FILENO);
  (void)close(null);
  Program program("13_descriptors");
  program.ExpectExit();
}

TEST_F(Guide, PassingOpensFilesOfItsDirectoryOnly) {
  TempDirectory directory;
  const std::string note = directory.path() + "/note", path = directory.path() + "/socket";
  FILE *file = fopen(note.c_str(), "w");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(fputs("secret", file) >= 0 && fclose(file) == 0, true);
  ASSERT_EQ(symlink("/etc/passwd", (directory.path() + "/link").c_str()), 0);
  setenv("PROGRAM", "examples/guide/14_passing", 1);
  Process process({directory.path(), "unix://" + path});
  EXPECT_EQ(process.ErrLine(), "evnet: info: listening on unix://" + path);
  RightsClient client(path);
  std::vector<int> received;
  EXPECT_EQ(client.Send("note\n", {}), 5);
  EXPECT_EQ(client.Receive(3, &received), "ok\n");
  ASSERT_EQ(received.size(), 1u);
  char bytes[16];
  EXPECT_EQ(read(received[0], bytes, sizeof bytes), 6);
  std::vector<int> none;
  for (const std::string name : {"link\n", "missing\n", "../note\n", "/etc/passwd\n"}) {
    EXPECT_EQ(client.Send(name, {}), static_cast<ssize_t>(name.size()));
    EXPECT_EQ(client.Receive(3, &none), "no\n") << name;
  }
  EXPECT_EQ(client.Send("\n", received), 1);
  EXPECT_EQ(client.Receive(2, &none), "6\n");
  EXPECT_TRUE(none.empty());
  (void)close(received[0]);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.ExitCode(), 0);
}

}  // namespace
}  // namespace evnet_testing
