// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Balanced trees against a sorted array.
#include "fake.h"

#include <kernel/tree.h>

#define ITEMS 300

struct item {
    uint64_t key;
    struct tree_node node;
    bool in;
};
#define KEY ((ptrdiff_t)offsetof(struct item, key) - (ptrdiff_t)offsetof(struct item, node))

static struct item items[ITEMS];  // in order of their keys

static struct item *item_of(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct item, node) : NULL;
}

static void items_reset(void)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        items[i] = (struct item){ .key = 1 + i * 10ull };
    }
    items[ITEMS - 1].key = UINT64_MAX;
}

static void compare(const struct tree *tree)
{
    tree_check(tree, KEY);
    struct item *below = NULL;
    for (unsigned i = 0; i < ITEMS; i++) {
        assert_ptr_equal(item_of(tree_find_le(tree, items[i].key - 1, KEY)), below);
        if (items[i].in) {
            below = &items[i];
        }
        assert_ptr_equal(item_of(tree_find_le(tree, items[i].key, KEY)), below);
    }
    struct item *above = NULL;
    for (unsigned i = ITEMS; i-- > 0;) {
        if (items[i].key != UINT64_MAX) {
            assert_ptr_equal(item_of(tree_find_ge(tree, items[i].key + 1, KEY)), above);
        }
        if (items[i].in) {
            above = &items[i];
        }
        assert_ptr_equal(item_of(tree_find_ge(tree, items[i].key, KEY)), above);
    }
}

static void toggle(struct tree *tree, struct item *item)
{
    if (item->in) {
        tree_remove(tree, &item->node, KEY);
    } else {
        tree_insert(tree, &item->node, KEY);
    }
    item->in = !item->in;
}

static void test_empty_tree_finds_nothing(void **state)
{
    (void)state;
    struct tree tree = { NULL };
    assert_null(tree_find_le(&tree, UINT64_MAX, KEY));
    assert_null(tree_find_ge(&tree, 0, KEY));
    tree_check(&tree, KEY);
}

static void test_ascending_and_descending(void **state)
{
    (void)state;
    struct tree tree = { NULL };
    items_reset();
    for (unsigned i = 0; i < ITEMS; i++) {
        toggle(&tree, &items[i]);
    }
    compare(&tree);
    for (unsigned i = 0; i < ITEMS; i += 2) {
        toggle(&tree, &items[i]);
    }
    compare(&tree);
    for (unsigned i = ITEMS; i-- > 0;) {
        if (items[i].in) {
            toggle(&tree, &items[i]);
        }
    }
    assert_null(tree.root);
    for (unsigned i = ITEMS; i-- > 0;) {
        toggle(&tree, &items[i]);
    }
    compare(&tree);
}

static void test_random(void **state)
{
    (void)state;
    struct tree tree = { NULL };
    items_reset();
    for (unsigned step = 0; step < 6000; step++) {
        toggle(&tree, &items[fake_random(step < 3000 ? ITEMS : ITEMS / 8)]);
        if (step % 8 == 0) {
            compare(&tree);
        } else {
            tree_check(&tree, KEY);
        }
    }
}

int main(void)
{
    fake_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_tree_finds_nothing),
        cmocka_unit_test(test_ascending_and_descending),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
