// A model of how reactors pause and resume accepting at connections_max. The test runs every
// interleaving of its steps for a few reactors.
//
// The model is a state machine of accept.c. A step is one atomic operation of accept.c, or one
// action that only the acting reactor sees. A depth-first search runs every order in which the
// threads can take their steps, and visits each state once. All operations that matter in accept.c
// are sequentially consistent, so every real execution is such an interleaving.
//
// In no state may more places be taken than connections_max. In each final state, where no step is
// possible, no client may wait while there is a place, and no place may be lost. Mutants of the
// protocol show that the search finds errors. A change of the protocol in accept.c requires the
// same change of the model.
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
  kNoSecondTry,         // pause_without_place does not try again after it has set accept_paused
  kTriesBeforeMark,     // pause_without_place tries again before it sets accept_paused
  kCloseLooksFirst,     // give_place reads paused_count before it gives the place back
  kWakesOnlyFirst,      // give_place wakes only the first paused reactor
  kResumePostedIsKept,  // server_run_resume does not clear resume_posted
  kInVainKeepsPlace,    // server_not_admitted does nothing
  kTakesWithoutLook,    // take_place succeeds although there is no place
};

constexpr size_t kAcceptors = 2;
constexpr size_t kActorsMax = 4;

struct Config {
  int connections_max;
  int open;                              // connections open at the start
  std::array<int, kAcceptors> waiting;   // clients in the backlog of each listener
  std::array<bool, kAcceptors> stopped;  // paused at the start, with accept_paused set
  int in_vain;                           // how often an accept may find no client
  int closers;                           // reactors that each close one connection
  int dials;                             // reactors that each dial once
  Mutant mutant;
};

// The steps of give_place. Afterwards its caller continues.
enum GiveAt : int8_t {
  kNotGiving = 0,
  kGiveEarlyLook,  // kCloseLooksFirst only
  kGivePlace,      // connections_open - 1
  kGiveLook,       // load(paused_count)
  kGiveMark,       // load(accept_paused) of one reactor
  kGiveExchange,   // exchange(its resume_posted, true)
  kGivePost,       // post resume_message
};

enum AcceptorAt : int8_t {
  kIdle = 0,      // in its loop: accepts, runs resume_message, or waits
  kTakeFirst,     // take_place
  kCountMark,     // paused_count + 1
  kMark,          // accept_paused = true
  kTakeAgain,     // take_place
  kUnmark,        // accept_paused = false, because the second try took a place
  kUncountMark,   // paused_count - 1
  kAccept,        // accept(2): returns a client, or no client
  kMarkLast,      // kTriesBeforeMark only
  kClearPosted,   // server_run_resume: resume_posted = false
  kClearMark,     // accept_paused = false
  kUncountClear,  // paused_count - 1
  kResume,        // evnet_reactor_accept_resume
};

// Has no padding, because the search compares states as memory.
struct State {
  int8_t open;    // connections_open
  int8_t served;  // existing connections
  int8_t paused_count;
  int8_t in_vain_left;
  std::array<int8_t, kAcceptors> waiting;
  std::array<int8_t, kAcceptors> mark;  // accept_paused
  std::array<int8_t, kAcceptors> posted;
  std::array<int8_t, kAcceptors> message;
  std::array<int8_t, kAcceptors> listener_paused;  // private to the reactor
  std::array<int8_t, kAcceptors> at;
  std::array<int8_t, kActorsMax> dials;  // 1 until the dial has taken its place
  // The indexes of the acceptors come first, then those of the closers.
  std::array<int8_t, kAcceptors + kActorsMax> giving;
  std::array<int8_t, kAcceptors + kActorsMax> looked_at;  // reactor whose accept_paused is next
  std::array<int8_t, kAcceptors + kActorsMax> saw_marks;  // kCloseLooksFirst only
};
static_assert(sizeof(State) == 4 + 9 * kAcceptors + 4 * kActorsMax, "");

class Search {
 public:
  explicit Search(const Config &config, int dials_reserved = 0)
      : config_(config), dials_reserved_(dials_reserved) {}

  // Returns the first error that it finds; empty if there is none.
  std::string Run() {
    State start = {};
    start.open = start.served = static_cast<int8_t>(config_.open);
    start.in_vain_left = static_cast<int8_t>(config_.in_vain);
    for (size_t i = 0; i < kAcceptors; i++) {
      start.waiting[i] = static_cast<int8_t>(config_.waiting[i]);
      start.mark[i] = start.listener_paused[i] = config_.stopped[i];
      start.paused_count = static_cast<int8_t>(start.paused_count + start.mark[i]);
    }
    for (size_t i = 0; i < static_cast<size_t>(config_.closers); i++) Give(start, kAcceptors + i);
    for (size_t i = 0; i < static_cast<size_t>(config_.dials); i++) start.dials[i] = 1;
    Found(start);
    while (!todo_.empty() && error_.empty()) {
      const State state = todo_.back();
      todo_.pop_back();
      moved_ = false;
      for (size_t i = 0; i < kActorsMax; i++) StepDial(state, i);
      for (size_t i = 0; i < kAcceptors + kActorsMax; i++) {
        if (state.giving[i] != kNotGiving) {
          StepGive(state, i);
        } else if (i < kAcceptors) {
          StepAcceptor(state, i);
        }
      }
      if (!moved_) CheckEnd(state);
    }
    return error_;
  }

