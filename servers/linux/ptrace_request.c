// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// ptrace(2): what tracers ask for.  A request is a line of a table; what it needs (a tracee that is
// stopped) is checked before.
#include "area.h"
#include "call.h"
#include "cpu.h"
#include "object.h"
#include "page.h"
#include "pidfd.h"
#include "ptrace.h"
#include "space.h"

#include <rt/string.h>

#define PTRACE_TRACEME   0u
#define PTRACE_KILL      8u
#define PTRACE_ATTACH    16u
#define PTRACE_DETACH    17u
#define PTRACE_SEIZE     0x4206u
#define PTRACE_INTERRUPT 0x4207u

#define OPTIONS_ALL (0xffu | TRACE_EXITKILL)

#define NT_PRSTATUS   1u
#define NT_PRFPREG    2u
#define NT_X86_XSTATE 0x202u

#define USER_BYTES      912u  // struct user
#define DEBUG_REGISTERS 848u
#define FX_BYTES        512u
#define SW_BYTES        464u  // where in the legacy area software's own bytes are
#define SW_LENGTH       48u
#define CODE_SEGMENT    0x33u
#define DATA_SEGMENT    0x2bu
#define ARCH_X86_64     0xc000003eu
#define ERRORS_MOST     4095u

// ---- memory ------------------------------------------------------------------------------------
// A tracer reads and writes whatever is mapped, but shared pages only as the tracee could.
static int memory_part(struct space *space, user_t at, void *here, uint64_t bytes, bool write)
{
    struct area *area = area_find(space, at);
    if (!area || area->start > at) {
        return -EFAULT;
    }
    uint32_t prot = area->prot, needs = PROT_READ | (write ? PROT_WRITE : 0);
    if (write && area->flags & AREA_SHARED && !(prot & PROT_WRITE)) {
        return -EFAULT;
    }
    // No page is ever both: what was mapped so that it can be written is taken away again, and
    // comes back by a fault as what the area is.
    bool changes = needs & ~prot || (write && prot & PROT_EXECUTE);
    area->prot = (write ? prot & ~PROT_EXECUTE : prot) | needs;
    int error = write ? space_write(space, at, here, bytes) : space_read(space, here, at, bytes);
    area->prot = prot;
    if (changes) {
        space_protect(space, at & ~PAGE_MASK, (at & ~PAGE_MASK) + PAGE_SIZE, 0);
    }
    return error;
}

int64_t trace_memory(struct space *space, user_t at, void *here, uint64_t bytes, bool write)
{
    uint64_t done = 0;
    while (done < bytes) {
        uint64_t room = PAGE_SIZE - ((at + done) & PAGE_MASK);
        uint64_t part = bytes - done < room ? bytes - done : room;
        if (memory_part(space, at + done, (char *)here + done, part, write)) {
            break;
        }
        done += part;
    }
    return done || !bytes ? (int64_t)done : -EFAULT;
}

static int64_t peek(struct task *task, struct trace *trace, user_t address, user_t data)
{
    uint64_t word = 0;
    if (trace_memory(trace->task->space, address, &word, sizeof(word), false) != sizeof(word)) {
        return -EIO;
    }
    return user_write(task, data, &word, sizeof(word));
}

static int64_t poke(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    uint64_t word = data;
    bool done = trace_memory(trace->task->space, address, &word, sizeof(word), true) ==
                sizeof(word);
    return done ? 0 : -EIO;
}

// ---- general registers -------------------------------------------------------------------------
struct user_registers {  // struct user_regs_struct
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
    uint64_t rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct user_registers) == 216, "as in Linux");

