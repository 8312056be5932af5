// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Descriptors and locks: dup(2), fcntl(2), flock(2), ioctl(2) of every descriptor, leases.
#include "check.h"

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

CASE(duplicate)
{
    int file = check_file("f", "hello");
    CHECK(dup(file), 4);
    CHECK(dup(-1), -EBADF);
    CHECK(dup(99), -EBADF);
    CHECK(dup2(file, 10), 10);
    CHECK(dup2(file, file), file);
    CHECK(dup2(99, 99), -EBADF);
    CHECK(dup2(99, 4), -EBADF);
    CHECK(fcntl(4, F_GETFD), 0);
    CHECK(dup2(file, -1), -EBADF);
    CHECK(dup2(file, 1 << 30), -EBADF);
    CHECK(dup3(file, 11, O_CLOEXEC), 11);
    CHECK(fcntl(11, F_GETFD), FD_CLOEXEC);
    CHECK(dup3(file, file, 0), -EINVAL);
    CHECK(dup3(file, 12, O_NONBLOCK), -EINVAL);
    CHECK(fcntl(11, F_DUPFD, 0), 5);
    CHECK(fcntl(5, F_GETFD), 0);
    CHECK(fcntl(file, F_DUPFD, 10), 12);
    CHECK(fcntl(file, F_DUPFD_CLOEXEC, 20), 20);
    CHECK(fcntl(20, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(file, F_DUPFD, -1), -EINVAL);
    CHECK(fcntl(file, F_DUPFD, 1 << 30), -EINVAL);
    CHECK(fcntl(99, F_DUPFD, 0), -EBADF);
}

CASE(flock_without_waiting)
{
    int file = check_file("f", "");
    NEED(flock(file, LOCK_EX));
    int other = NEED(open("f", O_RDWR));
    CHECK(SYS(flock, other, LOCK_SH | LOCK_NB), -EWOULDBLOCK);
}

CASE(duplicate_closes)
{
    int ends[2];
    char byte;
    NEED(pipe(ends));
    int file = check_file("f", "");
    CHECK(dup2(file, ends[1]), ends[1]);
    CHECK(read(ends[0], &byte, 1), 0);
}

CASE(descriptor_flags)
{
    int file = check_file("f", "");
    CHECK(fcntl(file, F_GETFD), 0);
    CHECK(fcntl(file, F_SETFD, FD_CLOEXEC), 0);
    CHECK(fcntl(file, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(file, F_SETFD, 0xfe), 0);
    CHECK(fcntl(file, F_GETFD), 0);
    CHECK(ioctl(file, FIOCLEX), 0);
    CHECK(fcntl(file, F_GETFD), FD_CLOEXEC);
    CHECK(ioctl(file, FIONCLEX), 0);
    CHECK(fcntl(file, F_GETFD), 0);
    CHECK(fcntl(-1, F_GETFD), -EBADF);
    CHECK(fcntl(file, 9999), -EINVAL);
    CHECK(fcntl(open("f", O_RDONLY | O_CLOEXEC), F_GETFD), FD_CLOEXEC);
}

CASE(status_flags)
{
    int file = NEED(open("f", O_RDWR | O_CREAT, 0644));
    long large = 0100000;
    CHECK(fcntl(file, F_GETFL), O_RDWR | large);
    CHECK(fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    CHECK(fcntl(file, F_GETFL), O_RDWR | O_APPEND | O_NONBLOCK | large);
    CHECK(fcntl(file, F_SETFL, O_WRONLY | O_CREAT | O_TRUNC), 0);
    CHECK(fcntl(file, F_GETFL), O_RDWR | large);
    CHECK(fcntl(dup(file), F_SETFL, O_APPEND), 0);
    CHECK(fcntl(file, F_GETFL), O_RDWR | O_APPEND | large);
    int on = 1;
    CHECK(ioctl(file, FIONBIO, &on), 0);
    CHECK(fcntl(file, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK(SYS(ioctl, file, FIONBIO, BAD), -EFAULT);
    CHECK(ioctl(file, TCGETS, &on), -ENOTTY);
    CHECK(ioctl(-1, FIONBIO, &on), -EBADF);
    CHECK(ioctl(file, FIONREAD, &on), 0);
    CHECK(on, 0);
}

static struct flock lock_of(int type, off_t start, off_t length)
{
    return (struct flock){ .l_type = (short)type, .l_start = start, .l_len = length };
}

CASE(locks)
{
    int file = check_file("f", "0123456789");
    struct flock lock = lock_of(F_WRLCK, 0, 5);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    CHECK(fcntl(file, F_GETLK, &lock), 0);
    CHECK(lock.l_type, F_UNLCK);
    pid_t owner = getpid();
    IN_CHILD
    {
        lock = lock_of(F_RDLCK, 2, 10);
        CHECK(fcntl(file, F_GETLK, &lock), 0);
        CHECK(lock.l_type, F_WRLCK);
        CHECK(lock.l_start, 0);
        CHECK(lock.l_len, 5);
        CHECK_TRUE(lock.l_pid == owner);
        lock = lock_of(F_RDLCK, 2, 10);
        CHECK(fcntl(file, F_SETLK, &lock), -EAGAIN);
        lock = lock_of(F_WRLCK, 5, 0);
        CHECK(fcntl(file, F_SETLK, &lock), 0);
    }
    lock = lock_of(F_WRLCK, 5, 5);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
}

CASE(locks_split)
{
    int file = check_file("f", "");
    struct flock lock = lock_of(F_WRLCK, 0, 30);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    lock = lock_of(F_UNLCK, 10, 10);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    lock = lock_of(F_RDLCK, 20, 5);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    IN_CHILD
    {
        lock = lock_of(F_WRLCK, 10, 10);
        CHECK(fcntl(file, F_SETLK, &lock), 0);
        lock = lock_of(F_RDLCK, 20, 5);
        CHECK(fcntl(file, F_SETLK, &lock), 0);
        lock = lock_of(F_RDLCK, 25, 0);
        CHECK(fcntl(file, F_GETLK, &lock), 0);
        CHECK(lock.l_start, 25);
        CHECK(lock.l_len, 5);
    }
}

// Closing any descriptor of the file gives up all the process's locks on it.
CASE(locks_lost_by_close)
{
    int file = check_file("f", "");
    struct flock lock = lock_of(F_WRLCK, 0, 0);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    CHECK(close(NEED(open("f", O_RDONLY))), 0);
    IN_CHILD
    {
        CHECK(fcntl(file, F_SETLK, &lock), 0);
    }
}

CASE(locks_wait)
{
    int file = check_file("f", "");
    struct flock lock = lock_of(F_WRLCK, 0, 0);
    NEED(fcntl(file, F_SETLK, &lock));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(fcntl(file, F_SETLKW, &lock), 0);
        CHECK(lseek(file, 0, SEEK_CUR), 7);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(lseek(file, 7, SEEK_SET));
    lock.l_type = F_UNLCK;
    NEED(fcntl(file, F_SETLK, &lock));
    check_join(child);
}

CASE(locks_deadlock)
{
    int file = check_file("f", "");
    int ends[2];
    char byte = 0;
    NEED(pipe(ends));
    struct flock lock = lock_of(F_WRLCK, 0, 1);
    NEED(fcntl(file, F_SETLK, &lock));
    pid_t child = check_fork();
    if (child == 0) {
        lock = lock_of(F_WRLCK, 1, 1);
        NEED(fcntl(file, F_SETLK, &lock));
        NEED(write(ends[1], "x", 1));
        lock = lock_of(F_WRLCK, 0, 1);
        CHECK(fcntl(file, F_SETLKW, &lock), 0);
        check_exit();
    }
    NEED(read(ends[0], &byte, 1));
    check_wait_asleep(child);
    lock = lock_of(F_WRLCK, 1, 1);
    CHECK(fcntl(file, F_SETLKW, &lock), -EDEADLK);
    lock = lock_of(F_UNLCK, 0, 1);
    NEED(fcntl(file, F_SETLK, &lock));
    check_join(child);
}

CASE(locks_errors)
{
    int file = check_file("f", "text");
    int readable = NEED(open("f", O_RDONLY));
    int writable = NEED(open("f", O_WRONLY));
    struct flock lock = lock_of(F_WRLCK, 0, 0);
    CHECK(fcntl(readable, F_SETLK, &lock), -EBADF);
    lock.l_type = F_RDLCK;
    CHECK(fcntl(writable, F_SETLK, &lock), -EBADF);
    CHECK(fcntl(-1, F_SETLK, &lock), -EBADF);
    lock.l_type = 77;
    CHECK(fcntl(file, F_SETLK, &lock), -EINVAL);
    lock = lock_of(F_RDLCK, -1, 1);
    CHECK(fcntl(file, F_SETLK, &lock), -EINVAL);
    lock = lock_of(F_RDLCK, 5, -5);
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    lock = lock_of(F_RDLCK, 2, -5);
    CHECK(fcntl(file, F_SETLK, &lock), -EINVAL);
    lock.l_whence = 9;
    CHECK(fcntl(file, F_SETLK, &lock), -EINVAL);
    lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -1, .l_len = 1 };
    CHECK(fcntl(file, F_SETLK, &lock), 0);
    lock = lock_of(F_UNLCK, 0, 0);
    CHECK(fcntl(file, F_GETLK, &lock), -EINVAL);
    CHECK(SYS(fcntl, file, F_SETLK, BAD), -EFAULT);
}

CASE(locks_of_open_files)
{
    check_file("f", "");
    int one = NEED(open("f", O_RDWR));
    int other = NEED(open("f", O_RDWR));
    struct flock lock = lock_of(F_WRLCK, 0, 0);
    CHECK(fcntl(one, F_OFD_SETLK, &lock), 0);
    CHECK(fcntl(other, F_OFD_SETLK, &lock), -EAGAIN);
    CHECK(fcntl(dup(one), F_OFD_SETLK, &lock), 0);
    CHECK(fcntl(other, F_OFD_GETLK, &lock), 0);
    CHECK(lock.l_pid, -1);
    CHECK(lock.l_type, F_WRLCK);
    CHECK(fcntl(one, F_OFD_SETLK, &lock), -EINVAL);
    lock.l_pid = 0;
    IN_CHILD
    {
        CHECK(fcntl(one, F_OFD_SETLK, &lock), 0);
    }
    close(dup(one));
    CHECK(fcntl(other, F_OFD_SETLK, &lock), -EAGAIN);
}

CASE(whole_file_locks)
{
    check_file("f", "");
    int one = NEED(open("f", O_RDONLY));
    int other = NEED(open("f", O_RDONLY));
    CHECK(flock(one, LOCK_SH), 0);
    CHECK(flock(other, LOCK_SH | LOCK_NB), 0);
    CHECK(flock(other, LOCK_EX | LOCK_NB), -EAGAIN);
    CHECK(flock(one, LOCK_UN), 0);
    CHECK(flock(other, LOCK_EX | LOCK_NB), 0);
    CHECK(flock(one, LOCK_SH | LOCK_NB), -EAGAIN);
    IN_CHILD
    {
        CHECK(flock(other, LOCK_EX | LOCK_NB), 0);
        close(other);
    }
    CHECK(flock(one, LOCK_SH | LOCK_NB), -EAGAIN);
    close(other);
    CHECK(flock(one, LOCK_EX | LOCK_NB), 0);
    CHECK(flock(one, 77), -EINVAL);
    CHECK(flock(-1, LOCK_SH), -EBADF);
    struct flock lock = lock_of(F_WRLCK, 0, 0);
    CHECK(fcntl(3, F_SETLK, &lock), 0);
}

CASE(descriptors_limited)
{
    struct rlimit limit = { 6, 6 };
    int ends[2];
    NEED(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK(open(".", O_RDONLY), 3);
    CHECK(dup(3), 4);
    CHECK(pipe(ends), -EMFILE);
    CHECK(dup(3), 5);
    CHECK(dup(3), -EMFILE);
    CHECK(open(".", O_RDONLY), -EMFILE);
    CHECK(open("missing", O_RDONLY), -EMFILE);
    CHECK(fcntl(3, F_DUPFD, 3), -EMFILE);
    CHECK(fcntl(3, F_DUPFD, 6), -EINVAL);
    CHECK(dup2(3, 6), -EBADF);
    CHECK(dup2(3, 5), 5);
}

CASE(owner)
{
    int ends[2];
    NEED(pipe(ends));
    CHECK(fcntl(ends[0], F_GETOWN), 0);
    CHECK(fcntl(ends[0], F_SETOWN, getpid()), 0);
    CHECK_TRUE(fcntl(ends[0], F_GETOWN) == getpid());
    CHECK(fcntl(ends[0], F_SETOWN, 1 << 22), -ESRCH);
    CHECK(fcntl(ends[0], F_GETSIG), 0);
    CHECK(fcntl(ends[0], F_SETSIG, SIGUSR1), 0);
    CHECK(fcntl(ends[0], F_GETSIG), SIGUSR1);
    CHECK(fcntl(ends[0], F_SETSIG, 1000), -EINVAL);
}

static volatile sig_atomic_t seen;

static void see(int number)
{
    seen = number;
}

CASE(input_by_signal)
{
    int ends[2];
    NEED(pipe(ends));
    signal(SIGIO, see);
    NEED(fcntl(ends[0], F_SETOWN, getpid()));
    CHECK(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(seen, SIGIO);
}

CASE(leases)
{
    close(check_file("f", ""));
    int file = NEED(open("f", O_RDONLY));
    signal(SIGIO, SIG_IGN);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(fcntl, file, F_SETLEASE, F_RDLCK), -EACCES);
        }
    }
    CHECK(fcntl(file, F_GETLEASE), F_UNLCK);
    CHECK(SYS(fcntl, file, F_SETLEASE, F_UNLCK), -EAGAIN);
    CHECK(SYS(fcntl, file, F_SETLEASE, 77), -EINVAL);
    CHECK(SYS(fcntl, open(".", O_RDONLY), F_SETLEASE, F_RDLCK), -EINVAL);
    CHECK(SYS(fcntl, file, F_SETLEASE, F_WRLCK), 0);
    CHECK(fcntl(file, F_GETLEASE), F_WRLCK);
    IN_CHILD
    {
        CHECK(SYS(open, "f", O_RDONLY | O_NONBLOCK), -EWOULDBLOCK);
        CHECK(SYS(openat, AT_FDCWD, "f", O_WRONLY | O_NONBLOCK), -EWOULDBLOCK);
    }
    CHECK(SYS(fcntl, file, F_SETLEASE, F_UNLCK), 0);
    CHECK_TRUE(open("f", O_WRONLY | O_NONBLOCK) > 0);
}

CASE(leases_of_files_in_use)
{
    close(check_file("f", ""));
    int file = NEED(open("f", O_RDONLY));
    int other = NEED(open("f", O_RDONLY));
    CHECK(fcntl(file, F_SETLEASE, F_WRLCK), -EAGAIN);
    CHECK(fcntl(file, F_SETLEASE, F_RDLCK), 0);
    CHECK(fcntl(other, F_SETLEASE, F_RDLCK), 0);
    close(other);
    CHECK(fcntl(file, F_SETLEASE, F_WRLCK), 0);
    CHECK(fcntl(file, F_SETLEASE, F_RDLCK), 0);
    CHECK_TRUE(open("f", O_RDONLY | O_NONBLOCK) > 0);
    close(file);
    file = NEED(open("f", O_RDWR | O_NONBLOCK));
    CHECK(fcntl(file, F_SETLEASE, F_RDLCK), -EAGAIN);
}

static volatile sig_atomic_t asked_for;

static void on_asked(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    asked_for = info->si_fd;
}

// Who opens waits until the lease is given up; who has it is told.
CASE(leases_asked_back)
{
    struct sigaction action = { .sa_sigaction = on_asked, .sa_flags = SA_SIGINFO };
    close(check_file("f", "text"));
    int file = NEED(open("f", O_RDONLY));
    NEED(sigaction(SIGUSR1, &action, NULL));
    NEED(fcntl(file, F_SETSIG, SIGUSR1));
    NEED(fcntl(file, F_SETLEASE, F_WRLCK));
    pid_t child = check_fork();
    if (child == 0) {
        close(file);
        close(NEED(open("f", O_RDONLY)));
        NEED(truncate("f", 2));
        check_exit();
    }
    check_wait_asleep(child);
    CHECK(asked_for, file);
    CHECK(fcntl(file, F_GETLEASE), F_RDLCK);
    CHECK(fcntl(file, F_SETLEASE, F_RDLCK), 0);
    while (fcntl(file, F_GETLEASE) != F_UNLCK) {
        check_sleep(1);
    }
    close(file);
    check_join(child);
}

// Who is asked for a lease gives up what is asked for, or nothing: it does not begin anew.
CASE(leases_kept_from_who_opens)
{
    close(check_file("f", ""));
    int file = NEED(open("f", O_RDONLY));
    signal(SIGIO, SIG_IGN);
    const int32_t held[] = { F_WRLCK, F_WRLCK, F_RDLCK };
    const int32_t wanted[] = { O_RDONLY, O_WRONLY, O_WRONLY };
    for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        NEED(fcntl(file, F_SETLEASE, held[i]));
        pid_t child = check_fork();
        if (child == 0) {
            close(file);
            close(NEED(open("f", wanted[i])));
            check_exit();
        }
        check_wait_asleep(child);
        CHECK(fcntl(file, F_SETLEASE, held[i]), -EAGAIN);
        CHECK(fcntl(file, F_GETLEASE), wanted[i] == O_RDONLY ? F_RDLCK : F_UNLCK);
        CHECK(fcntl(file, F_SETLEASE, F_UNLCK), 0);
        check_join(child);
    }
}

// Each ends with its file, whatever others there are, of this file and of another.
CASE(leases_in_numbers)
{
    enum {
        MANY = 40
    };
    int files[MANY], others[MANY];
    close(check_file("f", ""));
    close(check_file("g", ""));
    for (unsigned i = 0; i < MANY; i++) {
        files[i] = NEED(open("f", O_RDONLY));
        others[i] = NEED(open("g", O_RDONLY));
        NEED(fcntl(files[i], F_SETLEASE, F_RDLCK));
        NEED(fcntl(others[i], F_SETLEASE, F_RDLCK));
    }
    for (unsigned i = MANY; i-- > 1;) {
        close(files[i]);
    }
    CHECK(fcntl(files[0], F_GETLEASE), F_RDLCK);
    CHECK(fcntl(files[0], F_SETLEASE, F_WRLCK), 0);
    close(files[0]);
    CHECK_TRUE(open("f", O_WRONLY | O_NONBLOCK) > 0);
    CHECK(fcntl(others[MANY / 2], F_GETLEASE), F_RDLCK);
    CHECK(fcntl(others[MANY / 2], F_SETLEASE, F_WRLCK), -EAGAIN);
}

CASE(notices_of_directories)
{
    CHECK(SYS(fcntl, check_file("f", ""), F_NOTIFY, DN_CREATE), -ENOTDIR);
    CHECK(SYS(fcntl, open(".", O_RDONLY), F_NOTIFY, DN_CREATE), 0);
}
