// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes: an address space, a guest thread on a context of its own, a guest frame; and what they
// begin with (System V ABI for x86-64, 3.4.1).
#include "linux.h"

#include <rt/elf.h>
#include <rt/memory.h>
#include <rt/print.h>

#define THREAD_BITS    12
#define GUEST_PRIORITY 100
#define TIME_SLICE     10000000ull  // clock ticks
#define STACK_TOP      (GUEST_TOP - PAGE_SIZE)

struct process processes[PROCESSES];

struct process *process_new(uint64_t parent)
{
    static uint64_t last_pid;
    const uint64_t rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    const uint64_t flags = THREAD_GUEST | THREAD_VECTOR | THREAD_FRAME_SYSCALLS;
    struct process *p = processes;
    while (p < processes + PROCESSES && p->state != PROCESS_FREE)
        p++;
    if (p == processes + PROCESSES)
        return NULL;
    uint64_t offset = (uint64_t)(p - processes) * GUEST_FRAME_BYTES;
    cap_t fault = p->fault;
    *p = (struct process){ .state = PROCESS_LIVE, .pid = ++last_pid, .parent = parent };
    p->fault = fault;
    p->frame = (struct guest_frame *)((uintptr_t)shared.base + offset);
    must(rt_space_new(&p->space), "address space");
    must(rt_cap_copy(arena.frame, rights, &p->arena), "derive the arena");
    must(frame_attach(p->arena, p->space.cap), "attach the arena");
    must(rt_object_new(KIND_THREAD, THREAD_BITS, &p->thread), "thread");
    must(thread_configure(p->thread, 0, p->space.cap, p->fault, 0, flags), "configure");
    must(thread_set_priority(p->thread, GUEST_PRIORITY, GUEST_PRIORITY), "priority");
    must(thread_set_buffer(p->thread, 1, shared.frame, offset), "guest frame");
    must(rt_context_new(TIME_SLICE, TIME_SLICE, &p->context), "context");
    must(sched_context_bind(p->context, p->thread, SCHED_OWN), "bind");
    return p;
}

void process_start(struct process *p)
{
    p->load = false;
    must(rt_thread_set_regs(p->thread, &p->frame->regs), "set registers");
    must(thread_resume(p->thread), "resume");
}

void process_exit(struct process *p, unsigned status)
{
    files_close(p, true);
    memory_clear(p, PAGE_SIZE, GUEST_PAGES - 1);
    rt_object_delete(p->thread);
    rt_object_delete(p->context);
    rt_space_delete(&p->space);
    rt_cap_delete(p->arena);
    p->status = status;
    p->state = PROCESS_ZOMBIE;
    for (struct process *parent = processes; parent < processes + PROCESSES; parent++)
        if (parent->pid == p->parent && parent->state != PROCESS_ZOMBIE)
            signal_send(parent, SIGCHLD);
}

// ---- programs
void string_add(struct strings *strings, const char *text)
{
    uint64_t bytes = strlen(text) + 1;
    if (strings->used + bytes > sizeof(strings->text))
        rt_panic("too many arguments");
    memcpy(strings->text + strings->used, text, bytes);
    strings->used += (unsigned)bytes;
    strings->count++;
}

static void segments_set(struct process *p, const struct elf_header *header)
{
    const struct elf_program *segment = (const void *)(header + 1);
    for (unsigned i = 0; i < header->program_count; i++, segment++) {
        uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1);
        uint64_t end = segment->vaddr + segment->memory_size;
        uint64_t pages = (end - start + PAGE_SIZE - 1) >> PAGE_BITS;
        if (segment->type != ELF_PROGRAM_LOAD || end > GUEST_TOP / 2)
            continue;
        unsigned prot = (segment->flags & ELF_SEGMENT_READ ? PROT_READ : 0) |
                        (segment->flags & ELF_SEGMENT_WRITE ? PROT_WRITE : 0) |
                        (segment->flags & ELF_SEGMENT_EXECUTE ? PROT_EXECUTE : 0);
        memory_set(p, start, pages, prot | PAGE_FILE);
        p->brk_start = p->brk = start + (pages << PAGE_BITS);
    }
}

// From the stack pointer upwards: argc, argv, envp, auxiliary vector; 16 random bytes; strings.
static uint64_t stack_make(struct process *p, const struct elf_header *header,
                           const struct strings *strings)
{
    static uint64_t words[256];
    static const char random[16] = "not very random";
    uint64_t text = (STACK_TOP - strings->used) & ~15ull, count = 0;
    // AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_RANDOM, AT_NULL
    const uint64_t aux[] = { 3,  0x400000 + header->program_offset,
                             4,  header->program_size,
                             5,  header->program_count,
                             6,  PAGE_SIZE,
                             25, text - sizeof(random),
                             0,  0 };
    words[count++] = strings->argc;
    for (unsigned i = 0, at = 0; i < strings->count && i < 128; i++) {
        if (i == strings->argc)
            words[count++] = 0;
        words[count++] = text + at;
        at += (unsigned)strlen(strings->text + at) + 1;
    }
    words[count++] = 0;
    memcpy(words + count, aux, sizeof(aux));
    count += sizeof(aux) / sizeof(aux[0]);
    uint64_t sp = (text - sizeof(random) - count * sizeof(words[0])) & ~15ull;
    if (!user_write(p, text, strings->text, strings->used) ||
        !user_write(p, text - sizeof(random), random, sizeof(random)) ||
        !user_write(p, sp, words, count * sizeof(words[0])))
        rt_panic("no stack");
    return sp;
}

