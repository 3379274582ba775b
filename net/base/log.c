#include "net/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static const char *level_name(enum evnet_log_level level) {
  switch (level) {
    case EVNET_LOG_ERROR:
      return "error";
    case EVNET_LOG_WARNING:
      return "warning";
    case EVNET_LOG_INFO:
      return "info";
    case EVNET_LOG_DEBUG:
      return "debug";
  }
  return "?";
}

void evnet_log_stderr(enum evnet_log_level level, const char *message, void *user) {
  (void)user;
  char line[EVNET_LOG_BYTES_MAX + 32];  // 32: room for the longest prefix and the line feed
  const int length = snprintf(line, sizeof line, "evnet: %s: %s", level_name(level), message);
  const size_t size_max = sizeof line - 1;
  const size_t size = (size_t)length < size_max ? (size_t)length : size_max;
  line[size] = '\n';
  // One write(2), so that lines of several threads do not mix. A failed write is not retried.
  ssize_t written = write(STDERR_FILENO, line, size + 1);
  (void)written;
}

// Replaces control characters. evnet_text_escape has already replaced those of external text; this
// covers callers that forgot it.
static void replace_controls(char *message) {
  for (char *c = message; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
  }
}

void evnet_log(const struct evnet_logger *logger, enum evnet_log_level level, const char *format,
               ...) {
  if (!evnet_log_wants(logger, level)) return;
  const int saved_errno = errno;
  char message[EVNET_LOG_BYTES_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (length >= 0) {
    replace_controls(message);
    logger->log(level, message, logger->user);
  }
  errno = saved_errno;
}

uint64_t evnet_log_limit_pass(struct evnet_log_limit *limit, uint64_t now_ms) {
  (void)__atomic_add_fetch(&limit->untold, 1, __ATOMIC_RELAXED);
  uint64_t next_ms = __atomic_load_n(&limit->next_ms, __ATOMIC_RELAXED);
  if (now_ms < next_ms) return 0;
  // If several threads get here simultaneously, one of them logs the line.
  const bool mine =
      __atomic_compare_exchange_n(&limit->next_ms, &next_ms, now_ms + EVNET_LOG_LIMIT_MS, false,
                                  __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return mine ? __atomic_exchange_n(&limit->untold, 0, __ATOMIC_RELAXED) : 0;
}
