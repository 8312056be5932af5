// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces are destroyed while threads run in them on other CPUs; capabilities are copied on
// three CPUs while the fourth revokes them.
#include "stress.h"

#include <rt/map.h>
#include <rt/memory.h>
#include <rt/print.h>
#include <rt/space.h>
#include <rt/string.h>

#define CODE_VADDR 0x10000000ull
#define DATA_VADDR 0x20000000ull
#define ISLANDS    3u

// ---- spaces ------------------------------------------------------------------------------------
static const uint8_t counts[] = { 0x48, 0xff, 0x07, 0xeb, 0xfb };  // 1: incq (%rdi); jmp 1b

static struct {
    struct rt_space space;
    cap_t code, data;
    struct rt_thread threads[2];
} islands[ISLANDS];

static struct rt_mapping code, data;

static cap_t island_page(unsigned i, cap_t frame, uint64_t vaddr, unsigned prot)
{
    cap_t attached;
    must(rt_cap_copy(frame, RIGHT_ALL, &attached), "copy");
    must(frame_attach(attached, islands[i].space.cap), "attach");
    must(rt_space_map(&islands[i].space, attached, vaddr, 0, 1, prot), "map");
    return attached;
}

// Two threads on two CPUs count in words of their own.
static void island_make(unsigned i)
{
    must(rt_space_new(&islands[i].space), "space");
    islands[i].code = island_page(i, code.frame, CODE_VADDR, PROT_READ | PROT_EXECUTE);
    islands[i].data = island_page(i, data.frame, DATA_VADDR, PROT_READ | PROT_WRITE);
    for (unsigned j = 0; j < 2; j++) {
        struct rt_thread_config config = { .entry = (void (*)(uint64_t))CODE_VADDR,
                                           .argument = DATA_VADDR + 64 * (2 * i + j),
                                           .priority = PRIORITY,
                                           .aspace = islands[i].space.cap,
                                           .budget = time_slice(),
                                           .cpu = cpu_nth(i + j + 1) };
        must(rt_thread_new(&islands[i].threads[j], &config), "thread");
        must(rt_thread_start(&islands[i].threads[j]), "thread");
    }
}

static uint64_t island_count(unsigned i)
{
    const volatile uint64_t *words = data.base;
    return words[8 * (2 * i)] + words[8 * (2 * i + 1)];
}

// Once the space is gone nobody counts; with threads or without.
static void island_delete(unsigned i, bool threads_first)
{
    if (threads_first) {
        rt_thread_delete(&islands[i].threads[0]);
        rt_thread_delete(&islands[i].threads[1]);
    }
    rt_space_delete(&islands[i].space);
    uint64_t count = island_count(i);
    moment_pass();
    EXPECT_EQUAL(island_count(i), count);
    rt_thread_delete(&islands[i].threads[0]);
    rt_thread_delete(&islands[i].threads[1]);
    rt_cap_delete(islands[i].code);
    rt_cap_delete(islands[i].data);
}

void stress_spaces(void)
{
    uint64_t made = 0;
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &code), "code");
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &data), "data");
    memcpy(code.base, counts, sizeof(counts));
    for (unsigned i = 0; i < ISLANDS; i++) {
        island_make(i);
    }
    while (stress_goes_on()) {
        unsigned i = (unsigned)(made++ % ISLANDS);
        uint64_t count = island_count(i);
        WAIT(island_count(i) != count);
        island_delete(i, made % 4 == 0);
        island_make(i);
        if (made % 8 == 0) {
            rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
        }
    }
    for (unsigned i = 0; i < ISLANDS; i++) {
        island_delete(i, false);
    }
    rt_map_delete(&code);
    rt_map_delete(&data);
    rt_print("NOTE %lu spaces\n", made);
}

// ---- revocation --------------------------------------------------------------------------------
#define COPIERS    3u
#define TABLE_BITS 22u
#define SLOTS      (1u << (TABLE_BITS - 6))
#define SHARE      (SLOTS / COPIERS)
#define BATCH      8u
#define RECENT     16u

// One third of the table each.  They copy from one of the last copies, which have hardly been
// marked yet, to one slot after the other, by batches; where these are taken they empty them.
static struct copier {
    struct worker worker;
    struct rt_mapping batch;
    volatile uint64_t copies;
    unsigned first, slot, recent[RECENT], next;
} copiers[COPIERS];

