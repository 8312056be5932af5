// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See ipc_fake.h.  Waiting is the server's own (wait.c).
#include "ipc_fake.h"

#include "../clock.h"
#include "../content.h"
#include "../cpu.h"
#include "../descriptor.h"
#include "../epoll.h"
#include "../futex.h"
#include "../heap.h"
#include "../mount.h"
#include "../page.h"
#include "../pidfd.h"
#include "../poll.h"
#include "../space.h"
#include "../timer.h"
#include "../walk.h"

#include <rt/clock.h>
#include <rt/print.h>
#include <rt/string.h>

#define PAGES 4096u

// The host's headers have structures of the names that Linux's have here.
void *mmap(void *at, size_t bytes, int access, int flags, int fd, long offset);
#define PROT_READ_WRITE   3
#define MAP_PLACE_PRIVATE (MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS)

struct task tasks[FAKE_TASKS];
uint64_t fake_now, fake_cpu;
bool fake_capable;
unsigned fake_objects, fake_pages, fake_signals;
int fake_room;
struct signal_info fake_signal;
struct page *pages;
struct process *process_init;

static struct process processes[FAKE_TASKS];
static struct files files[FAKE_TASKS];
static struct descriptor descriptors[FAKE_TASKS][FAKE_FILES];
static struct placement placement;
static struct space spaces[FAKE_TASKS];
static struct mount mount_none;
static bool page_used[PAGES];

static bool memory_is_short(void)
{
    if (fake_room < 0) {
        return false;
    }
    if (fake_room == 0) {
        return true;
    }
    fake_room--;
    return false;
}

