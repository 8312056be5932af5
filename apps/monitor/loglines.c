// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The log as the monitor shows it.
#include "monitor.h"

#include <proto/log_client.h>
#include <rt/print.h>
#include <rt/string.h>

#include <svc/client.h>
#include <svc/serve.h>

#define LINES_USUAL 20u
#define LINES_MOST  100000u

// The next line that the choice is about, from a number on; found is false where there is none.
static uint32_t line_next(const struct lines_choice *choice, uint64_t from,
                          struct log_read_results *line)
{
    struct log_read_args args = { .from = from, .least = (enum log_level)choice->level };
    for (unsigned i = 0; i < LINES_MOST; i++) {
        uint32_t code;
        do {
            code = log_read(monitor_servers.log, &args, line);
        } while (svc_again(code));
        if (code || !line->found) {
            return code;
        }
        if ((!choice->client || choice->client == svc_client(line->writer)) &&
            line->time <= choice->until && line->number >= args.from) {
            return WIRE_OK;
        }
        args.from = line->number + 1;
    }
    line->found = false;
    return WIRE_OK;
}

static void line_print(const struct log_read_results *line)
{
    char name[SYSTEM_NAME_MAX + 1];
    if (svc_client(line->writer)) {
        component_name(svc_client(line->writer) - 1, name);
    } else {
        (void)rt_format(name, sizeof(name), "log");
    }
    out("%6lu ", line->number);
    out_seconds(line->time, 12);
    out(" %-7s %-12s ", known(log_level_text(line->level)), name);
    for (unsigned i = 0; i < line->text_count; i++) {
        uint8_t byte = line->text[i];
        out("%c", byte < ' ' || byte == 0x7f ? '?' : byte);
    }
    out("\n");
}

// Go through the lines of the choice; those from the `skip`th on are printed.  Gives their number.
static uint64_t lines_walk(const struct lines_choice *choice, uint64_t skip)
{
    struct log_read_results line;
    uint64_t from = 0, count = 0;
    uint32_t code;
    while (!(code = line_next(choice, from, &line)) && line.found && count < LINES_MOST) {
        if (count++ >= skip) {
            line_print(&line);
        }
        from = line.number + 1;
    }
    if (code) {
        out_error("log", "log", log_error_text(code));
    }
    return count;
}

void lines_print(const struct lines_choice *choice)
{
    if (!service_answers("log")) {
        out("log: no component \"log\" runs\n");
        return;
    }
    uint64_t count = lines_walk(choice, UINT64_MAX);
    (void)lines_walk(choice, count > choice->count ? count - choice->count : 0);
}

static bool level_parse(const char *text, unsigned *level)
{
    for (unsigned i = 0; log_level_known(i); i++) {
        if (strcmp(text, log_level_text(i)) == 0) {
            *level = i;
            return true;
        }
    }
    return false;
}

void command_log(const struct command_line *line)
{
    struct lines_choice choice = { .count = LINES_USUAL,
                                   .level = LOG_LEVEL_DEBUG,
                                   .until = UINT64_MAX };
    for (unsigned i = 1; i < line->count; i++) {
        if (!number_parse(line->words[i], LINES_MOST, &choice.count) &&
            !level_parse(line->words[i], &choice.level)) {
            out("usage: log [lines] [debug|info|warning|error]\n");
            return;
        }
    }
    lines_print(&choice);
}
