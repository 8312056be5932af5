// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// memfd_create(2) and the seals of fcntl(2).
#include "check.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static char text[256];

CASE(create)
{
    struct stat about;
    char name[64];
    CHECK(memfd_create("some", 0), 3);
    CHECK(memfd_create("some", MFD_CLOEXEC), 4);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(3, F_GETFL), O_RDWR | 0100000);
    CHECK(fstat(3, &about), 0);
    CHECK(about.st_mode, S_IFREG | 0777);
    CHECK(about.st_nlink, 0);
    CHECK(about.st_size, 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", 3);
    memset(text, 0, sizeof(text));
    CHECK(readlink(name, text, sizeof(text) - 1), 21);
    CHECK_TEXT(text, "/memfd:some (deleted)");
    CHECK(memfd_create("", 0), 5);
    memset(text, 'x', sizeof(text) - 1);
    text[249] = 0;
    CHECK(memfd_create(text, 0), 6);
    text[249] = 'x';
    CHECK(memfd_create(text, 0), -EINVAL);
    CHECK(memfd_create("some", 1u << 20), -EINVAL);
    CHECK(SYS(memfd_create, BAD, 0), -EFAULT);
}

CASE(used)
{
    int fd = NEED(memfd_create("some", 0));
    CHECK(write(fd, "hello", 5), 5);
    CHECK(pread(fd, text, 10, 0), 5);
    CHECK(ftruncate(fd, 8192), 0);
    char *area = NEED_MEMORY(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    area[4096] = 'x';
    IN_CHILD
    {
        CHECK(pread(fd, text, 1, 4096), 1);
        CHECK(text[0], 'x');
        area[0] = 'J';
    }
    CHECK(area[0], 'J');
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
    CHECK(area[4096], 0);
}

CASE(seals)
{
    int fd = NEED(memfd_create("some", MFD_ALLOW_SEALING));
    CHECK(fcntl(fd, F_GET_SEALS), 0);
    NEED(write(fd, "hello", 5));
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    CHECK(ftruncate(fd, 4), -EPERM);
    CHECK(ftruncate(fd, 6), 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    CHECK(ftruncate(fd, 7), -EPERM);
    CHECK(pwrite(fd, "x", 1, 6), -EPERM);
    CHECK(pwrite(fd, "x", 1, 5), 1);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    CHECK(pwrite(fd, "x", 1, 5), -EPERM);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -EPERM);
    CHECK_TRUE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    CHECK(SYS(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -EPERM);
    CHECK(SYS(fallocate, fd, 0, 0, 4096), -EPERM);
    CHECK(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -EPERM);
    CHECK(fcntl(fd, F_GET_SEALS), ALL);
}

// By its name in /proc, and from another one.
CASE(seals_everywhere)
{
    char name[64];
    loff_t at = 0;
    int from = NEED(memfd_create("from", 0));
    int fd = NEED(memfd_create("some", MFD_ALLOW_SEALING));
    NEED(write(from, "hello", 5));
    NEED(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE));
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    CHECK(SYS(truncate, name, 4096), -EPERM);
    CHECK(SYS(copy_file_range, from, &at, fd, NULL, 5, 0), -EPERM);
}

CASE(seals_errors)
{
    int fd = NEED(memfd_create("some", 0));
    CHECK(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -EPERM);
    fd = NEED(memfd_create("some", MFD_ALLOW_SEALING));
    CHECK(fcntl(fd, F_ADD_SEALS, 0x1000), -EINVAL);
    NEED(ftruncate(fd, 4096));
    char *area = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -EBUSY);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    area[0] = 1;
    CHECK(write(fd, "x", 1), -EPERM);
    CHECK(fcntl(check_file("f", ""), F_GET_SEALS), -EINVAL);
}
