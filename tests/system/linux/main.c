// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The root task: runs commands one after the other and serves the traps of their processes.
#include "linux.h"

#include <rt/memory.h>
#include <rt/print.h>

#define SHARED_PAGES  4u
#define ARENA_PAGES   4096u
#define ENDPOINT_BITS 6
#define OUTSIDE       UINT64_MAX  // parent of what is started here

const char rt_task_name[] = "linux";
struct rt_mapping shared;
uint64_t vector_at = PROCESSES * GUEST_FRAME_BYTES, vector_bytes;
struct process *current;

static cap_t endpoint;
static struct program programs[] = { { .name = "busybox" },
                                     { .name = "sigvec" },
                                     { .name = "commands" } };
#define LIST 2u  // of the commands: for each its exit status, its arguments, an empty line

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status))
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
}

const struct program *program_find(const struct process *p, const char *path)
{
    if (strcmp(path, "/proc/self/exe") == 0)
        return p->program;
    if (strncmp(path, "/bin/", 5) == 0)
        path += 5;
    for (unsigned i = 0; i < COUNT(programs); i++)
        if (strcmp(programs[i].name, path) == 0)
            return &programs[i];
    return NULL;
}

// ---- answers: one is held back to go out with the next receive
static struct {
    struct process *process;  // NULL: none
    uint64_t tag;
    struct ipc_words words;
} next;

// Send it.  A mapping that is refused for want of page tables is made apart, with these put in.
static struct ipc_result answer_send(bool receive, struct ipc_words *words)
{
    struct process *p = next.process;
    const uint64_t *map = next.words.word;
    for (;;) {
        *words = next.words;
        struct ipc_result result = { .tag = 0 };
        if (receive)
            result = ipc_reply_recv(endpoint, next.tag, p->thread, words);
        else
            result.status = ipc_reply(p->thread, next.tag, words);
        if (rt_error(result.status) != ERR_TABLES) {
            must(result.status, "answer");
            next.process = NULL;
            return result;
        }
        must(rt_space_map(&p->space, map[1], map[2], map[3] & UINT32_MAX, map[3] >> 32,
                          (unsigned)map[4]),
             "map");
        next.tag = TAG(0, 0, 0);
    }
}

static void answer(struct process *p, uint64_t tag, struct ipc_words words)
{
    struct ipc_words unused;
    if (next.process)
        (void)answer_send(false, &unused).status;
    next.process = p;
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

// ---- traps
#undef ERROR
#undef SIGNAL
#undef CALL
#undef CONSTANT
#define ERROR(number, name)
#define SIGNAL(number, name)
#define CALL(number, name)           \
 case number: return call_##name(p); \
     #define CONSTANT(number, error) \
 case number: return -error;

static int64_t call_dispatch(struct process *p)
{
    switch (p->number) {
#include "linux.def"
    default: rt_print("linux: no system call %u\n", p->number); return -ENOSYS;
    }
}

static void call_try(struct process *p)
{
    current = p;
    p->state = PROCESS_LIVE;
    int64_t result = call_dispatch(p);
    if (result == CALL_WAITS && signal_next(p))
        result = signal_interrupt(p);
    if (result == CALL_WAITS)
        p->state = PROCESS_WAITS;
    else if (p->state == PROCESS_LIVE)
        result_give(p, result);
}

// A signal that cannot wait.
static void exception(struct process *p, unsigned signal)
{
    if (p->blocked & SIGNAL_BIT(signal))
        p->actions[signal] = (struct action){ 0 };
    p->blocked &= ~SIGNAL_BIT(signal);
    p->pending |= SIGNAL_BIT(signal);
    result_give(p, CALL_SILENT);
}

static void trap(struct process *p, uint64_t label, const uint64_t *words)
{
    struct ipc_words mapping;
    current = p;
    if (label >> 32 == GUEST_SYSCALL) {
        p->number = (uint32_t)label;
        memcpy(p->args, words, sizeof(p->args));
        call_try(p);
    } else if (label == FAULT_PAGE && memory_fault(p, words, &mapping)) {
        answer(p, TAG(GUEST_MAP, 5, 0), mapping);
    } else if (label == FAULT_PAGE) {
        p->fault_address = words[0];
        exception(p, SIGSEGV);
    } else if (label == FAULT_EXCEPTION) {
        exception(p, words[0] == 0 ? SIGFPE : words[0] == 6 ? SIGILL : SIGSEGV);
    } else {
        result_give(p, CALL_SILENT);  // a kick, for a signal
    }
}

// Try the system calls that wait until none of them comes further.
static void waiting_retry(void)
{
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (processes[i].state != PROCESS_WAITS)
            continue;
        call_try(&processes[i]);
        if (processes[i].state != PROCESS_WAITS)
            i = UINT32_MAX;  // from the first one
    }
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
        struct ipc_result message = next.process ? answer_send(true, &words)
                                                 : ipc_recv(endpoint, 0, &words);
        must(message.status, "receive");
        trap(&processes[message.badge - 1], tag_label(message.tag), words.word);
        waiting_retry();
        current = NULL;
    }
    if (anybody(PROCESS_WAITS))
        rt_panic("all processes wait");
}

