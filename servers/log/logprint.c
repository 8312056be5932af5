// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Prints the log on the console as it is written.  Needs the grants
//     call "log", call "console"
//     call "system"             (may be missing) to learn the names of writers
//     signalled "log.written"   when there are new lines
// It waits for both servers as long as it takes, so that the log itself waits for nobody.  Lines
// that the log forgets in the meantime are counted.
#include <proto/console_client.h>
#include <proto/log_client.h>
#include <proto/system_client.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/string.h>

#include <svc/client.h>
#include <svc/serve.h>

#define LEAST       LOG_LEVEL_INFO
#define NANOSECONDS 1000000000ul
#define MICROSECOND 1000ul

const char rt_task_name[] = "logprint";

static const struct component_grant *log, *console, *names;

static void print(struct console_write_args *args)
{
    uint32_t code;
    do {
        code = console_write(console->slot, args);
    } while (svc_again(code));
    if (code) {
        rt_print("console: write: %s\n", console_error_text(code));
    }
}

// The name of the component whose capability has this badge.
static void writer_name(uint64_t badge, char name[COMPONENT_NAME_BYTES])
{
    struct system_component_results found;
    const struct system_component_args args = { .number = (uint16_t)(svc_client(badge) - 1) };
    memset(name, 0, COMPONENT_NAME_BYTES);
    if (!svc_client(badge)) {
        (void)rt_format(name, COMPONENT_NAME_BYTES, "log");
    } else if (names && !system_component(names->slot, &args, &found)) {
        memcpy(name, found.name, found.name_count);
        name[COMPONENT_NAME_BYTES - 1] = '\0';
    } else {
        (void)rt_format(name, COMPONENT_NAME_BYTES, "client %u", svc_client(badge));
    }
}

// The line is cut where the console's piece ends.
static void line_print(const struct log_read_results *line)
{
    struct console_write_args args;
    char text[LOG_LINE_MAX + 1] = "", name[COMPONENT_NAME_BYTES];
    size_t most = sizeof(args.text);
    memcpy(text, line->text, line->text_count);
    writer_name(line->writer, name);
    size_t length = rt_format((char *)args.text, most, "\r[%5lu.%06lu] %s: %s: %s",
                              line->time / NANOSECONDS, line->time % NANOSECONDS / MICROSECOND,
                              log_level_text(line->level), name, text);
    length = length < most ? length : most - 1;
    args.text[length] = '\n';
    args.text_count = (uint32_t)length + 1;
    print(&args);
}

static void lost_print(uint64_t count)
{
    struct console_write_args args;
    args.text_count = (uint32_t)rt_format((char *)args.text, sizeof(args.text),
                                          "\r[log: %lu lines were not printed]\n", count);
    print(&args);
}

static uint32_t extent(struct log_extent_results *results)
{
    uint32_t code;
    do {
        code = log_extent(log->slot, results);
    } while (svc_again(code));
    return code;
}

static uint32_t read(uint64_t from, struct log_read_results *line)
{
    const struct log_read_args args = { .from = from, .least = LEAST };
    uint32_t code;
    do {
        code = log_read(log->slot, &args, line);
    } while (svc_again(code));
    return code;
}

// Print all lines from `from` on; gives where to go on.
static uint64_t lines_print(uint64_t from)
{
    struct log_extent_results kept = {};
    struct log_read_results line = {};
    uint32_t code = extent(&kept);
    if (!code && from > kept.next) {
        from = kept.oldest;  // a log that began anew
    }
    if (!code && from < kept.oldest) {
        lost_print(kept.oldest - from);
        from = kept.oldest;
    }
    while (!code && !(code = read(from, &line)) && line.found && line.number >= from) {
        line_print(&line);
        from = line.number + 1;
    }
    if (code) {
        rt_print("log: read: %s\n", log_error_text(code));
        return from;
    }
    return from > kept.next ? from : kept.next;
}

int component_main(const struct component_info *info)
{
    uint64_t from = 0;
    struct log_extent_results kept = {};
    log = component_need(GRANT_CALL, "log");
    console = component_need(GRANT_CALL, "console");
    names = component_grant(GRANT_CALL, "system");
    (void)component_need(GRANT_SIGNALLED, "log.written");
    if (info->generation > 1 && !extent(&kept)) {
        from = kept.next;  // an earlier incarnation printed the others
    }
    for (;;) {
        from = lines_print(from);
        struct notification_result got = notification_wait(COMPONENT_SLOT_NOTIFICATION);
        if (!rt_ok(got.status)) {
            rt_panic("wait: error %u", rt_error(got.status));
        }
        if (got.word & COMPONENT_PING) {
            rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
        }
    }
}
