// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Pseudo-terminals.  A pair lives as long as its master or a file of its slave; the slave is locked
// until unlockpt, so that its owner can be set first.
#include "pty.h"

#include "devpts.h"
#include "heap.h"

#include <rt/print.h>

#define PTYS  64u
#define PIECE 256u

#define FIONREAD    0x541bu
#define TCFLSH      0x540bu
#define TIOCGPGRP   0x540fu
#define TIOCOUTQ    0x5411u
#define TIOCPKT     0x5420u
#define TIOCGSID    0x5429u
#define TIOCGPTPEER 0x5441u
#define TIOCGPTN    0x80045430u
#define TIOCSPTLCK  0x40045431u
#define TIOCSIG     0x40045436u
#define TIOCGPKT    0x80045438u
#define TIOCGPTLCK  0x80045439u

struct pty {
    struct terminal slave;
    uint32_t number;
    bool master;  // is open
    bool locked;
    bool opened;          // the slave was, some time
    bool packets;         // TIOCPKT: each read begins with a byte that says what it is
    unsigned told;        // TERMINAL_*: what the next one is to say
    struct dentry *node;  // its name, with a reference; NULL: it could not be made
};

static struct pty *ptys[PTYS];

static void pty_free_unused(struct pty *pty)
{
    if (!pty->master && pty->slave.opens == 0) {
        ptys[pty->number] = NULL;
        heap_free(pty);
    }
}

// ---- the slave's side --------------------------------------------------------------------------

// Who waits at the master waits in the same list.
static void slave_written(struct terminal *terminal)
{
    terminal_changed(terminal);
}

static void slave_opened(struct terminal *terminal)
{
    struct pty *pty = terminal->state;
    pty->opened = true;
}

static void slave_closed(struct terminal *terminal)
{
    terminal_changed(terminal);
    pty_free_unused(terminal->state);
}

// What is written is with who has the master open, read or not.
static bool slave_sent(const struct terminal *terminal)
{
    (void)terminal;
    return true;
}

// What has been said before is taken back by its opposite.
static void slave_told(struct terminal *terminal, unsigned what)
{
    struct pty *pty = terminal->state;
    unsigned opposite = what & (TERMINAL_STOP | TERMINAL_NO_STOP)    ? what << 1
                        : what & (TERMINAL_START | TERMINAL_DO_STOP) ? what >> 1
                                                                     : 0;
    if (pty->packets) {
        pty->told = (pty->told & ~opposite) | what;
        terminal_changed(terminal);
    }
}

static const struct terminal_ops slave_ops = {
    .written = slave_written,
    .read = slave_written,
    .sent = slave_sent,
    .told = slave_told,
    .closed = slave_closed,
    .opened = slave_opened,
    .stays = true,
};

int64_t pty_slave(uint32_t number, struct terminal **terminal)
{
    struct pty *pty = number < PTYS ? ptys[number] : NULL;
    if (!pty || !pty->master) {
        return -ENXIO;
    }
    *terminal = &pty->slave;
    return pty->locked ? -EIO : 0;
}

// ---- its name ----------------------------------------------------------------------------------

static void node_remove(struct pty *pty)
{
    if (pty->node) {
        devpts_remove(pty->node);
    }
    pty->node = NULL;
}

static int64_t peer_open(struct task *task, struct pty *pty, uint32_t flags)
{
    struct path_result found;
    struct file *file = NULL;
    char path[24];
    rt_format(path, sizeof(path), "/dev/pts/%u", pty->number);
    int64_t result = path_find(task, AT_FDCWD, path, PATH_FOLLOW, &found);
    if (result) {
        return result;
    }
    result = terminal_open_as(task, found.at, flags & ~O_CLOEXEC, &pty->slave, &file);
    return result ? result : file_install(task, file, 0, flags & O_CLOEXEC);
}

// ---- the master --------------------------------------------------------------------------------

// Nobody has the slave open any more, after somebody had.
static bool is_left(const struct pty *pty)
{
    return pty->opened && pty->slave.opens == 0;
}

static bool has_output(const struct pty *pty)
{
    return line_pending(&pty->slave.line) && !pty->slave.line.stopped;
}

static int64_t output_give(struct pty *pty, struct io *io)
{
    static const uint8_t is_data = 0;
    int64_t done = pty->packets ? io_give(io, &is_data, 1) : 0;
    while (done >= 0 && io->left && has_output(pty)) {
        uint8_t piece[PIECE];
        uint32_t most = io->left < PIECE ? (uint32_t)io->left : PIECE;
        int64_t given = io_give(io, piece, terminal_take(&pty->slave, piece, most));
        if (given < 0) {
            return done ? done : given;
        }
        done += given;
    }
    return done;
}

// A packet of its own.
static int64_t told_give(struct pty *pty, struct io *io)
{
    uint8_t told = (uint8_t)pty->told;
    int64_t given = io_give(io, &told, 1);
    if (given == 1) {
        pty->told = 0;
    }
    return given;
}

static int64_t master_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pty *pty = file->state;
    if (io->left == 0) {
        return 0;
    }
    if (pty->told) {
        return told_give(pty, io);
    }
    if (has_output(pty)) {
        return output_give(pty, io);
    }
    if (is_left(pty)) {
        return -EIO;
    }
    return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &pty->slave.waits);
}

