// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Finding by number, against an array.
#include "../idtable.h"

#include <setjmp.h>

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NUMBERS 5000u  // several in each bucket

static struct idtable table;
static struct id_entry entries[NUMBERS];
static bool there[NUMBERS];

static void numbers_are_found(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (unsigned round = 0; round < 200000; round++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t id = (uint32_t)(random >> 33) % NUMBERS;
        struct id_entry *found = idtable_find(&table, id);
        assert_ptr_equal(found, there[id] ? &entries[id] : NULL);
        if (found) {
            idtable_remove(found);
        } else {
            idtable_add(&table, &entries[id], id);
        }
        there[id] = !there[id];
    }
}

static void nothing_is_taken_out_twice(void **state)
{
    (void)state;
    static struct idtable own;
    struct id_entry one = { 0 }, other = { 0 };
    idtable_remove(&one);
    idtable_add(&own, &one, 1);
    idtable_add(&own, &other, 1 + IDTABLE_BUCKETS);
    idtable_remove(&one);
    idtable_remove(&one);
    assert_null(idtable_find(&own, 1));
    assert_ptr_equal(idtable_find(&own, 1 + IDTABLE_BUCKETS), &other);
    assert_null(idtable_find(&own, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found),
        cmocka_unit_test(nothing_is_taken_out_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
