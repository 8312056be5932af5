// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Two threads of which one wakes or answers the other; interrupts; the system calls that need
// nobody.
#include "scenarios.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>

#define ENDPOINT_BITS     6
#define REPLY_BITS        6
#define NOTIFICATION_BITS 6
#define RIGHTS_RW         (RIGHT_READ | RIGHT_WRITE)

// The interval timer: channel 0 in mode 0 raises its line once, so many ticks after it was armed.
#define PIT_PORTS    0x40
#define PIT_COUNT    4
#define PIT_CHANNEL  0x40
#define PIT_COMMAND  0x43
#define PIT_ONE_SHOT 0x30
#define PIT_TICKS    60
#define PIT_IRQ      2  // global interrupt of ISA line 0 on PCs

void scenario_null(void)
{
    struct worker worker;
    worker_new(&worker, &(struct worker_config){
                            .entry = worker_null, .priority = PRIORITY_LOW, .rounds = ROUNDS });
    worker_start(&worker);
    setup_wait();
    worker_delete(&worker);
}

// --- messages -----------------------------------------------------------------------------------

static void run_client(const char *client_entry, const char *server_entry, uint64_t flags)
{
    struct worker client, server;
    cap_t endpoint = object_new(KIND_ENDPOINT, ENDPOINT_BITS);
    cap_t reply = object_new(KIND_REPLY, REPLY_BITS);
    worker_new(&server, &(struct worker_config){
                            .entry = server_entry, .priority = PRIORITY_LOW, .flags = flags });
    worker_give(&server, WORKER_ENDPOINT, endpoint, RIGHT_RECEIVE);
    worker_give(&server, WORKER_REPLY, reply, RIGHT_ALL);
    worker_start(&server);
    workers_settle();
    worker_make_passive(&server);
    worker_new(&client, &(struct worker_config){ .entry = client_entry,
                                                 .priority = PRIORITY_LOW,
                                                 .rounds = ROUNDS,
                                                 .flags = flags });
    worker_give(&client, WORKER_ENDPOINT, endpoint, RIGHT_SEND);
    worker_start(&client);
    setup_wait();
    worker_delete(&client);
    worker_delete(&server);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

void scenario_ipc(void)
{
    run_client(worker_client, worker_server, 0);
    run_client(worker_client_10, worker_server_10, 0);
    run_client(worker_client_64, worker_server_64, 0);
    run_client(worker_client_vector, worker_server_vector, THREAD_VECTOR);
    run_client(worker_client_10_vector, worker_server_10_vector, THREAD_VECTOR);
}

// --- waking -------------------------------------------------------------------------------------

// Both workers have `object` in `slot`; the second is above the first and blocks at once.
static void run_waking(const char *low_entry, const char *high_entry, uint64_t slot, cap_t object)
{
    struct worker low, high;
    worker_new(&high, &(struct worker_config){ .entry = high_entry, .priority = PRIORITY_HIGH });
    worker_give(&high, slot, object, RIGHT_ALL);
    worker_start(&high);
    workers_settle();
    worker_new(&low, &(struct worker_config){
                         .entry = low_entry, .priority = PRIORITY_LOW, .rounds = ROUNDS });
    worker_give(&low, slot, object, RIGHT_ALL);
    worker_start(&low);
    setup_wait();
    worker_delete(&low);
    worker_delete(&high);
}

void scenario_send(void)
{
    cap_t endpoint = object_new(KIND_ENDPOINT, ENDPOINT_BITS);
    run_waking(worker_sender, worker_receiver, WORKER_ENDPOINT, endpoint);
    rt_object_delete(endpoint);
}

void scenario_signal(void)
{
    cap_t notification = object_new(KIND_NOTIFICATION, NOTIFICATION_BITS);
    cap_t badged = 0;
    must(rt_cap_mint(notification, RIGHTS_RW, 1, &badged), "a badge");
    run_waking(worker_signaller, worker_waiter, WORKER_NOTIFICATION, badged);
    rt_cap_delete(badged);
    rt_object_delete(notification);
}

// --- yield --------------------------------------------------------------------------------------

static void run_yielders(const char *entry, bool near)
{
    struct worker one, other;
    struct worker_config config = { .entry = entry, .priority = PRIORITY_LOW, .rounds = ROUNDS };
    worker_new(&one, &config);
    config.in_space = near ? &one : NULL;
    worker_new(&other, &config);
    worker_start(&one);
    worker_start(&other);
    setup_wait();
    workers_settle();
    worker_delete(&other);
    worker_delete(&one);
}

void scenario_yield(void)
{
    run_yielders(worker_yielder, false);
    run_yielders(worker_yielder_near, true);
}

// --- interrupts ---------------------------------------------------------------------------------

static void pit_arm(cap_t ports)
{
    must(io_ports_out(ports, PIT_COMMAND, 1, PIT_ONE_SHOT), "the timer's mode");
    must(io_ports_out(ports, PIT_CHANNEL, 1, PIT_TICKS), "the timer's low byte");
    must(io_ports_out(ports, PIT_CHANNEL, 1, 0), "the timer's high byte");
}

static void run_interrupts(cap_t ports, cap_t handler)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        must(irq_handler_ack(handler), "acknowledging");
        pit_arm(ports);
        setup_wait();
    }
}

void scenario_irq(void)
{
    struct worker spinner, waiter;
    cap_t ports = rt_slot_alloc();
    cap_t handler = rt_slot_alloc();
    cap_t notification = object_new(KIND_NOTIFICATION, NOTIFICATION_BITS);
    cap_t badged = 0;
    must(rt_cap_mint(notification, RIGHTS_RW, 1, &badged), "a badge");
    must(io_control_ports(ROOT_SLOT_IO_CONTROL, PIT_PORTS, PIT_COUNT, ROOT_SLOT_CSPACE, ports),
         "the timer's ports");
    must(irq_control_get(ROOT_SLOT_IRQ_CONTROL, PIT_IRQ, 0, ROOT_SLOT_CSPACE, handler),
         "the timer's interrupt");
    must(irq_handler_bind(handler, badged), "binding the interrupt");
    worker_new(&waiter,
               &(struct worker_config){ .entry = worker_irq_waiter, .priority = PRIORITY_HIGH });
    worker_give(&waiter, WORKER_NOTIFICATION, notification, RIGHTS_RW);
    worker_start(&waiter);
    workers_settle();
    worker_new(&spinner,
               &(struct worker_config){ .entry = worker_spinner, .priority = PRIORITY_LOW });
    worker_start(&spinner);
    run_interrupts(ports, handler);
    worker_delete(&spinner);
    worker_delete(&waiter);
    rt_cap_delete(handler);
    rt_cap_delete(badged);
    rt_cap_delete(ports);
    rt_object_delete(notification);
}
