// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tasks and processes as records, and a task's guest thread.
#include "task.h"

#include "cpu.h"
#include "heap.h"
#include "object.h"
#include "page.h"
#include "seccomp.h"
#include "space.h"

#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/slots.h>
#include <rt/string.h>
#include <rt/tls.h>

#define TASKS_MOST   32768u
#define PID_MOST     4194304u
#define PID_AGAIN    300u  // where numbers begin once all were used
#define GUEST_FRAMES (PAGE_SIZE / GUEST_FRAME_BYTES)
#define PRIORITY     1u
#define TIMER_SLACK  50000u  // nanoseconds, as in Linux
#define VECTOR_ALIGN 64u

static struct task *table[TASKS_MOST];  // by number
static uint32_t number_hint, last_tid;
static struct list processes = LIST_EMPTY(processes);
static struct idtable tids, pids;  // tasks and processes
struct process *process_init;

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

struct list *process_list(void)
{
    return &processes;
}

struct task *task_at(uint32_t number)
{
    if (number >= TASKS_MOST || !table[number]) {
        rt_panic("a trap of task %u, which there is not", number);
    }
    return table[number];
}

struct task *task_find(uint32_t tid)
{
    struct id_entry *found = idtable_find(&tids, tid);
    return found ? CONTAINER(found, struct task, by_tid) : NULL;
}

struct process *process_find(uint32_t pid)
{
    struct id_entry *found = idtable_find(&pids, pid);
    struct process *process = found ? CONTAINER(found, struct process, by_pid) : NULL;
    return process && !process->reaped ? process : NULL;
}

// Whether a number is that of a task, a process, a group or a session.
static bool id_used(uint32_t id)
{
    if (idtable_find(&tids, id) || idtable_find(&pids, id)) {
        return true;
    }
    LIST_EACH(process, &processes, struct process, all) {
        if (process->group == id || process->session == id) {
            return true;
        }
    }
    return false;
}

static bool ids_come_again;  // those after the last one may be in use

static uint32_t id_new(void)
{
    do {
        ids_come_again |= last_tid + 1 == PID_MOST;
        last_tid = last_tid + 1 < PID_MOST ? last_tid + 1 : PID_AGAIN;
    } while (ids_come_again && id_used(last_tid));
    return last_tid;
}

int64_t task_choose_id(uint32_t id)
{
    if (id == 0 || id >= PID_MOST) {
        return -EINVAL;
    }
    if (id_used(id)) {
        return -EEXIST;
    }
    ids_come_again = true;
    last_tid = id - 1;
    return 0;
}

// ---- guest threads -----------------------------------------------------------------------------
static struct list frames = LIST_EMPTY(frames);  // free ones

// A place for a guest frame, in a page with others.
static bool frame_new(struct task *task)
{
    if (list_empty(&frames)) {
        uint32_t page = page_alloc_zero();
        for (unsigned i = 0; page && i < GUEST_FRAMES; i++) {
            list_add(&frames, (void *)((char *)page_here(page) + (uint64_t)i * GUEST_FRAME_BYTES));
        }
    }
    if (list_empty(&frames)) {
        return false;
    }
    struct list *at = frames.next;
    list_remove(at);
    task->frame = (void *)at;
    memset(task->frame, 0, sizeof(*task->frame));
    task->frame_at = object_place(task->frame, &task->frame_page);
    return true;
}

static bool guest_new(struct task *task)
{
    if (!frame_new(task)) {
        return false;
    }
    task->thread = object_new(KIND_THREAD, OBJECT_SMALL_BITS);
    if (!task->thread) {
        list_add(&frames, (void *)task->frame);
        return false;
    }
    return true;
}

void task_prepare(struct task *task)
{
    static cap_t fault;
    if (!fault) {
        fault = rt_slot_alloc();
    }
    must(captable_mint(COMPONENT_SLOT_CSPACE, fault, COMPONENT_SLOT_CSPACE, main_endpoint(),
                       RIGHT_SEND, task->number + 1ull),
         "a badge");
    must(thread_configure(task->thread, 0, task->space->cap, fault, 0,
                          THREAD_GUEST | THREAD_VECTOR),
         "a guest");
    must(captable_delete(COMPONENT_SLOT_CSPACE, fault), "a badge");
    must(thread_set_priority(task->thread, PRIORITY, PRIORITY), "a guest's priority");
    must(thread_set_buffer(task->thread, 1, task->frame_page, task->frame_at), "a guest's frame");
}

void task_start(struct task *task)
{
    memcpy(rt_tcb()->buffer->words, &task->frame->regs, sizeof(task->frame->regs));
    must(thread_write_regs(task->thread), "a guest's registers");
    must(thread_resume(task->thread), "a guest");
}

void task_restart(struct task *task)
{
    must(thread_suspend(task->thread), "stopping a guest");
    task_prepare(task);
    task_vector_clear(task);
    task_start(task);
    task->trapped = false;
    task->answer = 0;
}

