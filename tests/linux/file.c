// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Regular files: open(2), close(2), read(2), write(2), lseek(2), truncate(2), fallocate(2) and the
// vectored calls.
#include "check.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define MISC_MAJOR 10
#define MISC_NONE  253  // a number that no driver has

static char buffer[8192];

static long size_of(int file)
{
    struct stat about;
    return fstat(file, &about) == 0 ? about.st_size : -1;
}

CASE(open_creates)
{
    struct stat about;
    CHECK(open("f", O_RDONLY), -ENOENT);
    CHECK(open("f", O_RDWR | O_CREAT, 0666), 3);
    CHECK(stat("f", &about), 0);
    CHECK_TRUE(S_ISREG(about.st_mode));
    CHECK(about.st_mode & 07777, 0644);
    CHECK(about.st_size, 0);
    CHECK(open("f", O_RDWR | O_CREAT | O_EXCL, 0666), -EEXIST);
    CHECK(open("f", O_RDWR | O_CREAT, 0), 4);
}

CASE(open_lowest)
{
    CHECK(open(".", O_RDONLY), 3);
    CHECK(open(".", O_RDONLY), 4);
    CHECK(open(".", O_RDONLY), 5);
    CHECK(close(4), 0);
    CHECK(open(".", O_RDONLY), 4);
}

CASE(open_mode_and_umask)
{
    struct stat about;
    CHECK(umask(077), 022);
    NEED(open("a", O_RDWR | O_CREAT, 0777));
    CHECK(stat("a", &about), 0);
    CHECK(about.st_mode & 07777, 0700);
    CHECK(umask(07777), 077);
    CHECK(umask(0), 0777);
    NEED(open("b", O_RDWR | O_CREAT, 01777));
    CHECK(stat("b", &about), 0);
    CHECK(about.st_mode & 07777, 01777);
}

// The mode counts for later opens, not for the descriptor that creates the file.
CASE(open_created_unreadable)
{
    AS_NOBODY
    {
        CHECK(open("f", O_RDWR | O_CREAT, 0), 3);
        CHECK(write(3, "x", 1), 1);
        CHECK(open("f", O_RDONLY), -EACCES);
    }
}