static void registers_get(const struct trace *trace, struct user_registers *to)
{
    const struct thread_regs *from = task_regs(trace->task);
    *to = (struct user_registers){
        .r15 = from->r15,
        .r14 = from->r14,
        .r13 = from->r13,
        .r12 = from->r12,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .r11 = from->r11,
        .r10 = from->r10,
        .r9 = from->r9,
        .r8 = from->r8,
        .rax = from->rax,
        .rcx = from->rcx,
        .rdx = from->rdx,
        .rsi = from->rsi,
        .rdi = from->rdi,
        .orig_rax = (uint64_t)trace->number,
        .rip = from->rip,
        .cs = CODE_SEGMENT,
        .eflags = from->rflags,
        .rsp = from->rsp,
        .ss = DATA_SEGMENT,
        .fs_base = from->fs_base,
        .gs_base = from->gs_base,
    };
}

static bool selector_good(uint64_t selector, bool needed)
{
    return (selector & 0xffff) ? (selector & 3) == 3 : !needed;
}

static bool registers_good(const struct user_registers *from)
{
    return selector_good(from->cs, true) && selector_good(from->ss, true) &&
           selector_good(from->ds, false) && selector_good(from->es, false) &&
           selector_good(from->fs, false) && selector_good(from->gs, false) &&
           from->fs_base < SPACE_END && from->gs_base < SPACE_END;
}

// What the tracee was interrupted in is given up when its registers are no longer those of the
// interrupted call.
static void registers_changed(struct trace *trace, const struct user_registers *before,
                              const struct user_registers *now)
{
    struct task *task = trace->task;
    bool same = before->rip == now->rip && before->rax == now->rax &&
                before->orig_rax == now->orig_rax && before->rsp == now->rsp;
    if (task->interrupted && !same) {
        task->interrupted = false;
        call_ended(task);
    }
    trace->written = true;
    task_load(task);
}

static int64_t registers_set(struct trace *trace, const struct user_registers *from)
{
    struct user_registers before;
    if (!registers_good(from)) {
        return -EIO;
    }
    registers_get(trace, &before);
    struct thread_regs *to = task_regs(trace->task);
    *to = (struct thread_regs){
        .rip = from->rip,
        .rsp = from->rsp,
        .rflags = from->eflags,
        .rax = from->rax,
        .rbx = from->rbx,
        .rcx = from->rcx,
        .rdx = from->rdx,
        .rsi = from->rsi,
        .rdi = from->rdi,
        .rbp = from->rbp,
        .r8 = from->r8,
        .r9 = from->r9,
        .r10 = from->r10,
        .r11 = from->r11,
        .r12 = from->r12,
        .r13 = from->r13,
        .r14 = from->r14,
        .r15 = from->r15,
        .fs_base = from->fs_base,
        .gs_base = from->gs_base,
    };
    trace->number = (int32_t)from->orig_rax;
    registers_changed(trace, &before, from);
    return 0;
}

static int64_t get_registers(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct user_registers registers;
    (void)address;
    registers_get(trace, &registers);
    return user_write(task, data, &registers, sizeof(registers));
}

static int64_t set_registers(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct user_registers registers;
    (void)address;
    if (user_read(task, &registers, data, sizeof(registers))) {
        return -EFAULT;
    }
    return registers_set(trace, &registers);
}

static int64_t peek_user(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct user_registers registers;
    uint64_t word = 0;
    if (address & 7 || address >= USER_BYTES) {
        return -EIO;
    }
    if (address < sizeof(registers)) {
        registers_get(trace, &registers);
        memcpy(&word, (const char *)&registers + address, sizeof(word));
    }
    return user_write(task, data, &word, sizeof(word));
}

static int64_t poke_user(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct user_registers registers;
    (void)task;
    if (address & 7 || address >= USER_BYTES) {
        return -EIO;
    }
    if (address < sizeof(registers)) {
        registers_get(trace, &registers);
        memcpy((char *)&registers + address, &data, sizeof(data));
        return registers_set(trace, &registers);
    }
    if (address < DEBUG_REGISTERS) {
        return -EIO;
    }
    return data ? -ENOSPC : 0;  // there are no debug registers for guests
}

