// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A throw-away Linux: just enough of its system calls for Debian's static busybox, to prove that
// guest threads suffice for a personality.  The root task serves all processes with one thread.
// Each process is an address space and a guest; all their memory is one frame (the arena), mapped
// here too, so that copying to and from a process needs no kernel.
#pragma once

#include <rt/panic.h>
#include <rt/print.h>
#include <rt/program.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define PROCESSES 16
#define FILES     16
#define SIGNALS   64

// A process has the addresses below GUEST_TOP.
#define GUEST_TOP   0x4000000ull
#define GUEST_PAGES (GUEST_TOP >> PAGE_BITS)
#define STACK_PAGES 64u

// What Linux calls by these numbers.
enum linux_error {
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    EINTR = 4,
    ENOEXEC = 8,
    EBADF = 9,
    ECHILD = 10,
    EAGAIN = 11,
    ENOMEM = 12,
    EFAULT = 14,
    ENOTDIR = 20,
    EINVAL = 22,
    EMFILE = 24,
    ENOTTY = 25,
    ESPIPE = 29,
    EPIPE = 32,
    ERANGE = 34,
    ENOSYS = 38,
};
enum linux_signal {
    SIGILL = 4,
    SIGTRAP = 5,
    SIGFPE = 8,
    SIGKILL = 9,
    SIGSEGV = 11,
    SIGPIPE = 13,
    SIGCHLD = 17,
    SIGCONT = 18,
    SIGSTOP = 19,
    SIGURG = 23,
    SIGWINCH = 28,
};
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

// Results of a system call that are none of Linux's.
#define CALL_WAITS  INT64_MIN        // try again when something has happened
#define CALL_SILENT (INT64_MIN + 1)  // the registers in the guest frame are the result

struct program {
    const char *name;
    const unsigned char *data;
    uint64_t bytes;
};

struct action {  // as rt_sigaction passes it
    uint64_t handler, flags, restorer, mask;
};

enum process_state {
    PROCESS_FREE,
    PROCESS_LIVE,    // runs, or its trap is being handled
    PROCESS_WAITS,   // in a system call that is tried again later
    PROCESS_ZOMBIE,  // ended; its parent has not waited for it
};

// What is known of a page of a process, beside its rights (PROT_*).
#define PAGE_USED 0x80u  // may be touched, as far as its rights go
#define PAGE_FILE 0x40u  // begins as the program file says

struct process {
    enum process_state state;
    uint64_t pid, parent;
    unsigned status;  // as wait4 reports it
    cap_t fault;      // endpoint capability with the badge that names this process
    cap_t thread, context, arena;
    struct rt_space space;
    struct guest_frame *frame;
    bool load;  // the answer loads the registers from the frame
    uint32_t number;
    struct ipc_words args;  // of the system call that it is in
    const struct program *program;
    uint64_t brk_start, brk;
    struct file *files[FILES];
    uint32_t close_on_exec;
    struct action actions[SIGNALS + 1];
    uint64_t blocked, pending;
    uint64_t fault_address;
    uint8_t prot[GUEST_PAGES];
    uint16_t pages[GUEST_PAGES];  // page of the arena; 0: none yet
};
extern struct process processes[PROCESSES];
// The one whose trap is being handled.
extern struct process *current;

// Arguments and environment of a new program: `count` strings, the first `argc` of them arguments.
struct strings {
    unsigned argc, count, used;
    unsigned at[128];
    char text[16384];
};

// ---- main.c
// The kernel must not refuse what a correct handler asks for.
void must(struct rt_status status, const char *what);
// RAM for what the kernel reads and writes: guest frames, and from vector_at one vector state.
extern struct rt_mapping shared;
extern uint64_t vector_at, vector_bytes;
const struct program *program_find(const struct process *process, const char *path);
// Let a stopped guest go on with this result; signals first, by which it may end.
void process_answer(struct process *process, int64_t result);

// ---- memory.c
void memory_init(void);
void memory_attach(struct process *process);
// Take an answer's mapping for this fault; false: an access that is not allowed.
bool memory_fault(struct process *process, uint64_t address, uint64_t access,
                  struct ipc_words *words);
// Copy to and from a process; false: it cannot touch that memory.
bool user_read(struct process *process, void *to, uint64_t from, uint64_t bytes);
bool user_write(struct process *process, uint64_t to, const void *from, uint64_t bytes);
// Copy a string of at most `room` - 1 characters; its length, or -1.
int64_t user_string(struct process *process, char *to, uint64_t from, uint64_t room);
void memory_set(struct process *process, uint64_t start, uint64_t pages, unsigned prot);
void memory_clear(struct process *process, uint64_t start, uint64_t pages);
// The new process gets all memory of the old one, shared until written.
void memory_fork(struct process *from, struct process *to);
int64_t call_brk(struct process *process, const uint64_t *args);
int64_t call_mmap(struct process *process, const uint64_t *args);
int64_t call_munmap(struct process *process, const uint64_t *args);
int64_t call_mprotect(struct process *process, const uint64_t *args);

// ---- process.c
// A process with an empty address space and a suspended guest.
struct process *process_new(uint64_t parent);
void process_start(struct process *process);
void process_exit(struct process *process, unsigned status);
struct process *process_find(uint64_t pid);
int64_t call_fork(struct process *process, const uint64_t *args);
int64_t call_clone(struct process *process, const uint64_t *args);
int64_t call_wait4(struct process *process, const uint64_t *args);

// ---- exec.c
void string_add(struct strings *strings, const char *text);
// Replace what the process is by a program; false: it is none that can be run.
bool exec_load(struct process *process, const struct program *program,
               const struct strings *strings);
int64_t call_execve(struct process *process, const uint64_t *args);

// ---- file.c
void files_open_console(struct process *process);
void files_fork(struct process *from, struct process *to);
void files_close(struct process *process, uint32_t which);
int64_t call_read(struct process *process, const uint64_t *args);
int64_t call_write(struct process *process, const uint64_t *args);
int64_t call_writev(struct process *process, const uint64_t *args);
int64_t call_openat(struct process *process, const uint64_t *args);
int64_t call_close(struct process *process, const uint64_t *args);
int64_t call_fcntl(struct process *process, const uint64_t *args);
int64_t call_dup(struct process *process, const uint64_t *args);
int64_t call_dup2(struct process *process, const uint64_t *args);
int64_t call_pipe2(struct process *process, const uint64_t *args);
int64_t call_pipe(struct process *process, const uint64_t *args);
int64_t call_fstat(struct process *process, const uint64_t *args);
int64_t call_newfstatat(struct process *process, const uint64_t *args);

// ---- signal.c
void signal_send(struct process *process, unsigned signal);
// The signal that would be delivered next, or 0.
unsigned signal_next(const struct process *process);
// The result of a system call that a signal ends while it waits.
int64_t signal_interrupt(struct process *process);
// Deliver what is pending, in the guest frame; false: the process ended by it.
bool signals_deliver(struct process *process);
int64_t call_rt_sigaction(struct process *process, const uint64_t *args);
int64_t call_rt_sigprocmask(struct process *process, const uint64_t *args);
int64_t call_rt_sigreturn(struct process *process, const uint64_t *args);
int64_t call_kill(struct process *process, const uint64_t *args);
int64_t call_tgkill(struct process *process, const uint64_t *args);

// ---- calls.c
// Carry out the system call in `number` and `args`.
int64_t call_dispatch(struct process *process);
