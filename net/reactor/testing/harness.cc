#include "net/reactor/testing/harness.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>

#include "net/reactor/testing/describe.h"

namespace evnet_testing {
namespace {

// Far more than a loaded machine needs; only a failing test waits this long.
constexpr std::chrono::seconds kDeadline(20);

// Connections of a message.
constexpr size_t kExplainedMax = 6;

// Those of this thread; a call of a connection belongs to one of them.
std::vector<Harness *> &Harnesses() {
  thread_local std::vector<Harness *> harnesses;
  return harnesses;
}

const char *NameOf(evnet_timeout which) {
  switch (which) {
    case EVNET_TIMEOUT_IDLE:
      return "on_timeout of idle_timeout_ms";
    case EVNET_TIMEOUT_READ:
      return "on_timeout of read_timeout_ms";
    case EVNET_TIMEOUT_WRITE:
      return "on_timeout of write_timeout_ms";
    case EVNET_TIMEOUT_LIFETIME:
      return "on_timeout of lifetime_ms";
  }
  return "on_timeout of no timeout";
}

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

Harness::Harness() : witness_(Witness::Thread::kOwn, [this](std::ostream *out) { Explain(out); }) {
  Harnesses().push_back(this);
  ResetKernel();
}

Harness::~Harness() {
  Destroy();
  ResetKernel();
  auto &all = Harnesses();
  all.erase(std::remove(all.begin(), all.end(), this), all.end());
}

int Harness::TryStart() {
  evnet_handler handler = {};
  handler.on_open = OnOpen;
  handler.on_close = OnClose;
  if (!null_data) handler.on_data = OnData;
  if (on.half_close) handler.on_half_close = OnHalfClose;
  if (on.pressure) handler.on_pressure = OnPressure;
  if (on.drain) handler.on_drain = OnDrain;
  if (on.below) handler.on_below = OnBelow;
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
  if (::testing::Test::HasFailure() && !records_.empty()) Explain(&std::cout);
  evnet_reactor_destroy(reactor_);
  reactor_ = nullptr;
  EXPECT_EQ(allocator_.live_blocks(), 0u) << "leaked";
  for (const auto &each : records_) {
    EXPECT_EQ(each.second.opened, each.second.dialled ? each.second.opened : 1)
        << "calls of on_open of connection " << each.first;
    EXPECT_EQ(each.second.closed, 1) << "calls of on_close of connection " << each.first;
  }
}

Client Harness::ConnectOnly(int client_receive_buffer_bytes) {
  return Client(address_, client_receive_buffer_bytes);
}

Harness::Pair Harness::Connect(int client_receive_buffer_bytes, Place place) {
  Pair pair;
  const size_t before = opened_.size();
  pair.client = ConnectOnly(client_receive_buffer_bytes);
  if (!Wait([&] { return opened_.size() > before; }, place, "a client's on_open",
            [&] { return "it connects from port " + std::to_string(pair.client.port()); })) {
    return pair;
  }
  pair.conn = opened_.back();
  pair.generation = evnet_conn_get_id(pair.conn).generation;
  return pair;
}

struct evnet_conn_id Harness::Dial(const std::string &address,
                                   const evnet_dial_options &dial_options, Place place) {
  struct evnet_conn_id id = {};
  const size_t before = records_.size();
  const Status status = evnet_dial(reactor_, address.c_str(), &dial_options, &id);
  if (status != 0) {
    ADD_FAILURE_AT(place.file, place.line)
        << "evnet_dial to '" << address << "' returned " << status;
  }
  EXPECT_EQ(records_.size(), before) << "a callback from inside evnet_dial";
  Record &record = records_[id.generation];
  record.dialled = true;
  record.dialled_to = address;
  return id;
}

std::string Harness::AddressText() const {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address_, text, sizeof text);
  return text;
}

int Harness::Turn(int64_t wait_ms) {
  turns_++;
  return evnet_reactor_turn(reactor_, wait_ms);
}

void Harness::Turns(int count, Place place) {
  for (int i = 0; i < count; i++) {
    const Status status = Turn();
    if (status >= 0) continue;
    ADD_FAILURE_AT(place.file, place.line) << "evnet_reactor_turn returned " << status;
    return;
  }
}

bool Harness::Until(const std::function<bool()> &done, Place place) {
  return Wait(done, place, "the condition of Until", [] { return std::string("it is false"); });
}

bool Harness::Wait(const std::function<bool()> &done, Place place, const char *what,
                   const std::function<std::string()> &progress) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; !done(); i++) {
    const Status status = Turn(i < 64 ? 0 : 1);
    const auto waited = std::chrono::steady_clock::now() - start;
    const bool ended = status == 0 && !done();
    if (status >= 0 && !ended && waited <= kDeadline) continue;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
    std::ostringstream why;
    if (status < 0) {
      why << "evnet_reactor_turn returned " << status;
    } else if (ended) {
      why << "the reactor ended (evnet_reactor_turn returned 0)";
    } else {
      why << "the deadline came";
    }
    ADD_FAILURE_AT(place.file, place.line)
        << "The test waits here for " << what << ", but " << progress() << ": " << why.str()
        << " after " << i + 1 << " turns and " << ms << " ms";
    return false;
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

std::string Harness::ReadExactly(Client *client, size_t bytes, Place place) {
  std::string all;
  const auto done = [&] {
    all += client->Read(bytes - all.size());
    return all.size() == bytes || client->end() != End::kOpen;
  };
  const std::string what = std::to_string(bytes) + " bytes at the client";
  Wait(done, place, what.c_str(), [&] { return "it received " + std::to_string(all.size()); });
  if (all.size() < bytes && client->end() != End::kOpen) {
    ADD_FAILURE_AT(place.file, place.line) << "The client's stream ended (" << client->end()
                                           << ") after " << all.size() << " bytes of " << bytes;
  }
  return all;
}

std::string Harness::ReadToEnd(Client *client, Place place) {
  std::string all;
  const auto done = [&] {
    all += client->Read();
    return client->end() != End::kOpen;
  };
  Wait(done, place, "the end-of-stream at the client",
       [&] { return "it received " + std::to_string(all.size()) + " bytes and no end"; });
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

Record &Harness::Of(const evnet_conn *conn) { return records_[evnet_conn_get_id(conn).generation]; }

size_t Harness::open_count() const {
  size_t count = 0;
  for (const auto &each : records_) count += each.second.opened == 1 && each.second.closed == 0;
  return count;
}

struct evnet_reactor_stats Harness::Stats() {
  struct evnet_reactor_stats stats;
  evnet_reactor_get_stats(reactor_, &stats);
  return stats;
}

// The output of a failed test

void Harness::AddStep(Record *record, Step step) {
  step.turn = turns_;
  record->steps.Add(step);
}

void Harness::NoteCall(const evnet_conn *conn, Step::Kind kind, const char *name, int64_t asked,
                       int64_t value) {
  for (Harness *harness : Harnesses()) {
    if (harness->reactor_ != evnet_conn_reactor(conn)) continue;
    const auto found = harness->records_.find(evnet_conn_get_id(conn).generation);
    if (found == harness->records_.end()) return;
    harness->AddStep(&found->second, {0, kind, name, value, asked});
  }
}

void Harness::Explain(std::ostream *out) {
  if (reactor_ == nullptr) return;
  std::vector<std::pair<uint64_t, Record *>> news;
  for (auto &each : records_) {
    Record &record = each.second;
    if (record.steps.count() > record.steps_printed || record.steps_printed == 0) {
      news.emplace_back(each.first, &record);
    }
  }
  if (news.empty() && !records_.empty()) return;
  std::stable_sort(news.begin(), news.end(), [](const auto &a, const auto &b) {
    return a.second->steps.last_turn() > b.second->steps.last_turn();
  });
  *out << "The reactor after turn " << turns_ << ": " << open_count() << " connections open, "
       << records_.size() << " seen";
  if (TheKernel().clock_is_stopped()) *out << "; the test moves the clock";
  *out << (news.empty() ? ".\n" : ". Latest events and calls:\n");
  for (size_t i = 0; i < news.size() && i < kExplainedMax; i++) {
    Record &record = *news[i].second;
    *out << "  connection " << news[i].first
         << (record.dialled ? ", dialled to " + record.dialled_to : "") << ": ";
    if (record.closed > 0) {
      *out << "closed with " << record.reason;
    } else if (record.opened > 0) {
      *out << Describe(record.conn);
    } else {
      *out << "no callback yet";
    }
    *out << "\n";
    record.steps.Print(out, record.steps_printed);
    record.steps_printed = record.steps.count();
  }
  if (news.size() > kExplainedMax) {
    *out << "  and " << news.size() - kExplainedMax << " connections with earlier steps\n";
  }
}

// Callbacks

Record &Harness::Note(evnet_conn *conn, const char *event, Step step, bool also_when_ending) {
  Record &record = Of(conn);
  record.events.push_back(event);
  AddStep(&record, step);
  const bool failed = record.dialled && event == std::string("close");
  EXPECT_TRUE(record.opened == 1 || failed) << step.what << " without on_open";
  EXPECT_EQ(record.closed, 0) << step.what << " after on_close";
  EXPECT_TRUE(record.conn == conn || failed) << step.what << " with another connection's pointer";
  EXPECT_TRUE(!record.ending || also_when_ending) << step.what << " after a close or an abort";
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
  self->AddStep(&record, {0, Step::Kind::kPlain, "on_open"});
  self->opened_.push_back(conn);
  return Answer(&record, self->on.open ? self->on.open(conn) : EVNET_NONE);
}

evnet_action Harness::OnData(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(
      conn, "data",
      {0, Step::Kind::kBytes, "on_data", static_cast<int64_t>(evnet_conn_inbound_bytes(conn))});
  if (self->on.data) return Answer(&record, self->on.data(conn));
  record.received += TakeAll(conn);
  return EVNET_NONE;
}

evnet_action Harness::OnHalfClose(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "half_close", {0, Step::Kind::kPlain, "on_half_close"});
  return Answer(&record, self->on.half_close(conn));
}

evnet_action Harness::OnPressure(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "pressure", {0, Step::Kind::kPlain, "on_pressure"});
  return Answer(&record, self->on.pressure(conn));
}

