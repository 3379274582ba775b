#include "net/reactor/mailbox.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"

namespace {

struct Note : evnet_message {
  explicit Note(size_t size = 0) : evnet_message{} { bytes = size; }
  int poster = 0;
  int number = 0;
};

struct Mailbox : evnet_mailbox {
  explicit Mailbox(size_t bound = 0) { evnet_mailbox_init(this, bound); }
  Mailbox(const Mailbox &) = delete;
  Mailbox &operator=(const Mailbox &) = delete;
};

std::vector<Note *> List(evnet_message *first) {
  std::vector<Note *> notes;
  for (; first != nullptr; first = first->next) notes.push_back(static_cast<Note *>(first));
  return notes;
}

std::vector<Note *> Pointers(std::vector<Note> &notes) {
  std::vector<Note *> pointers;
  for (Note &note : notes) pointers.push_back(&note);
  return pointers;
}

// Threads that start when the object is created and are joined when it is destroyed.
template <typename Function>
class Threads {
 public:
  Threads(int count, Function function) {
    for (int i = 0; i < count; i++) {
      threads_.emplace_back([this, function, i] {
        while (!__atomic_load_n(&go_, __ATOMIC_ACQUIRE)) std::this_thread::yield();
        function(i);
      });
    }
    __atomic_store_n(&go_, true, __ATOMIC_RELEASE);
  }
  ~Threads() { Join(); }
  void Join() {
    for (std::thread &thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  bool go_ = false;
  std::vector<std::thread> threads_;
};

// A reactor's wake: a wake that is remembered until the wait for it.
class Wake {
 public:
  Wake() : fd_(eventfd(0, EFD_CLOEXEC)) {}
  ~Wake() { close(fd_); }
  Wake(const Wake &) = delete;
  Wake &operator=(const Wake &) = delete;

  void Send() {
    uint64_t one = 1;
    ASSERT_EQ(write(fd_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }

  // Returns false if no wake comes within 30 s.
  bool Await() {
    pollfd event = {fd_, POLLIN, 0};
    if (poll(&event, 1, 30'000) != 1) return false;
    uint64_t count;
    return read(fd_, &count, sizeof(count)) == static_cast<ssize_t>(sizeof(count));
  }

 private:
  int fd_;
};

TEST(Mailbox, NewOneIsEmpty) {
  Mailbox mailbox;
  EXPECT_EQ(evnet_mailbox_take(&mailbox), nullptr);
  EXPECT_TRUE(evnet_mailbox_sleep(&mailbox));
}

TEST(Mailbox, TakeGivesAllInOrderOfPostingAndOnlyOnce) {
  Mailbox mailbox;
  std::vector<Note> notes(100);
  for (int round = 0; round < 3; round++) {
    for (Note &note : notes) ASSERT_EQ(evnet_mailbox_post(&mailbox, &note), 0);
    EXPECT_EQ(List(evnet_mailbox_take(&mailbox)), Pointers(notes));
    EXPECT_EQ(evnet_mailbox_take(&mailbox), nullptr);
  }
}

TEST(Mailbox, PostAsksForAWakeOncePerSleep) {
  Mailbox mailbox;
  std::vector<Note> notes(4);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &notes[0]), 0);
  evnet_mailbox_take(&mailbox);
  for (int round = 0; round < 3; round++) {
    ASSERT_TRUE(evnet_mailbox_sleep(&mailbox));
    EXPECT_EQ(evnet_mailbox_post(&mailbox, &notes[1]), 1);
    EXPECT_EQ(evnet_mailbox_post(&mailbox, &notes[2]), 0);
    evnet_mailbox_awake(&mailbox);
    EXPECT_EQ(evnet_mailbox_post(&mailbox, &notes[3]), 0);
    EXPECT_EQ(List(evnet_mailbox_take(&mailbox)).size(), 3u);
  }
}

TEST(Mailbox, PostAfterAwakeAsksForNoWake) {
  Mailbox mailbox;
  Note note;
  ASSERT_TRUE(evnet_mailbox_sleep(&mailbox));
  evnet_mailbox_awake(&mailbox);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &note), 0);
}

TEST(Mailbox, SleepIsRefusedWhileAMessageIsThere) {
  Mailbox mailbox;
  Note first, second;
  ASSERT_EQ(evnet_mailbox_post(&mailbox, &first), 0);
  EXPECT_FALSE(evnet_mailbox_sleep(&mailbox));
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &second), 0)
      << "a post after a refused sleep must not request a wake";
  evnet_mailbox_take(&mailbox);
  EXPECT_TRUE(evnet_mailbox_sleep(&mailbox));
}

TEST(Mailbox, BoundCountsBytesUntilTheyAreReleased) {
  Mailbox mailbox(100);
  Note sixty(60), forty(40), one(1), large(101), none(0);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &large), -ENOBUFS);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &sixty), 0);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &forty), 0);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &one), -ENOBUFS);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &none), 0);
  EXPECT_EQ(List(evnet_mailbox_take(&mailbox)), (std::vector<Note *>{&sixty, &forty, &none}));
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &one), -ENOBUFS)
      << "taking a message must not release its bytes";
  evnet_mailbox_release(&mailbox, 40);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &one), 0);
  evnet_mailbox_release(&mailbox, 60);
  evnet_mailbox_release(&mailbox, 0);
  EXPECT_EQ(mailbox.bytes, 1u);
}

