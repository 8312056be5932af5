// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of terminals, pseudo-terminals and sessions on a core of the test's own.
#include "../console.h"
#include "../pty.h"
#include "../session.h"
#include "tty_fake.h"

#include <rt/print.h>

#include <string.h>

#define TCGETS      0x5401u
#define TCSETS      0x5402u
#define TCSETSW     0x5403u
#define TCSETSF     0x5404u
#define TCXONC      0x540au
#define TCFLSH      0x540bu
#define TIOCEXCL    0x540cu
#define TIOCSCTTY   0x540eu
#define TIOCGPGRP   0x540fu
#define TIOCSPGRP   0x5410u
#define TIOCOUTQ    0x5411u
#define TIOCSTI     0x5412u
#define TIOCGWINSZ  0x5413u
#define TIOCSWINSZ  0x5414u
#define TIOCINQ     0x541bu
#define TIOCPKT     0x5420u
#define TIOCNOTTY   0x5422u
#define TIOCGSID    0x5429u
#define TIOCGPTN    0x80045430u
#define TIOCSPTLCK  0x40045431u
#define TIOCGPTPEER 0x5441u
#define BAD         8u

static struct file *master, *slave;
static char text[8192];

struct terminal *console_terminal(void)
{
    return NULL;
}

static int64_t control(struct file *file, unsigned who, uint32_t request, uint64_t argument)
{
    fake_begin(&tasks[who]);
    return file->ops->ioctl(&tasks[who], file, request, argument);
}

static int64_t read_from(struct file *file, unsigned who)
{
    fake_begin(&tasks[who]);
    return file_read_text(&tasks[who], file, text, sizeof(text) - 1);
}

static int64_t write_to(struct file *file, unsigned who, const char *what)
{
    fake_begin(&tasks[who]);
    return file_write_text(&tasks[who], file, what);
}

static int64_t open_device(unsigned who, uint32_t flags, uint32_t device, struct file **file)
{
    return terminal_open(&tasks[who], fake_place(), flags, device, file);
}

static void unlock(void)
{
    uint32_t no = 0;
    assert_int_equal(control(master, 0, TIOCSPTLCK, at(&no)), 0);
}

// A pair, whose slave process 0, a leader, has opened.
static int setup(void **state)
{
    fake_setup(state);
    assert_int_equal(fake_objects, 0);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTMX, &master), 0);
    unlock();
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTS, &slave), 0);
    return 0;
}

static void close_file(struct file **file)
{
    if (*file) {
        file_put(*file);
        *file = NULL;
    }
}

static int teardown(void **state)
{
    (void)state;
    close_file(&slave);
    close_file(&master);
    for (int fd = 0; fd < 8; fd++) {
        (void)file_close(&tasks[0], fd);
    }
    assert_int_equal(fake_objects, 0);
    assert_int_equal(fake_opens, 0);
    return 0;
}

static struct termios settings(void)
{
    struct termios is = { 0 };
    assert_int_equal(control(slave, 0, TCGETS, at(&is)), 0);
    return is;
}

static void set(const struct termios *to)
{
    assert_int_equal(control(slave, 0, TCSETS, at(to)), 0);
}

static void make_raw(uint8_t least, uint8_t tenths)
{
    struct termios to = settings();
    to.local = 0;
    to.is[VMIN] = least;
    to.is[VTIME] = tenths;
    set(&to);
}

// ---- bytes -------------------------------------------------------------------------------------

