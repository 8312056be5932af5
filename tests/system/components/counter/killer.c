// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Kills the counter service at random instants, and now and then one of its clients; then lets the
// clients check what was counted.  More important than all of them: its timer stops them anywhere.
#include "../host.h"
#include "../system.h"
#include "board.h"

#include <rt/print.h>

#define CLIENT_EVERY 8u
#define END_WAIT     1000000u  // nanoseconds between two looks
#define END_LOOKS    10000u

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

// It must die of nothing else.
static bool server_kill(uint16_t server)
{
    struct system_component_results found = system_look(server);
    if (found.deaths && found.reason != SYSTEM_REASON_OPERATOR) {
        system_print_words(server);
        machine_fail("the server died by itself: %s", system_reason_text(found.reason));
    }
    return system_kill(server);
}

static void adder_end(uint16_t number)
{
    for (unsigned i = 0; i < END_LOOKS; i++) {
        enum system_state state = system_look(number).state;
        if (state == SYSTEM_STATE_DONE) {
            return;
        }
        if (state == SYSTEM_STATE_FAILED) {
            system_print_words(number);
            machine_fail("a client found something wrong");
        }
        system_pause(END_WAIT);
    }
    machine_fail("a client does not end");
}

int component_main(const struct component_info *info)
{
    (void)info;
    host_begin();
    struct board *board = (void *)component_need(GRANT_REGION, "board")->address;
    uint64_t kills = host_argument("kills", 100), span = host_argument("span", 100000), killed = 0;
    seed = host_argument("seed", 1) * 0x9e3779b97f4a7c15ull;
    uint16_t server = system_number("counter"), adders[ADDERS];
    for (unsigned i = 0; i < ADDERS; i++) {
        adders[i] = system_number((const char[]){ 'a', 'd', 'd', 'e', 'r', (char)('0' + i), 0 });
    }
    while (killed < kills) {
        system_pause(1 + draw(span));
        if (draw(CLIENT_EVERY) == 0) {
            (void)system_kill(adders[draw(ADDERS)]);
        } else {
            killed += server_kill(server);
        }
    }
    atomic_store(&board->stop, 1);
    uint64_t requests = 0, incarnations = 0;
    for (unsigned i = 0; i < ADDERS; i++) {
        adder_end(adders[i]);
        rt_print("ADDER %u %lu requests, %lu incarnations\n", i, board->adders[i].acknowledged,
                 board->adders[i].incarnations);
        WANT(board->adders[i].acknowledged != 0);
        requests += board->adders[i].acknowledged;
        incarnations += board->adders[i].incarnations;
    }
    WANT(system_look(server).deaths == kills);
    rt_print("KILLS %lu of the server, %lu of clients, %lu requests, each counted once\n", killed,
             incarnations - ADDERS, requests);
    machine_end(0);
}