// ---- vector registers --------------------------------------------------------------------------
// The components that the system lets programs use, as Linux tells them in the legacy area.
static uint64_t vector_features(void)
{
    const uint32_t osxsave = 1u << 27;
    uint32_t a = 1, b = 0, c = 0, d = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(c & osxsave)) {
        return 3;
    }
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

// The tracee's, where they are exchanged with the kernel: how many bytes; 0: none.
static uint64_t vector_get(struct task *task, char **area, bool extended)
{
    cap_t frame = 0;
    uint64_t at = 0, features = vector_features();
    *area = task_vector_area(&frame, &at);
    struct thread_read_vector_result state = thread_read_vector(task->thread, frame, at);
    if (!rt_ok(state.status)) {
        return 0;
    }
    memset(*area + SW_BYTES, 0, SW_LENGTH);
    if (extended) {
        memcpy(*area + SW_BYTES, &features, sizeof(features));
    }
    return extended ? state.bytes : FX_BYTES;
}

// Up to `bytes` from the tracer; the rest stays.
static int64_t vector_set(struct task *task, struct task *of, user_t from, uint64_t bytes)
{
    cap_t frame = 0;
    uint64_t at = 0, has = 0;
    char *area = task_vector_area(&frame, &at);
    const struct thread_read_vector_result state = thread_read_vector(of->thread, frame, at);
    if (!rt_ok(state.status)) {
        return -EIO;
    }
    if (bytes > state.bytes || user_read(task, area, from, bytes)) {
        return bytes > state.bytes ? -EINVAL : -EFAULT;
    }
    memset(area + SW_BYTES, 0, SW_LENGTH);
    if (state.bytes > FX_BYTES && bytes <= FX_BYTES) {  // x87 and SSE are in use now
        memcpy(&has, area + FX_BYTES, sizeof(has));
        has |= 3;
        memcpy(area + FX_BYTES, &has, sizeof(has));
    }
    return rt_ok(thread_write_vector(of->thread, frame, at)) ? 0 : -EINVAL;
}

static int64_t get_vector(struct task *task, struct trace *trace, user_t address, user_t data)
{
    char *area = NULL;
    (void)address;
    uint64_t bytes = vector_get(trace->task, &area, false);
    return bytes ? user_write(task, data, area, bytes) : -EIO;
}

static int64_t set_vector(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)address;
    return vector_set(task, trace->task, data, FX_BYTES);
}

// ---- sets of registers -------------------------------------------------------------------------
struct part {  // struct iovec
    user_t at;
    uint64_t bytes;
};

static int64_t part_read(struct task *task, user_t type, user_t data, struct part *part)
{
    if (user_read(task, part, data, sizeof(*part))) {
        return -EFAULT;
    }
    uint64_t unit = type == NT_PRFPREG ? 4 : 8;
    bool known = type == NT_PRSTATUS || type == NT_PRFPREG || type == NT_X86_XSTATE;
    return !known || part->bytes % unit ? -EINVAL : 0;
}

static int64_t get_set(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct part part;
    struct user_registers registers;
    char *from = (char *)&registers;
    uint64_t bytes = sizeof(registers);
    int64_t error = part_read(task, address, data, &part);
    if (error) {
        return error;
    }
    if (address == NT_PRSTATUS) {
        registers_get(trace, &registers);
    } else {
        bytes = vector_get(trace->task, &from, address == NT_X86_XSTATE);
    }
    part.bytes = part.bytes < bytes ? part.bytes : bytes;
    return user_write(task, part.at, from, part.bytes) ||
                   user_write(task, data + sizeof(part.at), &part.bytes, sizeof(part.bytes))
               ? -EFAULT
               : 0;
}

