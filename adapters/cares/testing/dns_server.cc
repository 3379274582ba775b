#include "adapters/cares/testing/dns_server.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

constexpr uint16_t kA = 1, kPtr = 12, kAaaa = 28;
constexpr size_t kHeaderBytes = 12;

void Put16(std::string *out, unsigned value) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value));
}

bool Begins(const std::string &text, const char *with) { return text.rfind(with, 0) == 0; }

// Appends a record of the question's name.
void PutRecord(std::string *out, uint16_t type, const std::string &data) {
  Put16(out, 0xc000 | kHeaderBytes);  // a pointer to the question's name
  Put16(out, type);
  Put16(out, 1);  // IN
  Put16(out, 0);
  Put16(out, 60);  // the lifetime in seconds
  Put16(out, static_cast<unsigned>(data.size()));
  *out += data;
}

std::string Label(const std::string &label) {
  return std::string(1, static_cast<char>(label.size())) + label;
}

}  // namespace

DnsServer::DnsServer() {
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The same port for both: TCP chooses it, and it is usually free for UDP.
  for (int i = 0; i < 100 && port_ == 0; i++) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in bound = any;
    socklen_t size = sizeof bound;
    if (bind(listener_, reinterpret_cast<sockaddr *>(&bound), sizeof bound) == 0 &&
        getsockname(listener_, reinterpret_cast<sockaddr *>(&bound), &size) == 0 &&
        bind(udp_, reinterpret_cast<sockaddr *>(&bound), sizeof bound) == 0) {
      port_ = ntohs(bound.sin_port);
      break;
    }
    (void)close(listener_);
    (void)close(udp_);
  }
  EXPECT_NE(port_, 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  const int bytes = 8 << 20;
  (void)setsockopt(udp_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  thread_ = std::thread([this] { Run(); });
}

DnsServer::~DnsServer() {
  stops_ = true;
  thread_.join();
  (void)close(listener_);
  (void)close(udp_);
}

void DnsServer::Run() {
  while (!stops_) {
    pollfd ready[2] = {{udp_, POLLIN, 0}, {listener_, POLLIN, 0}};
    (void)poll(ready, 2, 5);
    if (ready[0].revents != 0) ReceiveUdp();
    if (ready[1].revents != 0) ServeTcp();
    for (; sent_ < allowed_ && !held_.empty(); sent_++) {
      SendUdp(Answer(held_.back().question, false), held_.back().from);
      held_.pop_back();
    }
  }
}

bool DnsServer::Parse(const std::string &message, Question *out) {
  *out = {};
  out->message = message;
  size_t at = kHeaderBytes;
  while (at < message.size() && message[at] != 0) {
    const size_t size = static_cast<uint8_t>(message[at]);
    if (at + 1 + size >= message.size()) return false;
    if (!out->name.empty()) out->name += '.';
    for (size_t i = 0; i < size; i++)
      out->name += static_cast<char>(tolower(static_cast<uint8_t>(message[at + 1 + i])));
    at += 1 + size;
  }
  if (at + 5 > message.size()) return false;
  out->type = static_cast<uint16_t>(static_cast<uint8_t>(message[at + 1]) << 8 |
                                    static_cast<uint8_t>(message[at + 2]));
  out->end = at + 5;
  return true;
}

std::string DnsServer::Answer(const Question &question, bool is_tcp) {
  const std::string &name = question.name;
  const bool is_cut = !is_tcp && (Begins(name, "truncated") || Begins(name, "huge"));
  // RFC 1035 section 4.1.1: 2 is a server failure, 3 a name error.
  const unsigned error = Begins(name, "none") ? 3 : Begins(name, "failing") ? 2 : 0;
  std::string records;
  unsigned count = 0;
  const auto add = [&](const std::string &data) {
    PutRecord(&records, question.type, data);
    count++;
  };
  if (is_cut || error != 0 || Begins(name, "empty")) {
    // no records
  } else if (question.type == kA) {
    const unsigned addresses = Begins(name, "huge") ? 3000 : 1;
    for (unsigned i = 1; i <= addresses; i++)
      add(std::string("\xc0\x00", 2) + static_cast<char>(2 + (i >> 8)) + static_cast<char>(i));
  } else if (question.type == kAaaa && !Begins(name, "huge")) {
    add(std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16));
  } else if (question.type == kPtr) {
    add(Label(Begins(name, "7.2.0.192.") ? "seven" : "line\nfeed") + Label("test") + '\0');
  }
  std::string out = question.message.substr(0, 2);
  Put16(&out, 0x8180u | (is_cut ? 0x0200u : 0u) | error);
  Put16(&out, 1);
  Put16(&out, count);
  Put16(&out, 0);
  Put16(&out, 0);
  return out + question.message.substr(kHeaderBytes, question.end - kHeaderBytes) + records;
}

void DnsServer::SendUdp(const std::string &message, const sockaddr_in &to) const {
  (void)sendto(udp_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr *>(&to),
               sizeof to);
}

void DnsServer::AnswerUdp(const Question &question, const sockaddr_in &from) {
  const std::string &name = question.name;
  if (Begins(name, "silent")) return;
  if (Begins(name, "held") && !released_) {
    if (held_names_.insert(name).second) {
      held_.push_back({question, from});
      held_count_++;
    }
    return;
  }
  if (Begins(name, "garbage")) {
    SendUdp("", from);
    SendUdp("x", from);
    SendUdp(question.message.substr(0, 2) + std::string(300, '\xff'), from);
  }
  if (Begins(name, "wrong")) {
    Question other = question;
    other.message[0] = static_cast<char>(other.message[0] ^ 0x55);
    std::string answer = Answer(other, false);
    if (question.type == kA) answer.replace(answer.size() - 4, 4, "\x06\x06\x06\x06");
    SendUdp(answer, from);
  }
  SendUdp(Answer(question, false), from);
}

void DnsServer::ReceiveUdp() {
  for (;;) {
    char buffer[4096];
    sockaddr_in from = {};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(udp_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr *>(&from), &size);
    if (got < 0) return;
    asked_++;
    Question question;
    if (Parse(std::string(buffer, static_cast<size_t>(got)), &question)) AnswerUdp(question, from);
  }
}

// Answers the queries of one connection until the client closes it, for up to a second.
void DnsServer::ServeTcp() {
  const int client = accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  std::string received;
  for (;;) {
    pollfd ready = {client, POLLIN, 0};
    if (poll(&ready, 1, 1000) <= 0) break;
    char buffer[4096];
    const ssize_t got = recv(client, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    received.append(buffer, static_cast<size_t>(got));
    while (received.size() >= 2) {
      const size_t size = static_cast<size_t>(static_cast<uint8_t>(received[0]) << 8 |
                                              static_cast<uint8_t>(received[1]));
      if (received.size() < 2 + size) break;
      Question question;
      const bool is_good = Parse(received.substr(2, size), &question);
      received.erase(0, 2 + size);
      asked_tcp_++;
      if (!is_good) continue;
      const std::string answer = Answer(question, true);
      std::string framed;
      Put16(&framed, static_cast<unsigned>(answer.size()));
      framed += answer;
      (void)send(client, framed.data(), framed.size(), MSG_NOSIGNAL);
    }
    if (stops_) break;
  }
  (void)close(client);
}

}  // namespace evnet_testing
