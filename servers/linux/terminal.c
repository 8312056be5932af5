// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Terminals as files: opening, reading, writing, hanging up, and whose turn it is at them.
#include "terminal.h"

#include "clock.h"
#include "console.h"
#include "pty.h"
#include "session.h"

#define PIECE      256u          // bytes moved at once between a process and the rings
#define VTIME_UNIT 100000000ull  // nanoseconds

void terminal_init(struct terminal *terminal, const struct terminal_ops *ops, void *state,
                   uint32_t device)
{
    *terminal = (struct terminal){ .ops = ops, .state = state, .device = device };
    line_init(&terminal->line);
    waitlist_init(&terminal->waits);
}

void terminal_changed(struct terminal *terminal)
{
    waitlist_wake(&terminal->waits);
}

// ---- what moves the bytes ----------------------------------------------------------------------

static void terminal_signal(struct terminal *terminal, unsigned signal)
{
    if (terminal->group) {
        signal_group(terminal->group, signal);
    }
}

uint64_t terminal_type(struct terminal *terminal, const uint8_t *from, uint64_t bytes)
{
    uint64_t done = 0;
    bool stopped = terminal->line.stopped;
    for (; done < bytes && line_room(&terminal->line); done++) {
        unsigned signal = line_type(&terminal->line, from[done]);
        if (signal) {
            terminal_signal(terminal, signal);
        }
    }
    if (stopped != terminal->line.stopped) {
        terminal_tell(terminal, stopped ? TERMINAL_START : TERMINAL_STOP);
    }
    if (done) {
        terminal_changed(terminal);
        terminal->ops->written(terminal);
    }
    return done;
}

uint32_t terminal_take(struct terminal *terminal, uint8_t *to, uint32_t most)
{
    uint32_t bytes = line_take(&terminal->line, to, most);
    if (bytes) {
        terminal_changed(terminal);
    }
    return bytes;
}

void terminal_resize(struct terminal *terminal, const struct winsize *size)
{
    struct winsize *old = &terminal->size;
    if (old->rows == size->rows && old->columns == size->columns && old->x == size->x &&
        old->y == size->y) {
        return;
    }
    *old = *size;
    terminal_signal(terminal, SIGWINCH);
}

// Linux has the group in the foreground told by the end of the leader only, who usually ends of it.
// What was written stays to be sent: it was said before.
void terminal_hangup(struct terminal *terminal)
{
    uint32_t session = terminal->session, group = terminal->group;
    struct process *leader = session ? process_find(session) : NULL;
    terminal->hangups++;
    terminal->session = terminal->group = 0;
    line_flush_input(&terminal->line);
    if (session) {
        session_forget_terminal(session);
    }
    if (leader && leader->group != group) {
        signal_kernel(leader, SIGHUP);
        signal_kernel(leader, SIGCONT);
    }
    if (group) {
        signal_group(group, SIGHUP);
        signal_group(group, SIGCONT);
    }
    terminal_changed(terminal);
}

void terminal_leader_ended(struct terminal *terminal)
{
    uint32_t session = terminal->session, group = terminal->group;
    if (!terminal->ops->stays) {
        terminal_hangup(terminal);
        return;
    }
    terminal->session = terminal->group = 0;
    session_forget_terminal(session);
    if (group) {
        signal_group(group, SIGHUP);
    }
}

void terminal_tell(struct terminal *terminal, unsigned what)
{
    if (terminal->ops->told) {
        terminal->ops->told(terminal, what);
    }
}

// ---- control of a session ----------------------------------------------------------------------

void terminal_control(struct terminal *terminal, struct process *leader)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->session == leader->session) {
            process->terminal = terminal;
        }
    }
    terminal->session = leader->session;
    terminal->group = leader->group;
}

static bool signal_is_ignored(const struct task *task, unsigned signal)
{
    return task->signals.blocked & SIGNAL_BIT(signal) ||
           task->signals.handlers->actions[signal - 1].handler == SIG_IGN;
}

int64_t terminal_check(struct task *task, struct terminal *terminal, unsigned signal)
{
    const struct process *process = task->process;
    if (process->terminal != terminal || !terminal->group || process->group == terminal->group) {
        return 0;
    }
    if (signal_is_ignored(task, signal)) {
        return signal == SIGTTIN ? -EIO : 0;
    }
    if (group_is_orphaned(process->group)) {
        return -EIO;
    }
    signal_group(process->group, signal);
    return wait_only(task);
}

// ---- opening -----------------------------------------------------------------------------------

