// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Blocks of threads.  Relies on thread_data.ld, which names the initial values and aligns them.
#include "tls.h"

#include "string.h"

extern const char rt_tls_start[], rt_tls_data_end[], rt_tls_end[];

static size_t variable_bytes(void)
{
    size_t bytes = (size_t)(rt_tls_end - rt_tls_start);
    return (bytes + RT_TLS_ALIGN - 1) & ~(size_t)(RT_TLS_ALIGN - 1);
}

// One alignment more than the parts, since the memory may begin anywhere.
size_t rt_tls_bytes(void)
{
    return variable_bytes() + sizeof(struct rt_tcb) + RT_TLS_ALIGN;
}

struct rt_tcb *rt_tls_make(void *memory, size_t bytes, struct message_buffer *buffer)
{
    uintptr_t end = (uintptr_t)memory + bytes - sizeof(struct rt_tcb);
    struct rt_tcb *tcb = (struct rt_tcb *)(end & ~(uintptr_t)(RT_TLS_ALIGN - 1));
    char *variables = (char *)tcb - variable_bytes();
    size_t given = (size_t)(rt_tls_data_end - rt_tls_start);
    memcpy(variables, rt_tls_start, given);
    memset(variables + given, 0, variable_bytes() - given);
    *tcb = (struct rt_tcb){ .self = tcb, .buffer = buffer };
    return tcb;
}
