// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The tree of /proc.  Names and inodes are made when they are asked for and go with their last
// reference; what they are stands in tables of items (procsys.c, procpid.c).  A file's text is made
// when its beginning is read, so that one who reads it in pieces gets one state of it.
#include "proc.h"

#include "attribute.h"
#include "content.h"
#include "dentry.h"
#include "directory.h"
#include "heap.h"
#include "mount.h"
#include "task.h"

#include <rt/string.h>

#define FIRST_MORE 256u  // offset of what a directory has beside its items, and its number
#define TEXT_FIRST 1024u
#define STORE_MOST 4096u
#define LINK_BYTES 64u  // size that links of descriptors claim to have

struct proc_inode {
    struct inode inode;
    const struct proc_item *item;
    struct subject of;
};

static const struct inode_ops proc_ops;
static uint32_t device;

static struct proc_inode *proc_of(struct inode *inode)
{
    return CONTAINER(inode, struct proc_inode, inode);
}

// ---- texts -------------------------------------------------------------------------------------
static bool text_grow(struct text *text, uint64_t bytes)
{
    uint64_t room = text->room ? text->room : TEXT_FIRST;
    while (room < bytes) {
        room *= 2;
    }
    char *more = heap_alloc(room);
    if (!more) {
        text->failed = true;
        return false;
    }
    if (text->at) {
        memcpy(more, text->at, text->bytes);
    }
    heap_free(text->at);
    text->at = more;
    text->room = room;
    return true;
}

void text_add(struct text *text, const void *from, uint64_t bytes)
{
    if (text->failed || !bytes ||
        (text->bytes + bytes > text->room && !text_grow(text, text->bytes + bytes))) {
        return;
    }
    memcpy(text->at + text->bytes, from, bytes);
    text->bytes += bytes;
}

static void text_put(struct rt_sink *sink, char c)
{
    text_add((struct text *)(void *)sink, &c, 1);
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rt_vprint_to(&text->sink, format, arguments);
    va_end(arguments);
}

// ---- subjects ----------------------------------------------------------------------------------
struct process *subject_process(const struct subject *of)
{
    return of->pid ? process_find(of->pid) : NULL;
}

struct task *subject_task(const struct subject *of)
{
    if (of->tid) {
        struct task *task = task_find(of->tid);
        return task && task->process->pid == of->pid && task->state != TASK_ENDED ? task : NULL;
    }
    const struct process *process = subject_process(of);
    if (!process || list_empty(&process->tasks)) {
        return NULL;
    }
    struct task *leader = task_find(of->pid);
    bool lives = leader && leader->process == process && leader->state != TASK_ENDED;
    return lives ? leader : CONTAINER(process->tasks.next, struct task, in_process);
}

bool proc_is_process(struct inode *inode)
{
    return inode && inode->ops == &proc_ops && proc_of(inode)->item == &proc_process;
}

struct process *proc_directory_process(struct inode *inode)
{
    return subject_process(&proc_of(inode)->of);
}

static uint64_t number_of(const struct proc_item *item, const struct subject *of)
{
    uint64_t number = (uintptr_t)item * 0x9e3779b97f4a7c15u;
    number = (number ^ of->pid) * 0x9e3779b97f4a7c15u;
    number = (number ^ of->tid) * 0x9e3779b97f4a7c15u;
    return ((number ^ of->fd) * 0x9e3779b97f4a7c15u) >> 16 | 1;
}

static void owner_set(struct inode *inode, const struct subject *of)
{
    const struct task *task = subject_task(of);
    if (task) {
        inode->is.uid = task->credentials.euid;
        inode->is.gid = task->credentials.egid;
    }
}

static struct inode *inode_make(const struct proc_item *item, const struct subject *of)
{
    struct proc_inode *proc = heap_alloc(sizeof(*proc));
    if (!proc) {
        return NULL;
    }
    inode_init(&proc->inode, &proc_ops, item->mode);
    proc->item = item;
    proc->of = *of;
    proc->inode.device = device;
    proc->inode.number = number_of(item, of);
    proc->inode.is.links = (item->mode & S_IFMT) == S_IFDIR ? 2 : 1;
    owner_set(&proc->inode, of);
    return &proc->inode;
}

