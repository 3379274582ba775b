// Tests of the hash table against a model.
#include "examples/kv/table.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

struct Value {
  std::string bytes;
  int64_t expires_ms;
};

class TableTest : public ::testing::Test {
 protected:
  TableTest() { EXPECT_EQ(evnet_hash_key_make(&seed_), 0); }
  ~TableTest() override { table_clear(&table_); }

  uint64_t Hash(const std::string &key) const { return evnet_hash(&seed_, key.data(), key.size()); }
  entry *Find(const std::string &key) {
    return table_find(&table_, Hash(key), key.data(), key.size());
  }
  entry *Put(const std::string &key, const std::string &value, int64_t expires_ms = -1) {
    return table_put(&table_, &seed_, Hash(key), key.data(), key.size(), value.data(), value.size(),
                     expires_ms);
  }
  void Remove(const std::string &key) { table_remove(&table_, &seed_, Hash(key), Find(key)); }
  static std::string KeyOf(entry *each) { return std::string(entry_key(each), each->key_size); }
  static std::string ValueOf(entry *each) {
    return std::string(entry_value(each), each->value_size);
  }

  std::set<std::string> ScanAll() {
    std::set<std::string> keys;
    uint64_t cursor = 0;
    do {
      cursor = table_scan(
          &table_, cursor,
          [](entry *each, void *user) {
            static_cast<std::set<std::string> *>(user)->insert(KeyOf(each));
          },
          &keys);
    } while (cursor != 0);
    return keys;
  }

  evnet_hash_key seed_;
  table table_ = {};
};

TEST_F(TableTest, BehavesAsAMap) {
  std::mt19937 random(7);
  std::map<std::string, Value> model;
  for (int step = 0; step < 40000; step++) {
    // The table grows, shrinks and grows again.
    const int keys = step / 10000 % 2 == 0 ? 2000 : 20;
    const std::string key(std::to_string(random() % 2000 < 2 ? 0 : random() % keys));
    entry *found = Find(key);
    const auto known = model.find(key);
    ASSERT_EQ(found != nullptr, known != model.end()) << key;
    if (found != nullptr) {
      ASSERT_EQ(ValueOf(found), known->second.bytes);
      ASSERT_EQ(entry_expires_ms(found), known->second.expires_ms);
    }
    const std::string value(random() % 40, 'v');
    const int64_t expires_ms = random() % 2 == 0 ? -1 : static_cast<int64_t>(random());
    switch (found != nullptr ? random() % 4 : 0) {
      case 0:
        ASSERT_NE(Put(key, value, expires_ms), nullptr);
        model[key] = {value, expires_ms};
        break;
      case 1:
        Remove(key);
        model.erase(key);
        break;
      case 2:
        ASSERT_NE(table_resize(&table_, Hash(key), found, value.size()), nullptr);
        known->second.bytes.resize(value.size());
        break;
      default:
        ASSERT_NE(table_set_expiry(&table_, Hash(key), found, expires_ms), nullptr);
        known->second.expires_ms = expires_ms;
    }
    ASSERT_EQ(table_count(&table_), model.size());
    if (step % 10000 == 9999) {
      while (model.size() > 10) {
        Remove(model.begin()->first);
        model.erase(model.begin());
      }
    }
  }
  std::set<std::string> keys;
  for (const auto &each : model) keys.insert(each.first);
  EXPECT_EQ(ScanAll(), keys);
}

TEST_F(TableTest, AScanReportsWhatStaysWhileTheTableGrowsAndShrinks) {
  for (int stay = 0; stay < 100; stay++)
    ASSERT_NE(Put("stay" + std::to_string(stay), "x"), nullptr);
  for (const bool grows : {true, false}) {
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int change = 0;
    do {
      cursor = table_scan(
          &table_, cursor,
          [](entry *each, void *user) {
            if (KeyOf(each).rfind("stay", 0) == 0)
              static_cast<std::set<std::string> *>(user)->insert(KeyOf(each));
          },
          &seen);
      for (int i = 0; i < 7; i++, change++) {
        const std::string key = "change" + std::to_string(change);
        if (grows && change < 3000) {
          ASSERT_NE(Put(key, "x"), nullptr);
        } else if (!grows && Find(key) != nullptr) {
          Remove(key);
        }
      }
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), 100u) << grows;
  }
}

// A table that rehashes in one step would move all its entries in one insertion.
TEST_F(TableTest, AnInsertionMovesAFewChainsOnly) {
  for (int i = 0; i < 100000; i++) {
    const size_t moved = table_.moved, first = table_.counts[0];
    ASSERT_NE(Put(std::to_string(i), "x"), nullptr);
    if (table_.chains[1] != nullptr && first >= table_.counts[0]) {
      ASSERT_LE(table_.moved - std::min(moved, table_.moved), 32u);
      ASSERT_LE(first - table_.counts[0], 32u);
    }
  }
}

TEST_F(TableTest, RandomReachesEveryEntry) {
  for (int i = 0; i < 50; i++) ASSERT_NE(Put(std::to_string(i), "x"), nullptr);
  std::mt19937_64 random(3);
  std::set<std::string> seen;
  for (int i = 0; i < 5000; i++)
    seen.insert(KeyOf(table_random(
        &table_, [](void *user) -> uint64_t { return (*static_cast<std::mt19937_64 *>(user))(); },
        &random)));
  EXPECT_EQ(seen.size(), 50u);
}

TEST_F(TableTest, BytesAreThoseOfTheEntriesAndArrays) {
  for (int i = 0; i < 1000; i++)
    ASSERT_NE(Put(std::to_string(i), std::string(100, 'x'), i), nullptr);
  EXPECT_GT(table_.bytes, 1000 * 120u);
  for (int i = 0; i < 1000; i++) Remove(std::to_string(i));
  EXPECT_LT(table_.bytes, 100000u);
  EXPECT_EQ(table_count(&table_), 0u);
}

}  // namespace
}  // namespace evnet_testing
