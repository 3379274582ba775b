#include <stdlib.h>

#include <vector>

#include "benchmark/benchmark.h"
#include "net/buffer/outbound.h"

namespace {

void Append(evnet_outbound *queue, const std::vector<char> &bytes) {
  const iovec piece = {const_cast<char *>(bytes.data()), bytes.size()};
  if (evnet_outbound_append(queue, &piece, 1, 0) != 0) abort();
}

void ReportBytes(benchmark::State &state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// One write that the kernel refused and then takes: the queue is allocated and freed each time.
void BM_OutboundAppendGatherConsume(benchmark::State &state) {
  const std::vector<char> bytes(static_cast<size_t>(state.range(0)), 'x');
  evnet_outbound queue;
  evnet_outbound_init(&queue, nullptr, 0);
  for (auto _ : state) {
    Append(&queue, bytes);
    iovec pieces[64];
    benchmark::DoNotOptimize(evnet_outbound_gather(&queue, pieces, 64));
    benchmark::DoNotOptimize(pieces);
    evnet_outbound_consume(&queue, queue.bytes);
  }
  ReportBytes(state, bytes.size());
}
BENCHMARK(BM_OutboundAppendGatherConsume)->Arg(64)->Arg(4096)->Arg(65536)->Arg(1048576);

// A slow reader: 256 KiB are queued, and each iteration adds as many bytes as it removes.
void BM_OutboundSteadyState(benchmark::State &state) {
  const std::vector<char> bytes(static_cast<size_t>(state.range(0)), 'x');
  evnet_outbound queue;
  evnet_outbound_init(&queue, nullptr, 0);
  Append(&queue, std::vector<char>(262144, 'y'));
  for (auto _ : state) {
    Append(&queue, bytes);
    iovec pieces[64];
    benchmark::DoNotOptimize(evnet_outbound_gather(&queue, pieces, 64));
    benchmark::DoNotOptimize(pieces);
    evnet_outbound_consume(&queue, bytes.size());
  }
  ReportBytes(state, bytes.size());
  evnet_outbound_deinit(&queue);
}
BENCHMARK(BM_OutboundSteadyState)->Arg(64)->Arg(1024)->Arg(16384)->Arg(65536);

// Many small writes fill the queue to the size; then all bytes are removed.
void BM_OutboundPileUp(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const std::vector<char> bytes(128, 'x');
  evnet_outbound queue;
  evnet_outbound_init(&queue, nullptr, 0);
  for (auto _ : state) {
    while (queue.bytes < size) Append(&queue, bytes);
    evnet_outbound_consume(&queue, queue.bytes);
  }
  ReportBytes(state, size);
}
BENCHMARK(BM_OutboundPileUp)->Arg(4096)->Arg(65536)->Arg(1048576);

}  // namespace
