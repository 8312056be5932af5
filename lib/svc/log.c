// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Lines for the system's log (log.h).
#include "log.h"

#include "client.h"

#include <proto/log_client.h>
#include <rt/print.h>

// A line that is being made.
struct line_sink {
    struct rt_sink sink;
    struct log_write_args *args;
};

static void line_put(struct rt_sink *sink, char c)
{
    struct log_write_args *args = ((struct line_sink *)sink)->args;
    if (args->text_count < LOG_LINE_MAX) {
        unsigned char byte = (unsigned char)c;
        args->text[args->text_count++] = byte < ' ' || byte == 0x7f ? '?' : byte;
    }
}

// Nobody hears of a line that the log refuses but who reads the last words: the next line will
// not fare better.
static void line_send(const struct log_write_args *args)
{
    const struct component_grant *log = component_grant(GRANT_CALL, "log");
    uint32_t code = WIRE_OK;
    if (log) {
        do {
            code = log_write(log->slot, args);
        } while (svc_again(code));
    }
    if (code) {
        rt_print("log: %s\n", log_error_text(code));
    }
}

// To the last words, and to the log.
static void line_log(const struct log_write_args *args)
{
    rt_print("%s: ", log_level_text(args->level));
    for (unsigned i = 0; i < args->text_count; i++) {
        rt_print("%c", args->text[i]);
    }
    rt_print("\n");
    line_send(args);
}

void svc_log(enum log_level level, const char *format, ...)
{
    struct log_write_args args = { .level = level };
    struct line_sink sink = { { line_put }, &args };
    va_list list;
    va_start(list, format);
    rt_vprint_to(&sink.sink, format, list);
    va_end(list);
    line_log(&args);
}

long svc_log_write(const void *from, size_t bytes)
{
    struct log_write_args args = { .level = LOG_LEVEL_INFO };
    struct line_sink sink = { { line_put }, &args };
    for (size_t i = 0; i < bytes; i++) {
        char c = ((const char *)from)[i];
        if (c != '\n') {
            line_put(&sink.sink, c);
        }
        if (c == '\n' || i + 1 == bytes) {
            line_log(&args);
            args.text_count = 0;
        }
    }
    return (long)bytes;
}
