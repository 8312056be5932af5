// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Data that the kernel moves: sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2),
// preadv2(2).
#include "check.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int ends[2];
static int other[2];
static char buffer[100000];

static const char *read_all(int fd)
{
    ssize_t length = pread(fd, buffer, 1000, 0);
    buffer[length < 0 ? 0 : length] = 0;
    return buffer;
}

CASE(send)
{
    int from = check_file("from", "hello world");
    int to = check_file("to", "");
    off_t offset = 6;
    CHECK(sendfile(to, from, NULL, 5), 5);
    CHECK(lseek(from, 0, SEEK_CUR), 5);
    CHECK(lseek(to, 0, SEEK_CUR), 5);
    CHECK_TEXT(read_all(to), "hello");
    CHECK(sendfile(to, from, &offset, 100), 5);
    CHECK(offset, 11);
    CHECK(lseek(from, 0, SEEK_CUR), 5);
    CHECK(sendfile(to, from, &offset, 100), 0);
    CHECK_TEXT(read_all(to), "helloworld");
    NEED(pipe(ends));
    CHECK(sendfile(ends[1], from, NULL, 3), 3);
    CHECK(read(ends[0], buffer, 10), 3);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
    offset = 0;
    CHECK(sendfile(other[0], from, &offset, 11), 11);
    CHECK(read(other[1], buffer, 100), 11);
}

CASE(send_errors)
{
    int from = check_file("from", "hello");
    int to = check_file("to", "");
    off_t offset = -1;
    NEED(pipe(ends));
    CHECK(sendfile(99, from, NULL, 1), -EBADF);
    CHECK(sendfile(to, 99, NULL, 1), -EBADF);
    CHECK(sendfile(open("to", O_RDONLY), from, NULL, 1), -EBADF);
    CHECK(sendfile(to, open("from", O_WRONLY), NULL, 1), -EBADF);
    CHECK(sendfile(to, from, &offset, 1), -EINVAL);
    CHECK(SYS(sendfile, to, from, BAD, 1), -EFAULT);
    CHECK(sendfile(open("to", O_RDWR | O_APPEND), from, NULL, 1), -EINVAL);
    offset = 0;
    CHECK(sendfile(to, ends[0], &offset, 1), -ESPIPE);
    CHECK(sendfile(to, open(".", O_RDONLY), NULL, 1), -EINVAL);
    CHECK(sendfile(to, from, NULL, 0), 0);
    offset = 1l << 31;  // files of /proc end before
    int small = NEED(open("/proc/version", O_RDONLY));
    CHECK(sendfile(to, small, &offset, 1), -EOVERFLOW);
    NEED(fcntl(ends[1], F_SETFL, O_NONBLOCK));
    while (write(ends[1], buffer, sizeof(buffer)) > 0) {}
    offset = 0;
    CHECK(sendfile(ends[1], from, &offset, 1), -EAGAIN);
}

CASE(splice)
{
    int from = check_file("from", "hello world");
    int to = check_file("to", "");
    loff_t offset = 6;
    NEED(pipe2(ends, O_NONBLOCK));
    CHECK(splice(from, NULL, ends[1], NULL, 5, 0), 5);
    CHECK(splice(ends[0], NULL, to, NULL, 100, 0), 5);
    CHECK_TEXT(read_all(to), "hello");
    CHECK(splice(from, &offset, ends[1], NULL, 100, 0), 5);
    CHECK(offset, 11);
    NEED(pipe2(other, O_NONBLOCK));
    CHECK(splice(ends[0], NULL, other[1], NULL, 3, 0), 3);
    CHECK(read(other[0], buffer, 100), 3);
    CHECK(read(ends[0], buffer, 100), 2);
    CHECK(splice(ends[0], NULL, to, NULL, 10, SPLICE_F_NONBLOCK), -EAGAIN);
    close(ends[1]);
    CHECK(splice(ends[0], NULL, to, NULL, 10, 0), 0);
}

CASE(splice_errors)
{
    int from = check_file("from", "hello");
    int to = check_file("to", "");
    loff_t offset = 0;
    NEED(pipe(ends));
    CHECK(splice(from, NULL, to, NULL, 5, 0), -EINVAL);
    CHECK(splice(99, NULL, ends[1], NULL, 5, 0), -EBADF);
    CHECK(splice(from, NULL, ends[1], &offset, 5, 0), -ESPIPE);
    CHECK(splice(ends[0], NULL, ends[1], NULL, 5, 0), -EINVAL);
    CHECK(splice(from, NULL, ends[1], NULL, 5, 0x100), -EINVAL);
    CHECK(splice(from, NULL, ends[1], NULL, 0, 0), 0);
    CHECK(SYS(splice, from, BAD, ends[1], NULL, 5, 0), -EFAULT);
    CHECK(splice(from, NULL, ends[0], NULL, 5, 0), -EBADF);
    NEED(write(ends[1], "x", 1));
    CHECK(splice(ends[0], NULL, open("to", O_WRONLY | O_APPEND), NULL, 1, 0), -EINVAL);
}

