// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The frame of a signal handler as Linux makes it on x86-64 (struct rt_sigframe): registers in a
// sigcontext, vector state in XSAVE's format with what tells its size around it; what the handler
// changes there is loaded when it returns.
#include "call.h"
#include "object.h"
#include "page.h"
#include "rseq.h"
#include "space.h"

#include <rt/panic.h>
#include <rt/string.h>

#define RED_ZONE             128u
#define UC_FP_XSTATE         1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u
#define XSTATE_MAGIC1        0x46505853u
#define XSTATE_MAGIC2        0x46505845u
#define SW_BYTES             464u  // where in the legacy area software's own bytes are
#define XSTATE_BV            512u
#define SEGMENTS             0x002b000000000033ull  // CS, GS, FS, SS as a 64-bit program has them

struct context {  // registers in the order of a sigcontext
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
};

struct signal_frame {
    uint64_t restorer;
    uint64_t flags, link, stack, stack_flags, stack_bytes;  // struct ucontext
    struct context regs;
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

// What the vector state takes, which is the same for all tasks.
static uint64_t vector_bytes(const struct task *task)
{
    static uint64_t bytes;
    if (!bytes) {
        cap_t frame = 0;
        uint64_t at = 0;
        task_vector_area(&frame, &at);
        bytes = thread_read_vector(task->thread, frame, at).bytes;
    }
    return bytes;
}

// The vector state with its marks.
static void vector_fill(const struct task *task, char *here, uint64_t bytes)
{
    const uint32_t end_mark = XSTATE_MAGIC2;
    cap_t frame = 0;
    uint64_t at = object_place(here, &frame);
    struct vector_words words = { .magic = XSTATE_MAGIC1,
                                  .extended_bytes = (uint32_t)(bytes + sizeof(end_mark)),
                                  .bytes = (uint32_t)bytes };
    if (!rt_ok(thread_read_vector(task->thread, frame, at).status)) {
        rt_panic("no vector state");
    }
    __builtin_memcpy(&words.features, here + XSTATE_BV, sizeof(words.features));
    words.features |= 7;
    __builtin_memcpy(here + SW_BYTES, &words, sizeof(words));
    __builtin_memcpy(here + bytes, &end_mark, sizeof(end_mark));
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

static void frame_fill(struct task *task, struct signal_frame *frame, user_t vector,
                       const struct signal_action *action, const struct signal_info *info)
{
    const struct thread_regs *regs = &task->frame->regs;
    bool fault = !task->in_call && info->code != SI_USER && info->code != SI_TKILL;
    frame->regs = (struct context){ regs->r8,  regs->r9,  regs->r10,   regs->r11, regs->r12,
                                    regs->r13, regs->r14, regs->r15,   regs->rdi, regs->rsi,
                                    regs->rbp, regs->rbx, regs->rdx,   regs->rax, regs->rcx,
                                    regs->rsp, regs->rip, regs->rflags };
    frame->restorer = action->restorer;
    frame->flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    frame->link = 0;
    frame->stack = task->signals.stack;
    frame->stack_bytes = task->signals.stack_bytes;
    frame->stack_flags = task->signals.stack_bytes ? task->signals.stack_flags : 2;
    frame->segments = SEGMENTS;
    frame->mask = task->signals.restore ? task->signals.restored : task->signals.blocked;
    frame->old_mask = frame->mask;
    frame->address = fault ? task->frame->address : 0;
    frame->trap = fault ? task->frame->vector : 0;
    frame->error = fault ? task->frame->error : 0;
    frame->vector = vector;
    memset(frame->reserved, 0, sizeof(frame->reserved));
    frame->info = *info;
}

// Both are made in place where their pages lie side by side here, else apart.  False: there is no
// room.
static bool vector_write(struct task *task, user_t at, uint64_t bytes)
{
    cap_t area = 0;
    uint64_t area_at = 0, marked = bytes + sizeof(uint32_t);
    char *there = user_reach(task, at, marked, true);
    char *here = there ? there : task_vector_area(&area, &area_at);
    vector_fill(task, here, bytes);
    return there || !user_write(task, at, here, marked);
}

static bool frame_write(struct task *task, user_t at, user_t vector,
                        const struct signal_action *action, const struct signal_info *info)
{
    struct signal_frame copy, *there = user_reach(task, at, sizeof(copy), true);
    frame_fill(task, there ? there : &copy, vector, action, info);
    return there || !user_write(task, at, &copy, sizeof(copy));
}

bool frame_push(struct task *task, const struct signal_action *action,
                const struct signal_info *info)
{
    struct thread_regs *regs = task_regs(task);
    if (task->rseq && !rseq_leave(task)) {
        return false;
    }
    if (task->answer & GUEST_RESULT) {  // of the call after which the handler runs
        regs->rax = task->result;
    }
    user_t top = stack_choose(task, action);
    uint64_t bytes = vector_bytes(task);
    user_t vector = (top - bytes - sizeof(uint32_t)) & ~63ull;
    user_t at = ((vector - sizeof(struct signal_frame)) & ~15ull) - 8;
    if (!vector_write(task, vector, bytes) || !frame_write(task, at, vector, action, info)) {
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

// Whether all of the vector state is there (else only what FXSAVE has), by its marks.
static bool vector_is_whole(const char *here, uint64_t bytes)
{
    struct vector_words words;
    uint32_t end_mark;
    __builtin_memcpy(&words, here + SW_BYTES, sizeof(words));
    __builtin_memcpy(&end_mark, here + bytes, sizeof(end_mark));
    return words.magic == XSTATE_MAGIC1 && words.bytes == bytes && end_mark == XSTATE_MAGIC2;
}

// By way of a copy; what is not there becomes initial.
static bool vector_pop_copy(struct task *task, user_t from, uint64_t bytes)
{
    cap_t frame = 0;
    uint64_t at = 0;
    char *area = task_vector_area(&frame, &at);
    if (user_read(task, area, from, bytes + sizeof(uint32_t)) || !vector_is_whole(area, bytes)) {
        memset(area, 0, bytes);
        if (user_read(task, area, from, XSTATE_BV)) {
            return false;
        }
        area[XSTATE_BV] = 3;
    }
    memset(area + SW_BYTES, 0, sizeof(struct vector_words));
    return rt_ok(thread_write_vector(task->thread, frame, at));
}

static bool vector_pop(struct task *task, user_t from)
{
    uint64_t bytes = vector_bytes(task);
    if (!from) {
        task_vector_clear(task);
        return true;
    }
    if (from & 63) {
        return false;
    }
    const char *there = user_reach(task, from, bytes + sizeof(uint32_t), false);
    if (!there || !vector_is_whole(there, bytes)) {
        return vector_pop_copy(task, from, bytes);
    }
    cap_t frame = 0;
    uint64_t at = object_place(there, &frame);
    return rt_ok(thread_write_vector(task->thread, frame, at));
}

int64_t call_rt_sigreturn(struct task *task)
{
    struct signal_frame copy;
    struct thread_regs *regs = task_regs(task);
    user_t from = regs->rsp - sizeof(copy.restorer);
    const struct signal_frame *frame = from & 7 ? NULL
                                                : user_reach(task, from, sizeof(copy), false);
    if (!frame) {
        frame = user_read(task, &copy, from, sizeof(copy)) ? NULL : &copy;
    }
    if (!frame || !vector_pop(task, frame->vector)) {
        signal_force(task, &(struct signal_info){ .signal = SIGSEGV, .code = SI_KERNEL });
        return RESULT_NONE;
    }
    const struct context *was = &frame->regs;
    const uint64_t fs_base = regs->fs_base, gs_base = regs->gs_base;
    *regs = (struct thread_regs){ was->rip, was->rsp, was->rflags, was->rax, was->rbx,
                                  was->rcx, was->rdx, was->rsi,    was->rdi, was->rbp,
                                  was->r8,  was->r9,  was->r10,    was->r11, was->r12,
                                  was->r13, was->r14, was->r15,    fs_base,  gs_base };
    task->signals.blocked = frame->mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    if (frame->stack_flags != 2 && frame->stack_bytes) {
        task->signals.stack = frame->stack;
        task->signals.stack_bytes = frame->stack_bytes;
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
