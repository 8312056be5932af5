// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The guard test: user mode attacks the kernel.  tests/system/test_guard.py boots it.  Words of the
// command line: "test=TEXT" runs the checks whose names contain TEXT; "hammer" lets hostile guests
// run for some seconds; "panic" makes a debug kernel panic.
#include "groups.h"
#include "guest.h"

#include <rt/print.h>
#include <rt/start.h>

#define HAMMER_SECONDS 6u

const char rt_task_name[] = "guard";

static const struct check checks[] = {
    CHECK(flags_at_syscall),         CHECK(flags_at_exception),   CHECK(flags_of_natives),
    CHECK(step_over_syscall),        CHECK(step_over_shadow),     CHECK(step_native_syscalls),
    CHECK(step_through_loop),        CHECK(step_over_call),       CHECK(attacks_of_guests),
    CHECK(attacks_of_natives),       CHECK(bases_hostile),        CHECK(bases_of_kernel_unusable),
    CHECK(bases_survive_interrupts), CHECK(stack_hostile),        CHECK(garbage_in_write_regs),
    CHECK(garbage_in_frame),         CHECK(garbage_at_random),    CHECK(garbage_while_running),
    CHECK(syscall_at_end_of_space),  CHECK(kernel_memory_closed), CHECK(write_xor_execute),
    CHECK(text_and_data_faults),     CHECK(unaligned_allowed),    CHECK(vector_of_others_invisible),
    CHECK(vector_needs_attribute),   CHECK(vector_kept_in_turns), CHECK(vector_fresh_after_death),
};

int main(const struct root_info *info)
{
    if (check_word(info, "panic")) {
        if (!(info->features & ROOT_FEATURE_DEBUG)) {
            rt_print("this kernel has no debug calls\n");
        }
        rt_ignore(rt_syscall_raw(SYS_debug_panic, 0, 0, 0));
        return 0;
    }
    if (check_word(info, "hammer")) {
        hammer_run(HAMMER_SECONDS * info->clock_hz);
        return 0;
    }
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
