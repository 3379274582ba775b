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
  char line[EVNET_LOG_BYTES_MAX + 32];  // 32 hold the longest prefix and the line feed
  const int length = snprintf(line, sizeof line, "evnet: %s: %s", level_name(level), message);
  const size_t size_max = sizeof line - 1;
  const size_t size = (size_t)length < size_max ? (size_t)length : size_max;
  line[size] = '\n';
  // One write, so that lines of several threads do not mix; a lost log line is not worth a retry.
  ssize_t written = write(STDERR_FILENO, line, size + 1);
  (void)written;
}

void evnet_log(const struct evnet_logger *logger, enum evnet_log_level level, const char *format,
               ...) {
  if (logger == NULL || logger->log == NULL) return;
  if (level > (logger->level != 0 ? logger->level : EVNET_LOG_WARNING)) return;
  const int saved_errno = errno;
  char message[EVNET_LOG_BYTES_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (length >= 0) logger->log(level, message, logger->user);
  errno = saved_errno;
}

uint64_t evnet_log_limit_pass(struct evnet_log_limit *limit, uint64_t now_ms) {
  limit->untold++;
  if (now_ms < limit->next_ms) return 0;
  const uint64_t told = limit->untold;
  limit->untold = 0;
  limit->next_ms = now_ms + EVNET_LOG_LIMIT_MS;
  return told;
}