TEST(Mailbox, WithoutABoundAnySizePassesAndTheSumDoesNotWrap) {
  Mailbox mailbox;
  Note small(1), huge(SIZE_MAX - 1), more(1);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &small), 0);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &huge), 0);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &more), -ENOBUFS);
  evnet_mailbox_release(&mailbox, SIZE_MAX - 1);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &more), 0);
}

TEST(Mailbox, SealGivesWhatIsThereAndRefusesWhatComes) {
  Mailbox mailbox(10);
  Note first(4), second(6), late(0), large(11);
  ASSERT_EQ(evnet_mailbox_post(&mailbox, &first), 0);
  ASSERT_EQ(evnet_mailbox_post(&mailbox, &second), 0);
  EXPECT_EQ(List(evnet_mailbox_seal(&mailbox)), (std::vector<Note *>{&first, &second}));
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &late), -ESHUTDOWN);
  EXPECT_EQ(evnet_mailbox_post(&mailbox, &large), -ESHUTDOWN)
      << "a full, sealed mailbox must return -ESHUTDOWN";
  EXPECT_EQ(mailbox.bytes, 10u);
}

TEST(Mailbox, SealedOneStaysSealedAndMaySleep) {
  Mailbox mailbox;
  Note note;
  EXPECT_EQ(evnet_mailbox_seal(&mailbox), nullptr);
  for (int round = 0; round < 2; round++) {
    EXPECT_EQ(evnet_mailbox_seal(&mailbox), nullptr);
    EXPECT_EQ(evnet_mailbox_take(&mailbox), nullptr);
    EXPECT_TRUE(evnet_mailbox_sleep(&mailbox));
    EXPECT_EQ(evnet_mailbox_post(&mailbox, &note), -ESHUTDOWN);
    evnet_mailbox_awake(&mailbox);
  }
}

TEST(MailboxDeathTest, ReleaseOfMoreThanWasPostedStopsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Mailbox mailbox;
  Note note(1);
  ASSERT_EQ(evnet_mailbox_post(&mailbox, &note), 0);
  EXPECT_DEATH(evnet_mailbox_release(&mailbox, 2), "used >= bytes");
}

// Follows the reactor's side of the protocol in mailbox.h until `count` messages have come.
class Taker {
 public:
  Taker(Mailbox *mailbox, Wake *wake, int posters)
      : mailbox_(mailbox), wake_(wake), next_(posters) {}

  // `function` gets the number of a poster's messages that were taken and may be posted again.
  void OnTaken(std::function<void(int poster, int count)> function) {
    on_taken_ = std::move(function);
  }

  void TakeUntil(int count) {
    while (taken_ < count) {
      evnet_message *first = evnet_mailbox_take(mailbox_);
      if (first == nullptr) sleeps_++;
      if (first == nullptr && evnet_mailbox_sleep(mailbox_)) {
        ASSERT_TRUE(wake_->Await()) << "lost a wake after " << taken_ << " messages";
        evnet_mailbox_awake(mailbox_);
      }
      for (Note *note : List(first)) {
        ASSERT_EQ(note->number, next_[static_cast<size_t>(note->poster)]++);
        evnet_mailbox_release(mailbox_, note->bytes);
        taken_++;
        if (on_taken_) on_taken_(note->poster, note->number + 1);
      }
    }
  }

