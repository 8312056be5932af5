// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads.
#include "thread.h"

#include "memory.h"
#include "string.h"

#include <gen/rt_stubs.h>

#define THREAD_BITS   12
#define CONTEXT_BITS  9
#define NOTIFY_BITS   6
#define DEFAULT_STACK 4
#define FLAGS_IF      0x200ull

cap_t rt_cpu_control(unsigned cpu)
{
    const struct root_info *info = (const struct root_info *)ROOT_INFO_VADDR;
    return cpu ? info->cpu_slot + cpu - 1 : ROOT_SLOT_SCHED_CONTROL;
}

struct rt_status rt_context_new(uint64_t budget, uint64_t period, cap_t *context)
{
    return rt_context_new_on(0, budget, period, context);
}

struct rt_status rt_context_new_on(unsigned cpu, uint64_t budget, uint64_t period, cap_t *context)
{
    struct rt_status status = rt_object_new(KIND_SCHED_CONTEXT, CONTEXT_BITS, context);
    if (!rt_ok(status)) {
        return status;
    }
    status = sched_context_configure(*context, rt_cpu_control(cpu), budget, period);
    if (!rt_ok(status)) {
        rt_object_delete(*context);
        *context = 0;
    }
    return status;
}

struct rt_status rt_thread_set_regs(cap_t thread, const struct thread_regs *regs)
{
    memcpy(rt_buffer()->words, regs, sizeof(*regs));
    return thread_write_regs(thread);
}

static struct rt_status thread_configure_new(struct rt_thread *thread,
                                             const struct rt_thread_config *config)
{
    cap_t cspace = config->cspace ? config->cspace : ROOT_SLOT_CSPACE;
    cap_t aspace = config->aspace ? config->aspace : ROOT_SLOT_ASPACE;
    unsigned ceiling = config->ceiling ? config->ceiling : config->priority;
    struct rt_status status = thread_configure(thread->cap, cspace, aspace, config->fault,
                                               config->timeout, config->flags);
    if (rt_ok(status)) {
        status = thread_set_priority(thread->cap, config->priority, ceiling);
    }
    if (rt_ok(status)) {
        status = thread_set_buffer(thread->cap, 0, thread->memory.attached, 0);
    }
    return status;
}

// Its variables and control block, at the end of its stack; what is below is left for the stack.
static uint64_t block_make(struct rt_thread *thread, uint64_t top, uint64_t *thread_pointer)
{
    size_t bytes = rt_tls_bytes();
    struct rt_tcb *tcb = rt_tls_make((void *)(top - bytes), bytes, thread->memory.base);
    tcb->wait = thread->wait;
    *thread_pointer = (uint64_t)tcb;
    return (top - bytes) & ~15ull;
}

static struct rt_status thread_prepare(struct rt_thread *thread,
                                       const struct rt_thread_config *config)
{
    uint64_t thread_pointer = 0;
    uint64_t top = (uint64_t)thread->stack.base + (thread->stack.pages << PAGE_BITS);
    top = block_make(thread, top, &thread_pointer);
    struct thread_regs regs = {
        .rip = (uint64_t)config->entry,
        .rsp = top - 2 * sizeof(uint64_t) - sizeof(uint64_t),  // as after a call: zero above
        .rflags = FLAGS_IF,
        .rdi = config->argument,
        .fs_base = thread_pointer,
    };
    struct rt_status status = rt_thread_set_regs(thread->cap, &regs);
    if (!rt_ok(status) || !thread->context) {
        return status;
    }
    return sched_context_bind(thread->context, thread->cap, SCHED_OWN);
}

static struct rt_status thread_make_objects(struct rt_thread *thread,
                                            const struct rt_thread_config *config)
{
    unsigned pages = config->stack_pages ? config->stack_pages : DEFAULT_STACK;
    pages += (unsigned)(rt_tls_bytes() >> PAGE_BITS);
    struct rt_status status = rt_map_new(pages, PROT_READ | PROT_WRITE, &thread->stack);
    if (rt_ok(status)) {
        status = rt_map_new(1, PROT_READ | PROT_WRITE, &thread->memory);
    }
    if (rt_ok(status)) {
        status = rt_object_new(KIND_THREAD, THREAD_BITS, &thread->cap);
    }
    if (rt_ok(status) && config->waits) {
        status = rt_object_new(KIND_NOTIFICATION, NOTIFY_BITS, &thread->wait);
    }
    if (rt_ok(status) && config->budget != RT_NO_CONTEXT) {
        uint64_t budget = config->budget ? config->budget : RT_SLICE;
        status = rt_context_new_on(config->cpu, budget, config->period ? config->period : budget,
                                   &thread->context);
    }
    return status;
}

struct rt_status rt_thread_new(struct rt_thread *thread, const struct rt_thread_config *config)
{
    *thread = (struct rt_thread){ 0 };
    struct rt_status status = thread_make_objects(thread, config);
    if (rt_ok(status)) {
        status = thread_configure_new(thread, config);
    }
    if (rt_ok(status)) {
        status = thread_prepare(thread, config);
    }
    if (!rt_ok(status)) {
        rt_thread_delete(thread);
    } else {
        thread->buffer = thread->memory.base;
    }
    return status;
}

struct rt_status rt_thread_start(struct rt_thread *thread)
{
    return thread_resume(thread->cap);
}

void rt_thread_delete(struct rt_thread *thread)
{
    if (thread->cap) {
        rt_object_delete(thread->cap);
    }
    if (thread->context) {
        rt_object_delete(thread->context);
    }
    if (thread->wait) {
        rt_object_delete(thread->wait);
    }
    if (thread->memory.pages) {
        rt_map_delete(&thread->memory);
    }
    if (thread->stack.pages) {
        rt_map_delete(&thread->stack);
    }
    *thread = (struct rt_thread){ 0 };
}
