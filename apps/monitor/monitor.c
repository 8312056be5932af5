// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The monitor: a shell over the supervisor, for whoever sits at the console.  Needs the grants
//     call "console", call "system"
//     call "log", call "counter"    (may be missing)
// It keeps nothing that a new incarnation would miss but the history of its lines.
#include "monitor.h"

#include "line.h"

#include <proto/console_client.h>
#include <rt/clock.h>
#include <rt/panic.h>

#include <svc/client.h>

const char rt_task_name[] = "monitor";

struct monitor_servers monitor_servers;

static struct line_editor editor;

static void editor_show(void *context, const char *text, size_t count)
{
    (void)context;
    out_bytes(text, count);
}

static const struct line_host editor_host = { editor_show, command_candidate };

static void line_done(enum line_event event)
{
    if (event == LINE_READY) {
        command_run(editor.text);
    } else {
        out("`power off` ends the machine's run\n");
    }
    line_begin(&editor);
}

static void input_take(const struct console_read_results *input)
{
    for (unsigned i = 0; i < input->text_count; i++) {
        enum line_event event = line_feed(&editor, input->text[i]);
        if (event != LINE_MORE) {
            line_done(event);
        }
    }
    out_flush();
}

static void input_read(struct console_read_results *input)
{
    uint32_t code;
    do {
        code = console_read(monitor_servers.console, input);
    } while (svc_again(code));
    if (code) {
        rt_panic("console: read: %s", console_error_text(code));
    }
}

static void greet(const struct component_info *info)
{
    uint64_t time = rt_nanoseconds(rt_clock() - info->boot_clock, info->clock_hz);
    if (info->generation == 1) {
        out("\nPith monitor, %lu.%09lu s after the start; `help` lists the commands\n",
            time / RT_SECOND, time % RT_SECOND);
    } else {
        out("\nPith monitor, generation %lu\n", info->generation);
    }
}

int component_main(const struct component_info *info)
{
    const struct component_grant *log = component_grant(GRANT_CALL, "log");
    monitor_servers = (struct monitor_servers){
        .console = component_need(GRANT_CALL, "console")->slot,
        .system = component_need(GRANT_CALL, "system")->slot,
        .log = log ? log->slot : 0,
    };
    line_init(&editor, &editor_host, NULL, "pith> ");
    greet(info);
    line_begin(&editor);
    out_flush();
    for (;;) {
        struct console_read_results input = {};
        input_read(&input);
        input_take(&input);
    }
}
