// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Terminals: pseudo-terminals, termios(3), line discipline, sessions and job control.
#include "check.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>

static int master;
static int slave;
static char text[8192];

static void open_terminal(void)
{
    int unlock = 0;
    unsigned number = 0;
    char name[32];
    master = NEED(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    NEED(ioctl(master, TIOCSPTLCK, &unlock));
    NEED(ioctl(master, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    slave = NEED(open(name, O_RDWR | O_NOCTTY));
}

static struct termios settings(void)
{
    struct termios now;
    NEED(tcgetattr(slave, &now));
    return now;
}

static void set_local(tcflag_t flags, bool on)
{
    struct termios now = settings();
    now.c_lflag = on ? now.c_lflag | flags : now.c_lflag & ~flags;
    NEED(tcsetattr(slave, TCSANOW, &now));
}

static void set_raw(void)
{
    struct termios now = settings();
    cfmakeraw(&now);
    NEED(tcsetattr(slave, TCSANOW, &now));
}

// Appends what was read, control characters as ^X.
static size_t show(char *shown, size_t used, size_t size, ssize_t length)
{
    for (ssize_t i = 0; i < length && used < size - 8; i++) {
        unsigned char c = (unsigned char)text[i];
        used += (size_t)snprintf(shown + used, size - used, c < 32 || c == 127 ? "^%c" : "%c",
                                 c < 32     ? c + 64
                                 : c == 127 ? '?'
                                            : c);
    }
    return used;
}

// What can be read: at least as much as wanted, if it comes in time, and whatever follows at once.
static const char *readable(int descriptor, const char *wanted)
{
    static char shown[1024];
    size_t used = 0;
    struct pollfd one = { .fd = descriptor, .events = POLLIN };
    shown[0] = 0;
    while (poll(&one, 1, used < strlen(wanted) ? 5000 : 30) == 1 && (one.revents & POLLIN) != 0) {
        ssize_t length = read(descriptor, text, sizeof(text));
        used = show(shown, used, sizeof(shown), length);
        if (length <= 0) {
            break;
        }
    }
    return shown;
}

#define CHECK_READ(DESCRIPTOR, WANTED) CHECK_TEXT(readable(DESCRIPTOR, WANTED), WANTED)

// What is typed reaches the line discipline a little later.
static void await_input(void)
{
    struct pollfd one = { .fd = slave, .events = POLLIN };
    NEED(poll(&one, 1, 5000));
}

static void type(const char *keys)
{
    NEED(write(master, keys, strlen(keys)));
}

CASE(open)
{
    unsigned number = 0;
    int lock = -1;
    int fd = NEED(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    char name[32];
    struct stat about;
    CHECK(ioctl(fd, TIOCGPTN, &number), 0);
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    CHECK(open(name, O_RDWR | O_NOCTTY), -EIO);
    CHECK(ioctl(fd, TIOCGPTLCK, &lock), 0);
    CHECK(lock, 1);
    lock = 0;
    CHECK(ioctl(fd, TIOCSPTLCK, &lock), 0);
    CHECK(open(name, O_RDWR | O_NOCTTY), 4);
    CHECK(fstat(4, &about), 0);
    CHECK_TRUE(S_ISCHR(about.st_mode) && about.st_rdev == makedev(136, number));
    CHECK_TRUE(about.st_uid == getuid());
    CHECK(isatty(4), 1);
    CHECK(isatty(fd), 1);
    CHECK(ioctl(check_file("f", ""), TCGETS, text), -ENOTTY);
    CHECK_TRUE(strcmp(ttyname(4), name) == 0);
    CHECK(ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY), 6);
    close(4);
    close(6);
    close(fd);
    CHECK(open(name, O_RDWR | O_NOCTTY), -ENOENT);
    CHECK(lseek(open("/dev/ptmx", O_RDWR | O_NOCTTY), 0, SEEK_CUR), -ESPIPE);
}

CASE(defaults)
{
    open_terminal();
    struct termios now = settings();
    CHECK(now.c_iflag, ICRNL | IXON);
    CHECK(now.c_oflag, OPOST | ONLCR);
    CHECK(now.c_cflag, B38400 | CS8 | CREAD);
    CHECK(now.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    CHECK(now.c_cc[VINTR], 3);
    CHECK(now.c_cc[VEOF], 4);
    CHECK(now.c_cc[VERASE], 127);
    CHECK(now.c_cc[VMIN], 1);
    CHECK(now.c_cc[VTIME], 0);
    CHECK(cfgetospeed(&now), B38400);
    struct termios other;
    CHECK(tcgetattr(master, &other), 0);
    CHECK(other.c_lflag, now.c_lflag);
    CHECK(tcgetattr(check_file("f", ""), &other), -ENOTTY);
    CHECK(SYS(ioctl, slave, TCGETS, BAD), -EFAULT);
    CHECK(ioctl(slave, 0x54ff, 0), -ENOTTY);
}

CASE(lines)
{
    open_terminal();
    type("hel");
    CHECK_READ(slave, "");
    CHECK_READ(master, "hel");
    type("lo\n");
    CHECK_READ(slave, "hello^J");
    CHECK_READ(master, "lo^M^J");
    type("one\ntwo\n");
    CHECK(read(slave, text, sizeof(text)), 4);
    CHECK(read(slave, text, 2), 2);
    CHECK(read(slave, text, sizeof(text)), 2);
    type("return\r");
    CHECK_READ(slave, "return^J");
}

CASE(editing)
{
    open_terminal();
    type("abc\x7f"
         "d\n");
    CHECK_READ(slave, "abd^J");
    CHECK_READ(master, "abc^H ^Hd^M^J");
    type("abc\x15"
         "d\n");
    CHECK_READ(slave, "d^J");
    CHECK_READ(master, "abc^H ^H^H ^H^H ^Hd^M^J");
    type("one two\x17three\n");
    CHECK_READ(slave, "one three^J");
    readable(master, "");
    type("a\x16\x03"
         "b\n");
    CHECK_READ(slave, "a^Cb^J");
    readable(master, "");
    type("a\x01\n");
    CHECK_READ(slave, "a^A^J");
    CHECK_READ(master, "a^A^M^J");
    type("\x7f\n");
    CHECK_READ(slave, "^J");
}

CASE(end_of_file)
{
    open_terminal();
    type("\x04");
    CHECK(read(slave, text, sizeof(text)), 0);
    type("ab\x04");
    CHECK(read(slave, text, sizeof(text)), 2);
    type("cd\x04"
         "ef\n");
    CHECK(read(slave, text, sizeof(text)), 2);
    CHECK(read(slave, text, sizeof(text)), 3);
}

CASE(no_echo)
{
    open_terminal();
    set_local(ECHO, false);
    type("secret\n");
    CHECK_READ(slave, "secret^J");
    CHECK_READ(master, "");
    set_local(ECHONL, true);
    type("x\n");
    CHECK_READ(master, "^M^J");
}

CASE(output)
{
    open_terminal();
    CHECK(write(slave, "a\nb\tc", 5), 5);
    CHECK_READ(master, "a^M^Jb^Ic");
    set_raw();
    CHECK(write(slave, "a\nb", 3), 3);
    CHECK_READ(master, "a^Jb");
}

CASE(raw)
{
    open_terminal();
    set_raw();
    type("a\r\x03\x04\x7f");
    CHECK_READ(slave, "a^M^C^D^?");
    CHECK_READ(master, "");
}

CASE(raw_minimum)
{
    open_terminal();
    set_raw();
    struct termios now = settings();
    now.c_cc[VMIN] = 0;
    NEED(tcsetattr(slave, TCSANOW, &now));
    CHECK(read(slave, text, 10), 0);
    now.c_cc[VTIME] = 1;
    NEED(tcsetattr(slave, TCSANOW, &now));
    long before = check_now();
    CHECK(read(slave, text, 10), 0);
    CHECK_TRUE(check_now() - before >= 90);
    now.c_cc[VMIN] = 3;
    now.c_cc[VTIME] = 0;
    NEED(tcsetattr(slave, TCSANOW, &now));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(read(slave, text, 10), 3);
        check_exit();
    }
    check_wait_asleep(child);
    type("a");
    type("b");
    check_wait_asleep(child);
    type("c");
    check_join(child);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    CHECK(read(slave, text, 10), -EAGAIN);
}

CASE(set_with_flush)
{
    open_terminal();
    struct termios now = settings();
    type("lost\n");
    await_input();
    CHECK(tcsetattr(slave, TCSAFLUSH, &now), 0);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    CHECK(read(slave, text, 10), -EAGAIN);
    type("kept\n");
    await_input();
    CHECK(tcsetattr(slave, TCSADRAIN, &now), 0);
    CHECK(read(slave, text, 10), 5);
    type("lost\n");
    await_input();
    CHECK(tcflush(slave, TCIFLUSH), 0);
    CHECK(read(slave, text, 10), -EAGAIN);
    CHECK(tcflush(slave, 77), -EINVAL);
    CHECK(ioctl(slave, TCXONC, 77), -EINVAL);
    CHECK(tcsendbreak(slave, 0), 0);
    CHECK(tcdrain(slave), 0);
    int waiting = -1;
    type("abc\n");
    await_input();
    CHECK(ioctl(slave, FIONREAD, &waiting), 0);
    CHECK(waiting, 4);
}

CASE(window)
{
    struct winsize size = { 1, 1, 1, 1 };
    open_terminal();
    CHECK(ioctl(slave, TIOCGWINSZ, &size), 0);
    CHECK_TRUE(size.ws_row == 0 && size.ws_col == 0);
    size = (struct winsize){ 25, 80, 0, 0 };
    CHECK(ioctl(master, TIOCSWINSZ, &size), 0);
    size.ws_row = 0;
    CHECK(ioctl(slave, TIOCGWINSZ, &size), 0);
    CHECK_TRUE(size.ws_row == 25 && size.ws_col == 80);
    CHECK(SYS(ioctl, slave, TIOCSWINSZ, BAD), -EFAULT);
}

CASE(master_leaves)
{
    struct pollfd one = { .events = POLLIN | POLLOUT };
    open_terminal();
    type("rest\n");
    one.fd = slave;
    close(master);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
    CHECK(write(slave, "x", 1), -EIO);
    CHECK(read(slave, text, 10), 0);
    CHECK(ioctl(slave, TIOCGWINSZ, text), -EIO);
}

CASE(slave_leaves)
{
    struct pollfd one = { .events = POLLIN };
    open_terminal();
    NEED(write(slave, "last", 4));
    close(slave);
    one.fd = master;
    CHECK(poll(&one, 1, 1000), 1);
    CHECK(one.revents, POLLIN | POLLHUP);
    CHECK(read(master, text, 10), 4);
    CHECK(read(master, text, 10), -EIO);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLHUP);
}

CASE(packet_mode)
{
    int on = 1;
    open_terminal();
    CHECK(ioctl(master, TIOCPKT, &on), 0);
    NEED(write(slave, "x", 1));
    CHECK_READ(master, "^@x");
    CHECK(tcflush(slave, TCIOFLUSH), 0);
    CHECK(read(master, text, 10), 1);
    CHECK(text[0], TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
    struct pollfd one = { .fd = master, .events = POLLIN | POLLPRI };
    CHECK(poll(&one, 1, 0), 0);
    CHECK(tcflow(slave, TCOOFF), 0);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLPRI);
    CHECK(read(master, text, 10), 1);
    CHECK(text[0], TIOCPKT_STOP);
    CHECK(tcflow(slave, TCOON), 0);
    CHECK(read(master, text, 10), 1);
    CHECK(text[0], TIOCPKT_START);
    set_raw();
    CHECK(read(master, text, 10), 1);
    CHECK(text[0], TIOCPKT_NOSTOP);
    on = 0;
    CHECK(ioctl(master, TIOCPKT, &on), 0);
    CHECK(tcflush(slave, TCIOFLUSH), 0);
    NEED(write(slave, "y", 1));
    CHECK_READ(master, "y");
}

CASE(controlling)
{
    open_terminal();
    IN_CHILD
    {
        pid_t me = getpid();
        pid_t told = 0;
        CHECK(ioctl(slave, TIOCSCTTY, 0), -EPERM);
        CHECK_TRUE(setsid() == me);
        CHECK(tcgetpgrp(slave), -ENOTTY);
        CHECK(ioctl(slave, TIOCSCTTY, 0), 0);
        CHECK(ioctl(slave, TIOCSCTTY, 0), 0);
        CHECK_TRUE(tcgetpgrp(slave) == me);
        CHECK(ioctl(slave, TIOCGSID, &told), 0);
        CHECK_TRUE(told == me);
        int tty = NEED(open("/dev/tty", O_RDWR));
        CHECK(write(tty, "hello", 5), 5);
        CHECK_READ(master, "hello");
        CHECK(tcsetpgrp(slave, 1 << 22), -ESRCH);
        CHECK(tcsetpgrp(slave, getppid()), -EPERM);
        CHECK(tcsetpgrp(slave, -1), -EINVAL);
        signal(SIGHUP, SIG_IGN);
        signal(SIGCONT, SIG_IGN);
        CHECK(ioctl(slave, TIOCNOTTY), 0);
        CHECK(open("/dev/tty", O_RDWR), -ENXIO);
    }
}

// A session leader's first terminal becomes its own by being opened.
CASE(controlling_by_open)
{
    open_terminal();
    IN_CHILD
    {
        char name[64];
        snprintf(name, sizeof(name), "%s", ttyname(slave));
        NEED(setsid());
        NEED(open(name, O_RDWR | O_NOCTTY));
        CHECK(open("/dev/tty", O_RDWR), -ENXIO);
        NEED(open(name, O_RDWR));
        CHECK_TRUE(open("/dev/tty", O_RDWR) >= 0);
        CHECK_TRUE(tcgetpgrp(slave) == getpid());
    }
}

static volatile sig_atomic_t seen[65];

static void see(int number)
{
    seen[number]++;
}

// How often the signal came, once it has come so often.
static int times(int number, int wanted)
{
    for (int i = 0; i < 5000 && seen[number] < wanted; i++) {
        check_sleep(1);
    }
    return seen[number];
}

CASE(signals)
{
    static const int numbers[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH };
    open_terminal();
    IN_CHILD
    {
        NEED(setsid());
        NEED(ioctl(slave, TIOCSCTTY, 0));
        for (int i = 0; i < 4; i++) {
            signal(numbers[i], see);
        }
        set_local(NOFLSH, true);
        type("abc\x03");
        CHECK(times(SIGINT, 1), 1);
        CHECK_READ(master, "abc^C");
        type("\x1c");
        CHECK(times(SIGQUIT, 1), 1);
        type("\x1a");
        CHECK(times(SIGTSTP, 1), 1);
        type("d\n");
        CHECK_READ(slave, "abcd^J");
        struct winsize size = { 30, 90, 0, 0 };
        NEED(ioctl(master, TIOCSWINSZ, &size));
        CHECK(times(SIGWINCH, 1), 1);
        NEED(ioctl(master, TIOCSWINSZ, &size));
        CHECK(times(SIGWINCH, 1), 1);
        int number = SIGINT;
        CHECK(ioctl(master, TIOCSIG, number), 0);
        CHECK(times(SIGINT, 2), 2);
        set_local(ISIG, false);
        type("\x03\n");
        CHECK_READ(slave, "^C^J");
        CHECK(times(SIGINT, 2), 2);
    }
}

CASE(hang_up)
{
    open_terminal();
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        int keep = master;
        NEED(setsid());
        NEED(ioctl(slave, TIOCSCTTY, 0));
        close(keep);
        NEED(write(slave, "r", 1));
        for (;;) {
            pause();
        }
    }
    NEED(read(master, text, 1));
    check_wait_asleep(child);
    close(master);
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGHUP);
}

