// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random operations on capabilities.  First one at a time, preempted wherever they can be, each
// compared with a model: the capabilities as an array of nodes that know their parent and where
// they are.  Then several at once, each preempted and resumed between steps of the others, with the
// invariants checked all the time and nothing left at the end.
#include "../forest.h"
#include "fake.h"

#define NODES     1500
#define TEMPORARY 250u  // root slots from here on name tables for one operation
#define NONE      (-1)

struct node {
    bool alive, original;
    enum kind kind;
    unsigned rights, bits;
    uint32_t aux;
    uint64_t address, badge;
    int parent;  // NONE: a root
    int table;   // the table or thread that it is in; NONE: the root table
    uint64_t slot;
};

static struct node nodes[NODES];
static int count;

// ---- the model ---------------------------------------------------------------------------------

static struct cap *place_slot(int table, uint64_t slot)
{
    if (table == NONE) {
        return root_slot(slot);
    }
    return (struct cap *)nodes[table].address + slot;
}

static int node_at(int table, uint64_t slot)
{
    for (int i = 0; i < count; i++) {
        if (nodes[i].alive && nodes[i].table == table && nodes[i].slot == slot) {
            return i;
        }
    }
    return NONE;
}

static int node_add(struct node node)
{
    int at = 0;
    while (at < count && nodes[at].alive) {
        at++;
    }
    assert_true(at < NODES);
    count = at == count ? count + 1 : count;
    node.alive = true;
    nodes[at] = node;
    return at;
}

static void kill_tree(int node);

// What is in the slots of a table or thread that is gone.
static void kill_contents(int table)
{
    for (int i = 0; i < count; i++) {
        if (!nodes[i].alive || nodes[i].table != table) {
            continue;
        }
        if (nodes[i].original || !nodes[nodes[i].parent].alive) {
            kill_tree(i);
            continue;
        }
        nodes[i].alive = false;
        for (int child = 0; child < count; child++) {
            if (nodes[child].alive && nodes[child].parent == i) {
                nodes[child].parent = nodes[i].parent;
            }
        }
    }
}

static void kill_children(int node)
{
    for (int i = 0; i < count; i++) {
        if (nodes[i].alive && nodes[i].parent == node) {
            kill_tree(i);
        }
    }
}

static void kill_tree(int node)
{
    nodes[node].alive = false;
    kill_children(node);
    if (nodes[node].original &&
        (nodes[node].kind == KIND_CAPTABLE || nodes[node].kind == KIND_THREAD)) {
        kill_contents(node);
    }
}

static void model_delete(int node)
{
    if (nodes[node].original) {
        kill_tree(node);
        return;
    }
    nodes[node].alive = false;
    for (int i = 0; i < count; i++) {
        if (nodes[i].alive && nodes[i].parent == node) {
            nodes[i].parent = nodes[node].parent;
        }
    }
}

static bool model_overlaps(int untyped, uint64_t address, uint64_t bytes)
{
    for (int i = 0; i < count; i++) {
        if (nodes[i].alive && nodes[i].original && nodes[i].parent == untyped &&
            nodes[i].address < address + bytes &&
            address < nodes[i].address + (1ull << nodes[i].bits)) {
            return true;
        }
    }
    return false;
}

static void model_reset(void)
{
    count = 0;
    node_add((struct node){ .original = true,
                            .kind = KIND_UNTYPED,
                            .rights = RIGHT_ALL,
                            .bits = ARENA_BITS,
                            .address = (uintptr_t)fake.arena,
                            .parent = NONE,
                            .table = NONE,
                            .slot = ROOT_RAM });
}

// ---- comparison --------------------------------------------------------------------------------

static const struct cap *real_parent(const struct cap *cap)
{
    if (cap->flags & CAP_IN_TREE) {
        const struct tree *tree = forest_tree(cap);
        return tree == &forest_roots ? NULL : CONTAINER_OF(tree, const struct cap, objects);
    }
    while (!((uintptr_t)cap->next & 1)) {
        cap = cap->next;
    }
    return (const struct cap *)((uintptr_t)cap->next & ~1ul);
}

static void compare_node(const struct node *node)
{
    const struct cap *cap = place_slot(node->table, node->slot);
    assert_int_equal(cap->kind, node->kind);
    assert_int_equal(cap->rights, node->rights);
    assert_int_equal(cap->address, node->address);
    assert_int_equal(cap->aux, node->aux);
    assert_int_equal(cap->flags & ~CAP_INTERNAL, node->original ? CAP_ORIGINAL | CAP_IN_TREE : 0);
    if (node->kind == KIND_ENDPOINT || node->kind == KIND_NOTIFICATION) {
        assert_int_equal(cap->badge, node->badge);
    }
    const struct cap *parent = NULL;
    if (node->parent != NONE) {
        parent = place_slot(nodes[node->parent].table, nodes[node->parent].slot);
    }
    assert_ptr_equal(real_parent(cap), parent);
}

