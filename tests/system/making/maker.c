// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Makes objects of what it was given, tries for more than that, and then runs a guest until it is
// killed.
#include "making.h"

#include <rt/elf.h>
#include <rt/string.h>
#include <wire/call.h>

#include <gen/rt_stubs.h>

#define MAP_AT       (COMPONENT_OWN_VADDR + (1ull << 32))
#define MODULE_AT    (COMPONENT_OWN_VADDR + (2ull << 32))
#define RWX          (PROT_READ | PROT_WRITE | PROT_EXECUTE)
#define CONTEXT_BITS 9
#define GUESTS_LIMIT 300000u

const char rt_task_name[] = "maker";

static bool refused(struct rt_status status, enum rt_error error, unsigned argument)
{
    return rt_error(status) == error && rt_blamed(status) == argument;
}

static void slot_empty(enum slot slot)
{
    rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, slot_of(slot)));  // or it is empty
}

static unsigned rights_of(cap_t slot)
{
    return (unsigned)(captable_identify(COMPONENT_SLOT_CSPACE, slot).kind_rights >> 8 & 0xff);
}

// ---- memory ------------------------------------------------------------------------------------
// Each grant is two Untypeds, whole, without rights that nobody said it has.
static void memory_is_whole(struct maker *maker, const char *name, unsigned rights)
{
    struct report *report = maker->report;
    const struct component_grant *grant = component_need(GRANT_UNTYPED, name);
    CHECK(grant->badge == 2);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(untyped_bytes(grant->slot + i) == grant->bytes / 2);
        CHECK(untyped_whole(grant->slot + i, slot_of(SLOT_SCRATCH)));
        CHECK((rights_of(grant->slot + i) & (RIGHT_PADDR | RIGHT_WX)) == rights);
    }
}

// Fresh memory, all of an Untyped in one frame: zero, whatever an earlier incarnation left there.
static void memory_is_zero(struct maker *maker)
{
    struct report *report = maker->report;
    const struct component_grant *grant = component_need(GRANT_UNTYPED, "pool");
    uint64_t bytes = grant->bytes / 2, other = 0;
    struct pool first = { grant->slot, 0 };
    struct place place = { maker->own_space, slot_of(SLOT_FRAME_HERE), MAP_AT, bytes >> PAGE_BITS,
                           PROT_READ | PROT_WRITE };
    unsigned bits = 63u - (unsigned)__builtin_clzll(bytes);
    CHECK(rt_ok(pool_make(&first, KIND_FRAME, bits, slot_of(SLOT_FRAME), 1)));
    CHECK(rt_ok(captable_copy(COMPONENT_SLOT_CSPACE, place.attached, COMPONENT_SLOT_CSPACE,
                              slot_of(SLOT_FRAME), RIGHT_ALL)));
    CHECK(rt_ok(frame_attach(place.attached, place.space)));
    CHECK(rt_ok(place_map(&place, &maker->objects, &maker->tables)));
    volatile uint64_t *words = (volatile uint64_t *)MAP_AT;
    for (uint64_t i = 0; i < bytes / sizeof(*words); i += 8) {
        other |= words[i];
        words[i] = ~0ull;
    }
    CHECK(other == 0);
}

// ---- what it may not ---------------------------------------------------------------------------
// The frame that memory_is_zero made, and one of an Untyped of its own making.
static void addresses_are_hidden(struct maker *maker)
{
    struct report *report = maker->report;
    CHECK(refused(frame_paddr(slot_of(SLOT_FRAME)).status, ERR_RIGHTS, 0));
    CHECK(rt_ok(pool_make(&maker->objects, KIND_UNTYPED, PAGE_BITS, slot_of(SLOT_SCRATCH), 1)));
    struct pool inner = { slot_of(SLOT_SCRATCH), 0 };
    CHECK(rt_ok(pool_make(&inner, KIND_FRAME, PAGE_BITS, slot_of(SLOT_SCRATCH_2), 1)));
    CHECK(refused(frame_paddr(slot_of(SLOT_SCRATCH_2)).status, ERR_RIGHTS, 0));
    slot_empty(SLOT_SCRATCH);
}

