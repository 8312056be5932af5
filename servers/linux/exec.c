// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A new program in a process: scripts, ELF files static and dynamic, what stands on its stack.
// Until the new space is complete the old one is whole, so that every refusal leaves the caller as
// it was.
#include "exec.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "clone.h"
#include "cpu.h"
#include "exectext.h"
#include "futex.h"
#include "heap.h"
#include "interval.h"
#include "object.h"
#include "ptrace.h"
#include "space.h"
#include "vdso.h"

#include <rt/clock.h>
#include <rt/elf.h>
#include <rt/print.h>
#include <rt/string.h>

#define SCRIPT_BYTES  256u
#define SCRIPTS       5u
#define PROGRAMS      64u  // program headers
#define INTERPRETER   3u
#define STACK_SEGMENT 0x6474e551u
#define ONE_MOST      (128ull << 10)  // a single one
#define STRINGS_MOST  65536u
#define STACK_MOST    (8ull << 20)
#define STACK_BEGIN   (132ull << 10)  // room that is mapped at once
#define PIE_BASE      0x555555554000ull
#define RANDOM_MASK   0x3fffffull  // pages by which places differ

// Auxiliary vector (getauxval(3)).
enum aux {
    AT_NULL,
    AT_PHDR = 3,
    AT_PHENT,
    AT_PHNUM,
    AT_PAGESZ,
    AT_BASE,
    AT_FLAGS,
    AT_ENTRY,
    AT_UID = 11,
    AT_EUID,
    AT_GID,
    AT_EGID,
    AT_PLATFORM,
    AT_HWCAP,
    AT_CLKTCK,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_HWCAP2,
    AT_EXECFN = 31,
    AT_SYSINFO_EHDR = 33,
    AT_MINSIGSTKSZ = 51,
};

// Its parts are no larger than a page each, so that memory in pieces is good enough.
struct exec {
    struct task *task;
    struct exectext *text;
    uint32_t arguments, environment;
    char *path;         // as it was called; PATH_MAX_BYTES
    char *name;         // of what is executed now; likewise
    bool hidden;        // that name leads nowhere once the program runs
    struct file *file;  // of that
    struct file *interpreter;
    struct space *space;
    uint64_t entry, base;  // of the program; where the interpreter was put
    uint64_t program_entry, headers_at, header_count;
    uint64_t vdso;
    uint64_t stack_top;
    struct credentials credentials;  // that the task will have
};

static int64_t file_bytes(struct file *file, void *to, uint64_t bytes, uint64_t offset)
{
    struct io io = io_here(to, bytes, false);
    return file->ops->read ? file->ops->read(NULL, file, &io, &offset) : -EACCES;
}

// ---- strings -----------------------------------------------------------------------------------
static int64_t text_push(struct exec *exec, const char *string)
{
    return exectext_push(exec->text, string, strlen(string) + 1);
}

static int64_t text_push_user(struct exec *exec, user_t from)
{
    static char one[ONE_MOST];
    int64_t length = user_string(exec->task, one, from, sizeof(one));
    if (length < 0) {
        return length == -ENAMETOOLONG ? -E2BIG : length;
    }
    return exectext_push(exec->text, one, (uint64_t)length + 1);
}

static int64_t pointer_at(struct exec *exec, user_t vector, uint32_t number, user_t *pointer)
{
    return user_read(exec->task, pointer, vector + number * sizeof(*pointer), sizeof(*pointer));
}

static int64_t vector_push(struct exec *exec, user_t vector, uint32_t *count)
{
    user_t pointer = 0;
    int64_t error = 0;
    *count = 0;
    for (; vector && !(error = pointer_at(exec, vector, *count, &pointer)) && pointer; ++*count) {
        if (*count == STRINGS_MOST) {
            return -E2BIG;
        }
    }
    for (uint32_t i = *count; !error && i-- > 0;) {
        error = pointer_at(exec, vector, i, &pointer);
        error = error ? error : text_push_user(exec, pointer);
    }
    return error;
}

// Drop the first string.
static void text_pop(struct exec *exec)
{
    exec->text->at += exectext_length(exec->text, exec->text->at);
}