  // Includes refused sleeps, because a post may have requested a wake before the refusal.
  int sleeps() const { return sleeps_; }

 private:
  Mailbox *mailbox_;
  Wake *wake_;
  std::vector<int> next_;
  std::function<void(int poster, int count)> on_taken_;
  int taken_ = 0;
  int sleeps_ = 0;
};

std::vector<std::vector<Note>> NotesOf(int posters, int each, size_t size) {
  std::vector<std::vector<Note>> notes(static_cast<size_t>(posters));
  for (int poster = 0; poster < posters; poster++) {
    for (int number = 0; number < each; number++) {
      Note note(size);
      note.poster = poster;
      note.number = number;
      notes[static_cast<size_t>(poster)].push_back(note);
    }
  }
  return notes;
}

TEST(Mailbox, MillionMessagesOfEightThreadsComeInEachThreadsOrder) {
  constexpr int kPosters = 8, kEach = 125'000;
  Mailbox mailbox;
  Wake wake;
  auto notes = NotesOf(kPosters, kEach, 1);
  Threads posters(kPosters, [&](int i) {
    for (Note &note : notes[static_cast<size_t>(i)]) {
      int status = evnet_mailbox_post(&mailbox, &note);
      ASSERT_GE(status, 0);
      if (status == 1) wake.Send();
    }
  });
  Taker taker(&mailbox, &wake, kPosters);
  taker.TakeUntil(kPosters * kEach);
  posters.Join();
  EXPECT_EQ(evnet_mailbox_take(&mailbox), nullptr);
  EXPECT_EQ(mailbox.bytes, 0u);
}

