// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See tty_fake.h.
#include "tty_fake.h"

#include "../clock.h"
#include "../devpts.h"
#include "../heap.h"

#include <rt/string.h>

struct process processes[FAKE_PROCESSES];
struct task tasks[FAKE_PROCESSES];
struct process *process_init;
uint64_t fake_now;
unsigned fake_waits, fake_objects;
bool fake_capable, fake_short;
uint32_t fake_opens;
const char *fake_missing;
struct dentry *fake_node;

static struct process init;
static struct list all;
static struct handlers handlers[FAKE_PROCESSES];
static sigset sent[FAKE_PROCESSES];
static struct mount mount;
static struct dentry directory;

// ---- processes ---------------------------------------------------------------------------------

int fake_setup(void **state)
{
    (void)state;
    list_init(&all);
    init = (struct process){ .pid = 1, .group = 1, .session = 1 };
    process_init = &init;
    list_init(&init.children);
    directory = (struct dentry){};
    list_init(&directory.children);
    fake_missing = NULL;
    fake_node = NULL;
    fake_capable = fake_short = false;
    fake_now = 1000;
    fake_waits = 0;
    for (unsigned i = 0; i < FAKE_PROCESSES; i++) {
        struct process *process = &processes[i];
        uint32_t pid = FAKE_PID + i;
        *process = (struct process){ .pid = pid, .group = pid, .session = pid, .parent = &init };
        list_init(&process->children);
        list_add(&init.children, &process->siblings);
        list_add(&all, &process->all);
        handlers[i] = (struct handlers){ .refs = 1 };
        tasks[i] = (struct task){ .tid = pid, .process = process };
        tasks[i].signals.handlers = &handlers[i];
        sent[i] = 0;
    }
    return 0;
}

void fake_join(unsigned process, uint32_t group, uint32_t session, struct process *parent)
{
    processes[process].group = group;
    processes[process].session = session;
    processes[process].parent = parent;
    list_remove(&processes[process].siblings);
    list_add(&parent->children, &processes[process].siblings);
}

struct list *process_list(void)
{
    return &all;
}

struct process *process_find(uint32_t pid)
{
    return pid >= FAKE_PID && pid < FAKE_PID + FAKE_PROCESSES ? &processes[pid - FAKE_PID] : NULL;
}

// The second task of the first process, too.
struct task *task_find(uint32_t tid)
{
    return tid == 99 ? &tasks[0] : process_find(tid) ? &tasks[tid - FAKE_PID] : NULL;
}

bool task_capable(const struct task *task, unsigned capability)
{
    (void)task, (void)capability;
    return fake_capable;
}

// ---- signals -----------------------------------------------------------------------------------

void signal_kernel(struct process *process, unsigned signal)
{
    sent[process - processes] |= SIGNAL_BIT(signal);
}

void signal_group(uint32_t group, unsigned signal)
{
    for (unsigned i = 0; i < FAKE_PROCESSES; i++) {
        if (processes[i].group == group) {
            signal_kernel(&processes[i], signal);
        }
    }
}

sigset fake_signals(unsigned process)
{
    sigset set = sent[process];
    sent[process] = 0;
    return set;
}

// ---- waiting -----------------------------------------------------------------------------------

void waitlist_wake(struct waitlist *list)
{
    (void)list;
}

int64_t wait_on(struct task *task, struct waitlist *list)
{
    (void)task;
    assert_non_null(list);
    fake_waits++;
    return RESULT_WAIT;
}

int64_t wait_only(struct task *task)
{
    (void)task;
    fake_waits++;
    return RESULT_WAIT;
}

bool wait_over(const struct task *task)
{
    return task->call.deadline && fake_now >= task->call.deadline;
}

uint64_t clock_now(void)
{
    return fake_now;
}

void fake_begin(struct task *task)
{
    task->call = (struct call){ 0 };
}

void fake_again(struct task *task)
{
    task->call.again = true;
}

// ---- memory ------------------------------------------------------------------------------------

void *heap_alloc(uint64_t bytes)
{
    if (fake_short) {
        return NULL;
    }
    fake_objects++;
    return __builtin_calloc(1, bytes);
}

