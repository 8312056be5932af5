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

void libc_input_set(long (*read)(void *to, size_t bytes))
{
    input_read = read;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

ssize_t read(int file, void *to, size_t bytes)
{
    if (file != STDIN_FILENO) {
        return refuse(EBADF);
    }
    return input_read ? input_read(to, bytes) : 0;
}

ssize_t write(int file, const void *from, size_t bytes)
{
    struct rt_sink *sink = rt_print_sink();
    if (file != STDOUT_FILENO && file != STDERR_FILENO) {
        return refuse(EBADF);
    }
    for (size_t i = 0; i < bytes; i++) {
        sink->put(sink, ((const char *)from)[i]);
    }
    return (ssize_t)bytes;
}

int open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return refuse(ENOENT);
}

int close(int file)
{
    return file >= STDIN_FILENO && file <= STDERR_FILENO ? 0 : refuse(EBADF);
}

off_t lseek(int file, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return refuse(file >= STDIN_FILENO && file <= STDERR_FILENO ? ESPIPE : EBADF);
}

int unlink(const char *path)
{
    (void)path;
    return refuse(ENOENT);
}