CASE(open_errors)
{
    close(check_file("f", "text"));
    CHECK(open("", O_RDONLY), -ENOENT);
    CHECK(open("f/x", O_RDONLY), -ENOTDIR);
    CHECK(open("f/", O_RDONLY), -ENOTDIR);
    CHECK(open("missing/x", O_RDWR | O_CREAT, 0644), -ENOENT);
    CHECK(open("new/", O_RDWR | O_CREAT, 0644), -EISDIR);
    CHECK(open(".", O_WRONLY), -EISDIR);
    CHECK(open(".", O_RDWR), -EISDIR);
    CHECK(open(".", O_RDONLY | O_CREAT, 0644), -EISDIR);
    CHECK(open("f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    CHECK(open(".", O_RDONLY | O_DIRECTORY), 3);
    CHECK(SYS(open, BAD, O_RDONLY), -EFAULT);
    CHECK(openat(-1, "f", O_RDONLY), -EBADF);
    CHECK(openat(99, "f", O_RDONLY), -EBADF);
}

CASE(open_symbolic_links)
{
    NEED(symlink("target", "link"));
    NEED(symlink("self", "self"));
    CHECK(open("link", O_RDONLY), -ENOENT);
    CHECK(open("link", O_RDONLY | O_NOFOLLOW), -ELOOP);
    CHECK(open("link", O_RDWR | O_CREAT | O_EXCL, 0644), -EEXIST);
    CHECK(open("link", O_RDWR | O_CREAT, 0644), 3);
    CHECK(access("target", F_OK), 0);
    CHECK(open("self", O_RDONLY), -ELOOP);
    CHECK(open("link", O_PATH | O_NOFOLLOW), 4);
}

CASE(open_truncates)
{
    close(check_file("f", "text"));
    int file = NEED(open("f", O_WRONLY));
    CHECK(size_of(file), 4);
    NEED(open("f", O_WRONLY | O_TRUNC));
    CHECK(size_of(file), 0);
}

CASE(open_permissions)
{
    close(check_file("r", ""));
    close(check_file("w", ""));
    NEED(chmod("r", 0444));
    NEED(chmod("w", 0222));
    NEED(mkdir("d", 0700));
    close(check_file("d/f", ""));
    NEED(chmod("d", 0));
    AS_NOBODY
    {
        CHECK(open("r", O_RDONLY), 3);
        CHECK(open("r", O_WRONLY), -EACCES);
        CHECK(open("r", O_RDWR), -EACCES);
        CHECK(open("r", O_RDONLY | O_TRUNC), -EACCES);
        CHECK(open("w", O_RDONLY), -EACCES);
        CHECK(open("w", O_WRONLY), 4);
        CHECK(open("d/f", O_RDONLY), -EACCES);
        CHECK(open("d/missing", O_RDONLY), -EACCES);
    }
    if (check_is_root()) {
        CHECK(open("r", O_RDWR), 3);
        CHECK(open("w", O_RDWR), 4);
        CHECK(open("d/f", O_RDONLY), 5);
    }
}

CASE(open_flags_kept)
{
    int file = NEED(open("f", O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK, 0644));
    CHECK(fcntl(file, F_GETFL), O_RDWR | O_APPEND | O_NONBLOCK | O_LARGEFILE | 0100000);
}

// A program that is executed.
CASE(open_busy)
{
    struct stat about;
    if (check_is_root()) {
        NEED(stat(check_program, &about));
        CHECK(SYS(open, check_program, O_WRONLY), -ETXTBSY);
        CHECK(SYS(creat, check_program, 0700), -ETXTBSY);
        CHECK(SYS(truncate, check_program, about.st_size), -ETXTBSY);
        CHECK(SYS(access, check_program, W_OK), 0);
    }
}

CASE(open_nothing_behind)
{
    NEED(mknod("socket", S_IFSOCK | 0600, 0));
    NEED(mkfifo("fifo", 0600));
    CHECK(SYS(open, "socket", O_RDWR), -ENXIO);
    CHECK(SYS(creat, "socket", 0600), -ENXIO);
    CHECK(SYS(open, "fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    if (check_is_root()) {
        NEED(mknod("device", S_IFCHR | 0600, makedev(MISC_MAJOR, MISC_NONE)));
        CHECK(SYS(open, "device", O_RDWR), -ENODEV);
        CHECK(SYS(creat, "device", 0600), -ENODEV);
    }
}

CASE(path_only)
{
    struct stat about;
    close(check_file("f", "text"));
    int file = NEED(open("f", O_PATH));
    CHECK(fcntl(file, F_GETFL), O_PATH);
    CHECK(read(file, buffer, 1), -EBADF);
    CHECK(write(file, buffer, 1), -EBADF);
    CHECK(lseek(file, 0, SEEK_SET), -EBADF);
    CHECK(fchmod(file, 0600), -EBADF);
    CHECK(ftruncate(file, 0), -EBADF);
    CHECK(fstat(file, &about), 0);
    CHECK(about.st_size, 4);
    CHECK(dup(file), file + 1);
    CHECK(openat(file, "x", O_RDONLY), -ENOTDIR);
    CHECK(openat(file, "", O_RDONLY), -ENOENT);
    int here = NEED(open(".", O_PATH | O_DIRECTORY));
    CHECK_TRUE(openat(here, "f", O_RDONLY) > here);
    CHECK(fchdir(here), 0);
}

CASE(temporary)
{
    struct stat about;
    int file = NEED(open(".", O_TMPFILE | O_RDWR, 0600));
    CHECK(write(file, "text", 4), 4);
    CHECK(fstat(file, &about), 0);
    CHECK(about.st_nlink, 0);
    CHECK(about.st_mode, S_IFREG | 0600);
    CHECK(open(".", O_TMPFILE | O_RDONLY, 0600), -EINVAL);
    char name[64];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
    CHECK(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK(stat("named", &about), 0);
    CHECK(about.st_nlink, 1);
    CHECK(about.st_size, 4);
}

CASE(close)
{
    int file = check_file("f", "text");
    CHECK(close(file), 0);
    CHECK(close(file), -EBADF);
    CHECK(close(-1), -EBADF);
    CHECK(close(1 << 20), -EBADF);
    CHECK(read(file, buffer, 1), -EBADF);
    CHECK(write(file, buffer, 1), -EBADF);
    CHECK(lseek(file, 0, SEEK_SET), -EBADF);
    CHECK(ftruncate(file, 0), -EBADF);
    CHECK(fsync(file), -EBADF);
}

CASE(close_range)
{
    for (int i = 0; i < 6; i++) {
        NEED(open(".", O_RDONLY));
    }
    CHECK(SYS(close_range, 4, 6, 0), 0);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(fcntl(4, F_GETFD), -EBADF);
    CHECK(fcntl(6, F_GETFD), -EBADF);
    CHECK(SYS(close_range, 7, ~0u, 4), 0);
    CHECK(fcntl(7, F_GETFD), FD_CLOEXEC);
    CHECK(SYS(close_range, 7, 6, 0), -EINVAL);
    CHECK(SYS(close_range, 7, 8, 16), -EINVAL);
    CHECK(SYS(close_range, 1000, 2000, 0), 0);
    CHECK(SYS(close_range, 3, ~0u, 0), 0);
    CHECK(open(".", O_RDONLY), 3);
}

CASE(read)
{
    int file = check_file("f", "hello");
    CHECK(read(file, buffer, 2), 2);
    CHECK_TRUE(memcmp(buffer, "he", 2) == 0);
    CHECK(read(file, buffer, 100), 3);
    CHECK_TRUE(memcmp(buffer, "llo", 3) == 0);
    CHECK(read(file, buffer, 100), 0);
    CHECK(read(file, buffer, 0), 0);
    CHECK(lseek(file, 0, SEEK_CUR), 5);
}

CASE(read_errors)
{
    int file = check_file("f", "hello");
    CHECK(SYS(read, file, BAD, 1), -EFAULT);
    CHECK(lseek(file, 0, SEEK_CUR), 0);
    CHECK(SYS(read, file, BAD, 0), 0);
    CHECK(SYS(read, file, buffer, -1l), -EFAULT);
    CHECK(SYS(read, -1, buffer, 1), -EBADF);
    CHECK(read(open(".", O_RDONLY), buffer, 1), -EISDIR);
    CHECK(read(open("f", O_WRONLY), buffer, 1), -EBADF);
    CHECK(write(open("f", O_RDONLY), buffer, 1), -EBADF);
}

// A buffer that ends too early takes what it can.
CASE(read_partly_bad)
{
    char *pages = NEED_MEMORY(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                   -1, 0));
    NEED(munmap(pages + 4096, 4096));
    int file = check_file("f", "");
    NEED(ftruncate(file, 8192));
    CHECK(SYS(read, file, pages, 8192), 4096);
    CHECK(lseek(file, 0, SEEK_CUR), 4096);
    CHECK(SYS(pwrite64, file, pages, 8192, 0), 4096);
    CHECK(SYS(pwrite64, file, pages + 4096, 1, 0), -EFAULT);
}

CASE(write)
{
    int file = check_file("f", "");
    CHECK(write(file, "hello", 5), 5);
    CHECK(write(file, "", 0), 0);
    CHECK(size_of(file), 5);
    CHECK(pwrite(file, "J", 1, 0), 1);
    CHECK(lseek(file, 0, SEEK_CUR), 5);
    CHECK(pread(file, buffer, 100, 0), 5);
    CHECK_TRUE(memcmp(buffer, "Jello", 5) == 0);
    CHECK(SYS(write, file, BAD, 1), -EFAULT);
    CHECK(pread(file, buffer, 1, -1), -EINVAL);
    CHECK(pwrite(file, buffer, 1, -1), -EINVAL);
    CHECK(pread(file, buffer, 1, 100), 0);
}

CASE(holes)
{
    int file = check_file("f", "");
    CHECK(lseek(file, 10000, SEEK_SET), 10000);
    CHECK(size_of(file), 0);
    CHECK(write(file, "x", 1), 1);
    CHECK(size_of(file), 10001);
    memset(buffer, 1, sizeof(buffer));
    CHECK(pread(file, buffer, 4096, 0), 4096);
    CHECK_TRUE(buffer[0] == 0 && memcmp(buffer, buffer + 1, 4095) == 0);
}

CASE(append)
{
    close(check_file("f", "one"));
    int file = NEED(open("f", O_RDWR | O_APPEND));
    CHECK(lseek(file, 0, SEEK_CUR), 0);
    CHECK(write(file, "two", 3), 3);
    CHECK(lseek(file, 0, SEEK_CUR), 6);
    CHECK(lseek(file, 0, SEEK_SET), 0);
    CHECK(write(file, "!", 1), 1);
    CHECK(pwrite(file, "?", 1, 0), 1);
    CHECK(pread(file, buffer, 100, 0), 8);
    CHECK_TRUE(memcmp(buffer, "onetwo!?", 8) == 0);
}

CASE(seek)
{
    int file = check_file("f", "hello");
    CHECK(lseek(file, 3, SEEK_SET), 3);
    CHECK(lseek(file, -2, SEEK_CUR), 1);
    CHECK(lseek(file, -1, SEEK_END), 4);
    CHECK(lseek(file, 100, SEEK_END), 105);
    CHECK(lseek(file, -200, SEEK_CUR), -EINVAL);
    CHECK(lseek(file, -1, SEEK_SET), -EINVAL);
    CHECK(lseek(file, 0, 99), -EINVAL);
    CHECK(lseek(file, 0, SEEK_CUR), 105);
    CHECK(lseek(-1, 0, SEEK_CUR), -EBADF);
    CHECK(lseek(file, INT64_MAX, SEEK_CUR), -EINVAL);
}

CASE(seek_data_and_holes)
{
    int file = check_file("f", "data");
    CHECK(lseek(file, 0, SEEK_DATA), 0);
    CHECK(lseek(file, 0, SEEK_HOLE), 4);
    CHECK(lseek(file, 4, SEEK_DATA), -ENXIO);
    CHECK(lseek(file, 4, SEEK_HOLE), -ENXIO);
    CHECK(lseek(file, 3, SEEK_DATA), 3);
}

CASE(offset_shared)
{
    int file = check_file("f", "hello");
    int copy = NEED(dup(file));
    int other = NEED(open("f", O_RDONLY));
    CHECK(read(file, buffer, 2), 2);
    CHECK(lseek(copy, 0, SEEK_CUR), 2);
    CHECK(lseek(other, 0, SEEK_CUR), 0);
    IN_CHILD
    {
        CHECK(read(file, buffer, 1), 1);
    }
    CHECK(lseek(file, 0, SEEK_CUR), 3);
}

CASE(truncate)
{
    int file = check_file("f", "hello");
    CHECK(ftruncate(file, 2), 0);
    CHECK(size_of(file), 2);
    CHECK(ftruncate(file, 4), 0);
    CHECK(pread(file, buffer, 100, 0), 4);
    CHECK_TRUE(memcmp(buffer, "he\0\0", 4) == 0);
    CHECK(truncate("f", 1), 0);
    CHECK(size_of(file), 1);
    CHECK(lseek(file, 0, SEEK_CUR), 0);
}

CASE(truncate_errors)
{
    int file = check_file("f", "hello");
    CHECK(ftruncate(file, -1), -EINVAL);
    CHECK(truncate("f", -1), -EINVAL);
    CHECK(ftruncate(open("f", O_RDONLY), 0), -EINVAL);
    CHECK(truncate("missing", 0), -ENOENT);
    CHECK(truncate(".", 0), -EISDIR);
    CHECK(truncate("f/x", 0), -ENOTDIR);
    CHECK(SYS(truncate, BAD, 0), -EFAULT);
    CHECK(ftruncate(open(".", O_RDONLY), 0), -EINVAL);
    NEED(chmod("f", 0444));
    AS_NOBODY
    {
        CHECK(truncate("f", 0), -EACCES);
    }
}

// What the limit on the size of files says (setrlimit(2)).
CASE(limit_of_size)
{
    struct rlimit small = { 8192, 8192 };
    int from = check_file("from", "hello");
    int file = check_file("f", "");
    loff_t at = 8192;
    signal(SIGXFSZ, SIG_IGN);
    NEED(setrlimit(RLIMIT_FSIZE, &small));
    CHECK(SYS(truncate, "f", 8193), -EFBIG);
    CHECK(SYS(ftruncate, file, 8193), -EFBIG);
    CHECK(SYS(fallocate, file, 0, 8192, 1), -EFBIG);
    CHECK(SYS(pwrite64, file, buffer, 1, 8192), -EFBIG);
    CHECK(SYS(copy_file_range, from, NULL, file, &at, 5, 0), -EFBIG);
    CHECK(truncate("f", 8192), 0);
}

CASE(allocate)
{
    int file = check_file("f", "hello");
    CHECK(fallocate(file, 0, 0, 8192), 0);
    CHECK(size_of(file), 8192);
    CHECK(fallocate(file, FALLOC_FL_KEEP_SIZE, 8192, 8192), 0);
    CHECK(size_of(file), 8192);
    CHECK(pread(file, buffer, 5, 0), 5);
    CHECK_TRUE(memcmp(buffer, "hello", 5) == 0);
    CHECK(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    CHECK(pread(file, buffer, 1, 0), 1);
    CHECK(buffer[0], 0);
    CHECK(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 4096), -EOPNOTSUPP);
    CHECK(fallocate(file, 0, 0, 0), -EINVAL);
    CHECK(fallocate(file, 0, -1, 1), -EINVAL);
    CHECK(fallocate(open("f", O_RDONLY), 0, 0, 1), -EBADF);
    CHECK(fallocate(open("/dev/null", O_RDWR), 0, 0, 1), -ENODEV);
    CHECK(posix_fallocate(file, 0, 16384), 0);
    CHECK(size_of(file), 16384);
}

CASE(vectors)
{
    struct iovec parts[3] = { { buffer, 3 }, { NULL, 0 }, { buffer + 100, 3 } };
    int file = check_file("f", "hello");
    CHECK(readv(file, parts, 3), 5);
    CHECK_TRUE(memcmp(buffer, "hel", 3) == 0 && memcmp(buffer + 100, "lo", 2) == 0);
    CHECK(pwritev(file, parts, 3, 5), 6);
    CHECK(lseek(file, 0, SEEK_CUR), 5);
    CHECK(preadv(file, parts, 1, 4), 3);
    CHECK_TRUE(memcmp(buffer, "ohe", 3) == 0);
    CHECK(writev(file, parts, 0), 0);
    CHECK(SYS(writev, file, parts, -1l), -EINVAL);
    CHECK(SYS(writev, file, parts, 1025), -EINVAL);
    CHECK(SYS(writev, file, BAD, 1), -EFAULT);
    CHECK(writev(-1, parts, 1), -EBADF);
    parts[0].iov_len = (size_t)-1;
    CHECK(writev(file, parts, 1), -EINVAL);
    CHECK(preadv(file, parts + 1, 1, -2), -EINVAL);
    CHECK(SYS(readv, file, parts, 1025), -EINVAL);
    CHECK(SYS(pwritev, file, parts + 1, 1, -2l, 0), -EINVAL);
    CHECK(SYS(pwritev2, file, parts + 1, 1, -2l, 0, 0), -EINVAL);
}

CASE(vectors_partly_bad)
{
    struct iovec parts[2] = { { buffer, 3 }, { BAD, 3 } };
    int file = check_file("f", "hello");
    CHECK(readv(file, parts, 2), 3);
    CHECK(lseek(file, 0, SEEK_CUR), 3);
    CHECK(writev(file, parts, 2), 3);
    CHECK(size_of(file), 6);
}

CASE(unlinked_lives)
{
    struct stat about;
    int file = check_file("f", "hello");
    CHECK(unlink("f"), 0);
    CHECK(fstat(file, &about), 0);
    CHECK(about.st_nlink, 0);
    CHECK(read(file, buffer, 5), 5);
    CHECK(write(file, "x", 1), 1);
    CHECK(open("f", O_RDONLY), -ENOENT);
}

CASE(synchronise)
{
    int file = check_file("f", "hello");
    CHECK(fsync(file), 0);
    CHECK(fdatasync(file), 0);
    CHECK(fsync(open(".", O_RDONLY)), 0);
    CHECK(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
    CHECK(sync_file_range(file, 0, 0, 8), -EINVAL);
    CHECK(syncfs(file), 0);
    CHECK(syncfs(-1), -EBADF);
    CHECK(fsync(-1), -EBADF);
    int ends[2];
    NEED(pipe(ends));
    CHECK(sync_file_range(ends[1], 0, 0, SYNC_FILE_RANGE_WRITE), -ESPIPE);
}

CASE(advice)
{
    int file = check_file("f", "hello");
    CHECK(posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    CHECK(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
    CHECK(posix_fadvise(file, 0, 0, 77), EINVAL);
    CHECK(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
    CHECK(readahead(file, 0, 4096), 0);
    CHECK(readahead(-1, 0, 4096), -EBADF);
    int ends[2];
    NEED(pipe(ends));
    CHECK(SYS(fadvise64, ends[0], 0, 0, POSIX_FADV_NORMAL), -ESPIPE);
    CHECK(readahead(ends[0], 0, 4096), -EINVAL);
}

CASE(devices)
{
    int null = NEED(open("/dev/null", O_RDWR));
    CHECK(read(null, buffer, 10), 0);
    CHECK(write(null, buffer, 10), 10);
    CHECK(lseek(null, 10, SEEK_SET), 0);
    int zero = NEED(open("/dev/zero", O_RDWR));
    memset(buffer, 1, 10);
    CHECK(read(zero, buffer, 10), 10);
    CHECK(buffer[9], 0);
    CHECK(write(zero, buffer, 10), 10);
    int full = NEED(open("/dev/full", O_RDWR));
    CHECK(read(full, buffer, 10), 10);
    CHECK(write(full, buffer, 10), -ENOSPC);
    int random = NEED(open("/dev/urandom", O_RDONLY));
    CHECK(read(random, buffer, 100), 100);
    CHECK_TRUE(memcmp(buffer, buffer + 50, 50) != 0);
    CHECK_TRUE(open("/dev/random", O_RDONLY) > 0);
    CHECK(open("/dev/missing", O_RDONLY), -ENOENT);
}

CASE(openat2)
{
    struct {
        uint64_t flags, mode, resolve, more;
    } how = { .flags = O_RDWR | O_CREAT, .mode = 0600 };
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 24), 3);
    how.flags = O_RDWR;
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 24), -EINVAL);
    how.mode = 0;
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 23), -EINVAL);
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 32), 4);
    how.more = 1;
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 32), -E2BIG);
    how.flags |= 1ul << 40;
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 24), -EINVAL);
    how.flags = O_RDONLY;
    how.resolve = 8;  // RESOLVE_BENEATH
    CHECK(SYS(openat2, AT_FDCWD, "..", &how, 24), -EXDEV);
    CHECK(SYS(openat2, AT_FDCWD, "/", &how, 24), -EXDEV);
    CHECK(SYS(openat2, AT_FDCWD, "./f", &how, 24), 5);
    NEED(symlink("f", "link"));
    how.resolve = 4;  // RESOLVE_NO_SYMLINKS
    CHECK(SYS(openat2, AT_FDCWD, "link", &how, 24), -ELOOP);
    how.resolve = 16;  // RESOLVE_IN_ROOT
    CHECK(SYS(openat2, AT_FDCWD, "/f", &how, 24), 6);
    CHECK(SYS(openat2, AT_FDCWD, "../../f", &how, 24), 7);
    how.resolve = 1 << 20;
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 24), -EINVAL);
    CHECK(SYS(openat2, AT_FDCWD, "f", BAD, 24), -EFAULT);
    how.flags = O_RDWR | O_TRUNC;
    how.resolve = 32;  // RESOLVE_CACHED
    CHECK(SYS(openat2, AT_FDCWD, "f", &how, 24), -EAGAIN);
}

CASE(create)
{
    struct stat about;
    int file = NEED(SYS(creat, "f", 0640));
    CHECK(write(file, "text", 4), 4);
    CHECK(read(file, &about, 1), -EBADF);
    NEED(fstat(file, &about));
    CHECK(about.st_mode & 07777, 0640);
    file = NEED(SYS(creat, "f", 0600));
    NEED(fstat(file, &about));
    CHECK(about.st_size, 0);
    CHECK(about.st_mode & 07777, 0640);
    CHECK(SYS(creat, ".", 0600), -EISDIR);
    CHECK(SYS(sync), 0);
}
