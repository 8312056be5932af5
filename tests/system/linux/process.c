// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes: an address space, a guest thread on a context of its own, a guest frame; and what they
// begin with (System V ABI for x86-64, 3.4.1).
#include "linux.h"

#include <rt/elf.h>
#include <rt/memory.h>

#define GUEST_PRIORITY 100
#define TIME_SLICE     10000000ull  // clock ticks
#define TEXT_AT        (STACK_TOP - sizeof(((struct stack *)0)->text))

struct process processes[PROCESSES];

struct process *process_new(const struct process *parent)
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
    *p = parent ? *parent : (struct process){ 0 };
    p->state = PROCESS_LIVE;
    p->pid = ++last_pid;
    p->parent = parent ? parent->pid : 0;
    p->pending = 0;
    p->fault = fault;
    p->frame = (struct guest_frame *)((uintptr_t)shared.base + offset);
    must(rt_space_new(&p->space), "address space");
    must(rt_cap_copy(arena.frame, rights, &p->arena), "derive the arena");
    must(frame_attach(p->arena, p->space.cap), "attach the arena");
    must(rt_object_new(KIND_THREAD, PAGE_BITS, &p->thread), "thread");
    must(thread_configure(p->thread, 0, p->space.cap, p->fault, 0, flags), "configure");
    must(thread_set_priority(p->thread, GUEST_PRIORITY, GUEST_PRIORITY), "priority");
    must(thread_set_buffer(p->thread, 1, shared.frame, offset), "guest frame");
    must(rt_context_new(TIME_SLICE, TIME_SLICE, &p->context), "context");
    must(sched_context_bind(p->context, p->thread, SCHED_OWN), "bind");
    return p;
}

void process_exit(struct process *p, unsigned status)
{
    files_count(p, -1);
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

void stack_add(struct stack *stack, const char *text)
{
    uint64_t bytes = strlen(text) + 1;
    if (stack->used + bytes > sizeof(stack->text) || stack->count > 200)
        rt_panic("too many arguments");
    memcpy(stack->text + stack->used, text, bytes);
    stack->words[stack->count++] = TEXT_AT + stack->used;
    stack->used += bytes;
}

// Put the auxiliary vector behind the rest and copy it all; the stack pointer.
static uint64_t stack_write(struct process *p, const struct elf_header *header, struct stack *stack)
{
    // AT_PHDR, AT_PHNUM, AT_PAGESZ, AT_RANDOM (any 16 bytes), AT_NULL
    const uint64_t auxiliary[] = { 3,  0x400000 + header->program_offset,
                                   5,  header->program_count,
                                   6,  PAGE_SIZE,
                                   25, TEXT_AT,
                                   0,  0 };
    memcpy(stack->words + stack->count, auxiliary, sizeof(auxiliary));
    uint64_t bytes = stack->count * sizeof(stack->words[0]) + sizeof(auxiliary);
    uint64_t sp = (TEXT_AT - bytes) & ~15ull;
    if (!user_copy(p, TEXT_AT, stack->text, stack->used, PROT_WRITE) ||
        !user_copy(p, sp, stack->words, bytes, PROT_WRITE))
        rt_panic("no stack");
    return sp;
}

bool program_load(struct process *p, const struct program *program, struct stack *stack)
{
    const struct elf_header *header = (const void *)program->data;
    const struct elf_program *segment = (const void *)(program->data + header->program_offset);
    char *vector = (char *)shared.base + vector_at;
    if (header->magic != ELF_MAGIC || header->type != ELF_TYPE_EXEC)
        return false;
    p->program = program;
    memory_clear(p, PAGE_SIZE, GUEST_PAGES - 1);
    for (unsigned i = 0; i < header->program_count; i++, segment++) {
        uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1);
        uint64_t end = PAGE_UP(segment->vaddr + segment->memory_size);
        if (segment->type != ELF_PROGRAM_LOAD || end > GUEST_TOP / 2)
            continue;
        unsigned prot = (segment->flags & ELF_SEGMENT_WRITE ? PROT_WRITE : 0) |
                        (segment->flags & ELF_SEGMENT_EXECUTE ? PROT_EXECUTE : 0);
        memory_set(p, start, (end - start) >> PAGE_BITS, PROT_READ | prot | PAGE_FILE);
        p->brk = end;
    }
    memory_set(p, STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES, PROT_READ | PROT_WRITE);
    for (unsigned i = 1; i <= SIGNALS; i++)
        if (p->actions[i].handler > 1)  // neither default nor ignored
            p->actions[i] = (struct action){ 0 };
    memset(vector, 0, vector_bytes);
    memcpy(vector + 24, &(uint32_t){ 0x1f80 }, sizeof(uint32_t));  // MXCSR
    must(thread_write_vector(p->thread, shared.frame, vector_at), "fresh vector state");
    p->frame->regs = (struct thread_regs){ .rip = header->entry,
                                           .rsp = stack_write(p, header, stack) };
    p->load = true;
    return true;
}

