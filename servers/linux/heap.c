// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The heap: objects of a few sizes, each page for one size with its free objects in a list; what is
// larger than half a page is a run of pages.
#include "heap.h"

#include "page.h"

#include <rt/string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGE        0xff  // class of a run of pages

static const uint16_t sizes[] = { 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048 };
static struct list rooms[COUNT(sizes)];  // pages with room, by class - 1

static unsigned class_of(uint64_t bytes)
{
    unsigned class = 0;
    while (sizes[class] < bytes) {
        class ++;
    }
    return class + 1;
}

static uint64_t class_count(unsigned class)
{
    return PAGE_SIZE / sizes[class - 1];
}

static struct page *room_make(unsigned class)
{
    uint32_t number = page_alloc();
    if (!number) {
        return NULL;
    }
    struct page *page = &page_records[number];
    page->class = (uint8_t) class;
    page->used = 0;
    page->free = NULL;
    for (uint64_t i = class_count(class); i-- > 0;) {
        void **object = (void **)(void *)((char *)page_here(number) + i * sizes[class - 1]);
        *object = page->free;
        page->free = object;
    }
    list_add_first(&rooms[class - 1], &page->link);
    return page;
}

static void *large_alloc(uint64_t bytes)
{
    unsigned order = 0;
    while (PAGE_SIZE << order < bytes && order < PAGE_ORDERS) {
        order++;
    }
    uint32_t page = order < PAGE_ORDERS ? page_alloc_run(order) : PAGE_NONE;
    if (!page) {
        return NULL;
    }
    page_records[page].class = LARGE;
    for (uint32_t i = 0; i < 1u << order; i++) {
        page_clear(page + i);
    }
    return page_here(page);
}

void *heap_alloc(uint64_t bytes)
{
    if (bytes > sizes[COUNT(sizes) - 1]) {
        return large_alloc(bytes);
    }
    unsigned class = class_of(bytes);
    struct list *room = &rooms[class - 1];
    if (!room->next) {
        list_init(room);
    }
    struct page *page = list_empty(room) ? room_make(class)
                                         : CONTAINER(room->next, struct page, link);
    if (!page) {
        return NULL;
    }
    void *object = page->free;
    page->free = *(void **)object;
    if (++page->used == class_count(class)) {
        list_remove(&page->link);
    }
    memset(object, 0, sizes[class - 1]);
    return object;
}

void heap_free(void *memory)
{
    if (!memory) {
        return;
    }
    struct page *page = &page_records[page_of(memory)];
    if (page->class == LARGE) {
        page->class = 0;
        page_put(page_of(memory));
        return;
    }
    unsigned class = page->class;
    *(void **)memory = page->free;
    page->free = memory;
    if (page->used-- == class_count(class)) {
        list_add_first(&rooms[class - 1], &page->link);
    }
    struct list *room = &rooms[class - 1];
    if (page->used == 0 && room->next->next != room) {  // the last page with room stays
        list_remove(&page->link);
        page->class = 0;
        page_put(page_of(memory));
    }
}