static void pages_are_not_both(struct maker *maker)
{
    struct report *report = maker->report;
    CHECK(refused(frame_map(slot_of(SLOT_FRAME_HERE), MAP_AT, 0, 1, RWX | PROT_REPLACE).status,
                  ERR_RIGHTS, 4));
    CHECK(rt_ok(aspace_protect(maker->own_space, MAP_AT, 1, PROT_READ)));
    CHECK(refused(aspace_protect(maker->own_space, MAP_AT, 1, RWX), ERR_RIGHTS, 3));
    slot_empty(SLOT_FRAME);
}

// No more than its share, by however many contexts; all of it comes back with them.
static void time_is_limited(struct maker *maker)
{
    struct report *report = maker->report;
    cap_t first = slot_of(SLOT_SCRATCH), second = slot_of(SLOT_SCRATCH_2);
    const struct component_grant *grant = component_need(GRANT_SCHED, "guests");
    CHECK(grant->badge == GUESTS_LIMIT && grant->address == 0);
    CHECK(rt_ok(pool_make(&maker->objects, KIND_SCHED_CONTEXT, CONTEXT_BITS, first, 2)));
    CHECK(refused(context_configure(maker->share, first, GUESTS_LIMIT + 10000), ERR_LIMIT, 1));
    CHECK(refused(context_configure(maker->share, first, 1000000), ERR_LIMIT, 1));
    CHECK(rt_ok(context_configure(maker->share, first, 200000)));
    CHECK(refused(context_configure(maker->share, second, 110000), ERR_LIMIT, 1));
    CHECK(rt_ok(context_configure(maker->share, second, 90000)));
    slot_empty(SLOT_SCRATCH_2);
    CHECK(rt_ok(context_configure(maker->share, first, GUESTS_LIMIT - 1000)));
    slot_empty(SLOT_SCRATCH);
    CHECK(refused(captable_mint(COMPONENT_SLOT_CSPACE, first, COMPONENT_SLOT_CSPACE, maker->share,
                                RIGHT_ALL, GUESTS_LIMIT + 1),
                  ERR_RANGE, 5));
}

// A context of its own, which nobody has used and which is not its to configure.
static void context_is_given(struct maker *maker)
{
    struct report *report = maker->report;
    const struct component_grant *turn = component_need(GRANT_CONTEXT, "turn");
    const struct component_grant *far = component_need(GRANT_CONTEXT, "far");
    struct captable_identify_result found = captable_identify(COMPONENT_SLOT_CSPACE, turn->slot);
    struct sched_context_consumed_result used = sched_context_consumed(turn->slot);
    CHECK((found.kind_rights & 0xff) == KIND_SCHED_CONTEXT && turn->address == 0);
    CHECK(rt_ok(used.status) && used.ticks == 0);
    CHECK(refused(context_configure(turn->slot, turn->slot, 200000), ERR_TYPE, 1));
    CHECK(refused(sched_context_unbind(turn->slot), ERR_STATE, 0));
    CHECK(far->address == 1 && (far->slot != 0) == (component_grant(GRANT_SCHED, "far") != NULL));
}

