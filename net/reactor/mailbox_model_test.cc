// Every interleaving of the mailbox's protocol, for a few threads and messages.
//
// mailbox.c is modelled as a state machine, in which one step is one atomic operation of mailbox.c;
// the enums below list them. A depth-first search runs every order in which the threads can take
// their steps, and visits each state once. Whenever no thread can take a step, every accepted
// message must have been taken. On the way, the messages of each poster must come in order and
// once, the bound must hold, and no sleep may cause two wakes.
//
// The model includes the reorderings that the memory orders permit:
// - The reactor's relaxed stores to `asleep` wait in a buffer and reach memory at any later time,
//   while its loads may pass them. A sequentially consistent store empties the buffer first.
// - The reactor's relaxed load of `head` in take may miss messages, unless it has seen one there
//   before.
// - A poster's first load of `head` may be old: it is a separate step, long before the others.
//
// A change of mailbox.c requires the same change of the model. Mutants show that the search finds
// errors: each is a protocol that is wrong in one place, and the search has to reject it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "gtest/gtest.h"

namespace {

enum class Mutant {
  kNone,
  kSleepStoreRelaxed,           // S1 may come after S2
  kPostReadsAsleepFirst,        // P2 may come before P1
  kSleepDoesNotLook,            // without S2
  kSleepLooksFirst,             // S2 before S1
  kTakeOverwritesSeal,          // take exchanges without a load before
  kPushStores,                  // P1 is a store instead of a compare-and-swap
  kChainNotTurned,              // take returns the newest message first
  kClaimStores,                 // a store instead of an exchange clears `asleep`
  kReserveStores,               // reserve stores the count instead of swapping it
  kRefusedAtSealKeepsItsBytes,  // no release if the seal is seen after reserving
};

struct Config {
  int posters;
  int messages;          // of each poster
  int bytes_max;         // a message is one byte; 0 means no bound, and nothing is counted
  bool seals;            // the reactor may seal and end at the start of any turn
  int spurious_returns;  // returns of the wait without a wake: a timeout, or a socket
  Mutant mutant;
};

constexpr int kPostersMax = 3;
constexpr int kMessagesMax = 6;  // of all posters
constexpr int kBufferMax = 4;
// Values of `head` and `next`: the number of a message, or one of these.
constexpr int8_t kNull = -1;
constexpr int8_t kSealed = -2;
constexpr int8_t kUnset = -3;

enum PosterAt : int8_t {
  kLoadHead,     // head = load(mailbox->head)
  kLoadBytes,    // reserve: used = load(mailbox->bytes)
  kSwapBytes,    // reserve: compare_exchange(mailbox->bytes)
  kEarlyAsleep,  // only with kPostReadsAsleepFirst
  kPush,         // P1: compare_exchange(mailbox->head)
  kLoadAsleep,   // P2: load(mailbox->asleep)
  kClaim,        // exchange(mailbox->asleep, false)
  kWake,         // the caller of post writes the eventfd
  kUnreserve,    // sealed after reserving: fetch_sub(mailbox->bytes)
  kPosterDone,
};

enum ReactorAt : int8_t {
  kTakeLoad,      // take: load(mailbox->head)
  kTakeExchange,  // take: exchange(mailbox->head, NULL)
  kRelease,       // fetch_sub(mailbox->bytes)
  kSleepStore,    // S1: store(mailbox->asleep, true)
  kSleepLoad,     // S2: load(mailbox->head)
  kSleepRefused,  // sleep calls awake: store(mailbox->asleep, false)
  kWait,          // the caller of take blocks until the eventfd is written, and reads it
  kAwake,         // store(mailbox->asleep, false)
  kSeal,          // exchange(mailbox->head, &sealed)
  kLastRelease,   // like kRelease
  kReactorDone,
};

struct Poster {
  int8_t at;
  int8_t message;   // the index of the message that it is posting
  int8_t head;      // the expected value of P1's compare_exchange
  int8_t used;      // the expected value of reserve's compare_exchange
  int8_t reserved;  // 1 if this message's byte is counted
  int8_t asleep;    // only with kPostReadsAsleepFirst: the value that was read
};

// Only bytes, so that there is no padding and equal states are equal in memory; the search compares
// memory.
struct State {
  // The mailbox and its messages.
  int8_t head;
  int8_t bytes;
  int8_t asleep;
  std::array<int8_t, kMessagesMax> next;
  // The kernel.
  int8_t eventfd;
  // The reactor.
  int8_t reactor_at;
  int8_t seen;  // the reactor knows of a message, so its loads of `head` cannot miss it any more
  int8_t held;  // bytes taken and not yet released
  int8_t spurious_left;
  int8_t buffered_count;
  std::array<int8_t, kBufferMax> buffered;  // stores to `asleep` that have not reached memory
  // The posters.
  std::array<Poster, kPostersMax> posters;
  // For the checks: the sets of accepted and taken messages, and whether a sleep still lacks its
  // wake.
  uint8_t accepted;
  uint8_t taken;
  int8_t unanswered;

