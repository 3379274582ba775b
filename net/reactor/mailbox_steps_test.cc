// Runs the mailbox's real code and interrupts it between any two of its atomic operations with a
// whole call of another thread, and that call with a third. All nestings of the calls that can run
// concurrently are tried. mailbox_model_test.cc covers orders in which two calls alternate.
#include "net/reactor/mailbox_steps.h"

#include <cerrno>
#include <cstddef>
#include <functional>
#include <vector>

#include "gtest/gtest.h"

namespace {

using Call = std::function<void()>;

// Runs `calls` inside each other: the second before the n-th step of the first, the third before
// the n-th step of the second, and so on. All combinations of steps are tried, including the place
// after the last step. `setup` runs before each combination, and `check` after it.
class Nesting {
 public:
  Nesting(Call setup, std::vector<Call> calls, Call check)
      : setup_(setup), calls_(calls), check_(check), places_(calls.size()), steps_(calls.size()) {}

  // Returns the number of combinations.
  int Run() {
    int combinations = 0;
    do {
      setup_();
      running_ = this;
      evnet_mailbox_step = [] { running_->Step(); };
      RunFrom(0);
      evnet_mailbox_step = nullptr;
      check_();
      combinations++;
    } while (Next() && !testing::Test::HasFailure());
    return combinations;
  }

 private:
  void RunFrom(size_t depth) {
    if (depth == calls_.size()) return;
    size_t outer = depth_;
    depth_ = depth;
    steps_[depth] = 0;
    calls_[depth]();
    if (steps_[depth] <= places_[depth]) RunFrom(depth + 1);
    depth_ = outer;
  }

  void Step() {
    if (steps_[depth_]++ == places_[depth_]) RunFrom(depth_ + 1);
  }

  // Moves to the next combination. The innermost call is not interrupted, so it has no place.
  bool Next() {
    for (size_t depth = calls_.size() - 1; depth-- > 0;) {
      if (places_[depth]++ < steps_[depth]) return true;
      places_[depth] = 0;
    }
    return false;
  }

  static Nesting *running_;
  Call setup_;
  std::vector<Call> calls_;
  Call check_;
  std::vector<int> places_;
  std::vector<int> steps_;  // the steps of each call in the last run
  size_t depth_ = 0;        // the call that is running
};

Nesting *Nesting::running_;

// A mailbox with room for three messages of one byte, the results of the calls, and the checks.
class MailboxSteps : public testing::Test {
 protected:
  static constexpr int kMessages = 3;
  static constexpr int kNotPosted = -1000;

  void SetUp() override { Reset(); }

  void Reset(size_t bytes_max = kMessages) {
    evnet_mailbox_init(&mailbox_, bytes_max);
    for (int i = 0; i < kMessages; i++) {
      messages_[i] = {nullptr, nullptr, 1};
      statuses_[i] = kNotPosted;
      taken_[i] = 0;
    }
    sleeps_ = slept_ = false;
  }

  Call Post(int i) {
    return [this, i] { statuses_[i] = evnet_mailbox_post(&mailbox_, &messages_[i]); };
  }
  Call Take() {
    return [this] { Count(evnet_mailbox_take(&mailbox_)); };
  }
  Call Seal() {
    return [this] { Count(evnet_mailbox_seal(&mailbox_)); };
  }
  Call Sleep() {
    return [this] {
      sleeps_ = true;
      slept_ = evnet_mailbox_sleep(&mailbox_);
    };
  }
  Call SetUpEmpty() {
    return [this] { Reset(); };
  }

  void Count(evnet_message *first) {
    for (; first != nullptr; first = first->next) {
      taken_[first - messages_]++;
      evnet_mailbox_release(&mailbox_, first->bytes);
    }
  }

  // Returns how many posts requested a wake.
  int Wakes() const {
    int wakes = 0;
    for (int status : statuses_) wakes += status == 1;
    return wakes;
  }

