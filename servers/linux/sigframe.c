// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The frame of a signal handler as Linux makes it on x86-64 (struct rt_sigframe): registers in a
// sigcontext, vector state in XSAVE's format with what tells its size around it; what the handler
// changes there is loaded when it returns.
#include "call.h"
#include "object.h"
#include "page.h"
#include "space.h"

#include <rt/string.h>

#define CONTEXT_REGS         18u
#define RED_ZONE             128u
#define UC_FP_XSTATE         1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u
#define XSTATE_MAGIC1        0x46505853u
#define XSTATE_MAGIC2        0x46505845u
#define SW_BYTES             464u  // where in the legacy area software's own bytes are
#define XSTATE_BV            512u
#define SEGMENTS             0x002b000000000033ull  // CS, GS, FS, SS as a 64-bit program has them

struct signal_frame {
    uint64_t restorer;
    uint64_t flags, link, stack, stack_flags, stack_bytes, regs[CONTEXT_REGS];  // struct ucontext
    uint64_t segments, error, trap, old_mask, address, vector, reserved[8], mask;
    struct signal_info info;
};
_Static_assert(sizeof(struct signal_frame) == 440, "as in Linux");

// What software tells of the vector state (struct _fpx_sw_bytes).
struct vector_words {
    uint32_t magic, extended_bytes;
    uint64_t features;
    uint32_t bytes, padding[7];
};

// Which of struct thread_regs the registers of a sigcontext are: R8 to R15, RDI, RSI, RBP, RBX,
// RDX, RAX, RCX, RSP, RIP, RFLAGS.
static const uint8_t context_regs[CONTEXT_REGS] = { 10, 11, 12, 13, 14, 15, 16, 17, 8,
                                                    7,  9,  4,  6,  3,  5,  1,  0,  2 };

// Put the vector state on the stack, with its marks; 0: no room.
static user_t vector_push(struct task *task, user_t top)
{
    cap_t frame = 0;
    uint64_t at = 0;
    char *area = task_vector_area(&frame, &at);
    struct thread_read_vector_result state = thread_read_vector(task->thread, frame, at);
    const uint32_t end_mark = XSTATE_MAGIC2;
    struct vector_words words = { .magic = XSTATE_MAGIC1, .bytes = (uint32_t)state.bytes };
    if (!rt_ok(state.status)) {
        return 0;
    }
    words.extended_bytes = words.bytes + (uint32_t)sizeof(end_mark);
    memcpy(&words.features, area + XSTATE_BV, sizeof(words.features));
    words.features |= 7;
    memcpy(area + SW_BYTES, &words, sizeof(words));
    memcpy(area + state.bytes, &end_mark, sizeof(end_mark));
    user_t to = (top - words.extended_bytes) & ~63ull;
    return user_write(task, to, area, words.extended_bytes) ? 0 : to;
}

// Where the frame goes: the alternate stack, unless the task is on it already.
static user_t stack_choose(const struct task *task, const struct signal_action *action)
{
    uint64_t sp = task->frame->regs.rsp;
    const struct task_signals *signals = &task->signals;
    if (action->flags & SA_ONSTACK && signals->stack_bytes &&
        sp - signals->stack > signals->stack_bytes) {
        return signals->stack + signals->stack_bytes;
    }
    return sp - RED_ZONE;
}

static void frame_fill(struct task *task, struct signal_frame *frame,
                       const struct signal_info *info)
{
    const uint64_t *regs = (const uint64_t *)&task->frame->regs;
    for (unsigned i = 0; i < CONTEXT_REGS; i++) {
        frame->regs[i] = regs[context_regs[i]];
    }
    frame->flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    frame->stack = task->signals.stack;
    frame->stack_bytes = task->signals.stack_bytes;
    frame->stack_flags = task->signals.stack_bytes ? task->signals.stack_flags : 2;
    frame->segments = SEGMENTS;
    frame->mask = task->signals.restore ? task->signals.restored : task->signals.blocked;
    frame->old_mask = frame->mask;
    frame->info = *info;
    if (!task->in_call && info->code != SI_USER && info->code != SI_TKILL) {
        frame->address = task->frame->address;
        frame->trap = task->frame->vector;
        frame->error = task->frame->error;
    }
}

