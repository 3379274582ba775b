// Compares the parser's decisions with those of llhttp, by the HTTP server of Node.js. A difference
// is in the list of requests, with the section of the RFC that justifies it.
#include <stdio.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "examples/http/requests.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

bool HasNode() { return system("node --version >/dev/null 2>&1") == 0; }

std::string Hex(const std::string &bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

// Returns the status codes of Node's responses to each stream.
std::vector<std::string> AskNode(const std::vector<Case> &cases) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/streams";
  std::ofstream streams(path);
  for (const Case &c : cases) streams << Hex(c.bytes) << "\n";
  streams.close();
  FILE *pipe = popen(("node examples/http/llhttp.js < '" + path + "'").c_str(), "r");
  std::vector<std::string> answers(1);
  for (int byte; (byte = fgetc(pipe)) != EOF;) {
    if (byte == '\n') {
      answers.emplace_back();
    } else {
      answers.back() += static_cast<char>(byte);
    }
  }
  answers.pop_back();
  EXPECT_EQ(pclose(pipe), 0);
  return answers;
}

TEST(HttpParser, LlhttpDecidesAlikeExceptWhereTheRfcJustifiesTheDifference) {
  if (!HasNode()) GTEST_SKIP() << "node is not installed";
  const std::vector<Case> cases = Cases();
  const std::vector<std::string> answers = AskNode(cases);
  ASSERT_EQ(answers.size(), cases.size());
  for (size_t i = 0; i < cases.size(); i++) {
    const Case &c = cases[i];
    size_t complete = 0;
    bool rejected = false;
    std::istringstream codes(answers[i]);
    for (std::string code; codes >> code;) {
      if (code[0] == '2')
        complete++;
      else
        rejected = true;
    }
    const bool alike = rejected == (c.status != 0) && complete == c.complete;
    EXPECT_EQ(alike, c.differs == nullptr)
        << c.name << ": expected " << c.complete << " requests and status " << c.status
        << ", node answers '" << answers[i] << "'; " << (c.differs ? c.differs : "no difference");
  }
}

}  // namespace
}  // namespace evnet_testing