void *heap_alloc(uint64_t bytes)
{
    if (memory_is_short()) {
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

// ---- pages -------------------------------------------------------------------------------------
uint32_t page_alloc(void)
{
    if (memory_is_short()) {
        return PAGE_NONE;
    }
    for (uint32_t page = 1; page < PAGES; page++) {
        if (!page_used[page]) {
            page_used[page] = true;
            fake_pages++;
            return page;
        }
    }
    return PAGE_NONE;
}

void page_put(uint32_t page)
{
    assert_true(page < PAGES && page_used[page]);
    page_used[page] = false;
    fake_pages--;
}

// ---- memory of processes -----------------------------------------------------------------------
static bool address_bad(user_t address, uint64_t bytes)
{
    return address < PAGE_SIZE || address + bytes < address;
}

int user_read(struct task *task, void *to, user_t from, uint64_t bytes)
{
    (void)task;
    if (address_bad(from, bytes)) {
        return -EFAULT;
    }
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

int user_write(struct task *task, user_t to, const void *from, uint64_t bytes)
{
    (void)task;
    if (address_bad(to, bytes)) {
        return -EFAULT;
    }
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}

int user_clear(struct task *task, user_t to, uint64_t bytes)
{
    (void)task;
    if (address_bad(to, bytes)) {
        return -EFAULT;
    }
    memset((void *)(uintptr_t)to, 0, bytes);
    return 0;
}

uint32_t *user_word(struct task *task, user_t at, bool write)
{
    (void)task, (void)write;
    return address_bad(at, 4) ? NULL : (uint32_t *)(uintptr_t)at;
}

bool space_key(struct space *space, user_t at, struct futex_key *key)
{
    (void)space, (void)at, (void)key;
    return false;
}

struct io io_user(struct task *task, user_t at, uint64_t bytes, bool writes)
{
    return (struct io){ .task = task, .at = at, .piece = bytes, .left = bytes, .writes = writes };
}

struct io io_here(void *here, uint64_t bytes, bool writes)
{
    return (struct io){ .here = here, .left = bytes, .writes = writes };
}

// A vector whose length is known.
int io_vector(struct io *io, struct task *task, user_t vector, uint64_t count)
{
    *io = (struct io){ .task = task, .vector = vector, .pieces = count };
    for (uint64_t i = 0; i < count; i++) {
        uint64_t piece[2];
        if (user_read(task, piece, vector + i * sizeof(piece), sizeof(piece)) < 0) {
            return -EFAULT;
        }
        io->left += piece[1];
    }
    return 0;
}

static int64_t io_move(struct io *io, char *to, const char *from, uint64_t bytes)
{
    uint64_t moved = 0;
    if (bytes > io->left) {
        bytes = io->left;
    }
    while (moved < bytes) {
        if (io->task && io->piece == 0) {
            uint64_t piece[2] = { 0 };
            assert_true(io->pieces > 0);
            user_read(io->task, piece, io->vector, sizeof(piece));
            io->vector += sizeof(piece);
            io->pieces--;
            io->at = piece[0];
            io->piece = piece[1];
            continue;
        }
        uint64_t now = bytes - moved;
        if (io->task && now > io->piece) {
            now = io->piece;
        }
        char *user = io->task ? (char *)(uintptr_t)io->at : io->here;
        if (io->task && address_bad(io->at, now)) {
            return moved ? (int64_t)moved : -EFAULT;
        }
        if (to && user) {
            memcpy(to + moved, user, now);
        } else if (user && from) {
            memcpy(user, from + moved, now);
        }
        moved += now;
        io->left -= now;
        if (io->task) {
            io->at += now;
            io->piece -= now;
        } else {
            io->here += now;
        }
    }
    return (int64_t)moved;
}

int64_t io_give(struct io *io, const void *from, uint64_t bytes)
{
    return io_move(io, NULL, from, bytes);
}

int64_t io_take(struct io *io, void *to, uint64_t bytes)
{
    return io_move(io, to, NULL, bytes);
}

// ---- files -------------------------------------------------------------------------------------
void place_put(struct place place)
{
    struct dentry *dentry = place.dentry;
    if (--dentry->refs == 0) {
        heap_free(dentry->inode);
        heap_free(dentry);
    }
}

int64_t place_writes(struct place place)
{
    (void)place;
    return 0;
}

struct file *file_new(const struct file_ops *ops, struct place place, uint32_t flags)
{
    struct file *file = heap_alloc(sizeof(*file));
    if (!file) {
        place_put(place);
        return NULL;
    }
    file->ops = ops;
    file->refs = 1;
    file->flags = flags;
    file->place = place;
    file->inode = place.dentry->inode;
    return file;
}

struct file *file_new_unnamed(const struct file_ops *ops, const char *name, uint32_t mode,
                              uint32_t flags, void *state)
{
    struct dentry *dentry = heap_alloc(sizeof(*dentry) + 1);
    struct inode *inode = dentry ? heap_alloc(sizeof(*inode)) : NULL;
    struct file *file;
    (void)name;
    if (!inode) {
        heap_free(dentry);
        return NULL;
    }
    list_init(&inode->watches);
    inode->is.mode = mode;
    dentry->inode = inode;
    dentry->refs = 1;
    file = file_new(ops, (struct place){ &mount_none, dentry }, flags);
    if (file) {
        file->state = state;
    }
    return file;
}

void file_put(struct file *file)
{
    assert_true(file->refs > 0);
    if (--file->refs) {
        return;
    }
    if (file->watched) {
        epoll_forget(file);
    }
    if (file->ops->close) {
        file->ops->close(file);
    }
    place_put(file->place);
    heap_free(file);
}

bool task_may_look(const struct task *task, const struct task *into)
{
    return task->process == into->process;
}

struct file *file_at(const struct task *task, int fd)
{
    return fd < 0 || fd >= FAKE_FILES ? NULL : task->files->at[fd].file;
}

struct file *file_at_any(const struct task *task, int fd)
{
    return file_at(task, fd);
}

struct file *file_of_call(const struct task *task, int fd)
{
    return file_at(task, fd);
}

int64_t file_keep(struct task *task, struct file *file, int64_t result)
{
    (void)task, (void)file;
    return result;
}

int64_t descriptor_free(struct task *task, unsigned from)
{
    for (unsigned fd = from; fd < FAKE_FILES; fd++) {
        if (!task->files->at[fd].file) {
            return fd;
        }
    }
    return -EMFILE;
}

int64_t file_install(struct task *task, struct file *file, unsigned from, bool close_on_exec)
{
    int64_t fd = descriptor_free(task, from);
    if (fd < 0) {
        file_put(file);
        return fd;
    }
    task->files->at[fd] = (struct descriptor){ file, close_on_exec };
    return fd;
}

int64_t file_close(struct task *task, int fd)
{
    struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    task->files->at[fd].file = NULL;
    file_put(file);
    return 0;
}

int64_t call_read(struct task *task, int32_t fd, user_t buffer, uint64_t bytes)
{
    struct file *file = file_at(task, fd);
    struct io io = io_user(task, buffer, bytes, false);
    if (!file || !file_reads(file)) {
        return -EBADF;
    }
    return file->ops->read(task, file, &io, &file->offset);
}

int64_t call_write(struct task *task, int32_t fd, user_t buffer, uint64_t bytes)
{
    struct file *file = file_at(task, fd);
    struct io io = io_user(task, buffer, bytes, true);
    if (!file || !file_writes(file)) {
        return -EBADF;
    }
    return file->ops->write(task, file, &io, &file->offset);
}

int64_t content_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    return file->ops->read(task, file, io, offset ? offset : &file->offset);
}

int64_t content_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    return file->ops->write(task, file, io, offset ? offset : &file->offset);
}

int64_t read_fd(struct task *task, int fd, void *to, uint64_t bytes)
{
    return CALL(task, call_read(task, fd, at(to), bytes));
}

int64_t write_fd(struct task *task, int fd, const void *from, uint64_t bytes)
{
    return CALL(task, call_write(task, fd, at(from), bytes));
}

uint32_t ready_fd(struct task *task, int fd)
{
    return poll_ready(file_at(task, fd));
}

// ---- names -------------------------------------------------------------------------------------
// One directory, in which sockets can be made.
#define NAMES 4
static struct dentry *names[NAMES];
static char name_of[NAMES][NAME_MAX_BYTES + 1];

static int64_t directory_create(struct task *task, struct dentry *directory, const char *name,
                                uint32_t mode, uint32_t device, struct dentry **made)
{
    static const struct file_ops none;
    unsigned i = 0;
    (void)task, (void)directory, (void)device;
    while (names[i]) {
        assert_true(++i < NAMES);
    }
    struct file *file = file_new_unnamed(&none, name, mode, 0, NULL);
    names[i] = *made = file->place.dentry;
    dentry_get(names[i]);
    file->inode->is.mode = mode;
    rt_format(name_of[i], sizeof(name_of[i]), "%s", name);
    file_put(file);
    dentry_get(*made);
    return 0;
}

static const struct inode_ops directory_ops = { .create = directory_create };
static struct inode directory_inode = { .ops = &directory_ops };
static struct dentry directory = { .inode = &directory_inode, .refs = 1 };

int64_t path_find(struct task *task, int from, const char *path, unsigned how,
                  struct path_result *result)
{
    (void)task, (void)from;
    *result = (struct path_result){ .directory = { &mount_none, &directory } };
    rt_format(result->last, sizeof(result->last), "%s", path);
    for (unsigned i = 0; i < NAMES; i++) {
        if (names[i] && strcmp(name_of[i], path) == 0) {
            result->at = (struct place){ &mount_none, names[i] };
            dentry_get(names[i]);
            if (how & PATH_CREATE) {
                dentry_get(&directory);
            }
            return 0;
        }
    }
    dentry_get(&directory);
    if (how & PATH_CREATE) {
        return 0;
    }
    place_put(result->directory);
    return -ENOENT;
}

void path_put(struct path_result *result)
{
    place_put(result->directory);
    if (result->at.dentry) {
        place_put(result->at);
    }
}

struct inode *fake_inode;

int64_t path_find_user(struct task *task, int from, user_t path, unsigned how,
                       struct path_result *result)
{
    static struct dentry dentry = { .refs = 1 };
    (void)task, (void)from, (void)path, (void)how;
    dentry.inode = fake_inode;
    dentry_get(&dentry);
    result->at = (struct place){ &mount_none, &dentry };
    return 0;
}

int64_t inode_permits(const struct task *task, const struct inode *inode, unsigned access)
{
    (void)task, (void)inode, (void)access;
    return 0;
}

void fake_names_forget(void)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (names[i]) {
            place_put((struct place){ &mount_none, names[i] });
        }
        names[i] = NULL;
    }
}

