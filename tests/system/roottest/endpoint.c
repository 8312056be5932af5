// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Endpoint: configure, cancel_all, cancel_badge.
#include "agent.h"
#include "groups.h"

static void operations_refuse(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t send_only = derive(endpoint, (unsigned)(RIGHT_ALL & ~RIGHT_RECEIVE));
    refuse_rights(OP_ENDPOINT_CONFIGURE, endpoint, WORDS(0));
    refuse_rights(OP_ENDPOINT_CANCEL_ALL, endpoint, WORDS(ERR_CANCELLED));
    refuse_rights(OP_ENDPOINT_CANCEL_BADGE, endpoint, WORDS(0));
    refuse(OP_ENDPOINT_CONFIGURE, send_only, WORDS(0), ERR_RIGHTS, 0);
    refuse(OP_ENDPOINT_CONFIGURE, endpoint, WORDS(UINT64_MAX), ERR_RANGE, 1);
    refuse(OP_ENDPOINT_CANCEL_ALL, endpoint, WORDS(ERR_OK), ERR_RANGE, 1);
    refuse(OP_ENDPOINT_CANCEL_ALL, endpoint, WORDS(0x100), ERR_RANGE, 1);
    refuse(OP_ENDPOINT_CANCEL_ALL, endpoint, WORDS(0xfe), ERR_RANGE, 1);
    rt_cap_delete(send_only);
    rt_object_delete(endpoint);
}

// Three senders, two of one badge.
struct senders {
    cap_t endpoint, badged[3];
    struct agent agents[3];
};

static void senders_make(struct senders *senders)
{
    static const uint64_t badges[3] = { 1, 2, 1 };
    senders->endpoint = make(KIND_ENDPOINT);
    for (unsigned i = 0; i < 3; i++) {
        senders->badged[i] = mint(senders->endpoint, RIGHT_SEND, badges[i]);
        agent_make(&senders->agents[i], &(struct agent_config){ 0 });
        agent_run(&senders->agents[i], i ? SYS_send : SYS_call, senders->badged[i], 0, 0);
        EXPECT(!senders->agents[i].job.done);
    }
}

static void senders_end(struct senders *senders)
{
    for (unsigned i = 0; i < 3; i++) {
        agent_delete(&senders->agents[i]);
        rt_cap_delete(senders->badged[i]);
    }
    rt_object_delete(senders->endpoint);
}

static void cancel_all_cancels(void)
{
    struct senders senders;
    senders_make(&senders);
    struct endpoint_cancel_all_result all = endpoint_cancel_all(senders.endpoint, ERR_PEER_DIED);
    EXPECT_OK(all.status);
    EXPECT_EQUAL(all.count, 3);
    settle();
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQUAL(agent_status(&senders.agents[i]).word, ERR_PEER_DIED);
    }
    EXPECT_EQUAL(endpoint_cancel_all(senders.endpoint, ERR_PEER_DIED).count, 0);
    senders_end(&senders);
}

static void cancel_badge_cancels(void)
{
    struct senders senders;
    senders_make(&senders);
    struct endpoint_cancel_badge_result some = endpoint_cancel_badge(senders.endpoint, 1);
    EXPECT_OK(some.status);
    EXPECT_EQUAL(some.count, 2);
    settle();
    EXPECT_ERR(SYS_call, agent_status(&senders.agents[0]), ERR_CANCELLED, 0);
    EXPECT(!senders.agents[1].job.done);
    EXPECT_ERR(SYS_send, agent_status(&senders.agents[2]), ERR_CANCELLED, 0);
    senders_end(&senders);
}

GROUP(endpoint, TEST(operations_refuse), TEST(cancel_all_cancels), TEST(cancel_badge_cancels));