CASE(tee)
{
    NEED(pipe2(ends, O_NONBLOCK));
    NEED(pipe2(other, O_NONBLOCK));
    CHECK(tee(ends[0], other[1], 100, SPLICE_F_NONBLOCK), -EAGAIN);
    NEED(write(ends[1], "hello", 5));
    CHECK(tee(ends[0], other[1], 100, 0), 5);
    CHECK(read(other[0], buffer, 100), 5);
    CHECK(read(ends[0], buffer, 100), 5);
    CHECK(tee(ends[0], ends[1], 10, 0), -EINVAL);
    CHECK(tee(check_file("f", ""), ends[1], 10, 0), -EINVAL);
    CHECK(tee(99, ends[1], 10, 0), -EBADF);
}

CASE(from_memory)
{
    char text[] = "hello";
    struct iovec parts[2] = { { text, 2 }, { text + 2, 3 } };
    NEED(pipe2(ends, O_NONBLOCK));
    CHECK(vmsplice(ends[1], parts, 2, 0), 5);
    CHECK(read(ends[0], buffer, 100), 5);
    CHECK_TRUE(memcmp(buffer, "hello", 5) == 0);
    CHECK(vmsplice(check_file("f", ""), parts, 1, 0), -EBADF);
    CHECK(vmsplice(ends[1], parts, 2000, 0), -EINVAL);
    while (write(ends[1], buffer, sizeof(buffer)) > 0) {}
    CHECK(vmsplice(ends[1], parts, 1, SPLICE_F_NONBLOCK), -EAGAIN);
}

CASE(copy_range)
{
    int from = check_file("from", "hello world");
    int to = check_file("to", "");
    loff_t in = 6;
    loff_t out = 2;
    CHECK(copy_file_range(from, NULL, to, NULL, 5, 0), 5);
    CHECK(lseek(from, 0, SEEK_CUR), 5);
    CHECK(lseek(to, 0, SEEK_CUR), 5);
    CHECK(copy_file_range(from, &in, to, &out, 100, 0), 5);
    CHECK(in, 11);
    CHECK(out, 7);
    CHECK_TEXT(read_all(to), "heworld");
    CHECK(copy_file_range(from, &in, to, NULL, 100, 0), 0);
}

CASE(copy_range_errors)
{
    int from = check_file("from", "hello world");
    int to = check_file("to", "");
    loff_t in = 0;
    loff_t out = 3;
    NEED(pipe(ends));
    CHECK(copy_file_range(from, &in, from, &out, 5, 0), -EINVAL);
    out = 20;
    CHECK(copy_file_range(from, &in, from, &out, 5, 0), 5);
    CHECK(copy_file_range(from, NULL, to, NULL, 5, 1), -EINVAL);
    CHECK(copy_file_range(from, NULL, ends[1], NULL, 5, 0), -EINVAL);
    CHECK(copy_file_range(from, NULL, open(".", O_RDONLY), NULL, 5, 0), -EISDIR);
    CHECK(copy_file_range(99, NULL, to, NULL, 5, 0), -EBADF);
    CHECK(copy_file_range(from, NULL, open("to", O_RDONLY), NULL, 5, 0), -EBADF);
    CHECK(copy_file_range(from, NULL, open("to", O_WRONLY | O_APPEND), NULL, 5, 0), -EBADF);
    CHECK(SYS(copy_file_range, from, BAD, to, NULL, 5, 0), -EFAULT);
    in = 5;
    CHECK(copy_file_range(from, &in, to, NULL, SIZE_MAX, 0), -EOVERFLOW);
    CHECK(copy_file_range(from, NULL, memfd_create("x", 0), NULL, 5, 0), -EXDEV);
}

CASE(vectors_with_flags)
{
    struct iovec part = { buffer, 5 };
    int file = check_file("f", "hello world");
    CHECK(preadv2(file, &part, 1, 6, 0), 5);
    CHECK_TRUE(memcmp(buffer, "world", 5) == 0);
    CHECK(preadv2(file, &part, 1, -1, 0), 5);
    CHECK(lseek(file, 0, SEEK_CUR), 5);
    CHECK(pwritev2(file, &part, 1, 0, RWF_APPEND), 5);
    struct stat about;
    NEED(fstat(file, &about));
    CHECK(about.st_size, 16);
    CHECK(pwritev2(file, &part, 1, 0, RWF_SYNC), 5);
    CHECK(preadv2(file, &part, 1, 0, 0x10000), -EOPNOTSUPP);
    CHECK(preadv2(file, &part, 1, 0, -1), -EOPNOTSUPP);
    CHECK(pwritev2(file, &part, 1, 0, -1), -EOPNOTSUPP);
    CHECK(preadv2(file, &part, 1, -2, 0), -EINVAL);
    CHECK(SYS(preadv2, 99, &part, 1, 0, 0, -1), -EBADF);
    CHECK(SYS(preadv2, file, BAD, 1, 0, 0, -1), -EFAULT);
    CHECK(SYS(preadv2, file, &part, 2000, 0, 0, -1), -EINVAL);
    part.iov_len = 0;
    CHECK(preadv2(file, &part, 1, 0, 0), 0);
    part.iov_len = 5;
    CHECK(preadv2(file, &part, 1, 0, RWF_HIPRI), 5);
    CHECK(pwritev2(file, &part, 1, 0, RWF_DSYNC), 5);
    NEED(pipe(ends));
    CHECK(preadv2(ends[0], &part, 1, -1, RWF_NOWAIT), -EAGAIN);
    CHECK(preadv2(ends[0], &part, 1, 0, 0), -ESPIPE);
}