// ---- tasks -------------------------------------------------------------------------------------
static bool woken[FAKE_TASKS];

void task_again(struct task *task)
{
    if (task->state == TASK_WAITS) {
        woken[task - tasks] = true;
    }
}

bool task_woken(const struct task *task)
{
    return woken[task - tasks];
}

void call_begin(struct task *task)
{
    wait_end(task);
    woken[task - tasks] = false;
    if (!task->call.again) {
        task->call = (struct call){ .number = task->call.number };
    }
    task->state = TASK_TRAPPED;
}

static void call_over(struct task *task)
{
    wait_end(task);
    if (task->call.end) {
        task->call.end(task);
    }
    assert_null(task->call.end && task->call.state ? task->call.state : NULL);
    task->call.again = false;
    task->call.end = NULL;
    task->call.state = NULL;
    if (task->signals.restore) {
        task->signals.restore = false;
        task->signals.blocked = task->signals.restored;
    }
    task->state = TASK_RUNS;
}

int64_t call_done(struct task *task, int64_t result)
{
    if (result == RESULT_WAIT) {
        task->call.again = true;
        task->state = TASK_WAITS;
    } else {
        call_over(task);
    }
    return result;
}

void call_break(struct task *task)
{
    call_over(task);
}

struct task *task_find(uint32_t tid)
{
    for (unsigned i = 0; i < FAKE_TASKS; i++) {
        if (tasks[i].tid == tid) {
            return &tasks[i];
        }
    }
    return NULL;
}