static void vector_reset(struct process *p)
{
    char *state = (char *)shared.base + vector_at;
    memset(state, 0, vector_bytes);
    memcpy(state + 24, &(uint32_t){ 0x1f80 }, sizeof(uint32_t));  // MXCSR
    must(thread_write_vector(p->thread, shared.frame, vector_at), "fresh vector state");
}

bool program_load(struct process *p, const struct program *program, const struct strings *strings)
{
    const struct elf_header *header = (const void *)program->data;
    if (header->magic != ELF_MAGIC || header->type != ELF_TYPE_EXEC ||
        header->program_offset != sizeof(*header))
        return false;
    p->program = program;
    memory_clear(p, PAGE_SIZE, GUEST_PAGES - 1);
    segments_set(p, header);
    memory_set(p, STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES, PROT_READ | PROT_WRITE);
    for (unsigned i = 1; i <= SIGNALS; i++)
        if (p->actions[i].handler > 1)  // neither default nor ignored
            p->actions[i] = (struct action){ 0 };
    vector_reset(p);
    files_close(p, false);
    p->frame->regs = (struct thread_regs){ .rip = header->entry,
                                           .rsp = stack_make(p, header, strings) };
    p->load = true;
    return true;
}

// ---- system calls
static bool strings_read(struct process *p, struct strings *strings, uint64_t from)
{
    static char text[4096];
    uint64_t at = 0;
    for (; user_read(p, &at, from, sizeof(at)) && at; from += sizeof(at)) {
        if (!user_string(p, text, at, sizeof(text)))
            return false;
        string_add(strings, text);
    }
    return !at;
}

int64_t call_execve(struct process *p)
{
    static struct strings strings;
    char path[64];
    strings.count = strings.used = 0;
    if (!user_string(p, path, p->args[0], sizeof(path)) || !strings_read(p, &strings, p->args[1]))
        return -EFAULT;
    strings.argc = strings.count;
    const struct program *program = program_find(p, path);
    if (!strings_read(p, &strings, p->args[2]))
        return -EFAULT;
    if (!program)
        return -ENOENT;
    return program_load(p, program, &strings) ? CALL_SILENT : -ENOEXEC;
}

int64_t call_clone(struct process *p)
{
    const uint64_t thread = 0x10000, set_child = 0x1000000;
    struct process *child = p->args[0] & thread ? NULL : process_new(p->pid);
    if (!child)
        return -EAGAIN;
    memory_fork(p, child);
    files_fork(p, child);
    child->program = p->program;
    child->brk_start = p->brk_start;
    child->brk = p->brk;
    child->blocked = p->blocked;
    memcpy(child->actions, p->actions, sizeof(child->actions));
    child->frame->regs = p->frame->regs;
    child->frame->regs.rax = 0;
    if (p->args[1])
        child->frame->regs.rsp = p->args[1];
    if (p->args[0] & set_child && !user_write(child, p->args[3], &child->pid, sizeof(uint32_t)))
        return -EFAULT;
    must(thread_read_vector(p->thread, shared.frame, vector_at).status, "read vector state");
    must(thread_write_vector(child->thread, shared.frame, vector_at), "vector state of a child");
    process_start(child);
    return (int64_t)child->pid;
}

int64_t call_wait4(struct process *p)
{
    const uint64_t no_hang = 1;
    bool children = false;
    for (struct process *child = processes; child < processes + PROCESSES; child++) {
        bool wanted = (int32_t)p->args[0] <= 0 || child->pid == p->args[0];
        if (child->state == PROCESS_FREE || child->parent != p->pid || !wanted)
            continue;
        children = true;
        if (child->state != PROCESS_ZOMBIE)
            continue;
        if (p->args[1] && !user_write(p, p->args[1], &child->status, sizeof(child->status)))
            return -EFAULT;
        child->state = PROCESS_FREE;
        return (int64_t)child->pid;
    }
    if (!children)
        return -ECHILD;
    return p->args[2] & no_hang ? 0 : CALL_WAITS;
}

int64_t call_exit(struct process *p)
{
    process_exit(p, (unsigned)(p->args[0] & 0xff) << 8);
    return CALL_SILENT;
}

int64_t call_getpid(struct process *p)
{
    return (int64_t)p->pid;
}

int64_t call_getppid(struct process *p)
{
    return (int64_t)p->parent;
}

int64_t call_arch_prctl(struct process *p)
{
    const uint64_t set_fs = 0x1002;
    if (p->args[0] != set_fs)
        return -EINVAL;
    p->frame->regs.fs_base = p->args[1];
    p->load = true;
    return 0;
}

int64_t call_uname(struct process *p)
{
    static const char names[6][65] = { "Linux", "pith", "6.1.0", "#1", "x86_64", "" };
    return user_write(p, p->args[0], names, sizeof(names)) ? 0 : -EFAULT;
}
