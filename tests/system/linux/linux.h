// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A throw-away Linux: just enough of its system calls for Debian's static busybox, to prove that
// guest threads suffice for a personality.  The root task serves all processes with one thread.
// Each process is an address space and a guest; all their memory is one frame (the arena), mapped
// here too, so that copying to and from a process needs no kernel.
#pragma once

#include <rt/panic.h>
#include <rt/program.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define PROCESSES   16
#define FILES       16            // descriptors of a process
#define GUEST_TOP   0x4000000ull  // a process has the addresses below
#define GUEST_PAGES (GUEST_TOP >> PAGE_BITS)
#define STACK_PAGES 64u

enum linux_number {
#define ERROR(number, name)  name = (number),
#define SIGNAL(number, name) name = (number), name##_BIT = 1u << ((number)-1),
#define CALL(number, name)
#define CONSTANT(number, error)
#include "linux.def"
#undef CALL
};
#define CALL(number, name) int64_t call_##name(struct process *p);

// Results of a system call that are none of Linux's.
#define CALL_WAITS  INT64_MIN        // try again when something has happened
#define CALL_SILENT (INT64_MIN + 1)  // the registers in the guest frame are the result

// A static ELF executable, as it lies in a module.
struct program {
    const char *name;
    const unsigned char *data;
    uint64_t bytes;
};

// Arguments and environment of a new program: `count` strings, the first `argc` of them arguments.
struct strings {
    unsigned argc, count, used;
    char text[16384];
};

struct action {  // as rt_sigaction passes it
    uint64_t handler, flags, restorer, mask;
};

enum process_state {
    PROCESS_FREE,
    PROCESS_LIVE,    // runs, or its trap is being handled
    PROCESS_WAITS,   // in a system call that is tried again later
    PROCESS_ZOMBIE,  // ended; nobody has waited for it
};

// What a descriptor names.
struct file {
    enum file_kind {
        FILE_NONE,
        FILE_CONSOLE,
        FILE_READS,
        FILE_WRITES
    } kind;
    struct pipe *pipe;  // of which it reads or writes an end
    bool close_on_exec;
};

// What is known of a page of a process, beside its rights (PROT_*).
#define PAGE_USED 0x80u  // may be touched, as far as its rights go
#define PAGE_FILE 0x40u  // begins as the program says

struct process {
    enum process_state state;
    uint32_t number;  // of the system call that it is in
    uint64_t args[MSG_REG_WORDS];
    bool load;  // the answer loads the registers from the guest frame
    struct guest_frame *frame;
    cap_t fault;  // capability of the endpoint, with the badge that names this process
    cap_t thread, context, arena;
    struct rt_space space;
    uint64_t pid, parent;
    unsigned status;  // as wait4 reports it
    const struct program *program;
    uint64_t brk_start, brk;
    struct file files[FILES];
    struct action actions[SIGNALS + 1];
    uint64_t blocked, pending, fault_address;
    uint8_t prot[GUEST_PAGES];
    uint16_t pages[GUEST_PAGES];  // page of the arena; 0: none yet
};
extern struct process processes[PROCESSES];

// ---- main.c
// RAM that the kernel reads and writes: guest frames, and from vector_at on one vector state.
extern struct rt_mapping shared;
extern uint64_t vector_at, vector_bytes;
extern struct process *current;  // the one whose trap is being handled
// The kernel must not refuse what a correct handler asks for.
void must(struct rt_status status, const char *what);
const struct program *program_find(const struct process *p, const char *path);

// ---- memory.c
extern struct rt_mapping arena;
// What to map for a page fault; false: an access that is not allowed.
bool memory_fault(struct process *p, const uint64_t fault[2], struct ipc_words *mapping);
// Copy from and to a process, a string of at most `bytes` with its end; false: it cannot touch
// that.
bool user_read(struct process *p, void *to, uint64_t from, uint64_t bytes);
bool user_write(struct process *p, uint64_t to, const void *from, uint64_t bytes);
bool user_string(struct process *p, char *to, uint64_t from, uint64_t bytes);
void memory_set(struct process *p, uint64_t start, uint64_t pages, unsigned prot);
void memory_clear(struct process *p, uint64_t start, uint64_t pages);
// Share all memory with a new process until one of them writes.
void memory_fork(struct process *from, struct process *to);

// ---- process.c
struct process *process_new(uint64_t parent);  // without a program; NULL: too many
void process_start(struct process *p);
void process_exit(struct process *p, unsigned status);
void string_add(struct strings *strings, const char *text);
// Replace what the process is by a program; false: it is none.
bool program_load(struct process *p, const struct program *program, const struct strings *strings);

// ---- file.c
void files_open_console(struct process *p);
void files_fork(const struct process *from, struct process *to);
void files_close(struct process *p, bool all);  // or those that close on exec

// ---- signal.c
void signal_send(struct process *p, unsigned signal);
unsigned signal_next(const struct process *p);  // to be delivered next; 0: none
// The result of a system call that a signal ends while it waits.
int64_t signal_interrupt(struct process *p);
// Deliver what is pending, in the guest frame; false: the process ended by it.
bool signals_deliver(struct process *p);
