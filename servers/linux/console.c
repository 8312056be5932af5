// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The terminal outside, the streams that stand in its place, and the control port.
#include "console.h"

#include "port.h"
#include "trace.h"

#include <rt/component.h>
#include <rt/print.h>
#include <rt/string.h>

#define INPUT_BYTES 4096u
#define PIECE       256u
#define LINE_BYTES  64u  // of the control port
#define FRAME_BYTES 20u  // the line in front of what goes to standard error
#define SAID_BYTES  512u
#define NEVER       UINT64_MAX

static struct terminal terminal;
static struct port line, control;
static uint32_t options;
static uint64_t input_end;  // bytes that come in all, where that is known
static bool left;           // nobody is there any more

// Standard input where that is no terminal.
static struct {
    uint32_t taken, put;
    uint8_t ring[INPUT_BYTES];
    struct waitlist waits;
} input;
static struct waitlist output_waits;  // for room on either port

static uint8_t told[LINE_BYTES];  // a line of the control port
static uint32_t told_count;

static bool is_input_terminal(void)
{
    return options & COMMAND_INPUT_TERMINAL;
}

// ---- the first port ----------------------------------------------------------------------------

static uint32_t line_more(struct port *port, uint8_t *to, uint32_t most)
{
    (void)port;
    return terminal_take(&terminal, to, most);
}

static uint32_t line_in_room(struct port *port)
{
    (void)port;
    return is_input_terminal() ? line_room(&terminal.line)
                               : INPUT_BYTES - (input.put - input.taken);
}

// The end comes with the last byte, or by the control port when that has come already.
static void input_check_end(void)
{
    if (line.received < input_end || left) {
        return;
    }
    left = true;
    if (is_input_terminal()) {
        terminal_hangup(&terminal);
    }
    waitlist_wake(&input.waits);
}

static void line_came(struct port *port, const uint8_t *from, uint32_t bytes)
{
    (void)port;
    if (is_input_terminal()) {
        (void)terminal_type(&terminal, from, bytes);
    } else {
        for (uint32_t i = 0; i < bytes; i++) {
            input.ring[input.put++ % INPUT_BYTES] = from[i];
        }
        waitlist_wake(&input.waits);
    }
    input_check_end();
}

// What is typed is echoed while bytes are exchanged, which then goes on anyway.
static bool exchanging;

// The control port comes first: outside, CONTROL_BEGIN on the other one says that both drivers have
// begun, and what is sent to one before it has is lost.
static void exchange(void)
{
    if (exchanging) {
        return;
    }
    exchanging = true;
    uint32_t room = port_room(&line) + port_room(&control);
    port_exchange(&control);
    port_exchange(&line);
    exchanging = false;
    if (port_room(&line) + port_room(&control) > room) {
        waitlist_wake(&output_waits);
    }
}

static void terminal_moves(struct terminal *which)
{
    (void)which;
    exchange();
}

static bool terminal_is_sent(const struct terminal *which)
{
    return line_pending(&which->line) == 0 && line.put == line.sent;
}

static const struct terminal_ops terminal_moved = { .written = terminal_moves,
                                                    .read = terminal_moves,
                                                    .sent = terminal_is_sent };

struct terminal *console_terminal(void)
{
    return &terminal;
}

// ---- the control port --------------------------------------------------------------------------

static uint32_t control_room(struct port *port)
{
    (void)port;
    return LINE_BYTES;
}

// A number behind a space, and what follows it; NULL: there is none.
static const char *number_read(const char *at, uint64_t *number)
{
    if (*at++ != ' ' || *at < '0' || *at > '9') {
        return NULL;
    }
    for (*number = 0; *at >= '0' && *at <= '9'; at++) {
        if (*number > UINT64_MAX / 16) {
            return NULL;
        }
        *number = *number * 10 + (uint64_t)(*at - '0');
    }
    return at;
}

static const char *word_pass(const char *text, const char *word)
{
    size_t bytes = strlen(word);
    return strncmp(text, word, bytes) == 0 ? text + bytes : NULL;
}

static void size_told(const char *at)
{
    uint64_t rows = 0, columns = 0;
    at = number_read(at, &rows);
    if (at && number_read(at, &columns) && rows <= UINT16_MAX && columns <= UINT16_MAX) {
        const struct winsize size = { .rows = (uint16_t)rows, .columns = (uint16_t)columns };
        terminal_resize(&terminal, &size);
    }
}

static void line_told(const char *text)
{
    const char *at;
    if ((at = word_pass(text, "size")) != NULL) {
        size_told(at);
    } else if ((at = word_pass(text, "end")) != NULL && number_read(at, &input_end)) {
        input_check_end();
    } else if (word_pass(text, "hangup")) {
        input_end = 0;
        input_check_end();
    }
}

