// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Standard input, output and error; there are no other files.
#include "libc.h"

#include <rt/print.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static long (*input_read)(void *to, size_t bytes);
static long (*output_write)(const void *from, size_t bytes);

void libc_input_set(long (*read)(void *to, size_t bytes))
{
    input_read = read;
}

void libc_output_set(long (*write)(const void *from, size_t bytes))
{
    output_write = write;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

ssize_t read(int fd, void *buf, size_t nbyte)
{
    if (fd != STDIN_FILENO) {
        return refuse(EBADF);
    }
    return input_read ? input_read(buf, nbyte) : 0;
}

ssize_t write(int fd, const void *buf, size_t nbyte)
{
    struct rt_sink *sink = rt_print_sink();
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO) {
        return refuse(EBADF);
    }
    if (output_write) {
        return output_write(buf, nbyte);
    }
    for (size_t i = 0; i < nbyte; i++) {
        sink->put(sink, ((const char *)buf)[i]);
    }
    return (ssize_t)nbyte;
}

int open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return refuse(ENOENT);
}

int close(int fildes)
{
    return fildes >= STDIN_FILENO && fildes <= STDERR_FILENO ? 0 : refuse(EBADF);
}

off_t lseek(int fildes, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return refuse(fildes >= STDIN_FILENO && fildes <= STDERR_FILENO ? ESPIPE : EBADF);
}

int unlink(const char *path)
{
    (void)path;
    return refuse(ENOENT);
}
