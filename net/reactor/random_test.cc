// Several connections under random steps of handlers, posted functions and clients, over a kernel
// with short reads and writes. A model checks the bytes of each direction, and which callbacks are
// legal. A failure prints its seed, with which the steps can be replayed.
#include <errno.h>

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"
#include "net/poller/testing/file.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kSeeds = 200;
constexpr int kSteps = 250;
constexpr size_t kConnections = 4;
constexpr size_t kFileBytes = 20000;

// The expected state of one connection.
struct Model {
  std::string sent;     // by the client
  size_t consumed = 0;  // bytes of `sent` that the server consumed
  std::string written;  // by the server
  size_t received = 0;  // bytes of `written` that the client received
  bool paused = false;
  bool ending = false;  // the server closed or aborted it
  bool write_ended = false;
  int holds = 0;
};

class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    h_.options.outbound_high_water_bytes = 20000;
    h_.options.read_turn_bytes_max = Chance(2) ? 512 : 65536;
    h_.options.inbound_bytes_max = 200000;
    h_.options.outbound_bytes_max = 1 << 20;
    h_.options.outbound_high_action = Chance(2) ? EVNET_HIGH_STOP_READING : EVNET_HIGH_NOTIFY;
    h_.options.outbound_overflow = Chance(2) ? EVNET_OVERFLOW_CLOSE : EVNET_OVERFLOW_REFUSE;
    h_.options.idle_timeout_ms = Chance(2) ? 300 : EVNET_OFF;
    h_.options.lifetime_ms = Chance(3) ? 2000 : EVNET_OFF;
    h_.options.linger_ms = Chance(3) ? EVNET_OFF : 50;
    h_.listen_options.send_buffer_bytes = 16384;
    h_.listen_options.receive_buffer_bytes = 16384;
    SetHandler();
    TheKernel().StopClock();
    const bool short_calls = !Chance(4);
    h_.Start();
    if (short_calls) {
      TheKernel().on_send = [this](int, size_t size) { return Short(size); };
      TheKernel().on_recv = [this](int, size_t size) { return Short(size); };
      TheKernel().on_sendfile = [this](int, size_t size) { return Short(size); };
    }
  }

  void Run() {
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); step++) {
      if (clients_.size() < kConnections) Connect();
      if (Chance(3)) {
        h_.Post([this] { RandomActs(nullptr); });
      }
      ClientStep();
      h_.Turn();
      if (Chance(3)) TheKernel().Advance(Below(20));
      Check();
    }
    Finish();
  }

 private:
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool Chance(uint32_t n) { return Below(n) == 0; }
  ssize_t Short(size_t size) {
    if (Chance(4)) return -EAGAIN;
    return Chance(2) ? kPass : static_cast<ssize_t>(1 + Below(static_cast<uint32_t>(size)));
  }
  Model &Of(evnet_conn *conn) { return models_[evnet_conn_get_id(conn).generation]; }

  void SetHandler() {
    h_.on.open = [this](evnet_conn *conn) {
      Of(conn) = Model();
      RandomActs(conn);
      return RandomAnswer();
    };
    h_.on.data = [this](evnet_conn *conn) {
      EXPECT_FALSE(Of(conn).paused) << "on_data while reading is stopped";
      RandomActs(conn);
      if (Chance(3)) Consume(conn, SIZE_MAX);
      return RandomAnswer();
    };
    if (Chance(2)) {
      h_.on.half_close = [this](evnet_conn *conn) {
        EXPECT_FALSE(Of(conn).paused);
        RandomActs(conn);
        return Chance(3) ? RandomAnswer() : EVNET_CLOSE;
      };
    }
    h_.on.pressure = [this](evnet_conn *conn) { return Crossing(conn, true); };
    h_.on.drain = [this](evnet_conn *conn) { return Crossing(conn, false); };
    h_.on.timeout = [this](evnet_conn *conn, evnet_timeout) {
      RandomActs(conn);
      return Chance(2) ? EVNET_KEEP : EVNET_NONE;
    };
    if (Chance(3)) {
      h_.on.prewrite = [this](evnet_conn *conn) {
        // The bytes are being sent now, so bytes that are written here come after them.
        if (Chance(3)) WriteTo(conn, Below(50));
        if (Chance(6)) RandomActs(conn);
      };
    }
    h_.on.close = [this](evnet_conn *conn, int) {
      Model &model = Of(conn);
      while (model.holds > 0) Release(conn);
      model.ending = true;
      closed_[conn] = true;
      if (Chance(2)) RandomActs(conn);
      return EVNET_NONE;
    };
  }

  evnet_action RandomAnswer() { return Chance(60) ? EVNET_CLOSE : EVNET_NONE; }

  evnet_action Crossing(evnet_conn *conn, bool up) {
    bool &pressed = pressed_[evnet_conn_get_id(conn).generation];
    EXPECT_NE(pressed, up) << "the same callback twice in a row";
    pressed = up;
    RandomActs(conn);
    return RandomAnswer();
  }

  // Acts mostly on `self`, and also on others; with nullptr only on others.
  void RandomActs(evnet_conn *self) {
    if (depth_ > 2) return;
    depth_++;
    for (uint32_t count = Below(4); count > 0; count--) {
      evnet_conn *conn = self;
      if (self == nullptr || Chance(4)) conn = AnyOpen();
      if (conn != nullptr) Act(conn);
    }
    depth_--;
  }

  evnet_conn *AnyOpen() {
    std::vector<evnet_conn *> open;
    for (auto &each : h_.records()) {
      if (each.second.opened == 1 && each.second.closed == 0) open.push_back(each.second.conn);
    }
    return open.empty() ? nullptr : open[Below(static_cast<uint32_t>(open.size()))];
  }

  void Act(evnet_conn *conn) {
    Model &model = Of(conn);
    switch (Below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        Consume(conn, Below(3000));
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        WriteTo(conn, Below(500));
        break;
      case 9:
      case 10:
        WriteTo(conn, Chance(10) ? 100000 : Below(12000));
        break;
      case 11:
      case 12:
        WritePieces(conn);
        break;
      case 13:
      case 14:
        (void)evnet_conn_flush(conn);
        break;
      case 15:
      case 16:
        evnet_conn_pause_reading(conn);
        model.paused = true;
        break;
      case 17:
      case 18:
      case 19:
        evnet_conn_resume_reading(conn);
        model.paused = false;
        break;
      case 20:
        evnet_conn_hold(conn);
        model.holds++;
        break;
      case 21:
        if (model.holds > 0) Release(conn);
        break;
      case 22:
      case 23:
        SendFileTo(conn);
        break;
      case 24:
        if (Chance(6) && evnet_conn_shutdown_write(conn) == 0) model.write_ended = true;
        break;
      default:
        if (Chance(8)) {
          if (Chance(2)) {
            h_.Close(conn);
          } else {
            h_.Abort(conn);
          }
          model.ending = true;  // not earlier, because on_prewrite may write while the rest is sent
        }
    }
  }

  void Release(evnet_conn *conn) {
    Of(conn).holds--;
    evnet_conn_release(conn);
  }

  void Consume(evnet_conn *conn, size_t size) {
    Model &model = Of(conn);
    const size_t unread = evnet_conn_inbound_bytes(conn);
    ASSERT_LE(model.consumed + unread, model.sent.size());
    const std::string expected = model.sent.substr(model.consumed, unread);
    size_t taken = 0;
    switch (Below(4)) {
      case 0:
        ASSERT_EQ(Peek(conn), expected);
        taken = evnet_conn_discard(conn, size);
        ASSERT_EQ(taken, std::min(size, unread));
        break;
      case 1: {
        std::string out(std::min(size, unread) + 1, '\0');
        taken = evnet_conn_read(conn, &out[0], out.size() - 1);
        ASSERT_EQ(out.substr(0, taken), expected.substr(0, taken));
        ASSERT_EQ(taken, out.size() - 1);
        break;
      }
      case 2: {
        const size_t part = std::min(size, unread);
        const evnet_bytes bytes = evnet_conn_next(conn, part);
        ASSERT_EQ(bytes.size, part);
        taken = part;
        ASSERT_EQ(std::string(reinterpret_cast<const char *>(bytes.data), part),
                  expected.substr(0, part));
        break;
      }
      default: {
        evnet_bytes spans[2];
        evnet_conn_peek_pair(conn, spans);
        std::string all;
        for (const evnet_bytes &span : spans) {
          all.append(reinterpret_cast<const char *>(span.data), span.size);
        }
        ASSERT_EQ(all, expected);
      }
    }
    model.consumed += taken;
  }

  void WriteTo(evnet_conn *conn, size_t size) {
    const std::string data = Pattern(size, static_cast<uint32_t>(random_()));
    const iovec piece = {const_cast<char *>(data.data()), data.size()};
    WriteModelled(conn, data, {piece});
  }

  void WritePieces(evnet_conn *conn) {
    const std::string data = Pattern(Below(6000), static_cast<uint32_t>(random_()));
    std::vector<iovec> pieces;
    for (size_t at = 0; at < data.size();) {
      const size_t part = std::min<size_t>(data.size() - at, Below(150));
      pieces.push_back({const_cast<char *>(data.data()) + at, part});
      at += part;
    }
    WriteModelled(conn, data, pieces);
  }

  void SendFileTo(evnet_conn *conn) {
    Model &model = Of(conn);
    const bool refused = model.ending || model.write_ended;
    const uint32_t offset = Below(kFileBytes);
    const uint32_t size = Below(kFileBytes - offset + 1);
    const int64_t status = evnet_conn_sendfile(conn, file_.descriptor(), offset, size);
    if (status < 0) return;
    ASSERT_EQ(status, size);
    ASSERT_FALSE(refused) << "a file was accepted after the end of writing";
    model.written += bytes_.substr(offset, size);
  }

  // on_prewrite may write inside the call, before its bytes. So the order is known when the call
  // returns: bytes that were added to the model meanwhile come first.
  void WriteModelled(evnet_conn *conn, const std::string &data, const std::vector<iovec> &pieces) {
    Model &model = Of(conn);
    const bool refused = model.ending || model.write_ended;
    const ssize_t status = evnet_conn_writev(conn, pieces.data(), pieces.size());
    if (status >= 0) {
      ASSERT_EQ(status, static_cast<ssize_t>(data.size()));
      ASSERT_FALSE(refused) << "a write was accepted after the end of writing";
      model.written += data;
    }
  }

  void Connect() {
    const int buffer = Chance(2) ? 16384 : 0;
    Harness::Pair pair = h_.Connect(buffer);
    if (pair.conn == nullptr) return;
    clients_.push_back(std::move(pair));
  }

  void ClientStep() {
    for (size_t i = 0; i < clients_.size(); i++) {
      Harness::Pair &pair = clients_[i];
      Model &model = models_[pair.generation];
      switch (Below(10)) {
        case 0:
        case 1:
        case 2:
        case 3:
          Send(&pair, Below(3000));
          break;
        case 4:
        case 5:
        case 6:
        case 7:
          Receive(&pair, Below(20000) + 1);
          break;
        case 8:
          if (Chance(10)) pair.client.Shutdown(), ended_[pair.generation] = true;
          break;
        default:
          if (!Chance(25)) break;
          if (Chance(2)) {
            pair.client.Reset();
          } else {
            pair.client.Close();
          }
          clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i));
          return;
      }
      if (pair.client.end() != End::kOpen) {
        if (pair.client.end() == End::kEnd) {
          EXPECT_EQ(model.received, model.written.size()) << "EOF came before all bytes";
        }
        if (Chance(2)) clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i));
        return;
      }
    }
  }

  void Send(Harness::Pair *pair, size_t size) {
    if (ended_[pair->generation]) return;
    Model &model = models_[pair->generation];
    const std::string data = Pattern(size, static_cast<uint32_t>(random_()));
    model.sent += data.substr(0, pair->client.TryWrite(data));
  }

  void Receive(Harness::Pair *pair, size_t size) {
    Model &model = models_[pair->generation];
    const std::string got = pair->client.Read(size);
    EXPECT_EQ(model.written.compare(model.received, got.size(), got), 0)
        << "the bytes differ from those written";
    model.received += got.size();
  }

  void Check() {
    for (const auto &each : h_.records()) {
      if (each.second.closed == 1) continue;
      const Model &model = models_[each.first];
      const size_t unread = evnet_conn_inbound_bytes(each.second.conn);
      ASSERT_LE(model.consumed + unread, model.sent.size());
    }
  }

  // Stops the faults, and waits until all pending bytes have arrived.
  void Finish() {
    TheKernel().on_send = nullptr;
    TheKernel().on_recv = nullptr;
    TheKernel().on_sendfile = nullptr;
    for (auto &each : h_.records()) {
      if (each.second.closed == 1) continue;
      evnet_conn *conn = each.second.conn;
      h_.Post([this, conn] {
        if (closed_.count(conn) != 0 && h_.Of(conn).closed == 1) return;
        evnet_conn_resume_reading(conn);
        Of(conn).paused = false;
        while (Of(conn).holds > 0) Release(conn);
      });
      h_.Turn();
      if (each.second.closed == 0) {
        h_.Post([this, conn] {
          if (h_.Of(conn).closed == 0) h_.Close(conn);
        });
        h_.Turn();
      }
    }
    for (Harness::Pair &pair : clients_) {
      h_.Until([&] {
        // Cause an event for calls that were cut short. If the client has shut down its side, the
        // write timeout ends the wait instead.
        Send(&pair, 1);
        TheKernel().Advance(1000);
        Receive(&pair, SIZE_MAX);
        return pair.client.end() != End::kOpen || ::testing::Test::HasFailure();
      });
      if (pair.client.end() == End::kEnd) {
        EXPECT_EQ(models_[pair.generation].received, models_[pair.generation].written.size());
      }
      pair.client.Close();
    }
    h_.Settle();
    TheKernel().Advance(100000);
    h_.Until([&] {
      TheKernel().Advance(1000);
      return h_.open_count() == 0;
    });
    h_.Destroy();
  }

  std::mt19937 random_;
  std::map<uint64_t, Model> models_;
  std::map<uint64_t, bool> pressed_;
  std::map<uint64_t, bool> ended_;
  std::map<evnet_conn *, bool> closed_;
  std::vector<Harness::Pair> clients_;
  int depth_ = 0;
  const std::string bytes_ = Pattern(kFileBytes, 77);
  const TestFile file_{bytes_};
  Harness h_;
};

TEST(Random, ManyConnectionsAgainstTheModel) {
  for (uint32_t seed = 1; seed <= kSeeds; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed).Run();
    if (HasFailure()) {
      printf("the seed that failed: %u\n", seed);
      return;
    }
  }
}

}  // namespace
}  // namespace evnet_testing