static void compare_slots(int table, uint64_t first, uint64_t end)
{
    unsigned real = 0, model = 0;
    for (uint64_t slot = first; slot < end; slot++) {
        real += !cap_empty(place_slot(table, slot));
    }
    for (int i = 0; i < count; i++) {
        model += nodes[i].alive && nodes[i].table == table && nodes[i].slot >= first;
    }
    assert_int_equal(real, model);
}

static void compare(void)
{
    fake_check();
    compare_slots(NONE, ROOT_FREE, TEMPORARY);
    for (int i = 0; i < count; i++) {
        if (!nodes[i].alive) {
            continue;
        }
        compare_node(&nodes[i]);
        if (nodes[i].original && nodes[i].kind == KIND_CAPTABLE) {
            compare_slots(i, 1, 1ull << (nodes[i].bits - CAP_BITS));
        }
        if (nodes[i].original && nodes[i].kind == KIND_THREAD) {
            compare_slots(i, 0, FAKE_THREAD_SLOTS);
        }
    }
}

// ---- one operation at a time -------------------------------------------------------------------

// A random living node, of one kind if `kind` is not 0, an original if wanted.
static int random_node(enum kind kind, bool original)
{
    int start = (int)fake_random((uint64_t)count);
    for (int i = 0; i < count; i++) {
        int at = (start + i) % count;
        if (nodes[at].alive && (!kind || nodes[at].kind == kind) &&
            (!original || nodes[at].original)) {
            return at;
        }
    }
    return NONE;
}

struct place {
    int table;
    uint64_t slot;
};

// A slot of the root table or of another.
static struct place random_place(void)
{
    int table = fake_random(3) ? random_node(KIND_CAPTABLE, true) : NONE;
    if (table == NONE) {
        return (struct place){ NONE, ROOT_FREE + fake_random(40) };
    }
    return (struct place){ table, 1 + fake_random((1ull << (nodes[table].bits - CAP_BITS)) - 1) };
}

// A root slot that names a table for one operation.
static uint64_t name_table(int table, uint64_t temporary)
{
    if (table == NONE) {
        return ROOT_TABLE;
    }
    cap_derive(root_slot(temporary), place_slot(nodes[table].table, nodes[table].slot), RIGHT_ALL);
    return temporary;
}

static void forget_names(void)
{
    for (uint64_t slot = TEMPORARY; slot < ROOT_SLOTS; slot++) {
        assert_int_equal(cap_delete_derived(root_slot(slot)), ERR_OK);
    }
}

static enum kind random_kind(void)
{
    static const enum kind kinds[] = { KIND_UNTYPED,  KIND_UNTYPED,      KIND_CAPTABLE,
                                       KIND_CAPTABLE, KIND_CAPTABLE,     KIND_FRAME,
                                       KIND_ENDPOINT, KIND_NOTIFICATION, KIND_THREAD,
                                       KIND_PAGETABLE };
    return kinds[fake_random(sizeof(kinds) / sizeof(*kinds))];
}

static unsigned random_bits(enum kind kind)
{
    switch ((unsigned)kind) {
    case KIND_UNTYPED: return 12 + (unsigned)fake_random(6);
    case KIND_CAPTABLE: return 8 + (unsigned)fake_random(3);
    case KIND_FRAME: return 12 + (unsigned)fake_random(2);
    case KIND_ENDPOINT:
    case KIND_NOTIFICATION: return 6;
    default: return 12;
    }
}

static enum err expect_retype(const struct node *node, struct place place, uint64_t offset)
{
    const struct node *untyped = &nodes[node->parent];
    if (node->kind == KIND_UNTYPED && node->bits >= untyped->bits) {
        return err_blame(ERR_RANGE, 1);
    }
    if (offset + (1ull << node->bits) > 1ull << untyped->bits) {
        return err_blame(ERR_RANGE, 2);
    }
    if (node_at(place.table, place.slot) != NONE) {
        return err_blame(ERR_OCCUPIED, 4);
    }
    if (model_overlaps(node->parent, node->address, 1ull << node->bits)) {
        return err_blame(ERR_OVERLAP, 2);
    }
    return ERR_OK;
}

