// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The loop of a server.  One thread receives on the component's endpoint, over which all services
// of the component come, and learns of its notification there too.  Generated code refuses every
// wrong message before a handler sees it; answers may come later.
//
// The badge of a capability says who calls and what: bits 0-7 are the number of the client
// component, which the supervisor gave, bits 8-15 the service (its place in the description's
// `serves`), bits 16-55 are the server's own: a session; bits 56-63 say which server it is.
#pragma once

#include <rt/component.h>
#include <wire/call.h>

#define SVC_SERVICE_SHIFT 8
#define SVC_SESSION_SHIFT 16
#define SVC_SESSION_BITS  40
#define SVC_CLIENTS       64u  // numbers of client components are below this

static inline unsigned svc_client(uint64_t badge)
{
    return (unsigned)(badge & 0xff);
}

static inline unsigned svc_service(uint64_t badge)
{
    return (unsigned)(badge >> SVC_SERVICE_SHIFT & 0xff);
}

static inline uint64_t svc_session(uint64_t badge)
{
    return badge >> SVC_SESSION_SHIFT & ((1ull << SVC_SESSION_BITS) - 1);
}

// One service: calls the generated NAME_serve with the server's handlers.  False: a handler gave
// WIRE_LATER and has kept the Reply.
typedef bool svc_serve(const struct wire_peer *peer, const struct wire_message *request,
                       struct wire_message *answer);

struct svc {
    unsigned service_count;
    svc_serve *const *services;  // by their numbers
    // The component's notification fired: interrupts, timers, signals (without COMPONENT_PING,
    // which the loop answers itself).  NULL: nothing to be done.
    void (*notified)(void *context, uint64_t bits);
    void *context;              // the services' peers carry it too
    unsigned keeps;             // callers of one client that may be kept at once; 0: any number
    struct wire_window window;  // where capabilities of requests arrive; count 0: none may
};

// Serve until the end of the component.  Panics where the component serves nothing.
__attribute__((noreturn)) void svc_run(const struct svc *server);

// In a handler that will give WIRE_LATER: keep the caller of the request at hand; gives the Reply
// to answer it with, or 0 where all Replies of the component are taken, or all that this client may
// have (then give an error).
cap_t svc_keep(void);
// Answer a kept caller; its Reply can be kept again.  False: the caller waits no more.  Never
// blocks.
bool svc_answer(cap_t reply, struct wire_message *answer);

// A capability for a session: the server's endpoint with `session` in the badge, for this client
// and service, in a slot of its own.  LIMIT: no slot.
struct rt_status svc_session_new(uint64_t badge, uint64_t session, cap_t *slot);
// The same for an answer that copies it: the slot is used again by the next call of this.
struct rt_status svc_session_lend(uint64_t badge, uint64_t session, cap_t *slot);
