#include "examples/kv/resp_client.h"

#include <stdlib.h>

#include <algorithm>

#include "examples/testing/process.h"

namespace evnet_testing {

std::string Encoded(const Words &words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string &word : words)
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return out;
}

std::string RespClient::Ask(const Words &words) {
  Send(words);
  return Reply();
}

// Returns a line with its end; empty if the stream ends before.
std::string RespClient::Line() {
  size_t end;
  while ((end = pending_.find("\r\n")) == std::string::npos) {
    if (!client_.Readable(20000)) return "";
    const std::string more = client_.TryReceive();
    if (more.empty()) return "";
    pending_ += more;
  }
  const std::string line = pending_.substr(0, end + 2);
  pending_.erase(0, end + 2);
  return line;
}

std::string RespClient::Reply() {
  std::string reply = Line();
  if (reply.empty()) return "";
  const long count = atol(reply.c_str() + 1);
  if (reply[0] == '$' && count >= 0) {
    const size_t size = static_cast<size_t>(count) + 2;
    while (pending_.size() < size) {
      const size_t had = pending_.size();
      pending_ += client_.Receive(std::min<size_t>(size - had, 1 << 16));
      if (pending_.size() == had) return "";
    }
    reply += pending_.substr(0, size);
    pending_.erase(0, size);
  }
  for (long i = 0; reply[0] == '*' && i < count; i++) reply += Reply();
  return reply;
}

std::string Sorted(const std::string &reply) {
  Words lines;
  for (size_t at = 0, end; (end = reply.find("\r\n", at)) != std::string::npos; at = end + 2)
    lines.push_back(reply.substr(at, end - at));
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string &line : lines) out += line + "\n";
  return out;
}

bool HasBackend(const std::string &backend) {
  return Process({"--backend=" + backend, "tcp://127.0.0.1:0"}).Line().rfind("listening", 0) == 0;
}

Words WordsOf(const std::string &line) {
  Words words;
  std::string word;
  bool has_word = false;
  for (size_t i = 0; i <= line.size(); i++) {
    if (i == line.size() || line[i] == ' ') {
      if (has_word) words.push_back(word);
      word.clear();
      has_word = false;
    } else if (line[i] == '\\' && i + 3 < line.size() && line[i + 1] == 'x') {
      word += static_cast<char>(strtol(line.substr(i + 2, 2).c_str(), nullptr, 16));
      i += 3;
      has_word = true;
    } else {
      if (line[i] != '"') word += line[i];
      has_word = true;
    }
  }
  return words;
}

}  // namespace evnet_testing
