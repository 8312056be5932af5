// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What processes ask of a terminal by ioctl (tty_ioctl(4)).
#include "session.h"
#include "terminal.h"

#define CONTROL_Q 17u
#define CONTROL_S 19u

#define TCGETS      0x5401u
#define TCSETS      0x5402u
#define TCSETSW     0x5403u
#define TCSETSF     0x5404u
#define TCGETA      0x5405u
#define TCSBRK      0x5409u
#define TCXONC      0x540au
#define TCFLSH      0x540bu
#define TIOCEXCL    0x540cu
#define TIOCNXCL    0x540du
#define TIOCSCTTY   0x540eu
#define TIOCGPGRP   0x540fu
#define TIOCSPGRP   0x5410u
#define TIOCOUTQ    0x5411u
#define TIOCSTI     0x5412u
#define TIOCGWINSZ  0x5413u
#define TIOCSWINSZ  0x5414u
#define TIOCINQ     0x541bu  // FIONREAD
#define TIOCCONS    0x541du
#define TIOCNOTTY   0x5422u
#define TIOCSETD    0x5423u
#define TIOCGETD    0x5424u
#define TCSBRKP     0x5425u
#define TIOCSBRK    0x5427u
#define TIOCCBRK    0x5428u
#define TIOCGSID    0x5429u
#define TIOCVHANGUP 0x5437u
#define TCGETS2     0x802c542au
#define TCSETS2     0x402c542bu
#define TCSETSW2    0x402c542cu
#define TCSETSF2    0x402c542du
#define TIOCGDEV    0x80045432u
#define TIOCGEXCL   0x80045440u

#define CAP_SYS_ADMIN 21u

// As TCGETS2 gives it: with speeds, in baud.
struct termios2 {
    struct termios basic;
    uint32_t input_speed, output_speed;
};
_Static_assert(sizeof(struct termios2) == 44, "struct termios2");

// ---- moving values -----------------------------------------------------------------------------

static int64_t give_number(struct task *task, user_t to, uint32_t value)
{
    return user_write(task, to, &value, sizeof(value));
}

static int64_t take_number(struct task *task, user_t from, int32_t *value)
{
    return user_read(task, value, from, sizeof(*value));
}

// ---- settings ----------------------------------------------------------------------------------

