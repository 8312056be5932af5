// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Open files: the console, pipes and /dev/null.
#include "linux.h"

#define PIPES         16
#define PIPE_BYTES    16384u
#define EMPTY_PATH    0x1000u
#define CLOSE_ON_EXEC 02000000u

enum file_kind {
    FILE_CONSOLE,
    FILE_NULL,
    FILE_PIPE_READ,
    FILE_PIPE_WRITE,
};

struct file {
    unsigned users;  // descriptors that name it
    enum file_kind kind;
    struct pipe *pipe;
};

struct pipe {
    unsigned readers, writers;  // files
    unsigned first, count;
    char data[PIPE_BYTES];
};

static struct file files[PROCESSES * 4];
static struct pipe pipes[PIPES];

static struct file *file_new(enum file_kind kind, struct pipe *pipe)
{
    for (struct file *file = files; file < files + sizeof(files) / sizeof(files[0]); file++) {
        if (file->users)
            continue;
        *file = (struct file){ 0, kind, pipe };
        return file;
    }
    rt_panic("too many open files");
}

static struct file *file_at(const struct process *process, uint64_t fd)
{
    return fd < FILES ? process->files[fd] : NULL;
}

// Put a file at the first free descriptor from `lowest`.
static int64_t descriptor_put(struct process *process, struct file *file, uint64_t lowest)
{
    for (uint64_t fd = lowest; fd < FILES; fd++) {
        if (process->files[fd])
            continue;
        process->files[fd] = file;
        process->close_on_exec &= ~(1u << fd);
        file->users++;
        return (int64_t)fd;
    }
    return -EMFILE;
}

static void descriptor_close(struct process *process, uint64_t fd)
{
    struct file *file = process->files[fd];
    process->files[fd] = NULL;
    if (--file->users)
        return;
    if (file->kind == FILE_PIPE_READ)
        file->pipe->readers--;
    if (file->kind == FILE_PIPE_WRITE)
        file->pipe->writers--;
}

void files_open_console(struct process *process)
{
    struct file *console = file_new(FILE_CONSOLE, NULL);
    for (unsigned i = 0; i < 3; i++)
        (void)descriptor_put(process, console, 0);
}

void files_fork(struct process *from, struct process *to)
{
    memcpy(to->files, from->files, sizeof(to->files));
    to->close_on_exec = from->close_on_exec;
    for (unsigned fd = 0; fd < FILES; fd++)
        if (to->files[fd])
            to->files[fd]->users++;
}

void files_close(struct process *process, uint32_t which)
{
    for (unsigned fd = 0; fd < FILES; fd++)
        if (process->files[fd] && which >> fd & 1)
            descriptor_close(process, fd);
}

// ---- system calls
static int64_t pipe_read(struct process *process, struct pipe *pipe, uint64_t to, uint64_t bytes)
{
    if (!pipe->count)
        return pipe->writers ? CALL_WAITS : 0;
    uint64_t done = 0;
    for (; done < bytes && pipe->count; done++) {
        if (!user_write(process, to + done, &pipe->data[pipe->first], 1))
            return -EFAULT;
        pipe->first = (pipe->first + 1) % PIPE_BYTES;
        pipe->count--;
    }
    return (int64_t)done;
}

static int64_t pipe_write(struct process *process, struct pipe *pipe, uint64_t from, uint64_t bytes)
{
    if (!pipe->readers) {
        signal_send(process, SIGPIPE);
        return -EPIPE;
    }
    if (pipe->count == PIPE_BYTES)
        return CALL_WAITS;
    uint64_t done = 0;
    for (; done < bytes && pipe->count < PIPE_BYTES; done++) {
        unsigned at = (pipe->first + pipe->count) % PIPE_BYTES;
        if (!user_read(process, &pipe->data[at], from + done, 1))
            return -EFAULT;
        pipe->count++;
    }
    return (int64_t)done;
}

static int64_t console_write(struct process *process, uint64_t from, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++) {
        char c;
        if (!user_read(process, &c, from + i, 1))
            return -EFAULT;
        rt_print("%c", c);
    }
    return (int64_t)bytes;
}

int64_t call_read(struct process *process, const uint64_t *args)
{
    const struct file *file = file_at(process, args[0]);
    if (!file || file->kind == FILE_PIPE_WRITE)
        return -EBADF;
    return file->kind == FILE_PIPE_READ ? pipe_read(process, file->pipe, args[1], args[2]) : 0;
}

int64_t call_write(struct process *process, const uint64_t *args)
{
    const struct file *file = file_at(process, args[0]);
    if (!file || file->kind == FILE_PIPE_READ)
        return -EBADF;
    if (file->kind == FILE_PIPE_WRITE)
        return pipe_write(process, file->pipe, args[1], args[2]);
    return file->kind == FILE_NULL ? (int64_t)args[2] : console_write(process, args[1], args[2]);
}

