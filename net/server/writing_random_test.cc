// All write functions in random order, through a real socket to a client that reads slowly. Each
// byte arrives once and in order. A seed replays the server's acts.
#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "net/poller/testing/file.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kSeeds = 25;
constexpr int kRequests = 60;
constexpr size_t kFileBytes = 400000;
constexpr size_t kBytesMax = 3 << 20;  // bytes written to one connection

// The server's side of one connection.
class Writer {
 public:
  Writer(uint32_t seed, const TestFile *file, const std::string *bytes)
      : random_(seed), file_(*file), bytes_(*bytes) {}

  Callbacks MakeCallbacks() {
    Callbacks callbacks;
    callbacks.on_data = [this](evnet_conn *conn) { return Answer(conn); };
    callbacks.on_half_close = [](evnet_conn *) { return EVNET_CLOSE; };
    callbacks.on_prewrite = [this](evnet_conn *conn) {
      // After evnet_conn_shutdown_write, on_prewrite still runs for queued bytes, but cannot write.
      const std::string data = Below(8) == 0 ? Pattern(Below(40), Below(1000)) : "";
      if (evnet_conn_write(conn, data.data(), data.size()) >= 0) written_ += data;
    };
    return callbacks;
  }

  // Returns the bytes that the client has to receive. Call it after the server has stopped.
  const std::string &written() const { return written_; }
  size_t files() const { return files_; }

 private:
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  // An 'x' from the client requests a few acts, and a '.' requests the end.
  evnet_action Answer(evnet_conn *conn) {
    bool ends = false;
    for (const char byte : Take(conn)) {
      ends = byte == '.';
      for (uint32_t acts = Below(4); acts > 0 && written_.size() < kBytesMax; acts--) Act(conn);
    }
    if (!ends) return EVNET_NONE;
    switch (Below(3)) {
      case 0:
        EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
        EXPECT_EQ(evnet_conn_write(conn, "x", 1), -EPIPE);
        EXPECT_EQ(evnet_conn_sendfile(conn, file_.descriptor(), 0, 1), -EPIPE);
        return EVNET_NONE;  // the client's FIN closes the connection
      case 1:
        evnet_conn_close(conn);
        EXPECT_EQ(evnet_conn_sendfile(conn, file_.descriptor(), 0, 1), -ENOTCONN);
        return EVNET_NONE;
      default:
        return EVNET_CLOSE;
    }
  }

  void Act(evnet_conn *conn) {
    switch (Below(8)) {
      case 0:
      case 1:
        WriteTo(conn, Below(500));
        break;
      case 2:
        WriteTo(conn, Below(Below(8) == 0 ? 300000 : 12000));
        break;
      case 3:
        WritePieces(conn, 1 + Below(Below(8) == 0 ? 3000 : 40));
        break;
      case 4:
      case 5:
      case 6:
        SendFile(conn);
        break;
      default:
        EXPECT_GE(evnet_conn_flush(conn), 0);
    }
  }

  void WriteTo(evnet_conn *conn, uint32_t size) {
    const std::string data = Pattern(size, Below(1000));
    EXPECT_EQ(evnet_conn_write(conn, data.data(), size), static_cast<ssize_t>(size));
    written_ += data;  // after the bytes that on_prewrite has written in the meantime
  }

  void WritePieces(evnet_conn *conn, uint32_t count) {
    const std::string data = Pattern(count * 100, Below(1000));
    std::vector<iovec> pieces;
    std::string joined;
    for (size_t i = 0; i < count; i++) {
      const size_t size = Below(3) == 0 ? 0 : Below(101);
      pieces.push_back({const_cast<char *>(data.data()) + i * 100, size});
      joined += data.substr(i * 100, size);
    }
    EXPECT_EQ(evnet_conn_writev(conn, pieces.data(), count), static_cast<ssize_t>(joined.size()));
    written_ += joined;
  }

  void SendFile(evnet_conn *conn) {
    const uint32_t most = Below(10) == 0 ? kFileBytes : 10000;
    const uint32_t offset = Below(kFileBytes);
    const uint32_t size = std::min<uint32_t>(Below(most), kFileBytes - offset);
    const int64_t status = evnet_conn_sendfile(conn, file_.descriptor(), offset, size);
    if (status == -ENOBUFS) return;  // the largest number of files is queued
    EXPECT_EQ(status, size);
    written_ += bytes_.substr(offset, size);
    files_++;
  }

  std::mt19937 random_;
  const TestFile &file_;
  const std::string &bytes_;
  std::string written_;
  size_t files_ = 0;
};

TEST(WritingRandom, EveryByteArrivesOnceAndInOrder) {
  const std::string bytes = Pattern(kFileBytes, 5);
  const TestFile file(bytes);
  size_t files = 0;
  for (uint32_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(1000 + seed);
    Writer writer(seed, &file, &bytes);
    evnet_options options = {};
    options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
    options.send_buffer_bytes = random() % 2 == 0 ? 8192 : 0;
    options.outbound_high_water_bytes = 100000;
    Server server(writer.MakeCallbacks(), options);
    ClientOptions client_options;
    client_options.receive_buffer_bytes = random() % 2 == 0 ? 4096 : 0;
    Client client(server.port(), client_options);
    std::string got;
    for (int i = 0; i < kRequests; i++) {
      client.SendAll("x");
      if (random() % 3 == 0) got += client.TryReceive();
      if (random() % 4 == 0) client.WaitUntilDelivered();  // else requests may arrive together
    }
    client.SendAll(".");
    got += client.ReceiveToEnd();
    EXPECT_EQ(client.end(), Client::End::kEnd);
    client.Close();
    ASSERT_EQ(server.Stop(20000), 0);
    EXPECT_EQ(got.size(), writer.written().size());
    EXPECT_TRUE(got == writer.written());
    files += writer.files();
  }
  EXPECT_GT(files, 10 * kSeeds);
}

}  // namespace
}  // namespace evnet_testing
