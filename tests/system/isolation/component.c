// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making a component.
#include "component.h"

#include <rt/elf.h>
#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>
#include <rt/string.h>

#define PRIORITY_LOADED 1u
#define THREAD_BITS     12u
#define FLAGS_IF        0x200ull

#define WATCHDOG_PERIOD (50 * moment)
#define WATCHDOG_LIMIT  (2 * second)

static struct rt_mapping file;
static uint64_t file_bytes;
static struct rt_thread watchdog;
static volatile uint64_t watchdog_end;

// Wakes with each of its budgets, seldom, above all but the root task.
static void watchdog_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        if (trace_clock() > watchdog_end) {
            rt_panic("the check hangs");
        }
        __asm__ volatile("pause");
    }
}

void watchdog_reset(void)
{
    watchdog_end = trace_clock() + WATCHDOG_LIMIT;
}

void watchdog_start(void)
{
    watchdog_reset();
    must(rt_thread_new(&watchdog, &(struct rt_thread_config){ .entry = watchdog_loop,
                                                              .priority = 254,
                                                              .budget = WATCHDOG_PERIOD / 10000,
                                                              .period = WATCHDOG_PERIOD }),
         "watchdog");
    must(rt_thread_start(&watchdog), "watchdog");
}

void component_init(const struct root_info *info)
{
    must(rt_module_map(info, "component", &file, &file_bytes), "the component's program");
}

static void area_make(struct component *component, enum behaviour behaviour)
{
    struct rt_program *program = &component->program;
    uint64_t pages = 1u << (AREA_BITS - PAGE_BITS);
    component->frame = object_make(KIND_FRAME, AREA_BITS);
    must(rt_cap_copy(component->frame, RIGHT_READ | RIGHT_WRITE, &component->attached), "area");
    must(frame_attach(component->attached, program->space.cap), "area");
    must(rt_space_map(&program->space, component->attached, AREA_VADDR, 0, pages,
                      PROT_READ | PROT_WRITE),
         "area");
    must(rt_map_frame(component->frame, pages, PROT_READ | PROT_WRITE, &component->here), "area");
    component->area = component->here.base;
    component->area->behaviour = behaviour;
}

static void objects_make(struct component *component)
{
    struct rt_program *program = &component->program;
    component->wake = object_make(KIND_NOTIFICATION, SMALL_BITS);
    component->endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    component->ready = object_make(KIND_NOTIFICATION, SMALL_BITS);
    must(captable_move(component->table, SLOT_MEMORY, ROOT_SLOT_CSPACE, component->memory),
         "memory");
    component_give(component, SLOT_ASPACE, program->space.cap);
    component_give(component, SLOT_WAKE, component->wake);
    component_give(component, SLOT_ENDPOINT, component->endpoint);
    component_give(component, SLOT_READY, component->ready);
    component_give(component, SLOT_AREA, component->attached);
}

static void program_make(struct component *component, enum behaviour behaviour)
{
    memset(component, 0, sizeof(*component));
    watchdog_reset();
    struct rt_program_config config = { .priority = PRIORITY_LOADED, .budget = RT_NO_CONTEXT };
    must(rt_program_load(&component->program, file.base, file_bytes, &config), "program");
    area_make(component, behaviour);
}

void component_make(struct component *component, enum behaviour behaviour)
{
    program_make(component, behaviour);
    component->table = component->program.cspace;
    must(rt_untyped_alloc(MEMORY_BITS, &component->memory), "memory");
    objects_make(component);
}

void component_make_large(struct component *component, enum behaviour behaviour)
{
    program_make(component, behaviour);
    component->table = object_make(KIND_CAPTABLE, SWARM_TABLE_BITS);
    must(rt_untyped_alloc(MEMORY_BITS_SWARM, &component->memory), "memory");
    component_give(component, RT_PROGRAM_CSPACE, component->table);
    objects_make(component);
}

void component_give(struct component *component, uint64_t slot, cap_t from)
{
    must(captable_copy(component->table, slot, ROOT_SLOT_CSPACE, from, RIGHT_ALL), "capability");
}

// Registers as the start of a program expects them, on the page of this thread.
static void thread_prepare(const struct component *component, unsigned index)
{
    struct thread_regs regs = {
        .rip = ((const struct elf_header *)file.base)->entry,
        .rsp = AREA_VADDR + (index + 2ull) * PAGE_SIZE,
        .rflags = FLAGS_IF,
        .rdi = index,
    };
    must(rt_thread_set_regs(component->thread[index], &regs), "registers");
}

void component_add(struct component *component, const struct component_thread *config)
{
    unsigned index = component->threads++;
    cap_t thread = component->thread[index] = object_make(KIND_THREAD, THREAD_BITS);
    uint64_t page = (index + 1ull) * PAGE_SIZE;
    bool guest = config->flags & THREAD_GUEST;
    must(thread_configure(thread, guest ? 0 : component->table, component->program.space.cap,
                          config->handled ? component->endpoint : 0, 0, config->flags),
         "configure");
    unsigned ceiling = config->ceiling ? config->ceiling : config->priority;
    must(thread_set_priority(thread, config->priority, ceiling), "priority");
    must(thread_set_buffer(thread, 0, component->attached, page), "buffer");
    if (guest) {
        must(thread_set_buffer(thread, 1, component->attached, page + AREA_FRAME), "frame");
    }
    component_give(component, SLOT_THREADS + index, thread);
    if (config->budget) {
        must(rt_context_new(config->budget, config->period, &component->context[index]), "context");
        must(sched_context_bind(component->context[index], thread,
                                config->fallback ? SCHED_FALLBACK : SCHED_OWN),
             "bind");
        component_give(component, SLOT_CONTEXTS + index, component->context[index]);
    }
    thread_prepare(component, index);
}

void component_start(struct component *component)
{
    component->area->threads = component->threads;
    for (unsigned i = 0; i < component->threads; i++) {
        must(thread_resume(component->thread[i]), "start");
    }
}

void component_wait(const struct component *component)
{
    must(notification_wait(component->ready).status, "wait");
}

void component_delete(struct component *component)
{
    for (unsigned i = 0; i < component->threads; i++) {
        rt_object_delete(component->thread[i]);
        if (component->context[i]) {
            rt_object_delete(component->context[i]);
        }
    }
    if (component->table != component->program.cspace) {
        rt_object_delete(component->table);
    }
    rt_object_delete(component->wake);
    rt_object_delete(component->ready);
    rt_object_delete(component->endpoint);
    rt_map_delete(&component->here);
    rt_cap_delete(component->attached);
    rt_object_delete(component->frame);
    rt_program_delete(&component->program);
    rt_object_forget(component->memory);  // went with the table
}

struct trace component_trace(const struct component *component)
{
    struct trace trace = *(struct trace *)(void *)((char *)component->here.base + AREA_TRACE);
    trace.gaps = (struct gap *)(void *)((char *)component->here.base + AREA_TRACE + 64);
    return trace;
}
