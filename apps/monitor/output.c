// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Output of the monitor to its console, which may die and come back in between.
#include "monitor.h"

#include <proto/console_client.h>
#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/string.h>

#include <svc/client.h>

static struct console_write_args piece;
static uint32_t lines_end;  // behind the last whole line in it

// Send the first bytes of the piece; the others stay.
static void piece_send(uint32_t count)
{
    struct console_write_args args = { .text_count = count };
    memcpy(args.text, piece.text, count);
    uint32_t code;
    do {
        code = console_write(monitor_servers.console, &args);
    } while (svc_again(code));
    if (code) {
        rt_panic("console: write: %s", console_error_text(code));
    }
    piece.text_count -= count;
    lines_end = 0;
    memmove(piece.text, &piece.text[count], piece.text_count);
}

static void piece_put(char c)
{
    if (piece.text_count == CONSOLE_CHUNK) {
        piece_send(lines_end ? lines_end : piece.text_count);
    }
    piece.text[piece.text_count++] = (uint8_t)c;
    if (c == '\n') {
        lines_end = piece.text_count;
    }
}

static void sink_put(struct rt_sink *sink, char c)
{
    (void)sink;
    piece_put(c);
}

void out(const char *format, ...)
{
    struct rt_sink sink = { sink_put };
    va_list list;
    va_start(list, format);
    rt_vprint_to(&sink, format, list);
    va_end(list);
}

void out_bytes(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        piece_put(text[i]);
    }
}

void out_flush(void)
{
    if (piece.text_count) {
        piece_send(piece.text_count);
    }
}

void out_drain(void)
{
    uint32_t code;
    out_flush();
    do {
        code = console_drain(monitor_servers.console);
    } while (svc_again(code));
    if (code) {
        rt_panic("console: drain: %s", console_error_text(code));
    }
}

void out_error(const char *what, const char *server, const char *text)
{
    out("%s: %s: %s\n", what, server, text);
}

void out_system_error(const char *what, uint32_t code)
{
    out_error(what, "supervisor", system_error_text(code));
}

void out_seconds(uint64_t nanoseconds, int width)
{
    char text[32];
    (void)rt_format(text, sizeof(text), "%lu.%06lu", (unsigned long)(nanoseconds / RT_SECOND),
                    (unsigned long)(nanoseconds % RT_SECOND / 1000));
    for (int i = (int)strlen(text); i < width; i++) {
        out(" ");
    }
    out("%s", text);
}