static struct dentry *dentry_make(struct dentry *directory, const char *text,
                                  const struct proc_item *item, const struct subject *of)
{
    struct name name = name_of(text);
    struct inode *inode = inode_make(item, of);
    struct dentry *dentry = inode ? dentry_new(directory, &name, inode) : NULL;
    return dentry ? dentry : FAILURE(ENOMEM);
}

// ---- look-up -----------------------------------------------------------------------------------
// A number without signs or zeros before it; UINT32_MAX: it is none.
static uint32_t number_read(const char *name)
{
    uint64_t value = 0;
    if (!*name || (name[0] == '0' && name[1])) {
        return UINT32_MAX;
    }
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || value > INT32_MAX) {
            return UINT32_MAX;
        }
        value = value * 10 + (uint64_t)(*name - '0');
    }
    return value > INT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static const struct file *descriptor_of(const struct subject *of, uint32_t fd)
{
    const struct task *task = subject_task(of);
    return task ? file_at_any(task, (int)fd) : NULL;
}

// What a number names in a directory: its item, with *of completed; NULL: nothing.
static const struct proc_item *more_find(enum proc_more more, uint32_t number, struct subject *of)
{
    const struct task *task = NULL;
    switch (more) {
    case PROC_PROCESSES:
        task = task_find(number);
        *of = (struct subject){ .pid = process_find(number) ? number
                                       : task               ? task->process->pid
                                                            : 0,
                                .tid = process_find(number) ? 0 : number };
        return of->pid ? &proc_process : NULL;
    case PROC_TASKS: of->tid = number; return subject_task(of) ? &proc_task : NULL;
    case PROC_FDS:
    case PROC_FD_INFOS:
        of->fd = number;
        return !descriptor_of(of, number) ? NULL : more == PROC_FDS ? &proc_fd : &proc_fd_info;
    case PROC_NONE:
    default: return NULL;
    }
}

static struct dentry *proc_lookup(struct task *task, struct dentry *directory, const char *name)
{
    (void)task;
    const struct proc_inode *proc = proc_of(directory->inode);
    struct subject of = proc->of;
    for (const struct proc_item *at = proc->item->items; at && at->name; at++) {
        if (!strcmp(at->name, name)) {
            return of.pid && !subject_process(&of) ? FAILURE(ENOENT)
                                                   : dentry_make(directory, name, at, &of);
        }
    }
    uint32_t number = number_read(name);
    const struct proc_item *item = number == UINT32_MAX ? NULL
                                                        : more_find(proc->item->more, number, &of);
    return item ? dentry_make(directory, name, item, &of) : FAILURE(ENOENT);
}

// ---- listing -----------------------------------------------------------------------------------
static uint32_t lesser(uint32_t number, uint32_t from, uint32_t least)
{
    return number >= from && number < least ? number : least;
}

// The next number from `from` on that a directory has; UINT32_MAX: none.
static uint32_t more_next(enum proc_more more, uint32_t from, const struct subject *of)
{
    uint32_t next = UINT32_MAX;
    const struct process *process = subject_process(of);
    const struct task *task = subject_task(of);
    if (more == PROC_PROCESSES) {
        LIST_EACH(at, process_list(), struct process, all) {
            next = at == process_init || at->reaped ? next : lesser(at->pid, from, next);
        }
    } else if (more == PROC_TASKS && process) {
        LIST_EACH(at, &process->tasks, struct task, in_process) {
            next = lesser(at->tid, from, next);
        }
    } else if (task) {
        while (from < task->files->count && !task->files->at[from].file) {
            from++;
        }
        next = from < task->files->count ? from : UINT32_MAX;
    }
    return next;
}

static int64_t give(struct file *file, struct io *io, const struct proc_item *item,
                    const char *name, const struct subject *of)
{
    struct entry entry = { number_of(item, of), file->offset + 1, item->mode,
                           (uint32_t)strlen(name), name };
    return directory_give(io, &entry);
}