// ---- commands
// The next line of the list of commands; empty at its end.
static const char *line_next(void)
{
    static uint64_t at;
    static char line[256];
    uint64_t length = 0;
    const struct program *list = &programs[LIST];
    for (; at < list->bytes && list->data[at] != '\n' && length < sizeof(line) - 1; at++)
        line[length++] = (char)list->data[at];
    at++;
    line[length] = 0;
    return line;
}

// Run one command, of which the lines that follow are the arguments; its exit status as in a shell.
static unsigned run(void)
{
    static struct strings strings;
    strings.count = strings.used = 0;
    for (const char *line = line_next(); *line; line = line_next())
        string_add(&strings, line);
    strings.argc = strings.count;
    string_add(&strings, "PATH=/bin");
    string_add(&strings, "PWD=/");
    struct process *p = process_new(OUTSIDE);
    const struct program *program = program_find(p, strings.text);
    files_open_console(p);
    if (!program || !program_load(p, program, &strings))
        rt_panic("%s is no program", strings.text);
    process_start(p);
    serve();
    for (unsigned i = 0; i < PROCESSES; i++)
        processes[i].state = PROCESS_FREE;
    return p->status & 0x7f ? 128 + (p->status & 0x7f) : p->status >> 8;
}

static void prepare(const struct root_info *info)
{
    must(rt_map_new(SHARED_PAGES, PROT_READ | PROT_WRITE, &shared), "shared memory");
    must(rt_map_new(ARENA_PAGES, PROT_READ | PROT_WRITE, &arena), "arena");
    must(rt_object_new(KIND_ENDPOINT, ENDPOINT_BITS, &endpoint), "endpoint");
    vector_bytes = info->vector_bytes;
    if (vector_at + vector_bytes > SHARED_PAGES * PAGE_SIZE)
        rt_panic("vector state of %lu bytes", vector_bytes);
    for (unsigned i = 0; i < PROCESSES; i++)
        must(rt_cap_mint(endpoint, RIGHT_SEND, i + 1, &processes[i].fault), "badge");
    for (unsigned i = 0; i < COUNT(programs); i++) {
        struct rt_mapping file;
        must(rt_module_map(info, programs[i].name, &file, &programs[i].bytes), programs[i].name);
        programs[i].data = file.base;
    }
}

int main(const struct root_info *info)
{
    int wrong = 0;
    prepare(info);
    uint64_t objects = rt_memory_objects();
    for (const char *line = line_next(); *line; line = line_next()) {
        unsigned wanted = 0;
        for (; *line; line++)
            wanted = wanted * 10 + (unsigned)(*line - '0');
        unsigned status = run();
        rt_print("exit status %u\n", status);
        wrong |= status != wanted;
        if (rt_memory_objects() != objects)
            rt_panic("the command left objects behind");
    }
    return wrong;
}
