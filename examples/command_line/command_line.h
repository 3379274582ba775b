// The command line of the example servers: common options, options of one program, and addresses.
// A program's main calls command_line_parse first; the rest of the program is plain evnet code.
#ifndef EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_
#define EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_

#include <stdbool.h>
#include <stddef.h>

#include "evnet/evnet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { COMMAND_LINE_ADDRESSES_MAX = 64 };

// The drain timeout of the shutdown that SIGINT or SIGTERM begins. --help states it.
enum { COMMAND_LINE_DRAIN_MS = 5000 };

// The exit code of main for invalid arguments.
enum { COMMAND_LINE_EXIT_USAGE = 2 };

// A program-specific option.
struct command_line_option {
  const char *name;  // such as "--period-ms="; a trailing = means that a value follows

  // Parses the value. Returns false if it is invalid.
  bool (*take)(const char *value, void *user);

  const char *values;  // the error message for an invalid value, such as "must be 1 to 60000"
};

struct command_line {
  const char *program;  // its name, the prefix of its lines on stderr
  const char *usage;    // for --help, printed before the common options
  bool no_udp;          // rejects UDP addresses, because the program needs connections
  const struct command_line_option *own;
  size_t own_count;
  void *user;  // passed to the `take` functions of `own`

  // Set by command_line_parse; earlier values are the defaults.
  struct evnet_options options;
  const char *addresses[COMMAND_LINE_ADDRESSES_MAX];
  size_t address_count;  // if no address is given: 1, the address tcp://127.0.0.1:9000

  bool has_said_why;  // an error was logged, and so printed on stderr
};

// command_line_parse parses the arguments. If one is invalid, it prints the reason on stderr.
//
// Returns: -1 if the program is to continue. Otherwise the exit code of main: --help was printed,
//          or an argument is invalid.
int command_line_parse(struct command_line *line, int argc, char **argv);

// command_line_parse_number parses a decimal integer from min to max. Returns false if the text is
// anything else.
bool command_line_parse_number(const char *text, long min, long max, long *out);

// command_line_parse_backend parses the name of a backend. Returns false if it is unknown.
bool command_line_parse_backend(const char *text, enum evnet_backend *out);

// command_line_on_boot is an on_boot callback that prints the addresses of the listeners.
enum evnet_action command_line_on_boot(struct evnet_server *server, void *user);

// command_line_exit_code returns the exit code of main for the status that ended the program. For
// an error it prints the status on stderr, unless the reason was already logged: a failed start
// prints one line.
int command_line_exit_code(const struct command_line *line, int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_
