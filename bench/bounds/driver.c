// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The start of a program that works on a large scale: a root task that hands nearly all memory to
// one thread, the driver (arena.h).
#include "driver.h"

#include "arena.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/serial.h>
#include <rt/thread.h>

#define ARENA_BITS    31
#define LARGE_BITS    30
#define BATCH_PAGES   (BATCH_BYTES >> PAGE_BITS)
#define DRIVER_STACK  16
#define PRIORITY_MOST 255u
#define PRIORITY_IDLE 1u

static struct rt_mapping batch;
static struct rt_thread driver, idle;
static void (*work)(void);

static void driver_main(uint64_t unused)
{
    (void)unused;
    rt_buffer_set(driver.buffer);
    must(rt_serial_init(ROOT_SLOT_IO_CONTROL, ROOT_SLOT_CSPACE, SLOT_SERIAL), "the serial line");
    arena_init(batch.base);
    work();
    must(power_control_off(ROOT_SLOT_POWER_CONTROL, 0), "powering off");
}

static cap_t untyped_of(const struct root_info *info, unsigned bits)
{
    for (unsigned i = 0; i < info->untyped_count; i++) {
        if (!info->untyped[i].device && info->untyped[i].bits == bits) {
            return info->untyped_slot + i;
        }
    }
    rt_panic("no Untyped of 2^%u bytes: give the machine 6 GiB", bits);
}

// The driver's table: what every root task has, and the memory.
static cap_t table_new(const struct root_info *info)
{
    cap_t table = 0, done = 0;
    must(rt_object_new(KIND_CAPTABLE, TABLE_BITS, &table), "the driver's table");
    must(rt_object_new(KIND_NOTIFICATION, NOTIFICATION_BITS, &done), "a notification");
    must(captable_copy(table, ROOT_SLOT_CSPACE, ROOT_SLOT_CSPACE, table, RIGHT_ALL), "a table");
    for (cap_t slot = ROOT_SLOT_ASPACE; slot <= ROOT_SLOT_POWER_CONTROL; slot++) {
        must(captable_copy(table, slot, ROOT_SLOT_CSPACE, slot, RIGHT_ALL), "a capability");
    }
    must(captable_copy(table, SLOT_DONE, ROOT_SLOT_CSPACE, done, RIGHT_ALL), "a notification");
    must(captable_copy(table, SLOT_BATCH, ROOT_SLOT_CSPACE, batch.frame, RIGHT_ALL), "the batch");
    must(captable_move(table, SLOT_ARENA, ROOT_SLOT_CSPACE, untyped_of(info, ARENA_BITS)),
         "memory");
    must(captable_move(table, SLOT_LARGE, ROOT_SLOT_CSPACE, untyped_of(info, LARGE_BITS)),
         "memory");
    return table;
}

static void thread_start(struct rt_thread *thread, const struct rt_thread_config *config)
{
    must(rt_thread_new(thread, config), "a thread");
    must(rt_thread_start(thread), "starting a thread");
}

static void entry_of(const char *code, struct rt_thread_config *config)
{
    config->entry = (void (*)(uint64_t))(uintptr_t)code;
}

void driver_run(const struct root_info *info, void (*what)(void))
{
    work = what;
    must(rt_map_new(BATCH_PAGES, READ_WRITE, &batch), "memory for batches");
    cap_t table = table_new(info);
    struct rt_thread_config config = { .priority = PRIORITY_IDLE, .cspace = table };
    entry_of(crowd_idle, &config);
    thread_start(&idle, &config);
    thread_start(&driver, &(struct rt_thread_config){ .entry = driver_main,
                                                      .priority = PRIORITY_DRIVER,
                                                      .ceiling = PRIORITY_MOST,
                                                      .cspace = table,
                                                      .stack_pages = DRIVER_STACK });
    cap_t never = 0;
    must(rt_object_new(KIND_NOTIFICATION, NOTIFICATION_BITS, &never), "a notification");
    must(notification_wait(never).status, "waiting");
}
