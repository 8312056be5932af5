// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The core that the file layer's tests stand on.
#include "file_fake.h"

#include "../area.h"
#include "../call.h"
#include "../clock.h"
#include "../cpu.h"
#include "../heap.h"
#include "../mount.h"
#include "../mqueue.h"
#include "../outside.h"
#include "../page.h"
#include "../pipe.h"
#include "../proc.h"
#include "../ptrace.h"
#include "../seccomp.h"
#include "../space.h"
#include "../sysv.h"
#include "../terminal.h"
#include "host.h"

#include <rt/clock.h>
#include <rt/string.h>

#define PAGES      4096u
#define IMAGE      PAGES  // first page of the bank that is only read
#define IMAGE_MOST 1024u

struct waitlist *fake_waited;
uint32_t fake_signal;
uint64_t fake_clock = 12340000000;
uint64_t fake_truncated = UINT64_MAX;
unsigned fake_replaced;
uint64_t fake_heap, fake_heap_left = UINT64_MAX;

// ---- pages -------------------------------------------------------------------------------------
static struct page records[PAGES + IMAGE_MOST];
struct page *page_records = records;
uint64_t page_total = PAGES - 1, page_free = PAGES - 1;

static void pages_begin(void)
{
    static bool mapped;
    if (!mapped) {
        void *to = page_here(0);
        const void *got = host_map(to, (uint64_t)(PAGES + IMAGE_MOST) << PAGE_BITS);
        if (got != to) {
            host_abort();
        }
        mapped = true;
    }
}

uint32_t page_alloc(void)
{
    for (uint32_t i = 1; i < PAGES && fake_heap_left; i++) {
        if (!records[i].refs) {
            records[i].refs = 1;
            memset(page_here(i), 0xa5, PAGE_SIZE);
            page_free--;
            return i;
        }
    }
    return PAGE_NONE;
}

uint32_t page_alloc_zero(void)
{
    uint32_t page = page_alloc();
    if (page) {
        memset(page_here(page), 0, PAGE_SIZE);
    }
    return page;
}

void page_put(uint32_t page)
{
    if (records[page].refs-- == 0) {
        host_abort();
    }
    if (records[page].refs == 0 && page < PAGES) {
        page_free++;
    }
}

char *fake_image(uint64_t bytes)
{
    pages_begin();
    return bytes <= (uint64_t)IMAGE_MOST << PAGE_BITS ? page_here(IMAGE) : NULL;
}

// ---- heap --------------------------------------------------------------------------------------
void *heap_alloc(uint64_t bytes)
{
    if (!fake_heap_left) {
        return NULL;
    }
    fake_heap_left -= fake_heap_left != UINT64_MAX;
    fake_heap++;
    return host_alloc(bytes);
}

void heap_free(void *memory)
{
    fake_heap -= memory != NULL;
    host_free(memory);
}

// ---- the process -------------------------------------------------------------------------------
static bool reachable(user_t address)
{
    return address >= PAGE_SIZE;
}

static void *here(user_t address)
{
    return (void *)(uintptr_t)address;
}

int user_read(struct task *task, void *to, user_t from, uint64_t bytes)
{
    (void)task;
    if (bytes && !reachable(from)) {
        return -EFAULT;
    }
    memcpy(to, here(from), bytes);
    return 0;
}

int user_write(struct task *task, user_t to, const void *from, uint64_t bytes)
{
    (void)task;
    if (bytes && !reachable(to)) {
        return -EFAULT;
    }
    memcpy(here(to), from, bytes);
    return 0;
}

int64_t user_string(struct task *task, char *to, user_t from, uint64_t bytes)
{
    (void)task;
    if (!reachable(from)) {
        return -EFAULT;
    }
    const char *text = here(from);
    uint64_t length = 0;
    while (length < bytes && text[length]) {
        length++;
    }
    if (length == bytes) {
        return -ENAMETOOLONG;
    }
    memcpy(to, here(from), length + 1);
    return (int64_t)length;
}

struct io io_user(struct task *task, user_t address, uint64_t bytes, bool writes)
{
    return (
        struct io){ .task = task, .at = address, .piece = bytes, .left = bytes, .writes = writes };
}

struct io io_here(void *memory, uint64_t bytes, bool writes)
{
    return (struct io){ .here = memory, .piece = bytes, .left = bytes, .writes = writes };
}

struct piece {
    user_t base;
    uint64_t bytes;
};

int io_vector(struct io *io, struct task *task, user_t vector, uint64_t count)
{
    const struct piece *piece = here(vector);
    *io = (struct io){ .task = task, .vector = vector, .pieces = count };
    if (count > 1024) {
        return -EINVAL;
    }
    for (uint64_t i = 0; i < count; i++) {
        io->left += piece[i].bytes;
    }
    return 0;
}