// Nothing has a speed here; what was set is given back for the usual codes.
static uint32_t speed_of(uint32_t control)
{
    static const uint32_t speeds[] = { 0,   50,   75,   110,  134,  150,  200,   300,
                                       600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
    static const uint32_t fast[] = { 0, 57600, 115200, 230400, 460800, 500000, 576000, 921600 };
    uint32_t code = control & CBAUD;
    if (code & 0x1000) {
        return fast[code & 7];
    }
    return speeds[code & 15];
}

static int64_t settings_get(struct task *task, const struct terminal *terminal, user_t to, bool two)
{
    uint32_t speed = speed_of(terminal->line.set.control);
    struct termios2 both = { terminal->line.set, speed, speed };
    return user_write(task, to, &both, two ? sizeof(both) : sizeof(both.basic));
}

static bool output_is_sent(const struct terminal *terminal)
{
    return terminal->ops->sent ? terminal->ops->sent(terminal) : line_pending(&terminal->line) == 0;
}

// Whether all that was written has gone out; else the result is for the caller to wait.
static int64_t output_drain(struct task *task, struct terminal *terminal)
{
    return output_is_sent(terminal) || terminal->gone ? 0 : wait_on(task, &terminal->waits);
}

// Whether Ctrl-S and Ctrl-Q stop the output and let it go on.
static bool flow_by_keys(const struct line *line)
{
    return line->set.input & IXON && line->set.is[VSTOP] == CONTROL_S &&
           line->set.is[VSTART] == CONTROL_Q;
}

// When settings take effect: 0 at once, 1 when all is sent, 2 then, with what is typed dropped.
static int64_t settings_set(struct task *task, struct terminal *terminal, user_t from,
                            unsigned when)
{
    struct termios to;
    int64_t result = terminal_check(task, terminal, SIGTTOU);
    if (!result) {
        result = user_read(task, &to, from, sizeof(to));
    }
    if (!result && when) {
        result = output_drain(task, terminal);
    }
    if (result) {
        return result;
    }
    if (when == 2) {
        line_flush_input(&terminal->line);
        terminal_tell(terminal, TERMINAL_FLUSH_READ);
    }
    bool flow = flow_by_keys(&terminal->line);
    line_set(&terminal->line, &to);
    if (flow != flow_by_keys(&terminal->line)) {
        terminal_tell(terminal, flow ? TERMINAL_NO_STOP : TERMINAL_DO_STOP);
    }
    terminal_changed(terminal);
    terminal->ops->written(terminal);
    return 0;
}

// ---- flow --------------------------------------------------------------------------------------

static int64_t flush(struct terminal *terminal, uint64_t what)
{
    if (what > 2) {
        return -EINVAL;
    }
    if (what != 1) {  // TCIFLUSH, TCIOFLUSH
        line_flush_input(&terminal->line);
        terminal->ops->read(terminal);
        terminal_tell(terminal, TERMINAL_FLUSH_READ);
    }
    if (what != 0) {
        line_flush_output(&terminal->line);
        terminal_tell(terminal, TERMINAL_FLUSH_WRITE);
    }
    terminal_changed(terminal);
    return 0;
}

static int64_t flow(struct terminal *terminal, uint64_t what)
{
    if (what > 3) {
        return -EINVAL;
    }
    if (what < 2) {  // TCOOFF, TCOON
        if (terminal->line.stopped != (what == 0)) {
            terminal_tell(terminal, what == 0 ? TERMINAL_STOP : TERMINAL_START);
        }
        terminal->line.stopped = what == 0;
        terminal_changed(terminal);
        terminal->ops->written(terminal);
    }
    return 0;
}

// Those that change something, and so are for the group in the foreground.
static int64_t ioctl_changing(struct task *task, struct terminal *terminal, uint32_t request,
                              uint64_t argument)
{
    int64_t result = terminal_check(task, terminal, SIGTTOU);
    if (result) {
        return result;
    }
    switch (request) {
    case TCFLSH: return flush(terminal, argument);
    case TCXONC: return flow(terminal, argument);
    default:  // a break is nothing here, but for what is sent before it
        return output_drain(task, terminal);
    }
}

// ---- sessions ----------------------------------------------------------------------------------

static int64_t control_take(struct task *task, struct terminal *terminal, uint64_t by_force)
{
    struct process *process = task->process;
    if (process->pid == process->session && terminal->session == process->session) {
        return 0;
    }
    if (process->pid != process->session || process->terminal) {
        return -EPERM;
    }
    if (terminal->session) {
        if (by_force != 1 || !task_capable(task, CAP_SYS_ADMIN)) {
            return -EPERM;
        }
        session_forget_terminal(terminal->session);
    }
    terminal_control(terminal, process);
    return 0;
}

static int64_t control_leave(struct task *task, struct terminal *terminal)
{
    struct process *process = task->process;
    if (process->terminal != terminal) {
        return -ENOTTY;
    }
    if (process->pid != process->session) {
        process->terminal = NULL;
        return 0;
    }
    uint32_t group = terminal->group;
    session_forget_terminal(process->session);
    terminal->session = terminal->group = 0;
    if (group) {
        signal_group(group, SIGHUP);
        signal_group(group, SIGCONT);
    }
    return 0;
}

// Whether the caller may ask for the foreground or change it: at a master anybody may ask.
static bool controls(const struct task *task, const struct terminal *terminal)
{
    return terminal->session && task->process->terminal == terminal;
}

static int64_t foreground_set(struct task *task, struct terminal *terminal, user_t from)
{
    int32_t group = 0;
    int64_t result = terminal_check(task, terminal, SIGTTOU);
    if (result) {
        return result == -EIO ? -ENOTTY : result;
    }
    if (!controls(task, terminal) || task->process->session != terminal->session) {
        return -ENOTTY;
    }
    if (take_number(task, from, &group)) {
        return -EFAULT;
    }
    if (group < 0) {
        return -EINVAL;
    }
    const struct process *process = process_find((uint32_t)group);
    if (!group_exists((uint32_t)group) && !process) {
        return -ESRCH;
    }
    if (!group_exists((uint32_t)group) ? process->session != terminal->session
                                       : !group_is_in((uint32_t)group, terminal->session)) {
        return -EPERM;
    }
    terminal->group = (uint32_t)group;
    return 0;
}

static int64_t size_set(struct task *task, struct terminal *terminal, user_t from)
{
    struct winsize size;
    if (user_read(task, &size, from, sizeof(size))) {
        return -EFAULT;
    }
    terminal_resize(terminal, &size);
    return 0;
}

static int64_t type_byte(struct task *task, struct terminal *terminal, user_t from)
{
    uint8_t byte = 0;
    if (task->process->terminal != terminal && !task_capable(task, CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (user_read(task, &byte, from, 1)) {
        return -EFAULT;
    }
    (void)terminal_type(terminal, &byte, 1);
    return 0;
}

static int64_t discipline_set(struct task *task, user_t from)
{
    int32_t number = 0;
    if (take_number(task, from, &number)) {
        return -EFAULT;
    }
    return number == 0 ? 0 : -EINVAL;
}

// ---- all ---------------------------------------------------------------------------------------

int64_t terminal_ioctl_both(struct task *task, struct terminal *terminal, uint32_t request,
                            uint64_t argument)
{
    switch (request) {
    case TCGETS: return settings_get(task, terminal, argument, false);
    case TCGETS2: return settings_get(task, terminal, argument, true);
    case TCSETS:
    case TCSETS2: return settings_set(task, terminal, argument, 0);
    case TCSETSW:
    case TCSETSW2: return settings_set(task, terminal, argument, 1);
    case TCSETSF:
    case TCSETSF2: return settings_set(task, terminal, argument, 2);
    case TIOCGWINSZ: return user_write(task, argument, &terminal->size, sizeof(terminal->size));
    case TIOCSWINSZ: return size_set(task, terminal, argument);
    case TIOCEXCL:
    case TIOCNXCL: terminal->exclusive = request == TIOCEXCL; return 0;
    case TIOCGEXCL: return give_number(task, argument, terminal->exclusive);
    case TIOCGDEV: return give_number(task, argument, terminal->device);
    case TIOCGETD: return give_number(task, argument, 0);
    case TIOCSETD: return discipline_set(task, argument);
    default: return -ENOTTY;
    }
}

static int64_t ioctl_session(struct task *task, struct terminal *terminal, uint32_t request,
                             uint64_t argument)
{
    switch (request) {
    case TIOCSCTTY: return control_take(task, terminal, argument);
    case TIOCNOTTY: return control_leave(task, terminal);
    case TIOCGPGRP:
        return controls(task, terminal) ? give_number(task, argument, terminal->group) : -ENOTTY;
    case TIOCSPGRP: return foreground_set(task, terminal, argument);
    case TIOCGSID:
        return controls(task, terminal) ? give_number(task, argument, terminal->session) : -ENOTTY;
    case TIOCVHANGUP:
        if (!task_capable(task, CAP_SYS_ADMIN)) {
            return -EPERM;
        }
        terminal_hangup(terminal);
        return 0;
    default: return terminal_ioctl_both(task, terminal, request, argument);
    }
}

int64_t terminal_ioctl(struct task *task, struct file *file, uint32_t request, uint64_t argument)
{
    struct terminal *terminal = file->state;
    switch (request) {
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
    case TCFLSH:
    case TCXONC: return ioctl_changing(task, terminal, request, argument);
    case TIOCINQ: return give_number(task, argument, line_readable(&terminal->line));
    case TIOCOUTQ:
        return give_number(task, argument,
                           output_is_sent(terminal) ? 0 : line_pending(&terminal->line));
    case TIOCSTI: return type_byte(task, terminal, argument);
    default: return ioctl_session(task, terminal, request, argument);
    }
}
