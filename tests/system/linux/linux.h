// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A throw-away Linux: just enough of its system calls for Debian's static busybox, to prove that
// guest threads suffice for a personality.  The root task serves all processes with one thread.
// Each process is an address space and a guest; all their memory is one frame (the arena), mapped
// here too, so that copying to and from a process needs no kernel.
#pragma once

#include "linux.def"

#include <rt/panic.h>
#include <rt/print.h>
#include <rt/program.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define PROCESSES        16
#define FILES            16  // descriptors of a process
#define SIGNALS          64
#define GUEST_TOP        0x4000000ull  // a process has the addresses below
#define GUEST_PAGES      (GUEST_TOP >> PAGE_BITS)
#define STACK_TOP        (GUEST_TOP - PAGE_SIZE)
#define PAGE_UP(address) (((address) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define STACK_PAGES      64ul

#define LINUX_NUMBER(number, name) name = (number),
enum linux_number {
    LINUX_ERRORS(LINUX_NUMBER) LINUX_SIGNALS(LINUX_NUMBER)
};
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

// Results of a system call that are none of Linux's.
#define CALL_WAITS  INT64_MIN        // try again when something has happened
#define CALL_SILENT (INT64_MIN + 1)  // the registers in the guest frame are the result

// A static ELF executable, as it lies in a module.
struct program {
    const char *name;
    const unsigned char *data;
};

// What a program finds on its stack: argc, argv, 0, environment, 0, auxiliary vector; the strings.
struct stack {
    uint64_t count, used, words[256];
    char text[16384];
};

// What a descriptor names: the console, or an end of a pipe.
struct file {
    bool open, writes;
    struct pipe *pipe;
};

// What is known of a page of a process, beside its rights (PROT_*).
#define PAGE_USED 0x80u  // may be touched, as far as its rights go
#define PAGE_FILE 0x40u  // begins as the program says

struct process {  // NOLINT(clang-analyzer-optin.performance.Padding)
    enum process_state {
        PROCESS_FREE,
        PROCESS_LIVE,    // runs, or its trap is being handled
        PROCESS_WAITS,   // in a system call that is tried again later
        PROCESS_ZOMBIE,  // ended; nobody has waited for it
    } state;
    uint32_t number;  // of the system call that it is in
    uint64_t args[MSG_REG_WORDS];
    struct guest_frame *frame;
    bool load;    // the answer loads the registers from the guest frame
    cap_t fault;  // endpoint, with the badge that names this process
    cap_t thread, context, arena;
    struct rt_space space;
    uint64_t pid, parent;
    unsigned status;  // as wait4 reports it
    const struct program *program;
    uint64_t brk;
    struct file files[FILES];
    struct action {  // as rt_sigaction passes it
        uint64_t handler, flags, restorer, mask;
    } actions[SIGNALS + 1];
    uint64_t blocked, pending, fault_address;
    uint32_t tables;  // one bit for each page table of the last level that the space has
    uint8_t prot[GUEST_PAGES];
    uint16_t pages[GUEST_PAGES];  // page of the arena; 0: none yet
};
extern struct process processes[PROCESSES];

// System calls; their arguments are in p->args.
#define LINUX_PROTOTYPE(number, name) int64_t call_##name(struct process *p);
LINUX_CALLS(LINUX_PROTOTYPE)

// ---- main.c
// RAM that the kernel reads and writes: guest frames, and from vector_at on one vector state.
extern struct rt_mapping shared;
extern uint64_t vector_at, vector_bytes;
// The kernel must not refuse what a correct handler asks for.
void must(struct rt_status status, const char *what);
const struct program *program_find(const struct process *p, const char *path);

// ---- memory.c
extern struct rt_mapping arena;
// What to map for a page fault (GUEST_MAP); false: an access that is not allowed.
bool memory_fault(struct process *p, const uint64_t *fault, struct ipc_words *mapping);
// Copy to (PROT_WRITE) or from (PROT_READ) a process; false: it cannot touch that memory.
bool user_copy(struct process *p, uint64_t user, void *own, uint64_t bytes, unsigned access);
bool user_string(struct process *p, char *to, uint64_t from, uint64_t bytes);
void memory_set(struct process *p, uint64_t start, uint64_t pages, unsigned prot);
void memory_clear(struct process *p, uint64_t start, uint64_t pages);
// Map in a new process what its parent has, shared until one of them writes.
void memory_fork(const struct process *from, struct process *to);

// ---- process.c
struct process *process_new(const struct process *parent);  // with its image; NULL: too many
void process_exit(struct process *p, unsigned status);
void stack_add(struct stack *stack, const char *text);
// Replace what the process is by a program; false: it is none.
bool program_load(struct process *p, const struct program *program, struct stack *stack);

// ---- file.c
void files_count(const struct process *p, int more);  // its files are named once more (-1: less)

// ---- signal.c
void signal_send(struct process *p, unsigned signal);
unsigned signal_next(const struct process *p);  // to be delivered next; 0: none
// Deliver what is pending, in the guest frame; false: the process ended by it.
bool signals_deliver(struct process *p);
