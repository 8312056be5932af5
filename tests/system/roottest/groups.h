// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The groups of tests, one in a file.
#pragma once

#include "test.h"

#include <rt/slots.h>

extern const struct test_group every_tests, untyped_tests, captable_tests, frame_tests,
    aspace_tests, thread_tests, vector_tests, sched_context_tests, endpoint_tests, io_tests,
    irq_tests, ports_tests, syscall_tests, message_tests, capmsg_tests, time_tests, fault_tests,
    guest_tests, batch_tests, revoke_tests, timer_tests, program_tests;

// Where the modules are found.
void program_tests_init(const struct root_info *info);
