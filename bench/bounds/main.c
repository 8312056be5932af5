// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The program of worst cases, which the driver carries out one after the other.  It measures
// nothing; bench/bounds.py watches it.
#include "cases.h"
#include "driver.h"

#include <rt/print.h>
#include <rt/start.h>
#include <rt/string.h>

const char rt_task_name[] = "bounds";

// Interrupts all the while.
#define TICK_BUDGET   4000u
#define TICK_PERIOD   20000u
#define TICK_PRIORITY 255u
#define SLOT_TICKER   43500u  // neither it nor its context is in the way of a case

static const char *wanted;  // one case, or all

static const struct bounds_case {
    const char *name;
    void (*run)(void), (*begin)(void), (*end)(void);
} cases[] = {
#define CASE(name, text) { #name, case_##name, begin_##name, end_##name },
#include "cases.def"
#undef CASE
};

static void ticker_start(void)
{
    const struct crowd ticker = { .entry = crowd_spinner,
                                  .first = SLOT_TICKER,
                                  .count = 1,
                                  .priority = TICK_PRIORITY,
                                  .budget = TICK_BUDGET,
                                  .period = TICK_PERIOD };
    crowd_make(&ticker);
    crowd_start(&ticker);
}

static void case_run(const struct bounds_case *this)
{
    uint64_t before = clock_now();
    this->begin();
    ticker_start();
    this->run();
    arena_clear();
    this->end();
    rt_print("bounds: %s: %lu thousand instructions\n", this->name, (clock_now() - before) / 1000);
}

static void cases_run(void)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!wanted || strcmp(wanted, cases[i].name) == 0) {
            case_run(&cases[i]);
        }
    }
}

// "bounds=NAME" on the command line.
static void wanted_read(const struct root_info *info)
{
    static char word[BOOT_CMDLINE_BYTES];
    memcpy(word, info->cmdline, sizeof(word) - 1);
    if (strncmp(word, "bounds=", 7) == 0) {
        wanted = word + 7;
    }
}

int main(const struct root_info *info)
{
    wanted_read(info);
    driver_run(info, cases_run);
    return 1;
}