// ---- files -------------------------------------------------------------------------------------
static int64_t file_open(struct exec *exec, struct path_result *found, struct file **file)
{
    const struct inode *inode = found->at.dentry->inode;
    uint32_t kind = inode->is.mode & S_IFMT;
    int64_t error = kind == S_IFREG   ? inode_permits(exec->task, inode, 1)
                    : kind == S_IFLNK ? -ELOOP  // one that was not to be followed
                                      : -EACCES;
    if (!error && !(inode->is.mode & 0111)) {
        error = -EACCES;
    }
    if (error) {
        place_put(found->at);
        return error;
    }
    *file = NULL;
    error = inode->ops->open(exec->task, found->at, O_RDONLY, file);
    if (!error && (error = inode_deny_write((*file)->inode))) {
        file_put(*file);
        *file = NULL;
    }
    return error;
}

void program_get(struct file *file)
{
    (void)inode_deny_write(file->inode);  // nobody writes: it is a program already
    file_get(file);
}

void program_put(struct file *file)
{
    inode_allow_write(file->inode);
    file_put(file);
}

static int64_t path_open(struct exec *exec, const char *path, struct file **file)
{
    struct path_result found;
    int64_t error = path_find(exec->task, AT_FDCWD, path, PATH_FOLLOW, &found);
    return error ? error : file_open(exec, &found, file);
}

// "#!INTERPRETER [ARGUMENT]": the interpreter with the script's name in place of the first
// argument.
static int64_t script_read(struct exec *exec, char *line)
{
    char *end = line + 2, *argument = NULL;
    while (*end == ' ' || *end == '\t') {
        end++;
    }
    char *path = end;
    while (*end && *end != '\n' && *end != ' ' && *end != '\t') {
        end++;
    }
    if (end == path) {
        return -ENOEXEC;
    }
    char *rest = end;
    while (*rest == ' ' || *rest == '\t') {
        *rest++ = 0;
    }
    if (*rest && *rest != '\n') {
        argument = rest;
        while (*rest && *rest != '\n') {
            rest++;
        }
        while (rest[-1] == ' ' || rest[-1] == '\t') {
            rest--;
        }
    }
    *rest = 0;
    if (exec->hidden) {
        return -ENOENT;
    }
    if (exec->arguments) {
        text_pop(exec);
    }
    int64_t error = text_push(exec, exec->name);
    if (!error && argument) {
        error = text_push(exec, argument);
    }
    error = error ? error : text_push(exec, path);
    exec->arguments += (exec->arguments ? 1u : 2u) + (argument != NULL);
    memcpy(exec->name, path, strlen(path) + 1);
    return error;
}

// Follow scripts to the program.
static int64_t program_find(struct exec *exec)
{
    for (unsigned depth = 0;; depth++) {
        char line[SCRIPT_BYTES + 1];
        int64_t bytes = file_bytes(exec->file, line, SCRIPT_BYTES, 0);
        if (bytes < 2 || line[0] != '#' || line[1] != '!') {
            return bytes < 0 ? bytes : 0;
        }
        line[bytes] = 0;
        if (depth == SCRIPTS) {
            return -ELOOP;
        }
        program_put(exec->file);
        exec->file = NULL;
        int64_t error = script_read(exec, line);
        error = error ? error : path_open(exec, exec->name, &exec->file);
        if (error) {
            return error;
        }
    }
}

// ---- ELF ---------------------------------------------------------------------------------------
struct image {
    struct elf_header header;
    struct elf_program programs[PROGRAMS];
    uint64_t low, high;  // addresses that it takes
};

static int64_t image_read(struct file *file, struct image *image)
{
    struct elf_header *header = &image->header;
    int64_t bytes = file_bytes(file, header, sizeof(*header), 0);
    if (bytes != sizeof(*header) || header->magic != ELF_MAGIC || header->class != ELF_CLASS_64 ||
        header->data != ELF_DATA_LITTLE || header->machine != ELF_MACHINE_X86 ||
        (header->type != ELF_TYPE_EXEC && header->type != ELF_TYPE_DYN) ||
        header->program_size != sizeof(struct elf_program) || !header->program_count ||
        header->program_count > PROGRAMS) {
        return -ENOEXEC;
    }
    uint64_t wanted = header->program_count * sizeof(struct elf_program);
    if (file_bytes(file, image->programs, wanted, header->program_offset) != (int64_t)wanted) {
        return -ENOEXEC;
    }
    image->low = UINT64_MAX;
    image->high = 0;
    for (unsigned i = 0; i < header->program_count; i++) {
        const struct elf_program *at = &image->programs[i];
        if (at->type == ELF_PROGRAM_LOAD) {
            if (at->file_size > at->memory_size || at->vaddr > SPACE_END ||
                at->memory_size > SPACE_END - at->vaddr || (at->vaddr - at->offset) & PAGE_MASK) {
                return -EINVAL;
            }
            image->low = at->vaddr < image->low ? at->vaddr : image->low;
            uint64_t end = PAGE_UP(at->vaddr + at->memory_size);
            image->high = end > image->high ? end : image->high;
        }
    }
    return 0;
}

