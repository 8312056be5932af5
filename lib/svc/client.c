// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls that outlive their server.
#include "client.h"

bool svc_again(uint32_t code)
{
    return code == WIRE_KERNEL + ERR_PEER_DIED || code == WIRE_KERNEL + ERR_BUDGET;
}
