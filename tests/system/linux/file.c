// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Open files: the console and the ends of pipes.
#include "linux.h"

#define PIPES      16
#define PIPE_BYTES 16384u

struct pipe {
    unsigned ends[2];  // descriptors that name the reading, the writing end
    unsigned first, count;
    char data[PIPE_BYTES];
};

static struct pipe pipes[PIPES];

static void file_count(const struct file *file, int more)
{
    if (file->open && file->pipe)
        file->pipe->ends[file->writes] += (unsigned)more;
}

void files_count(const struct process *p, int more)
{
    for (unsigned fd = 0; fd < FILES; fd++)
        file_count(&p->files[fd], more);
}

static struct file *file_at(struct process *p, uint64_t fd)
{
    static struct file none;
    return fd < FILES ? &p->files[fd] : &none;
}

// Put a file at the first free descriptor from `fd`.
static int64_t file_put(struct process *p, struct file file, uint64_t fd)
{
    while (fd < FILES && p->files[fd].open)
        fd++;
    if (fd >= FILES)
        return -EMFILE;
    p->files[fd] = file;
    file_count(&file, 1);
    return (int64_t)fd;
}

int64_t call_read(struct process *p)
{
    const struct file *file = file_at(p, p->args[0]);
    struct pipe *pipe = file->pipe;
    if (!file->open || file->writes)
        return -EBADF;
    if (!pipe || (!pipe->count && !pipe->ends[true]))
        return 0;
    if (!pipe->count)
        return CALL_WAITS;
    uint64_t done = 0;
    for (; done < p->args[2] && pipe->count; done++, pipe->count--) {
        if (!user_copy(p, p->args[1] + done, &pipe->data[pipe->first], 1, PROT_WRITE))
            return -EFAULT;
        pipe->first = (pipe->first + 1) % PIPE_BYTES;
    }
    return (int64_t)done;
}

int64_t call_write(struct process *p)
{
    const struct file *file = file_at(p, p->args[0]);
    struct pipe *pipe = file->pipe;
    if (!file->open || (pipe && !file->writes))
        return -EBADF;
    if (pipe && !pipe->ends[false]) {
        signal_send(p, SIGPIPE);
        return -EPIPE;
    }
    if (pipe && pipe->count == PIPE_BYTES)
        return CALL_WAITS;
    uint64_t done = 0;
    for (; done < p->args[2] && (!pipe || pipe->count < PIPE_BYTES); done++) {
        char c;
        if (!user_copy(p, p->args[1] + done, &c, 1, PROT_READ))
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
    if (!file->open)
        return -EBADF;
    file_count(file, -1);
    file->open = false;
    return 0;
}

int64_t call_fcntl(struct process *p)
{
    struct file *file = file_at(p, p->args[0]);
    if (!file->open)
        return -EBADF;
    if (p->args[1] != 0 && p->args[1] != 1030)  // F_DUPFD, F_DUPFD_CLOEXEC
        return -EINVAL;
    return file_put(p, *file, p->args[2]);
}

int64_t call_dup2(struct process *p)
{
    struct file *from = file_at(p, p->args[0]), *to = file_at(p, p->args[1]);
    if (!from->open || p->args[1] >= FILES)
        return -EBADF;
    file_count(from, 1);
    file_count(to, -1);
    *to = *from;
    return (int64_t)p->args[1];
}

int64_t call_pipe2(struct process *p)
{
    struct pipe *pipe = pipes;
    while (pipe < pipes + PIPES && (pipe->ends[false] || pipe->ends[true]))
        pipe++;
    if (pipe == pipes + PIPES)
        return -EMFILE;
    pipe->count = 0;
    int32_t fds[2];
    for (unsigned i = 0; i < 2; i++)
        fds[i] = (int32_t)file_put(p, (struct file){ true, i, pipe }, 0);
    if (fds[0] < 0 || fds[1] < 0)
        rt_panic("no descriptors for a pipe");
    return user_copy(p, p->args[0], fds, sizeof(fds), PROT_WRITE) ? 0 : -EFAULT;
}
