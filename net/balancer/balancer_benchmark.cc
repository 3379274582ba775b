// The cost of choosing a reactor, which is paid once for each accepted connection.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "net/balancer/balancer.h"

namespace {

void Pick(benchmark::State &state, evnet_balancing balancing, size_t source_bytes) {
  evnet_balancer balancer = {balancing, 0, {{1, 2}}};
  std::vector<uint64_t> loads(static_cast<size_t>(state.range(0)));
  std::minstd_rand random;
  for (uint64_t &load : loads) load = random() % 100;
  std::vector<uint8_t> source(source_bytes);
  for (auto _ : state) {
    if (source_bytes != 0) source[source_bytes - 1]++;
    size_t pick = evnet_balancer_pick(&balancer, loads.data(), loads.size(),
                                      evnet_bytes{source.data(), source.size()});
    loads[pick]++;
  }
}
BENCHMARK_CAPTURE(Pick, RoundRobin, EVNET_ROUND_ROBIN, 0)->RangeMultiplier(4)->Range(1, 64);
BENCHMARK_CAPTURE(Pick, LeastConnections, EVNET_LEAST_CONNECTIONS, 0)
    ->RangeMultiplier(4)
    ->Range(1, 64);
BENCHMARK_CAPTURE(Pick, SourceHashIp4, EVNET_SOURCE_HASH, 4)->RangeMultiplier(4)->Range(1, 64);
BENCHMARK_CAPTURE(Pick, SourceHashIp6, EVNET_SOURCE_HASH, 16)->RangeMultiplier(4)->Range(1, 64);

}  // namespace
