// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mappings that are changed while other CPUs use them.
#include "groups.h"
#include "world.h"

#include <rt/map.h>
#include <rt/memory.h>

#define VADDR    0x0000300000000000ull
#define USERS    3u
#define ROUNDS   often(24u)
#define PAGES    8u
#define HARVESTS often(1000u)

// Workers that count in a page each in a word of its own.
static struct {
    struct rt_mapping page;  // the other way to it
    cap_t endpoint, replies[USERS];
    struct worker workers[USERS];
} use;

static void count_there(uint64_t argument)
{
    volatile uint64_t *word = (volatile uint64_t *)VADDR + argument * 8;
    for (;;) {
        ++*word;
    }
}

static uint64_t counted(unsigned i)
{
    return ((volatile uint64_t *)use.page.base)[i * 8];
}

static void use_begin(void)
{
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &use.page), "page");
    must(rt_space_map(&rt_own_space, use.page.attached, VADDR, 0, 1, PROT_READ | PROT_WRITE),
         "map");
    use.endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    for (unsigned i = 0; i < USERS; i++) {
        use.replies[i] = object_make(KIND_REPLY, SMALL_BITS);
        worker_make(&use.workers[i],
                    &(struct rt_thread_config){ .cpu = cpu_nth(i + 1), .fault = use.endpoint });
        worker_begin(&use.workers[i], count_there, i);
    }
}

static void use_end(void)
{
    for (unsigned i = 0; i < USERS; i++) {
        worker_delete(&use.workers[i]);
        rt_object_delete(use.replies[i]);
    }
    rt_object_delete(use.endpoint);
    EXPECT_OK(frame_unmap(use.page.attached, VADDR, 1));
    rt_map_delete(&use.page);
}

static void all_count(void)
{
    for (unsigned i = 0; i < USERS; i++) {
        uint64_t before = counted(i);
        WAIT(counted(i) != before);
    }
}

// From now on nobody counts; all of them fault.
static void expect_faults(void)
{
    uint64_t last[USERS];
    for (unsigned i = 0; i < USERS; i++) {
        last[i] = counted(i);
    }
    for (unsigned i = 0; i < USERS; i++) {
        struct ipc_words words;
        struct ipc_result got = ipc_recv(use.endpoint, use.replies[i], &words);
        EXPECT_EQUAL(tag_label(got.tag), FAULT_PAGE);
        EXPECT_EQUAL(words.word[0] & ~0xfffull, VADDR);
    }
    for (unsigned i = 0; i < USERS; i++) {
        EXPECT_EQUAL(counted(i), last[i]);
    }
}

static void all_go_on(void)
{
    for (unsigned i = 0; i < USERS; i++) {
        EXPECT_OK(ipc_reply0(use.replies[i], 0));
    }
    all_count();
}

void unmap_stops_access(void)
{
    use_begin();
    for (unsigned i = 0; i < ROUNDS; i++) {
        all_count();
        EXPECT_OK(frame_unmap(use.page.attached, VADDR, 1));
        expect_faults();
        EXPECT_OK(frame_map(use.page.attached, VADDR, 0, 1, PROT_READ | PROT_WRITE).status);
        all_go_on();
    }
    use_end();
}

void protect_stops_writes(void)
{
    use_begin();
    for (unsigned i = 0; i < ROUNDS; i++) {
        all_count();
        EXPECT_OK(aspace_protect(rt_own_space.cap, VADDR, 1, PROT_READ));
        expect_faults();
        EXPECT_OK(aspace_protect(rt_own_space.cap, VADDR, 1, PROT_READ | PROT_WRITE));
        all_go_on();
    }
    use_end();
}

// ---- dirty bits --------------------------------------------------------------------------------
static volatile uint64_t written;  // number of the last write
static volatile bool stop;

static unsigned write_page(uint64_t number)
{
    return (unsigned)(number * 0x9e3779b97f4a7c15ull >> 32) % PAGES;
}

static void write_always(uint64_t argument)
{
    (void)argument;
    for (uint64_t number = 1; !stop; number++) {
        *(volatile uint64_t *)(VADDR + write_page(number) * PAGE_SIZE) = number;
        written = number;
        // Accessed, and not yet written.
        (void)*(volatile uint64_t *)(VADDR + write_page(number + 1) * PAGE_SIZE);
        for (uint64_t i = number * 0x9e3779b9u >> 7 & 127; i; i--) {
            __asm__ volatile("pause");
        }
    }
}

// Whatever was written since the last harvest but one is dirty in the last or this one.
void harvest_loses_nothing(void)
{
    struct rt_mapping pages;
    struct worker worker;
    uint64_t dirty = 0, from = 1, lost = 0;
    must(rt_map_new(PAGES, PROT_READ | PROT_WRITE, &pages), "pages");
    must(rt_space_map(&rt_own_space, pages.attached, VADDR, 0, PAGES, PROT_READ | PROT_WRITE),
         "map");
    worker_on(&worker, cpu_nth(1));
    written = 0;
    stop = false;
    worker_begin(&worker, write_always, 0);
    WAIT(written);
    for (unsigned i = 0; i < HARVESTS; i++) {
        uint64_t before = written;
        EXPECT_OK(aspace_harvest(rt_own_space.cap, VADDR, PAGES));
        uint64_t now = rt_buffer()->words[1];
        for (uint64_t number = from; number <= before; number++) {
            lost += !((dirty | now) >> write_page(number) & 1);
        }
        from = before + 2;  // the next one may have been made already
        dirty = now;
        if (cpu_count == 1) {
            rt_yield();
        }
    }
    EXPECT_EQUAL(lost, 0);
    stop = true;
    WAIT(!worker.busy);
    worker_delete(&worker);
    EXPECT_OK(frame_unmap(pages.attached, VADDR, PAGES));
    rt_map_delete(&pages);
}