  Poster &poster(int i) { return posters[static_cast<size_t>(i)]; }
  int8_t &next_of(int8_t id) { return next[static_cast<size_t>(id)]; }
};
static_assert(sizeof(State) == 12 + kMessagesMax + kBufferMax + kPostersMax * sizeof(Poster), "");

uint8_t Bit(int id) { return static_cast<uint8_t>(1u << id); }

class Search {
 public:
  explicit Search(const Config &config) : config_(config) {}

  // Returns the first error found; empty if there is none.
  std::string Run() {
    State start = {};
    start.head = kNull;
    start.next.fill(kUnset);
    start.spurious_left = static_cast<int8_t>(config_.spurious_returns);
    for (int i = config_.posters; i < kPostersMax; i++) start.poster(i).at = kPosterDone;
    Found(start);
    while (!open_.empty() && error_.empty()) {
      State state = open_.back();
      open_.pop_back();
      moved_ = false;
      for (int i = 0; i < config_.posters; i++) StepPoster(state, i);
      StepReactor(state);
      StepBuffer(state);
      if (!moved_) CheckEnd(state);
    }
    return error_;
  }

  size_t states() const { return seen_.size(); }
  size_t ends() const { return ends_; }

 private:
  bool Is(Mutant mutant) const { return config_.mutant == mutant; }

  void Fail(const char *error) {
    if (error_.empty()) error_ = error;
  }

  // Records a state that a step leads to.
  void Found(const State &state) {
    moved_ = true;
    const char *bytes = reinterpret_cast<const char *>(&state);
    if (seen_.emplace(bytes, sizeof(state)).second) open_.push_back(state);
  }

  // Posters. The functions after StepPoster do the work of a thread between two steps.

  void StepPoster(State state, int i) {
    Poster &poster = state.poster(i);
    switch (poster.at) {
      case kLoadHead:
        poster.head = state.head;
        LoopTop(state, i);
        break;
      case kLoadBytes:
        poster.used = state.bytes;
        poster.at = kSwapBytes;
        if (poster.used + 1 > config_.bytes_max) Finish(state, i);  // -ENOBUFS
        break;
      case kSwapBytes:
        poster.at = kLoadBytes;  // a failed compare_exchange loads, too
        if (state.bytes != poster.used && !Is(Mutant::kReserveStores)) break;
        state.bytes = static_cast<int8_t>(poster.used + 1);
        poster.reserved = 1;
        LoopTop(state, i);
        break;
      case kEarlyAsleep:
        poster.asleep = state.asleep;
        poster.at = kPush;
        break;
      case kPush:
        Push(state, i);
        break;
      case kLoadAsleep:
        AsleepRead(state, i, state.asleep);
        break;
      case kClaim: {
        bool claimed = state.asleep != 0 || Is(Mutant::kClaimStores);
        state.asleep = 0;
        if (claimed && state.unanswered == 0) Fail("two wakes for one sleep");
        if (claimed) state.unanswered = 0;
        poster.at = kWake;
        if (!claimed) Finish(state, i);
        break;
      }
      case kWake:
        state.eventfd = 1;
        Finish(state, i);
        break;
      case kUnreserve:
        state.bytes--;
        Finish(state, i);
        break;
      default:
        return;  // the poster is done and has no step
    }
    if (config_.bytes_max != 0 && state.bytes > config_.bytes_max) Fail("above the bound");
    Found(state);
  }

  void Push(State &state, int i) {
    Poster &poster = state.poster(i);
    if (state.head != poster.head && !Is(Mutant::kPushStores)) {
      poster.head = state.head;
      LoopTop(state, i);
      return;
    }
    int8_t id = static_cast<int8_t>(i * config_.messages + poster.message);
    state.next_of(id) = poster.head;
    state.head = id;
    state.accepted |= Bit(id);
    poster.at = kLoadAsleep;
    if (Is(Mutant::kPostReadsAsleepFirst)) AsleepRead(state, i, poster.asleep);
  }

