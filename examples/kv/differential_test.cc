// Sends the same requests to kv and to redis-server, and compares the replies byte by byte.
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "adapters/testing/database.h"
#include "examples/kv/resp_client.h"
#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"

namespace evnet_testing {
namespace {

// Requests of which each has one reply. They are sent in this order.
const char *const kRequests[] = {
    R"(HELLO 1)",
    R"(HELLO x)",
    R"(HELLO 2 AUTH a b)",
    R"(HELLO 2 FOO)",
    R"(PING)",
    R"(ping hello)",
    R"(NOSUCHCOMMAND arg1 arg2)",
    R"(get)",
    R"(CLIENT GETNAME)",
    R"(CLIENT SETNAME foo)",
    R"(CLIENT GETNAME)",
    R"(CLIENT SETNAME a\x20b)",
    R"(CLIENT NO-EVICT on)",
    R"(CLIENT NO-EVICT foo)",
    R"(CLIENT KILL 1.2.3.4:5)",
    R"(CLIENT KILL ID 0)",
    R"(CLIENT KILL ID 999999)",
    R"(CLIENT KILL TYPE foo)",
    R"(CLIENT KILL USER nobody)",
    R"(CLIENT LIST TYPE foo)",
    R"(CLIENT LIST FOO)",
    R"(CLIENT ID x)",
    R"(CLIENT)",
    R"(OBJECT)",
    R"(CONFIG GET)",
    R"(CONFIG SET nosuch 1)",
    R"(CONFIG SET maxmemory x)",
    R"(CONFIG SET maxmemory 0)",
    R"(CONFIG SET port)",
    R"(CONFIG GET maxmemory)",
    R"(CONFIG GET databases)",
    R"(CONFIG REWRITE)",
    R"(CONFIG RESETSTAT)",
    R"(COMMAND COUNT x)",
    R"(COMMAND INFO get set getex del mset lcs copy rename watch exec subscribe publish ping quit hello reset scan object|encoding flushall keys nosuch)",
    R"(COMMAND INFO append bitcount dbsize decr decrby discard echo exists expire expireat expiretime flushdb getbit getdel getrange getset incr incrby incrbyfloat info mget move msetnx multi persist pexpire pexpireat pexpiretime psetex psubscribe pttl punsubscribe randomkey renamenx select setbit setex setnx setrange strlen substr swapdb time touch ttl type unlink unsubscribe unwatch)",
    R"(COMMAND INFO config|get config|set client|id client|list client|kill pubsub|numsub command|count command|info function|flush client|no-evict)",
    R"(SET k v EX 100)",
    R"(TTL k)",
    R"(SET k v KEEPTTL)",
    R"(TTL k)",
    R"(SET n 10)",
    R"(OBJECT ENCODING n)",
    R"(APPEND n 5)",
    R"(OBJECT ENCODING n)",
    R"(GET n)",
    R"(SCAN 0 COUNT 0)",
    R"(SCAN x)",
    R"(SCAN 0 FOO)",
    R"(SCAN 0 MATCH)",
    R"(FLUSHALL)",
    R"(SCAN 0)",
    R"(SCAN 0 COUNT 100 MATCH a*)",
    R"(MSET hello 1 hallo 2 hxllo 3 h[llo 4 hllo 5 heeello 6)",
    R"(KEYS h?llo)",
    R"(KEYS h*llo)",
    R"(KEYS h[ae]llo)",
    R"(KEYS h[^e]llo)",
    R"(KEYS h[a-b]llo)",
    R"(KEYS h\x5c[llo)",
    R"(KEYS *)",
    R"(KEYS [)",
    R"(SUBSCRIBE x)",
    R"(PUBLISH x y)",
    R"(GET a)",
    R"(PING)",
    R"(PING hi)",
    R"(UNSUBSCRIBE x)",
    R"(UNSUBSCRIBE)",
    R"(PUNSUBSCRIBE)",
    R"(PSUBSCRIBE a*)",
    R"(PSUBSCRIBE b*)",
    R"(PUBSUB NUMPAT)",
    R"(PUNSUBSCRIBE a*)",
    R"(PUNSUBSCRIBE b*)",
    R"(PUBSUB CHANNELS)",
    R"(PUBSUB NUMSUB a b)",
    R"(PUBSUB NUMPAT)",
    R"(PUBSUB FOO)",
    R"(MULTI)",
    R"(SET a 1)",
    R"(NOSUCH)",
    R"(EXEC)",
    R"(MULTI)",
    R"(GET)",
    R"(EXEC)",
    R"(MULTI)",
    R"(MULTI)",
    R"(WATCH a)",
    R"(INCR a)",
    R"(NOPE)",
    R"(EXEC)",
    R"(WATCH a)",
    R"(SET a 2)",
    R"(MULTI)",
    R"(GET a)",
    R"(EXEC)",
    R"(EXEC)",
    R"(DISCARD)",
    R"(MULTI)",
    R"(SELECT 1)",
    R"(SET z 1)",
    R"(EXEC)",
    R"(DBSIZE)",
    R"(SELECT 0)",
    R"(FUNCTION FLUSH FOO)",
    R"(FUNCTION FLUSH SYNC)",
    R"(FUNCTION)",
    R"(LCS a b c d)",
    R"(SET big 1)",
    R"(INCRBYFLOAT big 3.0e3)",
    R"(INCRBYFLOAT big 200)",
    R"(SET f 10.50)",
    R"(INCRBYFLOAT f 0.1)",
    R"(SET f 3.0e3)",
    R"(INCRBYFLOAT f 200)",
    R"(INCRBYFLOAT f -5e3)",
    R"(SET s ohmytext)",
    R"(SET t mynewtext)",
    R"(LCS s t IDX WITHMATCHLEN)",
    R"(LCS s t IDX MINMATCHLEN 4)",
    R"(QUITX)",
};

class Differential : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    if (!redis_.installed()) GTEST_SKIP() << "redis-server is not installed";
    if (!HasBackend(std::get<0>(GetParam()))) GTEST_SKIP() << "the backend is not available";
    redis_.Start();
    kv_ = std::make_unique<Process>(Words{"--backend=" + std::get<0>(GetParam()),
                                          "--reactors=" + std::get<1>(GetParam()),
                                          "tcp://127.0.0.1:0"});
    ours_ = std::make_unique<RespClient>(PortOf(kv_->Line()));
    theirs_ = std::make_unique<RespClient>(ParseAddress(std::string("unix://") + redis_.socket()));
  }

