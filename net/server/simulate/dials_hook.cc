// The resolver of the option `resolve`: it looks the names of dials up with delays and failures,
// answers some lookups inside the call, some twice, and some after a cancel.
#include <errno.h>

#include <algorithm>

#include "net/server/simulate/dials.h"
#include "net/server/simulate/dials_record.h"

namespace evnet_simulation {

const evnet_resolver *Dials::MakeResolver() {
  resolver_.find_addresses = [](void *state, evnet_reactor *reactor, evnet_lookup_id id,
                                const evnet_host *host, void **out_query) {
    return static_cast<Hooked *>(state)->dials->LookUp(reactor, id, host->name, out_query);
  };
  resolver_.cancel = [](void *, void *query) {
    Lookup *const lookup = static_cast<Lookup *>(query);
    evnet_sim_note(lookup->dials->w_.sim, "lookup is cancelled", lookup->id.index, 0, 0);
    if (lookup->ended) evnet_sim_fail(lookup->dials->w_.sim, "a lookup is cancelled after its end");
    lookup->ended = true;
  };
  resolver_.begin = [](evnet_reactor *reactor, void *user, void **out_state) {
    Dials *const self = Self(user);
    if (self->w_.Chance(50)) return -EAGAIN;
    self->hooked_.push_back(std::make_unique<Hooked>(Hooked{self, reactor}));
    *out_state = self->hooked_.back().get();
    return 0;
  };
  resolver_.end = [](void *state) {
    const Hooked *const hooked = static_cast<Hooked *>(state);
    hooked->dials->EndLookups(hooked->reactor);
  };
  resolver_.user = this;
  return &resolver_;
}

int Dials::LookUp(evnet_reactor *reactor, evnet_lookup_id id, const char *name, void **out_query) {
  if (w_.Chance(30)) return -EAGAIN;
  lookups_.push_back(std::make_unique<Lookup>());
  Lookup *const lookup = lookups_.back().get();
  *lookup = {this, reactor, w_.current_reactor, id, name, w_.now(), false};
  *out_query = lookup;
  if (w_.Chance(100)) {
    AnswerLookup(lookup);
  } else {
    lookup->due_ns += evnet_sim_random(w_.sim) % (w_.Chance(300) ? 2000 * kNsPerMs : kNsPerMs);
  }
  return 0;
}

void Dials::AnswerLookup(Lookup *lookup) {
  evnet_address found[EVNET_RESOLVER_ADDRESSES_MAX];
  const int count = Resolve(lookup->name, found, EVNET_RESOLVER_ADDRESSES_MAX);
  const int status = evnet_lookup_answer(lookup->reactor, lookup->id, count < 0 ? count : 0, found,
                                         count < 0 ? 0 : static_cast<size_t>(count));
  evnet_sim_note(w_.sim, "lookup is answered", lookup->id.index, lookup->reactor_index, status);
  if (status != (lookup->ended ? -ESTALE : 0))
    evnet_sim_fail(w_.sim, "an answer to a lookup that has %s returns %s",
                   lookup->ended ? "ended" : "not ended", evnet_status_name(status));
  w_.mail[lookup->reactor_index] = true;
  lookup->ended = true;
  // Answer a second time later, which must find nothing.
  lookup->due_ns = w_.Chance(200) ? w_.now() + 10 * kNsPerMs : UINT64_MAX;
}

uint64_t Dials::NextLookupNs() const {
  uint64_t next = UINT64_MAX;
  for (const auto &each : lookups_) next = std::min(next, each->due_ns);
  return next;
}

void Dials::StepLookups() {
  for (const auto &each : lookups_) {
    if (each->due_ns <= w_.now()) AnswerLookup(each.get());
  }
}

// A reactor ends: it has cancelled its lookups, and no answer may be given any more.
void Dials::EndLookups(const evnet_reactor *reactor) {
  for (const auto &each : lookups_) {
    if (each->reactor != reactor) continue;
    if (!each->ended)
      evnet_sim_fail(w_.sim, "a reactor ends before its lookup of %s", each->name.c_str());
    each->due_ns = UINT64_MAX;
  }
}

void Dials::TheEndOfLookups() const {
  for (const auto &each : lookups_) {
    if (!each->ended) evnet_sim_fail(w_.sim, "the lookup of %s never ends", each->name.c_str());
  }
}

}  // namespace evnet_simulation
