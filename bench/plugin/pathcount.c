// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A TCG plugin for QEMU that counts what a guest executes between two of its program addresses.
//
// Marks cost the guest nothing: they are addresses, watched from outside.  bench/analyse.py writes
// the configuration from the symbols of the programs, loads the plugin into QEMU and reads the
// samples.  One virtual CPU only.  Bad configuration ends QEMU with a message.
//
// Arguments: config=FILE, out=FILE, and for a listing of the samples of a path trace=FILE,
// only=NAME. Configuration, one per line, addresses in hexadecimal:
//   path NAME START STOP       from the instruction at START to before the one at STOP
//   entry NAME LOW HIGH STOP   the same from the first kernel instruction after one in [LOW, HIGH)
//   long NAME START STOP       only the longest stretches with interrupts off and with the lock
//   lock NEXT SERVING          the words of the kernel lock
//   count path ..., count entry ...   only the number of instructions
//   drop AT                    whatever is under way there is no sample
//   boot START STOP            count only; once; nothing else is watched before it ends
//   exclude START              boot: a function whose calls do not count
// Output: one JSON object per line, see sample_print, boot_end and stretch_print.
#include "insn.h"
#include "log.h"

#include <qemu-plugin.h>
#include <string.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PATHS     64
#define NAME_BYTES    48
#define KERNEL_BASE   0xffff800000000000ull
#define STRETCH_STEP  16  // instructions between the places that are kept of a stretch
#define STRETCH_SPOTS 1024

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

// Instructions executed one after the other with interrupts off.
struct stretch {
    uint64_t insns, rep;
    uint64_t first, last;
    uint64_t spots[STRETCH_SPOTS];
};

struct path {
    char name[NAME_BYTES];
    uint64_t start, stop;
    uint64_t low, high;  // entry paths: where the interrupted code lies; else 0
    bool active;
    bool brief;       // nothing is logged
    bool counts;      // brief: only the number of instructions is wanted
    uint64_t since;   // number of them before the sample
    size_t first;     // first event of the sample in progress
    uint64_t irqoff;  // longest stretch in it so far
    // Brief: that stretch, and the longest of `serve` and `held`.
    struct stretch worst, serve, held;
};

static struct path paths[MAX_PATHS];
static unsigned path_count;
static uint64_t executed;    // instructions, without further iterations of REP
static unsigned logging;     // paths that are active and not brief
static bool log_wanted;      // there are such
static uint64_t drop_paths;  // address

static struct {
    uint64_t start, stop, exclude;
    uint64_t resume;  // where the excluded call returns to; 0: not in one
    uint64_t insns, rep, excluded;
    bool wanted, running, done;
} boot;

static struct stretch current, longest;
static struct stretch serve, held;         // see serve_follow
static bool locked;                        // the kernel lock is held
static uint64_t lock_next, lock_serving;   // addresses of its words; 0: not known
static bool window_open;                   // the kernel has interrupts on for a moment
static uint64_t window_next, window_left;  // what comes next in it; where it was interrupted
static bool window_hit;                    // an interrupt came in it

static const struct insn *last;
static FILE *out, *trace;
static const char *traced = "";  // name of the path to list

