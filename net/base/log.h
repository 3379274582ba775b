// The log: a callback with levels. evnet is silent unless one is set.
#ifndef EVNET_NET_BASE_LOG_H_
#define EVNET_NET_BASE_LOG_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum evnet_log_level {
  EVNET_LOG_ERROR = 1,  // a call was refused, or the server cannot go on
  EVNET_LOG_WARNING,    // the server goes on, with less: out of descriptors, a connection not taken
  EVNET_LOG_INFO,       // a server listens, is stopping, has stopped
  EVNET_LOG_DEBUG,      // each connection opens and closes, each dial that fails and why
};

// A line that peers can cause comes at most once in EVNET_LOG_LIMIT_MS for the whole server, except
// at EVNET_LOG_DEBUG, where every connection has its lines. Text from outside (addresses, names,
// paths) is escaped and cut by evnet_text_escape (text.h), so that no line shows more than one.

// Where lines go. `log` receives one line without its line feed; it is called from any of evnet's
// threads, also at once, so it must be thread-safe and must not block for long. NULL: nowhere.
struct evnet_logger {
  void (*log)(enum evnet_log_level level, const char *message, void *user);
  void *user;
  enum evnet_log_level level;  // the most detailed level passed on; 0: EVNET_LOG_WARNING
};

// evnet_log_stderr is a log function that writes "evnet: error: MESSAGE" to stderr, one write a
// line. What it cannot write is lost.
EVNET_API void evnet_log_stderr(enum evnet_log_level level, const char *message, void *user);

// evnet_log_wants returns whether a line of this level is passed on, so that a caller can leave out
// the work of making it.
static inline bool evnet_log_wants(const struct evnet_logger *logger, enum evnet_log_level level) {
  return logger != NULL && logger->log != NULL &&
         level <= (logger->level != 0 ? logger->level : EVNET_LOG_WARNING);
}

// evnet_log formats a line, cut to EVNET_LOG_BYTES_MAX with its 0 byte, and passes it on if the
// level asks for it. A control character of ASCII that is in it all the same becomes '?'. errno is
// kept, whatever the log function does to it.
//
// Thread:  any.
EVNET_API void evnet_log(const struct evnet_logger *logger, enum evnet_log_level level,
                         const char *format, ...) EVNET_PRINTF(3, 4);

enum { EVNET_LOG_BYTES_MAX = 1024 };

// For a line of which the peers or the system decide how often it comes, so that it cannot flood
// the log. All zero: nothing has been told yet.
struct evnet_log_limit {
  uint64_t next_ms;  // atomic; no line before it
  uint64_t untold;   // atomic; occasions since the last line
};

enum { EVNET_LOG_LIMIT_MS = 10000 };

// evnet_log_limit_pass counts an occasion and tells whether it is time for a line: for the first
// one, and then at most once in EVNET_LOG_LIMIT_MS.
//
//   now_ms  of a clock that does not go back, the same for all callers; from 0.
//
// Returns: 0: no line; else the occasions that the line stands for, this one included.
// Thread:  any.
EVNET_API uint64_t evnet_log_limit_pass(struct evnet_log_limit *limit, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_LOG_H_
