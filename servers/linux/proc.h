// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// /proc: what processes and the system tell of themselves; and /sys, which is made of the same.
#pragma once

#include "inode.h"

#include <rt/print.h>

#define PROC_MAGIC 0x9fa0u

// Its root, with one reference; all mounts of it show the same.  NULL: no memory.
struct dentry *proc_root(void);
struct dentry *sysfs_root(void);

struct process;

// Whether an inode is the directory of a process, /proc/PID.
bool proc_is_process(struct inode *inode);
// The process of such a directory; NULL: it is gone.
struct process *proc_directory_process(struct inode *inode);

// ---- for what fills it -------------------------------------------------------------------------
// What a file is about.
struct subject {
    uint32_t pid;  // 0: the system
    uint32_t tid;  // 0: the process as a whole
    uint32_t fd;
};

// A text that grows.
struct text {
    struct rt_sink sink;  // first
    char *at;
    uint64_t bytes, room;
    bool failed;  // no memory
};
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);
void text_add(struct text *text, const void *from, uint64_t bytes);

// What else a directory has, beside its items.
enum proc_more {
    PROC_NONE,
    PROC_PROCESSES,
    PROC_TASKS,
    PROC_FDS,
    PROC_FD_INFOS,
};

struct proc_item {
    const char *name;
    uint32_t mode;
    // A file: its text.  0, -ESRCH, ...
    int64_t (*show)(struct text *text, struct task *reader, const struct subject *of);
    // Writing to it, all at once; NULL: -EINVAL.
    int64_t (*store)(struct task *task, const struct subject *of, const char *from, uint64_t bytes);
    // A file that is no text: a part of it.
    int64_t (*read)(struct task *task, const struct subject *of, struct io *io, uint64_t offset);
    int64_t (*write)(struct task *task, const struct subject *of, struct io *io, uint64_t offset);
    // A link: where it leads, with a reference; no dentry: by its text, which `show` gives.
    int64_t (*follow)(struct task *reader, const struct subject *of, struct place *to);
    // A directory: ended by one without a name.
    const struct proc_item *items;
    enum proc_more more;
};

extern const struct proc_item proc_top, proc_process, proc_task, proc_fd, proc_fd_info;
extern const struct proc_item sysfs_top;

// Whom a file is about; NULL: there is none any more, or it is the system.
struct process *subject_process(const struct subject *of);
// A task that lives: the one that is meant, or any of the process.
struct task *subject_task(const struct subject *of);
// The text of what mounts there are as a task sees them.
void mounts_show(struct text *text, const struct task *as, bool info);

// process.c: as uname gives them.
extern char host_name[], domain_name[];
#define SYSTEM_RELEASE "6.1.0-pith"
#define SYSTEM_VERSION "#1 SMP Pith"
