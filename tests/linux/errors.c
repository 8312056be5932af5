// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What all calls on paths, on descriptors and on sockets refuse, call by call (path_resolution(7)).
#include "check.h"

#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifndef SYS_fchmodat2
# define SYS_fchmodat2 452
#endif

static struct kind {
    const char *path;
    int error;
} kinds[8];
static size_t kind_count;

static void add(const char *path, int error)
{
    kinds[kind_count++] = (struct kind){ path, error };
}

// The call with each of the paths.
#define BY_PATH(NAME, ...)                         \
 do {                                              \
  for (size_t i = 0; i < kind_count; i++) {        \
   const char *path = kinds[i].path;               \
   CHECK(SYS(NAME, __VA_ARGS__), -kinds[i].error); \
  }                                                \
 } while (0)

static char buffer[4096];
static char *none[] = { NULL };
static struct open_how how;

// Those that look something up.
// NOLINTNEXTLINE(readability-function-size): a list
static void look(void)
{
    BY_PATH(open, path, O_RDONLY);
    BY_PATH(openat, AT_FDCWD, path, O_RDONLY);
    BY_PATH(openat2, AT_FDCWD, path, &how, sizeof(how));
    BY_PATH(stat, path, buffer);
    BY_PATH(lstat, path, buffer);
    BY_PATH(newfstatat, AT_FDCWD, path, buffer, 0);
    BY_PATH(statx, AT_FDCWD, path, 0, STATX_ALL, buffer);
    BY_PATH(access, path, F_OK);
    BY_PATH(faccessat, AT_FDCWD, path, F_OK);
    BY_PATH(faccessat2, AT_FDCWD, path, F_OK, 0);
    BY_PATH(readlink, path, buffer, sizeof(buffer));
    BY_PATH(readlinkat, AT_FDCWD, path, buffer, sizeof(buffer));
    BY_PATH(chdir, path);
    BY_PATH(chroot, path);
    BY_PATH(statfs, path, buffer);
    BY_PATH(getxattr, path, "user.x", buffer, 1);
    BY_PATH(lgetxattr, path, "user.x", buffer, 1);
    BY_PATH(listxattr, path, buffer, 1);
    BY_PATH(llistxattr, path, buffer, 1);
    BY_PATH(execve, path, none, none);
    BY_PATH(execveat, AT_FDCWD, path, none, none, 0);
    BY_PATH(umount2, path, 0);
}

// Those that change something.
// NOLINTNEXTLINE(readability-function-size): a list
static void change(void)
{
    BY_PATH(creat, path, 0600);
    BY_PATH(truncate, path, 0);
    BY_PATH(mkdir, path, 0700);
    BY_PATH(mkdirat, AT_FDCWD, path, 0700);
    BY_PATH(mknod, path, S_IFREG | 0600, 0);
    BY_PATH(mknodat, AT_FDCWD, path, S_IFREG | 0600, 0);
    BY_PATH(rmdir, path);
    BY_PATH(unlink, path);
    BY_PATH(unlinkat, AT_FDCWD, path, 0);
    BY_PATH(symlink, "target", path);
    BY_PATH(symlinkat, "target", AT_FDCWD, path);
    BY_PATH(chmod, path, 0600);
    BY_PATH(fchmodat, AT_FDCWD, path, 0600);
    BY_PATH(fchmodat2, AT_FDCWD, path, 0600, 0);
    BY_PATH(chown, path, -1, -1);
    BY_PATH(lchown, path, -1, -1);
    BY_PATH(fchownat, AT_FDCWD, path, -1, -1, 0);
    BY_PATH(utime, path, NULL);
    BY_PATH(utimes, path, NULL);
    BY_PATH(futimesat, AT_FDCWD, path, NULL);
    BY_PATH(setxattr, path, "user.x", "", 0, 0);
    BY_PATH(lsetxattr, path, "user.x", "", 0, 0);
    BY_PATH(removexattr, path, "user.x");
    BY_PATH(lremovexattr, path, "user.x");
}

