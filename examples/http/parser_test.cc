// Tests of the parser. Each expected status comes from the text of RFC 9110 and RFC 9112.
#include "examples/http/parser.h"

#include <string.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "examples/http/requests.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

std::string Text(const std::string &head, http_span span) {
  return head.substr(span.offset, span.size);
}

// The result of parsing a stream of requests: everything that a caller can see.
struct Outcome {
  int status = 0;                     // of the error that ended the stream; 0: none
  std::vector<std::string> requests;  // complete ones
  std::string partial;                // a request whose body is not complete
  size_t left = 0;                    // bytes of an incomplete head

  bool operator==(const Outcome &other) const {
    return status == other.status && requests == other.requests && partial == other.partial &&
           left == other.left;
  }
};

std::string Describe(const http_request &request, const std::string &head) {
  std::string text = Text(head, request.method_name) + " " + std::to_string(request.method) + " " +
                     Text(head, request.target) + " form " + std::to_string(request.form) + " [" +
                     Text(head, request.authority) + "|" + Text(head, request.path) + "|" +
                     Text(head, request.query) + "] 1." + std::to_string(request.minor) +
                     (request.keep_alive ? " keep" : " close") +
                     (request.expect_continue ? " expect" : "") + " framing " +
                     std::to_string(request.framing) + " " + std::to_string(request.content_length);
  for (const http_span &field : request.fields) text += " <" + Text(head, field) + ">";
  http_span name, value;
  for (uint32_t at = 0; http_request_field(&request, head.data(), &at, &name, &value);)
    text += "\n" + Text(head, name) + ": " + Text(head, value);
  return text + "\n\n";
}

// A caller that receives a stream in parts. Every head is in memory of exactly its size, so that
// AddressSanitizer finds a read beyond it.
class Caller {
 public:
  explicit Caller(const http_limits &limits = http_limits_default) : limits_(limits) {}

  void Receive(const std::string &part) {
    pending_ += part;
    while (outcome_.status == 0 && Step()) continue;
  }

  Outcome outcome() const {
    Outcome outcome = outcome_;
    // After an error, the bytes that were not read depend on the division.
    if (!in_body_ && outcome.status == 0) outcome.left = pending_.size();
    if (in_body_) outcome.partial = current_;
    return outcome;
  }

 private:
  bool Step() { return in_body_ ? StepBody() : StepHead(); }

  bool StepHead() {
    const std::vector<char> exact(pending_.begin(), pending_.end());
    const int size = http_request_parse(&request_, &limits_, exact.data(), exact.size());
    if (size <= 0) {
      outcome_.status = size;
      return false;
    }
    current_ = Describe(request_, pending_);
    pending_.erase(0, static_cast<size_t>(size));
    http_body_init(&body_, &request_);
    request_ = http_request();
    in_body_ = true;
    return true;
  }

  bool StepBody() {
    const std::vector<char> exact(pending_.begin(), pending_.end());
    size_t consumed = 0, size = 0;
    const uint8_t *piece = nullptr;
    const int event =
        http_body_parse(&body_, &limits_, exact.data(), exact.size(), &consumed, &piece, &size);
    if (event < 0) {
      outcome_.status = event;
      return false;
    }
    if (event == HTTP_BODY_PIECE) {
      EXPECT_GT(size, 0u);
      current_.append(reinterpret_cast<const char *>(piece), size);
    }
    pending_.erase(0, consumed);
    if (event == HTTP_BODY_MORE) {
      EXPECT_EQ(pending_, "") << "all bytes are consumed before more are wanted";
      return false;
    }
    if (event == HTTP_BODY_END) {
      outcome_.requests.push_back(current_);
      in_body_ = false;
      return !pending_.empty();
    }
    return true;
  }

  const http_limits limits_;
  Outcome outcome_;
  std::string pending_, current_;
  http_request request_ = {};
  http_body body_ = {};
  bool in_body_ = false;
};

Outcome Whole(const std::string &stream, const http_limits &limits = http_limits_default) {
  Caller caller(limits);
  caller.Receive(stream);
  return caller.outcome();
}

int StatusOf(const std::string &stream, const http_limits &limits = http_limits_default) {
  return Whole(stream, limits).status;
}

// Parses one head, which must be good.
http_request Head(const std::string &head) {
  http_request request = {};
  EXPECT_EQ(http_request_parse(&request, &http_limits_default, head.data(), head.size()),
            static_cast<int>(head.size()))
      << head;
  return request;
}

