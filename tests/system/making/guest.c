// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A guest that makes one system call after the other, and a thread of the component's own that
// counts.
#include "making.h"

#include <rt/clock.h>
#include <rt/string.h>
#include <rt/tls.h>

#include <gen/rt_stubs.h>

#define ASPACE_BITS   13
#define THREAD_BITS   12
#define CONTEXT_BITS  9
#define ENDPOINT_BITS 6

#define PERIOD      10000000ull  // nanoseconds
#define GUEST_SHARE 150000u
#define SPIN_SHARE  50000u
#define GUEST_BADGE 7u
#define PRIORITY    10
#define GUEST_CODE  0x400000ull
#define OWN_CODE    COMPONENT_OWN_VADDR
#define SPIN_OFFSET 16u
#define FLAGS_IF    0x200ull

// syscall; jmp back to it.  At SPIN_OFFSET: lock incq (%rdi); jmp back to it.
static const unsigned char code[] = { 0x0f, 0x05, 0xeb, 0xfc, [SPIN_OFFSET] = 0xf0,
                                      0x48, 0xff, 0x07, 0xeb, 0xfa };

cap_t slot_of(enum slot slot)
{
    return component_info()->free_slot + (cap_t)slot;
}

struct rt_status context_configure(cap_t share, cap_t context, uint64_t millionths)
{
    uint64_t period = rt_ticks(PERIOD, rt_clock_hz());
    return sched_context_configure(context, share, period * millionths / 1000000, period);
}

static struct rt_status derive(cap_t from, enum slot to, unsigned rights)
{
    return captable_copy(COMPONENT_SLOT_CSPACE, slot_of(to), COMPONENT_SLOT_CSPACE, from, rights);
}

// One page of code in both spaces, written here.
static void code_map(struct maker *maker)
{
    struct report *report = maker->report;
    struct place here = { maker->own_space, slot_of(SLOT_CODE_HERE), OWN_CODE, 1,
                          PROT_READ | PROT_WRITE | PROT_EXECUTE };
    struct place there = { slot_of(SLOT_SPACE), slot_of(SLOT_CODE_THERE), GUEST_CODE, 1,
                           PROT_READ | PROT_EXECUTE };
    CHECK(rt_ok(pool_make(&maker->code, KIND_FRAME, PAGE_BITS, slot_of(SLOT_CODE), 1)));
    CHECK(rt_ok(derive(slot_of(SLOT_CODE), SLOT_CODE_HERE, RIGHT_ALL)));
    CHECK(rt_ok(derive(slot_of(SLOT_CODE), SLOT_CODE_THERE, RIGHT_READ | RIGHT_EXECUTE)));
    CHECK(rt_ok(frame_attach(here.attached, here.space)));
    CHECK(rt_ok(frame_attach(there.attached, there.space)));
    CHECK(rt_ok(place_map(&here, &maker->objects, &maker->tables)));
    CHECK(rt_ok(place_map(&there, &maker->objects, &maker->tables)));
    memcpy((void *)OWN_CODE, code, sizeof(code));
}

// A thread on a share of the time, with its registers.
struct thread_parts {
    enum slot thread, context;
    cap_t cspace, space, fault, share;
    uint64_t flags, millionths;
};

static void thread_start(struct maker *maker, const struct thread_parts *parts,
                         const struct thread_regs *regs)
{
    struct report *report = maker->report;
    cap_t thread = slot_of(parts->thread), context = slot_of(parts->context);
    CHECK(rt_ok(pool_make(&maker->objects, KIND_THREAD, THREAD_BITS, thread, 1)));
    CHECK(rt_ok(pool_make(&maker->objects, KIND_SCHED_CONTEXT, CONTEXT_BITS, context, 1)));
    CHECK(rt_ok(thread_configure(thread, parts->cspace, parts->space, parts->fault, 0,
                                 parts->flags)));
    CHECK(rt_ok(thread_set_priority(thread, PRIORITY, PRIORITY)));
    CHECK(rt_ok(context_configure(parts->share, context, parts->millionths)));
    CHECK(rt_ok(sched_context_bind(context, thread, SCHED_OWN)));
    memcpy(rt_buffer()->words, regs, sizeof(*regs));
    CHECK(rt_ok(thread_write_regs(thread)));
    CHECK(rt_ok(thread_resume(thread)));
}

void guest_make(struct maker *maker)
{
    struct report *report = maker->report;
    const struct thread_parts guest = {
        .thread = SLOT_GUEST,
        .context = SLOT_GUEST_CONTEXT,
        .space = slot_of(SLOT_SPACE),
        .fault = slot_of(SLOT_FAULT),
        .share = maker->share,
        .flags = THREAD_GUEST,
        .millionths = GUEST_SHARE,
    };
    const struct thread_parts spinner = {
        .thread = SLOT_SPINNER,
        .context = SLOT_SPINNER_CONTEXT,
        .cspace = COMPONENT_SLOT_CSPACE,
        .space = maker->own_space,
        .share = maker->far_share,
        .millionths = SPIN_SHARE,
    };
    const struct thread_regs guest_regs = { .rip = GUEST_CODE, .rflags = FLAGS_IF };
    const struct thread_regs spinner_regs = { .rip = OWN_CODE + SPIN_OFFSET,
                                              .rflags = FLAGS_IF,
                                              .rdi = (uint64_t)&report->spins };
    CHECK(rt_ok(pool_make(&maker->objects, KIND_ADDRESS_SPACE, ASPACE_BITS, slot_of(SLOT_SPACE),
                          1)));
    CHECK(rt_ok(pool_make(&maker->objects, KIND_ENDPOINT, ENDPOINT_BITS, slot_of(SLOT_ENDPOINT),
                          1)));
    CHECK(rt_ok(captable_mint(COMPONENT_SLOT_CSPACE, slot_of(SLOT_FAULT), COMPONENT_SLOT_CSPACE,
                              slot_of(SLOT_ENDPOINT), RIGHT_SEND, GUEST_BADGE)));
    code_map(maker);
    thread_start(maker, &spinner, &spinner_regs);
    thread_start(maker, &guest, &guest_regs);
}

void guest_serve(const struct maker *maker)
{
    struct report *report = maker->report;
    for (;;) {
        struct ipc_words words;
        struct ipc_result got = ipc_recv(slot_of(SLOT_ENDPOINT), 0, &words);
        if (!rt_ok(got.status) || got.tag & TAG_NOTIFICATION) {
            continue;
        }
        CHECK(got.badge == GUEST_BADGE && tag_label(got.tag) >> 32 == GUEST_SYSCALL);
        report->traps++;
        words.word[0] = 0;
        CHECK(rt_ok(ipc_reply(slot_of(SLOT_GUEST), TAG(GUEST_RESULT, 1, 0), &words)));
    }
}
