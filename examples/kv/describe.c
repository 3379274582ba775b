// COMMAND: what the table of commands says.
#include <string.h>

#include "examples/kv/kv.h"

// Calls `each` for the words of a text that spaces separate. Returns their number.
static size_t for_words(const char *text,
                        void (*each)(struct reply *reply, const char *word, size_t size,
                                     const char *prefix),
                        struct reply *reply, const char *prefix) {
  size_t count = 0;
  while (*text != '\0') {
    const size_t size = strcspn(text, " ");
    if (each != NULL) each(reply, text, size, prefix);
    count++;
    text += size;
    text += strspn(text, " ");
  }
  return count;
}

static void put_status(struct reply *reply, const char *word, size_t size, const char *prefix) {
  reply_bytes(reply, "+", 1);
  reply_bytes(reply, prefix, strlen(prefix));
  reply_bytes(reply, word, size);
  reply_bytes(reply, "\r\n", 2);
}

static void put_bulk(struct reply *reply, const char *word, size_t size, const char *prefix) {
  (void)prefix;
  reply_bulk(reply, word, size);
}

static void reply_words(struct reply *reply, const char *text, bool is_status, const char *prefix) {
  reply_array(reply, for_words(text, NULL, NULL, NULL));
  (void)for_words(text, is_status ? put_status : put_bulk, reply, prefix);
}

static void reply_flags(struct reply *reply, unsigned flags) {
  static const struct {
    unsigned flag;
    const char *name;
  } names[] = {
      {COMMAND_WRITE, "write"},
      {COMMAND_READONLY, "readonly"},
      {COMMAND_DENYOOM, "denyoom"},
      {COMMAND_ADMIN, "admin"},
      {COMMAND_PUBSUB, "pubsub"},
      {COMMAND_NOSCRIPT, "noscript"},
      {COMMAND_LOADING, "loading"},
      {COMMAND_STALE, "stale"},
      {COMMAND_SKIP_SLOWLOG, "skip_slowlog"},
      {COMMAND_FAST, "fast"},
      {COMMAND_NO_AUTH, "no_auth"},
      {COMMAND_ALLOW_BUSY, "allow_busy"},
  };
  size_t count = 0;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) count += (flags & names[i].flag) != 0;
  reply_array(reply, count);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if ((flags & names[i].flag) != 0) reply_status(reply, names[i].name);
  }
}

// One key specification: its flags, and the range of arguments.
static void reply_key_range(struct reply *reply, const char *notes, const char *flags, int first,
                            int last, int step) {
  reply_array(reply, notes != NULL ? 8 : 6);
  if (notes != NULL) {
    reply_text(reply, "notes");
    reply_text(reply, notes);
  }
  reply_text(reply, "flags");
  reply_words(reply, flags, true, "");
  reply_text(reply, "begin_search");
  reply_array(reply, 4);
  reply_text(reply, "type");
  reply_text(reply, "index");
  reply_text(reply, "spec");
  reply_array(reply, 2);
  reply_text(reply, "index");
  reply_integer(reply, first);
  reply_text(reply, "find_keys");
  reply_array(reply, 4);
  reply_text(reply, "type");
  reply_text(reply, "range");
  reply_text(reply, "spec");
  reply_array(reply, 6);
  reply_text(reply, "lastkey");
  reply_integer(reply, last < 0 ? last : last - first);
  reply_text(reply, "keystep");
  reply_integer(reply, step);
  reply_text(reply, "limit");
  reply_integer(reply, 0);
}

static void reply_keys(struct reply *reply, const struct command *command) {
  if (command->first_key == 0) {
    reply_array(reply, 0);
    return;
  }
  const char *second = strchr(command->key_flags, '|');
  if (second == NULL) {
    reply_array(reply, 1);
    reply_key_range(reply, command->key_notes, command->key_flags, command->first_key,
                    command->last_key, command->key_step);
    return;
  }
  char first[64];
  const size_t size = (size_t)(second - command->key_flags);
  memcpy(first, command->key_flags, size);
  first[size] = '\0';
  reply_array(reply, 2);
  reply_key_range(reply, NULL, first, command->first_key, command->first_key, 1);
  reply_key_range(reply, NULL, second + 1, command->last_key, command->last_key, 1);
}