// Each message waits until the one before it is handled, so the reactor is always about to sleep.
// The long form posts a hundred million messages.
TEST(Mailbox, EightThreadsPostTheirMessagesAgainAndAgainInOrder) {
  constexpr int kPosters = 8, kRing = 1000;
  const int each = evnet_testing::LongOr(12'500'000, 50'000);
  // Never full, because each poster has at most kRing messages pending.
  Mailbox mailbox(kPosters * kRing);
  Wake wake;
  auto notes = NotesOf(kPosters, kRing, 1);
  struct alignas(64) Count {
    std::atomic<int> taken{0};
  };
  std::vector<Count> counts(kPosters);
  evnet_testing::Progress progress("mailbox", static_cast<uint64_t>(each) * kPosters, "posts");
  Threads posters(kPosters, [&](int i) {
    const auto poster = static_cast<size_t>(i);
    for (int number = 0; number < each; number++) {
      if (number % kRing == 0) progress.Add(kRing);
      while (number - counts[poster].taken.load(std::memory_order_acquire) >= kRing)
        std::this_thread::yield();
      Note &note = notes[poster][static_cast<size_t>(number % kRing)];
      note.number = number;
      const int status = evnet_mailbox_post(&mailbox, &note);
      ASSERT_GE(status, 0);
      if (status == 1) wake.Send();
    }
  });
  Taker taker(&mailbox, &wake, kPosters);
  taker.OnTaken([&](int poster, int count) {
    counts[static_cast<size_t>(poster)].taken.store(count, std::memory_order_release);
  });
  taker.TakeUntil(kPosters * each);
  posters.Join();
  EXPECT_EQ(evnet_mailbox_take(&mailbox), nullptr);
  EXPECT_EQ(mailbox.bytes, 0u);
}

TEST(Mailbox, NoWakeIsLostWhenEveryPostMeetsAReactorOnItsWayToSleep) {
  constexpr int kPosters = 2, kEach = 20'000;
  Mailbox mailbox(1);  // one message at a time
  Wake wake;
  int wakes = 0;
  auto notes = NotesOf(kPosters, kEach, 1);
  Threads posters(kPosters, [&](int i) {
    for (Note &note : notes[static_cast<size_t>(i)]) {
      int status;
      while ((status = evnet_mailbox_post(&mailbox, &note)) == -ENOBUFS) std::this_thread::yield();
      ASSERT_GE(status, 0);
      if (status == 0) continue;
      __atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
      wake.Send();
    }
  });
  Taker taker(&mailbox, &wake, kPosters);
  taker.TakeUntil(kPosters * kEach);
  posters.Join();
  EXPECT_LE(wakes, taker.sleeps());
}

TEST(Mailbox, OfManyPostsToASleeperExactlyOneAsksForAWake) {
  constexpr int kPosters = 4, kEach = 50;
  Mailbox mailbox;
  for (int round = 0; round < 100; round++) {
    auto notes = NotesOf(kPosters, kEach, 1);
    int wakes = 0;
    ASSERT_TRUE(evnet_mailbox_sleep(&mailbox));
    Threads posters(kPosters, [&](int i) {
      for (Note &note : notes[static_cast<size_t>(i)]) {
        int status = evnet_mailbox_post(&mailbox, &note);
        ASSERT_GE(status, 0);
        __atomic_fetch_add(&wakes, status, __ATOMIC_RELAXED);
      }
    });
    posters.Join();
    ASSERT_EQ(wakes, 1);
    evnet_mailbox_awake(&mailbox);
    ASSERT_EQ(List(evnet_mailbox_take(&mailbox)).size(), static_cast<size_t>(kPosters * kEach));
  }
}

TEST(Mailbox, BoundHoldsAgainstManyPosters) {
  constexpr int kPosters = 4, kEach = 20'000;
  constexpr size_t kBound = 10;
  Mailbox mailbox(kBound);
  auto notes = NotesOf(kPosters, kEach, 3);
  Threads posters(kPosters, [&](int i) {
    for (Note &note : notes[static_cast<size_t>(i)]) {
      int status;
      while ((status = evnet_mailbox_post(&mailbox, &note)) == -ENOBUFS) std::this_thread::yield();
      ASSERT_EQ(status, 0);
    }
  });
  std::vector<Note *> unreleased;
  for (int taken = 0; taken < kPosters * kEach;) {
    for (Note *note : List(evnet_mailbox_take(&mailbox))) {
      unreleased.push_back(note);
      taken++;
    }
    ASSERT_LE(unreleased.size() * 3, kBound);
    if (unreleased.empty()) std::this_thread::yield();
    evnet_mailbox_release(&mailbox, unreleased.size() * 3);
    unreleased.clear();
  }
  posters.Join();
  EXPECT_EQ(mailbox.bytes, 0u);
}

TEST(Mailbox, EveryPostAroundASealIsTakenOrRefused) {
  constexpr int kPosters = 4;
  for (int round = 0; round < 200; round++) {
    // Bounded, because on a busy machine the posters may run for long before the sealing thread
    // starts.
    Mailbox mailbox(1000);
    int accepted[kPosters] = {};
    std::vector<std::unique_ptr<Note>> kept[kPosters];
    Threads posters(kPosters, [&](int i) {
      for (;;) {
        auto note = std::make_unique<Note>(1);
        note->poster = i;
        note->number = accepted[i];
        int status = evnet_mailbox_post(&mailbox, note.get());
        if (status == -ENOBUFS) {
          std::this_thread::yield();
          continue;
        }
        if (status < 0) {
          ASSERT_EQ(status, -ESHUTDOWN);
          note->number = -1;  // the post was refused, so the note still belongs to this thread
          return;
        }
        kept[i].push_back(std::move(note));
        accepted[i]++;
      }
    });
    int taken[kPosters] = {};
    auto deal_with = [&](evnet_message *first) {
      for (Note *note : List(first)) {
        ASSERT_EQ(note->number, taken[note->poster]++);
        evnet_mailbox_release(&mailbox, note->bytes);
      }
    };
    for (int takes = 0; takes < round; takes++) deal_with(evnet_mailbox_take(&mailbox));
    deal_with(evnet_mailbox_seal(&mailbox));
    posters.Join();
    for (int i = 0; i < kPosters; i++) ASSERT_EQ(taken[i], accepted[i]);
    ASSERT_EQ(mailbox.bytes, 0u);
  }
}

}  // namespace