  // The start of the loop in post.
  void LoopTop(State &state, int i) const {
    Poster &poster = state.poster(i);
    if (poster.head == kSealed) {
      poster.at = kUnreserve;
      if (poster.reserved == 0 || Is(Mutant::kRefusedAtSealKeepsItsBytes)) Finish(state, i);
    } else if (config_.bytes_max != 0 && poster.reserved == 0) {
      poster.at = kLoadBytes;
    } else {
      poster.at = Is(Mutant::kPostReadsAsleepFirst) ? kEarlyAsleep : kPush;
    }
  }

  void AsleepRead(State &state, int i, int8_t asleep) const {
    state.poster(i).at = kClaim;
    if (asleep == 0) Finish(state, i);
  }

  void Finish(State &state, int i) const {
    int message = state.poster(i).message + 1;
    state.poster(i) = {};
    state.poster(i).message = static_cast<int8_t>(message);
    if (message == config_.messages) state.poster(i).at = kPosterDone;
  }

  // The reactor.

  void StepReactor(State state) {
    switch (state.reactor_at) {
      case kTakeLoad:
        if (config_.seals) {
          State sealing = state;
          sealing.reactor_at = kSeal;
          Found(sealing);
        }
        if (state.head != kNull) {
          State taking = state;
          taking.reactor_at = kTakeExchange;
          Found(taking);
          if (state.seen != 0) return;
        }
        // There is no message, or this load misses it.
        state.reactor_at = Is(Mutant::kSleepLooksFirst) ? kSleepLoad : kSleepStore;
        break;
      case kTakeExchange:
        Collect(state);
        state.head = kNull;
        state.reactor_at = config_.bytes_max != 0 ? kRelease : kTakeLoad;
        break;
      case kRelease:
        Release(state);
        state.reactor_at = kTakeLoad;
        break;
      case kSleepStore:
        state.unanswered = 1;
        StoreAsleep(state, 1, !Is(Mutant::kSleepStoreRelaxed));
        state.reactor_at = kSleepLoad;
        if (Is(Mutant::kSleepDoesNotLook) || Is(Mutant::kSleepLooksFirst)) state.reactor_at = kWait;
        break;
      case kSleepLoad:
        state.seen = state.head != kNull;
        state.reactor_at = state.seen != 0 ? kSleepRefused : kWait;
        if (Is(Mutant::kSleepLooksFirst)) {
          state.reactor_at = state.seen != 0 ? kTakeLoad : kSleepStore;
        }
        break;
      case kSleepRefused:
      case kAwake:
        StoreAsleep(state, 0, false);
        state.reactor_at = kTakeLoad;
        break;
      case kWait:
        state.reactor_at = kAwake;
        if (state.eventfd == 0) return Blocked(state);
        state.eventfd = 0;
        break;
      case kSeal:
        Collect(state);
        state.head = kSealed;
        // The last take finds no message, and the seal stays.
        if (Is(Mutant::kTakeOverwritesSeal)) state.head = kNull;
        state.reactor_at = kLastRelease;
        break;
      case kLastRelease:
        Release(state);
        state.reactor_at = kReactorDone;
        break;
      default:
        return;  // the reactor is done and has no step
    }
    Found(state);
  }

  // The wait may return without a wake, but nothing must depend on that, so it does not count as a
  // step.
  void Blocked(State state) {
    if (state.spurious_left == 0) return;
    state.spurious_left--;
    bool moved = moved_;
    Found(state);
    moved_ = moved;
  }

  // Runs the messages of the chain that take or seal found at the head.
  void Collect(State &state) {
    std::vector<int8_t> chain;
    for (int8_t id = state.head; id != kNull;) {
      if (id < 0) return Fail("a chain leads to a message that was taken");
      chain.push_back(id);
      int8_t older = state.next_of(id);
      state.next_of(id) = kUnset;  // the message is freed
      id = older;
    }
    if (!Is(Mutant::kChainNotTurned)) std::reverse(chain.begin(), chain.end());
    for (int8_t id : chain) {
      for (int later = id; later / config_.messages == id / config_.messages; later++) {
        if ((state.taken & Bit(later)) != 0) Fail("not in a poster's order");
      }
      state.taken |= Bit(id);
      if (config_.bytes_max != 0) state.held++;
    }
    state.seen = 0;
  }

