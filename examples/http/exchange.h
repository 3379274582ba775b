// An HTTP client for tests of the server: sends bytes as given, and reads responses strictly.
#ifndef EVNET_EXAMPLES_HTTP_EXCHANGE_H_
#define EVNET_EXAMPLES_HTTP_EXCHANGE_H_

#include <stdint.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "net/server/testing/client.h"

namespace evnet_testing {

struct Response {
  int status = 0;                             // 0: the stream ended before a response began
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
  bool complete = false;  // the body has the length that the head announced
};

// A connection to the server.
class Exchange {
 public:
  explicit Exchange(uint16_t port, const ClientOptions &options = {}) : client(port, options) {}

  void Send(const std::string &bytes) { client.SendAll(bytes); }
  // Reads one response; a response to HEAD has no body. Interim responses are returned, too.
  Response Next(bool to_head = false);
  // Reads all responses up to the end of the stream.
  std::vector<Response> Rest();
  // Reads up to the end of the next line, without CRLF.
  std::string Line();
  std::string Bytes(size_t size);

  Client client;

 private:
  bool Fill();

  std::string pending_;
};

// Sends one request on a connection of its own, which the server closes after the response.
Response Ask(uint16_t port, const std::string &method, const std::string &target,
             const std::string &fields = "", const std::string &body = "");

// The server as a process, on a free port.
class HttpServer {
 public:
  // Skips the test if the backend is not available.
  explicit HttpServer(std::vector<std::string> arguments);

  bool available() const { return port_ != 0; }
  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  Process &process() { return *process_; }
  size_t ResidentKilobytes() const;
  // Ends the server by SIGTERM. Expects exit code 0 and no line on stderr.
  void Stop();

 private:
  std::unique_ptr<Process> process_;
  uint16_t port_ = 0;
};

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_HTTP_EXCHANGE_H_
