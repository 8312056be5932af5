// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The system's log: serves the protocol `log`.  Needs the grants
//     region "lines"     where the lines are kept, also when this program ends
//     signal "written"   (may be missing) who is told of new lines: logprint
// It calls nobody, so nobody can hold it up; what prints lines is a client like others.
#include "credit.h"
#include "lines.h"

#include <proto/log.h>
#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/print.h>

#include <gen/rt_stubs.h>
#include <svc/serve.h>

_Static_assert(LINES_TEXT == LOG_LINE_MAX && LINES_LEVELS == LOG_LEVEL_ERROR + 1u,
               "one line a call");

const char rt_task_name[] = "log";

static struct lines lines;
static struct credit credits[SVC_CLIENTS];
static const struct component_grant *written;

static uint64_t time_now(void)
{
    const struct component_info *info = component_info();
    return rt_nanoseconds(rt_clock() - info->boot_clock, info->clock_hz);
}

static void line_add(struct line *line)
{
    lines_add(&lines, line);
    if (written) {
        rt_ignore(notification_signal(written->slot));
    }
}

static uint32_t serve_write(const struct wire_peer *peer, const struct log_write_args *args)
{
    struct line line = { .writer = peer->badge,
                         .time = time_now(),
                         .level = (uint8_t)args->level,
                         .length = (uint8_t)args->text_count };
    if (!lines_text_good(args->text, args->text_count)) {
        return LOG_ERROR_BAD_TEXT;
    }
    if (!credit_use(&credits[svc_client(peer->badge) % SVC_CLIENTS], line.time)) {
        return LOG_ERROR_BUSY;
    }
    __builtin_memcpy(line.text, args->text, args->text_count);
    line_add(&line);
    return WIRE_OK;
}

static uint32_t serve_read(const struct wire_peer *peer, const struct log_read_args *args,
                           struct log_read_results *results)
{
    struct line line;
    (void)peer;
    results->found = lines_find(&lines, args->from, args->least, &line);
    if (results->found) {
        results->number = line.number;
        results->writer = line.writer;
        results->time = line.time;
        results->level = line.level;
        results->text_count = line.length;
        __builtin_memcpy(results->text, line.text, line.length);
    }
    return WIRE_OK;
}

static uint32_t serve_extent(const struct wire_peer *peer, struct log_extent_results *results)
{
    (void)peer;
    results->oldest = lines.oldest;
    results->next = lines.next;
    return WIRE_OK;
}

static const struct log_server server = { serve_write, serve_read, serve_extent };

static bool serve(const struct wire_peer *peer, const struct wire_message *request,
                  struct wire_message *answer)
{
    return log_serve(&server, peer, request, answer);
}

// The first line of an incarnation: that there is a new one, and what it found.
static void arrival_add(const struct component_info *info)
{
    struct line line = { .time = time_now() };
    size_t length = rt_format((char *)line.text, sizeof(line.text),
                              "generation %lu, lines from %lu on%s", info->generation, lines.oldest,
                              lines.refused ? ", some of them damaged" : "");
    line.level = info->generation > 1 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    line.level = lines.refused ? LOG_LEVEL_WARNING : line.level;
    line.length = (uint8_t)length;
    line_add(&line);
}

int component_main(const struct component_info *info)
{
    static svc_serve *const services[] = { serve };
    static const struct svc svc = { .service_count = 1, .services = services };
    const struct component_grant *region = component_need(GRANT_REGION, "lines");
    written = component_grant(GRANT_SIGNAL, "written");
    if (!lines_adopt(&lines, (void *)region->address, region->bytes)) {
        rt_panic("a region of %lu bytes holds no line", region->bytes);
    }
    arrival_add(info);
    svc_run(&svc);
}
