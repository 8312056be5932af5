// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The server loop.  Owns the component's Replies: one stands for the next caller, the others for
// callers that were kept.
#include "serve.h"

#include "credit.h"

#include <rt/panic.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>

#define REPLIES 64u

static uint64_t replies_kept;  // bit n: Reply n stands for a kept caller
static unsigned reply_now;     // stands for the caller at hand
static uint64_t kept_badges[REPLIES];
static uint64_t badge_now;
static struct svc_credit keeps;
static cap_t endpoint;
static cap_t lent;  // of svc_session_lend

static cap_t reply_slot(unsigned number)
{
    return COMPONENT_SLOT_REPLIES + number;
}

// Another Reply than those that are kept and the one at hand, or REPLIES.
static unsigned reply_free(void)
{
    unsigned count = component_info()->reply_count;
    for (unsigned i = 0; i < count && i < REPLIES; i++) {
        if (i != reply_now && !(replies_kept >> i & 1)) {
            return i;
        }
    }
    return REPLIES;
}

cap_t svc_keep(void)
{
    unsigned next = reply_free();
    if (next == REPLIES || !svc_credit_take(&keeps, badge_now)) {
        return 0;
    }
    cap_t kept = reply_slot(reply_now);
    kept_badges[reply_now] = badge_now;
    replies_kept |= 1ull << reply_now;
    reply_now = next;
    return kept;
}

bool svc_answer(cap_t reply, struct wire_message *answer)
{
    uint64_t number = reply - COMPONENT_SLOT_REPLIES;
    replies_kept &= ~(1ull << number);
    svc_credit_give(&keeps, kept_badges[number]);
    return wire_reply(reply, answer);
}

// Mint into an empty slot.
static struct rt_status session_mint(uint64_t badge, uint64_t session, cap_t slot)
{
    const uint64_t mask = ((1ull << SVC_SESSION_BITS) - 1) << SVC_SESSION_SHIFT;
    uint64_t new = (badge & ~mask) | (session << SVC_SESSION_SHIFT & mask);
    return captable_mint(COMPONENT_SLOT_CSPACE, slot, COMPONENT_SLOT_CSPACE, endpoint,
                         RIGHT_SEND | RIGHT_GRANT, new);
}

struct rt_status svc_session_new(uint64_t badge, uint64_t session, cap_t *slot)
{
    cap_t to = rt_slot_alloc();
    if (!to) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = session_mint(badge, session, to);
    if (!rt_ok(status)) {
        rt_slots_free(to, 1);
    } else {
        *slot = to;
    }
    return status;
}

struct rt_status svc_session_lend(uint64_t badge, uint64_t session, cap_t *slot)
{
    if (!lent) {
        lent = rt_slot_alloc();
    }
    if (!lent) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    *slot = lent;
    // Empty the first time: then there is nothing to delete.
    rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, lent));
    return session_mint(badge, session, lent);
}

static void notified(const struct svc *server, uint64_t bits)
{
    if (bits & COMPONENT_PING) {
        // It cannot fail: the supervisor gave the capability.
        rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
        bits &= ~COMPONENT_PING;
    }
    if (bits && server->notified) {
        server->notified(server->context, bits);
    }
}

// Carry out one request; false: it is answered later.
static bool request_serve(const struct svc *server, uint64_t badge,
                          const struct wire_message *request, struct wire_message *answer)
{
    const struct wire_peer peer = { server->context, badge };
    bool now = true;
    badge_now = badge;
    if (svc_service(badge) < server->service_count) {
        now = server->services[svc_service(badge)](&peer, request, answer);
    } else {
        wire_refuse(request, WIRE_LABEL, answer);
    }
    wire_drop(&server->window, request);
    return now;
}

__attribute__((noreturn)) void svc_run(const struct svc *server)
{
    struct wire_message request, answer;
    bool now = false;
    endpoint = component_need(GRANT_SERVE, NULL)->slot;
    keeps.limit = server->keeps ? server->keeps : REPLIES;
    for (;;) {
        cap_t reply = reply_slot(reply_now);
        struct wire_received got = now ? wire_answer(endpoint, reply, &server->window, &answer,
                                                     &request)
                                       : wire_receive(endpoint, reply, &server->window, &request);
        now = false;
        if (got.code == WIRE_KERNEL + ERR_CANCELLED) {
            continue;  // somebody stopped this thread and let it go on
        }
        if (got.code != WIRE_OK) {
            rt_panic("receive: %s", wire_code_text(got.code));
        }
        if (got.notification) {
            notified(server, got.badge);
        } else {
            now = request_serve(server, got.badge, &request, &answer);
        }
    }
}
