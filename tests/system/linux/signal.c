// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals.  A handler gets the frame that Linux makes on x86-64 (struct rt_sigframe): registers in
// a sigcontext, vector state in XSAVE format; what it changes there is loaded when it returns.
#include "linux.h"

#define DEFAULT      0u  // instead of a handler
#define IGNORE       1u
#define CONTEXT_REGS 18u

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
    uint64_t handler = p->actions[signal].handler;
    return handler == IGNORE || (handler == DEFAULT && signal == SIGCHLD);
}

void signal_send(struct process *p, unsigned signal)
{
    if (ignored(p, signal) && !(p->blocked & SIGNAL_BIT(signal)))
        return;
    p->pending |= SIGNAL_BIT(signal);
    if (p->state == PROCESS_LIVE)
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
    uint64_t vector = (regs->rsp - 128 - vector_bytes) & ~63ull;
    uint64_t at = ((vector - sizeof(struct signal_frame)) & ~15ull) - 8;
    struct signal_frame frame = { .restorer = action->restorer, .signal = signal };
    frame.vector = vector;
    frame.mask = p->blocked;
    frame.address = frame.info_address = p->fault_address;
    for (unsigned i = 0; i < CONTEXT_REGS; i++)
        frame.regs[i] = ((uint64_t *)regs)[context_regs[i]];
    must(thread_read_vector(p->thread, shared.frame, vector_at).status, "read vector state");
    if (!user_copy(p, vector, (char *)shared.base + vector_at, vector_bytes, PROT_WRITE) ||
        !user_copy(p, at, &frame, sizeof(frame), PROT_WRITE))
        return false;
    p->blocked |= action->mask | SIGNAL_BIT(signal);
    regs->rdi = signal;
    regs->rsi = at + offsetof(struct signal_frame, signal);
    regs->rdx = at + offsetof(struct signal_frame, flags);
    regs->rax = 0;
    regs->rsp = at;
    regs->rip = action->handler;
    regs->rflags = 0;  // but for what is always set
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

int64_t call_rt_sigaction(struct process *p)
{
    if (!p->args[0] || p->args[0] > SIGNALS)
        return -EINVAL;
    struct action *action = &p->actions[p->args[0]], new = *action;
    if ((p->args[1] && !user_copy(p, p->args[1], &new, sizeof(new), PROT_READ)) ||
        (p->args[2] && !user_copy(p, p->args[2], action, sizeof(*action), PROT_WRITE)))
        return -EFAULT;
    *action = new;
    return 0;
}

int64_t call_rt_sigprocmask(struct process *p)
{
    const uint64_t block = 0, unblock = 1;
    uint64_t old = p->blocked, set = 0;
    if ((p->args[1] && !user_copy(p, p->args[1], &set, sizeof(set), PROT_READ)) ||
        (p->args[2] && !user_copy(p, p->args[2], &old, sizeof(old), PROT_WRITE)))
        return -EFAULT;
    if (p->args[1])
        p->blocked = p->args[0] == block ? old | set : p->args[0] == unblock ? old & ~set : set;
    p->blocked &= ~SIGNAL_BIT(SIGKILL);
    return 0;
}

int64_t call_rt_sigreturn(struct process *p)
{
    struct signal_frame frame;
    struct thread_regs *regs = &p->frame->regs;
    char *state = (char *)shared.base + vector_at;
    if (!user_copy(p, regs->rsp - 8, &frame, sizeof(frame), PROT_READ) ||
        !user_copy(p, frame.vector, state, vector_bytes, PROT_READ) ||
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

int64_t call_kill(struct process *p)
{
    uint64_t signal = p->number == 62 ? p->args[1] : p->args[2];  // else tgkill
    struct process *to = processes;
    while (to < processes + PROCESSES && (to->pid != p->args[0] || to->state == PROCESS_FREE))
        to++;
    if (to == processes + PROCESSES || signal > SIGNALS)
        return -ESRCH;
    if (signal && to->state != PROCESS_ZOMBIE)
        signal_send(to, (unsigned)signal);
    return 0;
}
