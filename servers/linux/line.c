// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The line discipline.  An echo for which there is no room is lost, as nobody could wait for it;
// those who write leave LINE_ECHO bytes free, so this takes a screen that does not move and a long
// line.
#include "line.h"

#include <rt/string.h>

#define BELL      0x07u
#define BACKSPACE 0x08u
#define DELETE    0x7fu
#define TAB       8u  // columns

static const struct termios usual = {
    .input = ICRNL | IXON | IUTF8,
    .output = OPOST | ONLCR,
    .control = CONTROL_USUAL,
    .local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .is = { [VINTR] = 'C' - '@',
            [VQUIT] = '\\' - '@',
            [VERASE] = DELETE,
            [VKILL] = 'U' - '@',
            [VEOF] = 'D' - '@',
            [VMIN] = 1,
            [VSTART] = 'Q' - '@',
            [VSTOP] = 'S' - '@',
            [VSUSP] = 'Z' - '@',
            [VREPRINT] = 'R' - '@',
            [VDISCARD] = 'O' - '@',
            [VWERASE] = 'W' - '@',
            [VLNEXT] = 'V' - '@' },
};

void line_init(struct line *line)
{
    memset(line, 0, sizeof(*line));
    line->set = usual;
}

static bool input_has(const struct line *line, uint32_t flag)
{
    return line->set.input & flag;
}

static bool local_has(const struct line *line, uint32_t flag)
{
    return line->set.local & flag;
}

static bool is_character(const struct line *line, uint8_t byte, enum line_character which)
{
    return byte && byte == line->set.is[which];
}

static bool is_control(uint8_t byte)
{
    return byte < ' ' || byte == DELETE;
}

// The second and later bytes of a character have no column of their own.
static bool is_continuation(const struct line *line, uint8_t byte)
{
    return input_has(line, IUTF8) && (byte & 0xc0) == 0x80;
}

// ---- what is sent ------------------------------------------------------------------------------

static uint32_t output_room(const struct line *line)
{
    return LINE_OUTPUT - (line->written - line->sent);
}

static void output_put(struct line *line, uint8_t byte)
{
    if (output_room(line)) {
        line->output[line->written++ % LINE_OUTPUT] = byte;
    }
}

static void output_newline(struct line *line)
{
    if (line->set.output & ONLCR) {
        output_put(line, '\r');
    }
    if (line->set.output & (ONLCR | ONLRET)) {
        line->column = line->start = 0;
    }
    output_put(line, '\n');
}

static void output_return(struct line *line)
{
    if (line->set.output & ONOCR && line->column == 0) {
        return;
    }
    if (line->set.output & OCRNL) {
        output_put(line, '\n');
        if (!(line->set.output & ONLRET)) {
            return;
        }
    } else {
        output_put(line, '\r');
    }
    line->column = line->start = 0;
}

static void output_tab(struct line *line)
{
    uint32_t columns = TAB - line->column % TAB;
    line->column += columns;
    if ((line->set.output & XTABS) != XTABS) {
        output_put(line, '\t');
        return;
    }
    for (; columns; columns--) {
        output_put(line, ' ');
    }
}

// A byte as the settings have it processed.
static void output_byte(struct line *line, uint8_t byte)
{
    if (!(line->set.output & OPOST)) {
        output_put(line, byte);
    } else if (byte == '\n') {
        output_newline(line);
    } else if (byte == '\r') {
        output_return(line);
    } else if (byte == '\t') {
        output_tab(line);
    } else {
        if (byte == BACKSPACE) {
            line->column -= line->column > 0;
        } else if (!is_control(byte) && !is_continuation(line, byte)) {
            line->column++;
        }
        output_put(line, byte);
    }
}

// The most that a byte may become.
static uint32_t output_growth(const struct line *line)
{
    if (!(line->set.output & OPOST)) {
        return 1;
    }
    return (line->set.output & XTABS) == XTABS ? TAB : 2;
}

