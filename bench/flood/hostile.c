// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A client in bad faith.  "mute" takes of each server what it can get and never takes what is sent
// to it; others ask without a pause, for what takes longest, whether they get it or not.
#include <proto/counter_client.h>
#include <proto/log_client.h>
#include <rt/component.h>
#include <rt/slots.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

static cap_t counter, log;
static cap_t slot;  // for sessions, one after the other
static cap_t session;

static void open(uint64_t name)
{
    const struct wire_window window = { COMPONENT_SLOT_CSPACE, slot, 1 };
    struct counter_open_results opened;
    // Refused when all sessions of this client are taken, and empty or not.
    rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, slot));
    (void)counter_open(counter, &window, &(struct counter_open_args){ name }, &opened);
}

static void write_longest(void)
{
    struct log_write_args line = { .level = LOG_LEVEL_ERROR, .text_count = LOG_LINE_MAX };
    memset(line.text, 'x', sizeof(line.text));
    (void)log_write(log, &line);
}

static void add(uint64_t sequence)
{
    struct counter_add_results added;
    (void)counter_add(session, &(struct counter_add_args){ sequence, 1 }, &added);
}

__attribute__((noreturn)) static void flood(void)
{
    open(0);
    session = slot;
    slot = rt_slot_alloc();
    for (uint64_t round = 1;; round++) {
        add(round);
        open(round);
        write_longest();
        struct counter_read_results read;
        (void)counter_read(slot, &read);
    }
}

__attribute__((noreturn)) static void hoard(void)
{
    for (uint64_t name = 0; name < 1000; name++) {
        open(name);
        write_longest();
    }
    for (;;) {
        __builtin_ia32_pause();
    }
}

int component_main(const struct component_info *info)
{
    counter = component_need(GRANT_CALL, "counter")->slot;
    log = component_need(GRANT_CALL, "log")->slot;
    slot = rt_slot_alloc();
    if (strcmp(info->name, "mute") == 0) {
        hoard();
    }
    flood();
}