// A file can be read, and nothing else; one that is not there is no capability.
static void files_are_read(struct maker *maker)
{
    struct report *report = maker->report;
    const struct component_grant *file = component_need(GRANT_MODULE, "file");
    const struct component_grant *none = component_need(GRANT_MODULE, "none");
    struct place place = { maker->own_space, slot_of(SLOT_MODULE_HERE), MODULE_AT, 1, PROT_READ };
    struct captable_identify_result found = captable_identify(COMPONENT_SLOT_CSPACE, file->slot);
    CHECK(none->slot == 0 && none->bytes == 0);
    CHECK(file->bytes && file->bytes <= found.size && found.size - file->bytes < PAGE_SIZE);
    CHECK(rt_ok(captable_copy(COMPONENT_SLOT_CSPACE, place.attached, COMPONENT_SLOT_CSPACE,
                              file->slot, RIGHT_ALL)));
    CHECK(rt_ok(frame_attach(place.attached, place.space)));
    CHECK(rt_ok(place_map(&place, &maker->objects, &maker->tables)));
    CHECK(((const struct elf_header *)MODULE_AT)->magic == ELF_MAGIC);
    CHECK(refused(frame_map(place.attached, MODULE_AT, 0, 1, PROT_WRITE | PROT_REPLACE).status,
                  ERR_RIGHTS, 4));
    CHECK(refused(frame_paddr(file->slot).status, ERR_RIGHTS, 0));
}

// ---- what is given away ------------------------------------------------------------------------
static void hand(struct report *report, struct wire_message message)
{
    CHECK(wire_call(component_need(GRANT_CALL, "fence")->slot, NULL, &message) == WIRE_OK);
}

// Of the memory for code the half in which no code lies.
static void hand_on_given(struct maker *maker)
{
    struct report *report = maker->report;
    cap_t untyped = component_need(GRANT_UNTYPED, "code")->slot;
    hand(report, (struct wire_message){
                     .label = 1,
                     .cap_count = 4,
                     .caps = { untyped | CAP_MOVE, maker->share, maker->own_space,
                               component_need(GRANT_MODULE, "file")->slot },
                 });
}

static void hand_on_made(struct maker *maker)
{
    struct report *report = maker->report;
    hand(report, (struct wire_message){
                     .label = 1,
                     .cap_count = 4,
                     .caps = { slot_of(SLOT_CODE), slot_of(SLOT_ENDPOINT), slot_of(SLOT_GUEST),
                               slot_of(SLOT_GUEST_CONTEXT) },
                 });
}

// Bind a thread that the supervisor does not know to another component's notification.
static void steal(struct maker *maker)
{
    struct report *report = maker->report;
    struct wire_window window = { COMPONENT_SLOT_CSPACE, slot_of(SLOT_BELL), 1 };
    struct wire_message message = { .label = 1 };
    CHECK(wire_call(component_need(GRANT_CALL, "fence")->slot, &window, &message) == WIRE_OK);
    CHECK(rt_ok(thread_bind(slot_of(SLOT_SPINNER), slot_of(SLOT_BELL))));
}

int component_main(const struct component_info *info)
{
    struct report *report = (struct report *)component_need(GRANT_REGION, "report")->address;
    struct maker maker = {
        .report = report,
        .objects = { component_need(GRANT_UNTYPED, "pool")->slot + 1, 0 },
        .code = { component_need(GRANT_UNTYPED, "code")->slot + 1, 0 },
        .tables = slot_of(SLOT_TABLES),
        .own_space = component_need(GRANT_SPACE, NULL)->slot,
        .share = component_need(GRANT_SCHED, "guests")->slot,
        .far_share = component_grant(GRANT_SCHED, "far")
                         ? component_grant(GRANT_SCHED, "far")->slot
                         : component_need(GRANT_SCHED, "guests")->slot,
    };
    report->traps = 0;
    memory_is_whole(&maker, "pool", 0);
    memory_is_whole(&maker, "code", RIGHT_WX);
    memory_is_zero(&maker);
    addresses_are_hidden(&maker);
    pages_are_not_both(&maker);
    time_is_limited(&maker);
    context_is_given(&maker);
    files_are_read(&maker);
    guest_make(&maker);
    if (report->hand_on & HAND_ON_GIVEN) {
        hand_on_given(&maker);
    }
    if (report->hand_on & HAND_ON_MADE) {
        hand_on_made(&maker);
    }
    if (report->bell) {
        steal(&maker);
    }
    report->finished = info->generation;
    guest_serve(&maker);
}