uint32_t line_write_room(const struct line *line)
{
    if (line->stopped) {
        return 0;
    }
    uint32_t room = output_room(line);
    return room > LINE_ECHO ? (room - LINE_ECHO) / output_growth(line) : 0;
}

void line_write(struct line *line, const uint8_t *from, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        output_byte(line, from[i]);
    }
}

uint32_t line_pending(const struct line *line)
{
    return line->written - line->sent;
}

uint32_t line_take(struct line *line, uint8_t *to, uint32_t most)
{
    uint32_t bytes = 0;
    while (!line->stopped && bytes < most && line->sent != line->written) {
        to[bytes++] = line->output[line->sent++ % LINE_OUTPUT];
    }
    return bytes;
}

void line_flush_output(struct line *line)
{
    line->sent = line->written;
}

// ---- what is typed -----------------------------------------------------------------------------

static uint8_t input_at(const struct line *line, uint32_t at)
{
    return line->input[at % LINE_INPUT];
}

static bool ends_at(const struct line *line, uint32_t at)
{
    at %= LINE_INPUT;
    return line->ends[at / 8] >> at % 8 & 1;
}

static void ends_set(struct line *line, uint32_t at, bool ends)
{
    at %= LINE_INPUT;
    uint8_t bit = (uint8_t)(1u << at % 8);
    line->ends[at / 8] = (uint8_t)(ends ? line->ends[at / 8] | bit : line->ends[at / 8] & ~bit);
}

static uint32_t input_count(const struct line *line)
{
    return line->end - line->begin;
}

// The last place is kept for the end of a line.
static bool input_put(struct line *line, uint8_t byte, bool ends)
{
    uint32_t most = local_has(line, ICANON) && !ends ? LINE_INPUT - 1 : LINE_INPUT;
    if (input_count(line) >= most) {
        return false;
    }
    ends_set(line, line->end, ends);
    line->input[line->end++ % LINE_INPUT] = byte;
    if (ends) {
        line->complete = line->end;
    }
    return true;
}

// A line that is too long must not keep its end from being typed.
uint32_t line_room(const struct line *line)
{
    uint32_t room = LINE_INPUT - input_count(line);
    bool reads = !local_has(line, ICANON) || line->complete != line->begin;
    return room > 1 || reads ? room : 1;
}

void line_flush_input(struct line *line)
{
    line->begin = line->complete = line->end;
    line->literal = false;
}

void line_set(struct line *line, const struct termios *to)
{
    bool toggled = (line->set.local ^ to->local) & ICANON;
    line->set = *to;
    if (!(to->input & IXON)) {
        line->stopped = false;
    }
    if (!toggled) {
        return;
    }
    memset(line->ends, 0, sizeof(line->ends));
    line->complete = line->begin;
    line->literal = false;
    if (to->local & ICANON && line->begin != line->end) {
        ends_set(line, line->end - 1, true);
        line->complete = line->end;
    }
}

// ---- echoes ------------------------------------------------------------------------------------

// Control characters are shown as ^X.
static void echo_byte(struct line *line, uint8_t byte)
{
    if (local_has(line, ECHOCTL) && is_control(byte) && byte != '\t') {
        output_put(line, '^');
        output_put(line, byte ^ 0x40);
        line->column += 2;
    } else {
        output_byte(line, byte);
    }
}

static void echo_if(struct line *line, uint8_t byte)
{
    if (local_has(line, ECHO)) {
        echo_byte(line, byte);
    }
}

static void echo_back(struct line *line)
{
    output_byte(line, BACKSPACE);
    output_byte(line, ' ');
    output_byte(line, BACKSPACE);
}

// How many columns the tab that stood at `at` took: what is in front of it, back to another tab or
// the beginning of the line, says where it was.
static uint32_t tab_columns(const struct line *line, uint32_t at)
{
    uint32_t before = 0;
    while (at != line->complete) {
        uint8_t byte = input_at(line, --at);
        if (byte == '\t') {
            return TAB - before % TAB;
        }
        if (is_control(byte)) {
            before += local_has(line, ECHOCTL) ? 2 : 0;
        } else if (!is_continuation(line, byte)) {
            before++;
        }
    }
    return TAB - (before + line->start) % TAB;
}