static void test_line(void **state)
{
    (void)state;
    assert_int_equal(read_from(slave, 0), RESULT_WAIT);
    assert_int_equal(slave->ops->ready(slave), POLLOUT | POLLWRNORM);
    assert_int_equal(write_to(master, 1, "ls\r"), 3);
    assert_int_equal(slave->ops->ready(slave), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    uint32_t bytes = 0;
    assert_int_equal(control(slave, 0, TIOCINQ, at(&bytes)), 0);
    assert_int_equal(bytes, 3);
    assert_int_equal(read_from(slave, 0), 3);
    assert_string_equal(text, "ls\n");
    assert_int_equal(write_to(slave, 0, "a\n"), 2);
    assert_int_equal(control(slave, 0, TIOCOUTQ, at(&bytes)), 0);
    assert_int_equal(bytes, 0);  // it is with the master already
    assert_int_equal(read_from(master, 1), 7);
    assert_string_equal(text, "ls\r\na\r\n");
    assert_int_equal(read_from(master, 1), RESULT_WAIT);
}

static void test_nonblocking(void **state)
{
    (void)state;
    slave->flags |= O_NONBLOCK;
    master->flags |= O_NONBLOCK;
    assert_int_equal(read_from(slave, 0), -EAGAIN);
    assert_int_equal(read_from(master, 0), -EAGAIN);
    assert_int_equal(write_to(master, 0, "x"), 1);
    assert_int_equal(read_from(slave, 0), -EAGAIN);
    assert_int_equal(write_to(master, 0, "\x04"), 1);
    assert_int_equal(read_from(slave, 0), 1);
    make_raw(0, 0);
    assert_int_equal(read_from(slave, 0), 0);
}

// A write that does not fit goes on where it was, and comes whole.
static void test_long_write(void **state)
{
    (void)state;
    char long_text[6001], got[6001] = "";
    struct termios to = settings();
    to.output = 0;
    set(&to);
    memset(long_text, 'x', 6000);
    long_text[5999] = 'y';
    long_text[6000] = '\0';
    assert_int_equal(write_to(slave, 0, long_text), RESULT_WAIT);
    assert_true(tasks[0].call.done > 0);
    while (read_from(master, 1) > 0) {
        size_t length = strlen(got);
        (void)rt_format(got + length, sizeof(got) - length, "%s", text);
        fake_again(&tasks[0]);
        uint64_t done = tasks[0].call.done;
        if (done < 6000 && done > 0) {
            int64_t result = file_write_text(&tasks[0], slave, long_text);
            assert_true(result == RESULT_WAIT || result == 6000);
            tasks[0].call.done = result == 6000 ? 0 : tasks[0].call.done;
        }
    }
    assert_string_equal(got, long_text);
}

static void test_bad_addresses(void **state)
{
    (void)state;
    struct io io = { .task = &tasks[0], .at = BAD, .left = 10, .writes = true };
    uint64_t offset = 0;
    fake_begin(&tasks[0]);
    assert_int_equal(slave->ops->write(&tasks[0], slave, &io, &offset), -EFAULT);
    static const uint32_t requests[] = { TCGETS,    TCSETS,     TCSETSW,    TIOCGPGRP,
                                         TIOCSPGRP, TIOCGWINSZ, TIOCSWINSZ, TIOCGSID,
                                         TIOCINQ,   TIOCOUTQ,   TIOCSTI };
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_int_equal(control(slave, 0, requests[i], BAD), -EFAULT);
    }
    assert_int_equal(control(slave, 0, 0x1234, BAD), -ENOTTY);
}

static void test_minimum(void **state)
{
    (void)state;
    make_raw(3, 0);
    write_to(master, 0, "ab");
    assert_int_equal(read_from(slave, 0), RESULT_WAIT);
    assert_false(slave->ops->ready(slave) & POLLIN);
    write_to(master, 0, "c");
    assert_true(slave->ops->ready(slave) & POLLIN);
    assert_int_equal(read_from(slave, 0), 3);
    write_to(master, 0, "ab");
    fake_begin(&tasks[0]);
    assert_int_equal(file_read_text(&tasks[0], slave, text, 2), 2);  // no more was wanted
}

static void test_time(void **state)
{
    (void)state;
    make_raw(0, 2);
    assert_int_equal(read_from(slave, 0), RESULT_WAIT);
    assert_int_equal(tasks[0].call.deadline, fake_now + 200000000);
    fake_again(&tasks[0]);
    fake_now += 199999999;
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), RESULT_WAIT);
    fake_now++;
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), 0);
}

// Between bytes: the clock begins with the first one, and anew with each.
static void test_time_between(void **state)
{
    (void)state;
    make_raw(5, 1);
    assert_int_equal(read_from(slave, 0), RESULT_WAIT);
    assert_int_equal(tasks[0].call.deadline, 0);
    fake_again(&tasks[0]);
    fake_now += 900000000;
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), RESULT_WAIT);
    (void)file_write_text(&tasks[1], master, "a");
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), RESULT_WAIT);
    assert_int_equal(tasks[0].call.deadline, fake_now + 100000000);
    fake_now += 99999999;
    (void)file_write_text(&tasks[1], master, "b");
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), RESULT_WAIT);
    fake_now += 100000000;
    assert_int_equal(file_read_text(&tasks[0], slave, text, 9), 2);
    assert_string_equal(text, "ab");
}

