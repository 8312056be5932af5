// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// inotify(7).
#include "check.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static int fd;
static char buffer[4096] __attribute__((aligned(8)));

struct bit {
    uint32_t bit;
    const char *name;
};

static const struct bit bits[] = {
    { IN_ACCESS, "access" },           { IN_MODIFY, "modify" },
    { IN_ATTRIB, "attrib" },           { IN_CLOSE_WRITE, "close-write" },
    { IN_CLOSE_NOWRITE, "close" },     { IN_OPEN, "open" },
    { IN_MOVED_FROM, "moved-from" },   { IN_MOVED_TO, "moved-to" },
    { IN_CREATE, "create" },           { IN_DELETE, "delete" },
    { IN_DELETE_SELF, "delete-self" }, { IN_MOVE_SELF, "move-self" },
    { IN_IGNORED, "ignored" },         { IN_ISDIR, "dir" },
    { IN_Q_OVERFLOW, "overflow" }
};

// What has happened: each event's bits and name, and the last cookie that was not 0.
static uint32_t cookie;

static size_t show(char *text, size_t size, const struct inotify_event *event)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        if ((event->mask & bits[i].bit) != 0) {
            used += (size_t)snprintf(text + used, size - used, "%s ", bits[i].name);
        }
    }
    cookie = event->cookie != 0 ? event->cookie : cookie;
    return used +
           (size_t)snprintf(text + used, size - used, "%s;", event->len != 0 ? event->name : "");
}

static const char *events(void)
{
    static char text[1024];
    size_t used = 0;
    text[0] = 0;
    for (ssize_t length = 0; (length = read(fd, buffer, sizeof(buffer))) > 0;) {
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (void *)(buffer + at);
            used += show(text + used, sizeof(text) - used, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return text;
}

static int watch(const char *path, uint32_t mask)
{
    fd = fd != 0 ? fd : NEED(inotify_init1(IN_NONBLOCK));
    return NEED(inotify_add_watch(fd, path, mask));
}

CASE(create)
{
    CHECK(inotify_init(), 3);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), 4);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(inotify_init1(1), -EINVAL);
    CHECK(read(4, buffer, sizeof(buffer)), -EAGAIN);
    CHECK(write(4, buffer, 1), -EBADF);
    fd = 4;
    CHECK(inotify_add_watch(fd, ".", IN_ALL_EVENTS), 1);
    NEED(mkdir("d", 0777));
    CHECK(inotify_add_watch(fd, "d", IN_OPEN), 2);
    CHECK(inotify_add_watch(fd, ".", IN_OPEN), 1);
    CHECK(inotify_rm_watch(fd, 1), 0);
    CHECK(inotify_rm_watch(fd, 1), -EINVAL);
    CHECK_TEXT(events(), "create dir d;ignored ;");
}

CASE(errors)
{
    int file = check_file("f", "");
    watch(".", IN_CREATE);
    CHECK(inotify_add_watch(fd, "missing", IN_ALL_EVENTS), -ENOENT);
    CHECK(inotify_add_watch(fd, ".", 0), -EINVAL);
    CHECK(inotify_add_watch(99, ".", IN_ALL_EVENTS), -EBADF);
    CHECK(inotify_add_watch(file, ".", IN_ALL_EVENTS), -EINVAL);
    CHECK(inotify_add_watch(fd, "f", IN_ALL_EVENTS | IN_ONLYDIR), -ENOTDIR);
    CHECK(SYS(inotify_add_watch, fd, BAD, IN_ALL_EVENTS), -EFAULT);
    CHECK(inotify_rm_watch(file, 1), -EINVAL);
    CHECK(inotify_rm_watch(99, 1), -EBADF);
    CHECK(inotify_add_watch(fd, ".", IN_OPEN | IN_MASK_CREATE), -EEXIST);
    CHECK(inotify_add_watch(fd, ".", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD), -EINVAL);
    NEED(mkdir("closed", 0700));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(inotify_add_watch(fd, "closed", IN_ALL_EVENTS), -EACCES);
        }
    }
}

