// Tests of the parser of requests. differential_test compares it with redis-server.
#include "examples/kv/resp.h"

#include <string.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

using Args = std::vector<std::string>;

// The result of parsing a stream of requests: everything that a caller can see.
struct Outcome {
  std::vector<Args> requests;
  std::string error;  // of the request that ended the stream; empty: none

  bool operator==(const Outcome &other) const {
    return requests == other.requests && error == other.error;
  }
};

// A caller that receives a stream in parts. Each call gets memory of exactly the size of the
// pending bytes, so that AddressSanitizer finds a read beyond it.
class Caller {
 public:
  explicit Caller(const resp_limits &limits = resp_limits_default) : limits_(limits) {}
  ~Caller() { resp_deinit(&request_); }

  void Receive(const std::string &part) {
    pending_ += part;
    while (outcome_.error.empty() && Step()) continue;
  }

  const Outcome &outcome() const { return outcome_; }

 private:
  bool Step() {
    const std::vector<char> exact(pending_.begin(), pending_.end());
    const ssize_t used = resp_parse(&request_, &limits_, exact.data(), exact.size());
    if (used < 0) {
      char message[RESP_ERROR_BYTES_MAX];
      resp_error_message(&request_, static_cast<resp_error>(used), message);
      outcome_.error = message;
    }
    if (used <= 0) return false;
    Args args;
    for (size_t i = 0; i < request_.args_count; i++)
      args.emplace_back(request_.args[i].data, request_.args[i].size);
    outcome_.requests.push_back(args);
    pending_.erase(0, static_cast<size_t>(used));
    return true;
  }

  const resp_limits limits_;
  Outcome outcome_;
  std::string pending_;
  resp_request request_ = {};
};

Outcome Whole(const std::string &stream, const resp_limits &limits = resp_limits_default) {
  Caller caller(limits);
  caller.Receive(stream);
  return caller.outcome();
}

std::string ErrorOf(const std::string &stream) { return Whole(stream).error; }

// Parses one request, which must be valid.
Args ArgsOf(const std::string &stream) {
  const Outcome outcome = Whole(stream);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.requests.size(), 1u) << stream;
  return outcome.requests.empty() ? Args() : outcome.requests[0];
}

std::string Array(const Args &args) {
  std::string text = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string &arg : args)
    text += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return text;
}

TEST(Resp, AnArrayHoldsAnyBytes) {
  const Args args = {"SET", std::string("\0\r\n$*", 5), ""};
  EXPECT_EQ(ArgsOf(Array(args)), args);
}

TEST(Resp, AnEmptyRequestHasNoArguments) {
  for (const char *text : {"*0\r\n", "*-1\r\n", "*-10\r\n", "\r\n", "\n", " \t\r\n"})
    EXPECT_EQ(ArgsOf(text), Args()) << text;
}

TEST(Resp, AnArrayOfManyArgumentsIsOneRequest) {
  const size_t few = RESP_ARGS_FEW;
  for (const size_t count : {few, few + 1, 4 * few + 1, size_t{100000}}) {
    Args args(count);
    for (size_t i = 0; i < count; i++) args[i] = std::to_string(i);
    EXPECT_TRUE(ArgsOf(Array(args)) == args) << count;
  }
}

TEST(Resp, AnInlineRequestIsSplitAtWhitespace) {
  EXPECT_EQ(ArgsOf("  SET\tkey  value \r\n"), Args({"SET", "key", "value"}));
  EXPECT_EQ(ArgsOf("PING\n"), Args({"PING"}));
  // Only the line's last CR belongs to its end.
  EXPECT_EQ(ArgsOf("a\rb\r\n"), Args({"a", "b"}));
  EXPECT_EQ(ArgsOf("a\vb\v\fc\n"), Args({"a\vb\v\fc"}));
}

TEST(Resp, QuotesAndEscapesAreThoseOfRedisCli) {
  EXPECT_EQ(ArgsOf("\"a b\" 'c d'\n"), Args({"a b", "c d"}));
  EXPECT_EQ(ArgsOf("\"\" ''\n"), Args({"", ""}));
  EXPECT_EQ(ArgsOf(R"("\n\r\t\b\a\\\"\q")"
                   "\n"),
            Args({"\n\r\t\b\a\\\"q"}));
  EXPECT_EQ(ArgsOf(R"("\x41\xfF\x4")"
                   "\n"),
            Args({"A\xffx4"}));
  EXPECT_EQ(ArgsOf(R"('\'\n\\x')"
                   "\n"),
            Args({R"('\n\\x)"}));
  // A quoted part may follow other bytes, but ends the argument.
  EXPECT_EQ(ArgsOf("a\"b c\" d\n"), Args({"ab c", "d"}));
}

TEST(Resp, UnbalancedQuotesAreAnError) {
  const std::string expected = "ERR Protocol error: unbalanced quotes in request";
  for (const char *text : {"\"a\n", "'a\n", "\"a\"b\n", "'a'b\n", "\"\\\"\n", "a\"\n", "'\\'\n"})
    EXPECT_EQ(ErrorOf(text), expected) << text;
}

