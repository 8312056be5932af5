// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Workers, spinners, and which CPU is which.
#include "world.h"

#include <rt/memory.h>
#include <rt/panic.h>

#define APIC_IDS 256u
#define SLICES   1000u  // per second on all CPUs: a busy host must get through with them
#define MOMENTS  5000u  // per second
#define PATIENCE 60u    // seconds

unsigned cpu_count;
uint64_t second, patience;
static uint8_t cpu_of[APIC_IDS];

uint64_t clock_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// The hardware's own number (Intel SDM vol. 3A, 9.4.5).
static unsigned apic_id(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b >> 24;
}

unsigned cpu_here(void)
{
    return cpu_of[apic_id()];
}

unsigned cpu_nth(unsigned n)
{
    return n % cpu_count;
}

unsigned often(unsigned times)
{
    return cpu_count <= 2 ? times : times * 2 / cpu_count;
}

uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

cap_t object_make(enum rt_kind kind, unsigned bits)
{
    cap_t slot = 0;
    must(rt_object_new(kind, bits, &slot), "object");
    return slot;
}

static void look_about(uint64_t ticks)
{
    uint64_t end = clock_now() + ticks;
    while (clock_now() < end) {
        __asm__ volatile("pause");
    }
}

void moment_pass(void)
{
    look_about(second / MOMENTS);
    rt_yield();
}

void ticks_pass(uint64_t ticks)
{
    uint64_t end = clock_now() + ticks;
    while (clock_now() < end) {
        moment_pass();
    }
}

uint64_t time_slice(void)
{
    return second / SLICES * cpu_count * cpu_count;
}

void context_move(cap_t context, unsigned cpu)
{
    uint64_t slice = time_slice();
    must(sched_context_configure(context, rt_cpu_control(cpu), slice, slice), "move");
}

// ---- spinners ----------------------------------------------------------------------------------
static void spinner_loop(uint64_t argument)
{
    struct spinner *spinner = (struct spinner *)argument;
    for (;;) {
        spinner->cpu = cpu_here();
        spinner->count++;
    }
}

void spinner_make(struct spinner *spinner, unsigned cpu, unsigned priority)
{
    struct rt_thread_config config = { .entry = spinner_loop,
                                       .argument = (uint64_t)spinner,
                                       .priority = priority,
                                       .budget = time_slice(),
                                       .cpu = cpu };
    spinner->count = 0;
    must(rt_thread_new(&spinner->thread, &config), "spinner");
    must(rt_thread_start(&spinner->thread), "spinner");
}

void spinner_delete(struct spinner *spinner)
{
    rt_thread_delete(&spinner->thread);
}

bool spinner_runs(const struct spinner *spinner)
{
    uint64_t count = spinner->count;
    WAIT(spinner->count > count + 2);
    return spinner->count > count + 2;
}

bool spinner_stands(const struct spinner *spinner)
{
    uint64_t count = spinner->count;
    moment_pass();
    moment_pass();
    return spinner->count == count;
}

// ---- workers -----------------------------------------------------------------------------------
static void worker_loop(uint64_t argument)
{
    struct worker *worker = (struct worker *)argument;
    for (;;) {
        if (rt_ok(notification_wait(worker->go).status)) {
            worker->job(worker->argument);
            worker->busy = false;
        }
    }
}

void worker_make(struct worker *worker, const struct rt_thread_config *config)
{
    struct rt_thread_config wanted = *config;
    *worker = (struct worker){ .go = object_make(KIND_NOTIFICATION, SMALL_BITS) };
    wanted.entry = worker_loop;
    wanted.argument = (uint64_t)worker;
    wanted.priority = config->priority ? config->priority : PRIORITY;
    wanted.budget = config->budget ? config->budget : time_slice();
    must(rt_thread_new(&worker->thread, &wanted), "worker");
    must(rt_thread_start(&worker->thread), "worker");
}

void worker_on(struct worker *worker, unsigned cpu)
{
    worker_make(worker, &(struct rt_thread_config){ .cpu = cpu });
}

void worker_delete(struct worker *worker)
{
    rt_thread_delete(&worker->thread);
    rt_object_delete(worker->go);
}

void worker_begin(struct worker *worker, void (*job)(uint64_t argument), uint64_t argument)
{
    worker->job = job;
    worker->argument = argument;
    worker->busy = true;
    must(notification_signal(worker->go), "go");
}

void worker_run(struct worker *worker, void (*job)(uint64_t argument), uint64_t argument)
{
    worker_begin(worker, job, argument);
    WAIT(!worker->busy);
}

// ---- start -------------------------------------------------------------------------------------
static void apic_note(uint64_t cpu)
{
    cpu_of[apic_id()] = (uint8_t)cpu;
}

void world_init(const struct root_info *info)
{
    second = info->clock_hz;
    patience = PATIENCE * second;
    cpu_count = info->cpu_count;
    uint64_t slice = time_slice();
    must(sched_context_configure(ROOT_SLOT_SCHED_CONTEXT, ROOT_SLOT_SCHED_CONTROL, slice, slice),
         "own time slice");
    must(thread_set_priority(ROOT_SLOT_THREAD, PRIORITY, 255), "own priority");
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        struct worker worker;
        worker_on(&worker, cpu);
        worker_run(&worker, apic_note, cpu);
        worker_delete(&worker);
    }
}
