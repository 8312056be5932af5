// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Deletion, revocation and destruction.  Everything is done in bounded steps between which an
// interrupt may preempt and others may delete, revoke, copy and move as they like; what is left to
// do is all in the structures, so whoever comes next goes on. Nothing recurses.  Owns the list of
// buried tables, guarded by the kernel lock.
//
// Revoking a list (revoke_list).  The first child, if not marked, is marked and put last, its own
// children in front.  A marked one at the front is deleted.  It ends: marked capabilities cannot be
// copied, so each is marked once and deleted once, and only unmarked descendants can be copied
// meanwhile, into a finite number of slots.  Marking is by an order cheaper than the system call
// that copies, and all are marked before the first of them is deleted, so one who copies at the
// same rate loses ground.  Where several CPUs copy, each time that one who revokes lets them have
// the lock (`meanwhile`), they make at most half as many copies as it has marked, and then wait
// until it has had its turn.
//
// Destroying a table.  Its slots may hold originals of anything: of further tables without bound,
// of the Untyped that the table itself was made from, of a table that holds this one's original. So
// a table is *buried*: its original is moved into its own slot 0, where the header was.  So the
// slot of the original is empty at once, whatever table it was in, and the table waits in the list
// of buried tables (`buried`).  First what is derived from it is deleted, so that nobody can name
// its slots; then they are emptied.  A table found in one of them is buried itself.  Each table is
// buried once; so the list comes to an end, and tables that hold each other need no care.
//
// Destroying an Untyped in a slot of a buried table.  All objects that were made from it are
// destroyed, but its tables are only buried: one of them may be the very table that the slot is in.
// The Untyped cannot wait for them.  It *dissolves*: its first table, the heir, takes its place in
// the tree above, keeps its whole range occupied, and has the other tables as its own children. So
// no byte of the range can be used again before all of them are finished, and the last of them
// frees it.
//
// Whoever deletes an original ends with cap_drain: its own tables are finished when it returns, at
// the price of helping with those of others that were preempted.  If a deleter never comes back (a
// thread that destroyed itself, or the table through which it named what it was deleting), its
// tables stay buried, in the tree of their Untyped, until somebody else drains: the next to delete
// an original, to revoke an Untyped with one of them, or to retype over one of them.
#include "captable.h"
#include "forest.h"
#include "preempt.h"

#include <hal/cpu.h>

#define WAITS_PER_CPU 4u  // the lock comes back within one, if its CPU asks for it at once

static struct cap *buried;  // their slots 0, linked by `below`

// Since a revocation last let others in: copies that they may still make, and how often one more is
// to wait.  A lock that is fair comes back to who revokes before that; if it did not go on, others
// do.
static struct {
    unsigned copies, waits;
} meanwhile;

bool cap_derive_waits(unsigned count)
{
    if (LIKELY(!meanwhile.waits)) {
        return false;
    }
    if (meanwhile.copies >= count) {
        meanwhile.copies -= count;
        return false;
    }
    meanwhile.waits--;
    return true;
}

static bool is_buried(const struct cap *cap)
{
    return cap->kind == KIND_CAPTABLE && cap->flags & CAP_BURIED;
}

// Empty the slot of a capability that has left the forest.
static void slot_release(struct cap *cap)
{
    unsigned slot = cap->flags & CAP_INTERNAL ? cap->flags & (CAP_INTERNAL | CAP_PLAIN) : 0;
    cap_clear(cap);
    cap->flags = (uint8_t)slot;
    if (slot == CAP_INTERNAL) {
        object_internal_cleared(cap);
    }
}

enum err cap_delete_derived(struct cap *cap)
{
    if (cap_empty(cap)) {
        return ERR_OK;
    }
    ASSERT(!(cap->flags & CAP_ORIGINAL));
    cap->flags |= CAP_MARKED;  // so that nothing new hangs on it
    if (cap->flags & CAP_ATTACHED) {
        enum err err = object_detach(cap);
        if (err) {
            return err;
        }
    }
    forest_unlink(cap);
    slot_release(cap);
    return ERR_OK;
}

// Move an original into the memory of its object, which is over, and let it wait in the list.
static struct cap *original_bury(struct cap *original)
{
    struct cap *grave = (struct cap *)original->address;
    cap_move(grave, original);
    grave->flags |= CAP_BURIED;
    grave->below = buried;
    buried = grave;
    return grave;
}

