// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The library's beginning in a component: its heap is the component's.
#include "libc.h"

#include <rt/component.h>

void component_library_begin(const struct component_info *info)
{
    libc_start((void *)info->heap, info->heap_bytes);
}
