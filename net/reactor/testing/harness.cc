#include "net/reactor/testing/harness.h"

#include <signal.h>

#include <chrono>

namespace evnet_testing {
namespace {

// Far more than a loaded machine needs; only a failing test waits this long.
constexpr std::chrono::seconds kDeadline(20);

}  // namespace

int Record::Count(const std::string &event) const {
  int count = 0;
  for (const std::string &each : events) count += each == event;
  return count;
}

std::string Record::Story() const {
  std::string story;
  for (const std::string &event : events) {
    if (event == "data" || event == "prewrite") continue;
    if (!story.empty()) story += ' ';
    story += event;
  }
  return story;
}

Harness::Harness() { ResetKernel(); }

Harness::~Harness() {
  Destroy();
  ResetKernel();
}

int Harness::TryStart() {
  evnet_handler handler = {};
  handler.on_open = OnOpen;
  handler.on_close = OnClose;
  if (!null_data) handler.on_data = OnData;
  if (on.half_close) handler.on_half_close = OnHalfClose;
  if (on.pressure) handler.on_pressure = OnPressure;
  if (on.drain) handler.on_drain = OnDrain;
  if (on.timeout) handler.on_timeout = OnTimeout;
  if (on.prewrite) handler.on_prewrite = OnPrewrite;
  if (on.stopping) handler.on_stopping = OnStopping;
  if (options.backend == EVNET_BACKEND_AUTO) options.backend = TestBackend();
  options.allocator = allocator_.get();
  if (options.connections_max == 0) options.connections_max = 4096;
  int status = evnet_reactor_create(&handler, this, &options, &reactor_);
  if (status < 0) return status;
  evnet_reactor_set_owner(reactor_, &owner);
  evnet_address loopback = {};
  EXPECT_EQ(evnet_address_parse("tcp4://127.0.0.1:0", &loopback, nullptr, 0), 0);
  status = evnet_reactor_listen(reactor_, &loopback, &listen_options, &address_);
  if (status < 0) {
    Destroy();
    return status;
  }
  evnet_reactor_accept_resume(reactor_);
  return 0;
}

void Harness::Start() { ASSERT_EQ(TryStart(), 0); }

void Harness::Destroy() {
  if (reactor_ == nullptr) return;
  evnet_reactor_destroy(reactor_);
  reactor_ = nullptr;
  EXPECT_EQ(allocator_.live_blocks(), 0u) << "leaked";
  for (const auto &each : records_) {
    EXPECT_EQ(each.second.opened, each.second.dialled ? each.second.opened : 1);
    EXPECT_EQ(each.second.closed, 1);
  }
}

Client Harness::ConnectOnly(int client_receive_buffer_bytes) {
  return Client(address_, client_receive_buffer_bytes);
}

Harness::Pair Harness::Connect(int client_receive_buffer_bytes) {
  Pair pair;
  const size_t before = opened_.size();
  pair.client = ConnectOnly(client_receive_buffer_bytes);
  if (!Until([&] { return opened_.size() > before; })) return pair;
  pair.conn = opened_.back();
  pair.generation = evnet_conn_id(pair.conn).generation;
  return pair;
}

struct evnet_conn_id Harness::Dial(const std::string &address,
                                   const evnet_dial_options &dial_options) {
  struct evnet_conn_id id = {};
  const size_t before = records_.size();
  EXPECT_EQ(evnet_dial(reactor_, address.c_str(), &dial_options, &id), 0);
  EXPECT_EQ(records_.size(), before) << "a callback from inside evnet_dial";
  records_[id.generation].dialled = true;
  return id;
}

std::string Harness::AddressText() const {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address_, text, sizeof text);
  return text;
}

int Harness::Turn(int64_t wait_ms) { return evnet_reactor_turn(reactor_, wait_ms); }

void Harness::Turns(int count) {
  for (int i = 0; i < count; i++) ASSERT_GE(Turn(), 0);
}

bool Harness::Until(const std::function<bool()> &done) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  for (int i = 0; !done(); i++) {
    const int status = Turn(i < 64 ? 0 : 1);
    if (status < 0 || (status == 0 && !done()) || std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "what was waited for did not happen; the last turn returned " << status;
      return false;
    }
  }
  return true;
}