static void reply_command(struct reply *reply, const struct command *command) {
  size_t count;
  const struct command *subcommands = command_subcommands(command, &count);
  reply_array(reply, 10);
  reply_text(reply, command->name);
  reply_integer(reply, command->arity);
  reply_flags(reply, command->flags);
  reply_integer(reply, command->first_key);
  reply_integer(reply, command->last_key);
  reply_integer(reply, command->key_step);
  reply_words(reply, command->categories, true, "@");
  reply_words(reply, command->tips, false, "");
  reply_keys(reply, command);
  reply_array(reply, count);
  for (size_t i = 0; i < count; i++) reply_command(reply, &subcommands[i]);
}

void cmd_command(struct session *session, const struct request *request) {
  (void)request;
  reply_array(session->reply, command_count());
  for (size_t i = 0; i < command_count(); i++) reply_command(session->reply, command_at(i));
}

void cmd_command_count(struct session *session, const struct request *request) {
  (void)request;
  reply_integer(session->reply, (int64_t)command_count());
}

void cmd_command_info(struct session *session, const struct request *request) {
  if (request->count == 2) {
    cmd_command(session, request);
    return;
  }
  reply_array(session->reply, request->count - 2);
  for (size_t i = 2; i < request->count; i++) {
    const struct command *command = command_named(request->args[i].data, request->args[i].size);
    if (command == NULL) {
      reply_null(session->reply);
    } else {
      reply_command(session->reply, command);
    }
  }
}

static void reply_docs(struct reply *reply, const struct command *command) {
  size_t count;
  const struct command *subcommands = command_subcommands(command, &count);
  reply_text(reply, command->name);
  reply_array(reply, count > 0 ? 8 : 6);
  reply_text(reply, "summary");
  reply_text(reply, command->summary);
  reply_text(reply, "since");
  reply_text(reply, command->since);
  reply_text(reply, "group");
  reply_text(reply, command->group);
  if (count == 0) return;
  reply_text(reply, "subcommands");
  reply_array(reply, 2 * count);
  for (size_t i = 0; i < count; i++) reply_docs(reply, &subcommands[i]);
}

// The descriptions are this server's own, and shorter than those of Redis.
void cmd_command_docs(struct session *session, const struct request *request) {
  size_t known = request->count == 2 ? command_count() : 0;
  for (size_t i = 2; i < request->count; i++)
    known += command_named(request->args[i].data, request->args[i].size) != NULL;
  reply_array(session->reply, 2 * known);
  if (request->count == 2) {
    for (size_t i = 0; i < command_count(); i++) reply_docs(session->reply, command_at(i));
  }
  for (size_t i = 2; i < request->count; i++) {
    const struct command *command = command_named(request->args[i].data, request->args[i].size);
    if (command != NULL) reply_docs(session->reply, command);
  }
}

void cmd_command_list(struct session *session, const struct request *request) {
  const bool has_pattern = request->count == 5 && arg_is(&request->args[2], "filterby") &&
                           arg_is(&request->args[3], "pattern");
  if (request->count != 2 && !has_pattern) {
    reply_syntax_error(session);
    return;
  }
  size_t count = 0;
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) reply_array(session->reply, count);
    for (size_t i = 0; i < command_count(); i++) {
      const char *name = command_at(i)->name;
      if (has_pattern &&
          !glob_matches(request->args[4].data, request->args[4].size, name, strlen(name)))
        continue;
      if (pass == 0) {
        count++;
      } else {
        reply_text(session->reply, name);
      }
    }
  }
}

void cmd_command_help(struct session *session, const struct request *request) {
  (void)request;
  static const char *const lines[] = {"(no subcommand)",
                                      "COUNT",
                                      "DOCS [<command-name> ...]",
                                      "INFO [<command-name> ...]",
                                      "LIST [FILTERBY PATTERN <pattern>]",
                                      "HELP"};
  reply_help(session, "COMMAND", lines, sizeof lines / sizeof lines[0]);
}