static int64_t list_items(struct file *file, struct io *io)
{
    const struct proc_inode *proc = proc_of(file->inode);
    uint64_t count = 0;
    int64_t done = 0;
    while (proc->item->items && proc->item->items[count].name) {
        count++;
    }
    while (file->offset >= 2 && file->offset - 2 < count) {
        const struct proc_item *item = &proc->item->items[file->offset - 2];
        int64_t given = give(file, io, item, item->name, &proc->of);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
        file->offset++;
    }
    if (file->offset >= 2 && file->offset < FIRST_MORE) {
        file->offset = FIRST_MORE;
    }
    return done;
}

static int64_t list_more(struct file *file, struct io *io)
{
    const struct proc_inode *proc = proc_of(file->inode);
    enum proc_more more = proc->item->more;
    int64_t done = 0;
    while (more != PROC_NONE) {
        uint32_t next = more_next(more, (uint32_t)(file->offset - FIRST_MORE), &proc->of);
        struct subject of = proc->of;
        const struct proc_item *item = next == UINT32_MAX ? NULL : more_find(more, next, &of);
        if (!item) {
            return done;
        }
        char name[16];
        (void)rt_format(name, sizeof(name), "%u", next);
        file->offset = (uint64_t)FIRST_MORE + next;
        int64_t given = give(file, io, item, name, &of);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
        file->offset++;
    }
    return done;
}

static int64_t proc_list(struct task *task, struct file *file, struct io *io)
{
    (void)task;
    uint64_t room = io->left;
    int64_t given = directory_give_dots(file, io);
    if (file->offset >= 2 && given >= 0) {
        given = list_items(file, io);
    }
    if (file->offset >= FIRST_MORE && given >= 0) {
        given = list_more(file, io);
    }
    int64_t done = (int64_t)(room - io->left);
    bool nothing = !done && file->offset < FIRST_MORE;
    return done ? done : given < 0 ? given : nothing ? -EINVAL : 0;
}

static const struct file_ops directory_ops = { .list = proc_list, .seek = directory_seek };

// ---- files -------------------------------------------------------------------------------------
static int64_t text_make(struct task *task, struct file *file)
{
    const struct proc_inode *proc = proc_of(file->inode);
    struct text *text = file->state;
    heap_free(text->at);
    *text = (struct text){ .sink = { text_put } };
    if (proc->of.pid && !subject_process(&proc->of)) {
        return -ESRCH;
    }
    int64_t error = proc->item->show(text, task, &proc->of);
    return error ? error : text->failed ? -ENOMEM : 0;
}

static int64_t proc_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    const struct proc_inode *proc = proc_of(file->inode);
    struct text *text = file->state;
    if (proc->item->read) {
        int64_t done = proc->item->read(task, &proc->of, io, *offset);
        *offset += done > 0 ? (uint64_t)done : 0;
        return done;
    }
    if (!proc->item->show) {
        return -EINVAL;
    }
    int64_t error = *offset == 0 || !text->at ? text_make(task, file) : 0;
    if (error || *offset >= text->bytes) {
        return error;
    }
    int64_t given = io_give(io, text->at + *offset, text->bytes - *offset);
    *offset += given > 0 ? (uint64_t)given : 0;
    return given;
}

static int64_t proc_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    const struct proc_inode *proc = proc_of(file->inode);
    uint64_t bytes = io->left < STORE_MOST ? io->left : STORE_MOST - 1;
    if (proc->item->write) {
        int64_t done = proc->item->write(task, &proc->of, io, *offset);
        *offset += done > 0 ? (uint64_t)done : 0;
        return done;
    }
    if (!proc->item->store) {
        return -EINVAL;
    }
    char *copy = heap_alloc(STORE_MOST);
    if (!copy) {
        return -ENOMEM;
    }
    int64_t taken = io_take(io, copy, bytes);
    int64_t error = taken < 0 ? taken : proc->item->store(task, &proc->of, copy, (uint64_t)taken);
    heap_free(copy);
    return error ? error : taken;
}

static void proc_close(struct file *file)
{
    struct text *text = file->state;
    if (text) {
        heap_free(text->at);
        heap_free(text);
    }
}

static const struct file_ops text_ops = {
    .read = proc_read, .write = proc_write, .seek = content_seek, .close = proc_close
};

