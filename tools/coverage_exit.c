// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Host tests under measurement of coverage: a process that ends by _exit, as the children of the
// model do, leaves its counters behind too.  Linked in the place of _exit (ld --wrap).
#include <stdnoreturn.h>

noreturn void __real__exit(int status);
noreturn void __wrap__exit(int status);
void __gcov_dump(void);

void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
