// The command line of the example servers: the options that each of them has, those of its own, and
// addresses. A program's main begins with command_line_parse, and what follows is evnet.
#ifndef EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_
#define EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_

#include <stdbool.h>
#include <stddef.h>

#include "evnet/evnet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { COMMAND_LINE_ADDRESSES_MAX = 64 };

// How long a stop may take that SIGINT or SIGTERM begins, as --help says.
enum { COMMAND_LINE_DRAIN_MS = 5000 };

// What main returns for arguments that it does not take.
enum { COMMAND_LINE_EXIT_USAGE = 2 };

// An option that one program has and the others have not.
struct command_line_option {
  const char *name;  // "--period-ms=": what ends in = has a value behind it
  bool (*take)(const char *value, void *user);  // false: it is none of `values`
  const char *values;                           // "must be 1 to 60000"
};

struct command_line {
  const char *program;  // its name, in front of what is said on stderr
  const char *usage;    // for --help, in front of the options that all have
  bool no_udp;          // what it answers takes a connection
  const struct command_line_option *own;
  size_t own_count;
  void *user;  // of `own`

  // Set by command_line_parse; what stands here before is the default.
  struct evnet_options options;
  const char *addresses[COMMAND_LINE_ADDRESSES_MAX];
  size_t address_count;  // 0 becomes 1: tcp://127.0.0.1:9000

  bool has_said_why;  // an error is in the log, and so on stderr
};

// command_line_parse reads the arguments, and says on stderr which one is wrong.
//
// Returns: -1 to go on; else main's exit code: --help has been printed, or an argument is wrong.
int command_line_parse(struct command_line *line, int argc, char **argv);

// command_line_parse_number reads a whole number of min to max, and nothing else.
bool command_line_parse_number(const char *text, long min, long max, long *out);

// command_line_parse_backend reads the name of a kernel's interface.
bool command_line_parse_backend(const char *text, enum evnet_backend *out);

// command_line_on_boot is an on_boot that prints where the server listens.
enum evnet_action command_line_on_boot(struct evnet_server *server, void *user);

// command_line_exit_code gives what main returns for the status that ended the program. It says on
// stderr what that is, unless the log has said it: one line for each start that fails.
int command_line_exit_code(const struct command_line *line, int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_COMMAND_LINE_COMMAND_LINE_H_
