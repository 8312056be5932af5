// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Credit that comes back with time (credit.h): worked out when it is asked for, so that no timer
// has to run for those who do not write.
#include "credit.h"

bool credit_use(struct credit *credit, uint64_t now)
{
    uint64_t back = (now - credit->since) / CREDIT_TIME;
    if (back >= credit->used) {
        *credit = (struct credit){ now, 0 };
    } else {
        credit->used -= back;
        credit->since += back * CREDIT_TIME;
    }
    if (credit->used == CREDIT_BURST) {
        return false;
    }
    credit->used++;
    return true;
}