bool frame_push(struct task *task, const struct signal_action *action,
                const struct signal_info *info)
{
    struct thread_regs *regs = task_regs(task);
    if (task->answer & GUEST_RESULT) {  // of the call after which the handler runs
        regs->rax = task->result;
    }
    struct signal_frame frame = { .restorer = action->restorer };
    user_t top = stack_choose(task, action);
    frame.vector = vector_push(task, top);
    user_t at = ((frame.vector - sizeof(frame)) & ~15ull) - 8;
    frame_fill(task, &frame, info);
    if (!frame.vector || user_write(task, at, &frame, sizeof(frame))) {
        return false;
    }
    task->signals.restore = false;
    task->signals.blocked |= action->mask |
                             (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(info->signal));
    task->signals.blocked &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    regs->rdi = (uint64_t)info->signal;
    regs->rsi = at + offsetof(struct signal_frame, info);
    regs->rdx = at + offsetof(struct signal_frame, flags);
    regs->rax = 0;
    regs->rsp = at;
    regs->rip = action->handler;
    regs->rflags &= ~0x10500ull;  // DF, TF, RF
    task->answer &= ~(uint64_t)GUEST_RESULT;
    task_load(task);
    return true;
}

static bool vector_pop(struct task *task, user_t from)
{
    cap_t frame = 0;
    uint64_t at = 0;
    char *area = task_vector_area(&frame, &at);
    struct vector_words words;
    if (!from) {
        task_vector_clear(task);
        return true;
    }
    struct thread_read_vector_result state = thread_read_vector(task->thread, frame, at);
    if (from & 63 || !rt_ok(state.status) ||
        user_read(task, &words, from + SW_BYTES, sizeof(words))) {
        return false;
    }
    // Without the marks only the part that FXSAVE has is there; the rest becomes initial.
    bool whole = words.magic == XSTATE_MAGIC1 && words.bytes == state.bytes;
    uint64_t bytes = whole ? state.bytes : XSTATE_BV;
    memset(area, 0, state.bytes);
    if (user_read(task, area, from, bytes)) {
        return false;
    }
    memset(area + SW_BYTES, 0, sizeof(words));
    if (!whole) {
        area[XSTATE_BV] = 3;
    }
    return rt_ok(thread_write_vector(task->thread, frame, at));
}

int64_t call_rt_sigreturn(struct task *task)
{
    struct signal_frame frame;
    struct thread_regs *regs = task_regs(task);
    if (user_read(task, &frame, regs->rsp - 8, sizeof(frame)) || !vector_pop(task, frame.vector)) {
        signal_force(task, &(struct signal_info){ .signal = SIGSEGV, .code = SI_KERNEL });
        return RESULT_NONE;
    }
    uint64_t *at = (uint64_t *)regs;
    for (unsigned i = 0; i < CONTEXT_REGS; i++) {
        at[context_regs[i]] = frame.regs[i];
    }
    task->signals.blocked = frame.mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    if (frame.stack_flags != 2 && frame.stack_bytes) {
        task->signals.stack = frame.stack;
        task->signals.stack_bytes = frame.stack_bytes;
    }
    task_load(task);
    return RESULT_NONE;
}

// The registers of a task whose call a signal has interrupted, as its handler's frame is to have
// them: the call's result, or the call once more.
void call_interrupted(struct task *task, bool anew)
{
    const uint64_t syscall_bytes = 2;
    struct thread_regs *regs = task_regs(task);
    task->interrupted = false;
    if (anew) {
        regs->rip -= syscall_bytes;
        regs->rax = task->call.number;
    } else {
        regs->rax = (uint64_t)-EINTR;
    }
    task->answer &= ~(uint64_t)GUEST_RESULT;
}
