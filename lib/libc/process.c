// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The end of a program.
#include <rt/exit.h>

#include <unistd.h>

void _exit(int status)
{
    rt_exit(status);
}
