#include "net/server/simulate/simulation.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#include <algorithm>
#include <vector>

#include "net/server/internal/steps.h"
#include "net/server/simulate/changes.h"
#include "net/server/simulate/crowd.h"
#include "net/server/simulate/datagrams.h"
#include "net/server/simulate/dials.h"
#include "net/server/simulate/files.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/jobs.h"
#include "net/server/simulate/oracle.h"
#include "net/server/simulate/posters.h"
#include "net/server/simulate/rates.h"
#include "net/server/simulate/watches.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {
namespace {

constexpr uint64_t kStepsMax = 400000;
constexpr uint64_t kStopSlackNs = 200 * kNsPerMs;
constexpr uint32_t kVainTurnsMax = 32;
// The simulated kernel reports what was ready after at most four more waits. A reactor may still be
// counting such waits for an earlier deadline. Then one more turn begins a second count.
constexpr uint32_t kLateTurnsMax = 2 * 4 + 1;

// For the signal handler, which prints the trace of a crashed run.
World *world_under_way;

class Simulation {
 public:
  explicit Simulation(const Plan &plan)
      : w_(plan),
        oracle_(&w_),
        handler_(&w_, &oracle_),
        crowd_(&w_, &oracle_),
        datagrams_(&w_, &handler_),
        posters_(&w_, &oracle_, &handler_, &datagrams_),
        jobs_(&w_, &handler_, &posters_),
        dials_(&w_, handler_.faces()),
        changes_(&w_, handler_.faces()),
        rates_(&w_),
        watches_(&w_, &handler_) {
    handler_.set_rates(&rates_);
    handler_.set_dials(&dials_);
    handler_.set_jobs(&jobs_);
    handler_.set_posters(&posters_);
    handler_.set_datagrams(&datagrams_);
    w_.stop_noted = [this] { datagrams_.NoteOwed(); };
    world_under_way = &w_;
    (void)TheFile();
    descriptors_ = OpenDescriptors();
    start_ns_ = w_.now();
    stop_ns_ = start_ns_ + plan.stop_after_ns;
    next_post_ns_ = plan.posts_every_ns > 0 ? start_ns_ : UINT64_MAX;
    evnet_sim_set_meanwhile(
        w_.sim,
        [](void *user, uint32_t reactor, bool sleeps) {
          static_cast<Simulation *>(user)->Meanwhile(reactor, sleeps);
        },
        this);
  }
  ~Simulation() { world_under_way = nullptr; }

  Outcome Run() {
    if (Boot()) {
      Loop();
      if (!w_.broken()) evnet_server_finish(w_.server);
      if (!w_.broken()) CheckPostsAreRefused();
      if (!w_.broken()) CheckStats();
      if (!w_.broken()) datagrams_.Stats();
    }
    if (!w_.broken()) End();
    return Report();
  }

 private:
  bool Boot();
  void Loop();
  bool Step();
  void Turn(uint32_t reactor);
  bool IsStopOver(uint32_t reactor);
  void CheckSpin(uint32_t reactor);
  void AdvanceToNext();
  void Stop();
  void StrangerPosts();
  void CheckStop();
  void CheckPostsAreRefused();
  void CheckStats();
  void Meanwhile(uint32_t reactor, bool sleeps);
  void End();
  Outcome Report();

  World w_;
  Oracle oracle_;
  Handler handler_;
  Crowd crowd_;
  Datagrams datagrams_;
  Posters posters_;
  Jobs jobs_;
  Dials dials_;
  Changes changes_;
  Rates rates_;
  Watches watches_;
  uint64_t start_ns_;
  uint64_t stop_ns_;       // time of the stop; UINT64_MAX after it
  uint64_t next_post_ns_;  // time of a stranger's next post
  int descriptors_;        // open descriptors of the process before the run
  bool turning_ = false;   // a reactor's turn is running

