// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads run where their contexts say, and go where these go.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define MOVES often(60u)

static volatile unsigned found;

static void note_place(uint64_t argument)
{
    (void)argument;
    found = cpu_here();
}

// Each SchedControl is another CPU: the hardware's numbers are all different.
void runs_on_its_cpu(void)
{
    uint64_t seen = 0;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        struct worker worker;
        worker_on(&worker, cpu);
        found = cpu_count;
        worker_run(&worker, note_place, 0);
        EXPECT_EQUAL(found, cpu);
        seen |= 1ull << found;
        worker_delete(&worker);
    }
    EXPECT_EQUAL(seen, (1ull << cpu_count) - 1);
}

void all_run_at_once(void)
{
    static struct spinner spinners[64];
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        spinner_make(&spinners[cpu], cpu, PRIORITY);
    }
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        EXPECT(spinner_runs(&spinners[cpu]));
        EXPECT_EQUAL(spinners[cpu].cpu, cpu);
    }
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        EXPECT_OK(thread_suspend(spinners[cpu].thread.cap));
    }
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        EXPECT(spinner_stands(&spinners[cpu]));
        spinner_delete(&spinners[cpu]);
    }
}

void running_thread_moves(void)
{
    static struct spinner spinner;
    spinner_make(&spinner, 0, PRIORITY);
    for (unsigned i = 1; i <= MOVES; i++) {
        unsigned to = cpu_nth(i * 7);
        context_move(spinner.thread.context, to);
        WAIT(spinner.cpu == to);
    }
    EXPECT(spinner_runs(&spinner));
    spinner_delete(&spinner);
}

// It stands behind a more important one, and goes on where it is moved to.
void ready_thread_moves(void)
{
    static struct spinner above, below;
    if (cpu_count < 2) {
        return;
    }
    for (unsigned from = 1; from < cpu_count; from++) {
        unsigned to = from == 1 ? 0 : 1;
        spinner_make(&above, from, PRIORITY + 1);
        EXPECT(spinner_runs(&above));
        spinner_make(&below, from, PRIORITY);
        EXPECT(spinner_stands(&below));
        context_move(below.thread.context, to);
        EXPECT(spinner_runs(&below));
        EXPECT_EQUAL(below.cpu, to);
        context_move(below.thread.context, from);
        WAIT(spinner_stands(&below));
        EXPECT(spinner_runs(&above));
        spinner_delete(&above);
        EXPECT(spinner_runs(&below));
        EXPECT_EQUAL(below.cpu, from);
        spinner_delete(&below);
    }
}

void blocked_thread_moves(void)
{
    struct worker worker;
    worker_on(&worker, 0);
    for (unsigned i = 0; i < MOVES; i++) {
        unsigned to = cpu_nth(i * 3);
        context_move(worker.thread.context, to);
        worker_run(&worker, note_place, 0);
        EXPECT_EQUAL(found, to);
    }
    worker_delete(&worker);
}

// It is there with the very next instruction.
static volatile unsigned wrong;

static void move_self(uint64_t context)
{
    wrong = 0;
    for (unsigned i = 0; i < MOVES; i++) {
        unsigned to = cpu_nth(i * 5 + 1);
        context_move(context, to);
        wrong += cpu_here() != to;
    }
}

void thread_moves_itself(void)
{
    struct worker worker;
    worker_on(&worker, 0);
    worker_run(&worker, move_self, worker.thread.context);
    EXPECT_EQUAL(wrong, 0);
    worker_delete(&worker);
}

// Two that run move each other and themselves.
struct swap {
    cap_t contexts[2];
};

static void swap_places(uint64_t argument)
{
    const struct swap *swap = (const struct swap *)argument;
    for (unsigned i = 0; i < MOVES; i++) {
        context_move(swap->contexts[i % 2], cpu_nth(i / 2));
    }
}

void threads_move_each_other(void)
{
    struct worker workers[2];
    worker_on(&workers[0], 0);
    worker_on(&workers[1], cpu_nth(1));
    struct swap swap = { { workers[0].thread.context, workers[1].thread.context } };
    worker_begin(&workers[0], swap_places, (uint64_t)&swap);
    worker_begin(&workers[1], swap_places, (uint64_t)&swap);
    WAIT(!workers[0].busy && !workers[1].busy);
    worker_delete(&workers[0]);
    worker_delete(&workers[1]);
}
