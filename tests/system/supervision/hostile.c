// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a component may try against the supervisor, or against others through it.
#include "hostile.h"

#include <proto/system_client.h>
#include <rt/clock.h>
#include <rt/component.h>
#include <rt/panic.h>
#include <wire/call.h>

#include <gen/rt_stubs.h>

#define TIMES 200u

static cap_t system_cap(void)
{
    return component_need(GRANT_CALL, "system")->slot;
}

static cap_t watch_slot(enum component_watch which)
{
    return component_need(GRANT_WATCH, NULL)->slot + which;
}

// ---- its own end -------------------------------------------------------------------------------
static const unsigned char constant_code[] = { 0xc3 };  // ret

void hostile_run_const(struct orders *orders)
{
    void (*run)(void) = (void (*)(void))(uintptr_t)constant_code;
    run();
    orders->answer = 1;
}

// What RBP may be: nothing of it is where the supervisor can read, or it leads in a circle.
void hostile_bad_frame(struct orders *orders)
{
    const struct component_info *info = component_info();
    uint64_t *low = (uint64_t *)info->stack;
    const uint64_t frames[BAD_FRAMES] = {
        1,
        0x5000,
        UINT64_MAX - 7,
        info->stack + info->stack_bytes - sizeof(uint64_t),  // its second word is beyond
        info->stack - sizeof(uint64_t),
        info->stack,
    };
    low[0] = info->stack;  // the last one's caller is itself
    low[1] = 1;
    __asm__ volatile("mov %0, %%rbp\n\tud2" : : "r"(frames[orders->argument % BAD_FRAMES]));
}

void hostile_bad_words(struct orders *orders)
{
    struct component_words *words = (struct component_words *)component_info()->words;
    words->written = UINT64_MAX - orders->argument;
    __builtin_trap();
}

void hostile_wreck(struct orders *orders)
{
    for (uint64_t slot = component_info()->slot_count; slot-- > 1;) {
        // Empty, or without a table in the end.
        rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, slot));
    }
    while (orders->order == ORDER_NONE) {}
}

// The second thread begins here, at component_watch.
void component_watch(void)
{
    rt_panic("the second thread, as ordered");
}

void hostile_die_watch(struct orders *orders)
{
    rt_ignore(thread_resume(watch_slot(WATCH_THREAD)));
    while (orders->order == ORDER_NONE) {}
}

// The trap flag is bit 8 of RFLAGS (Intel manual, volume 1, 3.4.3).
void hostile_unstep(struct orders *orders)
{
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    while (orders->order == ORDER_NONE) {}
}

// ---- the supervisor ----------------------------------------------------------------------------
void hostile_kill(struct orders *orders)
{
    struct system_control_args args = { (uint16_t)orders->argument, SYSTEM_COMMAND_KILL };
    orders->answer = system_control(system_cap(), &args);
}

void hostile_inject(struct orders *orders)
{
    struct system_inject_args args = { (uint16_t)orders->argument, TIMES };
    orders->answer = system_inject(system_cap(), &args);
    while (orders->order == ORDER_NONE) {}
}

void hostile_signs(struct orders *orders)
{
    uint64_t begin = rt_clock();
    for (unsigned i = 0; i < TIMES; i++) {
        rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
    }
    orders->answer = (rt_clock() - begin) / TIMES;
}

void hostile_ask_much(struct orders *orders)
{
    struct system_resources_results results;
    uint64_t begin = rt_clock();
    uint32_t code = WIRE_OK;
    for (unsigned i = 0; i < TIMES && code == WIRE_OK; i++) {
        code = system_resources(system_cap(), &results);
    }
    orders->answer = code ? UINT64_MAX : (rt_clock() - begin) / TIMES;
}

void hostile_ask_blind(struct orders *orders)
{
    struct system_component_args component = { 0 };
    struct system_component_results component_results;
    struct system_resources_results resources_results;
    struct system_incident_args incident = { 0 };
    struct system_incident_results incident_results;
    struct system_symbol_args symbol = { 0, 0 };
    struct system_symbol_results symbol_results;
    struct system_words_args words = { 0, 0 };
    struct system_words_results words_results;
    struct system_power_args power = { 1 };
    cap_t system = system_cap();
    orders->answer = system_component(system, &component, &component_results) ==
                         SYSTEM_ERROR_FORBIDDEN &&
                     system_resources(system, &resources_results) == SYSTEM_ERROR_FORBIDDEN &&
                     system_incident(system, &incident, &incident_results) ==
                         SYSTEM_ERROR_FORBIDDEN &&
                     system_symbol(system, &symbol, &symbol_results) == SYSTEM_ERROR_FORBIDDEN &&
                     system_words(system, &words, &words_results) == SYSTEM_ERROR_FORBIDDEN &&
                     system_power(system, &power) == SYSTEM_ERROR_FORBIDDEN;
}

// ---- others ------------------------------------------------------------------------------------
void hostile_spoil(struct orders *orders)
{
    cap_t endpoint = component_need(GRANT_SERVE, NULL)->slot;
    orders->answer = rt_ok(endpoint_configure(endpoint, 1ull << 40));
}

static struct wire_message serve_one(const struct wire_window *window)
{
    struct wire_message message = { 0 };
    struct wire_received got;
    do {
        got = wire_receive(component_need(GRANT_SERVE, NULL)->slot, COMPONENT_SLOT_REPLIES, window,
                           &message);
        if (got.notification) {
            rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
        }
    } while (got.code == WIRE_OK && got.notification);
    return message;
}

static void answer_one(void)
{
    struct wire_message message = { .label = 1 };
    (void)wire_reply(COMPONENT_SLOT_REPLIES, &message);
}

void hostile_serve(struct orders *orders)
{
    (void)serve_one(NULL);
    answer_one();
    orders->answer = 1;
}

void hostile_call(struct orders *orders)
{
    static const char *const names[] = ORDER_CALL_NAMES;
    struct wire_message message = { .label = 1 };
    orders->answer = wire_call(component_need(GRANT_CALL, names[orders->argument])->slot, NULL,
                               &message);
}

// Unbound first, so that the taker can bind it.
void hostile_give(struct orders *orders)
{
    rt_ignore(thread_bind(watch_slot(WATCH_FIRST), 0));
    struct wire_message message = { .label = 1, .cap_count = 1 };
    message.caps[0] = COMPONENT_SLOT_NOTIFICATION;
    orders->answer = wire_call(component_need(GRANT_CALL, "rogue")->slot, NULL, &message);
}

void hostile_steal(struct orders *orders)
{
    struct wire_window window = { COMPONENT_SLOT_CSPACE, component_info()->free_slot, 1 };
    struct wire_message message = serve_one(&window);
    bool bound = message.cap_count == 1 &&
                 rt_ok(thread_bind(watch_slot(WATCH_THREAD), window.slot));
    answer_one();
    orders->answer = bound;
}

void hostile_loot(struct orders *orders)
{
    struct captable_identify_result found = captable_identify(COMPONENT_SLOT_CSPACE,
                                                              component_info()->free_slot);
    orders->answer = found.kind_rights & 0xff;
}

void hostile_give_irq(struct orders *orders)
{
    struct wire_message message = { .label = 1, .cap_count = 2 };
    message.caps[0] = component_need(GRANT_IRQ, NULL)->slot | CAP_MOVE;
    message.caps[1] = component_need(GRANT_PORTS, NULL)->slot | CAP_MOVE;
    orders->answer = wire_call(component_need(GRANT_CALL, "sleeper")->slot, NULL, &message);
}