struct terminal *terminal_of(const struct file *file)
{
    return file->ops == &terminal_file_ops ? file->state : NULL;
}

static bool is_hung_up(const struct file *file)
{
    const struct terminal *terminal = file->state;
    return file->offset != terminal->hangups;
}

// Whether opening it gives it to the caller's session: not the console, which many open for output.
static bool gets_control(const struct task *task, const struct terminal *terminal, uint32_t flags)
{
    const struct process *process = task->process;
    return !(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY &&
           terminal->device != DEVICE_CONSOLE && process->pid == process->session &&
           !process->terminal && !terminal->session;
}

int64_t terminal_open_as(struct task *task, struct place place, uint32_t flags,
                         struct terminal *terminal, struct file **file)
{
    if (terminal->exclusive && terminal->opens && !task_capable(task, 21)) {  // CAP_SYS_ADMIN
        place_put(place);
        return -EBUSY;
    }
    *file = file_new(&terminal_file_ops, place, flags);
    if (!*file) {
        return -ENOMEM;
    }
    (*file)->state = terminal;
    (*file)->offset = terminal->hangups;
    terminal->opens++;
    if (terminal->ops->opened) {
        terminal->ops->opened(terminal);
    }
    if (gets_control(task, terminal, flags)) {
        terminal_control(terminal, task->process);
    }
    return 0;
}

int64_t terminal_open(struct task *task, struct place place, uint32_t flags, uint32_t device,
                      struct file **file)
{
    if (device == DEVICE_PTMX) {
        return pty_open(task, place, flags, file);
    }
    struct terminal *terminal = NULL;
    if (device == DEVICE_TTY) {
        terminal = task->process->terminal;
        flags |= O_NOCTTY;
    } else if (device == DEVICE_CONSOLE) {
        terminal = console_terminal();
    } else if ((device & ~0xffu) == DEVICE_PTS) {
        int64_t result = pty_slave(device & 0xff, &terminal);
        if (result) {
            place_put(place);
            return result;
        }
    }
    if (!terminal) {
        place_put(place);
        return -ENXIO;
    }
    return terminal_open_as(task, place, flags, terminal, file);
}

static void file_closed(struct file *file)
{
    struct terminal *terminal = file->state;
    terminal->opens--;
    if (terminal->opens == 0) {
        terminal->exclusive = false;
        if (terminal->ops->closed) {
            terminal->ops->closed(terminal);
        }
    }
}

// ---- reading -----------------------------------------------------------------------------------

// How many bytes must be there before a read ends, where nothing ends it earlier.
static uint32_t read_least(const struct terminal *terminal, const struct io *io)
{
    uint32_t least = terminal->line.set.is[VMIN];
    return io->left < least ? (uint32_t)io->left : least;
}

// In raw mode with VTIME: the time for the first byte, or (with VMIN) for each after the first. The
// call's state is the count of those that were there at the last attempt.
static bool read_timed_out(struct task *task, const struct terminal *terminal)
{
    uint64_t limit = terminal->line.set.is[VTIME] * VTIME_UNIT;
    uint64_t there = line_readable(&terminal->line), before = (uint64_t)task->call.state;
    if (!limit) {
        return false;
    }
    if (terminal->line.set.is[VMIN]) {
        if (there == 0) {
            return false;
        }
        if (there != before) {
            task->call.state = (void *)there;
            task->call.deadline = 0;
        }
    }
    if (task->call.deadline == 0) {
        task->call.deadline = clock_now() + limit;  // not wait_until, which sets it once
        return false;
    }
    return wait_over(task);
}

// Whether the read is to end with what is there, which may be nothing.
static bool read_is_due(struct task *task, const struct terminal *terminal, const struct io *io)
{
    const struct line *line = &terminal->line;
    if (line->set.local & ICANON) {
        return line_has(line);
    }
    uint32_t least = read_least(terminal, io);
    if (least) {
        return line_readable(line) >= least || read_timed_out(task, terminal);
    }
    return line_has(line) || !line->set.is[VTIME] || read_timed_out(task, terminal);
}

static int64_t read_now(struct terminal *terminal, struct io *io)
{
    int64_t done = 0;
    bool ended = false;
    while (io->left && !ended) {
        uint8_t piece[PIECE];
        uint32_t most = io->left < PIECE ? (uint32_t)io->left : PIECE;
        uint32_t bytes = line_read(&terminal->line, piece, most, &ended);
        int64_t given = bytes ? io_give(io, piece, bytes) : 0;
        if (given < 0) {
            return done ? done : given;
        }
        done += given;
        if (bytes < most || given < bytes) {
            break;
        }
    }
    terminal->ops->read(terminal);
    return done;
}

static int64_t file_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct terminal *terminal = file->state;
    if (is_hung_up(file) || io->left == 0) {
        return 0;
    }
    int64_t result = terminal_check(task, terminal, SIGTTIN);
    if (result) {
        return result;
    }
    if (file->flags & O_NONBLOCK) {
        bool polls = !(terminal->line.set.local & ICANON) && !terminal->line.set.is[VMIN];
        if (!line_has(&terminal->line)) {
            return terminal->gone ? -EIO : polls ? 0 : -EAGAIN;
        }
        return read_now(terminal, io);
    }
    if (read_is_due(task, terminal, io)) {
        return read_now(terminal, io);
    }
    if (terminal->gone) {
        return line_has(&terminal->line) ? read_now(terminal, io) : -EIO;
    }
    return wait_on(task, &terminal->waits);
}