  // Whether the order of a reply's elements is undefined.
  static bool IsUnordered(const std::string &name) {
    return name == "KEYS" || name == "CONFIG" || name == "EXEC";
  }

  void Compare(const Words &words) {
    std::string ours = ours_->Ask(words), theirs = theirs_->Ask(words);
    if (IsUnordered(words[0])) {
      ours = Sorted(ours);
      theirs = Sorted(theirs);
    }
    std::string text;
    for (const std::string &word : words) text += word + " ";
    ASSERT_EQ(ours.substr(0, 500), theirs.substr(0, 500)) << text;
    ASSERT_TRUE(ours == theirs) << text << "differ after 500 bytes";
  }

  RedisServer redis_;
  std::unique_ptr<Process> kv_;
  std::unique_ptr<RespClient> ours_, theirs_;
};

TEST_P(Differential, FixedRequests) {
  for (const char *line : kRequests) {
    Compare(WordsOf(line));
    if (HasFatalFailure()) return;
  }
}

// Draws requests. Times to live are long, so that the two clocks do not matter.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Words Next() {
    static const char *const kForms[] = {
        "SET K V",
        "SET K V",
        "SET K V S",
        "GET K",
        "GETDEL K",
        "GETEX K X",
        "GETSET K V",
        "SETNX K V",
        "SETEX K N V",
        "PSETEX K N V",
        "DEL K K",
        "UNLINK K",
        "EXISTS K K K",
        "INCR K",
        "DECR K",
        "INCRBY K N",
        "DECRBY K N",
        "INCRBYFLOAT K F",
        "APPEND K V",
        "STRLEN K",
        "GETRANGE K N N",
        "SUBSTR K N N",
        "SETRANGE K R V",
        "MGET K K",
        "MSET K V K V",
        "MSET K V K",
        "MSETNX K V K V",
        "EXPIRE K N E",
        "PEXPIRE K N E",
        "EXPIREAT K N E",
        "PEXPIREAT K N E",
        "EXPIRETIME K",
        "TTL K",
        "PERSIST K",
        "COPY K K C",
        "MOVE K D",
        "RENAME K K",
        "RENAMENX K K",
        "SETBIT K B O",
        "GETBIT K B",
        "BITCOUNT K I",
        "LCS K K L",
        "TOUCH K K",
        "OBJECT ENCODING K",
        "OBJECT REFCOUNT K",
        "OBJECT FREQ K",
        "TYPE K",
        "DBSIZE",
        "SELECT D",
        "SWAPDB D D",
        "MULTI",
        "EXEC",
        "DISCARD",
        "WATCH K",
        "UNWATCH",
        "FLUSHDB M",
        "PING P",
        "ECHO V",
        "RESET",
        "NOSUCH a b",
        "GET",
        "CLIENT FOO",
        "OBJECT FOO a",
        "CONFIG FOO",
        "KEYS *",
    };
    Words words;
    for (const std::string &part : WordsOf(kForms[Below(sizeof kForms / sizeof kForms[0])])) {
      if (part.size() != 1 || words.empty() || part == "*" || part == "a" || part == "b") {
        words.push_back(part);
      } else {
        for (const std::string &word : WordsOf(Choice(part[0]))) words.push_back(word);
      }
    }
    return words;
  }

 private:
  size_t Below(size_t count) { return random_() % count; }

  const char *Pick(const std::vector<const char *> &all) { return all[Below(all.size())]; }

  const char *Choice(char kind) {
    switch (kind) {
      case 'K':
        return Pick({"a", "b", "c", "d", "e"});
      case 'V':
        return Pick({"1", "-5", "abc", "\"\"", "10000", "3.5", "9223372036854775807", "0", "00",
                     "1e3", "\\x201", "\\x00\\xff",
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"});
      case 'N':
        return Pick({"0", "1000000", "-1", "500000", "-3", "100000", "x", "9223372036854775807",
                     "-9223372036854775808", "12345678901234567890"});
      case 'S':
        return Pick({"NX", "XX", "GET", "EX 100", "PX 100000", "KEEPTTL", "EX 0", "NX GET",
                     "XX GET", "NX XX", "EX", "FOO", "EXAT 99999999999", "PXAT 1", "PX 5 EX 5"});
      case 'X':
        return Pick({"", "PERSIST", "EX 50", "EXAT 1", "FOO", "PX -1"});
      case 'F':
        return Pick({"1", "1.5", "-3.25", "1e5", "x", "1e400", "0.1", "nan", "inf", "\\x201"});
      case 'R':
        return Pick({"0", "3", "70", "-1", "x", "536870912"});
      case 'E':
        return Pick({"", "NX", "XX", "GT", "LT", "NX XX", "GT LT", "FOO"});
      case 'C':
        return Pick({"", "REPLACE", "DB 1", "DB 99", "DB x", "FOO"});
      case 'D':
        return Pick({"0", "1", "0", "16", "x", "-1"});
      case 'B':
        return Pick({"0", "7", "100", "-1", "x", "4294967296"});
      case 'O':
        return Pick({"0", "1", "2", "x"});
      case 'I':
        return Pick(
            {"", "0 -1", "0", "1 5 BIT", "-10 -3 BIT", "0 -1 BYTE", "0 x", "-1 -5", "0 1 FOO"});
      case 'L':
        return Pick({"", "LEN", "IDX", "IDX WITHMATCHLEN", "IDX MINMATCHLEN 2", "LEN IDX", "FOO"});
      case 'M':
        return Pick({"", "SYNC", "ASYNC", "FOO"});
      default:
        return Pick({"", "x", "x y"});
    }
  }

  std::mt19937 random_;
};

TEST_P(Differential, RandomRequests) {
  Generator generator(17);
  for (int i = 0; i < 6000; i++) {
    Compare(generator.Next());
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Servers, Differential,
    ::testing::Combine(::testing::Values("epoll", "io_uring"), ::testing::Values("1", "2")),
    [](const ::testing::TestParamInfo<std::tuple<std::string, std::string>> &each) {
      return std::get<0>(each.param) + "_" + std::get<1>(each.param);
    });

}  // namespace
}  // namespace evnet_testing