// Those of two names.
static void join(void)
{
    BY_PATH(rename, path, "to");
    BY_PATH(renameat, AT_FDCWD, path, AT_FDCWD, "to");
    BY_PATH(renameat2, AT_FDCWD, path, AT_FDCWD, "to", 0);
    BY_PATH(link, path, "to");
    BY_PATH(linkat, AT_FDCWD, path, AT_FDCWD, "to", 0);
    BY_PATH(rename, "file", path);
    BY_PATH(renameat, AT_FDCWD, "file", AT_FDCWD, path);
    BY_PATH(renameat2, AT_FDCWD, "file", AT_FDCWD, path, 0);
    BY_PATH(link, "file", path);
    BY_PATH(linkat, AT_FDCWD, "file", AT_FDCWD, path, 0);
}

static void make_names(void)
{
    static char name[300];
    static char path[5000];
    memset(name, 'n', sizeof(name) - 1);
    for (size_t i = 0; i < sizeof(path) - 1; i++) {
        path[i] = i % 2 ? '/' : '.';
    }
    close(check_file("file", ""));
    NEED(symlink("loop", "loop"));
    add("", ENOENT);
    add("missing/x", ENOENT);
    add("file/x", ENOTDIR);
    add("loop/x", ELOOP);
    add(name, ENAMETOOLONG);
    add(path, ENAMETOOLONG);
    add(BAD, EFAULT);
}

CASE(paths_looked_up)
{
    make_names();
    look();
}

CASE(paths_changed)
{
    make_names();
    change();
    kinds[6] = (struct kind){ "loop/x", ELOOP };  // utimensat takes a NULL, and a bad path is bad
    BY_PATH(utimensat, AT_FDCWD, path, NULL, 0);
}

CASE(paths_joined)
{
    make_names();
    join();
}

CASE(paths_watched)
{
    int watch = NEED(SYS(inotify_init));
    make_names();
    BY_PATH(inotify_add_watch, watch, path, 2);
}

static void use_every_way(void)
{
    look();
    change();
    join();
    BY_PATH(utimensat, AT_FDCWD, path, NULL, 0);
}

// What lies behind a directory that may not be passed.
CASE(paths_closed)
{
    NEED(mkdir("closed", 0700));
    close(NEED(open("closed/x", O_RDWR | O_CREAT, 0777)));
    close(NEED(open("file", O_RDWR | O_CREAT, 0777)));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            add("closed/x", EACCES);
            use_every_way();
        }
    }
}

// ---- descriptors --------------------------------------------------------------------------------

static int bad[3];

// The call with each descriptor that is none, or is good for nothing but its name.
#define BY_FD(COUNT, NAME, ...)           \
 do {                                     \
  for (int i = 0; i < (COUNT); i++) {     \
   int fd = bad[i];                       \
   CHECK(SYS(NAME, __VA_ARGS__), -EBADF); \
  }                                       \
 } while (0)

static void make_bad(void)
{
    close(check_file("file", "text"));
    bad[0] = -1;
    bad[1] = 99;
    bad[2] = NEED(open("file", O_PATH));
}

static struct iovec part = { buffer, 1 };

CASE(descriptors_moved)
{
    int file = NEED(open("/dev/null", O_RDWR));
    long at = 0;
    make_bad();
    BY_FD(3, read, fd, buffer, 1);
    BY_FD(3, write, fd, buffer, 1);
    BY_FD(3, pread64, fd, buffer, 1, 0);
    BY_FD(3, pwrite64, fd, buffer, 1, 0);
    BY_FD(3, readv, fd, &part, 1);
    BY_FD(3, writev, fd, &part, 1);
    BY_FD(3, preadv, fd, &part, 1, 0, 0);
    BY_FD(3, pwritev, fd, &part, 1, 0, 0);
    BY_FD(3, preadv2, fd, &part, 1, 0, 0, 0);
    BY_FD(3, pwritev2, fd, &part, 1, 0, 0, 0);
    BY_FD(3, lseek, fd, 0, SEEK_SET);
    BY_FD(3, sendfile, fd, file, &at, 1);
    BY_FD(3, sendfile, file, fd, &at, 1);
    BY_FD(3, copy_file_range, fd, NULL, file, NULL, 1, 0);
    BY_FD(3, copy_file_range, file, NULL, fd, NULL, 1, 0);
    BY_FD(3, splice, fd, NULL, file, NULL, 1, 0);
    BY_FD(3, splice, file, NULL, fd, NULL, 1, 0);
    BY_FD(3, tee, fd, file, 1, 0);
    BY_FD(3, vmsplice, fd, &part, 1, 0);
    BY_FD(3, mmap, NULL, 4096, 1, 2, fd, 0);
}

