#include "net/metrics/metrics.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

using Label = evnet_metric_label;

// A text in a buffer of a given size, with bytes after it that must not change.
class Text {
 public:
  explicit Text(size_t size = 4096) : buffer_(size + 8, '#') {
    evnet_metrics_begin(&metrics, buffer_.data(), size);
  }

  // Ends the text and returns it.
  std::string End(ssize_t *out_status = nullptr) {
    const ssize_t status = evnet_metrics_end(&metrics);
    if (out_status != nullptr) *out_status = status;
    EXPECT_EQ(std::string(buffer_.end() - 8, buffer_.end()), "########");
    const std::string text = buffer_.data();
    if (status >= 0) {
      EXPECT_EQ(static_cast<size_t>(status), text.size());
    }
    return text;
  }

  evnet_metrics metrics;

 private:
  std::vector<char> buffer_;
};

void WriteAll(evnet_metrics *metrics) {
  const std::vector<Label> labels = {{"code", "200"}, {"path", "a\\b\"c\nd"}};
  evnet_metrics_family(metrics, "requests_total", EVNET_METRIC_COUNTER, "All\nrequests \\ \"x\".");
  evnet_metrics_count(metrics, labels.data(), labels.size(), UINT64_MAX);
  evnet_metrics_count(metrics, nullptr, 0, 0);
  evnet_metrics_family(metrics, "load", EVNET_METRIC_GAUGE, "The load.");
  evnet_metrics_value(metrics, nullptr, 0, 0.25);
  evnet_metrics_family(metrics, "duration_seconds", EVNET_METRIC_HISTOGRAM, "Durations.");
  const double bounds[] = {0.5, 1};
  const uint64_t counts[] = {3, 0, 4};
  evnet_metrics_histogram(metrics, labels.data(), 1, bounds, counts, 2, 9.5);
}

const char kAll[] =
    "# HELP requests_total All\\nrequests \\\\ \"x\".\n"
    "# TYPE requests_total counter\n"
    "requests_total{code=\"200\",path=\"a\\\\b\\\"c\\nd\"} 18446744073709551615\n"
    "requests_total 0\n"
    "# HELP load The load.\n"
    "# TYPE load gauge\n"
    "load 0.25\n"
    "# HELP duration_seconds Durations.\n"
    "# TYPE duration_seconds histogram\n"
    "duration_seconds_bucket{code=\"200\",le=\"0.5\"} 3\n"
    "duration_seconds_bucket{code=\"200\",le=\"1\"} 3\n"
    "duration_seconds_bucket{code=\"200\",le=\"+Inf\"} 7\n"
    "duration_seconds_sum{code=\"200\"} 9.5\n"
    "duration_seconds_count{code=\"200\"} 7\n";

TEST(Metrics, FamiliesAndSamplesAreInTheTextFormat) {
  Text text;
  WriteAll(&text.metrics);
  EXPECT_EQ(text.End(), kAll);
}

TEST(Metrics, ABufferOfEverySizeHasTheLinesThatFit) {
  const std::string all = kAll;
  for (size_t size = 1; size <= all.size() + 1; size++) {
    Text text(size);
    WriteAll(&text.metrics);
    ssize_t status;
    const std::string part = text.End(&status);
    ASSERT_EQ(part, all.substr(0, part.size()));
    ASSERT_TRUE(part.empty() || part.back() == '\n');
    if (size == all.size() + 1) {
      EXPECT_EQ(part, all);
    } else {
      ASSERT_EQ(status, -ENOBUFS);
      const size_t next = all.find('\n', part.size());
      ASSERT_GE(next + 1, size) << "the next line would fit";
    }
  }
}

TEST(Metrics, SpecialNumbersHaveTheirNames) {
  Text text;
  evnet_metrics_family(&text.metrics, "a:b_1", EVNET_METRIC_GAUGE, nullptr);
  for (const double value : {NAN, static_cast<float>(INFINITY), -static_cast<float>(INFINITY)})
    evnet_metrics_value(&text.metrics, nullptr, 0, value);
  evnet_metrics_value(&text.metrics, nullptr, 0, -1e300);
  EXPECT_EQ(text.End(),
            "# TYPE a:b_1 gauge\na:b_1 NaN\na:b_1 +Inf\na:b_1 -Inf\n"
            "a:b_1 -1.0000000000000001e+300\n");
}

TEST(Metrics, BytesThatAreNotUtf8AreReplaced) {
  const struct {
    const char *value, *expected;
  } cases[] = {
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"a\xff", "a\xef\xbf\xbd"},
      {"\xc3", "\xef\xbf\xbd"},
      {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto &c : cases) {
    Text text;
    const Label label = {"l", c.value};
    evnet_metrics_family(&text.metrics, "m", EVNET_METRIC_GAUGE, nullptr);
    evnet_metrics_count(&text.metrics, &label, 1, 1);
    EXPECT_EQ(text.End(), std::string("# TYPE m gauge\nm{l=\"") + c.expected + "\"} 1\n");
  }
}

TEST(MetricsDeathTest, NamesThatPrometheusRejectsAreAsserted) {
  for (const char *name : {"", "1a", "a-b", "a b", "\xc3\xa4"}) {
    Text text;
    EXPECT_DEATH(evnet_metrics_family(&text.metrics, name, EVNET_METRIC_GAUGE, nullptr), "");
    const Label label = {name, "x"};
    evnet_metrics_family(&text.metrics, "m", EVNET_METRIC_GAUGE, nullptr);
    EXPECT_DEATH(evnet_metrics_count(&text.metrics, &label, 1, 1), "");
  }
}

TEST(Metrics, PromtoolIsSatisfied) {
  if (system("promtool --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool is not installed (Debian: prometheus)";
  Text text;
  const Label odd = {"path", "\"\\\n\xff{}"};
  evnet_metrics_family(&text.metrics, "requests_total", EVNET_METRIC_COUNTER, "Requests \\ \n.");
  evnet_metrics_count(&text.metrics, &odd, 1, 1);
  evnet_metrics_family(&text.metrics, "duration_seconds", EVNET_METRIC_HISTOGRAM, "Durations.");
  const double bounds[] = {0.1};
  const uint64_t counts[] = {1, 2};
  evnet_metrics_histogram(&text.metrics, nullptr, 0, bounds, counts, 1, 1e-9);
  FILE *pipe = popen("promtool check metrics", "w");
  fputs(text.End().c_str(), pipe);
  EXPECT_EQ(pclose(pipe), 0);
}

}  // namespace
}  // namespace evnet_testing
