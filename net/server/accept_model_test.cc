// Every interleaving of what pauses and resumes accepting at connections_max, for a few reactors.
//
// accept.c is modelled as a state machine: one step here is one atomic operation there, or one
// action that only reactor 0 sees. A depth-first search runs every order in which the threads can
// take their steps, visiting each state once. All operations of accept.c that decide anything are
// sequentially consistent, so an interleaving is all that can happen.
//
// In each end, where nothing can move any more, a waiting client must not be left waiting while
// there is room, and accepting must be paused while there is none. Mutants show that the search
// finds errors: among them is the protocol that once lost a resume. Whoever changes the protocol in
// accept.c changes the model with it.
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
  kMarkIsTakenBack,         // pause_if_full without a reason clears accept_paused: a lost resume
  kPauseDoesNotLookAgain,   // no P2
  kPauseMarksLast,          // P2 before P1
  kCloseReadsMarkFirst,     // C2 before C1
  kResumeDoesNotLookAgain,  // no pause_if_full after a resume
  kResumePostedIsKept,      // server_run_resume does not clear resume_posted
  kResumePostedClearsLast,  // it does after everything else
  kFarDialPostsNothing,     // a dial elsewhere takes the last place, and reactor 0 goes on
};

struct Config {
  int connections_max;
  int open;       // at the start; at connections_max accepting is paused
  int waiting;    // clients in the kernel's backlog
  int closers;    // connections of other reactors, each of which closes
  int dials;      // on reactor 0
  int far_dials;  // on reactors of their own
  Mutant mutant;
};

constexpr int kActorsMax = 5;

enum FarAt : int8_t {
  kDone = 0,
  // count_off.
  kCloseEarlyLook,  // kCloseReadsMarkFirst only
  kCloseCount,      // C1: connections_open - 1
  kCloseLook,       // C2: load(accept_paused)
  // server_claim on another reactor.
  kDialTake,  // take_place
  kDialLook,  // is_full
  // post_resume.
  kExchange,  // exchange(resume_posted, true)
  kPost,      // the message is in the mailbox
};

enum Reactor0At : int8_t {
  kIdle,         // in its loop: accepts, dials, runs the message, or waits
  kClearPosted,  // server_run_resume: resume_posted = false
  kClearPaused,  // server_accept_if_room: accept_paused = false
  kResume,       // evnet_reactor_accept_resume
  kFullFirst,    // pause_if_full: is_full
  kMark,         // P1: accept_paused = true
  kFullAgain,    // P2: is_full
  kTakeBack,     // kMarkIsTakenBack only
  kMarkLast,     // kPauseMarksLast only
  kClearPostedLast,
};

// Bytes without padding, so that equal states are equal memory, which is what the search remembers.
struct State {
  int8_t open;           // connections_open
  int8_t accept_paused;  // the mark
  int8_t resume_posted;
  int8_t message;  // resume_message is in the mailbox
  int8_t waiting;
  int8_t listener_paused;  // what only reactor 0 knows
  int8_t reactor0_at;
  int8_t in_resume;  // reactor 0 runs the message
  int8_t dials_left;
  std::array<int8_t, kActorsMax> at;
  std::array<int8_t, kActorsMax> marked;  // kCloseReadsMarkFirst only: what was read
};
static_assert(sizeof(State) == 9 + 2 * kActorsMax, "");

class Search {
 public:
  explicit Search(const Config &config) : config_(config) {}

  // Returns the first error that it finds; empty if there is none.
  std::string Run() {
    State start = {};
    start.open = static_cast<int8_t>(config_.open);
    start.waiting = static_cast<int8_t>(config_.waiting);
    start.dials_left = static_cast<int8_t>(config_.dials);
    start.accept_paused = start.listener_paused = config_.open >= config_.connections_max;
    for (int i = 0; i < config_.closers + config_.far_dials; i++) {
      int8_t &at = start.at[static_cast<size_t>(i)];
      at = i >= config_.closers               ? kDialTake
           : Is(Mutant::kCloseReadsMarkFirst) ? kCloseEarlyLook
                                              : kCloseCount;
    }
    Found(start);
    while (!todo_.empty() && error_.empty()) {
      const State state = todo_.back();
      todo_.pop_back();
      moved_ = false;
      for (size_t i = 0; i < kActorsMax; i++) StepFar(state, i);
      StepReactor0(state);
      if (!moved_) CheckEnd(state);
    }
    return error_;
  }

