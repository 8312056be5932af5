// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Start and end of the root task.
#include "start.h"

#include "clock.h"
#include "exit.h"
#include "memory.h"
#include "panic.h"
#include "serial.h"
#include "slots.h"
#include "tls.h"

#include <gen/rt_stubs.h>

static void power_off_panicked(void)
{
    rt_ignore(power_control_off(ROOT_SLOT_POWER_CONTROL, RT_PANIC_STATUS));
}

static void power_off(int status)
{
    rt_ignore(power_control_off(ROOT_SLOT_POWER_CONTROL, (uint64_t)status & 63));
    rt_panic("the power does not go off");
}

// Without it the debug calls of a debug kernel are the way out, as they are by default.
static void serial_begin(void)
{
    cap_t slot = rt_slot_alloc();
    if (!rt_ok(rt_serial_init(ROOT_SLOT_IO_CONTROL, ROOT_SLOT_CSPACE, slot))) {
        rt_slots_free(slot, 1);
    }
}

__attribute__((noreturn)) void rt_start_root(const struct root_info *info)
{
    RT_TLS_BEGIN((struct message_buffer *)ROOT_BUFFER_VADDR);
    rt_panic_end_set(power_off_panicked);
    rt_exit_set(power_off);
    if (info->magic != ROOT_INFO_MAGIC || info->major != ROOT_INFO_MAJOR) {
        rt_panic("root information of version %u.%u, not %u.%u", info->major, info->minor,
                 ROOT_INFO_MAJOR, ROOT_INFO_MINOR);
    }
    rt_slots_init(info->free_slot, ROOT_CSPACE_SLOTS);
    rt_memory_init(info);
    serial_begin();
    rt_clock_init(info->clock_hz, info->boot_clock);
    rt_exit(main(info));
}