static bool stack_add_list(struct process *p, struct stack *stack, uint64_t from)
{
    static char text[4096];
    uint64_t at = 0;
    for (; user_copy(p, from, &at, sizeof(at), PROT_READ) && at; from += sizeof(at)) {
        if (!user_string(p, text, at, sizeof(text)))
            return false;
        stack_add(stack, text);
    }
    stack->count++;
    return !at;
}

int64_t call_execve(struct process *p)
{
    static struct stack stack;
    char path[64];
    stack = (struct stack){ .count = 1 };
    if (!user_string(p, path, p->args[0], sizeof(path)) || !stack_add_list(p, &stack, p->args[1]))
        return -EFAULT;
    stack.words[0] = stack.count - 2;
    const struct program *program = program_find(p, path);
    if (!stack_add_list(p, &stack, p->args[2]))
        return -EFAULT;
    if (!program)
        return -ENOENT;
    return program_load(p, program, &stack) ? CALL_SILENT : -ENOEXEC;
}

int64_t call_clone(struct process *p)
{
    const uint64_t thread = 0x10000, set_child = 0x1000000;
    if (p->number == 58)  // vfork
        p->args[0] = p->args[1] = 0;
    struct process *child = p->args[0] & thread ? NULL : process_new(p);
    if (!child)
        return -EAGAIN;
    memory_fork(p, child);
    files_count(child, 1);
    child->frame->regs = p->frame->regs;
    child->frame->regs.rax = 0;
    child->frame->regs.rsp = p->args[1] ? p->args[1] : p->frame->regs.rsp;
    must(thread_read_vector(p->thread, shared.frame, vector_at).status, "read vector state");
    must(thread_write_vector(child->thread, shared.frame, vector_at), "vector state of a child");
    if (p->args[0] & set_child)
        (void)user_copy(child, p->args[3], &child->pid, sizeof(uint32_t), PROT_WRITE);
    must(rt_thread_set_regs(child->thread, &child->frame->regs), "registers of a child");
    must(thread_resume(child->thread), "resume a child");
    return (int64_t)child->pid;
}

int64_t call_wait4(struct process *p)
{
    bool children = false;
    for (struct process *child = processes; child < processes + PROCESSES; child++) {
        if (child->state == PROCESS_FREE || child->parent != p->pid ||
            ((int32_t)p->args[0] > 0 && child->pid != p->args[0]))
            continue;
        children = true;
        if (child->state != PROCESS_ZOMBIE)
            continue;
        if (p->args[1] &&
            !user_copy(p, p->args[1], &child->status, sizeof(child->status), PROT_WRITE))
            return -EFAULT;
        child->state = PROCESS_FREE;
        return (int64_t)child->pid;
    }
    return !children ? -ECHILD : p->args[2] & 1 ? 0 : CALL_WAITS;  // WNOHANG
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

int64_t call_arch_prctl(struct process *p)
{
    const uint64_t set_fs = 0x1002;
    if (p->args[0] != set_fs)
        return -EINVAL;
    p->frame->regs.fs_base = p->args[1];
    p->load = true;
    return 0;
}