// A line that is too long is none.
static void control_came(struct port *port, const uint8_t *from, uint32_t bytes)
{
    (void)port;
    for (uint32_t i = 0; i < bytes; i++) {
        if (from[i] != '\n') {
            if (told_count < LINE_BYTES) {
                told[told_count] = from[i];
            }
            told_count += told_count < LINE_BYTES;
            continue;
        }
        if (told_count < LINE_BYTES) {
            told[told_count] = '\0';
            line_told((const char *)told);
        }
        told_count = 0;
    }
}

void console_notified(uint64_t bits)
{
    if (bits & (line.signal | control.signal)) {
        exchange();
    }
}

// ---- streams -----------------------------------------------------------------------------------

static int64_t input_give(struct io *io)
{
    int64_t done = 0;
    while (io->left && input.taken != input.put) {
        uint8_t piece[PIECE];
        uint32_t bytes = 0;
        while (bytes < PIECE && bytes < io->left && input.taken != input.put) {
            piece[bytes++] = input.ring[input.taken++ % INPUT_BYTES];
        }
        int64_t given = io_give(io, piece, bytes);
        if (given < 0) {
            return done ? done : given;
        }
        done += given;
    }
    exchange();
    return done;
}

static int64_t input_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    if (input.taken == input.put && !left) {
        exchange();
    }
    if (input.taken != input.put || left || io->left == 0) {
        return input_give(io);
    }
    return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &input.waits);
}

// `state` is the port: standard output, or standard error as frames.
static uint32_t stream_room(const struct file *file)
{
    const struct port *port = file->state;
    uint32_t room = port_room(port);
    if (port == &control) {
        return room > FRAME_BYTES ? room - FRAME_BYTES : 0;
    }
    return room;
}

static void stream_put(struct port *port, const void *from, uint32_t bytes)
{
    if (port == &control) {
        char frame[FRAME_BYTES];
        size_t length = rt_format(frame, sizeof(frame), "error %u\n", bytes);
        (void)port_put(port, frame, (uint32_t)length);
    }
    (void)port_put(port, from, bytes);
}

static int64_t output_take(const struct file *file, struct io *io)
{
    int64_t done = 0;
    for (;;) {
        uint8_t piece[PIECE];
        uint64_t room = stream_room(file), most = io->left < PIECE ? io->left : PIECE;
        most = most < room ? most : room;
        int64_t taken = most ? io_take(io, piece, most) : 0;
        if (taken <= 0) {
            return done ? done : taken;
        }
        stream_put(file->state, piece, (uint32_t)taken);
        exchange();
        done += taken;
    }
}

// call.done is what earlier attempts have written; others in the server get what had room.
static int64_t output_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    uint64_t done = io->task && task->call.again ? task->call.done : 0;
    for (uint64_t pass = done; pass;) {
        uint8_t piece[PIECE];
        int64_t taken = io_take(io, piece, pass < PIECE ? pass : PIECE);
        if (taken <= 0) {
            return (int64_t)done;
        }
        pass -= (uint64_t)taken;
    }
    int64_t now = output_take(file, io);
    if (now < 0) {
        return done ? (int64_t)done : now;
    }
    done += (uint64_t)now;
    if (io->left == 0 || (done && (!io->task || file->flags & O_NONBLOCK))) {
        return (int64_t)done;
    }
    if (file->flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    if (io->task) {
        task->call.done = done;
    }
    return wait_on(task, &output_waits);
}

static uint32_t input_ready(struct file *file)
{
    (void)file;
    uint32_t ready = input.taken != input.put ? POLLIN | POLLRDNORM : 0;
    return left ? ready | POLLHUP : ready;
}

static uint32_t output_ready(struct file *file)
{
    return stream_room(file) ? POLLOUT | POLLWRNORM : 0;
}

static struct waitlist *input_waits(struct file *file)
{
    (void)file;
    return &input.waits;
}

static struct waitlist *output_waits_of(struct file *file)
{
    (void)file;
    return &output_waits;
}

static int64_t input_ioctl(struct task *task, struct file *file, uint32_t request,
                           uint64_t argument)
{
    (void)file;
    uint32_t bytes = input.put - input.taken;
    return request == 0x541b /* FIONREAD */ ? user_write(task, argument, &bytes, sizeof(bytes))
                                            : -ENOTTY;
}

static const struct file_ops input_ops = {
    .read = input_read, .ready = input_ready, .waits = input_waits, .ioctl = input_ioctl
};
static const struct file_ops output_ops = { .write = output_write,
                                            .ready = output_ready,
                                            .waits = output_waits_of };

// ---- standard files ----------------------------------------------------------------------------