static void step_retype(void)
{
    int untyped = random_node(KIND_UNTYPED, true);
    enum kind kind = random_kind();
    unsigned bits = random_bits(kind);
    struct place place = random_place();
    uint64_t offset = fake_random(1ull << nodes[untyped].bits) >> bits << bits;
    struct node node = { .original = true,
                         .kind = kind,
                         .rights = kind == KIND_FRAME ? 0xc7 : RIGHT_ALL,
                         .bits = bits,
                         .aux = kind == KIND_FRAME ? 1u << (bits - 12) : 0,
                         .address = nodes[untyped].address + offset,
                         .parent = untyped,
                         .table = place.table,
                         .slot = place.slot };
    enum err expected = expect_retype(&node, place, offset);
    uint64_t table = name_table(place.table, TEMPORARY);
    enum err err = INVOKE(op_untyped_retype, place_slot(nodes[untyped].table, nodes[untyped].slot),
                          kind | bits << 8, offset, table, place.slot, 1);
    assert_int_equal(err, expected);
    if (!err) {
        node_add(node);
    }
}

static enum err expect_derived(int from, struct place to)
{
    if (node_at(to.table, to.slot) != NONE) {
        return err_blame(ERR_OCCUPIED, 1);
    }
    bool never = nodes[from].kind == KIND_UNTYPED || nodes[from].kind == KIND_PAGETABLE;
    return never ? err_blame(ERR_TYPE, 3) : ERR_OK;
}

// A thread's slots are filled by the kernel itself.
static void step_thread(void)
{
    int thread = random_node(KIND_THREAD, true);
    int from = random_node(KIND_EMPTY, false);
    uint64_t slot = fake_random(FAKE_THREAD_SLOTS);
    if (thread == NONE || expect_derived(from, (struct place){ thread, slot })) {
        return;
    }
    cap_derive(place_slot(thread, slot), place_slot(nodes[from].table, nodes[from].slot),
               RIGHT_ALL);
    struct node node = nodes[from];
    node.original = false;
    node.parent = from;
    node.table = thread;
    node.slot = slot;
    node_add(node);
}

// Copies name no source in a thread.
static int random_source(void)
{
    int from = random_node(KIND_EMPTY, false);
    int table = nodes[from].table;
    return table != NONE && nodes[table].kind == KIND_THREAD ? 0 : from;
}

static void step_copy(void)
{
    int from = random_source();
    struct place to = random_place();
    unsigned rights = fake_random(2) ? RIGHT_ALL : (unsigned)fake_random(256);
    bool badge = fake_random(2) && (nodes[from].kind == KIND_ENDPOINT) && !nodes[from].badge;
    struct node node = nodes[from];
    node.original = false;
    node.parent = from;
    node.table = to.table;
    node.slot = to.slot;
    node.rights &= rights;
    node.badge = badge ? 1 + fake_random(100) : node.badge;
    enum err expected = expect_derived(from, to);
    uint64_t self = name_table(to.table, TEMPORARY);
    uint64_t table = name_table(nodes[from].table, TEMPORARY + 1);
    enum err err = INVOKE(badge ? op_captable_mint : op_captable_copy, root_slot(self), to.slot,
                          table, nodes[from].slot, rights, node.badge);
    assert_int_equal(err, expected);
    if (!err) {
        node_add(node);
    }
}

static void step_move(void)
{
    int from = random_source();
    struct place to = random_place();
    if (nodes[from].parent == NONE && to.table != NONE) {
        return;  // it could be deleted with a table
    }
    enum err expected = node_at(to.table, to.slot) != NONE ? err_blame(ERR_OCCUPIED, 1) : ERR_OK;
    uint64_t self = name_table(to.table, TEMPORARY);
    uint64_t table = name_table(nodes[from].table, TEMPORARY + 1);
    enum err err = INVOKE(op_captable_move, root_slot(self), to.slot, table, nodes[from].slot);
    assert_int_equal(err, expected);
    if (!err) {
        nodes[from].table = to.table;
        nodes[from].slot = to.slot;
    }
}

static void step_delete(bool revoke)
{
    int node = random_source();
    bool root = nodes[node].parent == NONE;
    if ((root || nodes[node].kind == KIND_UNTYPED) && fake_random(root ? 40 : 4)) {
        return;
    }
    revoke |= root;
    // Who revokes a table through a name derived from it loses the name when preempted, and the
    // rest is not done.
    revoke &= nodes[node].table != node;
    uint64_t self = name_table(nodes[node].table, TEMPORARY);
    enum err err = INVOKE(revoke ? op_captable_revoke : op_captable_delete, root_slot(self),
                          nodes[node].slot);
    assert_int_equal(err, ERR_OK);
    if (revoke) {
        kill_children(node);
    } else {
        model_delete(node);
    }
}

static void step(void)
{
    switch (fake_random(12)) {
    case 0:
    case 1:
    case 2:
    case 3: step_retype(); break;
    case 4:
    case 5:
    case 6: step_copy(); break;
    case 7:
    case 8: step_move(); break;
    case 9: step_thread(); break;
    case 10: step_delete(true); break;
    default: step_delete(false); break;
    }
    forget_names();
}