static int64_t set_set(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct part part;
    struct user_registers registers;
    int64_t error = part_read(task, address, data, &part);
    if (error) {
        return error;
    }
    if (address == NT_PRSTATUS) {
        registers_get(trace, &registers);
        part.bytes = part.bytes < sizeof(registers) ? part.bytes : sizeof(registers);
        error = user_read(task, &registers, part.at, part.bytes) ? -EFAULT
                                                                 : registers_set(trace, &registers);
    } else {
        part.bytes = address == NT_PRFPREG && part.bytes > FX_BYTES ? FX_BYTES : part.bytes;
        error = vector_set(task, trace->task, part.at, part.bytes);
    }
    if (error) {
        return error;
    }
    return user_write(task, data + sizeof(part.at), &part.bytes, sizeof(part.bytes));
}

// ---- what stopped it ---------------------------------------------------------------------------
static int64_t get_message(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)address;
    return user_write(task, data, &trace->message, sizeof(trace->message));
}

static int64_t get_info(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)address;
    return trace->has_info ? user_write(task, data, &trace->info, sizeof(trace->info)) : -EINVAL;
}

static int64_t set_info(struct task *task, struct trace *trace, user_t address, user_t data)
{
    struct signal_info info;
    (void)address;
    if (user_read(task, &info, data, sizeof(info))) {
        return -EFAULT;
    }
    if (!trace->has_info) {
        return -EINVAL;
    }
    trace->info = info;
    return 0;
}

static int64_t get_mask(struct task *task, struct trace *trace, user_t address, user_t data)
{
    const struct task_signals *signals = &trace->task->signals;
    const sigset mask = signals->restore ? signals->restored : signals->blocked;
    if (address != sizeof(mask)) {
        return -EINVAL;
    }
    return user_write(task, data, &mask, sizeof(mask));
}

static int64_t set_mask(struct task *task, struct trace *trace, user_t address, user_t data)
{
    sigset mask;
    if (address != sizeof(mask)) {
        return -EINVAL;
    }
    if (user_read(task, &mask, data, sizeof(mask))) {
        return -EFAULT;
    }
    trace->task->signals.blocked = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    return 0;
}

struct call_information {  // struct ptrace_syscall_info
    uint8_t kind, padding[3];
    uint32_t arch;
    uint64_t rip, rsp;
    union {
        struct {
            uint64_t number, args[6];
        } entry;
        struct {
            int64_t result;
            uint8_t is_error;
        } exit;
    };
};

static int64_t call_information(struct task *task, struct trace *trace, user_t address, user_t data)
{
    const struct thread_regs *regs = task_regs(trace->task);
    struct call_information info = { .arch = ARCH_X86_64, .rip = regs->rip, .rsp = regs->rsp };
    uint64_t bytes = offsetof(struct call_information, entry);
    if (trace->stop == STOP_ENTRY) {
        info.kind = 1;
        info.entry.number = (uint64_t)trace->number;
        const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
        memcpy(info.entry.args, args, sizeof(args));
        bytes += sizeof(info.entry);
    } else if (trace->stop == STOP_EXIT) {
        info.kind = 2;
        info.exit.result = (int64_t)regs->rax;
        info.exit.is_error = regs->rax >= (uint64_t) - (int64_t)ERRORS_MOST;
        bytes = offsetof(struct call_information, exit.is_error) + 1;
    }
    uint64_t part = bytes < address ? bytes : address;
    return user_write(task, data, &info, part) ? -EFAULT : (int64_t)bytes;
}

static int64_t set_options(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    if (data & ~(uint64_t)OPTIONS_ALL) {
        return -EINVAL;
    }
    trace->options = (uint32_t)data;
    return 0;
}

// ---- going on ----------------------------------------------------------------------------------
static int64_t go(struct trace *trace, uint32_t mode, user_t signal)
{
    if (signal > SIGNALS) {
        return -EIO;
    }
    trace_resume(trace, mode, (uint32_t)signal);
    return 0;
}

static int64_t go_on(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    return go(trace, PTRACE_CONT, data);
}

static int64_t go_to_call(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    return go(trace, PTRACE_SYSCALL, data);
}

