// The events of a simulated world, and its first failure.
#include <inttypes.h>
#include <stdarg.h>

#include "net/poller/testing/sim_state.h"

static void print(const struct sim_event *event, FILE *out) {
  (void)fprintf(out,
                "%12" PRIu64 ".%06" PRIu64 " ms  %-18s %8" PRId64 " %8" PRId64 " %8" PRId64 "\n",
                event->at_ns / 1000000, event->at_ns % 1000000, event->what, event->values[0],
                event->values[1], event->values[2]);
}

static void mix(struct evnet_sim *sim, uint64_t value) {
  sim->trace_hash = (sim->trace_hash ^ value) * 0x100000001b3u;
  sim->trace_hash ^= sim->trace_hash >> 29;
}

void evnet_sim_note(struct evnet_sim *sim, const char *what, int64_t a, int64_t b, int64_t c) {
  struct sim_event *event = &sim->events[sim->event_count++ % SIM_TRACE_EVENTS];
  *event = (struct sim_event){.at_ns = sim->now_ns, .what = what, .values = {a, b, c}};
  // Hashes the text, not its address, because the address differs between runs.
  for (const char *at = what; *at != '\0'; at++) mix(sim, (uint8_t)*at);
  mix(sim, event->at_ns);
  for (int i = 0; i < 3; i++) mix(sim, (uint64_t)event->values[i]);
  if (sim->options.trace != NULL) print(event, sim->options.trace);
}

uint64_t evnet_sim_trace_hash(const struct evnet_sim *sim) { return sim->trace_hash; }

void evnet_sim_print_trace(const struct evnet_sim *sim, FILE *out) {
  uint64_t first = sim->event_count > SIM_TRACE_EVENTS ? sim->event_count - SIM_TRACE_EVENTS : 0;
  if (first > 0) (void)fprintf(out, "(%" PRIu64 " events before these)\n", first);
  for (uint64_t i = first; i < sim->event_count; i++)
    print(&sim->events[i % SIM_TRACE_EVENTS], out);
}

void evnet_sim_fail(struct evnet_sim *sim, const char *format, ...) {
  if (sim->failure[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(sim->failure, sizeof sim->failure, format, arguments);
  va_end(arguments);
  evnet_sim_note(sim, "BROKEN", 0, 0, 0);
}

const char *evnet_sim_failure(const struct evnet_sim *sim) {
  return sim->failure[0] != '\0' ? sim->failure : NULL;
}
