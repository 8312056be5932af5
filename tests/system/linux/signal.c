// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals.  A handler gets the frame that Linux makes on x86-64 (struct rt_sigframe): registers in
// a sigcontext, vector state in XSAVE format; what it changes there is loaded when it returns.
#include "linux.h"

#define DEFAULT        0u  // instead of a handler
#define IGNORE         1u
#define ACTION_RESTART 0x10000000u
#define RED_ZONE       128u
#define FLAGS_INITIAL  0x202u
#define CONTEXT_REGS   18u

struct signal_frame {
    uint64_t restorer;
    uint64_t flags, link, stack[3], regs[CONTEXT_REGS];  // struct ucontext from here
    uint64_t segments, error, trap, old_mask, address, vector, reserved[8], mask;
    uint32_t signal, errno, code, padding;  // siginfo_t from here
    uint64_t info_address, info_rest[13];
};
_Static_assert(sizeof(struct signal_frame) == 440, "as in Linux");

// Which of struct thread_regs the registers of a sigcontext are: R8 to R15, RDI, RSI, RBP, RBX,
// RDX, RAX, RCX, RSP, RIP, RFLAGS.
static const uint8_t context_regs[CONTEXT_REGS] = { 10, 11, 12, 13, 14, 15, 16, 17, 8,
                                                    7,  9,  4,  6,  3,  5,  1,  0,  2 };

static bool ignored(const struct process *p, unsigned signal)
{
    const uint64_t harmless = SIGCHLD_BIT | SIGCONT_BIT | SIGURG_BIT | SIGWINCH_BIT;
    uint64_t handler = p->actions[signal].handler;
    return handler == IGNORE || (handler == DEFAULT && harmless & SIGNAL_BIT(signal));
}

void signal_send(struct process *p, unsigned signal)
{
    if (ignored(p, signal) && !(p->blocked & SIGNAL_BIT(signal)))
        return;
    p->pending |= SIGNAL_BIT(signal);
    if (p != current && p->state == PROCESS_LIVE)
        must(thread_kick(p->thread), "kick");
}

unsigned signal_next(const struct process *p)
{
    uint64_t ready = p->pending & ~p->blocked;
    return ready ? (unsigned)__builtin_ctzll(ready) + 1 : 0;
}

static bool frame_push(struct process *p, unsigned signal)
{
    const struct action *action = &p->actions[signal];
    struct thread_regs *regs = &p->frame->regs;
    uint64_t vector = (regs->rsp - RED_ZONE - vector_bytes) & ~63ull;
    uint64_t at = ((vector - sizeof(struct signal_frame)) & ~15ull) - 8;
    struct signal_frame frame = { .restorer = action->restorer,
                                  .address = p->fault_address,
                                  .vector = vector,
                                  .mask = p->blocked,
                                  .signal = signal,
                                  .info_address = p->fault_address };
    for (unsigned i = 0; i < CONTEXT_REGS; i++)
        frame.regs[i] = ((uint64_t *)regs)[context_regs[i]];
    must(thread_read_vector(p->thread, shared.frame, vector_at).status, "read vector state");
    if (!user_write(p, vector, (char *)shared.base + vector_at, vector_bytes) ||
        !user_write(p, at, &frame, sizeof(frame)))
        return false;
    p->blocked |= action->mask | SIGNAL_BIT(signal);
    regs->rdi = signal;
    regs->rsi = at + offsetof(struct signal_frame, signal);
    regs->rdx = at + offsetof(struct signal_frame, flags);
    regs->rax = 0;
    regs->rsp = at;
    regs->rip = action->handler;
    regs->rflags = FLAGS_INITIAL;
    p->load = true;
    return true;
}

bool signals_deliver(struct process *p)
{
    for (unsigned signal; (signal = signal_next(p)) != 0;) {
        p->pending &= ~SIGNAL_BIT(signal);
        if (ignored(p, signal))
            continue;
        if (p->actions[signal].handler == DEFAULT || !frame_push(p, signal)) {
            process_exit(p, signal);
            return false;
        }
    }
    return true;
}

int64_t signal_interrupt(struct process *p)
{
    if (!(p->actions[signal_next(p)].flags & ACTION_RESTART))
        return -EINTR;
    p->frame->regs.rip -= 2;  // the SYSCALL instruction
    p->frame->regs.rax = p->number;
    p->load = true;
    return CALL_SILENT;
}

// ---- system calls
int64_t call_rt_sigaction(struct process *p)
{
    if (!p->args[0] || p->args[0] > SIGNALS)
        return -EINVAL;
    struct action *action = &p->actions[p->args[0]], new = *action;
    if (p->args[1] && !user_read(p, &new, p->args[1], sizeof(new)))
        return -EFAULT;
    if (p->args[2] && !user_write(p, p->args[2], action, sizeof(*action)))
        return -EFAULT;
    *action = new;
    return 0;
}

int64_t call_rt_sigprocmask(struct process *p)
{
    const uint64_t block = 0, unblock = 1;
    uint64_t old = p->blocked, set;
    if (p->args[2] && !user_write(p, p->args[2], &old, sizeof(old)))
        return -EFAULT;
    if (!p->args[1])
        return 0;
    if (!user_read(p, &set, p->args[1], sizeof(set)))
        return -EFAULT;
    p->blocked = p->args[0] == block ? old | set : p->args[0] == unblock ? old & ~set : set;
    p->blocked &= ~(uint64_t)SIGKILL_BIT;
    return 0;
}

int64_t call_rt_sigreturn(struct process *p)
{
    struct signal_frame frame;
    struct thread_regs *regs = &p->frame->regs;
    char *state = (char *)shared.base + vector_at;
    if (!user_read(p, &frame, regs->rsp - 8, sizeof(frame)) ||
        !user_read(p, state, frame.vector, vector_bytes) ||
        !rt_ok(thread_write_vector(p->thread, shared.frame, vector_at))) {
        process_exit(p, SIGSEGV);
        return CALL_SILENT;
    }
    for (unsigned i = 0; i < CONTEXT_REGS; i++)
        ((uint64_t *)regs)[context_regs[i]] = frame.regs[i];
    p->blocked = frame.mask;
    p->load = true;
    return CALL_SILENT;
}

static int64_t kill(uint64_t pid, uint64_t signal)
{
    if (signal > SIGNALS)
        return -EINVAL;
    for (struct process *p = processes; p < processes + PROCESSES; p++) {
        if (p->pid != pid || p->state == PROCESS_FREE)
            continue;
        if (signal && p->state != PROCESS_ZOMBIE)
            signal_send(p, (unsigned)signal);
        return 0;
    }
    return -ESRCH;
}

int64_t call_kill(struct process *p)
{
    return kill(p->args[0], p->args[1]);
}

int64_t call_tgkill(struct process *p)
{
    return kill(p->args[0], p->args[2]);
}