static int64_t piece_map(struct space *space, struct area area)
{
    if (area.start >= area.end) {
        return 0;
    }
    if (area.file) {
        file_get(area.file);
    }
    int64_t error = area_map(space, &area);
    if (error && area.file) {
        file_put(area.file);
    }
    return error;
}

// The end of what comes from the file is zeroed, up to its page's end; the rest is anonymous.
static int64_t segment_map(struct exec *exec, struct file *file, const struct elf_program *segment,
                           uint64_t bias)
{
    uint32_t prot = (segment->flags & ELF_SEGMENT_READ ? PROT_READ : 0) |
                    (segment->flags & ELF_SEGMENT_WRITE ? PROT_WRITE : 0) |
                    (segment->flags & ELF_SEGMENT_EXECUTE ? PROT_EXECUTE : 0);
    uint64_t start = (bias + segment->vaddr) & ~PAGE_MASK;
    uint64_t file_end = bias + segment->vaddr + segment->file_size;
    struct area area = { .start = start,
                         .end = segment->file_size ? PAGE_UP(file_end) : start,
                         .prot = prot,
                         .prot_most = PROT_RIGHTS,
                         .file = file,
                         .first = segment->offset >> PAGE_BITS };
    struct area rest = { .start = area.end,
                         .end = PAGE_UP(bias + segment->vaddr + segment->memory_size),
                         .prot = prot,
                         .prot_most = PROT_RIGHTS };
    int64_t error = piece_map(exec->space, area);
    error = error ? error : piece_map(exec->space, rest);
    if (!error && segment->memory_size > segment->file_size && file_end & PAGE_MASK &&
        prot & PROT_WRITE) {
        static const char zeros[PAGE_SIZE];
        error = space_write(exec->space, file_end, zeros, PAGE_SIZE - (file_end & PAGE_MASK));
    }
    return error;
}

static int64_t image_map(struct exec *exec, struct file *file, const struct image *image,
                         uint64_t bias)
{
    uint64_t low = image->low & ~PAGE_MASK, bytes = image->high - low, first = bias + low;
    if (bytes > SPACE_END || first < SPACE_BOTTOM || first > SPACE_END - bytes) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < image->header.program_count; i++) {
        if (image->programs[i].type == ELF_PROGRAM_LOAD) {
            int64_t error = segment_map(exec, file, &image->programs[i], bias);
            if (error) {
                return error;
            }
        }
    }
    return 0;
}

// Where the program's headers are once it is mapped.
static uint64_t headers_place(const struct image *image, uint64_t bias)
{
    for (unsigned i = 0; i < image->header.program_count; i++) {
        const struct elf_program *at = &image->programs[i];
        uint64_t offset = image->header.program_offset - at->offset;
        if (at->type == ELF_PROGRAM_LOAD && image->header.program_offset >= at->offset &&
            offset < at->file_size) {
            return bias + at->vaddr + offset;
        }
    }
    return 0;
}

// What is no program at all is refused before there is a look at the one that wants it.
static int64_t interpreter_check(struct file *file)
{
    struct elf_header header;
    if (file_bytes(file, &header, sizeof(header), 0) != sizeof(header)) {
        return -EIO;
    }
    return header.magic == ELF_MAGIC ? 0 : -ELIBBAD;
}

// The segments have an extent.
static int64_t image_check(const struct image *image)
{
    return image->low < image->high ? 0 : -ENOEXEC;
}

static int64_t interpreter_open(struct exec *exec, const struct image *image)
{
    for (unsigned i = 0; i < image->header.program_count; i++) {
        const struct elf_program *at = &image->programs[i];
        char path[PATH_MAX_BYTES];
        if (at->type == INTERPRETER) {
            if (at->file_size < 2 || at->file_size > sizeof(path)) {
                return -ENOEXEC;
            }
            int64_t bytes = file_bytes(exec->file, path, at->file_size, at->offset);
            if (bytes != (int64_t)at->file_size || path[at->file_size - 1]) {
                return bytes != (int64_t)at->file_size ? -EIO : -ENOEXEC;
            }
            int64_t error = path_open(exec, path, &exec->interpreter);
            return error ? error : interpreter_check(exec->interpreter);
        }
    }
    return 0;
}

