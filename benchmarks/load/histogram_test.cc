#include "benchmarks/load/histogram.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace {

TEST(Histogram, AnEmptyOneAnswersZero) {
  auto histogram = std::make_unique<struct histogram>();
  EXPECT_EQ(histogram_quantile(histogram.get(), 0.5), 0u);
}

TEST(Histogram, TheLargestValueHasABucket) {
  auto histogram = std::make_unique<struct histogram>();
  histogram_add(histogram.get(), UINT64_MAX);
  histogram_add(histogram.get(), 0);
  EXPECT_EQ(histogram_quantile(histogram.get(), 0.0), 0u);
  EXPECT_EQ(histogram_quantile(histogram.get(), 1.0), UINT64_MAX);
}

TEST(Histogram, SmallValuesAreExact) {
  for (uint64_t value = 0; value < 128; value++) {
    auto histogram = std::make_unique<struct histogram>();
    histogram_add(histogram.get(), value);
    histogram_add(histogram.get(), UINT64_MAX);  // otherwise the maximum would limit the result
    EXPECT_EQ(histogram_quantile(histogram.get(), 0.0), value);
  }
}

TEST(Histogram, QuantilesAreTheSortedValuesToOneIn64) {
  auto histogram = std::make_unique<struct histogram>();
  std::mt19937_64 random(1);
  std::vector<uint64_t> values;
  for (int i = 0; i < 100000; i++) {
    uint64_t value = random() >> (random() % 64);
    values.push_back(value);
    histogram_add(histogram.get(), value);
  }
  std::sort(values.begin(), values.end());
  for (double part : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999}) {
    uint64_t exact = values[static_cast<size_t>(part * static_cast<double>(values.size()))];
    uint64_t answer = histogram_quantile(histogram.get(), part);
    EXPECT_GE(answer, exact) << part;
    EXPECT_LE(answer - exact, exact / 64) << part;
  }
}

}  // namespace
