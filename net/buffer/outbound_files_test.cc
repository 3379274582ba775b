// Tests of file ranges in the outbound queue: they keep their order, are counted, and are closed
// once.
#include <errno.h>
#include <stdint.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/buffer/outbound.h"

namespace {

// The number of times that each descriptor was closed.
std::map<int, int> &Closed() {
  static auto *const closed = new std::map<int, int>;
  return *closed;
}

void Close(int descriptor) { Closed()[descriptor]++; }

class OutboundFiles : public ::testing::Test {
 protected:
  OutboundFiles() {
    Closed().clear();
    evnet_outbound_init(&queue, allocator.get(), 0);
  }
  ~OutboundFiles() override {
    evnet_outbound_deinit(&queue);
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }

  int Append(const std::string &bytes) {
    const iovec piece = {const_cast<char *>(bytes.data()), bytes.size()};
    return evnet_outbound_append(&queue, &piece, 1, 0);
  }
  int AppendFile(int descriptor, int64_t offset, int64_t size) {
    const evnet_outbound_file file = {offset, size, descriptor, Close};
    return evnet_outbound_append_file(&queue, &file);
  }
  // Describes the front of the queue: its bytes, or "file 7: 100+50".
  std::string Next() {
    const evnet_outbound_file *file = evnet_outbound_first_file(&queue);
    if (file != nullptr) {
      iovec piece;
      EXPECT_EQ(evnet_outbound_gather(&queue, &piece, 1), 0u);
      return "file " + std::to_string(file->descriptor) + ": " + std::to_string(file->offset) +
             "+" + std::to_string(file->size);
    }
    std::string bytes;
    iovec pieces[64];
    const size_t count = evnet_outbound_gather(&queue, pieces, 64);
    for (size_t i = 0; i < count; i++)
      bytes.append(static_cast<const char *>(pieces[i].iov_base), pieces[i].iov_len);
    return bytes;
  }