static uint64_t random_pages(const struct exec *exec, uint64_t mask)
{
    return exec->task->personality & ADDR_NO_RANDOMIZE ? 0 : (rt_seed() >> 8 & mask) << PAGE_BITS;
}

static void sizes_set(struct exec *exec, const struct image *image, uint64_t bias)
{
    struct space *space = exec->space;
    for (unsigned i = 0; i < image->header.program_count; i++) {
        const struct elf_program *at = &image->programs[i];
        uint64_t start = bias + at->vaddr, end = start + at->file_size;
        if (at->type == ELF_PROGRAM_LOAD && at->flags & ELF_SEGMENT_EXECUTE) {
            space->code_start = space->code_start ? space->code_start : start;
            space->code_end = end;
        } else if (at->type == ELF_PROGRAM_LOAD && at->flags & ELF_SEGMENT_WRITE) {
            space->data_start = start;
            space->data_end = end;
        }
    }
    space->brk_start = bias + image->high + random_pages(exec, 0x1fff);
    space->brk = space->brk_start;
}

// Whether the program wants to execute what is on its stack.
static void stack_allow(struct exec *exec, const struct image *image)
{
    for (unsigned i = 0; i < image->header.program_count; i++) {
        const struct elf_program *at = &image->programs[i];
        if (at->type == STACK_SEGMENT && at->flags & ELF_SEGMENT_EXECUTE) {
            area_find(exec->space, exec->stack_top - 1)->prot |= PROT_EXECUTE;
        }
    }
}

static int64_t program_map(struct exec *exec)
{
    static struct image image;
    int64_t error = image_read(exec->file, &image);
    error = error ? error : interpreter_open(exec, &image);
    error = error ? error : image_check(&image);
    if (error) {
        return error;
    }
    stack_allow(exec, &image);
    bool pie = image.header.type == ELF_TYPE_DYN;
    uint64_t bias = pie && exec->interpreter
                        ? PIE_BASE + random_pages(exec, RANDOM_MASK) - (image.low & ~PAGE_MASK)
                    : pie ? area_place(exec->space, 0, image.high - image.low) -
                                (image.low & ~PAGE_MASK)
                          : 0;
    error = image_map(exec, exec->file, &image, bias);
    exec->entry = exec->program_entry = bias + image.header.entry;
    exec->headers_at = headers_place(&image, bias);
    exec->header_count = image.header.program_count;
    sizes_set(exec, &image, bias);
    if (pie && !exec->interpreter) {
        exec->space->brk_start = exec->space->brk = PIE_BASE + random_pages(exec, RANDOM_MASK);
    }
    if (error || !exec->interpreter) {
        return error;
    }
    error = image_read(exec->interpreter, &image);
    error = error ? error : image_check(&image);
    if (error) {
        return error == -ENOEXEC ? -ELIBBAD : error;
    }
    exec->base = area_place(exec->space, 0, image.high - image.low);
    uint64_t interpreter_bias = exec->base - (image.low & ~PAGE_MASK);
    exec->entry = interpreter_bias + image.header.entry;
    return image_map(exec, exec->interpreter, &image, interpreter_bias);
}

// ---- the stack ---------------------------------------------------------------------------------
static int64_t stack_map(struct exec *exec)
{
    uint64_t limit = task_limit(exec->task, RLIMIT_STACK);
    uint64_t top = SPACE_END - PAGE_SIZE - random_pages(exec, RANDOM_MASK);
    struct area area = { .start = top - STACK_BEGIN,
                         .end = top,
                         .prot = PROT_READ | PROT_WRITE,
                         .prot_most = PROT_RIGHTS,
                         .flags = AREA_GROWS };
    uint64_t text = EXECTEXT_END - exec->text->at;
    area.start -= PAGE_UP(text + (exec->arguments + exec->environment) * sizeof(user_t));
    exec->stack_top = top;
    exec->space->stack_start = top;
    exec->space->stack_most = limit;
    // As in Linux: below the stack's limit, which is taken as at least 128 MiB, and a random gap.
    uint64_t gap = limit < (128ull << 20) ? 128ull << 20 : limit;
    gap = gap > SPACE_END / 6 * 5 ? SPACE_END / 6 * 5 : gap;
    exec->space->place_top = (top - gap - random_pages(exec, RANDOM_MASK)) & ~PAGE_MASK;
    return area_map(exec->space, &area);
}

