// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory of processes: pages of the arena, filled when first touched and copied when first written
// after a fork.
#include "linux.h"

#include <rt/elf.h>
#include <rt/memory.h>

#define ARENA_PAGES 4096u
#define PROT_GUEST  7u

static struct rt_mapping arena;
static unsigned users[ARENA_PAGES];  // how many processes have the page; page 0 is never used

void memory_init(void)
{
    must(rt_map_new(ARENA_PAGES, PROT_READ | PROT_WRITE, &arena), "arena");
}

static unsigned char *arena_page(unsigned page)
{
    return (unsigned char *)arena.base + ((uint64_t)page << PAGE_BITS);
}

static unsigned arena_take(void)
{
    static unsigned hint;
    for (unsigned i = 0; i < ARENA_PAGES; i++) {
        hint = hint % (ARENA_PAGES - 1) + 1;
        if (users[hint])
            continue;
        users[hint] = 1;
        return hint;
    }
    rt_panic("the arena is full");
}

// A page as the program file has it.
static void page_load(const struct program *program, uint64_t start, unsigned char *to)
{
    const struct elf_header *header = (const void *)program->data;
    const struct elf_program *segment = (const void *)(program->data + header->program_offset);
    for (unsigned i = 0; i < header->program_count; i++, segment++) {
        uint64_t first = segment->vaddr > start ? segment->vaddr : start;
        uint64_t end = segment->vaddr + segment->file_size;
        end = end < start + PAGE_SIZE ? end : start + PAGE_SIZE;
        if (segment->type == ELF_PROGRAM_LOAD && first < end)
            memcpy(to + (first - start), program->data + segment->offset + (first - segment->vaddr),
                   end - first);
    }
}

// The page of the arena for an access, filled or made private as needed; 0: not allowed.
static unsigned page_get(struct process *process, uint64_t index, unsigned access)
{
    if (index >= GUEST_PAGES || access & PROT_GUEST & ~(unsigned)process->prot[index])
        return 0;
    unsigned old = process->pages[index];
    if (old && !(access & PROT_WRITE && users[old] > 1))
        return old;
    unsigned page = arena_take();
    process->pages[index] = (uint16_t)page;
    if (old) {
        users[old]--;
        memcpy(arena_page(page), arena_page(old), PAGE_SIZE);
        return page;
    }
    memset(arena_page(page), 0, PAGE_SIZE);
    if (process->prot[index] & PAGE_FILE)
        page_load(process->program, index << PAGE_BITS, arena_page(page));
    return page;
}

bool memory_fault(struct process *process, uint64_t address, uint64_t access,
                  struct ipc_words *words)
{
    uint64_t index = address >> PAGE_BITS;
    unsigned page = page_get(process, index, (unsigned)access & PROT_GUEST);
    if (!page)
        return false;
    unsigned prot = process->prot[index] & PROT_GUEST;
    if (users[page] > 1)
        prot &= ~PROT_WRITE;
    *words = (struct ipc_words){ { 0, process->arena, index << PAGE_BITS, page | 1ull << 32,
                                   prot | PROT_READ | PROT_REPLACE } };
    return true;
}

// Where the handler finds an address of a process, up to the end of the page; NULL: not allowed.
static unsigned char *user_at(struct process *process, uint64_t address, unsigned access)
{
    uint64_t index = address >> PAGE_BITS;
    unsigned old = index < GUEST_PAGES ? process->pages[index] : 0;
    unsigned page = page_get(process, index, access);
    if (!page)
        return NULL;
    if (old && page != old)  // the process still sees the old one
        must(aspace_unmap(process->space.cap, index << PAGE_BITS, 1), "unmap a page");
    return arena_page(page) + address % PAGE_SIZE;
}

static bool user_copy(struct process *process, uint64_t user, void *own, uint64_t bytes,
                      unsigned access)
{
    while (bytes) {
        uint64_t count = PAGE_SIZE - user % PAGE_SIZE;
        count = count < bytes ? count : bytes;
        unsigned char *at = user_at(process, user, access);
        if (!at)
            return false;
        memcpy(access == PROT_WRITE ? at : own, access == PROT_WRITE ? own : at, count);
        user += count;
        own = (char *)own + count;
        bytes -= count;
    }
    return true;
}

bool user_read(struct process *process, void *to, uint64_t from, uint64_t bytes)
{
    return user_copy(process, from, to, bytes, PROT_READ);
}

bool user_write(struct process *process, uint64_t to, const void *from, uint64_t bytes)
{
    return user_copy(process, to, (void *)(uintptr_t)from, bytes, PROT_WRITE);
}

int64_t user_string(struct process *process, char *to, uint64_t from, uint64_t room)
{
    for (uint64_t i = 0; i < room; i++) {
        if (!user_read(process, &to[i], from + i, 1))
            return -1;
        if (!to[i])
            return (int64_t)i;
    }
    return -1;
}

void memory_set(struct process *process, uint64_t start, uint64_t pages, unsigned prot)
{
    memset(&process->prot[start >> PAGE_BITS], (int)(prot | PAGE_USED), pages);
}

