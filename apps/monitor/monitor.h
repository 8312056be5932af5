// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the parts of the monitor share: its servers, its output and its commands.
#pragma once

#include <proto/system.h>
#include <rt/component.h>

#include <stdarg.h>

#define MONITOR_ARGUMENTS 16u

// ---- servers: monitor.c ------------------------------------------------------------------------
struct monitor_servers {
    cap_t console, system;
    cap_t log;  // 0: the description gives none
};
extern struct monitor_servers monitor_servers;

// ---- output: output.c --------------------------------------------------------------------------
// Print, as rt_print does.  Whole lines go to the console in as few pieces as they fit into, so
// that nobody else's output comes into the middle of a line.  Blocks.
__attribute__((format(printf, 1, 2))) void out(const char *format, ...);
void out_bytes(const char *text, size_t count);
// Send what was printed and is not a whole line.
void out_flush(void);
// The same, and wait until it is on the line.
void out_drain(void);

// The name of a value, which the decoder has checked: the compiler cannot know.
static inline const char *known(const char *name)
{
    return name ? name : "?";
}

// Say that a call failed: what was asked of whom, and the code in that protocol's words.
void out_error(const char *what, const char *server, const char *text);
void out_system_error(const char *what, uint32_t code);

// Seconds with six digits behind the point, in at least `width` columns.
void out_seconds(uint64_t nanoseconds, int width);

// ---- commands ----------------------------------------------------------------------------------
struct command_line {
    unsigned count;
    char *words[MONITOR_ARGUMENTS];  // the command, its arguments
};

// What can follow a command, for completion.
enum command_takes {
    TAKES_NOTHING,
    TAKES_COMPONENT,
    TAKES_COMMAND,
    TAKES_LEVEL,
    TAKES_OFF
};

struct command {
    const char *name;
    const char *arguments;
    const char *help;
    void (*run)(const struct command_line *line);
    enum command_takes takes;
};

// Carry out a line; it is taken apart.
void command_run(char *text);

// The candidates for a word behind `before` (line.h).
const char *command_candidate(void *context, const char *before, unsigned number);

// A number in decimal; false: it is none, or above `most`.
bool number_parse(const char *text, uint64_t most, uint64_t *number);

// ---- components.c ------------------------------------------------------------------------------
// The component with a name (its bytes, without a zero) or a number; false: there is none, said so.
bool component_find(const char *name, uint16_t *number);

// Whether there is a grant to call a service and the component of the same name will answer; false:
// not before somebody starts it.  Who calls it then would wait for the start that only this monitor
// may be able to order.
bool service_answers(const char *name);

// The name of a component; of one that is not there "component N".
void component_name(unsigned number, char name[SYSTEM_NAME_MAX + 1]);

void command_list(const struct command_line *line);
void command_kill(const struct command_line *line);
void command_restart(const struct command_line *line);
void command_stop(const struct command_line *line);
void command_start(const struct command_line *line);

// ---- count.c -----------------------------------------------------------------------------------
void command_count(const struct command_line *line);

// ---- incident.c, loglines.c --------------------------------------------------------------------
void command_incident(const struct command_line *line);
void command_log(const struct command_line *line);

// Print the last lines, at most `count`, of at least a level; of one component (its number + 1)
// or all (0); not after a time.
struct lines_choice {
    uint64_t count;
    unsigned level;
    unsigned client;
    uint64_t until;
};
void lines_print(const struct lines_choice *choice);