  FailingAllocator allocator;
  evnet_outbound queue;
};

TEST_F(OutboundFiles, StandInOrderAmongBytesAndCountNone) {
  ASSERT_EQ(Append("head"), 0);
  ASSERT_EQ(AppendFile(7, 100, 50), 0);
  ASSERT_EQ(AppendFile(8, 0, INT64_MAX), 0);
  ASSERT_EQ(Append("tail"), 0);
  EXPECT_EQ(evnet_outbound_bytes(&queue), 8u);
  EXPECT_EQ(Next(), "head");
  evnet_outbound_consume(&queue, 4);
  EXPECT_EQ(Next(), "file 7: 100+50");
  evnet_outbound_consume_file(&queue, 0);
  evnet_outbound_consume_file(&queue, 49);
  EXPECT_EQ(Next(), "file 7: 149+1");
  EXPECT_EQ(Closed()[7], 0);
  evnet_outbound_consume_file(&queue, 1);
  EXPECT_EQ(Closed()[7], 1);
  EXPECT_EQ(Next(), "file 8: 0+" + std::to_string(INT64_MAX));
  evnet_outbound_consume_file(&queue, INT64_MAX);
  EXPECT_EQ(Closed()[8], 1);
  EXPECT_EQ(Next(), "tail");
  EXPECT_FALSE(evnet_outbound_is_empty(&queue));
  evnet_outbound_consume(&queue, 4);
  EXPECT_TRUE(evnet_outbound_is_empty(&queue));
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

TEST_F(OutboundFiles, AFileAloneIsNotAnEmptyQueue) {
  EXPECT_TRUE(evnet_outbound_is_empty(&queue));
  ASSERT_EQ(AppendFile(7, 0, 1), 0);
  EXPECT_EQ(evnet_outbound_bytes(&queue), 0u);
  EXPECT_FALSE(evnet_outbound_is_empty(&queue));
}

TEST_F(OutboundFiles, WhatCameBackGoesInFrontOfAFile) {
  ASSERT_EQ(AppendFile(7, 0, 10), 0);
  ASSERT_EQ(evnet_outbound_prepend(&queue, "front", 5), 0);
  ASSERT_EQ(Append("second"), 0);
  EXPECT_EQ(Next(), "front");
  evnet_outbound_consume(&queue, 5);
  EXPECT_EQ(Next(), "file 7: 0+10");
  evnet_outbound_consume_file(&queue, 10);
  EXPECT_EQ(Next(), "second");
}

TEST_F(OutboundFiles, BytesBehindAFileBeginABlockOfTheSmallestSize) {
  ASSERT_EQ(Append("head"), 0);
  ASSERT_EQ(AppendFile(7, 0, 10), 0);
  const size_t before = allocator.live_bytes();
  ASSERT_EQ(Append("tail"), 0);
  EXPECT_EQ(allocator.live_bytes() - before, size_t{EVNET_OUTBOUND_BLOCK_BYTES_MIN});
}

TEST_F(OutboundFiles, OneMoreThanTheBoundIsRefused) {
  for (int i = 0; i < EVNET_OUTBOUND_FILES_MAX; i++) ASSERT_EQ(AppendFile(i, 0, 1), 0);
  EXPECT_EQ(AppendFile(1000, 0, 1), -ENOBUFS);
  EXPECT_EQ(queue.files, uint32_t{EVNET_OUTBOUND_FILES_MAX});
  evnet_outbound_consume_file(&queue, 1);
  EXPECT_EQ(AppendFile(1000, 0, 1), 0);
  EXPECT_EQ(AppendFile(1001, 0, 1), -ENOBUFS);
  EXPECT_EQ(Closed()[1001], 0) << "it is still the caller's";
}

TEST_F(OutboundFiles, WithoutMemoryNothingChanges) {
  ASSERT_EQ(Append("head"), 0);
  allocator.fail_at(1, false);
  EXPECT_EQ(AppendFile(7, 0, 1), -ENOMEM);
  EXPECT_EQ(queue.files, 0u);
  EXPECT_EQ(Closed()[7], 0);
  EXPECT_EQ(Next(), "head");
}

TEST_F(OutboundFiles, DeinitClosesEachOnceAndLeavesAnEmptyQueue) {
  ASSERT_EQ(AppendFile(7, 0, 10), 0);
  ASSERT_EQ(Append("between"), 0);
  ASSERT_EQ(AppendFile(8, 0, 10), 0);
  evnet_outbound_consume_file(&queue, 5);
  evnet_outbound_deinit(&queue);
  EXPECT_EQ(Closed(), (std::map<int, int>{{7, 1}, {8, 1}}));
  EXPECT_EQ(queue.files, 0u);
  EXPECT_TRUE(evnet_outbound_is_empty(&queue));
}

using OutboundFilesDeathTest = OutboundFiles;

TEST_F(OutboundFilesDeathTest, ConsumingTheOtherKindIsAsserted) {
  EXPECT_DEATH(evnet_outbound_consume_file(&queue, 0), "assertion failed");
  ASSERT_EQ(AppendFile(7, 0, 10), 0);
  ASSERT_EQ(Append("bytes"), 0);
  EXPECT_DEATH(evnet_outbound_consume(&queue, 1), "assertion failed");
  EXPECT_DEATH(evnet_outbound_consume_file(&queue, 11), "assertion failed");
  evnet_outbound_consume_file(&queue, 10);
  EXPECT_DEATH(evnet_outbound_consume_file(&queue, 1), "assertion failed");
}

// A part of the model: bytes, or a range of a file.
struct Part {
  std::string bytes;
  int descriptor = -1;
  int64_t offset = 0;
  int64_t size = 0;
};

TEST_F(OutboundFiles, AgreeWithAListOver100000RandomOperations) {
  std::mt19937 random(20250117);
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  std::deque<Part> model;
  size_t bytes = 0;
  uint32_t files = 0;
  int opened = 0;
  int refused = 0;
  const auto put = [&](const std::string &text, bool in_front) {
    if (text.empty()) return;
    bytes += text.size();
    Part part;
    part.bytes = text;
    const bool joins = !model.empty() && (in_front ? model.front() : model.back()).descriptor < 0;
    if (!joins) {
      in_front ? model.push_front(part) : model.push_back(part);
    } else if (in_front) {
      model.front().bytes.insert(0, text);
    } else {
      model.back().bytes += text;
    }
  };
  for (int i = 0; i < 100000; i++) {
    const bool fails = below(10) == 0;
    const uint32_t deed = below(10);
    if (deed < 3) {
      std::string text(below(below(50) == 0 ? 100000 : 3000), '\0');
      for (char &byte : text) byte = static_cast<char>(random());
      allocator.fail_at(fails ? 1 : 0, false);
      const int status = Append(text);
      if (status == 0) put(text, false);
      ASSERT_TRUE(status == 0 || (fails && status == -ENOMEM));
    } else if (deed < 5) {
      const int64_t size = 1 + below(5000);
      allocator.fail_at(fails ? 1 : 0, false);
      const int status = AppendFile(opened, i, size);
      if (files == EVNET_OUTBOUND_FILES_MAX) {
        ASSERT_EQ(status, -ENOBUFS);
        refused++;
      } else {
        ASSERT_EQ(status, fails ? -ENOMEM : 0);
      }
      if (status == 0) {
        Part part;
        part.descriptor = opened++;
        part.offset = i;
        part.size = size;
        model.push_back(part);
        files++;
      }
    } else if (deed == 5 && below(10) == 0) {
      allocator.fail_at(0, false);
      const std::string text(below(500), static_cast<char>('a' + i % 26));
      ASSERT_EQ(evnet_outbound_prepend(&queue, text.data(), text.size()), 0);
      put(text, true);
    } else if (!model.empty() && model.front().descriptor >= 0) {
      Part &part = model.front();
      const int64_t size = below(below(2) == 0 ? 2 : 6000);
      const int64_t taken = std::min(size, part.size);
      evnet_outbound_consume_file(&queue, taken);
      part.offset += taken;
      part.size -= taken;
      if (part.size == 0) {
        ASSERT_EQ(Closed()[part.descriptor], 1);
        model.pop_front();
        files--;
      }
    } else if (!model.empty()) {
      Part &part = model.front();
      const size_t taken = std::min<size_t>(below(8000), part.bytes.size());
      evnet_outbound_consume(&queue, taken);
      bytes -= taken;
      part.bytes.erase(0, taken);
      if (part.bytes.empty()) model.pop_front();
    }
    ASSERT_EQ(evnet_outbound_bytes(&queue), bytes);
    ASSERT_EQ(queue.files, files);
    ASSERT_EQ(evnet_outbound_is_empty(&queue), model.empty());
    if (model.empty()) continue;
    const Part &front = model.front();
    const evnet_outbound_file *file = evnet_outbound_first_file(&queue);
    ASSERT_EQ(file != nullptr, front.descriptor >= 0);
    if (file != nullptr) {
      ASSERT_EQ(file->descriptor, front.descriptor);
      ASSERT_EQ(file->offset, front.offset);
      ASSERT_EQ(file->size, front.size);
      ASSERT_EQ(Closed()[file->descriptor], 0);
      continue;
    }
    const std::string next = Next();  // from at most 64 blocks
    ASSERT_TRUE(front.bytes.compare(0, next.size(), next) == 0);
    ASSERT_TRUE(next.size() == front.bytes.size() || next.size() >= 64);
  }
  EXPECT_GT(opened, 1000);
  EXPECT_GT(refused, 100);
}

}  // namespace
