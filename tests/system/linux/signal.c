// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals.  A handler gets the frame that Linux makes on x86-64 (struct rt_sigframe): registers in
// a sigcontext, vector state in XSAVE format; what it changes there is loaded when it returns.
#include "linux.h"

#define DEFAULT 0u
#define IGNORE  1u

#define ACTION_RESTART  0x10000000u
#define ACTION_NO_DEFER 0x40000000u
#define RED_ZONE        128u
#define FLAGS_IF        0x202u

struct signal_info {
    uint32_t signal, error, code, padding;
    uint64_t address, rest[13];
};

struct signal_frame {
    uint64_t restorer;
    uint64_t flags, link, stack[3];
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
    uint64_t rflags, segments, error, trap, old_mask, address, vector, reserved[8];
    uint64_t mask;
    struct signal_info info;
};
_Static_assert(sizeof(struct signal_info) == 128 && offsetof(struct signal_frame, mask) == 304,
               "as in Linux");

// What Linux leaves in the XSAVE area for programs.
struct vector_note {
    uint32_t magic, extended_size;
    uint64_t features;
    uint32_t size, padding[7];
};
#define VECTOR_NOTE_AT  464u
#define VECTOR_FEATURES 512u  // the header's first word
#define VECTOR_MAGIC    0x46505853u
#define VECTOR_MAGIC_2  0x46505845u

static bool ignored(const struct process *process, unsigned signal)
{
    uint64_t handler = process->actions[signal].handler;
    bool harmless = signal == SIGCHLD || signal == SIGCONT || signal == SIGURG ||
                    signal == SIGWINCH;
    return handler == IGNORE || (handler == DEFAULT && harmless);
}

void signal_send(struct process *process, unsigned signal)
{
    if (ignored(process, signal) && !(process->blocked & SIGNAL_BIT(signal)))
        return;
    process->pending |= SIGNAL_BIT(signal);
    if (process != current && process->state == PROCESS_LIVE)
        must(thread_kick(process->thread), "kick");
}

unsigned signal_next(const struct process *process)
{
    uint64_t ready = process->pending & ~process->blocked;
    return ready ? (unsigned)__builtin_ctzll(ready) + 1 : 0;
}

static bool vector_push(struct process *process, uint64_t to)
{
    char *state = (char *)shared.base + vector_at;
    const uint32_t end = VECTOR_MAGIC_2;
    must(thread_read_vector(process->thread, shared.frame, vector_at).status, "read vector state");
    struct vector_note note = { .magic = VECTOR_MAGIC,
                                .extended_size = (uint32_t)(vector_bytes + sizeof(end)),
                                .features = *(uint64_t *)(state + VECTOR_FEATURES),
                                .size = (uint32_t)vector_bytes };
    memcpy(state + VECTOR_NOTE_AT, &note, sizeof(note));
    return user_write(process, to, state, vector_bytes) &&
           user_write(process, to + vector_bytes, &end, sizeof(end));
}

static bool frame_push(struct process *process, unsigned signal)
{
    const struct action *action = &process->actions[signal];
    struct thread_regs *r = &process->frame->regs;
    uint64_t vector = (r->rsp - RED_ZONE - vector_bytes - sizeof(uint32_t)) & ~63ull;
    uint64_t at = ((vector - sizeof(struct signal_frame)) & ~15ull) - 8;
    struct signal_frame frame = {
        .restorer = action->restorer,
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .rflags = r->rflags,
        .address = process->fault_address,
        .vector = vector,
        .mask = process->blocked,
        .info = { .signal = signal, .address = process->fault_address },
    };
    if (!vector_push(process, vector) || !user_write(process, at, &frame, sizeof(frame)))
        return false;
    process->blocked |= action->mask;
    if (!(action->flags & ACTION_NO_DEFER))
        process->blocked |= SIGNAL_BIT(signal);
    r->rdi = signal;
    r->rsi = at + offsetof(struct signal_frame, info);
    r->rdx = at + offsetof(struct signal_frame, flags);
    r->rax = 0;
    r->rsp = at;
    r->rip = action->handler;
    r->rflags = FLAGS_IF;
    process->load = true;
    return true;
}

