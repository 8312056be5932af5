// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The registers of the host's stand-in for an ISA (tests/model/host), but vector registers can be
// live.
#pragma once

#define hal_vector_idle host_vector_idle
#include_next <arch/context.h>
#undef hal_vector_idle

extern bool machine_vector_live;

static inline bool hal_vector_idle(void)
{
    return host_vector_idle() && !machine_vector_live;
}