static void aux_add(struct space *space, uint64_t type, uint64_t value)
{
    space->vector[space->vector_count++] = type;
    space->vector[space->vector_count++] = value;
}

// What leaf 1 of CPUID says in EDX, which is AT_HWCAP.
static uint32_t features_read(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return d;
}

static void aux_fill(struct exec *exec, const user_t *places)
{
    const struct credentials *who = &exec->credentials;
    struct space *space = exec->space;
    aux_add(space, AT_SYSINFO_EHDR, exec->vdso);
    aux_add(space, AT_MINSIGSTKSZ, 3632);
    aux_add(space, AT_HWCAP, features_read());
    aux_add(space, AT_PAGESZ, PAGE_SIZE);
    aux_add(space, AT_CLKTCK, 100);
    aux_add(space, AT_PHDR, exec->headers_at);
    aux_add(space, AT_PHENT, sizeof(struct elf_program));
    aux_add(space, AT_PHNUM, exec->header_count);
    aux_add(space, AT_BASE, exec->base);
    aux_add(space, AT_FLAGS, 0);
    aux_add(space, AT_ENTRY, exec->program_entry);
    aux_add(space, AT_UID, who->uid);
    aux_add(space, AT_EUID, who->euid);
    aux_add(space, AT_GID, who->gid);
    aux_add(space, AT_EGID, who->egid);
    aux_add(space, AT_SECURE, who->uid != who->euid || who->gid != who->egid);
    aux_add(space, AT_RANDOM, places[0]);
    aux_add(space, AT_HWCAP2, 2);  // FSGSBASE
    aux_add(space, AT_EXECFN, places[1]);
    aux_add(space, AT_PLATFORM, places[2]);
    aux_add(space, AT_NULL, 0);
}

// A string at the very top, below what is there already: its address.
static user_t top_push(struct exec *exec, user_t *top, const void *from, uint64_t bytes,
                       int64_t *error)
{
    *top -= bytes;
    *error = *error ? *error : space_write(exec->space, *top, from, bytes);
    return *top;
}

// Words on the stack from an address upwards, a few at a time.
struct stack_words {
    struct space *space;
    user_t at;
    uint64_t words[64];
    unsigned count;
    int64_t error;
};

static void words_flush(struct stack_words *stack)
{
    uint64_t bytes = stack->count * sizeof(stack->words[0]);
    stack->error = stack->error ? stack->error
                                : space_write(stack->space, stack->at, stack->words, bytes);
    stack->at += bytes;
    stack->count = 0;
}

static void word_add(struct stack_words *stack, uint64_t word)
{
    stack->words[stack->count++] = word;
    if (stack->count == sizeof(stack->words) / sizeof(stack->words[0])) {
        words_flush(stack);
    }
}

// Pointers to strings, which lie at `text` on the stack from `*at` on, and a zero.
static void pointers_add(struct exec *exec, struct stack_words *stack, uint32_t count, user_t text,
                         uint64_t *at)
{
    for (uint32_t i = 0; i < count; i++) {
        word_add(stack, text + *at - exec->text->at);
        *at += exectext_length(exec->text, *at);
    }
    word_add(stack, 0);
}

// Counts, pointers and the auxiliary vector: the stack pointer, or 0.
static user_t words_write(struct exec *exec, user_t top, user_t text)
{
    struct space *space = exec->space;
    uint64_t at = exec->text->at, aux = space->vector_count;
    uint64_t count = 3ull + exec->arguments + exec->environment + aux;
    user_t sp = (top - count * sizeof(uint64_t)) & ~15ull;
    struct stack_words stack = { .space = space, .at = sp };
    word_add(&stack, exec->arguments);
    space->args_start = text;
    pointers_add(exec, &stack, exec->arguments, text, &at);
    space->args_end = space->env_start = text + at - exec->text->at;
    pointers_add(exec, &stack, exec->environment, text, &at);
    space->env_end = text + at - exec->text->at;
    for (unsigned i = 0; i < aux; i++) {
        word_add(&stack, space->vector[i]);
    }
    words_flush(&stack);
    return stack.error ? 0 : sp;
}

