// The cost of posting to a reactor from another thread, without the system call of the wake.
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "net/reactor/mailbox.h"

namespace {

constexpr size_t kMessageBytes = 64;

// Posts and takes `range(0)` messages on one thread, which measures the instructions alone.
void PostThenTake(benchmark::State &state) {
  evnet_mailbox mailbox;
  evnet_mailbox_init(&mailbox, 64 << 20);
  std::vector<evnet_message> messages(static_cast<size_t>(state.range(0)));
  for (evnet_message &message : messages) message = {nullptr, nullptr, kMessageBytes};
  for (auto _ : state) {
    for (evnet_message &message : messages) {
      benchmark::DoNotOptimize(evnet_mailbox_post(&mailbox, &message));
    }
    benchmark::DoNotOptimize(evnet_mailbox_take(&mailbox));
    evnet_mailbox_release(&mailbox, kMessageBytes * messages.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PostThenTake)->Arg(1)->Arg(64);

// The cost of a turn in which no message was posted.
void TakeNothingAndSleep(benchmark::State &state) {
  evnet_mailbox mailbox;
  evnet_mailbox_init(&mailbox, 0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(evnet_mailbox_take(&mailbox));
    benchmark::DoNotOptimize(evnet_mailbox_sleep(&mailbox));
    evnet_mailbox_awake(&mailbox);
  }
}
BENCHMARK(TakeNothingAndSleep);

// A mailbox and a thread that empties it while the object exists.
class Reactor {
 public:
  Reactor() : thread_([this] { Run(); }) {}
  ~Reactor() {
    __atomic_store_n(&stop_, true, __ATOMIC_RELAXED);
    thread_.join();
  }
  evnet_mailbox *mailbox() { return &mailbox_; }

 private:
  struct Initialised : evnet_mailbox {
    Initialised() { evnet_mailbox_init(this, 64 << 20); }
  };

  void Run() {
    while (!__atomic_load_n(&stop_, __ATOMIC_RELAXED)) {
      evnet_message *message = evnet_mailbox_take(&mailbox_);
      if (message == nullptr) std::this_thread::yield();
      while (message != nullptr) {
        evnet_message *next = message->next;
        message->run(message, &mailbox_);
        message = next;
      }
    }
  }

  Initialised mailbox_;
  bool stop_ = false;
  std::thread thread_;
};

struct Letter : evnet_message {
  bool back;  // atomic: the reactor has handled it
};

void Return(evnet_message *message, void *context) {
  evnet_mailbox_release(static_cast<evnet_mailbox *>(context), message->bytes);
  __atomic_store_n(&static_cast<Letter *>(message)->back, true, __ATOMIC_RELEASE);
}

// Several threads post to one reactor that takes messages. Each thread has up to 256 messages
// pending.
void PostWhileTaking(benchmark::State &state) {
  static Reactor *reactor;
  if (state.thread_index() == 0) reactor = new Reactor;
  std::vector<Letter> letters(256);
  for (Letter &letter : letters) {
    letter.run = Return;
    letter.bytes = kMessageBytes;
    letter.back = true;
  }
  auto await = [](Letter &letter) {
    while (!__atomic_load_n(&letter.back, __ATOMIC_ACQUIRE)) std::this_thread::yield();
  };
  size_t turn = 0;
  for (auto _ : state) {  // all threads start and end the loop together
    Letter &letter = letters[turn++ % letters.size()];
    await(letter);
    letter.back = false;
    benchmark::DoNotOptimize(evnet_mailbox_post(reactor->mailbox(), &letter));
  }
  for (Letter &letter : letters) await(letter);
  state.SetItemsProcessed(state.iterations());
  static int finished;
  __atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
  if (state.thread_index() != 0) return;
  while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) != state.threads()) std::this_thread::yield();
  finished = 0;
  delete reactor;
}
BENCHMARK(PostWhileTaking)->ThreadRange(1, 4)->Threads(3)->UseRealTime();

}  // namespace