  size_t states() const { return seen_.size(); }
  size_t ends() const { return ends_; }

 private:
  bool Is(Mutant mutant) const { return config_.mutant == mutant; }
  bool IsFull(const State &state) const { return state.open >= config_.connections_max; }

  void Found(const State &state) {
    moved_ = true;
    const char *bytes = reinterpret_cast<const char *>(&state);
    if (seen_.emplace(bytes, sizeof(state)).second) todo_.push_back(state);
  }

  // One step of another reactor.
  void StepFar(State state, size_t i) {
    int8_t &at = state.at[i];
    switch (at) {
      case kCloseEarlyLook:
        state.marked[i] = state.accept_paused;
        at = kCloseCount;
        break;
      case kCloseCount:
        state.open--;
        at = kCloseLook;
        if (IsFull(state)) at = kDone;  // there is still no room
        break;
      case kCloseLook: {
        const bool marked =
            (Is(Mutant::kCloseReadsMarkFirst) ? state.marked[i] : state.accept_paused) != 0;
        at = marked ? kExchange : kDone;
        break;
      }
      case kDialTake:
        at = kDone;
        if (!IsFull(state)) {
          state.open++;
          at = Is(Mutant::kFarDialPostsNothing) ? kDone : kDialLook;
        }
        break;
      case kDialLook:
        at = IsFull(state) ? kExchange : kDone;
        break;
      case kExchange:
        at = state.resume_posted != 0 ? kDone : kPost;
        state.resume_posted = 1;
        break;
      case kPost:
        state.message = 1;
        at = kDone;
        break;
      default:
        return;
    }
    Found(state);
  }

  void StepReactor0(State state) {
    switch (state.reactor0_at) {
      case kIdle:
        StepLoop(state);
        return;
      case kClearPosted:
        state.resume_posted = Is(Mutant::kResumePostedIsKept);
        state.reactor0_at = kClearPaused;
        break;
      case kClearPaused:
        state.accept_paused = 0;
        state.reactor0_at = kResume;
        break;
      case kResume:
        state.listener_paused = 0;
        state.reactor0_at = kFullFirst;
        if (Is(Mutant::kResumeDoesNotLookAgain)) Return(state);
        break;
      case kFullFirst:
        state.reactor0_at = Is(Mutant::kPauseMarksLast) ? kFullAgain : kMark;
        if (!IsFull(state)) Return(state);
        break;
      case kMark:
        state.accept_paused = 1;
        state.reactor0_at = kFullAgain;
        if (Is(Mutant::kPauseDoesNotLookAgain)) Pause(state);
        break;
      case kFullAgain:
        if (IsFull(state)) {
          Pause(state);
        } else if (Is(Mutant::kMarkIsTakenBack)) {
          state.reactor0_at = kTakeBack;
        } else {
          Return(state);
        }
        break;
      case kTakeBack:
        state.accept_paused = 0;
        Return(state);
        break;
      case kMarkLast:
        state.accept_paused = 1;
        Return(state);
        break;
      case kClearPostedLast:
        state.resume_posted = 0;
        state.reactor0_at = kIdle;
        break;
      default:
        FAIL() << "no such step";
    }
    Found(state);
  }