static cap_t table, origin;

static uint64_t copier_batch(struct copier *copier, bool deletes, unsigned from)
{
    struct batch_entry *entries = copier->batch.base;
    for (unsigned i = 0; i < BATCH; i++) {
        entries[i].slot = table;
        entries[i].tag = deletes ? TAG(OP_CAPTABLE_DELETE, 1, 0) : TAG(OP_CAPTABLE_COPY, 4, 0);
        entries[i].words[0] = copier->slot + i;
        entries[i].words[1] = table;
        entries[i].words[2] = from;
        entries[i].words[3] = RIGHT_ALL;
    }
    return rt_invoke_batch(copier->batch.frame, 0, BATCH).done;
}

static void copier_round(struct copier *copier, uint64_t random)
{
    unsigned from = random % 8 ? copier->recent[random / 8 % RECENT] : copier->first;
    uint64_t done = copier_batch(copier, false, from);
    copier->copies += done;
    for (unsigned i = 0; i < done; i++) {
        copier->recent[copier->next++ % RECENT] = copier->slot + i;
    }
    if (done < BATCH && random % 4 == 0) {
        (void)copier_batch(copier, true, 0);
    }
    copier->slot += BATCH;
    if (copier->slot + BATCH >= copier->first + SHARE) {
        copier->slot = copier->first + 1;
    }
}

static void copier_job(uint64_t number)
{
    uint64_t random = number + 77;
    while (stress_goes_on()) {
        copier_round(&copiers[number], random_next(&random));
    }
}

static uint64_t copies_made(void)
{
    return copiers[0].copies + copiers[1].copies + copiers[2].copies;
}

// Everybody has something to copy again.
static void origins_give(void)
{
    for (unsigned i = 0; i < COPIERS; i++) {
        rt_ignore(captable_delete(table, copiers[i].first));
        // Refused where a copier was faster.
        rt_ignore(captable_copy(table, copiers[i].first, ROOT_SLOT_CSPACE, origin, RIGHT_ALL));
    }
}

// What was there is marked once, and at most half as many copies are made meanwhile, of which the
// same holds.  CPUs that run at once may be held up by the host for as long as it likes.
static void revocations(void)
{
    uint64_t count = 0, most = 0, last = 0, outrun = 0;
    do {
        origins_give();
        ticks_pass(second / 20);
        uint64_t before = copies_made();
        EXPECT_OK(captable_revoke(ROOT_SLOT_CSPACE, origin));
        uint64_t meanwhile = copies_made() - before;
        outrun += meanwhile > before - last + BATCH * COPIERS * 10;
        most = meanwhile > most ? meanwhile : most;
        last = before;
        count++;
        rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
    } while (stress_goes_on());
    rt_print("NOTE %lu revocations, %lu copies, at most %lu of them during one, %lu outrun\n",
             count, copies_made(), most, outrun);
    EXPECT(!stress_in_turn || outrun == 0);
}

void stress_revocation(void)
{
    table = object_make(KIND_CAPTABLE, TABLE_BITS);
    origin = object_make(KIND_ENDPOINT, SMALL_BITS);
    for (unsigned i = 0; i < COPIERS; i++) {
        copiers[i].first = 1 + i * (SHARE - 1);
        copiers[i].slot = copiers[i].first + 1;
        for (unsigned j = 0; j < RECENT; j++) {
            copiers[i].recent[j] = copiers[i].first;
        }
        copiers[i].copies = 0;
        must(rt_map_new(1, PROT_READ | PROT_WRITE, &copiers[i].batch), "batch");
        worker_on(&copiers[i].worker, cpu_nth(i + 1));
        worker_begin(&copiers[i].worker, copier_job, i);
    }
    revocations();
    for (unsigned i = 0; i < COPIERS; i++) {
        WAIT(!copiers[i].worker.busy);
        worker_delete(&copiers[i].worker);
        rt_map_delete(&copiers[i].batch);
    }
    EXPECT_OK(captable_revoke(ROOT_SLOT_CSPACE, origin));
    rt_object_delete(table);
    rt_object_delete(origin);
}
