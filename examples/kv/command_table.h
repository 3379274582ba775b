// The table of commands, for commands.c.
#ifndef EVNET_EXAMPLES_KV_COMMAND_TABLE_H_
#define EVNET_EXAMPLES_KV_COMMAND_TABLE_H_

#include "examples/kv/kv.h"

struct subcommands {
  const char *name;  // of the command
  const struct command *commands;
  size_t count;
};

extern const struct command command_table[];  // in alphabetical order
extern const size_t command_table_count;
extern const struct subcommands command_subcommand_table[];
extern const size_t command_subcommand_table_count;

#endif  // EVNET_EXAMPLES_KV_COMMAND_TABLE_H_
