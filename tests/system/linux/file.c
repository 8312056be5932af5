// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Open files: the console and the ends of pipes.
#include "linux.h"

#include <rt/print.h>

#define PIPES         16
#define PIPE_BYTES    16384u
#define EMPTY_PATH    0x1000u
#define CLOSE_ON_EXEC 02000000u

struct pipe {
    unsigned readers, writers;  // descriptors
    unsigned first, count;
    char data[PIPE_BYTES];
};

static struct pipe pipes[PIPES];

// Count one more descriptor of what this one names; `more` -1: one less.
static void file_count(const struct file *file, int more)
{
    if (file->kind == FILE_READS)
        file->pipe->readers += (unsigned)more;
    if (file->kind == FILE_WRITES)
        file->pipe->writers += (unsigned)more;
}

static void file_close(struct file *file)
{
    file_count(file, -1);
    file->kind = FILE_NONE;
}

// Put a file at the first free descriptor from `fd`.
static int64_t file_put(struct process *p, struct file file, uint64_t fd)
{
    while (fd < FILES && p->files[fd].kind != FILE_NONE)
        fd++;
    if (fd >= FILES)
        return -EMFILE;
    p->files[fd] = file;
    file_count(&file, 1);
    return (int64_t)fd;
}

void files_open_console(struct process *p)
{
    for (unsigned fd = 0; fd < 3; fd++)
        p->files[fd].kind = FILE_CONSOLE;
}

void files_fork(const struct process *from, struct process *to)
{
    for (unsigned fd = 0; fd < FILES; fd++) {
        to->files[fd] = from->files[fd];
        file_count(&to->files[fd], 1);
    }
}

void files_close(struct process *p, bool all)
{
    for (unsigned fd = 0; fd < FILES; fd++)
        if (all || p->files[fd].close_on_exec)
            file_close(&p->files[fd]);
}

// ---- system calls
static struct file *file_at(struct process *p, uint64_t fd)
{
    static struct file none;
    return fd < FILES ? &p->files[fd] : &none;
}

int64_t call_read(struct process *p)
{
    const struct file *file = file_at(p, p->args[0]);
    struct pipe *pipe = file->pipe;
    if (file->kind != FILE_READS)
        return file->kind == FILE_CONSOLE ? 0 : -EBADF;
    if (!pipe->count)
        return pipe->writers ? CALL_WAITS : 0;
    uint64_t done = 0;
    for (; done < p->args[2] && pipe->count; done++, pipe->count--) {
        if (!user_write(p, p->args[1] + done, &pipe->data[pipe->first], 1))
            return -EFAULT;
        pipe->first = (pipe->first + 1) % PIPE_BYTES;
    }
    return (int64_t)done;
}

int64_t call_write(struct process *p)
{
    const struct file *file = file_at(p, p->args[0]);
    struct pipe *pipe = file->kind == FILE_WRITES ? file->pipe : NULL;
    if (!pipe && file->kind != FILE_CONSOLE)
        return -EBADF;
    if (pipe && !pipe->readers) {
        signal_send(p, SIGPIPE);
        return -EPIPE;
    }
    if (pipe && pipe->count == PIPE_BYTES)
        return CALL_WAITS;
    uint64_t done = 0;
    for (; done < p->args[2] && (!pipe || pipe->count < PIPE_BYTES); done++) {
        char c;
        if (!user_read(p, &c, p->args[1] + done, 1))
            return -EFAULT;
        if (pipe)
            pipe->data[(pipe->first + pipe->count++) % PIPE_BYTES] = c;
        else
            rt_print("%c", c);
    }
    return (int64_t)done;
}

int64_t call_close(struct process *p)
{
    struct file *file = file_at(p, p->args[0]);
    if (file->kind == FILE_NONE)
        return -EBADF;
    file_close(file);
    return 0;
}

int64_t call_fcntl(struct process *p)
{
    enum {
        DUPFD,
        GETFD,
        SETFD,
        DUPFD_CLOEXEC = 1030
    };
    struct file *file = file_at(p, p->args[0]), copy = *file;
    copy.close_on_exec = p->args[1] == DUPFD_CLOEXEC;
    if (file->kind == FILE_NONE)
        return -EBADF;
    if (p->args[1] == DUPFD || p->args[1] == DUPFD_CLOEXEC)
        return file_put(p, copy, p->args[2]);
    if (p->args[1] != SETFD)
        return p->args[1] == GETFD ? file->close_on_exec : -EINVAL;
    file->close_on_exec = p->args[2] & 1;
    return 0;
}

int64_t call_dup2(struct process *p)
{
    struct file copy = *file_at(p, p->args[0]);
    if (copy.kind == FILE_NONE || p->args[1] >= FILES)
        return -EBADF;
    if (p->args[0] == p->args[1])
        return (int64_t)p->args[1];
    copy.close_on_exec = false;
    file_close(&p->files[p->args[1]]);
    return file_put(p, copy, p->args[1]);
}

int64_t call_pipe2(struct process *p)
{
    bool close_on_exec = p->args[1] & CLOSE_ON_EXEC;
    struct pipe *pipe = pipes;
    while (pipe < pipes + PIPES && (pipe->readers || pipe->writers))
        pipe++;
    if (pipe == pipes + PIPES)
        return -EMFILE;
    pipe->count = 0;
    const int32_t fds[2] = {
        (int32_t)file_put(p, (struct file){ FILE_READS, pipe, close_on_exec }, 0),
        (int32_t)file_put(p, (struct file){ FILE_WRITES, pipe, close_on_exec }, 0),
    };
    if (fds[0] < 0 || fds[1] < 0)
        rt_panic("no descriptors for a pipe");
    return user_write(p, p->args[0], fds, sizeof(fds)) ? 0 : -EFAULT;
}

int64_t call_newfstatat(struct process *p)
{
    uint32_t stat[36] = { [4] = 1 };  // struct stat, of which programs here want the mode
    char path[64];
    const struct file *file = file_at(p, p->args[0]);
    if (!user_string(p, path, p->args[1], sizeof(path)))
        return -EFAULT;
    if (!path[0] && p->args[3] & EMPTY_PATH && file->kind != FILE_NONE)
        stat[6] = file->kind == FILE_CONSOLE ? 0020620 : 0010600;
    else if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
        stat[6] = 0040755;
    else if (program_find(p, path))
        stat[6] = 0100755;
    else
        return -ENOENT;
    return user_write(p, p->args[2], stat, sizeof(stat)) ? 0 : -EFAULT;
}
