// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The program that tests/system/roottest/program.c loads: calls an endpoint with its argument, adds
// one to each answer and calls again, until the answer is zero; then it touches what it does not
// have.
#include <rt/panic.h>
#include <rt/program.h>
#include <rt/start.h>

#define SERVICE 2u  // slot of the endpoint

const char rt_task_name[] = "child";

void program_main(uint64_t argument)
{
    uint64_t word = argument;
    do {
        struct ipc_result got = ipc_call1(SERVICE, TAG(0, 1, 0), &word);
        word = rt_ok(got.status) && word ? word + 1 : 0;
    } while (word);
    *(volatile uint64_t *)argument = 0;
}