bool signals_deliver(struct process *process)
{
    unsigned signal;
    while ((signal = signal_next(process)) != 0) {
        process->pending &= ~SIGNAL_BIT(signal);
        if (ignored(process, signal))
            continue;
        if (process->actions[signal].handler == DEFAULT || !frame_push(process, signal)) {
            process_exit(process, signal);
            return false;
        }
    }
    return true;
}

int64_t signal_interrupt(struct process *process)
{
    unsigned signal = signal_next(process);
    if (!(process->actions[signal].flags & ACTION_RESTART))
        return -EINTR;
    process->frame->regs.rip -= 2;  // the SYSCALL instruction
    process->frame->regs.rax = process->number;
    process->load = true;
    return CALL_SILENT;
}

// ---- system calls
int64_t call_rt_sigaction(struct process *process, const uint64_t *args)
{
    if (!args[0] || args[0] > SIGNALS)
        return -EINVAL;
    struct action *action = &process->actions[args[0]];
    struct action old = *action, new = old;
    if (args[1] && !user_read(process, &new, args[1], sizeof(new)))
        return -EFAULT;
    if (args[2] && !user_write(process, args[2], &old, sizeof(old)))
        return -EFAULT;
    *action = new;
    return 0;
}

int64_t call_rt_sigprocmask(struct process *process, const uint64_t *args)
{
    enum {
        BLOCK,
        UNBLOCK
    };
    uint64_t old = process->blocked, set;
    if (args[2] && !user_write(process, args[2], &old, sizeof(old)))
        return -EFAULT;
    if (!args[1])
        return 0;
    if (!user_read(process, &set, args[1], sizeof(set)))
        return -EFAULT;
    process->blocked = args[0] == BLOCK ? old | set : args[0] == UNBLOCK ? old & ~set : set;
    process->blocked &= ~SIGNAL_BIT(SIGKILL);
    return 0;
}

int64_t call_rt_sigreturn(struct process *process, const uint64_t *args)
{
    (void)args;
    struct signal_frame f;
    struct thread_regs *regs = &process->frame->regs;
    char *state = (char *)shared.base + vector_at;
    if (!user_read(process, &f, regs->rsp - 8, sizeof(f)) ||
        !user_read(process, state, f.vector, vector_bytes) ||
        !rt_ok(thread_write_vector(process->thread, shared.frame, vector_at))) {
        signal_send(process, SIGSEGV);
        return -EFAULT;
    }
    *regs = (struct thread_regs){
        .rip = f.rip,
        .rsp = f.rsp,
        .rflags = f.rflags,
        .rax = f.rax,
        .rbx = f.rbx,
        .rcx = f.rcx,
        .rdx = f.rdx,
        .rsi = f.rsi,
        .rdi = f.rdi,
        .rbp = f.rbp,
        .r8 = f.r8,
        .r9 = f.r9,
        .r10 = f.r10,
        .r11 = f.r11,
        .r12 = f.r12,
        .r13 = f.r13,
        .r14 = f.r14,
        .r15 = f.r15,
        .fs_base = regs->fs_base,
        .gs_base = regs->gs_base,
    };
    process->blocked = f.mask;
    process->load = true;
    return CALL_SILENT;
}

int64_t call_kill(struct process *process, const uint64_t *args)
{
    (void)process;
    struct process *target = process_find(args[0]);
    if (!target || args[1] > SIGNALS)
        return target ? -EINVAL : -ESRCH;
    if (args[1] && target->state != PROCESS_ZOMBIE)
        signal_send(target, (unsigned)args[1]);
    return 0;
}

int64_t call_tgkill(struct process *process, const uint64_t *args)
{
    return call_kill(process, args + 1);
}