static void test_drain(void **state)
{
    (void)state;
    struct termios to = settings();
    write_to(slave, 0, "out");
    write_to(master, 0, "typed\n");
    assert_int_equal(control(slave, 0, TCSETSF, at(&to)), 0);
    assert_true(read_from(master, 0) > 0);
    assert_int_equal(read_from(slave, 0), RESULT_WAIT);
    write_to(slave, 0, "out");
    assert_int_equal(control(slave, 0, TCXONC, 0), 0);
    assert_int_equal(read_from(master, 0), RESULT_WAIT);
    assert_int_equal(control(slave, 0, TCXONC, 1), 0);
    assert_int_equal(read_from(master, 0), 3);
    write_to(slave, 0, "out");
    assert_int_equal(control(slave, 0, TCFLSH, 1), 0);
    assert_int_equal(read_from(master, 0), RESULT_WAIT);
    assert_int_equal(control(slave, 0, TCFLSH, 3), -EINVAL);
    assert_int_equal(control(slave, 0, TCXONC, 4), -EINVAL);
}

// ---- control -----------------------------------------------------------------------------------

static void test_controls(void **state)
{
    (void)state;
    uint32_t number = 0;
    assert_ptr_equal(processes[0].terminal, slave->state);  // it was opened by a leader
    assert_int_equal(control(slave, 0, TIOCGPGRP, at(&number)), 0);
    assert_int_equal(number, FAKE_PID);
    assert_int_equal(control(slave, 0, TIOCGSID, at(&number)), 0);
    assert_int_equal(number, FAKE_PID);
    assert_int_equal(control(slave, 1, TIOCGPGRP, at(&number)), -ENOTTY);
    assert_int_equal(control(master, 1, TIOCGPGRP, at(&number)), 0);
    assert_int_equal(control(slave, 1, TIOCSCTTY, 0), -EPERM);  // is taken
    assert_int_equal(control(slave, 0, TIOCSCTTY, 0), 0);       // by this one
    fake_capable = true;
    assert_int_equal(control(slave, 1, TIOCSCTTY, 1), 0);  // by force
    assert_null(processes[0].terminal);
    assert_ptr_equal(processes[1].terminal, slave->state);
    fake_join(2, FAKE_PID + 1, FAKE_PID + 1, &processes[1]);
    assert_int_equal(control(slave, 2, TIOCSCTTY, 0), -EPERM);  // no leader
}

static void test_open_tty(void **state)
{
    (void)state;
    struct file *file = NULL;
    assert_int_equal(open_device(0, O_RDWR, DEVICE_TTY, &file), 0);
    assert_ptr_equal(file->state, slave->state);
    close_file(&file);
    assert_int_equal(open_device(1, O_RDWR, DEVICE_TTY, &file), -ENXIO);
    assert_int_equal(open_device(1, O_RDWR, DEVICE_PTS | 7, &file), -ENXIO);
    assert_int_equal(open_device(1, O_RDWR, 4 << 8, &file), -ENXIO);
    assert_int_equal(open_device(1, O_RDWR | O_NOCTTY, DEVICE_PTS, &file), 0);
    assert_null(processes[1].terminal);
    assert_int_equal(control(file, 0, TIOCEXCL, 0), 0);
    close_file(&file);
    assert_int_equal(open_device(1, O_RDWR, DEVICE_PTS, &file), -EBUSY);
}

// Keys go to the group in the foreground, which another group of the session cannot be in place of.
static void test_foreground(void **state)
{
    (void)state;
    fake_join(1, FAKE_PID + 1, FAKE_PID, &processes[0]);
    processes[1].terminal = slave->state;
    uint32_t group = FAKE_PID + 1;
    assert_int_equal(control(slave, 0, TIOCSPGRP, at(&group)), 0);
    write_to(master, 0, "\x03");
    assert_int_equal(fake_signals(0), 0);
    assert_int_equal(fake_signals(1), SIGNAL_BIT(SIGINT));
    group = FAKE_PID + 2;
    assert_int_equal(control(slave, 1, TIOCSPGRP, at(&group)), -EPERM);
    group = 77;
    assert_int_equal(control(slave, 1, TIOCSPGRP, at(&group)), -ESRCH);
    group = ~0u;
    assert_int_equal(control(slave, 1, TIOCSPGRP, at(&group)), -EINVAL);
    assert_int_equal(control(slave, 2, TIOCSPGRP, at(&group)), -ENOTTY);
}