evnet_action Harness::OnDrain(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "drain", {0, Step::Kind::kPlain, "on_drain"});
  return Answer(&record, self->on.drain(conn));
}

evnet_action Harness::OnBelow(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "below", {0, Step::Kind::kPlain, "on_below"});
  return Answer(&record, self->on.below(conn));
}

evnet_action Harness::OnTimeout(evnet_conn *conn, evnet_timeout which, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, ("timeout " + std::to_string(static_cast<int>(which))).c_str(),
                              {0, Step::Kind::kPlain, NameOf(which)});
  const evnet_action action = self->on.timeout(conn, which);
  if (action != EVNET_KEEP) record.ending = true;
  return action;
}

void Harness::OnPrewrite(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  // Bytes written before a close are still sent.
  self->Note(conn, "prewrite", {0, Step::Kind::kPlain, "on_prewrite"}, true);
  self->on.prewrite(conn);
}

void Harness::OnStopping(evnet_conn *conn, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "stopping", {0, Step::Kind::kPlain, "on_stopping"});
  EXPECT_EQ(record.Count("stopping"), 1);
  self->on.stopping(conn);
}

evnet_action Harness::OnClose(evnet_conn *conn, int reason, void *user) {
  Harness *self = Self(user);
  Record &record = self->Note(conn, "close", {0, Step::Kind::kStatus, "on_close", reason}, true);
  record.closed++;
  record.reason = reason;
  EXPECT_LT(reason, 0) << "the reason of on_close";
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
