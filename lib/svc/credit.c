// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Credit by the number of the client component (credit.h).
#include "credit.h"

// 0: no client has this number.
static uint32_t *used_of(struct svc_credit *credit, uint64_t badge)
{
    unsigned client = badge & 0xff;
    return client && client < SVC_CREDIT_CLIENTS ? &credit->used[client] : 0;
}

bool svc_credit_take(struct svc_credit *credit, uint64_t badge)
{
    uint32_t *used = used_of(credit, badge);
    if (!used || *used >= credit->limit) {
        return false;
    }
    ++*used;
    return true;
}

void svc_credit_give(struct svc_credit *credit, uint64_t badge)
{
    uint32_t *used = used_of(credit, badge);
    if (used && *used) {
        --*used;
    }
}