static int64_t proc_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    (void)task;
    bool directory = inode_is(place.dentry->inode, S_IFDIR);
    struct text *text = directory ? NULL : heap_alloc(sizeof(*text));
    if (!directory && !text) {
        place_put(place);
        return -ENOMEM;
    }
    *file = file_new(directory ? &directory_ops : &text_ops, place, flags);
    if (!*file) {
        heap_free(text);
        return -ENOMEM;
    }
    (*file)->state = text;
    return 0;
}

// ---- links -------------------------------------------------------------------------------------
static struct place proc_follow(struct task *task, struct inode *inode)
{
    const struct proc_inode *proc = proc_of(inode);
    struct place to = {};
    if (proc->item->follow && proc->item->follow(task, &proc->of, &to)) {
        return (struct place){};
    }
    return to;
}

static int64_t copy_out(const char *from, uint64_t length, char *to, uint64_t bytes)
{
    length = length < bytes ? length : bytes;
    if (length) {
        memcpy(to, from, length);
    }
    return (int64_t)length;
}

static int64_t place_read(struct task *task, struct place place, char *to, uint64_t bytes)
{
    static const char gone[] = " (deleted)";
    static char path[PATH_MAX_BYTES + sizeof(gone)];
    int64_t length = path_text(task, place, path, PATH_MAX_BYTES);
    if (length < 0) {
        return length;
    }
    if (place.dentry->removed) {
        memcpy(path + length, gone, sizeof(gone));
        length += (int64_t)sizeof(gone) - 1;
    }
    return copy_out(path, (uint64_t)length, to, bytes);
}

static int64_t proc_readlink(struct task *task, struct inode *inode, char *to, uint64_t bytes)
{
    const struct proc_inode *proc = proc_of(inode);
    struct place place = {};
    if (proc->item->follow) {
        int64_t error = proc->item->follow(task, &proc->of, &place);
        if (error) {
            return error;
        }
        error = place_read(task, place, to, bytes);
        place_put(place);
        return error;
    }
    struct text text = { .sink = { text_put } };
    int64_t error = proc->item->show(&text, task, &proc->of);
    error = error ? error : text.failed ? -ENOMEM : copy_out(text.at, text.bytes, to, bytes);
    heap_free(text.at);
    return error;
}

static uint32_t more_count(enum proc_more more, const struct subject *of)
{
    uint32_t count = 0;
    for (uint32_t at = 0; (at = more_next(more, at, of)) != UINT32_MAX; at++) {
        count++;
    }
    return count;
}

// ---- inodes ------------------------------------------------------------------------------------
static void proc_refresh(struct inode *inode)
{
    const struct proc_inode *proc = proc_of(inode);
    owner_set(inode, &proc->of);
    if (proc->item->more == PROC_TASKS) {
        inode->is.links = 2 + more_count(proc->item->more, &proc->of);
    }
    if (proc->item == &proc_fd) {
        const struct file *file = descriptor_of(&proc->of, proc->of.fd);
        uint32_t rights = file && file_reads(file) ? 0500 : 0100;
        inode->is.mode = S_IFLNK | rights | (file && file_writes(file) ? 0200 : 0);
        inode->is.size = LINK_BYTES;
    }
}

static void proc_free(struct inode *inode)
{
    heap_free(proc_of(inode));
}

static const struct inode_ops proc_ops = {
    .lookup = proc_lookup,
    .readlink = proc_readlink,
    .follow = proc_follow,
    .open = proc_open,
    .refresh = proc_refresh,
    .free = proc_free,
};

static struct dentry *tree_root(struct dentry **root, const struct proc_item *top)
{
    if (!*root) {
        const struct subject system = {};
        const struct name name = name_of("/");
        device = device ? device : mount_device();
        struct inode *inode = inode_make(top, &system);
        *root = inode ? dentry_new(NULL, &name, inode) : NULL;
    }
    if (*root) {
        dentry_get(*root);
    }
    return *root;
}

struct dentry *proc_root(void)
{
    static struct dentry *root;
    return tree_root(&root, &proc_top);
}

struct dentry *sysfs_root(void)
{
    static struct dentry *root;
    return tree_root(&root, &sysfs_top);
}
