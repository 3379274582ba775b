// The report of a run: see report.h.

#include "benchmarks/load/report.h"

#include <stdio.h>

static double us(uint64_t ns) { return (double)ns / 1e3; }

static void print_json(const struct run *run) {
  const struct load_options *o = run->options;
  printf("{\"connections\": %u, \"payload_bytes\": %u, \"depth\": %u", o->connections,
         o->payload_bytes, o->depth);
  printf(
      ", \"requests\": %llu, \"window_ns\": %llu, \"server_cpu_ns\": %llu, \"load_cpu_ns\": %llu",
      (unsigned long long)run->requests, (unsigned long long)run->length_ns,
      (unsigned long long)run->server_cpu_ns, (unsigned long long)run->load_cpu_ns);
  printf(
      ", \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f",
      us(histogram_quantile(&run->latency, 0.50)), us(histogram_quantile(&run->latency, 0.90)),
      us(histogram_quantile(&run->latency, 0.99)), us(histogram_quantile(&run->latency, 0.999)),
      us(run->latency.max));
  printf(", \"lost\": %llu, \"late\": %llu, \"overdue\": %llu}\n", (unsigned long long)run->lost,
         (unsigned long long)run->late, (unsigned long long)run->overdue);
}

static void print_text(const struct run *run) {
  const struct load_options *o = run->options;
  const double seconds = (double)run->length_ns / 1e9;
  const double requests = run->requests > 0 ? (double)run->requests : 1.0;
  printf("%llu requests in %.3f s: %.0f requests/s, %u connections, %u bytes, depth %u\n",
         (unsigned long long)run->requests, seconds, (double)run->requests / seconds,
         o->connections, o->payload_bytes, o->mode == LOAD_CHURN ? 1 : o->depth);
  printf("latency, us: p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f\n",
         us(histogram_quantile(&run->latency, 0.50)), us(histogram_quantile(&run->latency, 0.99)),
         us(histogram_quantile(&run->latency, 0.999)), us(run->latency.max));
  printf("load: busy %.1f %%, %.3f us CPU a request\n", us(run->load_cpu_ns) / seconds / 1e4,
         us(run->load_cpu_ns) / requests);
  if (o->server_pid != 0) {
    printf("server: busy %.1f %%, %.3f us CPU a request\n", us(run->server_cpu_ns) / seconds / 1e4,
           us(run->server_cpu_ns) / requests);
  }
  if (o->address.kind == BENCH_ADDRESS_UDP) {
    printf("lost: %llu, late: %llu\n", (unsigned long long)run->lost,
           (unsigned long long)run->late);
  }
  if (o->rate != 0) {
    printf("rate: %.0f requests/s were due, %llu were not sent before the end\n", o->rate,
           (unsigned long long)run->overdue);
  }
}

void report_print(const struct run *run) {
  if (run->options->json) {
    print_json(run);
  } else {
    print_text(run);
  }
  fflush(stdout);
}