struct process *process_find(uint32_t pid)
{
    struct task *task = task_find(pid);
    return task ? task->process : NULL;
}

bool task_capable(const struct task *task, unsigned capability)
{
    (void)task, (void)capability;
    return fake_capable;
}

int64_t signal_send_task(struct task *task, const struct signal_info *info)
{
    (void)task;
    fake_signal = *info;
    fake_signals++;
    return 0;
}

bool signals_allowed(uint32_t uid, uint64_t limit)
{
    (void)uid;
    return limit > 0;
}

void signals_keep(struct process *process, int32_t more)
{
    process->signals.kept += (uint32_t)more;
}

struct signal_info fake_pending;

bool signal_take(struct task *task, sigset of, struct signal_info *info)
{
    (void)task;
    if (!fake_pending.signal || !(of & SIGNAL_BIT(fake_pending.signal))) {
        return false;
    }
    *info = fake_pending;
    fake_pending.signal = 0;
    return true;
}

sigset signal_pending(const struct task *task)
{
    (void)task;
    return fake_pending.signal ? SIGNAL_BIT(fake_pending.signal) : 0;
}

struct task *call_task(void)
{
    return &tasks[0];
}

int64_t signal_send(struct process *process, const struct signal_info *info)
{
    (void)process;
    fake_signal = *info;
    fake_signals++;
    return 0;
}

size_t rt_format(char *text, size_t bytes, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = __builtin_vsnprintf(text, bytes, format, list);
    va_end(list);
    return (size_t)length;
}

uint64_t rt_clock_monotonic(void)
{
    return fake_now;
}

uint64_t task_cpu_ns(const struct task *task)
{
    (void)task;
    return fake_cpu;
}

uint64_t process_cpu_ns(const struct process *process)
{
    (void)process;
    return fake_cpu;
}

void fake_wait(uint64_t ns)
{
    fake_now += ns;
    timers_run(fake_now);
}

// ---- each test ---------------------------------------------------------------------------------
static void task_setup(unsigned i)
{
    tasks[i] = (struct task){ .tid = 100 + i, .process = &processes[i] };
    processes[i] = (struct process){ .pid = 100 + i };
    processes[i].limits[7] = (struct limit){ FAKE_FILES, FAKE_FILES };
    processes[i].limits[RLIMIT_SIGPENDING] = (struct limit){ UINT64_MAX, UINT64_MAX };
    files[i] = (struct files){ 1, FAKE_FILES, 0, descriptors[i] };
    tasks[i].files = &files[i];
    tasks[i].placement = &placement;
    spaces[i].refs = 2;
    tasks[i].space = &spaces[i];
    list_init(&tasks[i].signals.pending.queue);
    list_init(&processes[i].signals.pending.queue);
    woken[i] = false;
}

int fake_setup(void **state)
{
    void *window = (void *)(uintptr_t)PAGE_WINDOW;
    (void)state;
    // It stays where it is for all tests.
    mmap(window, PAGES * PAGE_SIZE, PROT_READ_WRITE, MAP_PLACE_PRIVATE, -1, 0);
    fake_now = 1000000;
    fake_cpu = fake_signals = 0;
    fake_capable = false;
    fake_room = -1;
    mount_none.refs = 1;
    for (unsigned i = 0; i < FAKE_TASKS; i++) {
        task_setup(i);
    }
    return 0;
}

int fake_teardown(void **state)
{
    (void)state;
    fake_room = -1;
    for (unsigned i = 0; i < FAKE_TASKS; i++) {
        for (int fd = 0; fd < FAKE_FILES; fd++) {
            file_close(&tasks[i], fd);
        }
        if (tasks[i].state == TASK_WAITS) {
            call_break(&tasks[i]);
        }
        wait_free(&tasks[i]);
    }
    fake_names_forget();
    if (fake_objects || fake_pages) {
        print_error("%u objects and %u pages are left\n", fake_objects, fake_pages);
        return -1;
    }
    return 0;
}