  // What the loop of reactor 0 may do next, in any order.
  void StepLoop(const State &state) {
    if (state.message != 0) {
      State next = state;
      next.message = 0;
      next.in_resume = 1;
      next.reactor0_at = Is(Mutant::kResumePostedClearsLast) ? kClearPaused : kClearPosted;
      Found(next);
    }
    if (state.listener_paused == 0 && state.waiting > 0) {
      State next = state;
      next.waiting--;
      next.open++;
      next.reactor0_at = kFullFirst;
      Found(next);
    }
    if (state.dials_left > 0) {
      State next = state;
      next.dials_left--;
      if (!IsFull(next)) {
        next.open++;
        next.reactor0_at = kFullFirst;
      }
      Found(next);
    }
  }

  void Pause(State &state) const {
    state.listener_paused = 1;
    if (Is(Mutant::kPauseMarksLast)) {
      state.reactor0_at = kMarkLast;
    } else {
      Return(state);
    }
  }

  // The end of pause_if_full, and so of what reactor 0 was at.
  void Return(State &state) const {
    const bool clears = state.in_resume != 0 && Is(Mutant::kResumePostedClearsLast);
    state.in_resume = 0;
    state.reactor0_at = clears ? kClearPostedLast : kIdle;
  }

  void CheckEnd(const State &state) {
    ends_++;
    if (state.waiting > 0 && !IsFull(state) && error_.empty())
      error_ = "a client waits although there is room";
    if (IsFull(state) && state.listener_paused == 0 && error_.empty())
      error_ = "accepting goes on at the limit";
  }

  Config config_;
  std::string error_;
  std::unordered_set<std::string> seen_;
  std::vector<State> todo_;
  bool moved_ = false;
  size_t ends_ = 0;
};

void ExpectSound(const Config &config, size_t states_min) {
  Search search(config);
  EXPECT_EQ(search.Run(), "");
  EXPECT_GT(search.ends(), 0u);
  EXPECT_GT(search.states(), states_min) << "hardly an interleaving";
}

TEST(AcceptModel, TwoClosesAndADialDoNotLeaveAcceptingPaused) {
  ExpectSound({2, 2, 1, 2, 1, 0, Mutant::kNone}, 100);
}

TEST(AcceptModel, ManyClosesAndDialsOnReactor0LoseNoResume) {
  ExpectSound({2, 2, 3, 4, 3, 0, Mutant::kNone}, 5'000);
  ExpectSound({1, 1, 3, 3, 3, 0, Mutant::kNone}, 1'000);
}

TEST(AcceptModel, DialsOnOtherReactorsLoseNoResume) {
  ExpectSound({2, 2, 3, 3, 1, 2, Mutant::kNone}, 5'000);
  ExpectSound({3, 2, 2, 2, 2, 3, Mutant::kNone}, 5'000);
}

TEST(AcceptModel, ClosesOfConnectionsBeyondTheLimitLoseNoResume) {
  ExpectSound({2, 4, 3, 4, 1, 1, Mutant::kNone}, 5'000);
}

TEST(AcceptModel, SearchCatchesEveryMutant) {
  const char *stuck = "a client waits although there is room";
  const char *goes_on = "accepting goes on at the limit";
  struct {
    Config config;
    const char *error;
  } const mutants[] = {
      {{2, 2, 1, 2, 1, 0, Mutant::kMarkIsTakenBack}, stuck},
      {{2, 1, 2, 1, 0, 0, Mutant::kPauseDoesNotLookAgain}, stuck},
      {{2, 1, 2, 1, 0, 0, Mutant::kPauseMarksLast}, stuck},
      {{2, 1, 2, 2, 0, 0, Mutant::kCloseReadsMarkFirst}, stuck},
      {{2, 2, 0, 1, 1, 0, Mutant::kResumeDoesNotLookAgain}, goes_on},
      {{2, 2, 3, 2, 0, 0, Mutant::kResumePostedIsKept}, stuck},
      {{2, 2, 3, 3, 1, 0, Mutant::kResumePostedClearsLast}, stuck},
      {{2, 1, 0, 0, 0, 1, Mutant::kFarDialPostsNothing}, goes_on},
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
