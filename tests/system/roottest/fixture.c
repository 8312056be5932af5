// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Objects and bad arguments for tests.
#include "fixture.h"

#include <rt/panic.h>
#include <rt/slots.h>

static cap_t never_filled, an_endpoint, a_notification;

static unsigned usual_bits(enum rt_kind kind)
{
    static const uint8_t bits[KIND_COUNT] = {
#define KIND(number, NAME, name, min_bits, max_bits, text) [KIND_##NAME] = (min_bits),
#include <abi/kinds.def>
#undef KIND
    };
    return bits[kind];
}

cap_t make_sized(enum rt_kind kind, unsigned bits)
{
    cap_t slot = 0;
    struct rt_status status = rt_object_new(kind, bits, &slot);
    if (!rt_ok(status)) {
        rt_panic("no object of kind %u: error %u, argument %u", kind, rt_error(status),
                 rt_blamed(status));
    }
    return slot;
}

cap_t make(enum rt_kind kind)
{
    return make_sized(kind, kind == KIND_CAPTABLE ? TABLE_BITS : usual_bits(kind));
}

cap_t derive(cap_t from, unsigned rights)
{
    cap_t slot = 0;
    EXPECT_OK(rt_cap_copy(from, rights, &slot));
    return slot;
}

cap_t mint(cap_t from, unsigned rights, uint64_t badge)
{
    cap_t slot = 0;
    EXPECT_OK(rt_cap_mint(from, rights, badge, &slot));
    return slot;
}

cap_t empty_slot(void)
{
    return never_filled;
}

cap_t wrong_kind(enum rt_kind right)
{
    return right == KIND_ENDPOINT ? a_notification : an_endpoint;
}

void fixtures_make(void)
{
    never_filled = rt_slot_alloc();
    an_endpoint = make(KIND_ENDPOINT);
    a_notification = make(KIND_NOTIFICATION);
}

void fixtures_delete(void)
{
    rt_slots_free(never_filled, 1);
    rt_object_delete(an_endpoint);
    rt_object_delete(a_notification);
}

unsigned op_length(unsigned op)
{
    switch (op) {
#define LENGTH_ROW(KIND, kind, number, name, arguments, results) \
 case KIND_##KIND << 8 | (number): return arguments;
        OP_TABLE(LENGTH_ROW)  // NOLINT(bugprone-branch-clone): a table
    default: return 0;
    }
}

struct rt_status invoke(unsigned op, cap_t self, struct ipc_words words)
{
    return rt_invoke(self, TAG(op, op_length(op), 0), &words);
}

void refuse_at(const struct attempt *attempt, enum rt_error error, unsigned argument)
{
    test_check_error(attempt->op, invoke(attempt->op, attempt->self, attempt->words),
                     rt_refuse(error, argument), attempt->where);
}

static void refuse_word(struct attempt attempt, unsigned argument, uint64_t word,
                        enum rt_error error)
{
    attempt.words.word[argument - 1] = word;
    refuse_at(&attempt, error, argument);
}

void refuse_cap_kind_at(const struct attempt *attempt, unsigned argument)
{
    struct captable_identify_result good = captable_identify(CSPACE,
                                                             attempt->words.word[argument - 1]);
    EXPECT_OK(good.status);
    refuse_word(*attempt, argument, never_filled, ERR_SLOT);
    refuse_word(*attempt, argument, SLOT_OUTSIDE, ERR_SLOT);
    refuse_word(*attempt, argument, wrong_kind((enum rt_kind)(good.kind_rights & 0xff)), ERR_TYPE);
}

void refuse_cap_at(const struct attempt *attempt, unsigned argument)
{
    cap_t weak = derive(attempt->words.word[argument - 1], 0);
    refuse_cap_kind_at(attempt, argument);
    refuse_word(*attempt, argument, weak, ERR_RIGHTS);
    rt_cap_delete(weak);
}

void refuse_rights_at(const struct attempt *attempt)
{
    struct attempt weak = *attempt;
    weak.self = derive(attempt->self, 0);
    refuse_at(&weak, ERR_RIGHTS, 0);
    rt_cap_delete(weak.self);
}
