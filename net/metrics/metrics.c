#include "net/metrics/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "net/base/assert.h"

// Room for any number as text.
enum { NUMBER_BYTES = 32 };

// Whole lines

// A line is written piece by piece and then kept or, if it did not fit, dropped. After a line that
// did not fit nothing more is written, because a gap would be silent.
static void put(struct evnet_metrics *metrics, const char *text, size_t size) {
  if (metrics->full) return;
  // The last byte is for the 0 byte.
  if (size > metrics->size - 1 - metrics->used) {
    metrics->full = true;
    return;
  }
  memcpy(metrics->text + metrics->used, text, size);
  metrics->used += size;
}

static void put_text(struct evnet_metrics *metrics, const char *text) {
  put(metrics, text, strlen(text));
}

static void end_line(struct evnet_metrics *metrics, size_t begin) {
  put(metrics, "\n", 1);
  if (metrics->full) metrics->used = begin;
}

// Text from outside

static bool continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Returns the size of the UTF-8 character at `text`, which ends with a 0 byte; 0 if there is none
// (RFC 3629 section 4).
static size_t utf8_size(const uint8_t *text) {
  const uint8_t first = text[0];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !continues(text[1])) return 0;
  if (first < 0xe0) return 2;
  // Overlong forms, surrogates, and code points above U+10FFFF.
  if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
      (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f) ||
      !continues(text[2])) {
    return 0;
  }
  if (first < 0xf0) return 3;
  return continues(text[3]) ? 4 : 0;
}

// Puts text of one line. A backslash, a line feed and, in a label, a quotation mark are escaped.
static void put_escaped(struct evnet_metrics *metrics, const char *text, bool in_label) {
  while (*text != '\0' && !metrics->full) {
    const size_t size = utf8_size((const uint8_t *)text);
    if (size == 0) {
      put_text(metrics, "\xef\xbf\xbd");  // U+FFFD
    } else if (*text == '\n') {
      put_text(metrics, "\\n");
    } else {
      if (*text == '\\' || (in_label && *text == '"')) put_text(metrics, "\\");
      put(metrics, text, size);
    }
    text += size == 0 ? 1 : size;
  }
}

// Names

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *name, bool of_metric) {
  for (const char *c = name; *c != '\0'; c++) {
    const bool digit = *c >= '0' && *c <= '9';
    if (!is_letter(*c) && !(of_metric && *c == ':') && !(digit && c > name)) return false;
  }
  return *name != '\0';
}

// Samples

static const char *number_text(double value, char text[NUMBER_BYTES]) {
  if (isnan(value)) return "NaN";
  if (isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  snprintf(text, NUMBER_BYTES, "%.17g", value);
  // The decimal point is the locale's.
  for (char *c = text; *c != '\0'; c++) {
    if ((*c < '0' || *c > '9') && *c != '-' && *c != '+' && *c != 'e') *c = '.';
  }
  return text;
}

static void put_label(struct evnet_metrics *metrics, bool first, const char *name,
                      const char *value) {
  put_text(metrics, first ? "{" : ",");
  put_text(metrics, name);
  put_text(metrics, "=\"");
  put_escaped(metrics, value, true);
  put_text(metrics, "\"");
}

// Writes one line. `bound` is the value of the label le, or NULL.
static void sample(struct evnet_metrics *metrics, const char *suffix,
                   const struct evnet_metric_label *labels, size_t count, const char *bound,
                   const char *value) {
  const size_t begin = metrics->used;
  EVNET_ASSERT(metrics->name != NULL);  // a family comes first
  put_text(metrics, metrics->name);
  put_text(metrics, suffix);
  for (size_t i = 0; i < count; i++) {
    EVNET_ASSERT(is_name(labels[i].name, false));
    put_label(metrics, i == 0, labels[i].name, labels[i].value);
  }
  if (bound != NULL) put_label(metrics, count == 0, "le", bound);
  put_text(metrics, count > 0 || bound != NULL ? "} " : " ");
  put_text(metrics, value);
  end_line(metrics, begin);
}

void evnet_metrics_begin(struct evnet_metrics *metrics, char *text, size_t size) {
  EVNET_ASSERT(size > 0);
  *metrics = (struct evnet_metrics){.text = text, .size = size};
}

void evnet_metrics_family(struct evnet_metrics *metrics, const char *name,
                          enum evnet_metric_type type, const char *help) {
  static const char *const types[] = {
      [EVNET_METRIC_COUNTER] = "counter",
      [EVNET_METRIC_GAUGE] = "gauge",
      [EVNET_METRIC_HISTOGRAM] = "histogram",
  };
  EVNET_ASSERT(is_name(name, true));
  metrics->name = name;
  metrics->type = type;
  size_t begin = metrics->used;
  if (help != NULL) {
    put_text(metrics, "# HELP ");
    put_text(metrics, name);
    put_text(metrics, " ");
    put_escaped(metrics, help, false);
    end_line(metrics, begin);
  }
  begin = metrics->used;
  put_text(metrics, "# TYPE ");
  put_text(metrics, name);
  put_text(metrics, " ");
  put_text(metrics, types[type]);
  end_line(metrics, begin);
}

static void count_sample(struct evnet_metrics *metrics, const char *suffix,
                         const struct evnet_metric_label *labels, size_t count, const char *bound,
                         uint64_t value) {
  char text[NUMBER_BYTES];
  snprintf(text, sizeof text, "%" PRIu64, value);
  sample(metrics, suffix, labels, count, bound, text);
}

void evnet_metrics_count(struct evnet_metrics *metrics, const struct evnet_metric_label *labels,
                         size_t count, uint64_t value) {
  EVNET_ASSERT(metrics->type != EVNET_METRIC_HISTOGRAM);
  count_sample(metrics, "", labels, count, NULL, value);
}

void evnet_metrics_value(struct evnet_metrics *metrics, const struct evnet_metric_label *labels,
                         size_t count, double value) {
  char text[NUMBER_BYTES];
  EVNET_ASSERT(metrics->type != EVNET_METRIC_HISTOGRAM);
  sample(metrics, "", labels, count, NULL, number_text(value, text));
}

void evnet_metrics_histogram(struct evnet_metrics *metrics, const struct evnet_metric_label *labels,
                             size_t count, const double *bounds, const uint64_t *counts,
                             size_t buckets, double sum) {
  char text[NUMBER_BYTES];
  uint64_t total = 0;
  EVNET_ASSERT(metrics->type == EVNET_METRIC_HISTOGRAM);
  for (size_t i = 0; i <= buckets; i++) {
    total += counts[i];
    const char *bound = i < buckets ? number_text(bounds[i], text) : "+Inf";
    count_sample(metrics, "_bucket", labels, count, bound, total);
  }
  sample(metrics, "_sum", labels, count, NULL, number_text(sum, text));
  count_sample(metrics, "_count", labels, count, NULL, total);
}

ssize_t evnet_metrics_end(struct evnet_metrics *metrics) {
  metrics->text[metrics->used] = '\0';
  return metrics->full ? -ENOBUFS : (ssize_t)metrics->used;
}