static int64_t input_take(struct pty *pty, struct io *io)
{
    int64_t done = 0;
    uint32_t room;
    while (io->left && (room = line_room(&pty->slave.line)) != 0) {
        uint8_t piece[PIECE];
        uint64_t most = io->left < PIECE ? io->left : PIECE;
        int64_t taken = io_take(io, piece, most < room ? most : room);
        if (taken <= 0) {
            return done ? done : -EFAULT;
        }
        (void)terminal_type(&pty->slave, piece, (uint64_t)taken);
        done += taken;
    }
    return done;
}

// As much as there is room for: who writes to a master goes on with the rest, as with Linux's.
static int64_t master_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pty *pty = file->state;
    if (is_left(pty)) {
        return -EIO;
    }
    int64_t done = input_take(pty, io);
    if (done || io->left == 0) {
        return done;
    }
    return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &pty->slave.waits);
}

static uint32_t master_ready(struct file *file)
{
    const struct pty *pty = file->state;
    uint32_t ready = has_output(pty) || pty->told ? POLLIN | POLLRDNORM : 0;
    ready |= pty->told ? POLLPRI : 0;
    if (is_left(pty)) {
        ready |= POLLHUP;
    }
    return line_room(&pty->slave.line) ? ready | POLLOUT | POLLWRNORM : ready;
}

static struct waitlist *master_waits(struct file *file)
{
    struct pty *pty = file->state;
    return &pty->slave.waits;
}

static void master_close(struct file *file)
{
    struct pty *pty = file->state;
    pty->master = false;
    pty->slave.gone = true;
    node_remove(pty);
    terminal_hangup(&pty->slave);
    pty_free_unused(pty);
}

// ---- its requests ------------------------------------------------------------------------------

static int64_t give_number(struct task *task, user_t to, uint32_t value)
{
    return user_write(task, to, &value, sizeof(value));
}

static int64_t flag_set(struct task *task, user_t from, bool *flag)
{
    uint32_t value = 0;
    if (user_read(task, &value, from, sizeof(value))) {
        return -EFAULT;
    }
    *flag = value != 0;
    return 0;
}

static int64_t group_signal(const struct pty *pty, uint64_t signal)
{
    if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP) {
        return -EINVAL;
    }
    if (pty->slave.group) {
        signal_group(pty->slave.group, (unsigned)signal);
    }
    return 0;
}

// What asks about the terminal as its own session may.
static int64_t ioctl_slave(struct task *task, struct pty *pty, uint32_t request, uint64_t argument)
{
    switch (request) {
    case FIONREAD: return give_number(task, argument, line_pending(&pty->slave.line));
    case TIOCOUTQ: return give_number(task, argument, 0);
    case TCFLSH:
        line_flush_output(&pty->slave.line);
        terminal_changed(&pty->slave);
        return 0;
    case TIOCGPGRP: return give_number(task, argument, pty->slave.group);
    case TIOCGSID:
        return pty->slave.session ? give_number(task, argument, pty->slave.session) : -ENOTTY;
    default: return terminal_ioctl_both(task, &pty->slave, request, argument);
    }
}

static int64_t master_ioctl(struct task *task, struct file *file, uint32_t request,
                            uint64_t argument)
{
    struct pty *pty = file->state;
    switch (request) {
    case TIOCGPTN: return give_number(task, argument, pty->number);
    case TIOCSPTLCK: return flag_set(task, argument, &pty->locked);
    case TIOCGPTLCK: return give_number(task, argument, pty->locked);
    case TIOCGPTPEER: return pty->locked ? -EIO : peer_open(task, pty, (uint32_t)argument);
    case TIOCPKT: pty->told = 0; return flag_set(task, argument, &pty->packets);
    case TIOCGPKT: return give_number(task, argument, pty->packets);
    case TIOCSIG: return group_signal(pty, argument);
    default: return ioctl_slave(task, pty, request, argument);
    }
}

static const struct file_ops master_ops = {
    .read = master_read,
    .write = master_write,
    .ioctl = master_ioctl,
    .ready = master_ready,
    .waits = master_waits,
    .close = master_close,
};

// ---- opening -----------------------------------------------------------------------------------

// At the lowest free number.
static int64_t pty_new(struct pty **made)
{
    uint32_t number = 0;
    while (number < PTYS && ptys[number]) {
        number++;
    }
    if (number == PTYS) {
        return -ENOSPC;
    }
    struct pty *pty = heap_alloc(sizeof(*pty));
    if (!pty) {
        return -ENOMEM;
    }
    *pty = (struct pty){ .number = number, .master = true, .locked = true };
    terminal_init(&pty->slave, &slave_ops, pty, DEVICE_PTS | number);
    pty->slave.line.set.input &= ~IUTF8;
    pty->slave.line.set.control &= ~HUPCL;
    ptys[number] = *made = pty;
    return 0;
}

int64_t pty_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    struct pty *pty = NULL;
    int64_t result = pty_new(&pty);
    if (result) {
        place_put(place);
        return result;
    }
    *file = file_new(&master_ops, place, flags);
    if (!*file) {
        pty->master = false;
        pty_free_unused(pty);
        return -ENOMEM;
    }
    (*file)->state = pty;
    pty->node = devpts_add(task, pty->number, pty->slave.device);
    return 0;
}