// NOLINTNEXTLINE(readability-function-size): a list
CASE(descriptors_changed)
{
    make_bad();
    BY_FD(3, ioctl, fd, 0x541b, buffer);
    BY_FD(3, fcntl, fd, F_GETLK, buffer);
    BY_FD(2, fcntl, fd, F_GETFD);
    BY_FD(3, flock, fd, 1);
    BY_FD(3, fsync, fd);
    BY_FD(3, fdatasync, fd);
    BY_FD(3, syncfs, fd);
    BY_FD(3, sync_file_range, fd, 0, 0, 0);
    BY_FD(3, ftruncate, fd, 0);
    BY_FD(3, fallocate, fd, 0, 0, 1);
    BY_FD(3, fadvise64, fd, 0, 0, 0);
    BY_FD(3, readahead, fd, 0, 1);
    BY_FD(3, fchmod, fd, 0600);
    BY_FD(3, fchown, fd, -1, -1);
    BY_FD(2, fchdir, fd);
    BY_FD(2, fstat, fd, buffer);
    BY_FD(2, fstatfs, fd, buffer);
    BY_FD(3, getdents, fd, buffer, sizeof(buffer));
    BY_FD(3, getdents64, fd, buffer, sizeof(buffer));
    BY_FD(3, fgetxattr, fd, "user.x", buffer, 1);
    BY_FD(3, fsetxattr, fd, "user.x", "", 0, 0);
    BY_FD(3, flistxattr, fd, buffer, 1);
    BY_FD(3, fremovexattr, fd, "user.x");
    BY_FD(2, close, fd);
    BY_FD(2, dup, fd);
    BY_FD(2, dup2, fd, 50);
    BY_FD(2, dup3, fd, 50, 0);
}

CASE(descriptors_of_events)
{
    int epoll = NEED(SYS(epoll_create1, 0));
    unsigned long set = 0;
    make_bad();
    BY_FD(2, epoll_ctl, fd, 1, 0, buffer);
    BY_FD(2, epoll_ctl, epoll, 1, fd, buffer);
    BY_FD(2, epoll_wait, fd, buffer, 1, 0);
    BY_FD(2, epoll_pwait, fd, buffer, 1, 0, NULL, 8);
    BY_FD(2, epoll_pwait2, fd, buffer, 1, NULL, NULL, 8);
    BY_FD(2, inotify_add_watch, fd, ".", 2);
    BY_FD(2, inotify_rm_watch, fd, 1);
    BY_FD(2, timerfd_settime, fd, 0, buffer, NULL);
    BY_FD(2, timerfd_gettime, fd, buffer);
    BY_FD(1, signalfd4, fd + 100, &set, 8, 0);
    BY_FD(2, pidfd_send_signal, fd, 0, NULL, 0);
    BY_FD(2, pidfd_getfd, fd, 0, 0);
}

