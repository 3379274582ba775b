#include "net/base/text.h"

#include <string.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

std::string Escape(const std::string &text, size_t size = 1 << 12) {
  std::vector<char> out(size + 1, '#');
  EXPECT_EQ(evnet_text_escape(text.c_str(), out.data(), size), out.data());
  EXPECT_EQ(out[size], '#') << "a byte behind the end";
  return out.data();
}

TEST(Text, WhatCanBeShownStaysAsItIs) {
  for (const char *text :
       {"", "tcp://127.0.0.1:80", "/run/x.sock", "a b~!@#$%^&*(){}[]<>?",
        "stra\xc3\x9f"
        "e",
        "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\xc2\xa0", "\xef\xbf\xbd"}) {
    EXPECT_EQ(Escape(text), text);
  }
}

TEST(Text, LineEndsEscapeSequencesAndQuotationMarksAreEscaped) {
  EXPECT_EQ(Escape("a\nevnet: error: forged"), "a\\nevnet: error: forged");
  EXPECT_EQ(Escape("\r\t\b\x1b[31m\x7f"), "\\r\\t\\x08\\x1b[31m\\x7f");
  EXPECT_EQ(Escape("it's \"so\" \\n"), "it\\'s \\\"so\\\" \\\\n");
}

TEST(Text, NoByteOfAControlCharacterIsLeft) {
  for (int byte = 1; byte < 256; byte++) {
    const std::string escaped = Escape(std::string(1, static_cast<char>(byte)));
    for (const char c : escaped) {
      EXPECT_GE(c, ' ') << byte;
      EXPECT_LT(c, 0x7f) << byte;
    }
  }
}

TEST(Text, CharactersThatATerminalActsUponOrHidesAreEscaped) {
  EXPECT_EQ(Escape("\xc2\x9b"
                   "31m"),
            "\\xc2\\x9b31m")
      << "CSI in one character";
  EXPECT_EQ(Escape("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
  EXPECT_EQ(Escape("\xe2\x80\xa8"), "\\xe2\\x80\\xa8") << "line separator";
  EXPECT_EQ(Escape("\xe2\x80\x8b"), "\\xe2\\x80\\x8b") << "zero width space";
  EXPECT_EQ(Escape("\xef\xbb\xbf"), "\\xef\\xbb\\xbf") << "byte order mark";
  EXPECT_EQ(Escape("\xf3\xa0\x80\x81"), "\\xf3\\xa0\\x80\\x81") << "a tag";
}

TEST(Text, WhatIsNotUtf8IsEscapedByteByByte) {
  EXPECT_EQ(Escape("\x80"), "\\x80");
  EXPECT_EQ(Escape("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(Escape("\xe0\x80\xaf"), "\\xe0\\x80\\xaf") << "overlong";
  EXPECT_EQ(Escape("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf") << "overlong";
  EXPECT_EQ(Escape("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(Escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
  EXPECT_EQ(Escape("\xc3"), "\\xc3") << "cut short";
  EXPECT_EQ(Escape("\xe6\x97x"), "\\xe6\\x97x") << "cut short";
}

TEST(Text, AMegabyteIsCutToTheRoomThatThereIs) {
  const std::string megabyte(1 << 20, 'x');
  EXPECT_EQ(Escape(megabyte, 10), "xxxxxx...");
  EXPECT_EQ(Escape(std::string(1 << 20, '\n'), 10), "\\n\\n\\n...");
  EXPECT_EQ(Escape(megabyte, EVNET_TEXT_BYTES).size(), size_t{EVNET_TEXT_BYTES} - 1);
}

TEST(Text, TheCutLeavesWholeCharactersAndWholeEscapes) {
  EXPECT_EQ(Escape("123456789", 10), "123456789") << "it fits";
  EXPECT_EQ(Escape("1234567890", 10), "123456...");
  EXPECT_EQ(Escape("12345\xc3\x9f"
                   "7890",
                   10),
            "12345...");
  EXPECT_EQ(Escape("123\x1b"
                   "4567890",
                   10),
            "123...");
  EXPECT_EQ(Escape("123\x1b"
                   "45",
                   10),
            "123\\x1b45");
  for (size_t size = 1; size < 6; size++) {
    EXPECT_EQ(Escape("1234567890", size), std::string("1...").substr(size > 4 ? 0 : 1, size - 1));
  }
}

TEST(Text, NullIsSaidToBeThat) {
  char out[16];
  EXPECT_STREQ(evnet_text_escape(nullptr, out, sizeof out), "(null)");
}

TEST(Text, AUnixAddressIsEscapedAsItsPeerChoseIt) {
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("unix:///tmp/a\nevnet: error: forged", &address, nullptr, 0), 0);
  char out[EVNET_TEXT_BYTES];
  EXPECT_STREQ(evnet_text_of_address(&address, out, sizeof out),
               "unix:///tmp/a\\nevnet: error: forged");
  ASSERT_EQ(
      evnet_address_parse(("unix:///" + std::string(100, '\x1b')).c_str(), &address, nullptr, 0),
      0);
  EXPECT_EQ(strlen(evnet_text_of_address(&address, out, sizeof out)),
            strlen("unix:///") + 4 * 29 + 3);
}

}  // namespace
