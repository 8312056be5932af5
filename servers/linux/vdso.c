// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The vDSO's pages: one file for all spaces, which has the page of the clocks first and then the
// object that the build made of vdso/vdso.c.
#include "vdso.h"

#include "attribute.h"
#include "clock.h"
#include "clockpage.h"
#include "cpu.h"
#include "space.h"
#include "vdso/signal.h"

#include <rt/clock.h>
#include <rt/component.h>
#include <rt/elf.h>
#include <rt/string.h>

#define PAGES_MOST  4u
#define TABLE_REACH (2ull << 20)  // of a page table

extern const uint8_t vdso_image[];
extern const uint32_t vdso_image_bytes;

static uint32_t pages[PAGES_MOST];  // of the file

static uint32_t image_pages(void)
{
    return (uint32_t)(PAGE_UP(vdso_image_bytes) >> PAGE_BITS);
}

static uint32_t vdso_page(struct file *file, uint64_t index, bool write)
{
    (void)file;
    (void)write;
    uint32_t page = index < PAGES_MOST ? pages[index] : PAGE_NONE;
    if (page != PAGE_NONE) {
        page_get(page);
    }
    return page;
}

static bool pages_fill(void)
{
    for (uint32_t i = 0; i <= image_pages(); i++) {
        pages[i] = pages[i] ? pages[i] : page_alloc_zero();
        if (!pages[i]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < image_pages(); i++) {
        uint64_t from = (uint64_t)i << PAGE_BITS, rest = vdso_image_bytes - from;
        memcpy(page_here(pages[i + 1]), vdso_image + from, rest < PAGE_SIZE ? rest : PAGE_SIZE);
    }
    struct clock_page *clock = page_here(pages[0]);
    clock->hz = rt_clock_hz();
    clock->boot = component_info()->boot_clock;
    clock->cpus = cpu_number;
    clock_keep(clock);
    return true;
}

static struct file *vdso;  // made for the first program, and kept

static struct file *vdso_file(void)
{
    static const struct file_ops ops = { .page = vdso_page };
    if (!vdso && image_pages() < PAGES_MOST && pages_fill()) {
        vdso = file_new_unnamed(&ops, "vdso", 0555, O_RDONLY, NULL);
    }
    return vdso;
}

static int64_t piece_map(struct space *space, struct area area, uint64_t count)
{
    area.end = area.start + (count << PAGE_BITS);
    file_get(area.file);
    int64_t error = area_map(space, &area);
    if (error) {
        file_put(area.file);
    }
    return error;
}

// Somewhere above the stack, if it can be so that no page table more is needed.
static uint64_t place_choose(struct space *space, uint64_t bytes)
{
    uint64_t start = space->stack_start, end = (start | (TABLE_REACH - 1)) + 1;
    end = end < SPACE_END ? end : SPACE_END;
    if (end - start < bytes) {
        return area_place(space, 0, bytes);
    }
    uint64_t places = ((end - start - bytes) >> PAGE_BITS) + 1;
    return start + (rt_seed() % places << PAGE_BITS);
}

int64_t vdso_map(struct space *space, uint64_t *at)
{
    struct file *file = vdso_file();
    uint64_t start = place_choose(space, (1ull + image_pages()) << PAGE_BITS);
    if (!file || !start) {
        return -ENOMEM;
    }
    // A debugger may write to the object: what it changes is its process's own.
    struct area clock = {
        .start = start, .prot = PROT_READ, .prot_most = PROT_READ, .file = file, .name = "[vvar]"
    };
    struct area object = { .start = start + PAGE_SIZE,
                           .prot = PROT_READ | PROT_EXECUTE,
                           .prot_most = PROT_RIGHTS,
                           .file = file,
                           .first = 1,
                           .name = "[vdso]" };
    int64_t error = piece_map(space, clock, 1);
    error = error ? error : piece_map(space, object, image_pages());
    *at = space->vdso = object.start;
    return error;
}

// ---- signals -----------------------------------------------------------------------------------
// Where a function of the object is in a space whose first page of it is as it was mapped.
static user_t function_at(struct space *space, uint64_t function)
{
    const struct area *area = area_find(space, space->vdso);
    bool there = area && area->start == space->vdso && area->file == vdso && area->first == 1 &&
                 area->prot & PROT_EXECUTE && function < area->end - area->start;
    return there ? space->vdso + function : 0;
}

static uint64_t entry_point(void)
{
    uint64_t entry;
    __builtin_memcpy(&entry, vdso_image + offsetof(struct elf_header, entry), sizeof(entry));
    return entry;
}

user_t vdso_signal_enter(struct space *space)
{
    return function_at(space, entry_point());
}

user_t vdso_signal_return(struct space *space)
{
    return function_at(space, entry_point() + VDSO_SIGNAL_BYTES);
}
