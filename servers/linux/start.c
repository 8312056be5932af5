// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a container begins with: its files, its terminal, its first process.
#include "start.h"

#include "call.h"
#include "clock.h"
#include "clone.h"
#include "command.h"
#include "console.h"
#include "cpio.h"
#include "cpu.h"
#include "exec.h"
#include "heap.h"
#include "mount.h"
#include "object.h"
#include "page.h"
#include "trace.h"

#include <proto/system_client.h>
#include <rt/panic.h>
#include <rt/string.h>

#define NO_ROOT 125u  // the status of what cannot begin

struct process *start_program;

static struct command command;
static char path[PATH_MAX_BYTES];

// ---- files -------------------------------------------------------------------------------------
static const void *module_at(const char *name, uint64_t *bytes)
{
    const struct component_grant *grant = component_grant(GRANT_MODULE, name);
    for (unsigned i = 0; grant && grant->slot && i < page_bank_count; i++) {
        if (page_banks[i].frame == grant->slot) {
            *bytes = grant->bytes;
            return page_here(page_banks[i].first);
        }
    }
    return NULL;
}

// False: the root image is damaged, and outside it was said how.
static bool files_make(void)
{
    uint64_t bytes = 0;
    const void *archive = module_at("root", &bytes);
    if (!vfs_init()) {
        rt_panic("no memory for files");
    }
    struct place root = { mount_root, mount_root->root };
    const char *wrong = archive ? cpio_unpack(archive, bytes, root) : "there is none";
    if (wrong) {
        console_say("pith: the root image: %s\n", wrong);
        return false;
    }
    if (!vfs_populate()) {
        rt_panic("no memory for files");
    }
    return true;
}

// ---- the first process -------------------------------------------------------------------------
static const struct limit limits[LIMITS] = {
    { UINT64_MAX, UINT64_MAX },  // CPU
    { UINT64_MAX, UINT64_MAX },  // FSIZE
    { UINT64_MAX, UINT64_MAX },  // DATA
    { 8ull << 20, UINT64_MAX },  // STACK
    { 0, UINT64_MAX },           // CORE
    { UINT64_MAX, UINT64_MAX },  // RSS
    { 16384, 16384 },            // NPROC
    { 1024, 1048576 },           // NOFILE
    { 8ull << 20, 8ull << 20 },  // MEMLOCK
    { UINT64_MAX, UINT64_MAX },  // AS
    { UINT64_MAX, UINT64_MAX },  // LOCKS
    { 16384, 16384 },            // SIGPENDING
    { 819200, 819200 },          // MSGQUEUE
    { 0, 0 },                    // NICE
    { 0, 0 },                    // RTPRIO
    { UINT64_MAX, UINT64_MAX },  // RTTIME
};

#define CAPABILITIES ((1ull << 41) - 1)

static struct task *first_task(void)
{
    struct task *task = task_new(start_program);
    if (!task) {
        rt_panic("no memory for the first task");
    }
    process_put(start_program);
    task->files = files_new();
    task->signals.handlers = handlers_new();
    task->placement = heap_alloc(sizeof(*task->placement));
    if (!task->files || !task->signals.handlers || !task->placement) {
        rt_panic("no memory for the first task");
    }
    struct place root = { mount_root, mount_root->root };
    *task->placement = (struct placement){ .refs = 1, .umask = 022, .root = root, .work = root };
    place_get(root);
    place_get(root);
    task->credentials.permitted = task->credentials.effective = CAPABILITIES;
    task->credentials.bounding = CAPABILITIES;
    return task;
}

static void processes_make(void)
{
    process_init = process_new(NULL);
    start_program = process_init ? process_new(process_init) : NULL;
    if (!start_program) {
        rt_panic("no memory for the first process");
    }
    process_init->group = process_init->session = process_init->pid;
    start_program->group = start_program->session = start_program->pid;
    start_program->exit_signal = SIGCHLD;
    memcpy(start_program->limits, limits, sizeof(limits));
}

static unsigned strings_list(const char **to, const char *first, unsigned count)
{
    for (unsigned i = 0; i < count; i++, first = command_next(first)) {
        to[i] = first;
    }
    return count;
}

static int64_t program_exec(struct task *task)
{
    const char **strings = heap_alloc(((uint64_t)command.arguments + command.environment + 2) *
                                      sizeof(*strings));
    int64_t error = -ENOENT, best = -ENOENT;
    if (!strings) {
        return -ENOMEM;
    }
    unsigned count = strings_list(strings, command.first_argument, command.arguments);
    strings_list(strings + count, command.first_environment, command.environment);
    struct exec_strings what = { strings, count, strings + count, command.environment };
    for (unsigned i = 0; error && command_path(&command, i, path, sizeof(path)); i++) {
        error = path[0] ? exec_first(task, path, &what) : -ENOENT;
        best = error == -ENOENT ? best : error;
    }
    heap_free(strings);
    return error ? best : 0;
}

static void directory_enter(struct task *task)
{
    struct path_result found;
    if (path_find(task, AT_FDCWD, command.directory, PATH_FOLLOW | PATH_DIRECTORY, &found) == 0) {
        place_put(task->placement->work);
        task->placement->work = found.at;
    }
}

// Whatever fails in telling it ends the server for good.
static void panicked(void)
{
    rt_panic_end_set(NULL);
    console_panicked();
}

void start(void)
{
    uint64_t bytes = 0;
    console_open();
    rt_panic_end_set(panicked);
    cpu_init();
    const void *module = module_at("command", &bytes);
    if (!module || !command_read(&command, module, bytes)) {
        rt_panic("the boot image has no command to run");
    }
    if (!files_make()) {
        start_ended(NO_ROOT << 8);
        return;
    }
    trace_calls = command.options & COMMAND_STRACE;
    clock_set_real(command.seconds, 0);
    processes_make();
    struct task *task = first_task();
    console_start(task, &command);
    directory_enter(task);
    int64_t error = program_exec(task);
    if (error) {
        console_say("pith: cannot run %s: %s\n", command.first_argument, call_error_name(error));
        start_ended((error == -ENOENT ? 127u : 126u) << 8);
        return;
    }
    cpu_ready(task);
}

void start_ended(uint32_t status)
{
    const struct component_grant *system = component_grant(GRANT_CALL, "system");
    const struct system_power_args off = { 0 };
    status = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
    console_end(status);
    if (!system) {
        component_exit((int)status);
    }
    rt_panic("power: %u", system_power(system->slot, &off));
}

void start_notified(uint64_t bits)
{
    console_notified(bits);
}