// The end of a session leader hangs up its foreground group; the terminal is nobody's then, but a
// pseudo-terminal goes on working.
CASE(leader_ends)
{
    int ends[2];
    char byte = 0;
    open_terminal();
    NEED(pipe(ends));
    pid_t child = check_fork();
    if (child == 0) {
        NEED(setsid());
        NEED(ioctl(slave, TIOCSCTTY, 0));
        if (fork() == 0) {
            sigset_t set;
            int number = 0;
            sigemptyset(&set);
            sigaddset(&set, SIGHUP);
            sigprocmask(SIG_BLOCK, &set, NULL);
            NEED(write(ends[1], "r", 1));
            sigwait(&set, &number);
            byte = (char)number;
            int tty = 0;
            while ((tty = open("/dev/tty", O_RDWR)) >= 0) {
                close(tty);
            }
            CHECK(open("/dev/tty", O_RDWR), -ENXIO);
            CHECK(write(slave, "x", 1), 1);
            NEED(write(ends[1], &byte, 1));
            check_exit();
        }
        NEED(read(ends[0], &byte, 1));
        _exit(0);
    }
    check_join(child);
    CHECK(read(ends[0], &byte, 1), 1);
    CHECK(byte, SIGHUP);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1), 0);
}

// What a process of a background group may do with its terminal.
CASE(background)
{
    open_terminal();
    IN_CHILD
    {
        int status = 0;
        NEED(setsid());
        NEED(ioctl(slave, TIOCSCTTY, 0));
        pid_t child = check_fork();
        if (child == 0) {
            NEED(setpgid(0, 0));
            (void)!read(slave, text, 1);
            _exit(7);
        }
        NEED(waitpid(child, &status, WUNTRACED));
        CHECK(status, SIGTTIN << 8 | 0x7f);
        NEED(kill(child, SIGKILL));
        NEED(waitpid(child, &status, 0));
        IN_CHILD
        {
            struct termios now = settings();
            NEED(setpgid(0, 0));
            signal(SIGTTIN, SIG_IGN);
            CHECK(read(slave, text, 1), -EIO);
            CHECK(write(slave, "w", 1), 1);
            signal(SIGTTOU, SIG_IGN);
            CHECK(tcsetattr(slave, TCSANOW, &now), 0);
            now.c_lflag |= TOSTOP;
            CHECK(tcsetattr(slave, TCSANOW, &now), 0);
            CHECK(write(slave, "w", 1), 1);
        }
        child = check_fork();
        if (child == 0) {
            NEED(setpgid(0, 0));
            (void)!write(slave, "x", 1);
            _exit(7);
        }
        NEED(waitpid(child, &status, WUNTRACED));
        CHECK(status, SIGTTOU << 8 | 0x7f);
        NEED(kill(child, SIGKILL));
        NEED(waitpid(child, &status, 0));
    }
}