  void Release(State &state) {
    state.bytes = static_cast<int8_t>(state.bytes - state.held);
    state.held = 0;
    if (state.bytes < 0) Fail("more bytes released than counted");
  }

  void StoreAsleep(State &state, int8_t asleep, bool sequential) {
    if (sequential) {
      while (state.buffered_count > 0) Arrive(state);
      state.asleep = asleep;
      return;
    }
    // A second store of the same value, directly after the first, changes nothing that other
    // threads see.
    int8_t count = state.buffered_count;
    if (count > 0 && state.buffered[static_cast<size_t>(count - 1)] == asleep) return;
    if (count == kBufferMax) Arrive(state);
    state.buffered[static_cast<size_t>(state.buffered_count++)] = asleep;
  }

  static void Arrive(State &state) {
    state.asleep = state.buffered[0];
    for (size_t i = 1; i < kBufferMax; i++) state.buffered[i - 1] = state.buffered[i];
    state.buffered[kBufferMax - 1] = 0;
    state.buffered_count--;
  }

  void StepBuffer(State state) {
    if (state.buffered_count == 0) return;
    Arrive(state);
    Found(state);
  }

  // Checks a final state: all posters are done, and the reactor is done or blocked.
  void CheckEnd(const State &state) {
    ends_++;
    if (state.taken != state.accepted) Fail("a message was lost, or its wake");
    if (state.bytes != 0) Fail("bytes are left");
  }

  Config config_;
  std::string error_;
  std::unordered_set<std::string> seen_;
  std::vector<State> open_;
  bool moved_ = false;
  size_t ends_ = 0;
};

void ExpectSound(const Config &config) {
  Search search(config);
  EXPECT_EQ(search.Run(), "");
  EXPECT_GT(search.ends(), 0u);
  EXPECT_GT(search.states(), 10'000u) << "the search visited too few states";
}

TEST(MailboxModel, OnePosterOfManyMessagesLosesNothing) {
  ExpectSound({1, 6, 0, false, 2, Mutant::kNone});
}

TEST(MailboxModel, TwoPostersLoseNothing) { ExpectSound({2, 2, 0, false, 1, Mutant::kNone}); }

TEST(MailboxModel, ThreePostersLoseNothing) { ExpectSound({3, 1, 0, false, 1, Mutant::kNone}); }

TEST(MailboxModel, PostsAroundASealAreTakenOrRefused) {
  ExpectSound({2, 2, 0, true, 0, Mutant::kNone});
  ExpectSound({3, 1, 0, true, 0, Mutant::kNone});
}

TEST(MailboxModel, BoundHoldsAndItsBytesComeBack) {
  ExpectSound({2, 2, 1, true, 0, Mutant::kNone});
  ExpectSound({3, 1, 2, true, 0, Mutant::kNone});
}

TEST(MailboxModel, SearchCatchesEveryMutant) {
  const char *lost = "a message was lost, or its wake";
  struct {
    Config config;
    const char *error;
  } const mutants[] = {
      {{1, 1, 0, false, 0, Mutant::kSleepStoreRelaxed}, lost},
      {{1, 1, 0, false, 0, Mutant::kPostReadsAsleepFirst}, lost},
      {{1, 1, 0, false, 0, Mutant::kSleepDoesNotLook}, lost},
      {{1, 1, 0, false, 0, Mutant::kSleepLooksFirst}, lost},
      {{1, 1, 0, true, 0, Mutant::kTakeOverwritesSeal}, lost},
      {{2, 1, 0, false, 0, Mutant::kPushStores}, "a chain leads to a message that was taken"},
      {{1, 2, 0, false, 0, Mutant::kChainNotTurned}, "not in a poster's order"},
      {{2, 1, 0, false, 0, Mutant::kClaimStores}, "two wakes for one sleep"},
      {{2, 1, 2, false, 0, Mutant::kReserveStores}, "bytes are left"},
      {{1, 1, 1, true, 0, Mutant::kRefusedAtSealKeepsItsBytes}, "bytes are left"},
  };
  for (const auto &each : mutants) {
    SCOPED_TRACE("mutant " + std::to_string(static_cast<int>(each.config.mutant)));
    EXPECT_EQ(Search(each.config).Run(), each.error);
    Config sound = each.config;
    sound.mutant = Mutant::kNone;
    EXPECT_EQ(Search(sound).Run(), "");
  }
}

}  // namespace
