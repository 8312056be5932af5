// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A handler of high priority arms a device for a moment that varies, and reads the clock with its
// first instruction when the interrupt has come.  Time is counted in instructions, so the
// difference is how many were executed between the moment at which the device was to interrupt and
// the handler.  The clock is read before the device is armed: what that takes, less than twenty
// instructions, is in the figures, and so is the device's resolution of ten.
#include "latency.h"

#include "../devices/hpet.h"
#include "attackers.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/slots.h>

#define HANDLER      255u  // priority: above the watchdog too
#define LINE         8u    // of the I/O APIC
#define BUCKET       50u   // instructions
#define BUCKETS      400u
#define DELAY_LEAST  10000u
#define DELAY_SPREAD 20000u
#define NANO         1000000000ull

static struct {
    cap_t irq, notification, done;
    uint64_t interrupts, worst;
    uint32_t buckets[BUCKETS + 1];  // the last one: all that is longer
} run;

static void count(uint64_t ticks)
{
    uint64_t bucket = ticks / BUCKET;
    run.buckets[bucket < BUCKETS ? bucket : BUCKETS]++;
    run.worst = ticks > run.worst ? ticks : run.worst;
}

static void handler_loop(uint64_t state)
{
    for (uint64_t i = 0; i < run.interrupts; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t delay = DELAY_LEAST + (state >> 33) % DELAY_SPREAD;
        delay -= delay % 10;  // the device's resolution
        must(irq_handler_ack(run.irq), "ack");
        uint64_t armed = trace_clock();
        hpet_arm(delay);
        struct notification_result got = notification_wait(run.notification);
        uint64_t now = trace_clock();
        must(got.status, "wait");
        hpet_quiet();
        count(now - armed - delay * second / NANO);
        watchdog_reset();
    }
    must(notification_signal(run.done), "done");
    must(notification_wait(run.notification).status, "the end");
}

static void print_all(const char *load)
{
    for (unsigned i = 0; i <= BUCKETS; i++) {
        if (run.buckets[i]) {
            rt_print("LATENCY %s %u %u\n", load, i * BUCKET, run.buckets[i]);
        }
    }
    rt_print("LATENCY-WORST %s %lu of %lu interrupts\n", load, run.worst, run.interrupts);
}

static void measure(const char *load, uint64_t interrupts)
{
    struct rt_thread handler;
    run.interrupts = interrupts;
    run.worst = 0;
    for (unsigned i = 0; i <= BUCKETS; i++) {
        run.buckets[i] = 0;
    }
    must(rt_thread_new(&handler, &(struct rt_thread_config){ .entry = handler_loop,
                                                             .argument = interrupts,
                                                             .priority = HANDLER }),
         "handler");
    must(rt_thread_start(&handler), "handler");
    must(notification_wait(run.done).status, "wait");
    rt_thread_delete(&handler);
    print_all(load);
}

void latency_run(const struct root_info *info, uint64_t interrupts)
{
    pci_init(info);
    hpet_init(info);
    run.irq = rt_slot_alloc();
    run.notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    run.done = object_make(KIND_NOTIFICATION, SMALL_BITS);
    must(irq_control_get(ROOT_SLOT_IRQ_CONTROL, LINE, 0, ROOT_SLOT_CSPACE, run.irq), "line");
    must(irq_handler_bind(run.irq, run.notification), "bind");
    hpet_start(&(struct hpet_config){ .mode = HPET_EDGE, .line = LINE });
    attackers_start();
    measure("loaded", interrupts);
    attackers_stop();
    hpet_stop();
}