// One piece at most; NULL: it cannot be touched.
static char *next(struct io *io, uint64_t *bytes)
{
    while (!io->here && io->piece == 0 && io->pieces) {
        const struct piece *piece = here(io->vector);
        io->at = piece->base;
        io->piece = piece->bytes;
        io->vector += sizeof(*piece);
        io->pieces--;
    }
    *bytes = *bytes < io->left ? *bytes : io->left;
    *bytes = *bytes < io->piece ? *bytes : io->piece;
    char *memory = io->here ? io->here : here(io->at);
    if (!io->here && !reachable(io->at)) {
        return NULL;
    }
    io->here += io->here ? *bytes : 0;
    io->at += *bytes;
    io->piece -= *bytes;
    io->left -= *bytes;
    return memory;
}

int64_t io_give(struct io *io, const void *from, uint64_t bytes)
{
    int64_t done = 0;
    while (bytes && io->left) {
        uint64_t some = bytes;
        char *memory = next(io, &some);
        if (!memory) {
            return done ? done : -EFAULT;
        }
        memcpy(memory, (const char *)from + done, some);
        done += (int64_t)some;
        bytes -= some;
    }
    return done;
}

int64_t io_give_zero(struct io *io, uint64_t bytes)
{
    static const char zeros[65536];
    return io_give(io, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros));
}

int64_t io_take(struct io *io, void *to, uint64_t bytes)
{
    int64_t done = 0;
    while (bytes && io->left) {
        uint64_t some = bytes;
        const char *memory = next(io, &some);
        if (!memory) {
            return done ? done : -EFAULT;
        }
        memcpy((char *)to + done, memory, some);
        done += (int64_t)some;
        bytes -= some;
    }
    return done;
}

// ---- waiting and telling -----------------------------------------------------------------------
void wait_until(struct task *task, uint64_t deadline)
{
    (void)task, (void)deadline;
}

int64_t wait_on(struct task *task, struct waitlist *list)
{
    (void)task;
    fake_waited = list;
    return RESULT_WAIT;
}

void waitlist_wake(struct waitlist *list)
{
    if (list == fake_waited) {
        fake_waited = NULL;
    }
}

int64_t signal_send_task(struct task *task, const struct signal_info *info)
{
    (void)task;
    fake_signal = (uint32_t)info->signal;
    return 0;
}

int64_t signal_send(struct process *process, const struct signal_info *info)
{
    (void)process;
    fake_signal = (uint32_t)info->signal;
    return 0;
}

unsigned seccomp_mode(const struct task *task)
{
    (void)task;
    return 0;
}

unsigned seccomp_filters(const struct task *task)
{
    (void)task;
    return 0;
}

struct dentry *mqueue_root(void)
{
    return NULL;
}

bool mqueue_is(const struct inode *inode)
{
    (void)inode;
    return false;
}

int64_t shm_show(struct text *text)
{
    (void)text;
    return 0;
}

int64_t sem_show(struct text *text)
{
    (void)text;
    return 0;
}

int64_t msg_show(struct text *text)
{
    (void)text;
    return 0;
}

struct terminal *terminal_of(const struct file *file)
{
    (void)file;
    return NULL;
}

bool task_capable(const struct task *task, unsigned capability)
{
    return task->credentials.effective >> capability & 1;
}

struct timespec clock_real(void)
{
    static struct timespec now = { 1000000, 0 };
    now.seconds++;
    return now;
}

void area_truncate(struct inode *inode, uint64_t first_page)
{
    (void)inode;
    fake_truncated = first_page;
}

void area_replace(struct inode *inode, uint64_t index)
{
    (void)inode;
    (void)index;
    fake_replaced++;
}

void inotify_event(struct inode *inode, const char *name, uint32_t mask, uint32_t cookie)
{
    (void)inode;
    (void)name;
    (void)mask;
    (void)cookie;
}

void inotify_forget(struct inode *inode)
{
    (void)inode;
}

void epoll_forget(struct file *file)
{
    (void)file;
}

// ---- files of others ---------------------------------------------------------------------------
static int64_t none(struct place place)
{
    place_put(place);
    return -ENXIO;
}

int64_t fifo_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    (void)task;
    (void)flags;
    (void)file;
    return none(place);
}

int64_t terminal_open(struct task *task, struct place place, uint32_t flags, uint32_t device,
                      struct file **file)
{
    (void)task;
    (void)flags;
    (void)device;
    (void)file;
    return none(place);
}

