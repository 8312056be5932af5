// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The root task: runs commands one after the other and serves the traps of their processes.
#include "linux.h"

#include <rt/memory.h>

const char rt_task_name[] = "linux";

#define SHARED_PAGES 4u

struct rt_mapping shared;
uint64_t vector_at = PROCESSES * GUEST_FRAME_BYTES, vector_bytes;
struct process *current;

static cap_t endpoint;
static struct program programs[] = { { .name = "busybox" }, { .name = "sigvec" } };
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const struct command {
    const char *arguments[5];
    unsigned status;
} commands[] = {
    { { "busybox", "echo", "hello" }, 0 },
    { { "busybox", "false" }, 1 },
    { { "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; done" }, 0 },
    { { "busybox", "sh", "-c", "echo one two | busybox wc -w" }, 0 },
    { { "busybox", "sh", "-c",
        "busybox seq 1 3000 | busybox sort -n -r | busybox head -n 2; (exit 5); echo $?" },
      0 },
    { { "busybox", "sh", "-c", "x=$(busybox echo sub); echo $x; exit 3" }, 3 },
    { { "busybox", "sh", "-c",
        "trap 'echo trapped' USR1; kill -USR1 $$; echo after; busybox yes | busybox head -n 1" },
      0 },
    { { "sigvec" }, 0 },
};

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status))
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
}

const struct program *program_find(const struct process *process, const char *path)
{
    if (strcmp(path, "/proc/self/exe") == 0)
        return process->program;
    if (strncmp(path, "/bin/", 5) == 0)
        path += 5;
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i].name, path) == 0)
            return &programs[i];
    return NULL;
}

// ---- answers: one is held back to go out with the next receive
static struct {
    struct process *process;
    uint64_t tag;
    struct ipc_words words;
} next;

// The answer's mapping was refused for want of page tables: map apart from it.
static void answer_map(void)
{
    const uint64_t *w = next.words.word;
    must(rt_space_map(&next.process->space, w[1], w[2], w[3] & UINT32_MAX, w[3] >> 32,
                      (unsigned)w[4]),
         "map");
    next.tag = TAG(0, 0, 0);
}

static void answer_flush(void)
{
    if (!next.process)
        return;
    struct rt_status status = ipc_reply(next.process->thread, next.tag, &next.words);
    if (rt_error(status) == ERR_TABLES) {
        answer_map();
        status = ipc_reply(next.process->thread, next.tag, &next.words);
    }
    must(status, "answer");
    next.process = NULL;
}

static void answer(struct process *process, uint64_t tag, const struct ipc_words *words)
{
    answer_flush();
    next.process = process;
    next.tag = tag;
    next.words = *words;
}

void process_answer(struct process *process, int64_t result)
{
    if (result != CALL_SILENT)
        process->frame->regs.rax = (uint64_t)result;
    if (!signals_deliver(process))
        return;
    struct ipc_words words = { { process->frame->regs.rax } };
    uint64_t label = process->load ? GUEST_LOAD : result != CALL_SILENT ? GUEST_RESULT : 0;
    answer(process, TAG(label, 1, 0), &words);
    process->load = false;
}

// ---- traps
static void call_try(struct process *process)
{
    current = process;
    process->state = PROCESS_LIVE;
    int64_t result = call_dispatch(process);
    if (result == CALL_WAITS && signal_next(process))
        result = signal_interrupt(process);
    if (result == CALL_WAITS)
        process->state = PROCESS_WAITS;
    else if (process->state == PROCESS_LIVE)
        process_answer(process, result);
    current = NULL;
}

static void waiting_retry(void)
{
    bool progress = true;
    while (progress) {
        progress = false;
        for (struct process *p = processes; p < processes + PROCESSES; p++) {
            if (p->state != PROCESS_WAITS)
                continue;
            call_try(p);
            progress |= p->state != PROCESS_WAITS;
        }
    }
}

static void trap_exception(struct process *process, unsigned signal)
{
    if (process->blocked & SIGNAL_BIT(signal))
        process->actions[signal].handler = 0;
    process->blocked &= ~SIGNAL_BIT(signal);
    signal_send(process, signal);
    process_answer(process, CALL_SILENT);
}

