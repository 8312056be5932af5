// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A service and its client, with everything of their own, of which the hostile threads have a
// capability to send to the service. The client runs in short pieces of time, so that it comes in
// between anything that the hostile threads do.
#include "hostile.h"

#include <rt/memory.h>
#include <rt/panic.h>

#include <gen/rt_stubs.h>

#define LABEL        7u
#define CLIENT_BADGE 0xc11e47u
#define BUDGET       100000u
#define PERIOD       1500000u

#define ALARM_ANSWERS 64u  // the client wakes the supervisor every so often

static struct {
    struct rt_thread server, client;
    cap_t endpoint, reply, asked;  // the client's capability
    cap_t alarm;
    volatile uint64_t answers;
    uint64_t count;  // kept by the service for its client
} victim;

static uint64_t answer_to(uint64_t question)
{
    return question * 0x9e3779b97f4a7c15ull;
}

// What others call for is answered so that a fault does not go on: they may name the service as
// their fault handler.
static void server_main(uint64_t argument)
{
    (void)argument;
    struct ipc_words words;
    struct ipc_result got = ipc_recv(victim.endpoint, victim.reply, &words);
    for (;;) {
        bool own = rt_ok(got.status) && got.badge == CLIENT_BADGE && tag_label(got.tag) == LABEL;
        victim.count += own;
        words = (struct ipc_words){ { own ? answer_to(words.word[0]) : 0, victim.count } };
        got = ipc_reply_recv(victim.endpoint, TAG(!own, 2, 0), victim.reply, &words);
        if (!rt_ok(got.status)) {  // nobody waits for an answer
            got = ipc_recv(victim.endpoint, victim.reply, &words);
        }
    }
}

static void client_main(uint64_t argument)
{
    (void)argument;
    for (uint64_t question = 1;; question++) {
        struct ipc_words words = { { question } };
        struct ipc_result got = ipc_call(victim.asked, TAG(LABEL, 1, 0), &words);
        if (!rt_ok(got.status) || words.word[0] != answer_to(question) ||
            words.word[1] != question) {
            rt_panic("the victim was disturbed: call %lu ended with %lx, %lx, count %lu", question,
                     got.status.word, words.word[0], words.word[1]);
        }
        victim.answers = question;
        if (question % ALARM_ANSWERS == 0) {
            rt_ignore(notification_signal(victim.alarm));
        }
    }
}

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %lx", what, status.word);
    }
}

void victim_start(cap_t alarm)
{
    victim.alarm = alarm;
    must(rt_object_new(KIND_ENDPOINT, 6, &victim.endpoint), "endpoint of the service");
    must(rt_object_new(KIND_REPLY, 6, &victim.reply), "reply of the service");
    must(rt_cap_mint(victim.endpoint, RIGHT_SEND, CLIENT_BADGE, &victim.asked),
         "capability of the client");
    must(rt_thread_new(&victim.server, &(struct rt_thread_config){ .entry = server_main,
                                                                   .priority = PRIORITY_VICTIM }),
         "thread of the service");
    must(rt_thread_new(&victim.client, &(struct rt_thread_config){ .entry = client_main,
                                                                   .priority = PRIORITY_CLIENT,
                                                                   .budget = BUDGET,
                                                                   .period = PERIOD }),
         "thread of the client");
    must(rt_thread_start(&victim.server), "start of the service");
    must(rt_thread_start(&victim.client), "start of the client");
}

uint64_t victim_answers(void)
{
    return victim.answers;
}

cap_t victim_endpoint(void)
{
    return victim.endpoint;
}

void victim_end(void)
{
    rt_thread_delete(&victim.client);
    rt_thread_delete(&victim.server);
    rt_cap_delete(victim.asked);
    rt_object_delete(victim.reply);
    rt_object_delete(victim.endpoint);
}