TEST(HttpParser, DecidesEachRequestOfTheListAsTheRfcsSay) {
  for (const Case &c : Cases()) {
    SCOPED_TRACE(c.name);
    const Outcome outcome = Whole(c.bytes);
    EXPECT_EQ(-outcome.status, c.status);
    EXPECT_EQ(outcome.requests.size(), c.complete);
  }
}

TEST(HttpParser, AByteAtATimeGivesTheSameAsOnePiece) {
  for (const Case &c : Cases()) {
    SCOPED_TRACE(c.name);
    Caller caller;
    for (const char byte : c.bytes) caller.Receive(std::string(1, byte));
    EXPECT_TRUE(caller.outcome() == Whole(c.bytes));
  }
}

// Changes a request at random, so that errors come at every place.
std::string Mutate(std::string bytes, std::mt19937 *random) {
  static const std::string specials("\r\n\0 \t:;=\"\\,0aF/?#*\x7f\x80\x01", 21);
  for (unsigned changes = (*random)() % 4; changes > 0 && !bytes.empty(); changes--) {
    const size_t at = (*random)() % bytes.size();
    const char special = specials[(*random)() % specials.size()];
    switch ((*random)() % 3) {
      case 0:
        bytes[at] = special;
        break;
      case 1:
        bytes.insert(at, 1, special);
        break;
      default:
        bytes.erase(at, 1 + (*random)() % 3);
        break;
    }
  }
  return bytes;
}

TEST(HttpParser, RandomSplitsOfRandomRequestsGiveTheSameAsOnePiece) {
  std::mt19937 random(1);
  const std::vector<Case> cases = Cases();
  http_limits limits = http_limits_default;
  for (int i = 0; i < 8000; i++) {
    // Small limits, so that they are exceeded at every place, too.
    const bool small = random() % 2 == 0;
    limits.request_line_bytes_max = small ? 8 + random() % 40 : 8192;
    limits.fields_bytes_max = small ? 4 + random() % 80 : 32768;
    limits.fields_max = small ? random() % 4 : 100;
    limits.chunk_extension_bytes_max = small ? random() % 16 : 256;
    limits.body_bytes_max = small ? random() % 64 : 1 << 20;
    const std::string bytes = Mutate(cases[random() % cases.size()].bytes, &random) +
                              Mutate(cases[random() % cases.size()].bytes, &random);
    Caller caller(limits);
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = std::min<size_t>(1 + random() % 12, bytes.size() - at);
      caller.Receive(bytes.substr(at, size));
      at += size;
    }
    ASSERT_TRUE(caller.outcome() == Whole(bytes, limits)) << "case " << i << ": " << bytes;
  }
}

TEST(HttpParser, PartsOfTheTargetAreFound) {
  const std::string origin = "GET /a/b?c=d?e HTTP/1.1\r\nHost: x\r\n\r\n";
  http_request request = Head(origin);
  EXPECT_EQ(request.method, HTTP_GET);
  EXPECT_EQ(request.form, HTTP_FORM_ORIGIN);
  EXPECT_EQ(Text(origin, request.path), "/a/b");
  EXPECT_EQ(Text(origin, request.query), "c=d?e");
  EXPECT_EQ(Text(origin, request.fields[HTTP_HOST]), "x");

  const std::string absolute = "GET http://[::1]:80?q HTTP/1.1\r\nHost: other\r\n\r\n";
  request = Head(absolute);
  EXPECT_EQ(request.form, HTTP_FORM_ABSOLUTE);
  EXPECT_EQ(Text(absolute, request.authority), "[::1]:80");
  EXPECT_EQ(Text(absolute, request.path), "");
  EXPECT_EQ(Text(absolute, request.query), "q");

  const std::string authority = "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n";
  request = Head(authority);
  EXPECT_EQ(request.form, HTTP_FORM_AUTHORITY);
  EXPECT_EQ(Text(authority, request.authority), "example.com:443");

  const std::string asterisk = "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n";
  EXPECT_EQ(Head(asterisk).form, HTTP_FORM_ASTERISK);
}