void heap_free(void *memory)
{
    fake_objects -= memory != NULL;
    __builtin_free(memory);
}

static bool is_bad(user_t address)
{
    return address < 4096;
}

int user_read(struct task *task, void *to, user_t from, uint64_t bytes)
{
    (void)task;
    if (is_bad(from)) {
        return -EFAULT;
    }
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

int user_write(struct task *task, user_t to, const void *from, uint64_t bytes)
{
    (void)task;
    if (is_bad(to)) {
        return -EFAULT;
    }
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}

static uint64_t io_step(struct io *io, uint64_t bytes)
{
    uint64_t count = bytes < io->left ? bytes : io->left;
    io->left -= count;
    io->at += count;
    return count;
}

int64_t io_give(struct io *io, const void *from, uint64_t bytes)
{
    user_t to = io->at;
    uint64_t count = io_step(io, bytes);
    return user_write(io->task, to, from, count) ? -EFAULT : (int64_t)count;
}

int64_t io_take(struct io *io, void *to, uint64_t bytes)
{
    user_t from = io->at;
    uint64_t count = io_step(io, bytes);
    return user_read(io->task, to, from, count) ? -EFAULT : (int64_t)count;
}

int64_t file_read_text(struct task *task, struct file *file, char *to, uint64_t bytes)
{
    uint64_t offset = 0;
    struct io io = { .task = task, .at = at(to), .left = bytes };
    int64_t result = file->ops->read(task, file, &io, &offset);
    to[result > 0 ? result : 0] = '\0';
    return result;
}

int64_t file_write_text(struct task *task, struct file *file, const char *text)
{
    uint64_t offset = 0;
    struct io io = { .task = task, .at = at(text), .left = strlen(text), .writes = true };
    return file->ops->write(task, file, &io, &offset);
}

// ---- files -------------------------------------------------------------------------------------

struct place fake_place(void)
{
    return (struct place){ &mount, &directory };
}

void place_put(struct place place)
{
    (void)place;
}

void dentry_put(struct dentry *dentry)
{
    if (--dentry->refs == 0) {
        heap_free(dentry);
    }
}

struct file *file_new(const struct file_ops *ops, struct place place, uint32_t flags)
{
    struct file *file = heap_alloc(sizeof(*file));
    if (file) {
        *file = (struct file){ .ops = ops, .refs = 1, .flags = flags, .place = place };
        fake_opens++;
    }
    return file;
}

struct file *file_new_unnamed(const struct file_ops *ops, const char *name, uint32_t mode,
                              uint32_t flags, void *state)
{
    (void)name, (void)mode;
    struct file *file = file_new(ops, fake_place(), flags);
    if (file) {
        file->state = state;
    }
    return file;
}

void file_put(struct file *file)
{
    if (--file->refs == 0) {
        if (file->ops->close) {
            file->ops->close(file);
        }
        heap_free(file);
        fake_opens--;
    }
}

static struct file *installed[8];

int64_t file_install(struct task *task, struct file *file, unsigned from, bool close_on_exec)
{
    (void)task, (void)close_on_exec;
    while (installed[from]) {
        from++;
    }
    installed[from] = file;
    return from;
}

struct file *file_at(const struct task *task, int fd)
{
    (void)task;
    return fd >= 0 && fd < 8 ? installed[fd] : NULL;
}

int64_t file_close(struct task *task, int fd)
{
    struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    installed[fd] = NULL;
    file_put(file);
    return 0;
}

struct dentry *devpts_add(const struct task *task, uint32_t number, uint32_t device)
{
    (void)task;
    assert_int_equal(device, DEVICE_PTS | number);
    fake_node = heap_alloc(sizeof(*fake_node));
    fake_node->refs = 1;
    return fake_node;
}

void devpts_remove(struct dentry *name)
{
    fake_node = NULL;
    dentry_put(name);
}

int64_t path_find(struct task *task, int from, const char *path, unsigned how,
                  struct path_result *result)
{
    (void)task, (void)from, (void)how;
    if (fake_missing && strcmp(path, fake_missing) == 0) {
        return -ENOENT;
    }
    *result = (struct path_result){ .at = fake_place() };
    return 0;
}
