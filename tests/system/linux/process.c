// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes: an address space, a guest thread on a context of its own, a guest frame.
#include "linux.h"

#include <rt/memory.h>

#define THREAD_BITS    12
#define GUEST_PRIORITY 100
#define TIME_SLICE     10000000ull  // clock ticks

struct process processes[PROCESSES];

static void thread_make(struct process *process)
{
    uint64_t flags = THREAD_GUEST | THREAD_VECTOR | THREAD_FRAME_SYSCALLS;
    must(rt_object_new(KIND_THREAD, THREAD_BITS, &process->thread), "thread");
    must(thread_configure(process->thread, 0, process->space.cap, process->fault, 0, flags),
         "configure a guest");
    must(thread_set_priority(process->thread, GUEST_PRIORITY, GUEST_PRIORITY), "priority");
    uint64_t offset = (uint64_t)(process - processes) * GUEST_FRAME_BYTES;
    must(thread_set_buffer(process->thread, 1, shared.frame, offset), "guest frame");
    process->frame = (struct guest_frame *)((uintptr_t)shared.base + offset);
    must(rt_context_new(TIME_SLICE, TIME_SLICE, &process->context), "context");
    must(sched_context_bind(process->context, process->thread, SCHED_OWN), "bind");
}

struct process *process_new(uint64_t parent)
{
    static uint64_t last_pid;
    struct process *process = processes;
    while (process < processes + PROCESSES && process->state != PROCESS_FREE)
        process++;
    if (process == processes + PROCESSES)
        return NULL;
    cap_t fault = process->fault;
    *process = (struct process){ .state = PROCESS_LIVE, .pid = ++last_pid, .parent = parent };
    process->fault = fault;
    must(rt_space_new(&process->space), "address space");
    memory_attach(process);
    thread_make(process);
    return process;
}

void process_start(struct process *process)
{
    must(rt_thread_set_regs(process->thread, &process->frame->regs), "set registers");
    must(thread_resume(process->thread), "resume");
}

struct process *process_find(uint64_t pid)
{
    for (struct process *process = processes; process < processes + PROCESSES; process++)
        if (process->state != PROCESS_FREE && process->pid == pid)
            return process;
    return NULL;
}

static void orphans_adopt(uint64_t parent)
{
    for (struct process *child = processes; child < processes + PROCESSES; child++) {
        if (child->state == PROCESS_FREE || child->parent != parent)
            continue;
        child->parent = 0;
        if (child->state == PROCESS_ZOMBIE)
            child->state = PROCESS_FREE;
    }
}

void process_exit(struct process *process, unsigned status)
{
    struct process *parent = process_find(process->parent);
    files_close(process, UINT32_MAX);
    rt_object_delete(process->thread);
    rt_object_delete(process->context);
    memory_clear(process, PAGE_SIZE, GUEST_PAGES - 1);
    rt_space_delete(&process->space);
    rt_cap_delete(process->arena);
    orphans_adopt(process->pid);
    process->status = status;
    process->state = process->parent ? PROCESS_ZOMBIE : PROCESS_FREE;
    if (parent && parent->state != PROCESS_ZOMBIE)
        signal_send(parent, SIGCHLD);
}

// ---- system calls
int64_t call_fork(struct process *process, const uint64_t *args)
{
    (void)args;
    struct process *child = process_new(process->pid);
    if (!child)
        return -EAGAIN;
    memory_fork(process, child);
    child->program = process->program;
    child->brk_start = process->brk_start;
    child->brk = process->brk;
    child->blocked = process->blocked;
    memcpy(child->actions, process->actions, sizeof(child->actions));
    files_fork(process, child);
    child->frame->regs = process->frame->regs;
    child->frame->regs.rax = 0;
    rt_ignore(thread_read_vector(process->thread, shared.frame, vector_at).status);
    must(thread_write_vector(child->thread, shared.frame, vector_at), "vector state of a child");
    process_start(child);
    return (int64_t)child->pid;
}

int64_t call_clone(struct process *process, const uint64_t *args)
{
    const uint64_t thread = 0x10000, set_parent = 0x100000, set_child = 0x1000000;
    uint64_t flags = args[0], stack = args[1];
    if (flags & thread)
        return -ENOSYS;
    struct thread_regs *regs = &process->frame->regs;
    uint64_t old_stack = regs->rsp;
    regs->rsp = stack ? stack : old_stack;
    int64_t pid = call_fork(process, args);
    regs->rsp = old_stack;
    struct process *child = pid > 0 ? process_find((uint64_t)pid) : NULL;
    uint32_t tid = (uint32_t)pid;
    if (child && flags & set_parent)
        (void)user_write(process, args[2], &tid, sizeof(tid));
    if (child && flags & set_child)
        (void)user_write(child, args[3], &tid, sizeof(tid));
    return pid;
}

int64_t call_wait4(struct process *process, const uint64_t *args)
{
    const uint64_t no_hang = 1;
    bool children = false;
    for (struct process *child = processes; child < processes + PROCESSES; child++) {
        bool wanted = (int32_t)args[0] <= 0 || child->pid == (uint32_t)args[0];
        if (child->state == PROCESS_FREE || child->parent != process->pid || !wanted)
            continue;
        children = true;
        if (child->state != PROCESS_ZOMBIE)
            continue;
        if (args[1] && !user_write(process, args[1], &child->status, sizeof(child->status)))
            return -EFAULT;
        child->state = PROCESS_FREE;
        return (int64_t)child->pid;
    }
    if (!children)
        return -ECHILD;
    return args[2] & no_hang ? 0 : CALL_WAITS;
}
