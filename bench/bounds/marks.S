// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Labels that bench/bounds.py finds by name, two for each case, in functions that do nothing.
    .text
#define CASE(name, text) \
    .globl path_begin.name, path_end.name; \
path_begin.name: ret; \
path_end.name: ret;
#include "cases.def"

    .section .note.GNU-stack, "", @progbits
