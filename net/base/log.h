// The log: a callback with levels. evnet logs nothing unless a callback is set.
//
// Each kind of line that a peer can cause is limited to one every EVNET_LOG_LIMIT_MS for each
// server, except at EVNET_LOG_DEBUG. There, each connection has two lines (opened, closed) and each
// failed dial has one, so a flood of connections is a flood of lines; nothing that a peer sends
// adds a line. Text from outside (addresses, names, paths) is escaped and cut by evnet_text_escape
// (text.h), so it cannot forge a second line.
#ifndef EVNET_NET_BASE_LOG_H_
#define EVNET_NET_BASE_LOG_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The levels, from the least detailed to the most detailed.
enum evnet_log_level {
  EVNET_LOG_ERROR = 1,  // a call failed, or the server cannot continue
  EVNET_LOG_WARNING,    // the server continues with less: out of descriptors, a connection refused
  EVNET_LOG_INFO,       // a server listens, is stopping, has stopped
  EVNET_LOG_DEBUG,      // each connection that opens or closes, each dial that fails
};

// Where lines go.
struct evnet_logger {
  // Receives one line without a line feed. Any of evnet's threads may call it, several of them
  // simultaneously, so it must be thread-safe and must not block for long. NULL: nothing is logged.
  void (*log)(enum evnet_log_level level, const char *message, void *user) EVNET_ZERO;
  void *user EVNET_ZERO;  // passed to log

  // The most detailed level that is logged; 0: EVNET_LOG_WARNING.
  enum evnet_log_level level EVNET_ZERO;
};

// evnet_log_stderr is a log function. It writes "evnet: error: MESSAGE" to stderr, with one
// write(2) for each line. It drops a line that cannot be written.
//
// Thread:  any.
EVNET_API void evnet_log_stderr(enum evnet_log_level level, const char *message, void *user);

// evnet_log_wants returns whether a line of this level is logged, so that a caller can avoid
// composing it.
//
// Thread:  any.
static inline bool evnet_log_wants(const struct evnet_logger *logger, enum evnet_log_level level) {
  return logger && logger->log && level <= (logger->level != 0 ? logger->level : EVNET_LOG_WARNING);
}

// evnet_log formats a line and passes it to the logger if the level is logged. It cuts the line to
// EVNET_LOG_BYTES_MAX, including the 0 byte, and replaces ASCII control characters by '?'. It
// preserves errno, whatever the log function does.
//
// Thread:  any.
EVNET_API void evnet_log(const struct evnet_logger *logger, enum evnet_log_level level,
                         const char *format, ...) EVNET_PRINTF(3, 4);

// The longest line, including its 0 byte.
enum { EVNET_LOG_BYTES_MAX = 1024 };

// Limits how often a line is logged that peers or the system can cause. All zero: not logged yet.
struct evnet_log_limit {
  uint64_t next_ms;  // atomic; there is no line before this time
  uint64_t untold;   // atomic; occasions since the last line
};

// The least time between two lines.
enum { EVNET_LOG_LIMIT_MS = 10000 };

// evnet_log_limit_pass counts an occasion and returns whether to log it: the first one, and then at
// most one every EVNET_LOG_LIMIT_MS.
//
//   now_ms  from 0, of a clock that does not go back and that all callers share.
//
// Returns: 0 if the occasion is not logged. Otherwise the number of occasions that the line stands
//          for, including this one.
// Thread:  any.
EVNET_API uint64_t evnet_log_limit_pass(struct evnet_log_limit *limit, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_LOG_H_
