// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is found by a number: a hash table whose links lie in what it holds.
#pragma once

#include "list.h"

#include <stdbool.h>
#include <stdint.h>

#define IDTABLE_BUCKETS 1024u

// All zero: an entry of no table.
struct id_entry {
    struct list link;
    uint32_t id;
};

// All zero: empty.
struct idtable {
    struct list buckets[IDTABLE_BUCKETS];
};

// Put one in under a number, which no other may have; it stays where it is until it is taken out.
void idtable_add(struct idtable *table, struct id_entry *entry, uint32_t id);
// One that is in no table is fine.
void idtable_remove(struct id_entry *entry);
// NULL: there is none.
struct id_entry *idtable_find(struct idtable *table, uint32_t id);