TEST(HttpParser, KeepAliveFollowsTheVersionAndConnection) {
  const struct {
    const char *version, *connection;
    bool keep_alive;
  } cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: x, CLOSE , y\r\n", false},
      {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
      {"1.1", "Connection: closed\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
      {"1.9", "", true},
  };
  for (const auto &c : cases) {
    const std::string head =
        std::string("GET / HTTP/") + c.version + "\r\nHost: x\r\n" + c.connection + "\r\n";
    EXPECT_EQ(Head(head).keep_alive, c.keep_alive) << head;
  }
}

TEST(HttpParser, ARepeatedConditionIsLeftOut) {
  const std::string head =
      "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nIf-None-Match: \t \"a\" \t\r\n"
      "range: bytes=2-3\r\n\r\n";
  const http_request request = Head(head);
  EXPECT_EQ(Text(head, request.fields[HTTP_RANGE]), "");
  EXPECT_EQ(Text(head, request.fields[HTTP_IF_NONE_MATCH]), "\"a\"");
}

TEST(HttpParser, EachLimitAdmitsItsValueAndNoMore) {
  http_limits limits = http_limits_default;
  const std::string line = "GET /abc HTTP/1.1";
  const std::string fields = "Host: x\r\nA: b\r\n\r\n";
  const std::string head = line + "\r\n" + fields;
  const auto status = [&](uint32_t http_limits::*limit, size_t value, const std::string &bytes) {
    limits = http_limits_default;
    limits.*limit = static_cast<uint32_t>(value);
    return -StatusOf(bytes, limits);
  };
  EXPECT_EQ(status(&http_limits::request_line_bytes_max, line.size(), head), 0);
  EXPECT_EQ(status(&http_limits::request_line_bytes_max, line.size() - 1, head), 414);
  EXPECT_EQ(status(&http_limits::fields_bytes_max, fields.size(), head), 0);
  EXPECT_EQ(status(&http_limits::fields_bytes_max, fields.size() - 1, head), 431);
  EXPECT_EQ(status(&http_limits::fields_max, 2, head), 0);
  EXPECT_EQ(status(&http_limits::fields_max, 1, head), 431);

  const std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status(&http_limits::chunk_digits_max, 3, chunked + "001\r\nx\r\n0\r\n\r\n"), 0);
  EXPECT_EQ(status(&http_limits::chunk_digits_max, 3, chunked + "0001\r\nx\r\n0\r\n\r\n"), 413);
  const std::string extended = chunked + "1;abc=de\r\nx\r\n0\r\n\r\n";
  EXPECT_EQ(status(&http_limits::chunk_extension_bytes_max, 6, extended), 0);
  EXPECT_EQ(status(&http_limits::chunk_extension_bytes_max, 5, extended), 400);
  // The head has 2 fields and 39 bytes of them.
  const std::string trailer = chunked + "0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n";
  EXPECT_EQ(status(&http_limits::fields_max, 3, trailer), 0);
  EXPECT_EQ(status(&http_limits::fields_max, 2, trailer), 431);
  const std::string long_trailer = chunked + "0\r\nA: " + std::string(93, 'b') + "\r\n\r\n";
  EXPECT_EQ(status(&http_limits::fields_bytes_max, 100, long_trailer), 0);
  EXPECT_EQ(status(&http_limits::fields_bytes_max, 99, long_trailer), 431);

  limits = http_limits_default;
  limits.body_bytes_max = 5;
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
  EXPECT_EQ(StatusOf(post + "5\r\n\r\nabcde", limits), 0);
  EXPECT_EQ(StatusOf(post + "6\r\n\r\nabcdef", limits), -413);
  EXPECT_EQ(StatusOf(chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", limits), 0);
  EXPECT_EQ(StatusOf(chunked + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", limits), -413);
}

TEST(HttpParser, AHeadOfAMegabyteIsRefusedByItsFirstKilobytes) {
  const std::string endless(1 << 20, 'a');
  Caller line, fields;
  line.Receive("GET /");
  fields.Receive("GET / HTTP/1.1\r\nHost: x\r\nA: ");
  size_t sent = 0;
  for (; sent < endless.size() && fields.outcome().status == 0; sent += 1024) {
    if (line.outcome().status == 0) line.Receive(endless.substr(0, 1024));
    fields.Receive(endless.substr(0, 1024));
  }
  EXPECT_EQ(line.outcome().status, -414);
  EXPECT_EQ(fields.outcome().status, -431);
  EXPECT_LE(sent, http_limits_default.fields_bytes_max + 1024);
}

}  // namespace
}  // namespace evnet_testing