int64_t call_writev(struct process *process, const uint64_t *args)
{
    int64_t done = 0;
    for (uint64_t i = 0; i < args[2]; i++) {
        uint64_t vector[2];
        if (!user_read(process, vector, args[1] + i * sizeof(vector), sizeof(vector)))
            return -EFAULT;
        int64_t result = call_write(process, (uint64_t[]){ args[0], vector[0], vector[1] });
        if (result < 0)
            return done ? done : result;
        done += result;
        if ((uint64_t)result < vector[1])
            break;
    }
    return done;
}

int64_t call_openat(struct process *process, const uint64_t *args)
{
    char path[16];
    if (user_string(process, path, args[1], sizeof(path)) < 0 || strcmp(path, "/dev/null") != 0)
        return -ENOENT;
    return descriptor_put(process, file_new(FILE_NULL, NULL), 0);
}

int64_t call_close(struct process *process, const uint64_t *args)
{
    if (!file_at(process, args[0]))
        return -EBADF;
    descriptor_close(process, args[0]);
    return 0;
}

int64_t call_fcntl(struct process *process, const uint64_t *args)
{
    enum {
        DUPFD,
        GETFD,
        SETFD,
        GETFL,
        SETFL,
        DUPFD_CLOEXEC = 1030
    };
    struct file *file = file_at(process, args[0]);
    if (!file)
        return -EBADF;
    uint32_t bit = 1u << args[0];
    switch (args[1]) {
    case DUPFD: return descriptor_put(process, file, args[2]);
    case DUPFD_CLOEXEC: {
        int64_t fd = descriptor_put(process, file, args[2]);
        process->close_on_exec |= fd < 0 ? 0 : 1u << fd;
        return fd;
    }
    case GETFD: return (process->close_on_exec & bit) != 0;
    case SETFD:
        process->close_on_exec &= ~bit;
        process->close_on_exec |= args[2] & 1 ? bit : 0;
        return 0;
    case GETFL: return file->kind == FILE_PIPE_READ ? 0 : 1;
    case SETFL: return 0;
    default: return -EINVAL;
    }
}

int64_t call_dup(struct process *process, const uint64_t *args)
{
    struct file *file = file_at(process, args[0]);
    return file ? descriptor_put(process, file, 0) : -EBADF;
}

int64_t call_dup2(struct process *process, const uint64_t *args)
{
    struct file *file = file_at(process, args[0]);
    if (!file || args[1] >= FILES)
        return -EBADF;
    if (args[0] == args[1])
        return (int64_t)args[1];
    if (process->files[args[1]])
        descriptor_close(process, args[1]);
    return descriptor_put(process, file, args[1]);
}

int64_t call_pipe2(struct process *process, const uint64_t *args)
{
    struct pipe *pipe = pipes;
    while (pipe < pipes + PIPES && (pipe->readers || pipe->writers))
        pipe++;
    if (pipe == pipes + PIPES)
        return -EMFILE;
    pipe->readers = pipe->writers = 1;
    pipe->first = pipe->count = 0;
    int64_t read = descriptor_put(process, file_new(FILE_PIPE_READ, pipe), 0);
    int64_t write = descriptor_put(process, file_new(FILE_PIPE_WRITE, pipe), 0);
    int32_t both[2] = { (int32_t)read, (int32_t)write };
    if (read < 0 || write < 0)
        rt_panic("no descriptors for a pipe");
    if (args[1] & CLOSE_ON_EXEC)
        process->close_on_exec |= 1u << read | 1u << write;
    return user_write(process, args[0], both, sizeof(both)) ? 0 : -EFAULT;
}

int64_t call_pipe(struct process *process, const uint64_t *args)
{
    return call_pipe2(process, (uint64_t[]){ args[0], 0 });
}

static int64_t stat_write(struct process *process, uint64_t to, uint32_t mode)
{
    struct {
        uint64_t device, inode, links;
        uint32_t mode, user, group, padding;
        uint64_t special, size, block_size, blocks, times[6], reserved[3];
    } stat = { .inode = 1, .links = 1, .mode = mode, .block_size = PAGE_SIZE };
    _Static_assert(sizeof(stat) == 144, "struct stat of x86-64");
    return user_write(process, to, &stat, sizeof(stat)) ? 0 : -EFAULT;
}

int64_t call_fstat(struct process *process, const uint64_t *args)
{
    const struct file *file = file_at(process, args[0]);
    if (!file)
        return -EBADF;
    bool pipe = file->kind == FILE_PIPE_READ || file->kind == FILE_PIPE_WRITE;
    return stat_write(process, args[1], pipe ? 0010600 : 0020620);
}

int64_t call_newfstatat(struct process *process, const uint64_t *args)
{
    static char path[256];
    if (user_string(process, path, args[1], sizeof(path)) < 0)
        return -EFAULT;
    if (!path[0] && args[3] & EMPTY_PATH)
        return call_fstat(process, (uint64_t[]){ args[0], args[2] });
    if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0 || strcmp(path, "/bin") == 0)
        return stat_write(process, args[2], 0040755);
    return program_find(process, path) ? stat_write(process, args[2], 0100755) : -ENOENT;
}
