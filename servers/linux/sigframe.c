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
#include "vdso.h"
#include "vdso/signal.h"

#include <rt/panic.h>
#include <rt/string.h>

#define UC_FP_XSTATE         1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u
#define XSTATE_MAGIC1        0x46505853u
#define XSTATE_MAGIC2        0x46505845u
#define MXCSR                24u      // where in the vector state it is (FXSAVE's area)
#define MXCSR_BITS           0xffbfu  // that every CPU has
#define SW_BYTES             464u     // where in the legacy area software's own bytes are
#define XSTATE_BV            512u
#define XSAVE_HEADER_WORDS   8u
#define SEGMENTS             0x002b000000000033ull  // CS, GS, FS, SS as a 64-bit program has them
#define RFLAGS_HANDLER       0x50dd5ull  // a handler may change: RF AC OF DF TF SF ZF AF PF CF
#define RFLAGS_ENTRY         0x10500ull  // a handler begins without: DF, TF, RF
#define RFLAGS_TRAP          0x100ull

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
_Static_assert(offsetof(struct signal_frame, flags) == VDSO_FRAME_CONTEXT, "for signal.S");
_Static_assert(sizeof(struct signal_frame) <= VDSO_FRAME_VECTOR, "for signal.S");

// What software tells of the vector state (struct _fpx_sw_bytes), and XSAVE's header after it.
struct vector_words {
    uint32_t magic, extended_bytes;
    uint64_t features;
    uint32_t bytes, padding[7];
    uint64_t header[XSAVE_HEADER_WORDS];
};
_Static_assert(offsetof(struct vector_words, header) == XSTATE_BV - SW_BYTES, "as specified");

// What the vector state takes, which is the same for all tasks.
static uint64_t vector_size;  // 0: not known yet

static __attribute__((noinline)) uint64_t vector_measure(const struct task *task)
{
    cap_t frame = 0;
    uint64_t at = 0;
    task_vector_area(&frame, &at);
    vector_size = thread_read_vector(task->thread, frame, at).bytes;
    return vector_size;
}

static inline uint64_t vector_bytes(const struct task *task)
{
    return vector_size ? vector_size : vector_measure(task);
}

