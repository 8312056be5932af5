// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The shortest complete program: a root task that says what machine it found and powers it off.
#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/start.h>

const char rt_task_name[] = "hello";

int main(const struct root_info *info)
{
    rt_print("Hello from Pith, interface %u.%u.\n", info->major, info->minor);
    rt_print("%u CPU%s, clock %lu kHz, %lu MiB of memory for use, %u module%s.\n", info->cpu_count,
             info->cpu_count == 1 ? "" : "s", info->clock_hz / 1000, rt_memory_available() >> 20,
             info->module_count, info->module_count == 1 ? "" : "s");
    return 0;
}
