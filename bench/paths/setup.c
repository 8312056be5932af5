// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Makes workers.  The code they run is a copy of this program's at the same address, so that the
// labels in the symbol table are theirs too.
#include "setup.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define SPACE_BITS        13
#define THREAD_BITS       12
#define NOTIFICATION_BITS 6
#define GUEST_FRAME_AT    MESSAGE_BUFFER_BYTES
#define RIGHTS_RW         (RIGHT_READ | RIGHT_WRITE)

static struct rt_mapping code;  // the workers' code
static cap_t done;              // notification

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

cap_t object_new(enum rt_kind kind, unsigned bits)
{
    cap_t slot = 0;
    must(rt_object_new(kind, bits, &slot), "a new object");
    return slot;
}

static uint64_t code_pages(void)
{
    return (uint64_t)(workers_end - workers_start) >> PAGE_BITS;
}

void setup_init(void)
{
    must(rt_map_new(code_pages(), PROT_READ | PROT_WRITE, &code), "memory for code");
    memcpy(code.base, workers_start, (size_t)(workers_end - workers_start));
    done = object_new(KIND_NOTIFICATION, NOTIFICATION_BITS);
}

void setup_wait(void)
{
    must(notification_wait(done).status, "waiting for a worker");
}

// --- one worker ---------------------------------------------------------------------------------

// A capability derived from a frame, attached to the worker's space and mapped there.
static cap_t worker_map(struct worker *worker, cap_t frame, uint64_t vaddr, uint64_t pages,
                        unsigned prot)
{
    cap_t attached = 0;
    must(rt_cap_copy(frame, prot, &attached), "deriving a frame");
    must(frame_attach(attached, worker->space_cap), "attaching a frame");
    must(rt_space_map(&worker->space, attached, vaddr, 0, pages, prot), "mapping for a worker");
    return attached;
}

// A worker that shares a space lies a page further up there.
static uint64_t worker_page(const struct worker *worker)
{
    return WORKER_PAGE + (worker->space_shared ? PAGE_SIZE : 0);
}

static void worker_make_memory(struct worker *worker, const struct worker_config *config)
{
    worker->space_shared = config->in_space;
    if (config->in_space) {
        worker->space_cap = config->in_space->space_cap;
        worker->space.cap = worker->space_cap;
    } else {
        must(rt_space_new(&worker->space), "an address space");
        worker->space_cap = worker->space.cap;
        worker->code = worker_map(worker, code.frame, (uint64_t)workers_start, code_pages(),
                                  PROT_READ | PROT_EXECUTE);
    }
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &worker->page), "a worker's page");
    worker->page_attached = worker_map(worker, worker->page.frame, worker_page(worker), 1,
                                       PROT_READ | PROT_WRITE);
    uint64_t *words = worker->page.base;
    words[(WORKER_STACK_TOP - WORKER_PAGE) / sizeof(*words)] = config->rounds;
}

static void worker_make_thread(struct worker *worker, const struct worker_config *config)
{
    bool guest = config->flags & THREAD_GUEST;
    struct thread_regs regs = {
        .rip = (uint64_t)config->entry,
        .rsp = WORKER_STACK_TOP - WORKER_PAGE + worker_page(worker),
    };
    cap_t buffer = worker->page.frame;
    worker->thread = object_new(KIND_THREAD, THREAD_BITS);
    must(thread_configure(worker->thread, guest ? 0 : worker->cspace, worker->space_cap,
                          config->fault, 0, config->flags),
         "configuring a thread");
    must(thread_set_priority(worker->thread, config->priority, config->priority), "a priority");
    must(thread_set_buffer(worker->thread, 0, buffer, 0), "a message buffer");
    if (guest) {
        must(thread_set_buffer(worker->thread, 1, buffer, GUEST_FRAME_AT), "a guest frame");
    }
    must(rt_thread_set_regs(worker->thread, &regs), "registers");
    must(rt_context_new(RT_SLICE, RT_SLICE, &worker->context), "a scheduling context");
    must(sched_context_bind(worker->context, worker->thread, SCHED_OWN), "binding a context");
}

void worker_new(struct worker *worker, const struct worker_config *config)
{
    *worker = (struct worker){ .space_shared = false };
    worker_make_memory(worker, config);
    worker->cspace = object_new(KIND_CAPTABLE, WORKER_SLOTS_BITS);
    worker_make_thread(worker, config);
    worker_give(worker, WORKER_DONE, done, RIGHTS_RW);
}

void worker_give(const struct worker *worker, uint64_t slot, cap_t from, unsigned rights)
{
    must(captable_copy(worker->cspace, slot, ROOT_SLOT_CSPACE, from, rights),
         "giving a capability");
}

void worker_start(const struct worker *worker)
{
    must(thread_resume(worker->thread), "starting a worker");
}

void worker_make_passive(const struct worker *worker)
{
    must(sched_context_unbind(worker->context), "taking a context back");
}

void worker_delete(struct worker *worker)
{
    rt_object_delete(worker->thread);
    rt_object_delete(worker->context);
    rt_object_delete(worker->cspace);
    rt_cap_delete(worker->page_attached);
    if (!worker->space_shared) {
        rt_cap_delete(worker->code);
        rt_space_delete(&worker->space);
    }
    rt_map_delete(&worker->page);
}

void workers_settle(void)
{
    struct worker idle;
    worker_new(&idle, &(struct worker_config){
                          .entry = worker_null, .priority = PRIORITY_IDLE, .rounds = 1 });
    worker_start(&idle);
    setup_wait();
    worker_delete(&idle);
}