// Strings, pointers and the auxiliary vector (System V ABI, AMD64, 3.4.1): the stack pointer, or 0.
static user_t stack_fill(struct exec *exec)
{
    static const char platform[] = "x86_64";
    uint64_t random[2] = { rt_seed(), rt_seed() };
    user_t top = exec->stack_top - sizeof(uint64_t), places[3];
    int64_t error = 0;
    places[1] = top_push(exec, &top, exec->path, strlen(exec->path) + 1, &error);
    user_t text = top -= EXECTEXT_END - exec->text->at;
    error = error ? error : exectext_write(exec->text, exec->space, text);
    places[2] = top_push(exec, &top, platform, sizeof(platform), &error);
    top &= ~15ull;
    places[0] = top_push(exec, &top, random, sizeof(random), &error);
    aux_fill(exec, places);
    return error ? 0 : words_write(exec, top, text);
}

// ---- commit ------------------------------------------------------------------------------------
// Who the program makes of the task.
static void credentials_make(struct exec *exec, const struct inode *inode)
{
    struct credentials *who = &exec->credentials;
    *who = exec->task->credentials;
    who->keep_capabilities = false;
    uint32_t mode = inode->is.mode;
    bool was_root = who->euid == 0;
    if (!who->no_new_privileges && mode & S_ISUID) {
        who->euid = inode->is.uid;
    }
    if (!who->no_new_privileges && (mode & (S_ISGID | 010)) == (S_ISGID | 010)) {
        who->egid = inode->is.gid;
    }
    who->suid = who->fsuid = who->euid;
    who->sgid = who->fsgid = who->egid;
    if (who->euid == 0 && !was_root) {
        who->permitted = who->effective = who->bounding;
    } else if (who->euid != 0) {
        who->permitted = who->effective = who->ambient;
    }
}

static void name_set(struct task *task, const char *path)
{
    const char *name = path;
    for (const char *at = path; *at; at++) {
        name = *at == '/' ? at + 1 : name;
    }
    memset(task->name, 0, sizeof(task->name));
    uint64_t bytes = strlen(name);
    memcpy(task->name, name, bytes < TASK_NAME_BYTES ? bytes : TASK_NAME_BYTES - 1);
}

// All other tasks of the process end, and this one becomes its leader.
static void task_alone(struct task *task)
{
    struct process *process = task->process;
    LIST_EACH(other, &process->tasks, struct task, in_process) {
        if (other != task) {
            process->ending = true;
            if (other->trace) {
                trace_hush(other);
            }
            task_exit(other, 0);
        }
    }
    process->ending = false;
    task_lead(task);
}

static void task_become(struct exec *exec, user_t sp)
{
    struct task *task = exec->task;
    if (task->trace) {
        trace_execs(task);
    }
    task_alone(task);
    futex_exit(task);
    process_timers_exec(task->process);
    struct space *old = task->space;
    exec->space->program = exec->file;
    exec->file = NULL;
    exec->space->dumpable = true;
    task->space = exec->space;
    vfork_end(task);
    if (task->signals.handlers->refs > 1) {
        struct handlers *own = handlers_copy(task->signals.handlers);
        if (own) {
            handlers_put(task->signals.handlers);
            task->signals.handlers = own;
        }
    }
    handlers_exec(task);
    files_exec(task);
    task->credentials = exec->credentials;
    task->clear_tid = task->robust_list = task->rseq = 0;
    task->process->did_exec = true;
    task->process->exit_signal = SIGCHLD;
    name_set(task, exec->path);
    task->frame->regs = (struct thread_regs){ .rip = exec->entry, .rsp = sp, .rflags = 0x200 };
    task->frame_valid = true;
    task_restart(task);
    if (old) {
        space_put(old);
    }
}

static int64_t exec_do(struct exec *exec)
{
    int64_t error = program_find(exec);
    if (!error && !(exec->space = space_new())) {
        error = -ENOMEM;
    }
    error = error ? error : stack_map(exec);
    error = error ? error : program_map(exec);
    error = error ? error : vdso_map(exec->space, &exec->vdso);
    if (!error) {
        credentials_make(exec, exec->file->inode);
    }
    user_t sp = error ? 0 : stack_fill(exec);
    if (!error && !sp) {
        error = -ENOMEM;
    }
    if (error) {
        return error;
    }
    task_become(exec, sp);
    return 0;
}

