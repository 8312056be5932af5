// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The areas of a space: an array in order of address, none of which overlap.
#include "area.h"

#include "heap.h"
#include "inode.h"
#include "outside.h"
#include "space.h"

#include <rt/string.h>

#define POINTER    sizeof(uintptr_t)  // of what the array has
#define AREAS_MOST 65530u             // as vm.max_map_count in Linux

// The first area that ends above an address.
static unsigned position(const struct space *space, user_t address)
{
    unsigned low = 0, high = space->area_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (space->areas[middle]->end > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct area *area_find(struct space *space, user_t address)
{
    const struct area *found = space->found;
    if (!found || address < found->start || address >= found->end) {
        unsigned at = position(space, address);
        space->found = at < space->area_count ? space->areas[at] : NULL;
    }
    return space->found;
}

unsigned area_count(const struct space *space)
{
    return space->area_count;
}

struct area *area_at(const struct space *space, unsigned number)
{
    return number < space->area_count ? space->areas[number] : NULL;
}

// Room for two areas more, so that whatever follows cannot fail for want of it.
static bool room_make(struct space *space)
{
    unsigned room = space->area_room ? space->area_room * 2 : 16;
    if (space->area_count + 2 <= space->area_room) {
        return true;
    }
    struct area **areas = space->area_count < AREAS_MOST ? heap_alloc(room * POINTER) : NULL;
    if (!areas) {
        return false;
    }
    if (space->areas) {
        memcpy(areas, space->areas, space->area_count * POINTER);
    }
    heap_free(space->areas);
    space->areas = areas;
    space->area_room = room;
    return true;
}

static void area_insert(struct space *space, struct area *area)
{
    unsigned at = position(space, area->start);
    memmove(&space->areas[at + 1], &space->areas[at], (space->area_count - at) * POINTER);
    space->areas[at] = area;
    space->area_count++;
    space->mapped += (area->end - area->start) >> PAGE_BITS;
    area->space = space;
    list_init(&area->in_file);
    if (area->file) {
        list_add(&area->file->inode->areas, &area->in_file);
    }
}

static void area_release(struct area *area)
{
    if (area->space->found == area) {
        area->space->found = NULL;
    }
    list_remove(&area->in_file);
    if (area->file) {
        file_put(area->file);
    }
    heap_free(area);
}

static void area_remove(struct space *space, unsigned at)
{
    struct area *area = space->areas[at];
    space->mapped -= (area->end - area->start) >> PAGE_BITS;
    memmove(&space->areas[at], &space->areas[at + 1], (space->area_count - at - 1) * POINTER);
    space->area_count--;
    area_release(area);
}

bool area_is_data(const struct area *area)
{
    return area->prot & PROT_WRITE && !(area->flags & (AREA_SHARED | AREA_GROWS));
}

uint64_t area_data_pages(const struct space *space)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < space->area_count; i++) {
        const struct area *area = space->areas[i];
        pages += area_is_data(area) ? (area->end - area->start) >> PAGE_BITS : 0;
    }
    return pages;
}

void area_free_all(struct space *space)
{
    for (unsigned i = 0; i < space->area_count; i++) {
        area_release(space->areas[i]);
    }
    heap_free(space->areas);
}

bool area_cut(struct space *space, user_t address)
{
    struct area *area = area_find(space, address);
    if (!area || area->start >= address) {
        return true;
    }
    struct area *upper = room_make(space) ? heap_alloc(sizeof(*upper)) : NULL;
    if (!upper) {
        return false;
    }
    *upper = *area;
    upper->start = address;
    upper->first += (address - area->start) >> PAGE_BITS;
    if (upper->file) {
        file_get(upper->file);
    }
    space->mapped -= (area->end - address) >> PAGE_BITS;
    area->end = address;
    area_insert(space, upper);
    return true;
}

int64_t area_unmap(struct space *space, uint64_t start, uint64_t end)
{
    struct area *area = area_find(space, start);
    if (!area || area->start >= end) {
        return 0;
    }
    if (!area_cut(space, start) || !area_cut(space, end)) {
        return -ENOMEM;
    }
    unsigned at = position(space, start);
    while (at < space->area_count && space->areas[at]->start < end) {
        space_forget(space, space->areas[at]->start, space->areas[at]->end);
        area_remove(space, at);
    }
    space_trim(space);
    return 0;
}

static bool area_joins(const struct area *lower, const struct area *upper)
{
    return lower->end == upper->start && lower->prot == upper->prot &&
           lower->prot_most == upper->prot_most && lower->flags == upper->flags &&
           lower->file == upper->file && lower->name == upper->name &&
           (!lower->file ||
            lower->first + ((lower->end - lower->start) >> PAGE_BITS) == upper->first);
}

// Join the area at `at` with the one below it where they are of one kind.
static void area_join(struct space *space, unsigned at)
{
    if (at == 0 || at >= space->area_count || !area_joins(space->areas[at - 1], space->areas[at])) {
        return;
    }
    uint64_t end = space->areas[at]->end;
    uint64_t count = (end - space->areas[at]->start) >> PAGE_BITS;
    area_remove(space, at);
    space->areas[at - 1]->end = end;
    space->mapped += count;
}