// Nothing but its place in the tree is left of a thread that destroyed itself, and it cannot be
// asked to come back for that: it waits as a table that is empty.
static enum err self_bury(struct cap *original)
{
    struct cap *grave = original_bury(original);
    grave->kind = KIND_CAPTABLE;
    grave->rights = CAP_BITS;
    grave->aux = 1;
    return preempt_point(PREEMPT_WORK) ? ERR_PREEMPTED : ERR_OK;
}

// An original without descendants: destroy its object.
static enum err original_destroy(struct cap *cap)
{
    while (!(cap->flags & CAP_EMBRYO)) {
        enum err err = object_destroy_step(cap);
        if (!err) {
            break;
        }
        if (err == ERR_BLOCKED) {
            return self_bury(cap);
        }
        if (err != ERR_AGAIN) {
            return err;
        }
        if (preempt_point(PREEMPT_WORK)) {
            return ERR_PREEMPTED;
        }
    }
    forest_unlink(cap);
    cap_clear(cap);
    preempt_work(40);
    return ERR_OK;
}

// See above.  Children that are originals themselves (interrupt handlers, ports) may have been
// marked by their own deletion, and still have children.
static enum err revoke_list(struct cap *cap)
{
    unsigned marked = 0;
    while (forest_has_list(cap) && cap->child) {
        struct cap *first = cap->child;
        bool original = first->flags & CAP_ORIGINAL;
        if (!(first->flags & CAP_MARKED) || (original && first->child)) {
            first->flags |= CAP_MARKED;
            forest_flatten_first(cap);
            marked++;
        } else {
            enum err err = original ? original_destroy(first) : cap_delete_derived(first);
            if (err) {
                return err;
            }
        }
        if (preempt_point(12)) {
            meanwhile.copies = marked / 2;
            meanwhile.waits = marked ? WAITS_PER_CPU * (hal_cpu_count - 1) : 0;
            return ERR_PREEMPTED;
        }
    }
    meanwhile.waits = 0;
    return ERR_OK;
}

static void table_bury(struct cap *original)
{
    struct cap *grave = original_bury(original);
    grave->flags |= CAP_NAMED;
    grave->aux = 1u << (grave->bits - CAP_BITS);
}

// Delete all names of a buried table.
static enum err table_unname(struct cap *grave)
{
    enum err err = revoke_list(grave);
    if (err) {
        return err;
    }
    grave->flags &= (uint8_t)~CAP_NAMED;
    grave->rights = grave->bits;
    grave->aux = 1;
    grave->objects.root = NULL;
    return ERR_OK;
}

// Delete an original that is no Untyped; a table is only buried.
static enum err original_delete(struct cap *cap)
{
    cap->flags |= CAP_MARKED;
    if (cap->kind == KIND_CAPTABLE && !(cap->flags & CAP_EMBRYO)) {
        table_bury(cap);
        return ERR_OK;
    }
    enum err err = revoke_list(cap);
    return err ? err : original_destroy(cap);
}

// A marked Untyped leaves its tree and its slot.
static void untyped_leave(struct cap *untyped)
{
    struct tree *tree = forest_tree(untyped);
    tree_remove(tree, &untyped->by_address, CAP_BY_ADDRESS_KEY);
    struct cap *above = CONTAINER_OF(tree, struct cap, objects);
    if (tree != &forest_roots && above->inner == untyped) {
        above->inner = NULL;
    }
    cap_clear(untyped);
}

// One step of dissolving a marked Untyped whose children are all buried tables.  True when it is
// gone.
static bool untyped_dissolve_step(struct cap *untyped)
{
    struct cap *heir = forest_next(&untyped->objects, 0);
    if (!heir) {
        untyped_leave(untyped);
        return true;
    }
    struct cap *other = forest_next(&untyped->objects, heir->address + 1);
    if (other) {
        tree_remove(&untyped->objects, &other->by_address, CAP_BY_ADDRESS_KEY);
        tree_insert(&heir->objects, &other->by_address, CAP_BY_ADDRESS_KEY);
        return false;
    }
    struct tree *above = forest_tree(untyped);
    heir->address = untyped->address;
    heir->bits = untyped->bits;
    untyped_leave(untyped);
    tree_insert(above, &heir->by_address, CAP_BY_ADDRESS_KEY);
    return true;
}