  size_t states() const { return seen_.size(); }
  size_t ends() const { return ends_; }

 private:
  bool Is(Mutant mutant) const { return config_.mutant == mutant; }
  bool IsFull(const State &state, int reserved) const {
    return state.open >= config_.connections_max - reserved;
  }

  void Found(const State &state) {
    moved_ = true;
    if (state.open > config_.connections_max) error_ = "more places are taken than there are";
    const char *bytes = reinterpret_cast<const char *>(&state);
    if (seen_.emplace(bytes, sizeof(state)).second) todo_.push_back(state);
  }

  bool TakePlace(State &state, int reserved) const {
    if (IsFull(state, reserved) && !Is(Mutant::kTakesWithoutLook)) return false;
    state.open++;
    return true;
  }

  void StepDial(State state, size_t i) {
    if (state.dials[i] == 0) return;
    state.dials[i] = 0;
    if (TakePlace(state, 0)) state.served++;
    Found(state);
  }

  void Give(State &state, size_t i) const {
    state.giving[i] = Is(Mutant::kCloseLooksFirst) ? kGiveEarlyLook : kGivePlace;
    state.looked_at[i] = 0;
  }

  void LookAtNext(State &state, size_t i) const {
    state.looked_at[i]++;
    const bool ends = static_cast<size_t>(state.looked_at[i]) == kAcceptors;
    state.giving[i] = ends ? kNotGiving : kGiveMark;
    if (ends) state.looked_at[i] = 0;
  }

  void StepGive(State state, size_t i) {
    const size_t of = static_cast<size_t>(state.looked_at[i]);
    switch (state.giving[i]) {
      case kGiveEarlyLook:
        state.saw_marks[i] = state.paused_count > 0;
        state.giving[i] = kGivePlace;
        break;
      case kGivePlace:
        state.open--;
        if (i >= kAcceptors) state.served--;
        state.giving[i] = kGiveLook;
        break;
      case kGiveLook: {
        const bool marks =
            Is(Mutant::kCloseLooksFirst) ? state.saw_marks[i] != 0 : state.paused_count > 0;
        state.saw_marks[i] = 0;
        state.giving[i] = marks ? kGiveMark : kNotGiving;
        break;
      }
      case kGiveMark:
        state.giving[i] = kGiveExchange;
        if (state.mark[of] == 0) LookAtNext(state, i);
        break;
      case kGiveExchange:
        state.giving[i] = kGivePost;
        if (state.posted[of] != 0) LookAtNext(state, i);
        state.posted[of] = 1;
        break;
      case kGivePost:
        state.message[of] = 1;
        if (Is(Mutant::kWakesOnlyFirst)) state.looked_at[i] = kAcceptors - 1;
        LookAtNext(state, i);
        break;
      default:
        FAIL() << "no such step";
    }
    Found(state);
  }

  void StepAcceptor(State state, size_t i) {
    int8_t &at = state.at[i];
    switch (at) {
      case kIdle:
        StepLoop(state, i);
        return;
      case kTakeFirst:
        at = TakePlace(state, dials_reserved_) ? kAccept
             : Is(Mutant::kTriesBeforeMark)    ? kTakeAgain
                                               : kCountMark;
        break;
      case kCountMark:
        state.paused_count++;
        at = kMark;
        break;
      case kMark:
        state.mark[i] = 1;
        at = kTakeAgain;
        if (Is(Mutant::kNoSecondTry)) Pause(state, i);
        break;
      case kTakeAgain:
        if (TakePlace(state, dials_reserved_)) {
          at = Is(Mutant::kTriesBeforeMark) ? kAccept : kUnmark;
        } else if (Is(Mutant::kTriesBeforeMark)) {
          at = kMarkLast;
        } else {
          Pause(state, i);
        }
        break;
      case kUnmark:
        state.mark[i] = 0;
        at = kUncountMark;
        break;
      case kUncountMark:
        state.paused_count--;
        at = kAccept;
        break;
      case kAccept:
        at = kIdle;
        if (state.waiting[i] > 0) {
          state.waiting[i]--;
          state.served++;
        } else if (!Is(Mutant::kInVainKeepsPlace)) {
          Give(state, i);
        }
        break;
      case kMarkLast:
        state.mark[i] = 1;
        state.paused_count++;
        Pause(state, i);
        break;
      case kClearPosted:
        state.posted[i] = Is(Mutant::kResumePostedIsKept);
        at = state.mark[i] != 0 ? kClearMark : kIdle;
        break;
      case kClearMark:
        state.mark[i] = 0;
        at = kUncountClear;
        break;
      case kUncountClear:
        state.paused_count--;
        at = kResume;
        break;
      case kResume:
        state.listener_paused[i] = 0;
        at = kIdle;
        break;
      default:
        FAIL() << "no such step";
    }
    Found(state);
  }