static struct file *stream_file(unsigned fd)
{
    if (fd == 0) {
        return file_new_unnamed(&input_ops, "pipe:[%u]", S_IFIFO | 0600, O_RDONLY, NULL);
    }
    struct port *port = fd == 2 && control.console ? &control : &line;
    return file_new_unnamed(&output_ops, "pipe:[%u]", S_IFIFO | 0600, O_WRONLY, port);
}

// By its name where there is one, which programs look for.
static struct file *terminal_file(struct task *task)
{
    struct path_result found;
    struct file *file = NULL;
    if (path_find(task, AT_FDCWD, "/dev/console", PATH_FOLLOW, &found) == 0) {
        (void)terminal_open_as(task, found.at, O_RDWR, &terminal, &file);
        return file;
    }
    file = file_new_unnamed(&terminal_file_ops, "/dev/console", S_IFCHR | 0600, O_RDWR, &terminal);
    if (file) {
        file->offset = terminal.hangups;
        terminal.opens++;
    }
    return file;
}

static void files_give(struct task *task)
{
    static const uint32_t terminals[] = { COMMAND_INPUT_TERMINAL, COMMAND_OUTPUT_TERMINAL,
                                          COMMAND_ERROR_TERMINAL };
    struct file *shared = NULL;
    for (unsigned fd = 0; fd < 3; fd++) {
        struct file *file = NULL;
        if (!(options & terminals[fd])) {
            file = stream_file(fd);
        } else if (shared) {
            file = shared;
            file_get(file);
        } else {
            file = shared = terminal_file(task);
        }
        if (file) {
            (void)file_install(task, file, 0, false);
        }
    }
}

static void ports_open(void)
{
    memset(&line, 0, sizeof(line));
    memset(&control, 0, sizeof(control));
    line.more = line_more;
    line.room = line_in_room;
    line.came = line_came;
    control.room = control_room;
    control.came = control_came;
    port_open(&line, "console", "uart.changed");
    port_open(&control, "control", "control.changed");
}

void console_open(void)
{
    static const uint8_t begin = CONTROL_BEGIN;
    waitlist_init(&input.waits);
    waitlist_init(&output_waits);
    terminal_init(&terminal, &terminal_moved, NULL, DEVICE_CONSOLE);
    input_end = NEVER;
    left = false;
    input.taken = input.put = told_count = 0;
    ports_open();
    (void)port_put(&line, &begin, 1);
}

void console_start(struct task *task, const struct command *command)
{
    options = command->options;
    terminal.size = (struct winsize){ .rows = command->rows, .columns = command->columns };
    if (is_input_terminal()) {
        terminal_control(&terminal, task->process);
    }
    files_give(task);
    exchange();
}

// ---- saying and ending -------------------------------------------------------------------------

void console_tell(const char *text, uint64_t bytes)
{
    struct port *port = control.console ? &control : &line;
    for (uint64_t at = 0; at < bytes;) {
        uint32_t count = bytes - at < PIECE ? (uint32_t)(bytes - at) : PIECE;
        if (port_room(port) < count + FRAME_BYTES) {
            port_drain(port);
        }
        stream_put(port, text + at, count);
        at += count;
    }
    exchange();
}

bool trace_calls;

void trace_line(const char *text, uint64_t bytes)
{
    console_tell(text, bytes);
}

struct say_sink {
    struct rt_sink sink;
    char text[SAID_BYTES];
    size_t length;
};

static void say_put(struct rt_sink *sink, char byte)
{
    struct say_sink *say = (struct say_sink *)(void *)sink;
    if (say->length < sizeof(say->text)) {
        say->text[say->length++] = byte;
    }
}

void console_say(const char *format, ...)
{
    struct say_sink say = { .sink = { say_put } };
    va_list list;
    va_start(list, format);
    rt_vprint_to(&say.sink, format, list);
    va_end(list);
    console_tell(say.text, say.length);
}

void console_end(unsigned status)
{
    char text[FRAME_BYTES];
    terminal.line.stopped = false;
    port_drain(&line);
    size_t length = rt_format(text, sizeof(text), "exit %u\n", status & 0xff);
    if (port_room(&control) < length) {
        port_drain(&control);
    }
    (void)port_put(&control, text, (uint32_t)length);
    port_drain(&control);
}

void console_panicked(void)
{
    const struct component_words *words =
        // NOLINTNEXTLINE(performance-no-int-to-ptr): that is where they are
        (const struct component_words *)component_info()->words;
    char text[SAID_BYTES];
    uint64_t bytes = words->written < sizeof(text) ? words->written : sizeof(text);
    for (uint64_t i = 0; i < bytes; i++) {
        text[i] = words->text[(words->written - bytes + i) % COMPONENT_WORDS_TEXT];
    }
    struct port *port = control.console ? &control : &line;
    port_drain(port);
    stream_put(port, text, (uint32_t)bytes);
    port_drain(port);
}