__attribute__((noreturn, format(printf, 1, 2))) static void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("pathcount: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

// --- stretches with interrupts off --------------------------------------------------------------

static uint64_t stretch_length(const struct stretch *stretch)
{
    return stretch->insns + stretch->rep;
}

static void stretch_end(void)
{
    for (unsigned i = 0; i < path_count; i++) {
        struct path *path = &paths[i];
        if (path->active && stretch_length(&current) > path->irqoff) {
            path->irqoff = stretch_length(&current);
            if (path->brief) {
                path->worst = current;
            }
        }
    }
    if (stretch_length(&current) > stretch_length(&longest)) {
        longest = current;
    }
    current.insns = current.rep = 0;
}

static void longest_keep(struct stretch *longest_yet, const struct stretch *stretch)
{
    if (stretch_length(stretch) > stretch_length(longest_yet)) {
        *longest_yet = *stretch;
    }
}

static void serve_end(void)
{
    for (unsigned i = 0; i < path_count; i++) {
        if (paths[i].active && paths[i].brief) {
            longest_keep(&paths[i].serve, &serve);
            longest_keep(&paths[i].held, &held);
        }
    }
    serve.insns = serve.rep = held.insns = held.rep = 0;
}

static void stretch_add(struct stretch *stretch, const struct insn *insn, bool again)
{
    uint64_t length = stretch_length(stretch);
    if (!length) {
        stretch->first = insn->vaddr;
    }
    if (length % STRETCH_STEP == 0 && length / STRETCH_STEP < STRETCH_SPOTS) {
        stretch->spots[length / STRETCH_STEP] = insn->vaddr;
    }
    stretch->last = insn->vaddr;
    if (again) {
        stretch->rep++;
    } else {
        stretch->insns++;
    }
}

// Where the kernel lets interrupts in: STI, effective after the instruction that follows it, then
// straight-line code up to CLI.  Anything but the next instruction in such a window is an
// interrupt's entry; its IRET comes back to the window.
static void window_follow(const struct insn *insn, bool again)
{
    if (window_open && !again && insn->vaddr != window_next) {
        window_open = false;
        window_hit = true;
        window_left = window_next;
    } else if (last && last->kind == INSN_RETURN && insn->vaddr == window_left) {
        window_open = true;
    }
    window_open = (window_open || (last && last->kind == INSN_STI)) && insn->kind != INSN_CLI;
    window_next = insn->vaddr + insn->size;
}

// `serve`: from the entry to the return to user mode, which is when an interrupt is served.  A
// window in which none came, nor did another CPU wait for the lock, is where the kernel would have
// returned otherwise; so what follows counts anew.  One in which an interrupt came shows what is
// left to do. `held`: the same from taking to dropping the kernel lock.
static void serve_follow(const struct insn *insn, bool again)
{
    bool kernel = insn->vaddr >= KERNEL_BASE;
    bool resumed = last && last->kind == INSN_RETURN && insn->vaddr != window_left;
    if (!kernel || resumed || (insn->kind == INSN_CLI && !window_hit)) {
        serve_end();
    }
    if (!kernel || resumed || insn->kind == INSN_CLI) {
        window_hit = false;
    }
    if (!kernel) {
        locked = false;
        return;
    }
    stretch_add(&serve, insn, again);
    if (locked) {
        stretch_add(&held, insn, again);
    }
    locked = (locked || insn->kind == INSN_LOCK) && insn->kind != INSN_UNLOCK;
}

// Interrupts are on in user mode, in windows, and once an IRET or SYSRET of the kernel is done:
// even where the next instruction is the kernel's again.
static void stretch_follow(const struct insn *insn, bool again)
{
    bool kernel = insn->vaddr >= KERNEL_BASE;
    if (kernel || serve.insns) {
        serve_follow(insn, again);
    }
    if (kernel) {
        window_follow(insn, again);
    } else {
        window_open = false;
    }
    if (current.insns && (!kernel || window_open)) {
        stretch_end();
    }
    if (!kernel || window_open) {
        return;
    }
    stretch_add(&current, insn, again);
    if (insn->kind == INSN_RETURN) {
        stretch_end();
    }
}

// {"KEY": instructions, "rep": how many of them are iterations of REP, "first": ..., "last": ...,
// "spots": [every STRETCH_STEP-th]}
static void stretch_print(const char *key, const struct stretch *stretch)
{
    fprintf(out, "{\"%s\": %lu, \"rep\": %lu, \"first\": %lu, \"last\": %lu, \"spots\": [", key,
            stretch_length(stretch), stretch->rep, stretch->first, stretch->last);
    uint64_t spots = (stretch_length(stretch) + STRETCH_STEP - 1) / STRETCH_STEP;
    if (spots > STRETCH_SPOTS) {
        spots = STRETCH_SPOTS;
    }
    for (uint64_t i = 0; i < spots; i++) {
        fprintf(out, "%s%lu", i ? ", " : "", stretch->spots[i]);
    }
    fputs("]}", out);
}

// --- boot ---------------------------------------------------------------------------------------

static void boot_end(void)
{
    fprintf(out, "{\"boot\": %lu, \"rep\": %lu, \"excluded\": %lu}\n", boot.insns, boot.rep,
            boot.excluded);
    boot.running = false;
    boot.done = true;
}

static void boot_exclude(const struct insn *insn)
{
    if (insn->vaddr != boot.exclude || boot.resume) {
        return;
    }
    if (!last || last->kind != INSN_CALL) {
        refuse("the function to exclude, at 0x%lx, is not reached by a call", insn->vaddr);
    }
    boot.resume = last->vaddr + last->size;
}

static void boot_follow(const struct insn *insn, bool again)
{
    if (!boot.running) {
        boot.running = insn->vaddr == boot.start;
        if (!boot.running) {
            return;
        }
    }
    if (insn->vaddr == boot.stop) {
        boot_end();
        return;
    }
    if (insn->vaddr == boot.resume) {
        boot.resume = 0;
    }
    boot_exclude(insn);
    if (boot.resume) {
        boot.excluded++;
    } else if (again) {
        boot.rep++;
    } else {
        boot.insns++;
    }
}

// --- paths --------------------------------------------------------------------------------------

static void sample_print(const struct path *path)
{
    if (path->counts) {
        fprintf(out, "{\"path\": \"%s\", \"insns\": %lu}\n", path->name, executed - path->since);
        return;
    }
    if (path->brief) {
        fprintf(out, "{\"path\": \"%s\", \"irqoff\": %lu, \"worst\": ", path->name, path->irqoff);
        stretch_print("irqoff", &path->worst);
        fputs(", \"serve\": ", out);
        stretch_print("serve", &path->serve);
        fputs(", \"held\": ", out);
        stretch_print("held", &path->held);
        fputs("}\n", out);
        return;
    }
    struct log_summary s = log_summarise(path->first);
    fprintf(out,
            "{\"path\": \"%s\", \"insns\": %lu, \"user\": %lu, \"rep\": %lu, \"cr3\": %lu, "
            "\"cr0\": %lu, \"msr\": %lu, \"swapgs\": %lu, \"fsgsbase\": %lu, \"invlpg\": %lu, "
            "\"lines_code\": %lu, \"lines_data\": %lu, \"accesses\": %lu, \"irqoff\": %lu}\n",
            path->name, s.insns, s.user, s.rep, s.kinds[INSN_CR3], s.kinds[INSN_CR0],
            s.kinds[INSN_WRMSR], s.kinds[INSN_SWAPGS], s.kinds[INSN_FSGSBASE], s.kinds[INSN_INVLPG],
            s.lines_code, s.lines_data, s.accesses, path->irqoff);
}

static void path_begin(struct path *path)
{
    if (!path->active && !path->brief) {
        logging++;
    }
    path->active = true;
    path->first = log_position();
    path->since = executed;
    path->irqoff = 0;
    path->worst.insns = path->worst.rep = 0;
    path->serve.insns = path->serve.rep = 0;
    path->held.insns = path->held.rep = 0;
}

static void path_leave(struct path *path)
{
    path->active = false;
    if (!path->brief && --logging == 0) {
        log_reset();
    }
}

static void path_end(struct path *path)
{
    uint64_t stretch = current.insns + current.rep;
    if (stretch > path->irqoff) {
        path->irqoff = stretch;
    }
    sample_print(path);
    if (trace && strcmp(path->name, traced) == 0) {
        log_list(trace, path->name, path->first);
    }
    path_leave(path);
}

static void paths_drop(void)
{
    for (unsigned i = 0; i < path_count; i++) {
        if (paths[i].active) {
            path_leave(&paths[i]);
        }
    }
}

// Ends before beginnings, so that one address may be both.  A beginning inside of its own path is
// the same instruction again, after a fault, and is ignored.
static void paths_follow(const struct insn *insn, bool again)
{
    if (drop_paths && insn->vaddr == drop_paths) {
        paths_drop();
    }
    for (uint64_t left = insn->stops; left; left &= left - 1) {
        struct path *path = &paths[__builtin_ctzll(left)];
        if (path->active) {
            path_end(path);
        }
    }
    bool entered = last && last->entry && insn->vaddr >= KERNEL_BASE;
    for (uint64_t left = insn->starts; left; left &= left - 1) {
        if (!paths[__builtin_ctzll(left)].active) {
            path_begin(&paths[__builtin_ctzll(left)]);
        }
    }
    for (uint64_t left = entered ? last->entry : 0; left; left &= left - 1) {
        path_begin(&paths[__builtin_ctzll(left)]);
    }
    if (logging) {
        log_insn(insn, again);
    }
}

// --- what QEMU calls ----------------------------------------------------------------------------

static void on_insn(unsigned cpu, void *data)
{
    (void)cpu;
    const struct insn *insn = data;
    bool again = insn->repeats && insn == last;
    if (boot.wanted && !boot.done) {
        boot_follow(insn, again);
    } else {
        paths_follow(insn, again);
        stretch_follow(insn, again);
    }
    executed += !again;
    last = insn;
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
    (void)cpu;
    (void)data;
    if (!logging) {
        return;
    }
    struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(info, vaddr);
    bool io = !place || qemu_plugin_hwaddr_is_io(place);
    struct access access = {
        .vaddr = vaddr,
        .paddr = io ? 0 : qemu_plugin_hwaddr_phys_addr(place),
        .bytes = 1u << qemu_plugin_mem_size_shift(info),
        .io = io,
        .store = qemu_plugin_mem_is_store(info),
    };
    log_access(&access);
}

static void insn_mark(struct insn *insn)
{
    insn->starts = insn->stops = insn->entry = 0;
    for (unsigned i = 0; i < path_count; i++) {
        const struct path *path = &paths[i];
        insn->starts |= (uint64_t)(!path->high && insn->vaddr == path->start) << i;
        insn->stops |= (uint64_t)(insn->vaddr == path->stop) << i;
        insn->entry |= (uint64_t)(insn->vaddr >= path->low && insn->vaddr < path->high) << i;
    }
}

// Whether it names, relative to itself, the word at `address` with the displacement in its last
// bytes.
static bool insn_names(const struct insn *insn, uint64_t address)
{
    int32_t displacement;
    memcpy(&displacement, insn->bytes + insn->size - sizeof(displacement), sizeof(displacement));
    return address && insn->vaddr + insn->size + (uint64_t)(int64_t)displacement == address;
}

// LOCK XADD draws a number, INC of the other word calls the next.
static void lock_mark(struct insn *insn)
{
    static const uint8_t draw[] = { 0xf0, 0x0f, 0xc1 }, call[] = { 0xff, 0x05 };
    if (insn->size == 8 && memcmp(insn->bytes, draw, sizeof(draw)) == 0 &&
        insn_names(insn, lock_next)) {
        insn->kind = INSN_LOCK;
    } else if (insn->size == 6 && memcmp(insn->bytes, call, sizeof(call)) == 0 &&
               insn_names(insn, lock_serving)) {
        insn->kind = INSN_UNLOCK;
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *from = qemu_plugin_tb_get_insn(tb, i);
        struct insn *insn = insn_intern(qemu_plugin_insn_vaddr(from), qemu_plugin_insn_data(from),
                                        qemu_plugin_insn_size(from));
        if (!insn) {
            refuse("out of memory");
        }
        insn->place = (uintptr_t)qemu_plugin_insn_haddr(from);
        insn_mark(insn);
        lock_mark(insn);
        if (trace && !insn->text) {
            insn->text = qemu_plugin_insn_disas(from);
        }
        qemu_plugin_register_vcpu_insn_exec_cb(from, on_insn, QEMU_PLUGIN_CB_NO_REGS, insn);
        if (log_wanted) {
            qemu_plugin_register_vcpu_mem_cb(from, on_access, QEMU_PLUGIN_CB_NO_REGS,
                                             QEMU_PLUGIN_MEM_RW, insn);
        }
    }
}

static void on_end(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    stretch_end();
    stretch_print("irqoff", &longest);
    fputc('\n', out);
    if (fclose(out) != 0) {
        refuse("the samples could not be written");
    }
    if (trace && fclose(trace) != 0) {
        refuse("the listing could not be written");
    }
}

// --- configuration ------------------------------------------------------------------------------

static struct path *path_add(void)
{
    if (path_count == MAX_PATHS) {
        refuse("more than %d paths", MAX_PATHS);
    }
    return &paths[path_count++];
}

static bool config_line(const char *line)
{
    struct path path = { .counts = strncmp(line, "count ", 6) == 0 };
    line += path.counts ? 6 : 0;
    path.brief = path.counts || strncmp(line, "long ", 5) == 0;
    if (sscanf(line, "path %47s %lx %lx", path.name, &path.start, &path.stop) == 3 ||
        sscanf(line, "long %47s %lx %lx", path.name, &path.start, &path.stop) == 3 ||
        sscanf(line, "entry %47s %lx %lx %lx", path.name, &path.low, &path.high, &path.stop) == 4) {
        *path_add() = path;
        log_wanted = log_wanted || !path.brief;
        return true;
    }
    if (sscanf(line, "boot %lx %lx", &boot.start, &boot.stop) == 2) {
        boot.wanted = true;
        return true;
    }
    return sscanf(line, "exclude %lx", &boot.exclude) == 1 ||
           sscanf(line, "lock %lx %lx", &lock_next, &lock_serving) == 2 ||
           sscanf(line, "drop %lx", &drop_paths) == 1;
}

static void config_read(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file) {
        refuse("%s: cannot be read", name);
    }
    char line[256];
    for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
        if (!config_line(line)) {
            refuse("%s:%u: not understood: %s", name, number, line);
        }
    }
    fclose(file);
}

static FILE *open_output(const char *name)
{
    FILE *file = fopen(name, "w");
    if (!file) {
        refuse("%s: cannot be written", name);
    }
    return file;
}

static void argument_read(const char *argument)
{
    if (strncmp(argument, "config=", 7) == 0) {
        config_read(argument + 7);
    } else if (strncmp(argument, "out=", 4) == 0) {
        out = open_output(argument + 4);
    } else if (strncmp(argument, "trace=", 6) == 0) {
        trace = open_output(argument + 6);
    } else if (strncmp(argument, "only=", 5) == 0) {
        traced = argument + 5;
    } else {
        refuse("unknown argument '%s'", argument);
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv)
{
    if (!info->system_emulation || info->system.max_vcpus != 1) {
        refuse("needs a whole machine with one CPU");
    }
    for (int i = 0; i < argc; i++) {
        argument_read(argv[i]);
    }
    if (!out) {
        refuse("needs out=FILE");
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
