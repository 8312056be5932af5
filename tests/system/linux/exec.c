// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Starting programs: static ELF files, and the stack as the System V ABI for x86-64 (3.4.1) has it.
#include "linux.h"

#include <rt/elf.h>

#define STACK_TOP (GUEST_TOP - PAGE_SIZE)

#define AUX_PHDR   3u
#define AUX_PHENT  4u
#define AUX_PHNUM  5u
#define AUX_PAGESZ 6u
#define AUX_ENTRY  9u
#define AUX_SECURE 23u
#define AUX_RANDOM 25u
#define AUX_EXECFN 31u

void string_add(struct strings *strings, const char *text)
{
    uint64_t bytes = strlen(text) + 1;
    if (strings->used + bytes > sizeof(strings->text) || strings->count == 128)
        rt_panic("too many arguments");
    strings->at[strings->count++] = strings->used;
    memcpy(strings->text + strings->used, text, bytes);
    strings->used += (unsigned)bytes;
}

static bool header_valid(const struct program *program)
{
    const struct elf_header *header = (const void *)program->data;
    return program->bytes > PAGE_SIZE && header->magic == ELF_MAGIC &&
           header->type == ELF_TYPE_EXEC && header->machine == ELF_MACHINE_X86 &&
           header->program_offset == sizeof(*header) && header->program_count <= 32;
}

static void segments_set(struct process *process, const struct elf_header *header)
{
    const struct elf_program *segment = (const void *)(header + 1);
    for (unsigned i = 0; i < header->program_count; i++, segment++) {
        if (segment->type != ELF_PROGRAM_LOAD)
            continue;
        uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1);
        uint64_t end = segment->vaddr + segment->memory_size;
        uint64_t pages = (end - start + PAGE_SIZE - 1) >> PAGE_BITS;
        if (end > GUEST_TOP / 2)
            rt_panic("%s does not fit", process->program->name);
        memory_set(process, start, pages,
                   (segment->flags & ELF_SEGMENT_READ ? PROT_READ : 0) |
                       (segment->flags & ELF_SEGMENT_WRITE ? PROT_WRITE : 0) |
                       (segment->flags & ELF_SEGMENT_EXECUTE ? PROT_EXECUTE : 0) | PAGE_FILE);
        process->brk_start = process->brk = start + (pages << PAGE_BITS);
    }
}

// Strings, then from the returned stack pointer upwards: argc, argv, envp, auxiliary vector.
static uint64_t stack_make(struct process *process, const struct elf_header *header,
                           const struct strings *strings)
{
    static uint64_t words[128 + 32];
    static const char random[16] = "not very random";
    uint64_t text = (STACK_TOP - strings->used) & ~15ull, count = 0;
    words[count++] = strings->argc;
    for (unsigned i = 0; i < strings->count; i++) {
        if (i == strings->argc)
            words[count++] = 0;
        words[count++] = text + strings->at[i];
    }
    words[count++] = 0;
    uint64_t phdr = 0x400000 + header->program_offset;
    const uint64_t aux[] = { AUX_PHDR,   phdr,
                             AUX_PHENT,  header->program_size,
                             AUX_PHNUM,  header->program_count,
                             AUX_PAGESZ, PAGE_SIZE,
                             AUX_ENTRY,  header->entry,
                             AUX_SECURE, 0,
                             AUX_RANDOM, text - sizeof(random),
                             AUX_EXECFN, words[1],
                             0,          0 };
    memcpy(words + count, aux, sizeof(aux));
    count += sizeof(aux) / sizeof(aux[0]);
    uint64_t sp = (text - sizeof(random) - count * sizeof(words[0])) & ~15ull;
    if (!user_write(process, text, strings->text, strings->used) ||
        !user_write(process, text - sizeof(random), random, sizeof(random)) ||
        !user_write(process, sp, words, count * sizeof(words[0])))
        rt_panic("no stack");
    return sp;
}

// Handlers are gone with the program that had them; what is ignored stays so.
static void actions_reset(struct process *process)
{
    for (unsigned i = 1; i <= SIGNALS; i++)
        if (process->actions[i].handler > 1)
            process->actions[i] = (struct action){ 0 };
}

static void vector_reset(struct process *process)
{
    const uint32_t mxcsr = 0x1f80;
    char *state = (char *)shared.base + vector_at;
    memset(state, 0, vector_bytes);
    memcpy(state + 24, &mxcsr, sizeof(mxcsr));
    must(thread_write_vector(process->thread, shared.frame, vector_at), "fresh vector state");
}

bool exec_load(struct process *process, const struct program *program,
               const struct strings *strings)
{
    const struct elf_header *header = (const void *)program->data;
    if (!header_valid(program))
        return false;
    process->program = program;
    memory_clear(process, PAGE_SIZE, GUEST_PAGES - 1);
    segments_set(process, header);
    memory_set(process, STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES, PROT_READ | PROT_WRITE);
    actions_reset(process);
    vector_reset(process);
    files_close(process, process->close_on_exec);
    process->frame->regs = (struct thread_regs){ .rip = header->entry,
                                                 .rsp = stack_make(process, header, strings) };
    process->load = true;
    return true;
}

static bool strings_read(struct process *process, struct strings *strings, uint64_t from)
{
    static char text[4096];
    for (;; from += sizeof(uint64_t)) {
        uint64_t at = 0;
        if (!from || !user_read(process, &at, from, sizeof(at)))
            return false;
        if (!at)
            return true;
        if (user_string(process, text, at, sizeof(text)) < 0)
            return false;
        string_add(strings, text);
    }
}

int64_t call_execve(struct process *process, const uint64_t *args)
{
    static struct strings strings;
    static char path[256];
    strings.count = strings.used = 0;
    if (user_string(process, path, args[0], sizeof(path)) < 0 ||
        !strings_read(process, &strings, args[1]))
        return -EFAULT;
    strings.argc = strings.count;
    if (!strings_read(process, &strings, args[2]))
        return -EFAULT;
    const struct program *program = program_find(process, path);
    if (!program)
        return -ENOENT;
    return exec_load(process, program, &strings) ? CALL_SILENT : -ENOEXEC;
}