// Process 1 is in the background of process 0's terminal.
static void background(void)
{
    fake_join(1, FAKE_PID + 1, FAKE_PID, &processes[0]);
    processes[1].terminal = slave->state;
}

static void test_background_reads(void **state)
{
    (void)state;
    background();
    write_to(master, 0, "x\n");
    assert_int_equal(read_from(slave, 1), RESULT_WAIT);
    assert_int_equal(fake_signals(1), SIGNAL_BIT(SIGTTIN));
    tasks[1].signals.blocked = SIGNAL_BIT(SIGTTIN);
    assert_int_equal(read_from(slave, 1), -EIO);
    tasks[1].signals.blocked = 0;
    tasks[1].signals.handlers->actions[SIGTTIN - 1].handler = SIG_IGN;
    assert_int_equal(read_from(slave, 1), -EIO);
    tasks[1].signals.handlers->actions[SIGTTIN - 1].handler = SIG_DFL;
    fake_join(1, FAKE_PID + 1, FAKE_PID, process_init);
    assert_int_equal(read_from(slave, 1), -EIO);  // an orphan
    assert_int_equal(fake_signals(1), 0);
    assert_int_equal(read_from(slave, 2), 2);  // another session
}

static void test_background_writes(void **state)
{
    (void)state;
    struct termios to = settings();
    background();
    assert_int_equal(write_to(slave, 1, "x"), 1);
    assert_int_equal(control(slave, 1, TCSETS, at(&to)), RESULT_WAIT);
    assert_int_equal(fake_signals(1), SIGNAL_BIT(SIGTTOU));
    uint32_t group = FAKE_PID + 1;
    assert_int_equal(control(slave, 1, TIOCSPGRP, at(&group)), RESULT_WAIT);
    assert_int_equal(fake_signals(1), SIGNAL_BIT(SIGTTOU));
    to.local |= TOSTOP;
    set(&to);
    assert_int_equal(write_to(slave, 1, "x"), RESULT_WAIT);
    assert_int_equal(fake_signals(1), SIGNAL_BIT(SIGTTOU));
    tasks[1].signals.blocked = SIGNAL_BIT(SIGTTOU);
    assert_int_equal(write_to(slave, 1, "x"), 1);
    assert_int_equal(control(slave, 1, TIOCSPGRP, at(&group)), 0);
}

static void test_size(void **state)
{
    (void)state;
    struct winsize size = { 24, 80, 0, 0 }, got;
    assert_int_equal(control(master, 0, TIOCSWINSZ, at(&size)), 0);
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGWINCH));
    assert_int_equal(control(slave, 0, TIOCSWINSZ, at(&size)), 0);
    assert_int_equal(fake_signals(0), 0);
    assert_int_equal(control(slave, 0, TIOCGWINSZ, at(&got)), 0);
    assert_memory_equal(&got, &size, sizeof(size));
}

static void test_typing_by_request(void **state)
{
    (void)state;
    char byte = 'k';
    assert_int_equal(control(slave, 0, TIOCSTI, at(&byte)), 0);
    byte = '\n';
    assert_int_equal(control(slave, 0, TIOCSTI, at(&byte)), 0);
    assert_int_equal(read_from(slave, 0), 2);
    assert_int_equal(control(slave, 1, TIOCSTI, at(&byte)), -EPERM);
}

static void test_notty(void **state)
{
    (void)state;
    background();
    assert_int_equal(control(slave, 1, TIOCNOTTY, 0), 0);
    assert_null(processes[1].terminal);
    assert_int_equal(control(slave, 1, TIOCNOTTY, 0), -ENOTTY);
    processes[1].terminal = slave->state;
    assert_int_equal(control(slave, 0, TIOCNOTTY, 0), 0);
    assert_null(processes[0].terminal);
    assert_null(processes[1].terminal);
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT));
    assert_int_equal(write_to(slave, 0, "x"), 1);  // it is still open
}

// ---- pairs -------------------------------------------------------------------------------------