CASE(foreground)
{
    open_terminal();
    IN_CHILD
    {
        int status = 0;
        NEED(setsid());
        NEED(ioctl(slave, TIOCSCTTY, 0));
        signal(SIGTTOU, SIG_IGN);
        signal(SIGINT, see);
        pid_t child = NEED(fork());
        if (child == 0) {
            signal(SIGINT, SIG_DFL);
            NEED(setpgid(0, 0));
            NEED(tcsetpgrp(slave, getpid()));
            NEED(write(slave, "r", 1));
            for (;;) {
                pause();
            }
        }
        NEED(read(master, text, 1));
        CHECK_TRUE(tcgetpgrp(slave) == child);
        type("\x1a");
        NEED(waitpid(child, &status, WUNTRACED));
        CHECK(status, SIGTSTP << 8 | 0x7f);
        NEED(kill(child, SIGCONT));
        type("\x03");
        NEED(waitpid(child, &status, 0));
        CHECK(status, SIGINT);
        CHECK(times(SIGINT, 0), 0);
        CHECK(tcsetpgrp(slave, getpid()), 0);
        type("\x03");
        CHECK(times(SIGINT, 1), 1);
    }
}

CASE(flow)
{
    open_terminal();
    set_local(ECHO, false);
    type("\x13"
         "a\n");
    CHECK_READ(slave, "a^J");
    fcntl(slave, F_SETFL, O_NONBLOCK);
    CHECK(write(slave, "x", 1), -EAGAIN);
    type("\x11"
         "b\n");
    CHECK_READ(slave, "b^J");
    CHECK(write(slave, "x", 1), 1);
    CHECK_READ(master, "x");
    CHECK(tcflow(slave, TCOOFF), 0);
    CHECK(write(slave, "y", 1), -EAGAIN);
    CHECK(tcflow(slave, TCOON), 0);
    CHECK(write(slave, "y", 1), 1);
    CHECK_READ(master, "y");
    CHECK(tcflow(slave, 77), -EINVAL);
}

CASE(forkpty)
{
    int status = 0;
    struct winsize size = { 10, 20, 0, 0 };
    pid_t child = forkpty(&master, NULL, NULL, &size);
    if (child == 0) {
        struct winsize told = { 0, 0, 0, 0 };
        ioctl(0, TIOCGWINSZ, &told);
        dprintf(1, "%d %d %d\n", isatty(0) && isatty(1) && isatty(2), told.ws_row, told.ws_col);
        _exit(getsid(0) == getpid() && tcgetpgrp(0) == getpid() ? 0 : 1);
    }
    CHECK_READ(master, "1 10 20^M^J");
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(status, 0);
    CHECK(read(master, text, 1), -EIO);
}