CASE(directory)
{
    watch(".", IN_ALL_EVENTS);
    int file = NEED(open("f", O_RDWR | O_CREAT, 0644));
    CHECK_TEXT(events(), "create f;open f;");
    NEED(write(file, "x", 1));
    CHECK_TEXT(events(), "modify f;");
    char byte;
    NEED(pread(file, &byte, 1, 0));
    CHECK_TEXT(events(), "access f;");
    NEED(fchmod(file, 0600));
    CHECK_TEXT(events(), "attrib f;");
    NEED(ftruncate(file, 0));
    CHECK_TEXT(events(), "modify f;");
    close(file);
    CHECK_TEXT(events(), "close-write f;");
    close(NEED(open("f", O_RDONLY)));
    CHECK_TEXT(events(), "open f;close f;");
    NEED(unlink("f"));
    CHECK_TEXT(events(), "delete f;");
    NEED(mkdir("d", 0777));
    CHECK_TEXT(events(), "create dir d;");
    NEED(symlink("x", "s"));
    CHECK_TEXT(events(), "create s;");
    NEED(rmdir("d"));
    CHECK_TEXT(events(), "delete dir d;");
}

CASE(moves)
{
    close(check_file("a", ""));
    NEED(mkdir("d", 0777));
    watch(".", IN_MOVE);
    NEED(rename("a", "b"));
    CHECK_TEXT(events(), "moved-from a;moved-to b;");
    CHECK_TRUE(cookie != 0);
    uint32_t first = cookie;
    NEED(rename("b", "d/c"));
    CHECK_TEXT(events(), "moved-from b;");
    CHECK_TRUE(cookie != first);
    NEED(rename("d/c", "c"));
    CHECK_TEXT(events(), "moved-to c;");
}

CASE(itself)
{
    close(check_file("f", ""));
    watch("f", IN_ALL_EVENTS);
    NEED(rename("f", "g"));
    CHECK_TEXT(events(), "move-self ;");
    NEED(link("g", "h"));
    CHECK_TEXT(events(), "attrib ;");
    NEED(unlink("h"));
    CHECK_TEXT(events(), "attrib ;");
    NEED(unlink("g"));
    CHECK_TEXT(events(), "attrib ;delete-self ;ignored ;");
}

CASE(open_while_removed)
{
    int file = check_file("f", "");
    watch("f", IN_ALL_EVENTS);
    NEED(unlink("f"));
    CHECK_TEXT(events(), "attrib ;");
    close(file);
    CHECK_TEXT(events(), "close-write ;delete-self ;ignored ;");
}

CASE(directory_itself)
{
    NEED(mkdir("d", 0777));
    watch("d", IN_ALL_EVENTS);
    NEED(rmdir("d"));
    CHECK_TEXT(events(), "delete-self ;ignored ;");
}

CASE(once)
{
    watch(".", IN_CREATE | IN_ONESHOT);
    close(check_file("f", ""));
    close(check_file("g", ""));
    CHECK_TEXT(events(), "create f;ignored ;");
}

CASE(masks_added)
{
    watch(".", IN_CREATE);
    watch(".", IN_DELETE | IN_MASK_ADD);
    close(check_file("f", ""));
    NEED(unlink("f"));
    CHECK_TEXT(events(), "create f;delete f;");
}

// The same event twice in a row counts once.
CASE(merged)
{
    int file = check_file("f", "");
    watch("f", IN_MODIFY);
    NEED(write(file, "x", 1));
    NEED(write(file, "x", 1));
    CHECK_TEXT(events(), "modify ;");
}

CASE(reading)
{
    struct pollfd one = { .events = POLLIN };
    int waiting = 0;
    watch(".", IN_CREATE);
    one.fd = fd;
    CHECK(poll(&one, 1, 0), 0);
    close(check_file("f", ""));
    close(check_file("a-name-of-some-length", ""));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(ioctl(fd, FIONREAD, &waiting), 0);
    CHECK(waiting, 16 + 16 + 16 + 32);
    CHECK(read(fd, buffer, 20), -EINVAL);
    CHECK(read(fd, buffer, 33), 32);
    CHECK(read(fd, buffer, sizeof(buffer)), 48);
}