// A directory is only looked at where the path begins there.
// NOLINTNEXTLINE(readability-function-size): a list
CASE(directories)
{
    make_bad();
    BY_FD(2, openat, fd, "file", O_RDONLY);
    BY_FD(2, openat2, fd, "file", &how, sizeof(how));
    BY_FD(2, newfstatat, fd, "file", buffer, 0);
    BY_FD(2, statx, fd, "file", 0, STATX_ALL, buffer);
    BY_FD(2, faccessat, fd, "file", F_OK);
    BY_FD(2, faccessat2, fd, "file", F_OK, 0);
    BY_FD(2, readlinkat, fd, "file", buffer, 10);
    BY_FD(2, mkdirat, fd, "d", 0700);
    BY_FD(2, mknodat, fd, "n", S_IFREG, 0);
    BY_FD(2, unlinkat, fd, "file", 0);
    BY_FD(2, renameat, fd, "file", AT_FDCWD, "to");
    BY_FD(2, renameat2, AT_FDCWD, "file", fd, "to", 0);
    BY_FD(2, linkat, fd, "file", AT_FDCWD, "to", 0);
    BY_FD(2, symlinkat, "target", fd, "l");
    BY_FD(2, fchmodat, fd, "file", 0600);
    BY_FD(2, fchmodat2, fd, "file", 0600, 0);
    BY_FD(2, fchownat, fd, "file", -1, -1, 0);
    BY_FD(2, futimesat, fd, "file", NULL);
    BY_FD(2, utimensat, fd, "file", NULL, 0);
    BY_FD(2, execveat, fd, "file", none, none, 0);
    CHECK(SYS(openat, bad[2], "x", O_RDONLY), -ENOTDIR);
    CHECK(SYS(mkdirat, bad[2], "x", 0700), -ENOTDIR);
    CHECK(SYS(unlinkat, bad[2], "x", 0), -ENOTDIR);
    CHECK(SYS(symlinkat, "target", bad[2], "x"), -ENOTDIR);
    CHECK(SYS(fchmodat, bad[2], "x", 0600), -ENOTDIR);
    CHECK(SYS(futimesat, bad[2], "x", NULL), -ENOTDIR);
}

// ---- sockets ------------------------------------------------------------------------------------

static struct no_socket {
    int fd;
    int error;
} no_sockets[3];

// The call on a descriptor that is none (EBADF), or none of a socket (ENOTSOCK).
#define NO_SOCKET(NAME, ...)                            \
 do {                                                   \
  for (int i = 0; i < 3; i++) {                         \
   int fd = no_sockets[i].fd;                           \
   CHECK(SYS(NAME, __VA_ARGS__), -no_sockets[i].error); \
  }                                                     \
 } while (0)

CASE(no_sockets)
{
    struct sockaddr address = { .sa_family = AF_UNIX };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    struct mmsghdr messages = { .msg_hdr = message };
    socklen_t length = sizeof(address);
    no_sockets[0] = (struct no_socket){ -1, EBADF };
    no_sockets[1] = (struct no_socket){ 99, EBADF };
    no_sockets[2] = (struct no_socket){ check_file("file", ""), ENOTSOCK };
    NO_SOCKET(bind, fd, &address, 2);
    NO_SOCKET(connect, fd, &address, 2);
    NO_SOCKET(listen, fd, 1);
    NO_SOCKET(accept, fd, NULL, NULL);
    NO_SOCKET(accept4, fd, NULL, NULL, 0);
    NO_SOCKET(shutdown, fd, SHUT_RDWR);
    NO_SOCKET(getsockname, fd, &address, &length);
    NO_SOCKET(getpeername, fd, &address, &length);
    NO_SOCKET(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &length, 4);
    NO_SOCKET(getsockopt, fd, SOL_SOCKET, SO_TYPE, buffer, &length);
    NO_SOCKET(sendto, fd, buffer, 1, 0, NULL, 0);
    NO_SOCKET(recvfrom, fd, buffer, 1, 0, NULL, NULL);
    NO_SOCKET(sendmsg, fd, &message, 0);
    NO_SOCKET(recvmsg, fd, &message, 0);
    NO_SOCKET(sendmmsg, fd, &messages, 1, 0);
    NO_SOCKET(recvmmsg, fd, &messages, 1, 0, NULL);
}