  // Runs each step that a reactor's loop may take next.
  void StepLoop(const State &state, size_t i) {
    if (state.message[i] != 0) {
      State next = state;
      next.message[i] = 0;
      next.at[i] = kClearPosted;
      Found(next);
    }
    if (state.listener_paused[i] != 0) return;
    if (state.waiting[i] == 0 && state.in_vain_left == 0) return;
    State next = state;
    if (state.waiting[i] == 0) next.in_vain_left--;
    next.at[i] = kTakeFirst;
    Found(next);
  }

  static void Pause(State &state, size_t i) {
    state.listener_paused[i] = 1;
    state.at[i] = kIdle;
  }

  void CheckEnd(const State &state) {
    ends_++;
    if (!error_.empty()) return;
    if (state.open != state.served) error_ = "a place is lost";
    for (size_t i = 0; i < kAcceptors; i++) {
      if (state.waiting[i] > 0 && !IsFull(state, dials_reserved_))
        error_ = "a client waits although there is room";
    }
  }

  Config config_;
  int dials_reserved_;
  std::string error_;
  std::unordered_set<std::string> seen_;
  std::vector<State> todo_;
  bool moved_ = false;
  size_t ends_ = 0;
};

void ExpectSound(const Config &config, size_t states_min, int dials_reserved = 0) {
  Search search(config, dials_reserved);
  EXPECT_EQ(search.Run(), "");
  EXPECT_GT(search.ends(), 0u);
  EXPECT_GT(search.states(), states_min) << "too few interleavings";
}

TEST(AcceptModel, TwoClosesAndADialDoNotLeaveAcceptingPaused) {
  ExpectSound({2, 2, {1, 0}, {true, false}, 0, 2, 1, Mutant::kNone}, 100);
  ExpectSound({2, 2, {1, 0}, {false, false}, 0, 2, 1, Mutant::kNone}, 100);
}

TEST(AcceptModel, ManyClosesAndDialsLoseNoResume) {
  ExpectSound({2, 2, {3, 0}, {true, false}, 0, 2, 3, Mutant::kNone}, 1'000);
  ExpectSound({3, 3, {2, 0}, {false, false}, 0, 3, 2, Mutant::kNone}, 1'000);
}

TEST(AcceptModel, TwoReactorsThatAcceptLoseNoResume) {
  ExpectSound({2, 2, {1, 1}, {true, true}, 0, 2, 1, Mutant::kNone}, 500);
  ExpectSound({1, 1, {1, 1}, {false, true}, 0, 1, 1, Mutant::kNone}, 100);
  ExpectSound({2, 1, {1, 2}, {false, false}, 0, 1, 1, Mutant::kNone}, 500);
}

// A reactor may take the last place for an accept that finds no client, while another waits for it.
TEST(AcceptModel, APlaceTakenInVainIsGivenBackAndWakesTheOthers) {
  ExpectSound({1, 0, {0, 1}, {false, false}, 2, 0, 1, Mutant::kNone}, 100);
  ExpectSound({2, 2, {1, 1}, {true, false}, 1, 1, 1, Mutant::kNone}, 1'000);
}

TEST(AcceptModel, PlacesReservedForDialsLoseNoResume) {
  ExpectSound({2, 2, {1, 0}, {true, false}, 0, 2, 1, Mutant::kNone}, 100, 1);
  ExpectSound({3, 2, {2, 0}, {false, false}, 0, 2, 2, Mutant::kNone}, 500, 1);
  ExpectSound({3, 2, {1, 1}, {true, true}, 0, 2, 2, Mutant::kNone}, 500, 1);
  ExpectSound({3, 1, {1, 1}, {false, false}, 1, 1, 3, Mutant::kNone}, 500, 2);
}

TEST(AcceptModel, SearchCatchesEveryMutant) {
  const char *stuck = "a client waits although there is room";
  struct {
    Config config;
    const char *error;
  } const mutants[] = {
      {{1, 1, {1, 0}, {false, false}, 0, 1, 0, Mutant::kNoSecondTry}, stuck},
      {{1, 1, {1, 0}, {false, false}, 0, 1, 0, Mutant::kTriesBeforeMark}, stuck},
      {{1, 1, {1, 0}, {false, false}, 0, 1, 0, Mutant::kCloseLooksFirst}, stuck},
      {{1, 1, {0, 1}, {true, true}, 0, 1, 0, Mutant::kWakesOnlyFirst}, stuck},
      {{2, 2, {2, 0}, {true, false}, 0, 2, 1, Mutant::kResumePostedIsKept}, stuck},
      {{1, 0, {0, 0}, {false, false}, 1, 0, 0, Mutant::kInVainKeepsPlace}, "a place is lost"},
      {{1, 1, {1, 0}, {false, false}, 0, 0, 0, Mutant::kTakesWithoutLook},
       "more places are taken than there are"},
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