static void test_against_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        fake_setup();
        model_reset();
        fake.random ^= seed << 32;
        fake.check_every = 40;
        for (unsigned i = 0; i < 1500; i++) {
            fake.preempt_every = (unsigned)fake_random(4);
            step();
            compare();
        }
        assert_true(fake.destroyed > 50 && fake.cleared > 5);
        fake_teardown();
    }
}

// ---- several at once ----------------------------------------------------------------------------

#define PENDING 6

struct pending {
    enum err (*op)(struct invocation *);  // NULL: none
    uint64_t self;                        // root slot
    struct invocation inv;
};

static struct pending pending[PENDING];
static struct cap *tables[NODES];
static unsigned table_count;

// All tables that can be named.
static void find_tables(const struct tree *tree)
{
    for (struct cap *cap = forest_next(tree, 0); cap; cap = forest_next(tree, cap->address + 1)) {
        if (cap->kind == KIND_CAPTABLE && !(cap->flags & (CAP_MARKED | CAP_EMBRYO))) {
            tables[table_count++] = cap;
        }
        if (cap->kind == KIND_UNTYPED) {
            find_tables(&cap->objects);
        }
    }
}

// Name a random table in root slot `name`, and return a random slot of it.
static uint64_t random_table(uint64_t name)
{
    struct cap *table = tables[fake_random(table_count)];
    if (fake_random(3) == 0) {
        table = root_slot(ROOT_TABLE);
    }
    cap_derive(root_slot(name), table, RIGHT_ALL);
    uint64_t slots = table->bits == 14 ? 40 : 1ull << (table->bits - CAP_BITS);
    return 1 + fake_random(slots - 1);
}

static void begin(struct pending *op, uint64_t name)
{
    table_count = 1;
    tables[0] = root_slot(ROOT_TABLE);
    find_tables(&forest_roots);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(cap_delete_derived(root_slot(name + i)), ERR_OK);
    }
    uint64_t to = random_table(name), from = random_table(name + 1);
    enum kind kind = random_kind();
    unsigned bits = random_bits(kind);
    op->self = name;
    op->inv = (struct invocation){ .thread = fake.thread,
                                   .words = { to, name + 1, from, RIGHT_ALL } };
    switch (fake_random(10)) {
    case 0: op->op = op_captable_copy; break;
    case 1: op->op = op_captable_move; break;
    case 2: op->op = op_captable_delete; break;
    case 3: op->op = op_captable_revoke; break;
    default: {
        uint64_t untyped = 1 + fake_random(39);
        if (root_slot(untyped)->kind != KIND_UNTYPED) {
            untyped = ROOT_RAM;
        }
        uint64_t offset = fake_random(1ull << root_slot(untyped)->bits) >> bits << bits;
        op->op = op_untyped_retype;
        op->self = untyped;
        op->inv = (struct invocation){ .thread = fake.thread,
                                       .words = { kind | bits << 8, offset, name + 1, from, 1 } };
    }
    }
    // The root authorities stay where the test can find them.
    bool root = root_slot(name)->address == root_slot(ROOT_TABLE)->address && to < ROOT_FREE;
    root |= root_slot(name + 1)->address == root_slot(ROOT_TABLE)->address && from < ROOT_FREE;
    if (root && op->op != op_captable_copy && op->op != op_captable_revoke) {
        op->op = NULL;
    }
    if (op->op == op_captable_revoke && root && fake_random(10)) {
        op->op = NULL;
    }
}

static void resume(struct pending *op)
{
    struct cap *self;
    enum err err = cap_lookup(fake.thread, op->self, &self);
    op->inv.self = self;
    if (err) {
        err = fake_random(2) ? cap_drain() : ERR_OK;  // may never come back
    } else {
        err = self->kind == KIND_UNTYPED || op->op != op_untyped_retype ? op->op(&op->inv) : ERR_OK;
    }
    if (err != ERR_PREEMPTED) {
        op->op = NULL;
    }
}

static void test_interleaved(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        fake_setup();
        memset(pending, 0, sizeof(pending));
        fake.random ^= seed << 32;
        fake.destroy_steps = 2;
        for (unsigned i = 0; i < 12000; i++) {
            uint64_t which = fake_random(PENDING);
            struct pending *op = &pending[which];
            fake.preempt_every = 1 + (unsigned)fake_random(4);
            if (op->op) {
                resume(op);
            } else {
                begin(op, TEMPORARY - 2 * PENDING + 2 * which);
            }
            if (i % 4 == 0) {
                fake_check();
            }
        }
        assert_true(fake.destroyed > 100);
        for (unsigned i = 0; i < PENDING; i++) {
            while (pending[i].op) {
                resume(&pending[i]);
            }
        }
        fake_teardown();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_model),
        cmocka_unit_test(test_interleaved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