void Harness::Post(std::function<void()> function) {
  auto *posted = new std::function<void()>(std::move(function));
  const int status = evnet_reactor_post(
      reactor_,
      [](void *user) {
        std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()> *>(user));
        (*run)();
      },
      posted);
  EXPECT_EQ(status, 0);
  if (status < 0) delete posted;
}

std::string Harness::ReadExactly(Client *client, size_t bytes) {
  std::string all;
  Until([&] {
    all += client->Read(bytes - all.size());
    return all.size() == bytes || client->end() != End::kOpen;
  });
  return all;
}

std::string Harness::ReadToEnd(Client *client) {
  std::string all;
  Until([&] {
    all += client->Read();
    return client->end() != End::kOpen;
  });
  return all;
}

void Harness::Close(evnet_conn *conn) {
  Of(conn).ending = true;
  evnet_conn_close(conn);
}

void Harness::Abort(evnet_conn *conn) {
  Of(conn).ending = true;
  evnet_conn_abort(conn);
}

Record &Harness::Of(const evnet_conn *conn) { return records_[evnet_conn_id(conn).generation]; }

size_t Harness::open_count() const {
  size_t count = 0;
  for (const auto &each : records_) count += each.second.opened == 1 && each.second.closed == 0;
  return count;
}

struct evnet_reactor_stats Harness::Stats() {
  struct evnet_reactor_stats stats;
  evnet_reactor_stats(reactor_, &stats);
  return stats;
}

// Callbacks

Record &Harness::Note(evnet_conn *conn, const char *event, bool also_when_ending) {
  Record &record = Of(conn);
  record.events.push_back(event);
  const bool failed = record.dialled && event == std::string("close");
  EXPECT_TRUE(record.opened == 1 || failed) << event << " without on_open";
  EXPECT_EQ(record.closed, 0) << event << " after on_close";
  EXPECT_TRUE(record.conn == conn || failed) << event;
  EXPECT_TRUE(!record.ending || also_when_ending) << event << " after a close";
  return record;
}

evnet_action Harness::Answer(Record *record, evnet_action action) {
  if (action == EVNET_CLOSE) record->ending = true;
  return action;
}

evnet_action Harness::OnOpen(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Of(conn);
  EXPECT_EQ(record.opened, 0);
  record.conn = conn;
  record.opened = 1;
  record.events.push_back("open");
  self->opened_.push_back(conn);
  return Answer(&record, self->on.open ? self->on.open(conn) : EVNET_NONE);
}

evnet_action Harness::OnData(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "data");
  if (self->on.data) return Answer(&record, self->on.data(conn));
  record.received += TakeAll(conn);
  return EVNET_NONE;
}

evnet_action Harness::OnHalfClose(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "half_close");
  return Answer(&record, self->on.half_close(conn));
}

evnet_action Harness::OnPressure(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "pressure");
  return Answer(&record, self->on.pressure(conn));
}

evnet_action Harness::OnDrain(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "drain");
  return Answer(&record, self->on.drain(conn));
}

evnet_action Harness::OnTimeout(evnet_conn *conn, evnet_timeout which, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, ("timeout " + std::to_string(static_cast<int>(which))).c_str());
  const evnet_action action = self->on.timeout(conn, which);
  if (action != EVNET_KEEP) record.ending = true;
  return action;
}

void Harness::OnPrewrite(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  self->Note(conn, "prewrite", true);  // what was written before a close still goes out
  self->on.prewrite(conn);
}

void Harness::OnStopping(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  EXPECT_EQ(self->Note(conn, "stopping").Count("stopping"), 1);
  self->on.stopping(conn);
}

evnet_action Harness::OnClose(evnet_conn *conn, int reason, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "close", true);
  record.closed++;
  record.reason = reason;
  EXPECT_LT(reason, 0);
  return self->on.close ? self->on.close(conn, reason) : EVNET_NONE;
}

// Bytes

std::string Pattern(size_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char &byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

std::string Peek(evnet_conn *conn) {
  const evnet_bytes bytes = evnet_conn_peek(conn);
  return std::string(reinterpret_cast<const char *>(bytes.data), bytes.size);
}

std::string TakeAll(evnet_conn *conn) {
  std::string all(evnet_conn_inbound_bytes(conn), '\0');
  EXPECT_EQ(evnet_conn_read(conn, &all[0], all.size()), all.size());
  return all;
}

ssize_t Write(evnet_conn *conn, const std::string &data) {
  return evnet_conn_write(conn, data.data(), data.size());
}

}  // namespace evnet_testing