static void echo_erased(struct line *line, uint8_t byte)
{
    if (byte == '\t') {
        for (uint32_t columns = tab_columns(line, line->end); columns; columns--) {
            output_byte(line, BACKSPACE);
        }
        return;
    }
    if (is_control(byte) && local_has(line, ECHOCTL)) {
        echo_back(line);
    }
    if (!is_control(byte) || local_has(line, ECHOCTL)) {
        echo_back(line);
    }
}

// ---- editing -----------------------------------------------------------------------------------

// Where the last character begins; its first byte may be missing.
static uint32_t character_last(const struct line *line)
{
    uint32_t at = line->end - 1;
    while (at != line->complete && is_continuation(line, input_at(line, at))) {
        at--;
    }
    return at;
}

static bool is_word(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           byte == '_' || byte >= 0x80;
}

static void character_erase(struct line *line, uint32_t at, bool shows_key)
{
    uint8_t byte = input_at(line, at);
    line->end = at;
    if (!local_has(line, ECHO)) {
        return;
    }
    if (shows_key) {
        echo_byte(line, line->set.is[VERASE]);
    } else {
        echo_erased(line, byte);
    }
}

static void word_erase(struct line *line)
{
    bool found = false;
    while (line->end != line->complete) {
        uint32_t at = character_last(line);
        bool word = is_word(input_at(line, at));
        if (found && !word) {
            return;
        }
        found = word;
        character_erase(line, at, false);
    }
}

static void line_kill(struct line *line)
{
    if (local_has(line, ECHO) &&
        (line->set.local & (ECHOK | ECHOKE | ECHOE)) != (ECHOK | ECHOKE | ECHOE)) {
        line->end = line->complete;
        echo_byte(line, line->set.is[VKILL]);
        if (local_has(line, ECHOK)) {
            output_byte(line, '\n');
        }
        return;
    }
    while (line->end != line->complete) {
        character_erase(line, character_last(line), false);
    }
}

// Show the line that is being typed once more.
static void line_reprint(struct line *line)
{
    echo_byte(line, line->set.is[VREPRINT]);
    output_byte(line, '\n');
    for (uint32_t at = line->complete; at != line->end; at++) {
        echo_byte(line, input_at(line, at));
    }
}

// One of the keys that change the line that is being typed.
static bool line_edit(struct line *line, uint8_t byte)
{
    bool extended = local_has(line, IEXTEN), any = line->end != line->complete;
    if (is_character(line, byte, VERASE)) {
        if (any) {
            character_erase(line, character_last(line), !local_has(line, ECHOE));
        }
    } else if (is_character(line, byte, VKILL)) {
        if (any) {
            line_kill(line);
        }
    } else if (extended && is_character(line, byte, VWERASE)) {
        word_erase(line);
    } else if (extended && local_has(line, ECHO) && is_character(line, byte, VREPRINT)) {
        line_reprint(line);
    } else {
        return false;
    }
    return true;
}

// What ends a line: false: something else.
static bool line_finish(struct line *line, uint8_t byte)
{
    if (byte == '\n') {
        if (input_put(line, byte, true) && local_has(line, ECHO | ECHONL)) {
            output_byte(line, '\n');
        }
    } else if (is_character(line, byte, VEOF)) {
        (void)input_put(line, '\0', true);
    } else if (is_character(line, byte, VEOL) ||
               (local_has(line, IEXTEN) && is_character(line, byte, VEOL2))) {
        if (input_put(line, byte, true)) {
            echo_if(line, byte);
        }
    } else {
        return false;
    }
    return true;
}

// ---- keys --------------------------------------------------------------------------------------

// Those that stop what is sent and let it go on.
static bool key_flow(struct line *line, uint8_t byte)
{
    if (!input_has(line, IXON)) {
        return false;
    }
    if (is_character(line, byte, VSTART)) {
        line->stopped = false;
    } else if (is_character(line, byte, VSTOP)) {
        line->stopped = true;
    } else {
        line->stopped = line->stopped && !input_has(line, IXANY);
        return false;
    }
    return true;
}