static void trap(struct process *process, uint64_t label, struct ipc_words *words)
{
    static const uint8_t signals[32] = {
        [0] = SIGFPE, [1] = SIGTRAP, [3] = SIGTRAP, [6] = SIGILL, [16] = SIGFPE, [19] = SIGFPE
    };
    current = process;
    if (label >> 32 == GUEST_SYSCALL) {
        process->number = (uint32_t)label;
        process->args = *words;
        call_try(process);
    } else if (label == FAULT_PAGE) {
        process->fault_address = words->word[0];
        if (memory_fault(process, words->word[0], words->word[1], words))
            answer(process, TAG(GUEST_MAP, 5, 0), words);
        else
            trap_exception(process, SIGSEGV);
    } else if (label == FAULT_EXCEPTION) {
        unsigned signal = signals[words->word[0] % 32];
        trap_exception(process, signal ? signal : SIGSEGV);
    } else {
        process_answer(process, CALL_SILENT);
    }
    current = NULL;
}

// Receive a trap, the answer held back going out first.
static struct ipc_result receive(struct ipc_words *words)
{
    if (!next.process)
        return ipc_recv(endpoint, 0, words);
    *words = next.words;
    struct ipc_result result = ipc_reply_recv(endpoint, next.tag, next.process->thread, words);
    if (rt_error(result.status) == ERR_TABLES) {
        answer_map();
        result = ipc_reply_recv(endpoint, next.tag, next.process->thread, words);
    }
    next.process = NULL;
    return result;
}

static bool anybody(enum process_state state)
{
    for (unsigned i = 0; i < PROCESSES; i++)
        if (processes[i].state == state)
            return true;
    return false;
}

static void serve(void)
{
    while (anybody(PROCESS_LIVE)) {
        struct ipc_words words;
        struct ipc_result message = receive(&words);
        must(message.status, "receive");
        trap(&processes[message.badge - 1], tag_label(message.tag), &words);
        waiting_retry();
    }
    if (anybody(PROCESS_WAITS))
        rt_panic("all processes wait");
}

// ---- commands
static unsigned run(const struct command *command)
{
    static struct strings strings;
    strings.count = strings.used = 0;
    for (unsigned i = 0; i < 5 && command->arguments[i]; i++)
        string_add(&strings, command->arguments[i]);
    strings.argc = strings.count;
    string_add(&strings, "PATH=/bin");
    struct process *process = process_new(1000);
    files_open_console(process);
    if (!exec_load(process, program_find(process, command->arguments[0]), &strings))
        rt_panic("%s is no program", command->arguments[0]);
    process->load = false;
    process_start(process);
    serve();
    process->state = PROCESS_FREE;
    return process->status;
}

static void prepare(const struct root_info *info)
{
    must(rt_map_new(SHARED_PAGES, PROT_READ | PROT_WRITE, &shared), "shared memory");
    vector_bytes = info->vector_bytes;
    if (vector_at + vector_bytes > SHARED_PAGES * PAGE_SIZE)
        rt_panic("vector state of %lu bytes", vector_bytes);
    must(rt_object_new(KIND_ENDPOINT, 6, &endpoint), "endpoint");
    for (unsigned i = 0; i < PROCESSES; i++)
        must(rt_cap_mint(endpoint, RIGHT_SEND, i + 1, &processes[i].fault), "badge");
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct rt_mapping file;
        must(rt_module_map(info, programs[i].name, &file, &programs[i].bytes), programs[i].name);
        programs[i].data = file.base;
    }
    memory_init();
}

int main(const struct root_info *info)
{
    unsigned wrong = 0;
    prepare(info);
    uint64_t objects = rt_memory_objects();
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        rt_print("command %u\n", i + 1);
        unsigned status = run(&commands[i]);
        rt_print("exit status %u\n", status & 0x7f ? 128 + (status & 0x7f) : status >> 8);
        wrong += status != commands[i].status << 8;
        wrong += rt_memory_objects() != objects;
    }
    return wrong ? 1 : 0;
}