// Destroy what was made from an Untyped, but for tables, which are buried and lose their names.
// `progress` is the address below which all children are such tables; while it is not 0 the Untyped
// refuses retype, so none is added there.  Untypeds made from it are descended into, each smaller
// than the one above, and dissolved; `inner` leads to the deepest one without a look-up, so that
// coming back costs little however deep it is.
static enum err untyped_clear(struct cap *top)
{
    for (;;) {
        struct cap *untyped = top;
        while (untyped->inner) {
            untyped = untyped->inner;
        }
        if (!untyped->progress) {
            untyped->progress = untyped->address;
        }
        struct cap *child = forest_next(&untyped->objects, untyped->progress);
        if (!child && untyped == top) {
            return ERR_OK;
        }
        enum err err = ERR_OK;
        if (!child) {
            untyped_dissolve_step(untyped);
        } else if (child->kind == KIND_UNTYPED) {
            child->flags |= CAP_MARKED;
            untyped->inner = child;
        } else if (!is_buried(child)) {
            err = original_delete(child);
        } else if (child->flags & CAP_NAMED) {
            err = table_unname(child);
        } else {
            untyped->progress = child->address + 1;
        }
        if (err) {
            return err;
        }
        if (preempt_point(60)) {
            return ERR_PREEMPTED;
        }
    }
}

// Empty a slot of a buried table.
static enum err slot_empty(struct cap *cap)
{
    if (!(cap->flags & CAP_ORIGINAL)) {
        return cap_delete_derived(cap);
    }
    if (cap->kind != KIND_UNTYPED) {
        return original_delete(cap);
    }
    cap->flags |= CAP_MARKED;
    enum err err = untyped_clear(cap);
    while (!err && !untyped_dissolve_step(cap)) {
        err = preempt_point(60) ? ERR_PREEMPTED : ERR_OK;
    }
    return err;
}

// All slots of the first buried table are empty.  It leaves the tree, unless its range covers
// tables that are not finished; these bring it back as they finish.
static void table_finish(struct cap *grave)
{
    buried = grave->below;
    grave->below = grave;
    if (grave->objects.root) {
        return;
    }
    struct tree *tree = grave->flags & CAP_IN_TREE ? forest_tree(grave) : &forest_roots;
    preempt_work(40);
    forest_unlink(grave);
    if (tree == &forest_roots) {
        return;
    }
    struct cap *above = CONTAINER_OF(tree, struct cap, objects);
    if (is_buried(above) && above->below == above) {
        above->below = buried;
        buried = above;
    }
}

// One step with the first buried table.
static enum err drain_step(void)
{
    struct cap *grave = buried;
    ASSERT(grave);
    if (grave->flags & CAP_NAMED) {
        return table_unname(grave);
    }
    if (grave->aux == 1u << (grave->rights - CAP_BITS)) {
        table_finish(grave);
        return ERR_OK;
    }
    struct cap *slot = grave + grave->aux;
    enum err err = cap_empty(slot) ? ERR_OK : slot_empty(slot);
    if (!err) {
        grave->aux++;
    }
    return err;
}

enum err cap_drain(void)
{
    while (buried) {
        enum err err = drain_step();
        if (err) {
            return err;
        }
        if (preempt_point(16)) {
            return ERR_PREEMPTED;
        }
    }
    return ERR_OK;
}

// The Untyped may sit in a table that was made from it, and dissolve on the way: its slot is then
// empty.
static enum err untyped_revoke(struct cap *untyped)
{
    enum err err = untyped_clear(untyped);
    while (!err && !cap_empty(untyped) && untyped->objects.root) {
        err = drain_step();
        if (!err && preempt_point(16)) {
            err = ERR_PREEMPTED;
        }
    }
    if (err) {
        return err;
    }
    if (cap_empty(untyped)) {
        return cap_drain();
    }
    untyped->progress = 0;
    return ERR_OK;
}

enum err cap_revoke(struct cap *cap)
{
    return cap->kind == KIND_UNTYPED ? untyped_revoke(cap) : revoke_list(cap);
}

enum err cap_delete(struct cap *cap)
{
    if (!(cap->flags & CAP_ORIGINAL)) {
        return cap_delete_derived(cap);
    }
    enum err err;
    if (cap->kind != KIND_UNTYPED) {
        err = original_delete(cap);
    } else {
        cap->flags |= CAP_MARKED;
        err = untyped_revoke(cap);
        if (!err && !cap_empty(cap)) {
            untyped_leave(cap);
        }
    }
    return err ? err : cap_drain();
}
