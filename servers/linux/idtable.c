// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Numbers are given in order, so that the lowest bits spread them as well as any hash.
#include "idtable.h"

static struct list *bucket(struct idtable *table, uint32_t id)
{
    struct list *head = &table->buckets[id % IDTABLE_BUCKETS];
    if (!head->next) {
        list_init(head);
    }
    return head;
}

void idtable_add(struct idtable *table, struct id_entry *entry, uint32_t id)
{
    entry->id = id;
    list_add(bucket(table, id), &entry->link);
}

void idtable_remove(struct id_entry *entry)
{
    if (entry->link.next) {
        list_remove(&entry->link);
    }
}

struct id_entry *idtable_find(struct idtable *table, uint32_t id)
{
    LIST_EACH(entry, bucket(table, id), struct id_entry, link) {
        if (entry->id == id) {
            return entry;
        }
    }
    return NULL;
}
