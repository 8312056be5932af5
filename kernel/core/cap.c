// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// From numbers that a user gave to capabilities (object.h).  Called by every system call; the fast
// path has its own look-up. Relies on the kernel lock.
#include "captable.h"
#include "thread.h"

enum err cap_lookup(struct thread *thread, uint64_t slot, struct cap **cap)
{
    if (slot == 0 || slot >= thread->cspace_count) {
        return ERR_SLOT;
    }
    struct cap *found = cap_at(thread->cspace, slot, thread->cspace_count);
    if (cap_empty(found)) {
        return ERR_SLOT;
    }
    if (found->flags & (CAP_MARKED | CAP_EMBRYO)) {
        return ERR_DEAD;
    }
    *cap = found;
    return ERR_OK;
}

// NOLINTNEXTLINE(readability-function-size): one register each
enum err cap_lookup_kind(struct thread *thread, uint64_t slot, enum kind kind, unsigned rights,
                         unsigned argument, struct cap **cap)
{
    enum err err = cap_lookup(thread, slot, cap);
    if (err) {
        return err_blame(err, argument);
    }
    if (kind && (*cap)->kind != kind) {
        return err_blame(ERR_TYPE, argument);
    }
    if (rights & ~(unsigned)(*cap)->rights) {
        return err_blame(ERR_RIGHTS, argument);
    }
    return ERR_OK;
}

enum err cap_lookup_place(struct thread *thread, uint64_t table, uint64_t slot, unsigned argument,
                          struct cap **place)
{
    struct cap *tables;
    enum err err = cap_lookup_kind(thread, table, KIND_CAPTABLE, RIGHT_WRITE, argument, &tables);
    if (err) {
        return err;
    }
    *place = captable_slot(tables, slot);
    return *place ? ERR_OK : err_blame(ERR_RANGE, argument + 1);
}

enum err cap_lookup_empty(struct thread *thread, uint64_t table, uint64_t slot, unsigned argument,
                          struct cap **cap)
{
    enum err err = cap_lookup_place(thread, table, slot, argument, cap);
    if (err) {
        return err;
    }
    return cap_empty(*cap) ? ERR_OK : err_blame(ERR_OCCUPIED, argument + 1);
}
