// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The line discipline of a terminal (termios(3)): what becomes of a byte that is typed and of one
// that is written.  Pure functions over what is in the structure; terminal.c calls them.
#pragma once

#include "types.h"

#define LINE_INPUT  4096u  // bytes typed and not yet read
#define LINE_OUTPUT 4096u  // bytes written and not yet taken
#define LINE_ECHO   512u   // of these, kept free for echoes by those who write

// c_iflag
#define ISTRIP  0x0020u
#define INLCR   0x0040u
#define IGNCR   0x0080u
#define ICRNL   0x0100u
#define IXON    0x0400u
#define IXANY   0x0800u
#define IMAXBEL 0x2000u
#define IUTF8   0x4000u
// c_oflag
#define OPOST  0x0001u
#define ONLCR  0x0004u
#define OCRNL  0x0008u
#define ONOCR  0x0010u
#define ONLRET 0x0020u
#define XTABS  0x1800u
// c_cflag: 38,400 baud, 8 bits, receiver on, hang up on last close
#define CBAUD         0x100fu
#define CONTROL_USUAL 0x04bfu
#define HUPCL         0x0400u
// c_lflag
#define ISIG    0x0001u
#define ICANON  0x0002u
#define ECHO    0x0008u
#define ECHOE   0x0010u
#define ECHOK   0x0020u
#define ECHONL  0x0040u
#define NOFLSH  0x0080u
#define TOSTOP  0x0100u
#define ECHOCTL 0x0200u
#define ECHOKE  0x0800u
#define IEXTEN  0x8000u

// Characters with a meaning; 0: none has it.
enum line_character {
    VINTR,
    VQUIT,
    VERASE,
    VKILL,
    VEOF,
    VTIME,
    VMIN,
    VSWTC,
    VSTART,
    VSTOP,
    VSUSP,
    VEOL,
    VREPRINT,
    VDISCARD,
    VWERASE,
    VLNEXT,
    VEOL2,
    LINE_CHARACTERS = 19
};

// As TCGETS gives it.
struct termios {
    uint32_t input, output, control, local;
    uint8_t line;
    uint8_t is[LINE_CHARACTERS];
};
_Static_assert(sizeof(struct termios) == 36, "struct termios of the kernel");

struct line {
    struct termios set;
    // Counts of bytes; the rings have their remainders.
    uint32_t begin, complete, end;  // of what is typed; up to `complete` it can be read as lines
    uint32_t sent, written;         // of what is written
    uint32_t column;                // of the cursor
    uint32_t start;                 // column where the line that is being typed begins
    bool literal;                   // the next character has no meaning
    bool stopped;                   // VSTOP or TCXONC: nothing is sent
    uint8_t input[LINE_INPUT];
    uint8_t ends[LINE_INPUT / 8];  // bits: the byte ends a line; one that is 0 is the end of file
    uint8_t output[LINE_OUTPUT];
};

// Settings as a new terminal has them, and nothing in it.
void line_init(struct line *line);
// Change the settings; what is typed already can be read in the new mode.
void line_set(struct line *line, const struct termios *to);

// How many bytes may be typed now.
uint32_t line_room(const struct line *line);
// A byte is typed: the signal that it stands for, or 0.
unsigned line_type(struct line *line, uint8_t byte);
// Bytes that could be read at once; in canonical mode, of complete lines.
uint32_t line_readable(const struct line *line);
// Whether a read finds something; an end of file is something too.
bool line_has(const struct line *line);
// Take what was typed: in canonical mode one line at most, whose end is told; else all.
uint32_t line_read(struct line *line, uint8_t *to, uint32_t most, bool *ended);

// How many bytes may be written now, whatever becomes of them; none while it is stopped.
uint32_t line_write_room(const struct line *line);
// Write that many at most.
void line_write(struct line *line, const uint8_t *from, uint32_t bytes);
// Bytes that wait to be sent, and taking them; none while it is stopped.
uint32_t line_pending(const struct line *line);
uint32_t line_take(struct line *line, uint8_t *to, uint32_t most);

void line_flush_input(struct line *line);
void line_flush_output(struct line *line);
