// A writer of Prometheus's text format, version 0.0.4, for a program that exports its counters.
//
//   char text[4096];
//   struct evnet_metrics metrics;
//   evnet_metrics_begin(&metrics, text, sizeof text);
//   evnet_metrics_family(&metrics, "http_requests_total", EVNET_METRIC_COUNTER, "Requests.");
//   evnet_metrics_count(&metrics, (struct evnet_metric_label[]){{"code", "200"}}, 1, requests);
//   ssize_t size = evnet_metrics_end(&metrics);
//
// The writer never writes beyond its buffer and allocates nothing. The caller writes the families
// in any order, but all samples of a family directly after it, each with different labels.
//
// Names of metrics match [a-zA-Z_:][a-zA-Z0-9_:]*, names of labels [a-zA-Z_][a-zA-Z0-9_]*; the
// program chooses both, so other names are a fault of the program (asserted). Values of labels may
// come from outside: the writer escapes them, and replaces bytes that are not UTF-8 by U+FFFD.
#ifndef EVNET_NET_METRICS_METRICS_H_
#define EVNET_NET_METRICS_METRICS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The Content-Type of the text.
#define EVNET_METRICS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

// The types of the text format.
enum evnet_metric_type {
  EVNET_METRIC_COUNTER,    // only grows, from 0; by convention its name ends with _total
  EVNET_METRIC_GAUGE,      // grows and shrinks
  EVNET_METRIC_HISTOGRAM,  // evnet_metrics_histogram writes its samples
};

// A label of a sample.
struct evnet_metric_label {
  const char *name;   // letters, digits and underscores
  const char *value;  // any text; ends with a 0 byte
};

// A text that is being written. Only the functions below use the fields.
struct evnet_metrics {
  char *text;                   // of evnet_metrics_begin
  size_t size;                  // of text
  size_t used;                  // of text, without the 0 byte
  bool full;                    // something did not fit
  const char *name;             // of the current family
  enum evnet_metric_type type;  // of the current family
};

// evnet_metrics_begin starts a text.
//
//   text  `size` bytes, size above 0; borrowed until evnet_metrics_end.
//
// Thread:  any, as for all functions here; one at a time for each text.
EVNET_API void evnet_metrics_begin(struct evnet_metrics *metrics, char *text, size_t size);

// evnet_metrics_family starts a metric. Its samples follow.
//
//   name  borrowed until the next family.
//   help  a description; NULL: none.
EVNET_API void evnet_metrics_family(struct evnet_metrics *metrics, const char *name,
                                    enum evnet_metric_type type, const char *help);

// evnet_metrics_count adds a sample of the current family, a counter or a gauge.
//
//   labels  `count` labels; NULL if count is 0.
EVNET_API void evnet_metrics_count(struct evnet_metrics *metrics,
                                   const struct evnet_metric_label *labels, size_t count,
                                   uint64_t value);

// evnet_metrics_value is evnet_metrics_count of a real number, which may be infinite or NaN.
EVNET_API void evnet_metrics_value(struct evnet_metrics *metrics,
                                   const struct evnet_metric_label *labels, size_t count,
                                   double value);

// evnet_metrics_histogram adds all samples of a histogram with these labels.
//
//   bounds   the inclusive upper bounds of `buckets` buckets, in ascending order. One more bucket,
//            without a bound, follows.
//   counts   `buckets` + 1 numbers of observations, each of one bucket alone.
//   sum      of all observations.
EVNET_API void evnet_metrics_histogram(struct evnet_metrics *metrics,
                                       const struct evnet_metric_label *labels, size_t count,
                                       const double *bounds, const uint64_t *counts, size_t buckets,
                                       double sum);

// evnet_metrics_end ends the text with a 0 byte.
//
// Returns: the size of the text, without the 0 byte.
// Errors:  -ENOBUFS if the text did not fit. The buffer then has the lines that fit.
EVNET_API ssize_t evnet_metrics_end(struct evnet_metrics *metrics);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_METRICS_METRICS_H_