CASE(sockets)
{
    int fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    int ends[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    CHECK(SYS(bind, fd, BAD, 10), -EFAULT);
    CHECK(SYS(connect, fd, BAD, 10), -EFAULT);
    CHECK(SYS(accept, fd, NULL, NULL), -EINVAL);
    CHECK(SYS(accept, ends[0], NULL, NULL), -EINVAL);
    CHECK(SYS(listen, fd, 1), -EINVAL);
    CHECK(SYS(shutdown, fd, SHUT_RDWR), 0);
    CHECK(SYS(shutdown, ends[0], 77), -EINVAL);
    CHECK(SYS(getpeername, fd, buffer, buffer), -ENOTCONN);
    CHECK(SYS(getsockname, fd, buffer, BAD), -EFAULT);
    CHECK(SYS(sendto, fd, buffer, 1, 0, NULL, 0), -ENOTCONN);
    CHECK(SYS(recvfrom, fd, buffer, 1, 0, NULL, NULL), -EINVAL);
    CHECK(SYS(sendto, ends[0], BAD, 1, 0, NULL, 0), -EFAULT);
    CHECK(SYS(sendmsg, ends[0], BAD, 0), -EFAULT);
    CHECK(SYS(recvmsg, ends[0], BAD, 0), -EFAULT);
    CHECK(SYS(recvfrom, ends[0], buffer, 1, MSG_DONTWAIT, NULL, NULL), -EAGAIN);
    NEED(write(ends[1], "x", 1));
    CHECK(SYS(recvfrom, ends[0], BAD, 1, 0, NULL, NULL), -EFAULT);
    CHECK(SYS(setsockopt, fd, SOL_SOCKET, SO_RCVBUF, BAD, 4), -EFAULT);
    CHECK(SYS(setsockopt, fd, SOL_SOCKET, SO_RCVBUF, buffer, 3), -EINVAL);
    CHECK(SYS(setsockopt, fd, SOL_SOCKET, 9999, buffer, 4), -ENOPROTOOPT);
    CHECK(SYS(getsockopt, fd, SOL_SOCKET, 9999, buffer, buffer), -ENOPROTOOPT);
    CHECK(SYS(getsockopt, fd, SOL_SOCKET, SO_TYPE, buffer, BAD), -EFAULT);
    CHECK(SYS(socket, 9999, SOCK_STREAM, 0), -EAFNOSUPPORT);
    CHECK(SYS(socket, AF_UNIX, 77, 0), -EINVAL);
    CHECK(SYS(socket, AF_UNIX, SOCK_STREAM, 99), -EPROTONOSUPPORT);
    CHECK(SYS(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), -EFAULT);
    CHECK(SYS(socketpair, AF_UNIX, SOCK_STREAM, 99, ends), -EPROTONOSUPPORT);
}

// ---- tables that are full -----------------------------------------------------------------------

// The call where no descriptor is left.
#define FULL(NAME, ...) CHECK(SYS(NAME, __VA_ARGS__), -EMFILE)

CASE(descriptors_used_up)
{
    int ends[2];
    unsigned long set = 0;
    int listening = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    struct sockaddr address = { .sa_family = AF_UNIX };
    NEED(bind(listening, &address, 2));
    NEED(listen(listening, 1));
    int self = NEED(SYS(pidfd_open, getpid(), 0));
    while (dup(0) >= 0 || errno != EMFILE) {}
    FULL(open, "/", O_RDONLY);
    FULL(openat, AT_FDCWD, "/", O_RDONLY);
    FULL(openat2, AT_FDCWD, "/", &how, sizeof(how));
    FULL(creat, "f", 0600);
    FULL(dup, 0);
    FULL(fcntl, 0, F_DUPFD, 0);
    FULL(pipe, ends);
    FULL(pipe2, ends, 0);
    FULL(socket, AF_UNIX, SOCK_STREAM, 0);
    FULL(socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
    FULL(eventfd, 0);
    FULL(eventfd2, 0, 0);
    FULL(signalfd, -1, &set, 8);
    FULL(signalfd4, -1, &set, 8, 0);
    FULL(timerfd_create, 0, 0);
    FULL(epoll_create, 1);
    FULL(epoll_create1, 0);
    FULL(inotify_init1, 0);
    FULL(memfd_create, "x", 0);
    FULL(pidfd_open, getpid(), 0);
    FULL(pidfd_getfd, self, 0, 0);
    CHECK(SYS(inotify_init), -EMFILE);
    FULL(accept, listening, NULL, NULL);
    FULL(accept4, listening, NULL, NULL, 0);
    FULL(mq_open, "check-full", O_RDWR | O_CREAT, 0600, NULL);
}