int64_t pipe_size(const struct file *file)
{
    (void)file;
    return -EBADF;
}

int64_t pipe_resize(struct task *task, struct file *file, uint64_t bytes)
{
    (void)task;
    (void)file;
    (void)bytes;
    return -EBADF;
}

// ---- processes and memory ----------------------------------------------------------------------
struct process *process_init;
char host_name[65] = "host", domain_name[65] = "(none)";
static struct list processes = LIST_EMPTY(processes);
static struct task only;
static struct process process;

struct task *task_find(uint32_t tid)
{
    return tid == only.tid ? &only : NULL;
}

struct process *process_find(uint32_t pid)
{
    return pid == process.pid ? &process : NULL;
}

struct list *process_list(void)
{
    return &processes;
}

unsigned cpu_number = 1;

unsigned cpu_of(const struct task *task)
{
    return task->last_cpu;
}

uint64_t cpu_used(unsigned cpu)
{
    (void)cpu;
    return 0;
}

uint64_t task_cpu_ns(const struct task *task)
{
    return task->ticks;
}

uint64_t process_cpu_ns(const struct process *of)
{
    return of->ended_ticks;
}

uint64_t rt_clock_hz(void)
{
    return 1000000000;
}

uint64_t rt_clock_monotonic(void)
{
    return fake_clock;
}

int space_read(struct space *space, void *to, user_t from, uint64_t bytes)
{
    (void)space;
    return user_read(NULL, to, from, bytes);
}

int space_write(struct space *space_of, user_t to, const void *from, uint64_t bytes)
{
    (void)space_of;
    return user_write(NULL, to, from, bytes);
}

int64_t trace_memory(struct space *space, user_t at, void *here, uint64_t bytes, bool write)
{
    int error = write ? space_write(space, at, here, bytes) : space_read(space, here, at, bytes);
    return error ? error : (int64_t)bytes;
}

entry_t *space_leaf(struct space *space, user_t *address, unsigned *count)
{
    (void)space;
    *address = UINT64_MAX;
    *count = 0;
    return NULL;
}

unsigned area_count(const struct space *space)
{
    return space->area_count;
}

uint64_t area_locked_pages(const struct space *space, uint64_t start, uint64_t end)
{
    (void)space, (void)start, (void)end;
    return 0;
}

struct area *area_at(const struct space *space, unsigned number)
{
    return space->areas[number];
}

// ---- the task ----------------------------------------------------------------------------------
static struct placement placement;
static struct area stack = {
    .start = 0x7000, .end = 0x9000, .prot = PROT_READ | PROT_WRITE, .flags = AREA_GROWS
};
static struct area *areas[] = { &stack };
static struct space space = { .areas = areas, .area_count = 1, .stack_start = 0x8000 };

struct task *fake_begin(void)
{
    pages_begin();
    fake_heap_left = UINT64_MAX;
    list_init(&mounts);
    if (!vfs_init() || !vfs_populate()) {
        host_abort();
    }
    process = (struct process){ .pid = 1 };
    for (unsigned i = 0; i < LIMITS; i++) {
        process.limits[i] = (struct limit){ UINT64_MAX, UINT64_MAX };
    }
    process.limits[7] = (struct limit){ 1024, 1024 };
    struct place root = { mount_root, mount_root->root };
    placement = (struct placement){ 1, 0, root, root };
    place_get(root);
    place_get(root);
    only = (struct task){ .tid = 1, .process = &process, .placement = &placement };
    only.credentials.effective = only.credentials.permitted = UINT64_MAX;
    only.files = files_new();
    static struct handlers handlers;
    only.signals.handlers = &handlers;
    only.space = &space;
    memcpy(only.name, "test", 5);
    list_init(&processes);
    list_init(&process.tasks);
    list_add(&processes, &process.all);
    list_add(&process.tasks, &only.in_process);
    return &only;
}

void fake_end(void)
{
    files_put(&only, only.files);
    only.files = NULL;
    place_put(placement.work);
    placement.work = placement.root;
    place_get(placement.work);
    if (call_umount2(&only, at("/proc"), 0) || call_umount2(&only, at("/sys"), 0) ||
        call_umount2(&only, at("/dev"), 2)) {  // with what is over it
        host_abort();
    }
    place_put(placement.work);
    place_put(placement.root);
    list_remove(&mount_root->all);
    mount_put(mount_root);
    mount_put(mount_unnamed);
    if (page_free != page_total) {
        host_abort();
    }
}

int64_t fake_done(struct task *task, int64_t result)
{
    if (task->call.end) {
        task->call.end(task);
    }
    if (task->call.file) {
        file_put(task->call.file);
    }
    task->call = (struct call){};
    return result;
}