static void test_lock(void **state)
{
    (void)state;
    uint32_t number = 9, yes = 1;
    struct file *file = NULL;
    assert_int_equal(control(master, 0, TIOCGPTN, at(&number)), 0);
    assert_int_equal(number, 0);
    assert_int_equal(control(master, 0, TIOCSPTLCK, at(&yes)), 0);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTS, &file), -EIO);
    assert_int_equal(control(master, 0, TIOCGPTPEER, O_RDWR), -EIO);
    unlock();
    assert_int_equal(control(master, 0, TIOCGPTPEER, O_RDWR | O_NOCTTY), 0);
    assert_ptr_equal(file_at(&tasks[0], 0)->state, slave->state);
    fake_missing = "/dev/pts/0";
    assert_int_equal(control(master, 0, TIOCGPTPEER, O_RDWR), -ENOENT);
    assert_int_equal(control(slave, 0, TIOCGPTN, at(&number)), -ENOTTY);
}

static void test_packets(void **state)
{
    (void)state;
    uint32_t yes = 1;
    assert_int_equal(control(master, 0, TIOCPKT, at(&yes)), 0);
    write_to(slave, 0, "ab");
    assert_int_equal(read_from(master, 0), 3);
    assert_memory_equal(text, "\0ab", 3);
}

// The master goes: its session is told, who has the slave open finds it hung up.
static void test_master_closes(void **state)
{
    (void)state;
    struct file *file = NULL;
    assert_non_null(fake_node);
    write_to(master, 0, "typed\n");
    close_file(&master);
    assert_null(fake_node);
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT));
    assert_null(processes[0].terminal);
    assert_int_equal(read_from(slave, 0), 0);
    assert_int_equal(write_to(slave, 0, "x"), -EIO);
    assert_int_equal(slave->ops->ready(slave),
                     0x15d & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP));
    assert_int_equal(control(slave, 0, TCGETS, at(text)), -EIO);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTS, &file), -ENXIO);
}

static void test_slave_closes(void **state)
{
    (void)state;
    write_to(slave, 0, "last");
    close_file(&slave);
    assert_true(master->ops->ready(master) & POLLHUP);
    assert_int_equal(read_from(master, 0), 4);
    assert_int_equal(read_from(master, 0), -EIO);
    assert_int_equal(write_to(master, 0, "x"), -EIO);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTS, &slave), 0);
    assert_int_equal(read_from(master, 0), RESULT_WAIT);
}

static void test_many(void **state)
{
    (void)state;
    static struct file *masters[64];
    struct file *file = NULL;
    unsigned count = 0;
    while (count < 64 && open_device(0, O_RDWR, DEVICE_PTMX, &masters[count]) == 0) {
        count++;
    }
    assert_int_equal(count, 63);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTMX, &file), -ENOSPC);
    while (count) {
        close_file(&masters[--count]);
    }
    fake_short = true;
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTMX, &file), -ENOMEM);
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTS, &file), -ENOMEM);
    fake_missing = "/dev/pts";
    fake_short = false;
    assert_int_equal(open_device(0, O_RDWR, DEVICE_PTMX, &file), 0);
    close_file(&file);
}

// ---- sessions ----------------------------------------------------------------------------------

static void test_setpgid(void **state)
{
    (void)state;
    struct task *shell = &tasks[0], *child = &tasks[1];
    fake_join(1, FAKE_PID, FAKE_PID, &processes[0]);
    fake_join(2, FAKE_PID, FAKE_PID, &processes[0]);
    assert_int_equal(call_setpgid(shell, FAKE_PID + 1, 0), 0);
    assert_int_equal(call_getpgid(shell, FAKE_PID + 1), FAKE_PID + 1);
    assert_int_equal(call_getpgrp(child), FAKE_PID + 1);
    assert_int_equal(call_setpgid(shell, FAKE_PID + 2, FAKE_PID + 1), 0);
    assert_int_equal(call_setpgid(child, 0, FAKE_PID), 0);
    assert_int_equal(call_setpgid(shell, -1, 0), -ESRCH);
    assert_int_equal(call_setpgid(shell, 0, -1), -EINVAL);
    assert_int_equal(call_setpgid(shell, 88, 0), -ESRCH);
    assert_int_equal(call_setpgid(shell, 99, 0), -EINVAL);  // a task that leads no process
    assert_int_equal(call_setpgid(shell, 0, 0), -EPERM);    // leads the session
    assert_int_equal(call_setpgid(child, FAKE_PID + 2, 0), -ESRCH);
    assert_int_equal(call_setpgid(shell, FAKE_PID + 1, FAKE_PID + 4), -EPERM);
    assert_int_equal(call_setpgid(shell, FAKE_PID + 1, 88), -EPERM);
    processes[1].did_exec = true;
    assert_int_equal(call_setpgid(shell, FAKE_PID + 1, 0), -EACCES);
    assert_int_equal(call_setpgid(child, 0, 0), 0);
    fake_join(2, FAKE_PID + 2, FAKE_PID + 2, &processes[0]);
    assert_int_equal(call_setpgid(shell, FAKE_PID + 2, 0), -EPERM);
}