static void exec_free(struct exec *exec, int64_t error)
{
    if (error && exec->space) {
        space_put(exec->space);
    }
    if (exec->file) {
        program_put(exec->file);
    }
    if (exec->interpreter) {
        program_put(exec->interpreter);
    }
    if (exec->text) {
        exectext_free(exec->text);
    }
    heap_free(exec->text);
    heap_free(exec->path);
    heap_free(exec->name);
    heap_free(exec);
}

static struct exec *exec_new(struct task *task)
{
    struct exec *exec = heap_alloc(sizeof(*exec));
    if (!exec) {
        return NULL;
    }
    exec->task = task;
    exec->text = heap_alloc(sizeof(*exec->text));
    exec->path = heap_alloc(PATH_MAX_BYTES);
    exec->name = heap_alloc(PATH_MAX_BYTES);
    if (exec->text) {
        exectext_init(exec->text);
    }
    if (!exec->text || !exec->path || !exec->name) {
        exec_free(exec, 0);
        return NULL;
    }
    return exec;
}

int64_t exec_first(struct task *task, const char *path, const struct exec_strings *strings)
{
    struct exec *exec = exec_new(task);
    if (!exec) {
        return -ENOMEM;
    }
    int64_t error = 0;
    for (unsigned i = strings->environment_count; i-- > 0 && !error;) {
        error = text_push(exec, strings->environment[i]);
    }
    for (unsigned i = strings->argument_count; i-- > 0 && !error;) {
        error = text_push(exec, strings->arguments[i]);
    }
    exec->arguments = strings->argument_count;
    exec->environment = strings->environment_count;
    memcpy(exec->path, path, strlen(path) + 1);
    memcpy(exec->name, path, strlen(path) + 1);
    error = error ? error : path_open(exec, path, &exec->file);
    error = error ? error : exec_do(exec);
    exec_free(exec, error);
    return error;
}

// The name that a script's interpreter is to open; one of a descriptor that exec closes is none.
static int64_t name_make(struct exec *exec, int at)
{
    const struct files *files = exec->task->files;
    if (at == AT_FDCWD || *exec->path == '/') {
        memcpy(exec->name, exec->path, PATH_MAX_BYTES);
        return 0;
    }
    exec->hidden = files->at[at].close_on_exec;
    uint64_t bytes = rt_format(exec->name, PATH_MAX_BYTES, "/dev/fd/%d%s%s", at,
                               *exec->path ? "/" : "", exec->path);
    return bytes < PATH_MAX_BYTES ? 0 : -ENAMETOOLONG;
}

static int64_t exec_call(struct exec *exec, int at, unsigned how, const user_t *vectors)
{
    struct path_result found;
    struct task *task = exec->task;
    task->over_limit &= tasks_of_user(task->credentials.uid) > task_limit(task, RLIMIT_NPROC);
    if (task->over_limit) {
        return -EAGAIN;
    }
    int64_t error = path_find(task, at, exec->path, how, &found);
    error = error ? error : file_open(exec, &found, &exec->file);
    error = error ? error : name_make(exec, at);
    error = error ? error : vector_push(exec, vectors[1], &exec->environment);
    error = error ? error : vector_push(exec, vectors[0], &exec->arguments);
    if (!error && !exec->arguments) {  // as Linux has it since 5.18
        error = text_push(exec, "");
        exec->arguments = 1;
    }
    return error ? error : exec_do(exec);
}

int64_t call_execveat(struct task *task, int32_t at, user_t path, user_t arguments,
                      user_t environment, uint32_t flags)
{
    const user_t vectors[2] = { arguments, environment };
    unsigned how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW) |
                   (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
    struct exec *exec = flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? NULL : exec_new(task);
    if (!exec) {
        return flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL : -ENOMEM;
    }
    int64_t length = user_string(task, exec->path, path, PATH_MAX_BYTES);
    int64_t error = length < 0 ? length : exec_call(exec, at, how, vectors);
    exec_free(exec, error);
    return error ? error : RESULT_NONE;
}

int64_t call_execve(struct task *task, user_t path, user_t arguments, user_t environment)
{
    return call_execveat(task, AT_FDCWD, path, arguments, environment, 0);
}