static unsigned key_signal(struct line *line, uint8_t byte)
{
    unsigned signal = is_character(line, byte, VINTR)   ? SIGINT
                      : is_character(line, byte, VQUIT) ? SIGQUIT
                      : is_character(line, byte, VSUSP) ? SIGTSTP
                                                        : 0;
    if (!signal || !local_has(line, ISIG)) {
        return 0;
    }
    if (!local_has(line, NOFLSH)) {
        line_flush_input(line);
        line_flush_output(line);
    }
    line->stopped = line->stopped && !input_has(line, IXON);
    echo_if(line, byte);
    return signal;
}

// Returns and line feeds as the settings exchange them; false: to be ignored.
static bool key_translate(const struct line *line, uint8_t *byte)
{
    if (*byte == '\r') {
        if (input_has(line, IGNCR)) {
            return false;
        }
        *byte = input_has(line, ICRNL) ? '\n' : '\r';
    } else if (*byte == '\n' && input_has(line, INLCR)) {
        *byte = '\r';
    }
    return true;
}

// A character that means itself.
static void key_put(struct line *line, uint8_t byte)
{
    if (line->end == line->complete) {
        line->start = line->column;
    }
    if (input_put(line, byte, false)) {
        echo_if(line, byte);
    } else if (input_has(line, IMAXBEL)) {
        output_put(line, BELL);
    }
}

static bool key_literal(struct line *line, uint8_t byte)
{
    if (!local_has(line, IEXTEN) || !is_character(line, byte, VLNEXT)) {
        return false;
    }
    line->literal = true;
    if (local_has(line, ECHO) && local_has(line, ECHOCTL)) {
        output_put(line, '^');
        output_put(line, BACKSPACE);
    }
    return true;
}

unsigned line_type(struct line *line, uint8_t byte)
{
    if (input_has(line, ISTRIP)) {
        byte &= 0x7f;
    }
    if (line->literal) {
        line->literal = false;
        key_put(line, byte);
        return 0;
    }
    if (key_flow(line, byte)) {
        return 0;
    }
    unsigned signal = key_signal(line, byte);
    if (signal || !key_translate(line, &byte)) {
        return signal;
    }
    if (local_has(line, ICANON) &&
        (line_edit(line, byte) || key_literal(line, byte) || line_finish(line, byte))) {
        return 0;
    }
    key_put(line, byte);
    return 0;
}

// ---- reading -----------------------------------------------------------------------------------

uint32_t line_readable(const struct line *line)
{
    if (!local_has(line, ICANON)) {
        return input_count(line);
    }
    uint32_t bytes = 0;
    for (uint32_t at = line->begin; at != line->complete; at++) {
        bytes += !ends_at(line, at) || input_at(line, at);
    }
    return bytes;
}

bool line_has(const struct line *line)
{
    return (local_has(line, ICANON) ? line->complete : line->end) != line->begin;
}

static uint32_t line_read_raw(struct line *line, uint8_t *to, uint32_t most)
{
    uint32_t bytes = 0;
    while (bytes < most && line->begin != line->end) {
        to[bytes++] = line->input[line->begin++ % LINE_INPUT];
    }
    line->complete = line->begin;
    return bytes;
}

// An end of file behind the last byte that fits is taken with it, or the next read would find a
// second end.
uint32_t line_read(struct line *line, uint8_t *to, uint32_t most, bool *ended)
{
    *ended = false;
    if (!local_has(line, ICANON)) {
        return line_read_raw(line, to, most);
    }
    uint32_t bytes = 0;
    while (!*ended && line->begin != line->complete) {
        uint8_t byte = input_at(line, line->begin);
        *ended = ends_at(line, line->begin);
        bool is_end_of_file = *ended && !byte;
        if (bytes == most && !is_end_of_file) {
            *ended = false;
            break;
        }
        line->begin++;
        if (!is_end_of_file) {
            to[bytes++] = byte;
        }
    }
    return bytes;
}