static int64_t go_one_step(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    return go(trace, PTRACE_SINGLESTEP, data);
}

static int64_t leave(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    if (data > SIGNALS) {
        return -EIO;
    }
    trace_detach(trace, (uint32_t)data);
    return 0;
}

static int64_t listen(struct task *task, struct trace *trace, user_t address, user_t data)
{
    (void)task;
    (void)address;
    (void)data;
    if (!trace->seized || trace->status >> 8 != EVENT_STOP) {
        return -EIO;
    }
    trace_listen(trace);
    return 0;
}

// ---- requests ----------------------------------------------------------------------------------
// Of a tracee that is stopped.
static const struct request {
    uint32_t number;
    int64_t (*carry_out)(struct task *task, struct trace *trace, user_t address, user_t data);
} requests[] = {
    { 1, peek },
    { 2, peek },
    { 3, peek_user },
    { 4, poke },
    { 5, poke },
    { 6, poke_user },
    { PTRACE_CONT, go_on },
    { PTRACE_SINGLESTEP, go_one_step },
    { 12, get_registers },
    { 13, set_registers },
    { 14, get_vector },
    { 15, set_vector },
    { PTRACE_DETACH, leave },
    { 21, set_options },
    { PTRACE_SYSCALL, go_to_call },
    { 0x4200, set_options },
    { 0x4201, get_message },
    { 0x4202, get_info },
    { 0x4203, set_info },
    { 0x4204, get_set },
    { 0x4205, set_set },
    { 0x4208, listen },
    { 0x420a, get_mask },
    { 0x420b, set_mask },
    { 0x420e, call_information },
};

static int64_t trace_me(struct task *task)
{
    struct process *parent = task->process->parent;
    if (task->trace) {
        return -EPERM;
    }
    return parent && parent != process_init ? trace_new(task, parent, false, 0) : 0;
}

static int64_t attach(struct task *task, struct task *to, bool seize, user_t options)
{
    if (seize && options & ~(uint64_t)OPTIONS_ALL) {
        return -EIO;
    }
    if (to->process == task->process || to->trace || !task_may_look(task, to)) {
        return -EPERM;
    }
    int64_t error = trace_new(to, task->process, seize, seize ? (uint32_t)options : 0);
    if (!error && !seize) {
        (void)signal_send_task(to, &(struct signal_info){ .signal = SIGSTOP, .code = SI_KERNEL });
    }
    return error;
}

static int64_t interrupt(struct trace *trace)
{
    if (!trace->seized) {
        return -EIO;
    }
    if (!trace->stop || trace->listening) {
        trace->interrupt = true;
        signal_poke(trace->task);
    }
    return 0;
}

static int64_t kill_tracee(struct task *task)
{
    struct signal_info info = { .signal = SIGKILL, .code = SI_KERNEL };
    return signal_send_task(task, &info);
}

int64_t call_ptrace(struct task *task, int64_t request, int32_t pid, user_t address, user_t data)
{
    if (request == PTRACE_TRACEME) {
        return trace_me(task);
    }
    struct task *to = task_find((uint32_t)pid);
    if (!to) {
        return -ESRCH;
    }
    if (request == PTRACE_ATTACH || request == PTRACE_SEIZE) {
        bool seize = request == PTRACE_SEIZE;
        return seize && address ? -EIO : attach(task, to, seize, data);
    }
    struct trace *trace = to->trace;
    if (!trace || trace->tracer != task->process) {
        return -ESRCH;
    }
    if (request == PTRACE_KILL || request == PTRACE_INTERRUPT) {
        return request == PTRACE_KILL ? kill_tracee(to) : interrupt(trace);
    }
    if (!trace->stop || trace->goes || trace->listening) {
        return -ESRCH;
    }
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (requests[i].number == (uint64_t)request) {
            return requests[i].carry_out(task, trace, address, data);
        }
    }
    return -EIO;
}
