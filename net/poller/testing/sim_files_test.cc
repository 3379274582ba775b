// The simulated kernel: files that are sent.
#include <algorithm>

#include "net/poller/testing/file.h"
#include "net/poller/testing/sim_fixture.h"

namespace evnet_testing {
namespace {

class SimFiles : public Sim {
 protected:
  void SendFile(const Pair &pair, const TestFile &file, int64_t offset, size_t size) {
    range = {file.descriptor(), offset, size};
    send.file = &range;
    send.count = 0;
    evnet_poller_send_start(poller, pair.handle, &send);
  }

  evnet_file_range range = {};
  evnet_send send = {};
};

TEST_F(SimFiles, ARangeIsSent) {
  Start();
  const Pair pair = Connect();
  const TestFile file("0123456789");
  SendFile(pair, file, 2, 5);
  Settle();
  EXPECT_EQ(Story(pair), "SEND=5");
  EXPECT_EQ(Read(pair), "23456 EAGAIN");
}

TEST_F(SimFiles, ShortAndRefusedSendsLoseNothing) {
  options.faults.short_send = 700;
  options.faults.refused_send = 500;
  options.buffer_bytes_min = 1;
  options.buffer_bytes_max = 300;
  Start();
  const Pair pair = Connect();
  std::string data(20000, '\0');
  for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<char>(i % 251);
  const TestFile file(data);
  size_t sent = 0;
  loop->OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_SEND) return;
    ASSERT_GT(event.result, 0);
    sent += static_cast<size_t>(event.result);
    if (sent < data.size())
      SendFile(pair, file, static_cast<int64_t>(sent), std::min<size_t>(1000, data.size() - sent));
  });
  SendFile(pair, file, 0, 1000);
  std::string got;
  for (int i = 0; i < 10000 && got.size() < data.size(); i++) {
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
    loop->Turn(0);
    const std::string read = Read(pair);
    got += read.substr(0, read.size() - std::string(" EAGAIN").size());
  }
  loop->OnEvent(nullptr);
  EXPECT_TRUE(got == data);
}

TEST_F(SimFiles, AnEarlyEndIsTold) {
  Start();
  const Pair pair = Connect();
  const TestFile file("short");
  SendFile(pair, file, 0, 10);
  Settle();
  SendFile(pair, file, 5, 5);
  Settle();
  EXPECT_EQ(Story(pair), "SEND=5 SEND=-EVNET_REASON_FILE_SHORT");
  EXPECT_EQ(Read(pair), "short EAGAIN");
}

TEST_F(SimFiles, AFailureOfReadingIsTold) {
  options.faults.file_failure = 1000;
  Start();
  const Pair pair = Connect();
  const TestFile file("file");
  SendFile(pair, file, 0, 4);
  Settle();
  EXPECT_EQ(Story(pair), "SEND=-EIO");
}

TEST_F(SimFiles, ARangeThatChangesBeforeItsSendIsAFailure) {
  options.faults.deferred = 900;
  Start();
  const Pair pair = Connect();
  const TestFile file("file");
  SendFile(pair, file, 0, 4);
  range.offset = 1;
  Settle();
  expected_failure = "the bytes of a send_start changed before its SEND";
}

}  // namespace
}  // namespace evnet_testing