TEST(Resp, EachErrorHasTheMessageOfRedis) {
  const std::vector<std::pair<const char *, const char *>> cases = {
      {"*x\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*+1\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*-0\r\n", "invalid multibulk length"},
      {"* 1\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*1\r\nPING\r\n", "expected '$', got 'P'"},
      {"*1\r\n\r\n", "expected '$', got ' '"},
      {"*1\r\n\n\r\n", "expected '$', got ' '"},
      {"*1\r\n$\r\n", "invalid bulk length"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n$9223372036854775808\r\n", "invalid bulk length"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(ErrorOf(c.first), std::string("ERR Protocol error: ") + c.second) << c.first;
}

TEST(Resp, TheLargestNumbersAreAccepted) {
  EXPECT_EQ(ErrorOf("*2147483647\r\n$536870912\r\n"), "");
  EXPECT_EQ(ErrorOf("*-9223372036854775808\r\n"), "");
}

TEST(Resp, ALineEndsWithin64Kibibytes) {
  const struct {
    const char *start, *begin, *end, *message;
  } cases[] = {
      {"", "", "\n", "too big inline request"},
      {"", "*", "\r\n", "too big mbulk count string"},
      {"*1\r\n", "$", "\r\n", "too big bulk count string"},
  };
  for (const auto &c : cases) {
    const std::string line = c.begin + std::string(RESP_LINE_BYTES_MAX - strlen(c.begin), '1');
    const std::string message = std::string("ERR Protocol error: ") + c.message;
    EXPECT_NE(ErrorOf(c.start + line + c.end), message);
    EXPECT_EQ(ErrorOf(c.start + line), "");
    EXPECT_EQ(ErrorOf(c.start + line + "1"), message);
    EXPECT_EQ(ErrorOf(c.start + line + "1" + c.end), message);
  }
}

// As for Redis, whose strchr(3) does not look beyond a NUL.
TEST(Resp, ANulHidesTheEndOfALine) {
  for (const std::string &start : {std::string(1, '\0'), std::string("*\0", 2),
                                   std::string("*1\r\n\0", 5), std::string("*1\r\n$\0", 6)}) {
    const std::string lines = start + "PING\r\nPING\r\n";
    EXPECT_TRUE(Whole(lines) == Outcome()) << start;
    EXPECT_NE(ErrorOf(lines + std::string(RESP_LINE_BYTES_MAX, 'x')), "") << start;
  }
}

// A stream of requests, of which some are malformed.
std::string RandomStream(std::mt19937 *random) {
  static const std::string bytes("*$1-\r\n\0 \t\v\"'\\xa", 16);
  std::string stream;
  for (unsigned requests = 1 + (*random)() % 4; requests > 0; requests--) {
    Args args((*random)() % 12);
    for (std::string &arg : args) {
      arg.resize((*random)() % 20);
      for (char &c : arg) c = bytes[(*random)() % bytes.size()];
    }
    if ((*random)() % 2 == 0) {
      stream += Array(args);
    } else {
      for (const std::string &arg : args) stream += arg + " ";
      stream += "\r\n";
    }
  }
  for (unsigned changes = (*random)() % 3; changes > 0 && !stream.empty(); changes--)
    stream[(*random)() % stream.size()] = bytes[(*random)() % bytes.size()];
  return stream;
}

TEST(Resp, AByteAtATimeGivesTheSameAsOnePiece) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; i++) {
    const std::string stream = RandomStream(&random);
    Caller caller;
    for (const char byte : stream) caller.Receive(std::string(1, byte));
    ASSERT_TRUE(caller.outcome() == Whole(stream)) << "stream " << i << ": " << stream;
  }
}

TEST(Resp, RandomPartsGiveTheSameAsOnePiece) {
  std::mt19937 random(2);
  for (int i = 0; i < 3000; i++) {
    // Small limits, so that they are exceeded, too.
    const bool is_small = random() % 2 == 0;
    resp_limits limits = resp_limits_default;
    if (is_small)
      limits = {static_cast<int64_t>(random() % 12), static_cast<int64_t>(random() % 20)};
    const std::string stream = RandomStream(&random);
    Caller caller(limits);
    for (size_t at = 0; at < stream.size();) {
      const size_t size = std::min<size_t>(1 + random() % 12, stream.size() - at);
      caller.Receive(stream.substr(at, size));
      at += size;
    }
    ASSERT_TRUE(caller.outcome() == Whole(stream, limits)) << "stream " << i << ": " << stream;
  }
}

TEST(Resp, ANumberIsDecimalWithoutLeadingZero) {
  int64_t number = 7;
  for (const char *text : {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1a", "0x1",
                           "9223372036854775808", "-9223372036854775809", "99999999999999999999"}) {
    EXPECT_EQ(resp_parse_number(text, strlen(text), &number), -1) << text;
    EXPECT_EQ(number, 7);
  }
  for (const int64_t expected : {INT64_MIN, int64_t{-10}, int64_t{0}, int64_t{9}, INT64_MAX}) {
    const std::string text = std::to_string(expected);
    EXPECT_EQ(resp_parse_number(text.data(), text.size(), &number), 0);
    EXPECT_EQ(number, expected);
  }
}

}  // namespace
}  // namespace evnet_testing
