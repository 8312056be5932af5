// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the measured code (workers.S) and the root task that starts it agree on.
#pragma once

// Slots of a worker's own capability table.
#define WORKER_ENDPOINT     1
#define WORKER_REPLY        2
#define WORKER_NOTIFICATION 3
#define WORKER_DONE         4  // notification: a worker signals it when its rounds are over
#define WORKER_GUEST        5  // Thread of a guest
#define WORKER_FRAME        6  // frame for the guest's page faults, attached to its space
#define WORKER_IRQ          7
#define WORKER_SLOTS_BITS   10  // log2 of the size of the table

// A worker's page: its message buffer, and at the end a stack with the number of rounds on top.
#define WORKER_PAGE      0x500000000000
#define WORKER_STACK_TOP (WORKER_PAGE + 0xff8)

// Where a guest finds nothing mapped.
#define GUEST_HOLE 0x510000000000

// What abi/message.h and abi/thread.h state for C only: the answers to a guest, with one word that
// is the result, and with five that are a mapping.
#define TAG_WITH_RESULT  0x10001
#define TAG_WITH_MAPPING 0x40005
#define PROT_OF_MAPPING  3

#ifndef __ASSEMBLER__
# include <abi/message.h>
# include <abi/thread.h>

# include <stdint.h>

_Static_assert(TAG_WITH_RESULT == TAG(GUEST_RESULT, 1, 0), "as in the ABI");
_Static_assert(TAG_WITH_MAPPING == TAG(GUEST_MAP, 5, 0), "as in the ABI");
_Static_assert(PROT_OF_MAPPING == (PROT_READ | PROT_WRITE), "as in the ABI");

// The pages that hold all code of workers.
extern const char workers_start[], workers_end[];

// Entry points.  Each runs as many rounds as its stack says, signals WORKER_DONE and waits for the
// end; the servers and handlers run until they are destroyed.
# define WORKER(name) extern const char worker_##name[];
WORKER(client)
WORKER(server)
WORKER(client_vector)
WORKER(server_vector)
WORKER(client_10)
WORKER(server_10)
WORKER(client_64)
WORKER(server_64)
WORKER(client_10_vector)
WORKER(server_10_vector)
WORKER(sender)
WORKER(receiver)
WORKER(blocker)
WORKER(signaller)
WORKER(waiter)
WORKER(spinner)
WORKER(irq_waiter)
WORKER(yielder)
WORKER(yielder_near)
WORKER(null)
WORKER(faulter)
WORKER(fault_handler)
WORKER(guest_syscaller)
WORKER(guest_syscall_handler)
WORKER(guest_vector_syscaller)
WORKER(guest_vector_syscall_handler)
WORKER(guest_faulter)
WORKER(guest_fault_handler)
# undef WORKER

struct ipc_words;

// One system call each, measured: `invoke` with its words, which take the results, and
// `invoke_batch`.  They return the status.
uint64_t measured_map_range(uint64_t slot, uint64_t tag, struct ipc_words *words);
uint64_t measured_fork_copy(uint64_t slot, uint64_t tag, struct ipc_words *words);
uint64_t measured_map_batch(uint64_t slot, uint64_t offset, uint64_t count);
uint64_t measured_worst(uint64_t slot, uint64_t tag, struct ipc_words *words);
#endif
