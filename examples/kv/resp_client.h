// A client of RESP2 servers for tests.
#ifndef EVNET_EXAMPLES_KV_RESP_CLIENT_H_
#define EVNET_EXAMPLES_KV_RESP_CLIENT_H_

#include <string>
#include <vector>

#include "net/server/testing/client.h"

namespace evnet_testing {

using Words = std::vector<std::string>;

// A request in the array form.
std::string Encoded(const Words &words);

class RespClient {
 public:
  explicit RespClient(uint16_t port) : client_(port) {}
  explicit RespClient(const evnet_address &address) : client_(address) {}

  // Sends a request and returns its reply as it came, with all elements. Empty if the stream has ended.
  std::string Ask(const Words &words);
  void Send(const Words &words) { client_.SendAll(Encoded(words)); }
  std::string Reply();

  Client *client() { return &client_; }

 private:
  std::string Line();

  Client client_;
  std::string pending_;
};

// The elements of an array reply in an order of their own, for replies whose order is not defined.
std::string Sorted(const std::string &reply);

// Whether the program that $PROGRAM names starts with a backend, which the system may refuse.
bool HasBackend(const std::string &backend);

// Splits a line at spaces; \xHH is a byte, and "" an empty word.
Words WordsOf(const std::string &line);

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_KV_RESP_CLIENT_H_
