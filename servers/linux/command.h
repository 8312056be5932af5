// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What `./pith run` tells the server: two modules of the boot image, and lines on a second serial
// port.  Written by tools/pithlib/command.py, which has the same numbers.
//
// The module MODULE_ROOT is the root of all files: a cpio archive ("newc") in which the data of
// each file begins at a page (tools/rootfs.py).  The module MODULE_COMMAND is a struct
// command_header and behind it strings, each with its zero: the working directory, the arguments,
// the environment.
//
// The first serial port is the terminal, or what stands in its place: standard input and output.
// What the server writes there begins with CONTROL_BEGIN, so that what others said before is not
// taken for output; both ports' drivers have begun then, and lose nothing that is sent to them. The
// second one, the control port, has lines, each with a line feed:
//   to the server     "size ROWS COLUMNS"  of the terminal, which has changed
//                     "end BYTES"          input ends once that many have come on the first port
//                     "hangup"             nobody reads any more
//   from the server   "error BYTES"        so many bytes follow, for standard error
//                     "exit STATUS"        0 to 255: of the program; power-off follows
// Numbers are decimal.  Others than these are to be ignored.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MODULE_ROOT    "rootfs"
#define MODULE_COMMAND "command"

#define COMMAND_MAGIC 0x31646d6368746970ull  // "pithcmd1", little endian
#define COMMAND_BYTES (2u << 20)             // of the module, at most

// Options.  What is no terminal there is none here either: a stream of bytes.
#define COMMAND_INPUT_TERMINAL  1u
#define COMMAND_OUTPUT_TERMINAL 2u
#define COMMAND_ERROR_TERMINAL  4u
#define COMMAND_STRACE          8u  // tell each system call on standard error

#define CONTROL_BEGIN 0x02

struct command_header {
    uint64_t magic;
    uint32_t options;
    uint32_t arguments;      // count
    uint32_t environment;    // count
    uint32_t bytes;          // of the strings, the directory's too
    uint16_t rows, columns;  // of the terminal; 0: not known
    uint32_t reserved;
    int64_t seconds;  // of the realtime clock, when the machine was started
};
_Static_assert(sizeof(struct command_header) == 40, "as tools/pithlib/command.py writes it");

// The module, checked.
struct command {
    uint32_t options;
    uint32_t arguments, environment;
    uint16_t rows, columns;
    int64_t seconds;
    const char *directory;
    const char *first_argument;  // the others follow, each behind the zero of the one before
    const char *first_environment;
};

// Whether the module is one, of whole strings: then what it says.
bool command_read(struct command *command, const void *module, uint64_t bytes);
// The string behind one.
const char *command_next(const char *string);
// The value of a variable of the environment, or NULL.
const char *command_variable(const struct command *command, const char *name);
// The path to try in the n-th place, from 0, for the program: its first argument where that has a
// slash, else that in a directory of PATH; empty where that does not fit.  False: there is none.
bool command_path(const struct command *command, unsigned n, char *to, uint64_t bytes);
