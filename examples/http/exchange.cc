#include "examples/http/exchange.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>
#include <utility>

#include "gtest/gtest.h"

namespace evnet_testing {

bool Exchange::Fill() {
  if (client.end() != Client::End::kOpen || !client.Readable(20000)) return false;
  pending_ += client.TryReceive();
  return true;
}

std::string Exchange::Line() {
  size_t end;
  while ((end = pending_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return std::exchange(pending_, "");
  }
  const std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 2);
  return line;
}

std::string Exchange::Bytes(size_t size) {
  while (pending_.size() < size && Fill()) continue;
  const std::string bytes = pending_.substr(0, size);
  pending_.erase(0, bytes.size());
  return bytes;
}

Response Exchange::Next(bool to_head) {
  Response response;
  const std::string line = Line();
  if (line.empty()) return response;
  EXPECT_EQ(line.substr(0, 9), "HTTP/1.1 ") << line;
  response.status = atoi(line.c_str() + 9);
  for (std::string field; !(field = Line()).empty();) {
    const size_t colon = field.find(": ");
    EXPECT_NE(colon, std::string::npos) << field;
    std::string name = field.substr(0, colon);
    for (char &c : name) c = static_cast<char>(tolower(c));
    EXPECT_EQ(response.fields.count(name), 0u) << "twice: " << field;
    response.fields[name] = field.substr(colon + 2);
  }
  if (response.status < 200) {
    response.complete = true;
    return response;
  }
  EXPECT_EQ(response.fields.count("date"), 1u);
  if (to_head || response.status == 304 || response.status == 204) {
    response.complete = true;
  } else if (response.fields.count("content-length") != 0) {
    const size_t size = strtoul(response.fields["content-length"].c_str(), nullptr, 10);
    response.body = Bytes(size);
    response.complete = response.body.size() == size;
  } else if (response.fields["transfer-encoding"] == "chunked") {
    for (size_t size = 1; size > 0;) {
      size = strtoul(Line().c_str(), nullptr, 16);
      response.body += Bytes(size);
      response.complete = size == 0 && Bytes(2) == "\r\n";
      if (size > 0 && Bytes(2) != "\r\n") break;
    }
  }
  return response;
}

std::vector<Response> Exchange::Rest() {
  std::vector<Response> all;
  for (Response response; (response = Next()).status != 0;) all.push_back(response);
  return all;
}

Response Ask(uint16_t port, const std::string &method, const std::string &target,
             const std::string &fields, const std::string &body) {
  Exchange exchange(port);
  exchange.Send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields +
                "\r\n" + body);
  return exchange.Next(method == "HEAD");
}

HttpServer::HttpServer(std::vector<std::string> arguments) {
  arguments.emplace_back("tcp://127.0.0.1:0");
  process_ = std::make_unique<Process>(std::move(arguments));
  const std::string line = process_->Line();
  if (!line.empty()) port_ = PortOf(line);
}

size_t HttpServer::ResidentKilobytes() const {
  std::ifstream status("/proc/" + std::to_string(process_->pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6));
  }
  return 0;
}

void HttpServer::Stop() {
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->ExitCode(), 0);
  EXPECT_EQ(process_->RestOfErr(), "");
}

}  // namespace evnet_testing
