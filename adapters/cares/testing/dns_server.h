// A small name server on a thread of its own, over UDP and TCP, whose behaviour depends on the first
// label of the name:
//
//   ok...         192.0.2.1 and 2001:db8::1
//   held...       the same, after Release
//   silent...     no answer
//   none...       NXDOMAIN
//   empty...      no records
//   failing...    SERVFAIL
//   wrong...      first an answer with another id and the address 6.6.6.6, then the right one
//   garbage...    bytes that are not a message, then the right answer
//   truncated...  cut over UDP; the right answer over TCP
//   huge...       cut over UDP; 3,000 IPv4 addresses over TCP
//
// The name of 192.0.2.7 is seven.test, that of any other address has a line feed in it.
#ifndef EVNET_ADAPTERS_CARES_TESTING_DNS_SERVER_H_
#define EVNET_ADAPTERS_CARES_TESTING_DNS_SERVER_H_

#include <netinet/in.h>
#include <stdint.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace evnet_testing {

class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer &) = delete;
  DnsServer &operator=(const DnsServer &) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  size_t held() const { return held_count_; }  // different held names that were asked for
  size_t asked() const { return asked_; }      // messages received
  size_t asked_tcp() const { return asked_tcp_; }
  // Answers held queries, up to this number in total, and all later ones immediately.
  void Release(size_t count = SIZE_MAX) {
    allowed_ = count;
    released_ = true;
  }

 private:
  struct Question {
    std::string message;  // the query
    std::string name;     // in lower case, with dots
    uint16_t type = 0;
    size_t end = 0;  // of the question in the message
  };
  struct Held {
    Question question;
    sockaddr_in from;
  };

  void Run();
  void ReceiveUdp();
  void ServeTcp();
  void AnswerUdp(const Question &question, const sockaddr_in &from);
  void SendUdp(const std::string &message, const sockaddr_in &to) const;
  static bool Parse(const std::string &message, Question *out);
  static std::string Answer(const Question &question, bool is_tcp);

  int udp_ = -1;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> released_{false};
  std::atomic<bool> stops_{false};
  std::atomic<size_t> held_count_{0}, asked_{0}, asked_tcp_{0}, allowed_{0};
  size_t sent_ = 0;  // of the held ones
  std::set<std::string> held_names_;
  std::vector<Held> held_;
  std::thread thread_;
};

}  // namespace evnet_testing

#endif  // EVNET_ADAPTERS_CARES_TESTING_DNS_SERVER_H_
