// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who ends when memory does.  The one that touches the page may be anybody: the shell that waits
// for what has eaten it all.
#include "oom.h"

#include "space.h"
#include "start.h"

// Pages that come back with it, as far as they are its own.
static uint64_t size_of(const struct process *process)
{
    const struct task *any = CONTAINER(process->tasks.next, struct task, in_process);
    return list_empty(&process->tasks) || !any->space ? 0 : any->space->resident;
}

bool oom_kill(const struct task *task)
{
    struct process *largest = NULL;
    uint64_t size = task->process == start_program ? 0 : size_of(task->process);
    LIST_EACH(process, process_list(), struct process, all) {
        bool may = process != start_program && process != task->process && !process->ending;
        if (may && size_of(process) > size) {
            largest = process;
            size = size_of(process);
        }
    }
    if (largest) {
        process_exit(largest, SIGKILL);
    }
    return largest != NULL;
}
