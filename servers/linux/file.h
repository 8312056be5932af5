// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Open files and descriptors.
#pragma once

#include "number.h"
#include "user.h"
#include "wait.h"

struct async;
struct dentry;
struct file;
struct inode;
struct mount;
struct task;

// A name at a place in the tree of all files: what is mounted where matters (inode.h).
struct place {
    struct mount *mount;
    struct dentry *dentry;
};

// What an open file can do; NULL where the answer is the default that stands there.  Those that may
// have to wait answer RESULT_WAIT after wait_on, unless O_NONBLOCK is in file->flags.
struct file_ops {
    // Bytes moved; 0: end.  `offset` is the file's or the caller's.  -EINVAL
    int64_t (*read)(struct task *task, struct file *file, struct io *io, uint64_t *offset);
    int64_t (*write)(struct task *task, struct file *file, struct io *io, uint64_t *offset);
    int64_t (*seek)(struct file *file, int64_t offset, unsigned whence);  // -ESPIPE
    // Entries of a directory from file->offset on into io (struct linux_dirent64).  -ENOTDIR
    int64_t (*list)(struct task *task, struct file *file, struct io *io);
    int64_t (*ioctl)(struct task *task, struct file *file, uint32_t request, uint64_t argument);
    // What it is ready for (POLL*), and where to wait for a change.  Always ready
    uint32_t (*ready)(struct file *file);
    struct waitlist *(*waits)(struct file *file);
    // A page of what is mapped: its number with a reference more, PAGE_NONE beyond the end or for
    // want of memory.  `write`: it is to be written, by a shared mapping.  Not mappable: -ENODEV
    uint32_t (*page)(struct file *file, uint64_t index, bool write);
    // The page that `page` would give to be read, if it is there already; no reference.  PAGE_NONE
    uint32_t (*peek)(const struct file *file, uint64_t index);
    int64_t (*sync)(struct file *file);                   // 0
    void (*flush)(struct task *task, struct file *file);  // at each close of a descriptor
    void (*close)(struct file *file);                     // the last reference is gone
};

struct file {
    const struct file_ops *ops;
    uint32_t refs;
    uint32_t flags;  // O_*: access mode, and those that F_SETFL can change
    uint64_t offset;
    struct place place;   // has a reference; files without a name have one in no directory
    struct inode *inode;  // that of its dentry
    void *state;          // of ops
    struct async *async;  // whom it tells of changes (async.h), or NULL
    struct lease *lease;  // that it holds (lease.h), or NULL
    bool watched;         // by epoll: epoll_forget is called at its end
};

// With one reference; takes over that to the place, on failure too.  NULL: no memory.
struct file *file_new(const struct file_ops *ops, struct place place, uint32_t flags);
// A file that is in no directory, as a pipe is: `name` as /proc shows it ("pipe:[%u]").
struct file *file_new_unnamed(const struct file_ops *ops, const char *name, uint32_t mode,
                              uint32_t flags, void *state);
static inline void file_get(struct file *file)
{
    file->refs++;
}
void file_put(struct file *file);
static inline bool file_reads(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_WRONLY && !(file->flags & O_PATH);
}
static inline bool file_writes(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_RDONLY && !(file->flags & O_PATH);
}

#define DESCRIPTORS_MOST 65536u  // of a table, as far as the heap has room

// The descriptors of one or more tasks.
struct files {
    uint32_t refs;
    uint32_t count;  // of places
    uint32_t next;   // none below is free
    struct descriptor {
        struct file *file;
        bool close_on_exec;
    } * at;
};
struct files *files_new(void);
struct files *files_copy(const struct files *from);
void files_put(struct task *task, struct files *files);
void files_exec(struct task *task);  // what is to be closed on exec is

// The file of a descriptor of the task, without a reference; NULL: -EBADF.  Those opened with
// O_PATH are found by file_at_any only.
struct file *file_at(const struct task *task, int fd);
struct file *file_at_any(const struct task *task, int fd);
// Put a file, whose reference is taken over, at the lowest free descriptor from `from` on: that, or
// -EMFILE, -ENOMEM with the reference given up.
int64_t file_install(struct task *task, struct file *file, unsigned from, bool close_on_exec);
int64_t file_close(struct task *task, int fd);
