#include <stdlib.h>

#include <vector>

#include "benchmark/benchmark.h"
#include "net/buffer/ring.h"

namespace {

void Append(evnet_ring *ring, const std::vector<char> &bytes) {
  if (evnet_ring_append(ring, bytes.data(), bytes.size()) != 0) abort();
}

void ReportBytes(benchmark::State &state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// The steady state of a connection whose handler leaves a part of each message unread: the ring is
// neither empty nor full, and its head moves round.
void BM_RingAppendDiscard(benchmark::State &state) {
  const std::vector<char> bytes(static_cast<size_t>(state.range(0)), 'x');
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, 0);
  Append(&ring, std::vector<char>(bytes.size() / 2 + 1, 'y'));
  for (auto _ : state) {
    Append(&ring, bytes);
    evnet_ring_discard(&ring, bytes.size());
    benchmark::DoNotOptimize(ring.data);
  }
  ReportBytes(state, bytes.size());
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingAppendDiscard)->Arg(16)->Arg(64)->Arg(512)->Arg(4096)->Arg(16384)->Arg(65536);

// All bytes are consumed each time, so the head returns to the start.
void BM_RingAppendDrain(benchmark::State &state) {
  const std::vector<char> bytes(static_cast<size_t>(state.range(0)), 'x');
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, 0);
  for (auto _ : state) {
    Append(&ring, bytes);
    evnet_ring_discard(&ring, ring.size);
    benchmark::DoNotOptimize(ring.data);
  }
  ReportBytes(state, bytes.size());
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingAppendDrain)->Arg(64)->Arg(4096)->Arg(65536);

// Each append and each read is split across the end.
void BM_RingAppendReadWrapped(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const std::vector<char> bytes(size, 'x');
  std::vector<char> out(size);
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, size);
  Append(&ring, bytes);
  evnet_ring_discard(&ring, size / 2);
  Append(&ring, std::vector<char>(size / 2, 'y'));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        evnet_ring_read(&ring, out.data(), size - 1));  // one byte stays, so the head moves round
    if (evnet_ring_append(&ring, bytes.data(), size - 1) != 0) abort();
    benchmark::DoNotOptimize(out.data());
  }
  ReportBytes(state, size);
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingAppendReadWrapped)->Arg(1024)->Arg(16384)->Arg(65536);

// A burst: the ring grows from no memory to the size by doubling, then is drained and trimmed.
void BM_RingGrowTrim(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const std::vector<char> bytes(1024, 'x');
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, 0);
  for (auto _ : state) {
    while (ring.size < size) Append(&ring, bytes);
    evnet_ring_discard(&ring, size - 100);
    evnet_ring_trim(&ring);
    evnet_ring_discard(&ring, 100);
    evnet_ring_trim(&ring);
  }
  ReportBytes(state, size);
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingGrowTrim)->Arg(1024)->Arg(16384)->Arg(262144);

void BM_RingPeekPair(benchmark::State &state) {
  const std::vector<char> bytes(1024, 'x');
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, 0);
  Append(&ring, bytes);
  if (state.range(0) != 0) {
    evnet_ring_discard(&ring, 512);
    Append(&ring, std::vector<char>(512, 'y'));
  }
  for (auto _ : state) {
    evnet_bytes spans[2];
    evnet_ring_peek_pair(&ring, spans);
    benchmark::DoNotOptimize(spans);
  }
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingPeekPair)->ArgName("wrapped")->Arg(0)->Arg(1);

// Linearizes a wrapped ring, and wraps it again.
void BM_RingLinearize(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const std::vector<char> half(size / 2, 'x');
  evnet_ring ring;
  evnet_ring_init(&ring, nullptr, size);
  Append(&ring, std::vector<char>(size, 'x'));
  for (auto _ : state) {
    evnet_ring_discard(&ring, size / 2);
    Append(&ring, half);
    void *retired;
    if (evnet_ring_linearize(&ring, &retired) != 0 || retired == nullptr) abort();
    evnet_block_release(ring.allocator, retired);
  }
  ReportBytes(state, size);
  evnet_ring_deinit(&ring);
}
BENCHMARK(BM_RingLinearize)->Arg(1024)->Arg(16384)->Arg(65536);

}  // namespace