static void area_join_around(struct space *space, uint64_t start, uint64_t end)
{
    for (unsigned at = position(space, end);; at--) {
        area_join(space, at);
        if (at == 0 || space->areas[at - 1]->end < start) {
            return;
        }
    }
}

int64_t area_map(struct space *space, const struct area *area)
{
    int64_t error = area_unmap(space, area->start, area->end);
    struct area *made = error || !room_make(space) ? NULL : heap_alloc(sizeof(*made));
    if (!made) {
        return -ENOMEM;
    }
    *made = *area;
    area_insert(space, made);
    area_join_around(space, area->start, area->end);
    return 0;
}

// How far a range is mapped without a hole, by areas that allow these rights; what ends it.
static uint64_t range_allows(const struct space *space, uint64_t start, uint64_t end, uint32_t prot,
                             int64_t *error)
{
    *error = 0;
    for (unsigned at = position(space, start); start < end && !*error; at++) {
        const struct area *area = area_at(space, at);
        if (!area || area->start > start) {
            *error = -ENOMEM;
        } else if (prot & ~area->prot_most) {
            *error = -EACCES;
        } else {
            start = area->end;
        }
    }
    return start < end ? start : end;
}

// The same, with areas that begin and end there; *error also where there is no memory for these.
static uint64_t range_cut(struct space *space, uint64_t start, uint64_t end, uint32_t prot,
                          int64_t *error)
{
    end = range_allows(space, start, end, prot, error);
    if (start < end && (!area_cut(space, start) || !area_cut(space, end))) {
        *error = -ENOMEM;
        return start;
    }
    return end;
}

int64_t area_protect(struct space *space, uint64_t start, uint64_t end, uint32_t prot)
{
    int64_t error = 0;
    end = range_cut(space, start, end, prot, &error);  // what comes before a hole is changed
    if (start == end) {
        return error;
    }
    for (unsigned at = position(space, start);
         at < space->area_count && space->areas[at]->start < end; at++) {
        struct area *area = space->areas[at];
        if (area->prot != prot) {
            space_protect(space, area->start, area->end, prot);
            area->prot = prot;
        }
    }
    area_join_around(space, start, end);
    return error;
}

int64_t area_lock(struct space *space, uint64_t start, uint64_t end, bool locked)
{
    int64_t error = 0;
    end = range_cut(space, start, end, 0, &error);  // what comes before a hole is changed
    if (start == end) {
        return error;
    }
    for (unsigned at = position(space, start);
         at < space->area_count && space->areas[at]->start < end; at++) {
        uint32_t *flags = &space->areas[at]->flags;
        *flags = locked ? *flags | AREA_LOCKED : *flags & ~AREA_LOCKED;
    }
    area_join_around(space, start, end);
    return error;
}

uint64_t area_locked_pages(const struct space *space, uint64_t start, uint64_t end)
{
    uint64_t pages = 0;
    for (unsigned at = position(space, start);
         at < space->area_count && space->areas[at]->start < end; at++) {
        const struct area *area = space->areas[at];
        uint64_t from = area->start > start ? area->start : start;
        uint64_t to = area->end < end ? area->end : end;
        pages += area->flags & AREA_LOCKED ? (to - from) >> PAGE_BITS : 0;
    }
    return pages;
}

uint64_t area_place(struct space *space, uint64_t hint, uint64_t bytes)
{
    const struct area *above = area_find(space, hint);
    if (hint >= SPACE_BOTTOM && bytes <= SPACE_END && hint <= SPACE_END - bytes &&
        (!above || above->start >= hint + bytes)) {
        return hint;
    }
    return area_place_below(space, space->place_top, bytes);
}

uint64_t area_place_below(const struct space *space, uint64_t top, uint64_t bytes)
{
    unsigned at = position(space, top);
    const struct area *over = area_at(space, at);  // one that has grown over `top` ends higher
    top = over && over->start < top ? over->start : top;
    for (; at <= space->area_count; at--) {
        uint64_t bottom = at ? space->areas[at - 1]->end : SPACE_BOTTOM;
        if (top >= bottom && top - bottom >= bytes) {
            return top - bytes;
        }
        if (at == 0) {
            break;
        }
        top = space->areas[at - 1]->start < top ? space->areas[at - 1]->start : top;
    }
    return 0;
}

void area_truncate(struct inode *inode, uint64_t first_page)
{
    LIST_EACH(area, &inode->areas, struct area, in_file) {
        uint64_t count = (area->end - area->start) >> PAGE_BITS;
        if (area->first + count > first_page) {
            uint64_t skip = first_page > area->first ? first_page - area->first : 0;
            space_forget(area->space, area->start + (skip << PAGE_BITS), area->end);
        }
    }
}

void area_replace(struct inode *inode, uint64_t index)
{
    LIST_EACH(area, &inode->areas, struct area, in_file) {
        uint64_t count = (area->end - area->start) >> PAGE_BITS;
        if (index < area->first || index - area->first >= count) {
            continue;
        }
        uint64_t at = area->start + ((index - area->first) << PAGE_BITS);
        const entry_t *entry = space_entry(area->space, at, false);
        if (entry && *entry && !(*entry & ENTRY_OWN)) {
            space_forget(area->space, at, at + PAGE_SIZE);
        }
    }
}
