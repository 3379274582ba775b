#include "net/poller/testing/loop.h"

#include <errno.h>

#include <chrono>

#include "gtest/gtest.h"
#include "net/base/testing/status.h"
#include "net/poller/testing/peer.h"

namespace evnet_testing {
namespace {

constexpr int64_t kTurnNs = 5000000;

// Completions of a message.
constexpr size_t kExplainedMax = 32;

const char *NameOf(evnet_op op) {
  switch (op) {
    case EVNET_OP_ACCEPT:
      return "ACCEPT";
    case EVNET_OP_RECV:
      return "RECV";
    case EVNET_OP_SEND:
      return "SEND";
    case EVNET_OP_HANGUP:
      return "HANGUP";
    case EVNET_OP_DETACH:
      return "DETACH";
    case EVNET_OP_DATAGRAM:
      return "DATAGRAM";
    case EVNET_OP_CONNECT:
      return "CONNECT";
    case EVNET_OP_SPLICE:
      return "SPLICE";
    case EVNET_OP_WATCH:
      return "WATCH";
  }
  return "?";
}

}  // namespace

Loop::Loop(evnet_poller *poller)
    : poller_(poller),
      witness_(Witness::Thread::kOwn, [this](std::ostream *out) { Explain(out); }) {}

void Loop::Turn(int64_t timeout_ns) {
  ASSERT_GE(evnet_poller_wait(poller_, timeout_ns), 0);
  turn_++;
  evnet_completion completion;
  while (evnet_poller_next(poller_, &completion)) {
    data_ = completion.data;
    Event event = {};
    event.handle = completion.handle;
    event.op = completion.op;
    event.more = completion.more;
    event.result = completion.result;
    event.turn = turn_;
    if (completion.op == EVNET_OP_RECV && completion.result > 0) {
      event.data.assign(reinterpret_cast<const char *>(completion.data),
                        static_cast<size_t>(completion.result));
    }
    if (completion.op == EVNET_OP_SEND && completion.rest > 0) {
      event.rest.assign(reinterpret_cast<const char *>(completion.data), completion.rest);
    }
    if (completion.op == EVNET_OP_ACCEPT && completion.result == 0) {
      event.result = evnet_poller_accept(poller_, completion.handle, &event.peer);
      if (event.result == -EAGAIN) continue;
      event.more = event.result >= 0;
    }
    if (completion.op == EVNET_OP_DATAGRAM && completion.result >= 0) {
      event.data.assign(reinterpret_cast<const char *>(completion.data),
                        static_cast<size_t>(completion.result));
      if (completion.local != nullptr) event.local = *completion.local;
      event.truncated = completion.truncated;
    }
    if (completion.op == EVNET_OP_DATAGRAM && completion.peer != nullptr)
      event.peer = *completion.peer;
    events_.push_back(event);
    if (handler_) handler_(event);
  }
}

bool Loop::RunUntil(const std::function<bool()> &done, Place place) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  const uint64_t first = turn_;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE_AT(place.file, place.line)
          << "The condition that RunUntil waits for here is false after " << turn_ - first
          << " turns and " << kDeadline.count() << " s";
      return false;
    }
    Turn(kTurnNs);
    if (::testing::Test::HasFatalFailure()) return false;
  }
  return true;
}

void Loop::Explain(std::ostream *out) const {
  const size_t first = events_.size() > kExplainedMax ? events_.size() - kExplainedMax : 0;
  *out << "The poller after turn " << turn_ << ": " << events_.size() << " completions since Clear"
       << (first > 0 ? ", the last of them:\n" : "\n");
  for (size_t i = first; i < events_.size(); i++) {
    const Event &event = events_[i];
    *out << "  turn " << event.turn << ": handle " << event.handle.index << " (generation "
         << event.handle.generation << ") " << NameOf(event.op) << " = "
         << Status(static_cast<int>(event.result)) << (event.more ? ", more follow" : "") << "\n";
  }
}

std::vector<Event> Loop::Of(evnet_handle handle) const {
  std::vector<Event> found;
  for (const Event &event : events_) {
    if (event.handle == handle) found.push_back(event);
  }
  return found;
}

std::vector<Event> Loop::Of(evnet_handle handle, evnet_op op) const {
  std::vector<Event> found;
  for (const Event &event : events_) {
    if (event.handle == handle && event.op == op) found.push_back(event);
  }
  return found;
}

std::string Loop::Data(evnet_handle handle) const {
  std::string data;
  for (const Event &event : events_) {
    if (event.handle == handle) data += event.data;
  }
  return data;
}

std::string Loop::Story(evnet_handle handle) const {
  std::string story;
  bool in_data = false;
  for (const Event &event : events_) {
    if (!(event.handle == handle)) continue;
    if (!event.data.empty()) {
      if (!in_data) story += story.empty() ? "RECV:" : " RECV:";
      story += event.data;
      in_data = true;
      continue;
    }
    in_data = false;
    if (!story.empty()) story += " ";
    story += NameOf(event.op);
    story += "=";
    story += event.result < 0
                 ? std::string("-") + (evnet_status_name(static_cast<int>(event.result)))
                 : std::to_string(event.result);
  }
  return story;
}

}  // namespace evnet_testing
