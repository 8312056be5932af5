// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Doubly linked lists whose links lie in what is listed.  A list is a ring with a head that is not
// an element; a link that is in no list points to itself, so that it can be removed any number of
// times.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_EMPTY(list) \
 {                       \
  &(list), &(list)       \
 }

// The structure whose member `member` the link is.
#define CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

// Each element in turn; the body may remove the one that it is at.
#define LIST_EACH(at, list, type, member)                         \
 for (type *at = CONTAINER((list)->next, type, member),           \
           *at##_next = CONTAINER(at->member.next, type, member); \
      &at->member != (list); at = at##_next, at##_next = CONTAINER(at->member.next, type, member))

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

// Before `at`: at the end where `at` is a list's head.
static inline void list_add(struct list *at, struct list *link)
{
    link->next = at;
    link->prev = at->prev;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_add_first(struct list *list, struct list *link)
{
    list_add(list->next, link);
}

static inline void list_remove(struct list *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    list_init(link);
}

// Its first link, or NULL.
static inline struct list *list_first(const struct list *list)
{
    return list_empty(list) ? NULL : list->next;
}
