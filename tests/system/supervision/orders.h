// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the judge tells its victims, in a region that both have.
#pragma once

#include <stdint.h>

enum order {
    ORDER_NONE,
    ORDER_TOUCH_NOTHING,  // read where nothing is mapped
    ORDER_WRITE_TEXT,
    ORDER_WRITE_INFO,
    ORDER_RUN_DATA,
    ORDER_TRAP,      // an instruction that does not exist
    ORDER_PANIC,     // rt_panic
    ORDER_OVERFLOW,  // run out of stack
    ORDER_EXIT_3,
    ORDER_EXIT_0,
    ORDER_HANG,       // answer no more
    ORDER_DIE_EVERY,  // die as soon as it starts, for good
    ORDER_FILL,       // fill its table with copies, and its heap and stack with a pattern
    ORDER_FORGE,      // use slots that it was not given
    ORDER_ASK,        // ask the supervisor for everything that it may not
    ORDER_REACH,      // hand its way to the server on
    ORDER_RUN_CONST,  // run what is constant
    ORDER_BAD_FRAME,  // die with a frame pointer that leads nowhere: argument says which
    ORDER_BAD_WORDS,  // die with last words that claim to be many
    ORDER_WRECK,      // delete everything in its table, then hang
    ORDER_DIE_WATCH,  // let the second thread die
    ORDER_UNSTEP,     // clear its trap flag and hang
    ORDER_KILL,       // have the supervisor kill the component of the argument
    ORDER_INJECT,     // or inject an end into it
    ORDER_SIGNS,      // say often that it lives; the answer: ticks for each
    ORDER_ASK_MUCH,   // ask often what the supervisor has; the answer: ticks for each
    ORDER_ASK_BLIND,  // ask for everything that it may not observe
    ORDER_SPOIL,      // demand of its callers more time than there is
    ORDER_SERVE,      // answer one caller
    ORDER_CALL,       // call a server: argument says which
    ORDER_GIVE,       // send its own notification to the rogue
    ORDER_STEAL,      // take what is sent, and bind the second thread to it
    ORDER_LOOT,       // what the stolen is now: the answer is its kind
    ORDER_GIVE_IRQ,   // move its interrupt away
};

#define BAD_FRAMES 6u

// Servers that a victim may know, for ORDER_CALL.
#define ORDER_CALL_NAMES            \
 {                                  \
  "rogue", "sleeper", "executioner" \
 }

struct orders {
    volatile uint32_t order;                      // judge to victim
    volatile uint32_t taken;                      // orders taken, counted over incarnations
    volatile uint32_t done;                       // number of the last one that it did not die of
    volatile uint64_t argument;                   // judge to victim
    volatile uint64_t generation, image, answer;  // victim to judge
};