  // A reactor's state after its last turn.
  struct Trail {
    uint64_t now_ns;
    uint64_t work;        // changes with every kind of progress
    uint32_t vain_turns;  // turns in a row without progress and without time passing
  };
  std::vector<Trail> trails_;
  std::vector<uint32_t> late_turns_;  // by reactor: turns begun after the deadline of the stop
};

bool Simulation::Boot() {
  evnet_options options = w_.plan.server;
  options.allocator = w_.memory.hook();
  options.resolve = dials_.resolver();
  if (w_.plan.balances) {
    options.balance = [](const uint64_t *, size_t, const evnet_address *, size_t, void *user) {
      return static_cast<size_t>(evnet_sim_random(static_cast<evnet_sim *>(user)));
    };
    options.balance_user = w_.sim;
  }
  Faces *faces = handler_.faces();
  const char *const address = "tcp4://127.0.0.1:0";
  std::vector<const char *> addresses(w_.plan.addresses, address);
  for (const char *udp : datagrams_.Addresses()) addresses.push_back(udp);
  std::vector<evnet_listen> listens(addresses.size());
  for (size_t i = 0; i < listens.size(); i++) {
    const uint32_t face = w_.plan.faces[i];
    listens[i].address = addresses[i];
    listens[i].user = faces->user(face);
    if (face > 0) listens[i].handler = faces->callbacks(face);
  }
  if (w_.plan.boot_may_fail) w_.memory.set_failures(w_.plan.allocation_failures);
  (void)jobs_.Boot();
  int status = evnet_server_create_with(faces->callbacks(0), faces->user(0), listens.data(),
                                        listens.size(), &options, &w_.server);
  if (status < 0) w_.server = nullptr;
  const auto reactors = static_cast<size_t>(options.reactors);
  w_.ended.resize(reactors);
  w_.sealed.resize(reactors);
  w_.mail.resize(reactors);
  const evnet_hash_key key = {{w_.plan.sim.seed, 0}};
  if (status == 0) evnet_server_set_hash_key(w_.server, &key);
  if (status == 0 && w_.plan.stops_before_boot) Stop();
  if (status == 0) status = evnet_server_boot(w_.server, evnet_sim_kernel(w_.sim));
  if (status < 0 && w_.memory.failed() == 0)
    evnet_sim_fail(w_.sim, "the server does not start: %s", evnet_status_name(status));
  if (status == 0 && !w_.booted) evnet_sim_fail(w_.sim, "there was no on_boot");
  if (status < 0) w_.booted = false;
  w_.memory.set_failures(w_.plan.allocation_failures);
  w_.booted_bytes = w_.memory.live_bytes();
  return status == 0;
}

void Simulation::Loop() {
  uint64_t steps = 0;
  while (!w_.broken() && std::count(w_.ended.begin(), w_.ended.end(), false) > 0) {
    if (!Step()) AdvanceToNext();
    // Time also passes while participants run.
    if (w_.Chance(50)) evnet_sim_advance(w_.sim, w_.now() + evnet_sim_random(w_.sim) % kNsPerMs);
    if (w_.Chance(w_.plan.standstills)) w_.StandStill();
    CheckStop();
    if (++steps == kStepsMax) evnet_sim_fail(w_.sim, "no end after %" PRIu64 " steps", steps);
  }
}

// Runs one randomly chosen runnable participant. Returns false if none is runnable.
bool Simulation::Step() {
  uint32_t able[EVNET_REACTORS_MAX + 11];
  uint32_t count = 0;
  const auto reactors = static_cast<uint32_t>(w_.ended.size());
  for (uint32_t i = 0; i < reactors; i++) {
    if (!w_.ended[i] && (w_.mail[i] || evnet_sim_is_runnable(w_.sim, i))) able[count++] = i;
  }
  const uint32_t others = reactors;
  if (crowd_.NextNs() <= w_.now()) able[count++] = others;
  if (handler_.NextLaterNs() <= w_.now()) able[count++] = others + 1;
  if (next_post_ns_ <= w_.now()) able[count++] = others + 2;
  if (stop_ns_ <= w_.now()) able[count++] = others + 3;
  if (datagrams_.NextNs() <= w_.now()) able[count++] = others + 4;
  if (datagrams_.NextLaterNs() <= w_.now()) able[count++] = others + 5;
  if (posters_.NextNs() <= w_.now()) able[count++] = others + 6;
  if (jobs_.NextNs() <= w_.now()) able[count++] = others + 7;
  if (dials_.NextNs() <= w_.now()) able[count++] = others + 8;
  if (changes_.NextNs() <= w_.now()) able[count++] = others + 9;
  if (watches_.NextNs() <= w_.now()) able[count++] = others + 10;
  if (count == 0) return false;
  const uint32_t who = able[w_.Below(count)];
  if (who < reactors) {
    Turn(who);
  } else if (who == others) {
    crowd_.Step();
  } else if (who == others + 1) {
    handler_.RunLater();
  } else if (who == others + 2) {
    StrangerPosts();
  } else if (who == others + 4) {
    datagrams_.Step();
  } else if (who == others + 5) {
    datagrams_.RunLater();
  } else if (who == others + 6) {
    posters_.Step();
  } else if (who == others + 7) {
    jobs_.Step();
  } else if (who == others + 8) {
    dials_.Step();
  } else if (who == others + 9) {
    changes_.Step();
  } else if (who == others + 10) {
    watches_.Step();
  } else {
    Stop();
  }
  return true;
}

// Returns whether a turn that begins now must not leave any connection open. A stop with drain 0 is
// over immediately. Any other stop first asks the kernel after the deadline, in several turns,
// until the kernel has nothing more to report.
bool Simulation::IsStopOver(uint32_t reactor) {
  if (w_.now() < w_.stop_by_ns) return false;
  if (!w_.stop_has_time) return true;
  if (w_.now() < w_.stop_by_ns + kRoundingNs) return false;
  late_turns_.resize(w_.ended.size());
  return ++late_turns_[reactor] > kLateTurnsMax;
}

void Simulation::Turn(uint32_t reactor) {
  w_.current_reactor = reactor;
  w_.mail[reactor] = false;
  const uint64_t callbacks = w_.callbacks;
  const bool stop_is_over = IsStopOver(reactor);
  evnet_sim_stats before;
  evnet_sim_stats_of(w_.sim, &before);
  const uint64_t ticks = w_.ticks;
  const bool tick_is_due = w_.tick_ns != UINT64_MAX && w_.now() >= w_.tick_ns + kRoundingNs;
  watches_.Turning(reactor);
  turning_ = true;
  const int status = evnet_server_turn(w_.server, reactor);
  turning_ = false;
  CheckSpin(reactor);
  evnet_sim_stats after;
  evnet_sim_stats_of(w_.sim, &after);
  w_.turns++;
  oracle_.Turned(reactor, stop_is_over);
  if (!w_.broken()) rates_.Turned(reactor);
  dials_.Turned(reactor, stop_is_over);
  handler_.faces()->Turned(reactor, dials_.OpenOn(reactor));
  if (reactor == 0 && w_.plan.ticks) oracle_.TickedInTurn(ticks, status > 0 && tick_is_due);
  if (status < 0) evnet_sim_fail(w_.sim, "a turn fails with %s", evnet_status_name(status));
  if (status > 0 && w_.sealed[reactor])
    evnet_sim_fail(w_.sim, "reactor %u refuses posts, but has not ended", reactor);
  if (status == 0) {
    w_.ended[reactor] = true;
    evnet_sim_note(w_.sim, "ended", reactor, 0, 0);
    if (!w_.stop_asked()) evnet_sim_fail(w_.sim, "reactor %u ends without a stop", reactor);
  }
  watches_.Turned(reactor);
  // The turn may have handed connections over, given places back, or passed a change of addresses
  // on. Each wakes other reactors.
  if (w_.changes > 0 || w_.callbacks != callbacks || after.accepts != before.accepts ||
      after.handles != before.handles || after.descriptors != before.descriptors) {
    for (size_t i = 0; i < w_.mail.size(); i++) w_.mail[i] = true;
  }
}

// Checks that a reactor without work sleeps.
void Simulation::CheckSpin(uint32_t reactor) {
  struct evnet_reactor_stats stats = {};
  if (evnet_server_get_reactor_stats(w_.server, reactor, &stats) < 0) return;
  evnet_sim_stats sim;
  evnet_sim_stats_of(w_.sim, &sim);
  const uint64_t work = w_.callbacks + w_.ticks + sim.accepts + sim.wakes + stats.bytes_sent +
                        stats.bytes_received + stats.datagrams_sent + stats.datagrams_received +
                        stats.connections_closed + stats.dials_failed - w_.tasks -
                        (uint64_t{sim.handles} << 32) - (uint64_t{sim.descriptors} << 48);
  trails_.resize(w_.ended.size());
  Trail &trail = trails_[reactor];
  const bool is_vain = trail.now_ns == w_.now() && trail.work == work;
  trail = {w_.now(), work, is_vain ? trail.vain_turns + 1 : 0};
  if (trail.vain_turns > kVainTurnsMax)
    evnet_sim_fail(w_.sim, "reactor %u runs %u turns without progress", reactor, trail.vain_turns);
}

void Simulation::AdvanceToNext() {
  oracle_.Idle();
  datagrams_.Idle();
  dials_.Idle();
  rates_.Idle();
  watches_.Idle();
  const uint64_t next =
      std::min({evnet_sim_next_ns(w_.sim), crowd_.NextNs(), handler_.NextLaterNs(), next_post_ns_,
                jobs_.NextNs(), dials_.NextNs(), posters_.NextNs(), datagrams_.NextNs(),
                datagrams_.NextLaterNs(), changes_.NextNs(), watches_.NextNs(), stop_ns_,
                w_.stop_asked() ? w_.stop_by_ns + 2 * kStopSlackNs : UINT64_MAX});
  if (next == UINT64_MAX) {
    evnet_sim_fail(w_.sim, "no event is pending, but the server has not stopped");
  } else {
    evnet_sim_advance(w_.sim, next);
  }
}

void Simulation::Stop() {
  stop_ns_ = UINT64_MAX;
  w_.NoteStop(w_.plan.drain_ms);
  evnet_sim_note(w_.sim, "stop", w_.plan.drain_ms, 0, 0);
  (void)evnet_server_stop(w_.server, w_.plan.drain_ms);
}

void Simulation::StrangerPosts() {
  handler_.PostNothing(w_.Below(static_cast<uint32_t>(w_.ended.size())));
  next_post_ns_ = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.posts_every_ns;
}

void Simulation::CheckStop() {
  if (!w_.stop_asked() || w_.now() <= w_.stop_by_ns + kStopSlackNs + w_.stood_still_ns) return;
  if (std::count(w_.ended.begin(), w_.ended.end(), false) > 0)
    evnet_sim_fail(w_.sim, "the stop does not end: its deadline was %" PRIu64 " ms ago",
                   (w_.now() - w_.stop_by_ns) / kNsPerMs);
}

void Simulation::CheckPostsAreRefused() {
  for (uint32_t i = 0; i < w_.ended.size(); i++) {
    const size_t tasks = w_.tasks;
    handler_.PostNothing(i);
    if (w_.tasks != tasks) evnet_sim_fail(w_.sim, "reactor %u has ended, but accepts posts", i);
  }
  posters_.CheckAllAreRefused();
}

void Simulation::CheckStats() {
  struct evnet_server_stats stats;
  evnet_server_get_stats(w_.server, &stats);
  oracle_.Stats(stats);
  dials_.Stats(stats, w_.conns.size());
}

// Posts while a turn runs, as another thread would. If the reactor sleeps, the first post has to
// wake it.
void Simulation::Meanwhile(uint32_t reactor, bool sleeps) {
  if (!turning_) return;
  if (w_.plan.posters > 0 && w_.Chance(sleeps ? 50 : 10)) {
    posters_.Post();
    return;
  }
  if (w_.plan.posts_every_ns == 0 || !w_.Chance(sleeps ? 100 : 10)) return;
  evnet_sim_stats before;
  evnet_sim_stats_of(w_.sim, &before);
  const size_t tasks = w_.tasks;
  handler_.PostNothing(reactor);
  evnet_sim_stats after;
  evnet_sim_stats_of(w_.sim, &after);
  if (sleeps && w_.tasks > tasks && after.wakes == before.wakes)
    evnet_sim_fail(w_.sim, "a post to reactor %u, which sleeps, does not wake it", reactor);
}

void Simulation::End() {
  jobs_.End();
  handler_.ReleaseTakenHolds();
  evnet_server_destroy(w_.server);
  w_.server = nullptr;
  // Bytes that are still in flight arrive, and the clients read them.
  crowd_.ReadAll();
  dials_.ReadAll();
  for (uint64_t next = evnet_sim_next_ns(w_.sim); next != UINT64_MAX && !w_.broken();
       next = evnet_sim_next_ns(w_.sim)) {
    evnet_sim_advance(w_.sim, next);
    crowd_.ReadAll();
    dials_.ReadAll();
  }
  watches_.TheEnd();
  datagrams_.TheEnd();
  if (!w_.broken()) posters_.TheEnd();
  if (!w_.broken()) dials_.TheEnd();
  if (!w_.broken()) changes_.TheEnd();
  if (!w_.broken()) oracle_.TheEnd();
  if (!w_.broken()) handler_.faces()->TheEnd();
  if (OpenDescriptors() != descriptors_)
    evnet_sim_fail(w_.sim, "descriptors of files are left open");
}

Outcome Simulation::Report() {
  Outcome outcome;
  const char *failure = evnet_sim_failure(w_.sim);
  outcome.trace_hash = evnet_sim_trace_hash(w_.sim);
  outcome.callbacks = w_.callbacks;
  outcome.connections = w_.conns.size();
  outcome.virtual_ms = (w_.now() - start_ns_) / kNsPerMs;
  if (failure == nullptr) return outcome;
  outcome.failure = failure;
  if (w_.plan.sim.trace == nullptr) evnet_sim_print_trace(w_.sim, stderr);
  (void)fprintf(stderr, "seed %" PRIu64 ": %s\n", w_.plan.sim.seed, failure);
  return outcome;
}

// Handles a failed assertion or a crash of the code under test. The function is not
// async-signal-safe, but the process has one thread and is about to die.
void ShowAndDie(int number) {
  (void)signal(number, SIG_DFL);
  if (world_under_way != nullptr) {
    evnet_sim_print_trace(world_under_way->sim, stderr);
    (void)fprintf(stderr, "seed %" PRIu64 ": dies of signal %d\n", world_under_way->plan.sim.seed,
                  number);
  }
  (void)raise(number);
}

}  // namespace

Outcome Simulate(uint64_t seed, FILE *trace) {
  (void)signal(SIGABRT, ShowAndDie);
  (void)signal(SIGSEGV, ShowAndDie);
  Plan plan = MakePlan(seed);
  plan.sim.trace = trace;
  Simulation simulation(plan);
  return simulation.Run();
}

}  // namespace evnet_simulation
