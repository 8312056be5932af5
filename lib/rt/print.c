// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Formatted output.  Owns the sink of the program; no memory but the stack.
#include "print.h"

#include "string.h"
#include "syscall.h"

struct spec {
    char pad;
    bool left;
    unsigned width;
    unsigned longs;  // 0: int; 1 and more: 64 bits
};

static void put_text(struct rt_sink *sink, const char *text, size_t length, struct spec spec)
{
    size_t fill = spec.width > length ? spec.width - length : 0;
    for (size_t i = 0; !spec.left && i < fill; i++) {
        sink->put(sink, spec.pad);
    }
    for (size_t i = 0; i < length; i++) {
        sink->put(sink, text[i]);
    }
    for (size_t i = 0; spec.left && i < fill; i++) {
        sink->put(sink, ' ');
    }
}

static void put_number(struct rt_sink *sink, uint64_t value, unsigned base, struct spec spec)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put_text(sink, digits + at, sizeof(digits) - at, spec);
}

static void put_signed(struct rt_sink *sink, int64_t value, struct spec spec)
{
    if (value >= 0) {
        put_number(sink, (uint64_t)value, 10, spec);
        return;
    }
    if (spec.pad == '0' || spec.width == 0) {
        sink->put(sink, '-');
        spec.width -= spec.width ? 1 : 0;
        put_number(sink, 0 - (uint64_t)value, 10, spec);
        return;
    }
    char text[24];
    size_t length = rt_format(text, sizeof(text), "-%lu", 0 - (uint64_t)value);
    put_text(sink, text, length, spec);
}

// The part between '%' and the conversion; returns the conversion's place.
static const char *parse_spec(const char *at, struct spec *spec)
{
    *spec = (struct spec){ .pad = ' ' };
    for (; *at == '-' || *at == '0'; at++) {
        spec->left |= *at == '-';
        spec->pad = (char)(*at == '0' ? '0' : spec->pad);
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        spec->width = spec->width * 10 + (unsigned)(*at - '0');
    }
    for (; *at == 'l' || *at == 'z'; at++) {
        spec->longs++;
    }
    return at;
}

// A va_list inside a structure, so that its address can be handed on.
struct arguments {
    va_list list;
};

static uint64_t take_unsigned(struct arguments *arguments, struct spec spec)
{
    return spec.longs ? va_arg(arguments->list, uint64_t) : va_arg(arguments->list, unsigned);
}

static int64_t take_signed(struct arguments *arguments, struct spec spec)
{
    return spec.longs ? va_arg(arguments->list, int64_t) : va_arg(arguments->list, int);
}

static void put_string(struct rt_sink *sink, const char *text, struct spec spec)
{
    text = text ? text : "(null)";
    put_text(sink, text, strlen(text), spec);
}

static void put_pointer(struct rt_sink *sink, uint64_t value, struct spec spec)
{
    put_text(sink, "0x", 2, (struct spec){ .pad = ' ' });
    put_number(sink, value, 16, spec);
}

static void put_conversion(struct rt_sink *sink, char conversion, struct spec spec,
                           struct arguments *arguments)
{
    switch (conversion) {
    case 'd':
    case 'i': put_signed(sink, take_signed(arguments, spec), spec); return;
    case 'u': put_number(sink, take_unsigned(arguments, spec), 10, spec); return;
    case 'x': put_number(sink, take_unsigned(arguments, spec), 16, spec); return;
    case 'p': put_pointer(sink, va_arg(arguments->list, uint64_t), spec); return;
    case 's': put_string(sink, va_arg(arguments->list, const char *), spec); return;
    case 'c': sink->put(sink, (char)va_arg(arguments->list, int)); return;
    case '%': sink->put(sink, '%'); return;
    default:
        sink->put(sink, '%');
        sink->put(sink, conversion);
        return;
    }
}

void rt_vprint_to(struct rt_sink *sink, const char *format, va_list list)
{
    struct arguments arguments;
    va_copy(arguments.list, list);
    for (; *format; format++) {
        struct spec spec;
        if (*format != '%') {
            sink->put(sink, *format);
            continue;
        }
        format = parse_spec(format + 1, &spec);
        if (*format == '\0') {
            break;
        }
        put_conversion(sink, *format, spec, &arguments);
    }
    va_end(arguments.list);
}

void rt_print_to(struct rt_sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rt_vprint_to(sink, format, arguments);
    va_end(arguments);
}

// ---- the program's own sink --------------------------------------------------------------------
static void debug_put(struct rt_sink *sink, char c)
{
    (void)sink;
    rt_ignore(rt_debug_putc(c));  // a release kernel has none: the text is lost
}

static struct rt_sink debug_sink = { .put = debug_put };
static struct rt_sink *own_sink = &debug_sink;

void rt_print_sink_set(struct rt_sink *sink)
{
    own_sink = sink ? sink : &debug_sink;
}

struct rt_sink *rt_print_sink(void)
{
    return own_sink;
}

void rt_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rt_vprint_to(own_sink, format, arguments);
    va_end(arguments);
}

// ---- into memory -------------------------------------------------------------------------------
struct text_sink {
    struct rt_sink sink;  // first
    char *text;
    size_t bytes, length;
};

static void text_put(struct rt_sink *sink, char c)
{
    struct text_sink *to = (struct text_sink *)(void *)sink;
    if (to->length + 1 < to->bytes) {
        to->text[to->length] = c;
    }
    to->length++;
}

size_t rt_format(char *text, size_t bytes, const char *format, ...)
{
    struct text_sink to = { { text_put }, text, bytes, 0 };
    va_list arguments;
    va_start(arguments, format);
    rt_vprint_to(&to.sink, format, arguments);
    va_end(arguments);
    if (bytes) {
        text[to.length < bytes ? to.length : bytes - 1] = '\0';
    }
    return to.length;
}
