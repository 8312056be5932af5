// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A client of the counter service while somebody kills the service and its clients: adds, and
// checks after each request, and when it begins anew, that each was counted exactly once.
#include "board.h"

#include <rt/panic.h>

#include <client/counter.h>

#define NAME        1u
#define READS_EVERY 8u

const char rt_task_name[] = "adder";

static struct counter_client counter;

static void must(uint32_t code, const char *what)
{
    if (code) {
        rt_panic("%s: code %x", what, code);
    }
}

static void value_check(uint64_t value, const char *what)
{
    if (value != board_sum(counter.sequence)) {
        rt_panic("%s: %lu after %lu requests, not %lu", what, value, counter.sequence,
                 board_sum(counter.sequence));
    }
}

static void read_check(void)
{
    uint64_t value = 0;
    must(counter_client_read(&counter, &value), "read");
    value_check(value, "read");
}

// An earlier incarnation may have died with one request under way.
static void adopt_check(uint64_t acknowledged)
{
    if (counter.sequence < acknowledged || counter.sequence > acknowledged + 1) {
        rt_panic("%lu requests carried out, %lu acknowledged", counter.sequence, acknowledged);
    }
    read_check();
}

int component_main(const struct component_info *info)
{
    struct board *board = (void *)component_need(GRANT_REGION, "board")->address;
    unsigned number = (unsigned)(info->name[sizeof("adder") - 1] - '0');
    _Atomic uint64_t *acknowledged = &board->adders[number].acknowledged;
    atomic_fetch_add(&board->adders[number].incarnations, 1);
    must(counter_client_open(&counter, component_need(GRANT_CALL, "counter")->slot, NAME), "open");
    adopt_check(atomic_load(acknowledged));
    atomic_store(acknowledged, counter.sequence);
    while (!atomic_load(&board->stop)) {
        uint64_t value = 0;
        must(counter_client_add(&counter, counter.sequence + 1, &value), "add");
        value_check(value, "add");
        atomic_store(acknowledged, counter.sequence);
        if (counter.sequence % READS_EVERY == 0) {
            read_check();
        }
        rt_yield();  // to the other clients, which are as important
    }
    read_check();
    return 0;
}
