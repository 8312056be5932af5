// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The benchmark program: a root task that runs every scenario once and powers off.  It measures
// nothing itself; bench/analyse.py watches it.
#include "scenarios.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/start.h>

const char rt_task_name[] = "bench";

static const struct scenario {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    { "null", scenario_null },
    { "ipc", scenario_ipc },
    { "send", scenario_send },
    { "signal", scenario_signal },
    { "yield", scenario_yield },
    { "irq", scenario_irq },
    { "fault", scenario_fault },
    { "guest system call", scenario_guest_syscall },
    { "guest fault", scenario_guest_fault },
    { "map", scenario_map },
    { "fork", scenario_fork },
    { "worst", scenario_worst },
};

int main(const struct root_info *info)
{
    (void)info;
    setup_init();
    for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        uint64_t before = rt_memory_objects();
        rt_print("bench: %s\n", scenarios[i].name);
        scenarios[i].run();
        if (rt_memory_objects() != before) {
            rt_panic("scenario '%s' leaves objects behind", scenarios[i].name);
        }
    }
    rt_print("bench: done\n");
    return 0;
}
