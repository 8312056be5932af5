// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The commands of the monitor: their table, how a line becomes one of them, and the small ones.
#include "monitor.h"

#include <proto/log.h>
#include <proto/system_client.h>
#include <rt/print.h>
#include <rt/string.h>

#define POWER_STATUS_MOST 63u

static void command_help(const struct command_line *line);
static void command_free(const struct command_line *line);
static void command_uptime(const struct command_line *line);
static void command_echo(const struct command_line *line);
static void command_clear(const struct command_line *line);
static void command_power(const struct command_line *line);

static const struct command commands[] = {
    { "clear", "", "clear the screen", command_clear, TAKES_NOTHING },
    { "count", "[amount]", "add to a counter of the counter service, and show it", command_count,
      TAKES_NOTHING },
    { "echo", "[text]", "say text", command_echo, TAKES_NOTHING },
    { "free", "", "what the supervisor has left: memory, slots", command_free, TAKES_NOTHING },
    { "help", "[command]", "this list, or about one command", command_help, TAKES_COMMAND },
    { "incident", "[number]", "how a component died: the last time, or that time", command_incident,
      TAKES_NOTHING },
    { "kill", "component", "end it as a fault would; it comes back", command_kill,
      TAKES_COMPONENT },
    { "list", "", "the components", command_list, TAKES_NOTHING },
    { "log", "[lines] [level]", "the last lines of the log (20), from a level on", command_log,
      TAKES_LEVEL },
    { "power", "off [status]", "end the machine's run", command_power, TAKES_OFF },
    { "ps", "", "the same as list", command_list, TAKES_NOTHING },
    { "resources", "", "the same as free", command_free, TAKES_NOTHING },
    { "restart", "component", "end it and begin a new count of its deaths", command_restart,
      TAKES_COMPONENT },
    { "start", "component", "start one that is stopped, failed or done", command_start,
      TAKES_COMPONENT },
    { "stop", "component", "end it; it does not come back by itself", command_stop,
      TAKES_COMPONENT },
    { "uptime", "", "the time since the start of the system", command_uptime, TAKES_NOTHING },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

// ---- lines -------------------------------------------------------------------------------------

bool number_parse(const char *text, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > most / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = value;
    return value <= most;
}

// False: more words than any command takes.
static bool line_split(char *text, struct command_line *line)
{
    line->count = 0;
    for (char *at = text; *at;) {
        if (*at == ' ') {
            *at++ = '\0';
            continue;
        }
        if (line->count == MONITOR_ARGUMENTS) {
            return false;
        }
        line->words[line->count++] = at;
        while (*at && *at != ' ') {
            at++;
        }
    }
    return true;
}

void command_run(char *text)
{
    struct command_line line;
    if (!line_split(text, &line)) {
        out("more than %u words\n", MONITOR_ARGUMENTS);
        return;
    }
    if (line.count == 0) {
        return;
    }
    const struct command *command = command_find(line.words[0]);
    if (command) {
        command->run(&line);
    } else {
        out("%s: no such command; `help` lists them\n", line.words[0]);
    }
}

// ---- completion --------------------------------------------------------------------------------

static const char *const level_names[] = { "debug", "info", "warning", "error", NULL };

static const char *component_candidate(unsigned number)
{
    static char name[SYSTEM_NAME_MAX + 1];
    struct system_component_results found;
    const struct system_component_args args = { .number = (uint16_t)number };
    if (system_component(monitor_servers.system, &args, &found)) {
        return NULL;
    }
    memcpy(name, found.name, found.name_count);
    name[found.name_count] = '\0';
    return name;
}

// The command in front of the word; NULL: there is no such command.
static const struct command *command_before(const char *before)
{
    char name[SYSTEM_NAME_MAX + 1];
    size_t length = 0;
    while (*before == ' ') {
        before++;
    }
    for (; before[length] && before[length] != ' ' && length < sizeof(name) - 1; length++) {
        name[length] = before[length];
    }
    name[length] = '\0';
    return command_find(name);
}

static bool blank(const char *text)
{
    while (*text == ' ') {
        text++;
    }
    return *text == '\0';
}

const char *command_candidate(void *context, const char *before, unsigned number)
{
    (void)context;
    bool first = blank(before);
    const struct command *command = first ? NULL : command_before(before);
    if (first || (command && command->takes == TAKES_COMMAND)) {
        return number < COMMANDS ? commands[number].name : NULL;
    }
    if (command && command->takes == TAKES_COMPONENT) {
        return component_candidate(number);
    }
    if (command && command->takes == TAKES_LEVEL) {
        return number < sizeof(level_names) / sizeof(level_names[0]) ? level_names[number] : NULL;
    }
    return command && command->takes == TAKES_OFF && number == 0 ? "off" : NULL;
}

// ---- the small ones ----------------------------------------------------------------------------

static void help_print(const struct command *command)
{
    char usage[32];
    (void)rt_format(usage, sizeof(usage), "%s %s", command->name, command->arguments);
    out("%-24s %s\n", usage, command->help);
}

static void command_help(const struct command_line *line)
{
    if (line->count == 1) {
        for (size_t i = 0; i < COMMANDS; i++) {
            help_print(&commands[i]);
        }
        return;
    }
    const struct command *command = command_find(line->words[1]);
    if (command) {
        help_print(command);
    } else {
        out("help: %s: no such command\n", line->words[1]);
    }
}

static bool resources(const char *command, struct system_resources_results *results)
{
    uint32_t code = system_resources(monitor_servers.system, results);
    if (code) {
        out_system_error(command, code);
    }
    return code == WIRE_OK;
}

static void command_free(const struct command_line *line)
{
    struct system_resources_results results;
    if (resources(line->words[0], &results)) {
        out("memory    %lu bytes\n", results.memory);
        out("slots     %lu\n", results.slots);
        out("incidents %u\n", results.incidents);
    }
}

static void command_uptime(const struct command_line *line)
{
    struct system_resources_results results;
    if (resources(line->words[0], &results)) {
        out_seconds(results.time, 0);
        out(" s\n");
    }
}

static void command_echo(const struct command_line *line)
{
    for (unsigned i = 1; i < line->count; i++) {
        out("%s%s", i == 1 ? "" : " ", line->words[i]);
    }
    out("\n");
}

static void command_clear(const struct command_line *line)
{
    (void)line;
    out("\x1b[H\x1b[2J");
}

static void command_power(const struct command_line *line)
{
    uint64_t status = 0;
    if (line->count < 2 || line->count > 3 || strcmp(line->words[1], "off") != 0 ||
        (line->count == 3 && !number_parse(line->words[2], POWER_STATUS_MOST, &status))) {
        out("usage: power off [status 0-%u]\n", POWER_STATUS_MOST);
        return;
    }
    const struct system_power_args args = { .status = (uint8_t)status };
    out_drain();
    uint32_t code = system_power(monitor_servers.system, &args);
    out_system_error("power", code);
}
