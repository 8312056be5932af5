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
};

struct orders {
    volatile uint32_t order;                      // judge to victim
    volatile uint32_t taken;                      // orders taken, counted over incarnations
    volatile uint32_t done;                       // number of the last one that it did not die of
    volatile uint64_t generation, image, answer;  // victim to judge
};