// Its components (XCR0; Intel SDM volume 1, 13.3).
static uint64_t vector_components(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

// What a frame takes with its vector state.
static uint64_t frame_bytes(const struct task *task)
{
    return VDSO_FRAME_VECTOR + vector_bytes(task) + sizeof(uint32_t);
}

// A place for one here, that the kernel takes vector state from and to.
static char *frame_copy(void)
{
    cap_t frame = 0;
    uint64_t at = 0;
    return (char *)task_vector_area(&frame, &at) + 64 - VDSO_FRAME_VECTOR % 64;
}

// ---- a handler begins --------------------------------------------------------------------------
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

// Where it begins below that.
static user_t frame_below(const struct task *task, user_t top)
{
    return ((top - vector_bytes(task) - sizeof(uint32_t)) & ~63ull) - VDSO_FRAME_VECTOR;
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
    __builtin_memset(frame->reserved, 0, sizeof(frame->reserved));  // inline
    frame->info = *info;
}

static void vector_save(const struct task *task, char *here)
{
    cap_t frame = 0;
    uint64_t at = object_place(here, &frame);
    if (!rt_ok(thread_read_vector(task->thread, frame, at).status)) {
        rt_panic("no vector state");
    }
}

// What is around the vector state: software's words, with or without XSAVE's header, and the mark
// at its end.
static void vector_mark(char *here, uint64_t bytes, bool header)
{
    const uint32_t end_mark = XSTATE_MAGIC2;
    struct vector_words words = { .magic = XSTATE_MAGIC1,
                                  .extended_bytes = (uint32_t)(bytes + sizeof(end_mark)),
                                  .features = vector_components(),
                                  .bytes = (uint32_t)bytes };
    __builtin_memcpy(here + SW_BYTES, &words,
                     header ? sizeof(words) : offsetof(struct vector_words, header));
    __builtin_memcpy(here + bytes, &end_mark, sizeof(end_mark));
}

// A frame is made in place where its pages lie side by side here, else by way of a copy.  The
// vector state comes into it now, or `later`, by the task.  False: there is no room.
static bool frame_write(struct task *task, user_t at, bool later,
                        const struct signal_action *action, const struct signal_info *info)
{
    uint64_t bytes = vector_bytes(task);
    char *there = user_reach(task, at, frame_bytes(task), true);
    char *here = there ? there : frame_copy(), *vector = here + VDSO_FRAME_VECTOR;
    if (!later) {
        vector_save(task, vector);
    } else if (!there) {
        memset(vector, 0, bytes);
    }
    vector_mark(vector, bytes, later);
    frame_fill(task, (void *)here, at + VDSO_FRAME_VECTOR, action, info);
    return there || !user_write(task, at, here, frame_bytes(task));
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
    user_t at = frame_below(task, stack_choose(task, action));
    user_t enter = task->trace ? 0 : vdso_signal_enter(task->space);
    if (!frame_write(task, at, enter, action, info)) {
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
    regs->rflags &= ~RFLAGS_ENTRY;
    if (enter) {
        regs->rip = enter;
        regs->r11 = action->handler;
        regs->rax = regs->rdx = UINT64_MAX;
    }
    task->answer &= ~(uint64_t)GUEST_RESULT;
    task_load(task);
    return true;
}

// ---- it has returned ---------------------------------------------------------------------------
// Whether all of the vector state is there (else only what FXSAVE has), by its marks.
static bool vector_is_whole(const char *here, uint64_t bytes)
{
    struct vector_words words;
    uint32_t end_mark;
    __builtin_memcpy(&words, here + SW_BYTES, offsetof(struct vector_words, header));
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
    memset(area + SW_BYTES, 0, XSTATE_BV - SW_BYTES);
    return rt_ok(thread_write_vector(task->thread, frame, at));
}

static bool vector_pop(struct task *task, user_t from)
{
    uint64_t bytes = vector_bytes(task);
    if (!from) {
        task_vector_clear(task);
        return true;
    }
    return !(from & 63) && vector_pop_copy(task, from, bytes);
}

// Whether XRSTOR takes it (Intel SDM volume 1, 13.8.1).
static bool vector_is_valid(const char *here)
{
    uint64_t header[XSAVE_HEADER_WORDS];
    uint32_t mxcsr;
    __builtin_memcpy(header, here + XSTATE_BV, sizeof(header));
    __builtin_memcpy(&mxcsr, here + MXCSR, sizeof(mxcsr));
    uint64_t wrong = (header[0] & ~vector_components()) | (mxcsr & ~MXCSR_BITS);
    for (unsigned i = 1; i < XSAVE_HEADER_WORDS; i++) {
        wrong |= header[i];
    }
    return !wrong;
}

// All registers but for the vector state are as in a context.
static void regs_restore(struct thread_regs *regs, const struct context *was)
{
    *regs = (struct thread_regs){ was->rip, was->rsp, was->rflags, was->rax,      was->rbx,
                                  was->rcx, was->rdx, was->rsi,    was->rdi,      was->rbp,
                                  was->r8,  was->r9,  was->r10,    was->r11,      was->r12,
                                  was->r13, was->r14, was->r15,    regs->fs_base, regs->gs_base };
}

static void frame_leave(struct task *task, const struct signal_frame *frame)
{
    task->signals.blocked = frame->mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    if (frame->stack_flags != 2 && frame->stack_bytes) {
        task->signals.stack = frame->stack;
        task->signals.stack_bytes = frame->stack_bytes;
    }
}

// Whether a frame is as it was made on the stack of what goes on, so that the task can return
// itself, and nothing is to be done before it does.
static bool frame_is_own(const struct task *task, user_t from, const struct signal_frame *frame)
{
    const char *vector = (const char *)frame + VDSO_FRAME_VECTOR;
    const struct context *was = &frame->regs;
    return from == frame_below(task, was->rsp - RED_ZONE) &&
           frame->vector == from + VDSO_FRAME_VECTOR && was->rip < SPACE_END &&
           !(was->rflags & RFLAGS_TRAP) && !(signal_pending(task) & ~frame->mask) &&
           vector_is_whole(vector, vector_bytes(task)) && vector_is_valid(vector);
}

// Have the task return itself from the frame at `from`.  False: it cannot.
static bool frame_pop_there(struct task *task, user_t from)
{
    struct thread_regs *regs = task_regs(task);
    user_t to = task->trace || from & 7 ? 0 : vdso_signal_return(task->space);
    user_t at = from - VDSO_RETURN_FRAME;
    uint64_t bytes = VDSO_RETURN_FRAME + frame_bytes(task), flags = regs->rflags & ~RFLAGS_HANDLER;
    char *there = to ? user_reach(task, at, bytes, true) : NULL;
    char *here = there ? there : frame_copy();
    const struct signal_frame *frame = (const void *)(here + VDSO_RETURN_FRAME);
    if (!to || (!there && user_read(task, here, at, bytes)) || !frame_is_own(task, from, frame)) {
        return false;
    }
    regs_restore(regs, &frame->regs);
    frame_leave(task, frame);
    struct vdso_return back = { .rip = regs->rip,
                                .stack = regs->rsp - RED_ZONE - 2 * sizeof(uint64_t),
                                .rflags = flags | (regs->rflags & RFLAGS_HANDLER),
                                .rax = regs->rax,
                                .rdx = regs->rdx };
    regs->rip = to;
    regs->rsp = at;
    regs->rflags = 0;
    regs->rax = regs->rdx = UINT64_MAX;
    if (there) {
        __builtin_memcpy(there, &back, sizeof(back));
    }
    return there || !user_write(task, at, &back, sizeof(back));
}

static bool frame_pop(struct task *task, user_t from)
{
    struct signal_frame frame;
    if (user_read(task, &frame, from, sizeof(frame)) || !vector_pop(task, frame.vector)) {
        return false;
    }
    regs_restore(task_regs(task), &frame.regs);
    frame_leave(task, &frame);
    return true;
}

int64_t call_rt_sigreturn(struct task *task)
{
    user_t from = task_regs(task)->rsp - sizeof(uint64_t);
    if (!frame_pop_there(task, from) && !frame_pop(task, from)) {
        signal_force(task, &(struct signal_info){ .signal = SIGSEGV, .code = SI_KERNEL });
        return RESULT_NONE;
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
