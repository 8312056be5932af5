// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Credit: each client has its own, and no more.
#include "../credit.h"

#include <setjmp.h>

#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LIMIT 3u

static void each_has_its_own(void **state)
{
    (void)state;
    struct svc_credit credit = { .limit = LIMIT };
    for (uint64_t client = 1; client < SVC_CREDIT_CLIENTS; client++) {
        for (unsigned i = 0; i < LIMIT; i++) {
            // Service and session in the badge make no difference.
            assert_true(svc_credit_take(&credit, client | (uint64_t)i << 8 | (uint64_t)i << 16));
        }
        assert_false(svc_credit_take(&credit, client));
    }
    for (uint64_t client = 1; client < SVC_CREDIT_CLIENTS; client++) {
        svc_credit_give(&credit, client | 5u << 8);
        assert_true(svc_credit_take(&credit, client));
        assert_false(svc_credit_take(&credit, client));
    }
}

static void nobody_gives_what_he_has_not(void **state)
{
    (void)state;
    struct svc_credit credit = { .limit = LIMIT };
    svc_credit_give(&credit, 1);
    for (unsigned i = 0; i < LIMIT; i++) {
        assert_true(svc_credit_take(&credit, 1));
    }
    assert_false(svc_credit_take(&credit, 1));
}

static void strangers_have_none(void **state)
{
    (void)state;
    struct svc_credit credit = { .limit = LIMIT };
    assert_false(svc_credit_take(&credit, 0));
    assert_false(svc_credit_take(&credit, SVC_CREDIT_CLIENTS));
    assert_false(svc_credit_take(&credit, 0xff));
    svc_credit_give(&credit, 0);
    svc_credit_give(&credit, 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own),
        cmocka_unit_test(nobody_gives_what_he_has_not),
        cmocka_unit_test(strangers_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