struct thread_regs *task_regs_read(struct task *task)
{
    must(thread_read_regs(task->thread), "registers");
    task->frame->regs = *(const struct thread_regs *)rt_tcb()->buffer->words;
    task->frame_valid = true;
    return &task->frame->regs;
}

void task_load(struct task *task)
{
    task_regs(task);
    task->answer |= GUEST_LOAD;
}

// Where vector state is exchanged with the kernel.
void *task_vector_area(cap_t *frame, uint64_t *at)
{
    static uint32_t area;
    if (!area && !(area = page_alloc_run(1))) {
        rt_panic("no memory for vector state");
    }
    *at = object_place(page_here(area), frame);
    return page_here(area);
}

// XSAVE's standard format (Intel SDM volume 1, 13.4): all components in their initial state.
void task_vector_clear(struct task *task)
{
    const uint16_t fcw = 0x37f;
    const uint32_t mxcsr = 0x1f80;
    cap_t frame = 0;
    uint64_t at = 0;
    char *area = task_vector_area(&frame, &at);
    memset(area, 0, PAGE_SIZE);
    memcpy(area, &fcw, sizeof(fcw));
    memcpy(area + 24, &mxcsr, sizeof(mxcsr));
    must(thread_write_vector(task->thread, frame, at), "vector state");
}

void task_vector_copy(const struct task *from, const struct task *to)
{
    cap_t frame = 0;
    uint64_t at = 0;
    task_vector_area(&frame, &at);
    must(thread_read_vector(from->thread, frame, at).status, "vector state");
    must(thread_write_vector(to->thread, frame, at), "vector state");
}

// ---- records -----------------------------------------------------------------------------------
static bool number_take(struct task *task)
{
    for (uint32_t i = 0; i < TASKS_MOST; i++) {
        uint32_t number = (number_hint + i) % TASKS_MOST;
        if (!table[number]) {
            table[number] = task;
            task->number = number;
            number_hint = number + 1;
            return true;
        }
    }
    return false;
}

struct task *task_new(struct process *process)
{
    struct task *task = heap_alloc(sizeof(*task));
    if (!task || !number_take(task)) {
        heap_free(task);
        return NULL;
    }
    if (!guest_new(task)) {
        table[task->number] = NULL;
        heap_free(task);
        return NULL;
    }
    task->tid = list_empty(&process->tasks) ? process->pid : id_new();
    idtable_add(&tids, &task->by_tid, task->tid);
    task->timer_slack = task->timer_slack_usual = TIMER_SLACK;
    task->process = process;
    list_init(&task->queued);
    task->allowed = UINT64_MAX;
    list_add(&process->tasks, &task->in_process);
    signal_init(&task->signals.pending);
    process->refs++;
    if (!process->leader) {
        process->leader = task;
    }
    return task;
}

void task_guest_end(struct task *task)
{
    object_delete(task->thread, OBJECT_SMALL_BITS);
    list_add(&frames, (void *)task->frame);
}

struct list tasks_dead = LIST_EMPTY(tasks_dead);

void task_release(struct task *task)
{
    struct process *process = task->process;
    wait_free(task);
    signal_free(&task->signals.pending);
    seccomp_put(task->seccomp);
    idtable_remove(&task->by_tid);
    list_remove(&task->in_process);
    list_add(&tasks_dead, &task->in_process);
    table[task->number] = NULL;
    if (process->leader == task) {
        process->leader = NULL;
    }
    process_put(process);
}

void task_lead(struct task *task)
{
    struct process *process = task->process;
    process->leader = task;
    task->tid = process->pid;
    idtable_remove(&task->by_tid);
    idtable_add(&tids, &task->by_tid, task->tid);
}

void tasks_bury(void)
{
    while (!list_empty(&tasks_dead)) {
        struct task *task = CONTAINER(tasks_dead.next, struct task, in_process);
        list_remove(&task->in_process);
        heap_free(task);
    }
}

struct process *process_new(struct process *parent)
{
    struct process *process = heap_alloc(sizeof(*process));
    if (!process) {
        return NULL;
    }
    process->refs = 1;
    process->pid = id_new();
    list_init(&process->children);
    list_init(&process->siblings);
    list_init(&process->tasks);
    waitlist_init(&process->ended);
    waitlist_init(&process->gone);
    signal_init(&process->signals.pending);
    process->began = rt_clock_monotonic();
    list_add(&processes, &process->all);
    idtable_add(&pids, &process->by_pid, process->pid);
    process->parent = parent;
    if (parent) {
        list_add(&parent->children, &process->siblings);
    }
    return process;
}

void process_put(struct process *process)
{
    if (--process->refs) {
        return;
    }
    idtable_remove(&process->by_pid);
    list_remove(&process->all);
    list_remove(&process->siblings);
    signal_free(&process->signals.pending);
    heap_free(process);
}

bool task_capable(const struct task *task, unsigned capability)
{
    return task->credentials.effective >> capability & 1;
}
