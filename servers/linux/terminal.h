// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Terminals: the console (console.h) and the slaves of pseudo-terminals (pty.h), as processes have
// them open: line discipline, size, control of a session (tty_ioctl(4), credentials(7)).
//
// A terminal that is hung up is hung up for all that have it open then; who opens it afterwards has
// it anew.  file->offset, which nothing else uses, is the count of hang-ups at open.
#pragma once

#include "line.h"
#include "task.h"

// Device numbers, as struct attributes has them.
#define DEVICE_TTY     (5u << 8)  // that which controls the caller's session
#define DEVICE_CONSOLE (5u << 8 | 1u)
#define DEVICE_PTMX    (5u << 8 | 2u)
#define DEVICE_PTS     (136u << 8)  // and the number

struct winsize {
    uint16_t rows, columns, x, y;
};

// What the other side can learn besides what is written (ioctl_tty(2), TIOCPKT).
#define TERMINAL_FLUSH_READ  1u
#define TERMINAL_FLUSH_WRITE 2u
#define TERMINAL_STOP        4u
#define TERMINAL_START       8u
#define TERMINAL_NO_STOP     16u
#define TERMINAL_DO_STOP     32u

// What moves the bytes of a terminal.
struct terminal_ops {
    void (*written)(struct terminal *terminal);  // there is something to be taken, or may be now
    void (*read)(struct terminal *terminal);     // there may be room to type
    // All that was written has arrived where who waits for that thinks it; NULL: once it is taken.
    bool (*sent)(const struct terminal *terminal);
    // A change of those that TIOCPKT tells of (TERMINAL_*); NULL: nobody wants to know.
    void (*told)(struct terminal *terminal, unsigned what);
    bool stays;  // the end of its session's leader leaves it open
    // All files are closed, or one was opened; NULL: nothing to be done.
    void (*closed)(struct terminal *terminal);
    void (*opened)(struct terminal *terminal);
};

struct terminal {
    struct line line;
    const struct terminal_ops *ops;
    void *state;      // of ops
    uint32_t device;  // its number
    struct winsize size;
    uint32_t session;  // that it controls; 0: none
    uint32_t group;    // in the foreground; 0: none
    uint32_t opens;    // files
    uint32_t hangups;
    bool gone;              // nobody is at the other side any more: reading is an error
    bool exclusive;         // TIOCEXCL
    struct waitlist waits;  // for input, room, or that all is sent
};

void terminal_init(struct terminal *terminal, const struct terminal_ops *ops, void *state,
                   uint32_t device);

// Open what a device number stands for; takes over the references to the place.  The terminal comes
// to control the session of a leader without one, unless O_NOCTTY is said.  -ENXIO: there is none.
int64_t terminal_open(struct task *task, struct place place, uint32_t flags, uint32_t device,
                      struct file **file);
// The same for a terminal that is known.
int64_t terminal_open_as(struct task *task, struct place place, uint32_t flags,
                         struct terminal *terminal, struct file **file);
// The terminal of a file that is open; NULL: it is none, or the master of one.
struct terminal *terminal_of(const struct file *file);
extern const struct file_ops terminal_file_ops;

// ---- for what moves the bytes
// Bytes are typed: how many of them had room.
uint64_t terminal_type(struct terminal *terminal, const uint8_t *from, uint64_t bytes);
// Bytes that are to be shown.
uint32_t terminal_take(struct terminal *terminal, uint8_t *to, uint32_t most);
void terminal_resize(struct terminal *terminal, const struct winsize *size);
// Nobody is there any more: its session is told (SIGHUP, SIGCONT) and has no terminal.
void terminal_hangup(struct terminal *terminal);
// The leader of its session has ended.
void terminal_leader_ended(struct terminal *terminal);
// For who is at the other side, where TIOCPKT says so.
void terminal_tell(struct terminal *terminal, unsigned what);
// Something that somebody may wait for has changed.
void terminal_changed(struct terminal *terminal);

// ---- control of a session
// The session of a leader gets it, with the leader's group in the foreground.
void terminal_control(struct terminal *terminal, struct process *leader);
// 0 where the task may read (SIGTTIN) or change (SIGTTOU) it now; -EIO; or, with its group sent
// that signal, RESULT_WAIT.
int64_t terminal_check(struct task *task, struct terminal *terminal, unsigned signal);

// ---- termios.c
int64_t terminal_ioctl(struct task *task, struct file *file, uint32_t request, uint64_t argument);
// Those that do the same at both ends of a pseudo-terminal; -ENOTTY: another one.
int64_t terminal_ioctl_both(struct task *task, struct terminal *terminal, uint32_t request,
                            uint64_t argument);
