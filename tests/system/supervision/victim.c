// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Does what the judge orders: every way to die, and every attempt at more than it was given.
#include "hostile.h"

#include <proto/system_client.h>
#include <rt/component.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

const char rt_task_name[] = "victim";

#define NOWHERE 0x5000ull

typedef void act(struct orders *orders);

static void touch_nothing(struct orders *orders)
{
    orders->answer = *(volatile uint64_t *)NOWHERE;
}

static void write_text(struct orders *orders)
{
    *(volatile unsigned char *)(uintptr_t)&touch_nothing = (unsigned char)orders->order;
}

static void write_info(struct orders *orders)
{
    struct component_info *info = (struct component_info *)(uintptr_t)component_info();
    info->generation = orders->order;
}

static unsigned char code[] = { 0xc3 };  // ret

static void run_data(struct orders *orders)
{
    void (*run)(void) = (void (*)(void))(uintptr_t)code;
    run();
    orders->answer = 1;
}

static void trap(struct orders *orders)
{
    (void)orders;
    __builtin_trap();
}

static void panic(struct orders *orders)
{
    rt_panic("ordered to, %u", orders->order);
}

static void overflow(struct orders *orders)
{
    volatile unsigned char *below = __builtin_frame_address(0);
    while (orders->order != ORDER_OVERFLOW) {
        *--below = 1;
    }
}

static void exit_3(struct orders *orders)
{
    (void)orders;
    component_exit(3);
}

static void exit_0(struct orders *orders)
{
    (void)orders;
    component_exit(0);
}

static void hang(struct orders *orders)
{
    while (orders->order == ORDER_HANG) {}
}

// As much as it can of what has to come back.
static void fill(struct orders *orders)
{
    const struct component_info *info = component_info();
    uint64_t made = 0;
    for (uint64_t slot = info->free_slot; slot < info->slot_count; slot++) {
        made += rt_ok(captable_copy(COMPONENT_SLOT_CSPACE, slot, COMPONENT_SLOT_CSPACE,
                                    COMPONENT_SLOT_NOTIFICATION, RIGHT_ALL));
    }
    memset((void *)info->heap, 0xa5, info->heap_bytes);
    orders->answer = made;
}

static bool holds(uint64_t slot, unsigned rights)
{
    struct captable_identify_result found = captable_identify(COMPONENT_SLOT_CSPACE, slot);
    return rt_ok(found.status) && (found.kind_rights >> 8 & 0xff) == rights;
}

// No more rights than what it uses them for needs.
static bool rights_as_they_should_be(void)
{
    const struct component_info *info = component_info();
    bool good = holds(COMPONENT_SLOT_NOTIFICATION, RIGHT_READ) &&
                holds(COMPONENT_SLOT_ALIVE, RIGHT_WRITE);
    for (unsigned i = 0; i < info->grant_count; i++) {
        if (info->grants[i].kind == GRANT_CALL) {
            good = good && holds(info->grants[i].slot, RIGHT_SEND | RIGHT_GRANT);
        }
    }
    return good;
}

// Nothing beyond its table, and nothing in it that it was not given.
static void forge(struct orders *orders)
{
    const struct component_info *info = component_info();
    uint64_t answers = 0;
    for (uint64_t slot = 0; slot < 2ull * info->slot_count; slot++) {
        bool free = slot == 0 || slot >= info->free_slot;
        bool works = rt_ok(thread_suspend(slot)) ||
                     rt_ok(untyped_retype(slot, KIND_FRAME, 0, 1, 0, 1)) ||
                     rt_ok(power_control_off(slot, 1)) || rt_ok(captable_revoke(slot, 1)) ||
                     rt_ok(io_control_ports(slot, 0, 1, 1, info->free_slot)) ||
                     rt_ok(sched_context_unbind(slot)) || rt_ok(aspace_unmap(slot, 0, 1)) ||
                     (free && rt_ok(notification_signal(slot)));
        answers += works && slot != COMPONENT_SLOT_CSPACE;
    }
    orders->answer = answers + !rights_as_they_should_be();
}

static void ask(struct orders *orders)
{
    cap_t system = component_need(GRANT_CALL, "system")->slot;
    struct system_control_args control = { 0, SYSTEM_COMMAND_KILL };
    struct system_inject_args inject = { 0, 1 };
    struct system_power_args power = { 1 };
    orders->answer = system_control(system, &control) == SYSTEM_ERROR_FORBIDDEN &&
                     system_inject(system, &inject) == SYSTEM_ERROR_FORBIDDEN &&
                     system_power(system, &power) == SYSTEM_ERROR_FORBIDDEN;
}

static void reach(struct orders *orders)
{
    struct wire_message message = { .label = 1, .cap_count = 1 };
    message.caps[0] = component_need(GRANT_CALL, "forbidden")->slot;
    orders->answer = wire_call(component_need(GRANT_CALL, "outcast")->slot, NULL, &message);
}

static act *const acts[] = {
    [ORDER_TOUCH_NOTHING] = touch_nothing,
    [ORDER_WRITE_TEXT] = write_text,
    [ORDER_WRITE_INFO] = write_info,
    [ORDER_RUN_DATA] = run_data,
    [ORDER_TRAP] = trap,
    [ORDER_PANIC] = panic,
    [ORDER_OVERFLOW] = overflow,
    [ORDER_EXIT_3] = exit_3,
    [ORDER_EXIT_0] = exit_0,
    [ORDER_HANG] = hang,
    [ORDER_DIE_EVERY] = trap,
    [ORDER_FILL] = fill,
    [ORDER_FORGE] = forge,
    [ORDER_ASK] = ask,
    [ORDER_REACH] = reach,
    [ORDER_RUN_CONST] = hostile_run_const,
    [ORDER_BAD_FRAME] = hostile_bad_frame,
    [ORDER_BAD_WORDS] = hostile_bad_words,
    [ORDER_WRECK] = hostile_wreck,
    [ORDER_DIE_WATCH] = hostile_die_watch,
    [ORDER_UNSTEP] = hostile_unstep,
    [ORDER_KILL] = hostile_kill,
    [ORDER_INJECT] = hostile_inject,
    [ORDER_SIGNS] = hostile_signs,
    [ORDER_ASK_MUCH] = hostile_ask_much,
    [ORDER_ASK_BLIND] = hostile_ask_blind,
    [ORDER_SPOIL] = hostile_spoil,
    [ORDER_SERVE] = hostile_serve,
    [ORDER_CALL] = hostile_call,
    [ORDER_GIVE] = hostile_give,
    [ORDER_STEAL] = hostile_steal,
    [ORDER_LOOT] = hostile_loot,
    [ORDER_GIVE_IRQ] = hostile_give_irq,
};

static void obey(struct orders *orders)
{
    uint32_t order = orders->order;
    if (order == ORDER_NONE || order >= sizeof(acts) / sizeof(acts[0])) {
        return;
    }
    if (order != ORDER_DIE_EVERY && order != ORDER_HANG) {
        orders->order = ORDER_NONE;
    }
    orders->taken++;
    rt_print("order %u\n", order);
    acts[order](orders);
    orders->done = orders->taken;
}

int component_main(const struct component_info *info)
{
    struct orders *orders = (struct orders *)component_need(GRANT_REGION, "orders")->address;
    orders->image = info->image;
    orders->generation = info->generation;
    if (orders->order == ORDER_DIE_EVERY) {
        obey(orders);
    }
    for (;;) {
        struct notification_result got = notification_wait(COMPONENT_SLOT_NOTIFICATION);
        if (rt_ok(got.status) && got.word & COMPONENT_PING) {
            rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
        }
        obey(orders);
    }
}
