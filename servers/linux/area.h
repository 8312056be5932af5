// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Areas: what a process has mapped where, and as what.
#pragma once

#include "file.h"
#include "list.h"
#include "types.h"

struct space;

#define AREA_SHARED  1u   // writes are seen by others, and by the file
#define AREA_GROWS   2u   // downwards: a stack
#define AREA_NO_FORK 4u   // MADV_DONTFORK
#define AREA_WIPE    8u   // MADV_WIPEONFORK
#define AREA_LOCKED  16u  // mlock
#define AREA_NO_DUMP 32u

struct area {
    uint64_t start, end;
    uint32_t prot;       // PROT_*
    uint32_t prot_most;  // what mprotect may make of it
    uint32_t flags;
    struct file *file;  // has a reference; NULL: anonymous, and then private
    uint64_t first;     // page of the file at `start`
    const char *name;   // instead of the file's, for /proc
    struct space *space;
    struct list in_file;  // areas of the inode
};

// The area that an address lies in, or the next one above it; NULL: none.
struct area *area_find(struct space *space, user_t address);
// The areas of a space in their order: their number, and each.
unsigned area_count(const struct space *space);
struct area *area_at(const struct space *space, unsigned number);

// Map [start, end) as `area` says (start and end apart), over whatever is there; the reference to
// its file is taken over on success.  0, -ENOMEM.
int64_t area_map(struct space *space, const struct area *area);
// Unmap whatever lies in a range: 0, -ENOMEM (an area would have to be split).
int64_t area_unmap(struct space *space, uint64_t start, uint64_t end);
// 0, -ENOMEM (a part is not mapped), -EACCES.
int64_t area_protect(struct space *space, uint64_t start, uint64_t end, uint32_t prot);
// Lock a range, or unlock it: 0, -ENOMEM (a part is not mapped).
int64_t area_lock(struct space *space, uint64_t start, uint64_t end, bool locked);
// How many pages of a range are locked.
uint64_t area_locked_pages(const struct space *space, uint64_t start, uint64_t end);
// A free range of this size: from `hint` where that is free, else as high as possible below the
// stack; 0: none.
uint64_t area_place(struct space *space, uint64_t hint, uint64_t bytes);

// Whether it is private memory that can be written, but no stack; how much a space has of it
// (RLIMIT_DATA).
bool area_is_data(const struct area *area);
uint64_t area_data_pages(const struct space *space);

// All areas of a space that is at its end.
void area_free_all(struct space *space);

// The same as area_place, below an address and as high as possible.
uint64_t area_place_below(const struct space *space, uint64_t top, uint64_t bytes);
// Have an area begin at an address that lies in one; false: no memory.
bool area_cut(struct space *space, user_t address);

// Pages of an inode from this one on are no longer its: unmap them everywhere.
void area_truncate(struct inode *inode, uint64_t first_page);
