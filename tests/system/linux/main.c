// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The root task: runs commands one after the other and serves the traps of their processes.
#include "linux.h"

#include <rt/memory.h>

#define ARENA_PAGES  4096u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char rt_task_name[] = "linux";
struct rt_mapping shared;
uint64_t vector_at = (uint64_t)PROCESSES * GUEST_FRAME_BYTES, vector_bytes;

static cap_t endpoint;
static struct program programs[] = { { "busybox", NULL }, { "sigvec", NULL } };
static const struct command {
    unsigned status;
    const char *arguments[5];
} commands[] = {
#define COMMAND(status, ...) { status, { __VA_ARGS__ } },
#include "commands.def"
};

// The answer that goes out with the next receive.
static struct {
    cap_t thread;  // 0: none
    uint64_t tag;
    struct ipc_words words;
} next;

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status))
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
}

const struct program *program_find(const struct process *p, const char *path)
{
    if (strcmp(path, "/proc/self/exe") == 0)  // NOLINT: each command has a name
        return p->program;
    for (unsigned i = 0; i < COUNT(programs); i++)
        if (strcmp(programs[i].name, path) == 0)
            return &programs[i];
    return NULL;
}

static void answer(struct process *p, uint64_t tag, struct ipc_words words)
{
    if (next.thread)
        must(ipc_reply(next.thread, next.tag, &next.words), "answer");
    next.thread = p->thread;
    next.tag = tag;
    next.words = words;
}

// Let a stopped guest go on with a result; signals first, by which it may end.
static void result_give(struct process *p, int64_t result)
{
    if (result != CALL_SILENT)
        p->frame->regs.rax = (uint64_t)result;
    if (!signals_deliver(p))
        return;
    uint64_t label = p->load ? GUEST_LOAD : result != CALL_SILENT ? GUEST_RESULT : 0;
    p->load = false;
    answer(p, TAG(label, 1, 0), (struct ipc_words){ { p->frame->regs.rax } });
}

static int64_t call_dispatch(struct process *p)
{
#define LINUX_ENTRY(number, name)   [number] = call_##name,
#define LINUX_ANSWER(number, error) [number] = 1 + (error),
    static int64_t (*const calls[])(struct process *) = { LINUX_CALLS(LINUX_ENTRY) };
    static const uint8_t answers[] = { LINUX_CONSTANTS(LINUX_ANSWER) };
    if (p->number < COUNT(calls) && calls[p->number])
        return calls[p->number](p);
    if (p->number < COUNT(answers) && answers[p->number])
        return 1 - answers[p->number];
    rt_print("linux: no system call %u\n", p->number);
    return -ENOSYS;
}

static void call_try(struct process *p)
{
    p->state = PROCESS_LIVE;
    int64_t result = call_dispatch(p);
    if (result == CALL_WAITS && !signal_next(p))
        p->state = PROCESS_WAITS;
    else if (p->state == PROCESS_LIVE)
        result_give(p, result == CALL_WAITS ? -EINTR : result);
}

static void trap(struct process *p, uint64_t label, const uint64_t *words)
{
    struct ipc_words mapping;
    if (label >> 32 == GUEST_SYSCALL) {
        p->number = (uint32_t)label;
        memcpy(p->args, words, sizeof(p->args));
        return call_try(p);
    }
    if (label == FAULT_PAGE && memory_fault(p, words, &mapping))
        return answer(p, TAG(GUEST_MAP, 5, 0), mapping);
    if (label == FAULT_PAGE || label == FAULT_EXCEPTION) {
        uint64_t vector = label == FAULT_PAGE ? 14 : words[0];
        unsigned signal = vector == 0 ? SIGFPE : vector == 6 ? SIGILL : SIGSEGV;
        p->fault_address = label == FAULT_PAGE ? words[0] : words[2];
        if (p->blocked & SIGNAL_BIT(signal))  // it cannot wait
            p->actions[signal] = (struct action){ 0 };
        p->blocked &= ~SIGNAL_BIT(signal);
        p->pending |= SIGNAL_BIT(signal);
    }
    result_give(p, CALL_SILENT);
}

// Run a command to the end of all its processes; its exit status as in a shell.
static unsigned run(const struct command *command)
{
    static struct stack stack;
    stack = (struct stack){ .count = 1 };
    for (unsigned i = 0; i < COUNT(command->arguments) && command->arguments[i]; i++)
        stack_add(&stack, command->arguments[i]);
    stack.words[0] = stack.count - 1;
    stack.count++;
    stack_add(&stack, "PATH=/bin");
    stack_add(&stack, "PWD=/");
    stack.count++;
    struct process *p = process_new(NULL);
    for (unsigned fd = 0; fd < 3; fd++)
        p->files[fd].open = true;
    if (!program_load(p, program_find(p, command->arguments[0]), &stack))
        rt_panic("%s is no program", command->arguments[0]);
    p->load = false;
    must(rt_thread_set_regs(p->thread, &p->frame->regs), "registers");
    must(thread_resume(p->thread), "resume");
    for (unsigned live = 1; live;) {
        struct ipc_words words = next.words;
        struct ipc_result message = next.thread
                                        ? ipc_reply_recv(endpoint, next.tag, next.thread, &words)
                                        : ipc_recv(endpoint, 0, &words);
        must(message.status, "receive");
        next.thread = 0;
        trap(&processes[message.badge - 1], tag_label(message.tag), words.word);
        live = 0;
        // Try what waits, each at least once after any other came further.
        for (unsigned i = 0; i < PROCESSES * PROCESSES; i++) {
            if (processes[i % PROCESSES].state == PROCESS_WAITS)
                call_try(&processes[i % PROCESSES]);
            live += processes[i % PROCESSES].state == PROCESS_LIVE;
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        processes[i].state = PROCESS_FREE;
    return p->status & 0x7f ? 128 + (p->status & 0x7f) : p->status >> 8;
}

int main(const struct root_info *info)
{
    int wrong = 0;
    must(rt_map_new(ARENA_PAGES, PROT_READ | PROT_WRITE, &arena), "arena");
    must(rt_object_new(KIND_ENDPOINT, 6, &endpoint), "endpoint");
    vector_bytes = info->vector_bytes;
    must(rt_map_new((vector_at + vector_bytes) / PAGE_SIZE + 1, PROT_READ | PROT_WRITE, &shared),
         "shared memory");
    for (unsigned i = 0; i < PROCESSES; i++)
        must(rt_cap_mint(endpoint, RIGHT_SEND, i + 1, &processes[i].fault), "badge");
    for (unsigned i = 0; i < COUNT(programs); i++) {
        struct rt_mapping file;
        uint64_t bytes;
        must(rt_module_map(info, programs[i].name, &file, &bytes), programs[i].name);
        programs[i].data = file.base;
    }
    uint64_t objects = rt_memory_objects();
    for (unsigned i = 0; i < COUNT(commands); i++) {
        unsigned status = run(&commands[i]);
        rt_print("exit status %u\n", status);
        wrong |= status != commands[i].status || rt_memory_objects() != objects;
    }
    return wrong;
}