  // Checks that one post wakes a sleeper that has a message, and that each accepted message is
  // there once.
  void Check() {
    EXPECT_LE(Wakes(), sleeps_ ? 1 : 0);
    bool needs_wake = slept_ && mailbox_.head != nullptr && !sealed_;
    EXPECT_GE(Wakes(), needs_wake ? 1 : 0);
    Count(evnet_mailbox_take(&mailbox_));
    for (int i = 0; i < kMessages; i++) {
      EXPECT_EQ(taken_[i], statuses_[i] >= 0) << "message " << i << ", status " << statuses_[i];
    }
    EXPECT_EQ(mailbox_.bytes, 0u);
  }
  Call Checks() {
    return [this] { Check(); };
  }

  void ExpectSound(std::vector<Call> calls, int combinations_min) {
    EXPECT_GE(Nesting(SetUpEmpty(), calls, Checks()).Run(), combinations_min);
  }

  evnet_mailbox mailbox_;
  evnet_message messages_[kMessages];
  int statuses_[kMessages];
  int taken_[kMessages];
  bool sleeps_, slept_;
  bool sealed_ = false;
};

TEST_F(MailboxSteps, SleepAndPostNeverMissEachOther) {
  ExpectSound({Sleep(), Post(0)}, 3);
  ExpectSound({Post(0), Sleep()}, 5);
  ExpectSound({Post(0), Sleep(), Post(1)}, 15);
  ExpectSound({Post(0), Post(1), Sleep()}, 25);
  ExpectSound({Sleep(), Post(0), Post(1)}, 15);
}

TEST_F(MailboxSteps, PostsToASleeperAskForOneWake) {
  auto setup = [this] {
    Reset();
    Sleep()();
    ASSERT_TRUE(slept_);
  };
  auto check = [this] {
    EXPECT_EQ(Wakes(), 1);
    Check();
  };
  EXPECT_GE(Nesting(setup, {Post(0), Post(1)}, check).Run(), 6);
  EXPECT_GE(Nesting(setup, {Post(0), Post(1), Post(2)}, check).Run(), 36);
}

TEST_F(MailboxSteps, TakeAndPostLoseNothing) {
  ExpectSound({Take(), Post(0)}, 2);
  ExpectSound({Post(0), Take()}, 5);
  ExpectSound({Post(0), Take(), Post(1)}, 10);
  ExpectSound({Post(0), Post(1), Take()}, 25);
  ExpectSound({Post(0), Post(1), Post(2)}, 25);
}

TEST_F(MailboxSteps, SealedMailboxHasTakenThePostOrRefusesItAndItsByteComesBack) {
  sealed_ = true;
  ExpectSound({Seal(), Post(0)}, 2);
  ExpectSound({Post(0), Seal()}, 5);
  ExpectSound({Post(0), Seal(), Post(1)}, 10);
  ExpectSound({Post(0), Post(1), Seal()}, 25);
  ExpectSound({Post(0), Sleep(), Post(1), Seal()}, 50);
}

TEST_F(MailboxSteps, BoundHoldsAndRefusesOnlyWhatDoesNotFit) {
  auto setup = [this] { Reset(1); };
  auto check = [this] {
    EXPECT_LE(mailbox_.bytes, 1u);
    EXPECT_EQ((statuses_[0] == 0) + (statuses_[1] == 0), 1);
    EXPECT_EQ((statuses_[0] == -ENOBUFS) + (statuses_[1] == -ENOBUFS), 1);
    Check();
  };
  EXPECT_GE(Nesting(setup, {Post(0), Post(1)}, check).Run(), 3);
}

// The head is the same message as before, but the messages below it differ. A push must not depend
// on them.
TEST_F(MailboxSteps, PostSurvivesThatTheHeadIsTakenAndPostedAgain) {
  auto setup = [this] {
    Reset();
    Post(1)();
    Post(2)();
  };
  auto swap = [this] {
    Take()();
    taken_[2] = 0;
    Post(2)();
  };
  EXPECT_GE(Nesting(setup, {Post(0), swap}, Checks()).Run(), 5);
}

}  // namespace
