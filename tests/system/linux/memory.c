// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory: pages of the arena, filled when first touched, copied when first written after a fork.
#include "linux.h"

#include <rt/elf.h>
#include <rt/memory.h>

struct rt_mapping arena;
static unsigned users[1u << 16];  // how many processes have the page; page 0 is never used

static unsigned char *arena_page(unsigned page)
{
    return (unsigned char *)arena.base + ((uint64_t)page << PAGE_BITS);
}

static unsigned arena_take(void)
{
    for (unsigned page = 1; page < arena.pages; page++) {
        if (users[page])
            continue;
        users[page] = 1;
        memset(arena_page(page), 0, PAGE_SIZE);
        return page;
    }
    rt_panic("the arena is full");
}

// What the program has in the page at `start`.
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
static unsigned page_get(struct process *p, uint64_t index, unsigned access)
{
    if (index >= GUEST_PAGES || access & PROT_RIGHTS & ~(unsigned)p->prot[index])
        return 0;
    unsigned old = p->pages[index];
    if (old && !(access & PROT_WRITE && users[old] > 1))
        return old;
    unsigned page = arena_take();
    p->pages[index] = (uint16_t)page;
    if (old) {
        users[old]--;
        memcpy(arena_page(page), arena_page(old), PAGE_SIZE);
    } else if (p->prot[index] & PAGE_FILE) {
        page_load(p->program, index << PAGE_BITS, arena_page(page));
    }
    return page;
}

static void tables_stock(struct rt_space *space, uint64_t count)
{
    cap_t tables = 0;
    must(rt_objects_new(KIND_PAGETABLE, PAGE_BITS, count, &tables), "page tables");
    must(aspace_stock(space->cap, ROOT_SLOT_CSPACE, tables, count), "stock");
    space->runs[space->run_count].first = (uint16_t)tables;
    space->runs[space->run_count++].count = (uint16_t)count;
}

bool memory_fault(struct process *p, const uint64_t *fault, struct ipc_words *mapping)
{
    uint64_t index = fault[0] >> PAGE_BITS;
    unsigned page = page_get(p, index, (unsigned)fault[1]);
    if (!page)
        return false;
    if (!(p->tables >> (index / 512) & 1))  // the first one comes with two of higher levels
        tables_stock(&p->space, p->tables ? 1 : 3);
    p->tables |= 1u << (index / 512);
    unsigned prot = p->prot[index] & PROT_RIGHTS & (users[page] > 1 ? ~PROT_WRITE : PROT_RIGHTS);
    *mapping = (struct ipc_words){ { 0, p->arena, index << PAGE_BITS, page | 1ull << 32,
                                     prot | PROT_READ | PROT_REPLACE } };
    return true;
}

bool user_copy(struct process *p, uint64_t user, void *own, uint64_t bytes, unsigned access)
{
    while (bytes) {
        uint64_t index = user >> PAGE_BITS, count = PAGE_SIZE - user % PAGE_SIZE;
        unsigned old = index < GUEST_PAGES ? p->pages[index] : 0;
        unsigned page = page_get(p, index, access);
        if (!page)
            return false;
        if (old && page != old)  // the process still sees the old one
            must(aspace_unmap(p->space.cap, index << PAGE_BITS, 1), "unmap a page");
        char *at = (char *)arena_page(page) + user % PAGE_SIZE;
        count = count < bytes ? count : bytes;
        memcpy(access == PROT_WRITE ? at : own, access == PROT_WRITE ? own : at, count);
        user += count;
        own = (char *)own + count;
        bytes -= count;
    }
    return true;
}

bool user_string(struct process *p, char *to, uint64_t from, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes && user_copy(p, from + i, &to[i], 1, PROT_READ); i++)
        if (!to[i])
            return true;
    return false;
}

void memory_set(struct process *p, uint64_t start, uint64_t pages, unsigned prot)
{
    memset(&p->prot[start >> PAGE_BITS], (int)(prot | PAGE_USED), pages);
}

void memory_clear(struct process *p, uint64_t start, uint64_t pages)
{
    must(aspace_unmap(p->space.cap, start, pages), "unmap");
    for (uint64_t index = start >> PAGE_BITS; pages--; index++) {
        users[p->pages[index]] -= p->pages[index] != 0;
        p->pages[index] = 0;
        p->prot[index] = 0;
    }
}

void memory_fork(const struct process *from, struct process *to)
{
    for (uint64_t index = 0; index < GUEST_PAGES; index++)
        users[to->pages[index]] += to->pages[index] != 0;
    for (;;) {
        struct aspace_copy_result copy = aspace_copy(from->space.cap, to->space.cap, PAGE_SIZE,
                                                     GUEST_PAGES - 1, COPY_READ_ONLY);
        if (rt_error(copy.status) != ERR_TABLES)
            return must(copy.status, "copy for a fork");
        tables_stock(&to->space, copy.missing);
    }
}

int64_t call_brk(struct process *p)
{
    uint64_t old = PAGE_UP(p->brk);
    if (p->args[0] <= p->brk || p->args[0] > GUEST_TOP / 2)
        return (int64_t)p->brk;  // none is given back
    p->brk = p->args[0];
    memory_set(p, old, (PAGE_UP(p->brk) - old) >> PAGE_BITS, PROT_READ | PROT_WRITE);
    return (int64_t)p->brk;
}

// Anonymous memory, in the highest free run of pages below the stack.
int64_t call_mmap(struct process *p)
{
    const uint64_t fixed = 0x10, anonymous = 0x20, both = PROT_WRITE | PROT_EXECUTE;
    uint64_t pages = PAGE_UP(p->args[1]) >> PAGE_BITS, index = GUEST_PAGES - 2 * STACK_PAGES;
    if ((p->args[3] & (fixed | anonymous)) != anonymous || (p->args[2] & both) == both)
        return -ENOSYS;
    for (uint64_t run = 0; index && run != pages; index--)
        run = p->prot[index - 1] ? 0 : run + 1;
    if (!index || !pages)
        return -ENOMEM;
    memory_set(p, index << PAGE_BITS, pages, (unsigned)p->args[2]);
    return (int64_t)(index << PAGE_BITS);
}

int64_t call_munmap(struct process *p)
{
    uint64_t start = p->args[0], pages = PAGE_UP(p->args[1]) >> PAGE_BITS;
    if (start % PAGE_SIZE || start < PAGE_SIZE || start >= GUEST_TOP || !pages ||
        pages > (GUEST_TOP - start) >> PAGE_BITS)
        return -EINVAL;
    memory_clear(p, start, pages);
    return 0;
}