void memory_clear(struct process *process, uint64_t start, uint64_t pages)
{
    if (!pages)
        return;
    must(aspace_unmap(process->space.cap, start, pages), "unmap");
    for (uint64_t index = start >> PAGE_BITS; pages--; index++) {
        users[process->pages[index]] -= process->pages[index] != 0;
        process->pages[index] = 0;
        process->prot[index] = 0;
    }
}

void memory_attach(struct process *process)
{
    must(rt_cap_copy(arena.frame, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, &process->arena),
         "derive the arena");
    must(frame_attach(process->arena, process->space.cap), "attach the arena");
}

void memory_fork(struct process *from, struct process *to)
{
    memcpy(to->prot, from->prot, sizeof(to->prot));
    memcpy(to->pages, from->pages, sizeof(to->pages));
    for (uint64_t index = 0; index < GUEST_PAGES; index++)
        users[to->pages[index]] += to->pages[index] != 0;
    struct ipc_words words = { { to->space.cap, PAGE_SIZE, GUEST_PAGES - 1, COPY_READ_ONLY } };
    for (;;) {
        uint64_t tag = TAG(OP_ADDRESS_SPACE_COPY, 4, 0);
        struct rt_status status = rt_invoke(from->space.cap, tag, &words);
        if (rt_error(status) != ERR_TABLES)
            return must(status, "copy for a fork");
        cap_t tables = 0;
        must(rt_objects_new(KIND_PAGETABLE, PAGE_BITS, words.word[0], &tables), "page tables");
        must(aspace_stock(to->space.cap, ROOT_SLOT_CSPACE, tables, words.word[0]), "stock");
        to->space.runs[to->space.run_count].first = (uint16_t)tables;
        to->space.runs[to->space.run_count++].count = (uint16_t)words.word[0];
        words = (struct ipc_words){ { to->space.cap, words.word[1], words.word[2],
                                      COPY_READ_ONLY } };
    }
}

// ---- system calls
static uint64_t page_up(uint64_t address)
{
    return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static bool range_valid(uint64_t start, uint64_t bytes)
{
    return start % PAGE_SIZE == 0 && start >= PAGE_SIZE && start < GUEST_TOP && bytes &&
           bytes <= GUEST_TOP - start;
}

int64_t call_brk(struct process *process, const uint64_t *args)
{
    uint64_t old = page_up(process->brk);
    if (args[0] < process->brk_start || args[0] > process->brk_start + (GUEST_TOP >> 2))
        return (int64_t)process->brk;
    uint64_t new = page_up(args[0]);
    if (new > old)
        memory_set(process, old, (new - old) >> PAGE_BITS, PROT_READ | PROT_WRITE);
    else
        memory_clear(process, new, (old - new) >> PAGE_BITS);
    process->brk = args[0];
    return (int64_t)process->brk;
}

// The highest free run of pages below the stack; 0: none.
static uint64_t find_free(const struct process *process, uint64_t pages)
{
    uint64_t run = 0;
    for (uint64_t index = GUEST_PAGES - 2 * STACK_PAGES; index > 1; index--) {
        run = process->prot[index] ? 0 : run + 1;
        if (run == pages)
            return index << PAGE_BITS;
    }
    return 0;
}

int64_t call_mmap(struct process *process, const uint64_t *args)
{
    const uint64_t fixed = 0x10, anonymous = 0x20, both = PROT_WRITE | PROT_EXECUTE;
    uint64_t bytes = page_up(args[1]);
    if (!(args[3] & anonymous) || (args[2] & both) == both)
        return -ENOSYS;
    uint64_t start = args[3] & fixed ? args[0] : find_free(process, bytes >> PAGE_BITS);
    if (!range_valid(start, bytes))
        return -ENOMEM;
    memory_clear(process, start, bytes >> PAGE_BITS);
    memory_set(process, start, bytes >> PAGE_BITS, (unsigned)args[2] & PROT_GUEST);
    return (int64_t)start;
}

int64_t call_munmap(struct process *process, const uint64_t *args)
{
    uint64_t bytes = page_up(args[1]);
    if (!range_valid(args[0], bytes))
        return -EINVAL;
    memory_clear(process, args[0], bytes >> PAGE_BITS);
    return 0;
}

int64_t call_mprotect(struct process *process, const uint64_t *args)
{
    uint64_t bytes = page_up(args[1]), prot = args[2] & PROT_GUEST;
    if (!range_valid(args[0], bytes))
        return -EINVAL;
    for (uint64_t index = args[0] >> PAGE_BITS; index < (args[0] + bytes) >> PAGE_BITS; index++) {
        if (!process->prot[index])
            return -ENOMEM;
        process->prot[index] = (uint8_t)((process->prot[index] & ~PROT_GUEST) | prot);
    }
    // Rights are taken away at once; new ones come with the next fault, by which sharing is known.
    if (prot & PROT_READ && !(prot & PROT_WRITE))
        must(aspace_protect(process->space.cap, args[0], bytes >> PAGE_BITS, prot), "protect");
    else
        must(aspace_unmap(process->space.cap, args[0], bytes >> PAGE_BITS), "unmap");
    return 0;
}