static void test_setsid(void **state)
{
    (void)state;
    processes[1].terminal = slave->state;
    fake_join(1, FAKE_PID, FAKE_PID, &processes[0]);
    assert_int_equal(call_setsid(&tasks[0]), -EPERM);
    assert_int_equal(call_setsid(&tasks[1]), FAKE_PID + 1);
    assert_null(processes[1].terminal);
    assert_int_equal(call_getsid(&tasks[0], FAKE_PID + 1), FAKE_PID + 1);
    assert_int_equal(call_getsid(&tasks[0], 99), FAKE_PID);
    assert_int_equal(call_getsid(&tasks[0], 88), -ESRCH);
    assert_int_equal(call_getpgid(&tasks[0], -1), -ESRCH);
    // One whose number is that of a group cannot have it as a session.
    fake_join(2, FAKE_PID, FAKE_PID, &processes[0]);
    fake_join(3, FAKE_PID + 2, FAKE_PID, &processes[0]);
    assert_int_equal(call_setsid(&tasks[2]), -EPERM);
}

// The leader ends: the terminal is taken away, the foreground is told.
static void test_leader_ends(void **state)
{
    (void)state;
    background();
    uint32_t group = FAKE_PID + 1;
    assert_int_equal(control(slave, 0, TIOCSPGRP, at(&group)), 0);
    session_exit(&processes[0]);
    assert_true(fake_signals(1) & SIGNAL_BIT(SIGHUP));
    assert_null(processes[1].terminal);
    assert_int_equal(read_from(slave, 1), RESULT_WAIT);  // a pseudo-terminal stays
    struct file *file = NULL;
    assert_int_equal(open_device(2, O_RDWR, DEVICE_PTS, &file), 0);  // and is free
    assert_int_equal(write_to(file, 2, "x"), 1);
    assert_ptr_equal(processes[2].terminal, file->state);
    close_file(&file);
}

// A stopped group that nobody can let go on any more is told.
static void test_orphans(void **state)
{
    (void)state;
    fake_join(1, FAKE_PID + 1, FAKE_PID, &processes[0]);
    fake_join(2, FAKE_PID + 2, FAKE_PID, &processes[1]);
    fake_join(3, FAKE_PID + 2, FAKE_PID, &processes[1]);
    assert_false(group_is_orphaned(FAKE_PID + 2));
    session_exit(&processes[1]);
    assert_int_equal(fake_signals(2), 0);  // runs
    processes[3].signals.stop_signal = SIGTSTP;
    session_exit(&processes[1]);
    assert_int_equal(fake_signals(2), SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT));
    assert_int_equal(fake_signals(3), SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT));
    processes[3].parent = &processes[0];  // who looks after the whole group
    session_exit(&processes[1]);
    assert_int_equal(fake_signals(3), 0);
    processes[3].parent = &processes[1];
    processes[1].zombie = true;
    fake_join(2, FAKE_PID + 2, FAKE_PID, process_init);
    fake_join(3, FAKE_PID + 2, FAKE_PID, process_init);
    assert_true(group_is_orphaned(FAKE_PID + 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_line),
        TEST(test_nonblocking),
        TEST(test_long_write),
        TEST(test_bad_addresses),
        TEST(test_minimum),
        TEST(test_time),
        TEST(test_time_between),
        TEST(test_drain),
        TEST(test_controls),
        TEST(test_open_tty),
        TEST(test_foreground),
        TEST(test_background_reads),
        TEST(test_background_writes),
        TEST(test_size),
        TEST(test_typing_by_request),
        TEST(test_notty),
        TEST(test_lock),
        TEST(test_packets),
        TEST(test_master_closes),
        TEST(test_slave_closes),
        TEST(test_many),
        TEST(test_setpgid),
        TEST(test_setsid),
        TEST(test_leader_ends),
        TEST(test_orphans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