// ---- writing -----------------------------------------------------------------------------------

// What earlier attempts of the call have written.
static int64_t io_pass(struct io *io, uint64_t bytes)
{
    while (bytes) {
        uint8_t piece[PIECE];
        int64_t taken = io_take(io, piece, bytes < PIECE ? bytes : PIECE);
        if (taken <= 0) {
            return -EFAULT;
        }
        bytes -= (uint64_t)taken;
    }
    return 0;
}

// As much as there is room for.
static int64_t write_now(struct terminal *terminal, struct io *io)
{
    int64_t done = 0;
    while (io->left) {
        uint8_t piece[PIECE];
        uint32_t room = line_write_room(&terminal->line);
        uint64_t most = io->left < PIECE ? io->left : PIECE;
        most = most < room ? most : room;
        int64_t taken = most ? io_take(io, piece, most) : 0;
        if (taken <= 0) {
            return done ? done : taken;
        }
        line_write(&terminal->line, piece, (uint32_t)taken);
        terminal->ops->written(terminal);
        done += taken;
    }
    return done;
}

static int64_t write_allowed(struct task *task, const struct file *file)
{
    struct terminal *terminal = file->state;
    if (is_hung_up(file) || terminal->gone) {
        return -EIO;
    }
    return terminal->line.set.local & TOSTOP ? terminal_check(task, terminal, SIGTTOU) : 0;
}

// call.done is what the call has written; others in the server (without a process in io) are told
// how much had room.
static int64_t file_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct terminal *terminal = file->state;
    uint64_t done = io->task && task->call.again ? task->call.done : 0;
    int64_t result = write_allowed(task, file);
    if (result || (done && io_pass(io, done) < 0)) {
        return done ? (int64_t)done : result;
    }
    if (io->left == 0) {
        return (int64_t)done;
    }
    int64_t now = write_now(terminal, io);
    if (now < 0) {
        return done ? (int64_t)done : now;
    }
    done += (uint64_t)now;
    if (io->left == 0 || line_write_room(&terminal->line)) {
        return (int64_t)done;
    }
    if (file->flags & O_NONBLOCK || (!io->task && done)) {
        return done ? (int64_t)done : -EAGAIN;
    }
    if (io->task) {
        task->call.done = done;
    }
    return wait_on(task, &terminal->waits);
}

// ---- readiness ---------------------------------------------------------------------------------

static bool input_is_ready(const struct terminal *terminal)
{
    const struct line *line = &terminal->line;
    uint32_t least = line->set.is[VMIN];
    if (line->set.local & ICANON || line->set.is[VTIME] || least == 0) {
        return line_has(line);
    }
    return line_readable(line) >= least;
}

static uint32_t file_ready(struct file *file)
{
    const struct terminal *terminal = file->state;
    if (is_hung_up(file)) {
        return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    }
    uint32_t ready = input_is_ready(terminal) ? POLLIN | POLLRDNORM : 0;
    if (terminal->gone) {
        ready |= POLLHUP | POLLIN | POLLRDNORM;
    }
    return line_write_room(&terminal->line) ? ready | POLLOUT | POLLWRNORM : ready;
}

static struct waitlist *file_waits(struct file *file)
{
    struct terminal *terminal = file->state;
    return &terminal->waits;
}

static int64_t file_ioctl(struct task *task, struct file *file, uint32_t request, uint64_t argument)
{
    return is_hung_up(file) ? -EIO : terminal_ioctl(task, file, request, argument);
}

const struct file_ops terminal_file_ops = {
    .read = file_read,
    .write = file_write,
    .ioctl = file_ioctl,
    .ready = file_ready,
    .waits = file_waits,
    .close = file_closed,
};
