// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests: making, starting, answering, expecting.
#include "guest.h"

#include "blob.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/string.h>

#define CODE_PAGES     2u
#define FRAME_OFFSET   MESSAGE_BUFFER_BYTES
#define GUEST_PRIORITY 100u
#define CSPACE_BITS    8
#define ENDPOINT_BITS  6

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

uint64_t guest_address(const char *place)
{
    return GUEST_CODE + (uint64_t)(place - blob_start);
}

static cap_t map_there(struct guest *guest, const struct rt_mapping *here, uint64_t vaddr,
                       unsigned prot)
{
    cap_t there = 0;
    must(rt_cap_copy(here->frame, prot | RIGHT_WRITE, &there), "guest's frame");
    must(frame_attach(there, guest->space.cap), "attach");
    must(rt_space_map(&guest->space, there, vaddr, 0, here->pages, prot), "map");
    return there;
}

static void memory_make(struct guest *guest)
{
    must(rt_space_new(&guest->space), "space");
    must(rt_map_new(CODE_PAGES, PROT_READ | PROT_WRITE, &guest->code), "code");
    must(rt_map_new(GUEST_PAGES, PROT_READ | PROT_WRITE, &guest->data), "data");
    if ((uint64_t)(blob_end - blob_start) > CODE_PAGES * PAGE_SIZE) {
        rt_panic("the guests' code is too long");
    }
    memcpy(guest->code.base, blob_start, (size_t)(blob_end - blob_start));
    guest->code_there = map_there(guest, &guest->code, GUEST_CODE, PROT_READ | PROT_EXECUTE);
    guest->data_there = map_there(guest, &guest->data, GUEST_DATA, PROT_READ | PROT_WRITE);
}

// A native gets a table in which there is nothing but endpoint slots that are empty.
static cap_t table_make(uint64_t flags)
{
    static cap_t table;
    if (flags & THREAD_GUEST) {
        return ROOT_SLOT_CSPACE;
    }
    if (!table) {
        must(rt_object_new(KIND_CAPTABLE, CSPACE_BITS, &table), "table");
    }
    return table;
}

void guest_make(struct guest *guest, uint64_t flags)
{
    *guest = (struct guest){ .native = !(flags & THREAD_GUEST) };
    memory_make(guest);
    must(rt_object_new(KIND_ENDPOINT, ENDPOINT_BITS, &guest->endpoint), "endpoint");
    must(rt_object_new(KIND_REPLY, ENDPOINT_BITS, &guest->reply), "reply");
    struct rt_thread_config config = { .priority = GUEST_PRIORITY,
                                       .budget = RT_SLICE / 10,
                                       .cspace = table_make(flags),
                                       .aspace = guest->space.cap,
                                       .fault = guest->endpoint,
                                       .flags = flags };
    must(rt_thread_new(&guest->thread, &config), "thread");
    must(thread_set_buffer(guest->thread.cap, 1, guest->thread.memory.attached, FRAME_OFFSET),
         "guest frame");
    guest->frame = (void *)((char *)guest->thread.memory.base + FRAME_OFFSET);
}

void guest_delete(struct guest *guest)
{
    rt_thread_delete(&guest->thread);
    rt_object_delete(guest->reply);
    rt_object_delete(guest->endpoint);
    rt_cap_delete(guest->code_there);
    rt_cap_delete(guest->data_there);
    rt_map_delete(&guest->code);
    rt_map_delete(&guest->data);
    rt_space_delete(&guest->space);
}

struct thread_regs guest_regs(struct script script)
{
    return (struct thread_regs){ .rip = guest_address(script.start),
                                 .rsp = GUEST_STACK,
                                 .rflags = FLAG_IF,
                                 .rax = CALL_NUMBER,
                                 .rdi = GUEST_DATA };
}

struct thread_regs guest_read(struct guest *guest)
{
    struct thread_regs regs;
    must(thread_read_regs(guest->thread.cap), "read_regs");
    memcpy(&regs, rt_buffer()->words, sizeof(regs));
    return regs;
}

void guest_answer(struct guest *guest, uint64_t label, uint64_t rax)
{
    struct ipc_words words = { { rax } };
    if (!guest->started) {
        must(thread_resume(guest->thread.cap), "resume");
    } else if (guest->native) {
        must(ipc_reply0(guest->reply, 0), "answer");
    } else {
        must(ipc_reply(guest->thread.cap, TAG(label, label & GUEST_RESULT ? 1 : 0, 0), &words),
             "answer");
    }
    guest->started = true;
}

void guest_start(struct guest *guest, const struct thread_regs *regs)
{
    must(rt_thread_set_regs(guest->thread.cap, regs), "write_regs");
    guest_answer(guest, 0, 0);
}

void guest_load(struct guest *guest, const struct thread_regs *regs)
{
    guest->frame->regs = *regs;
    guest_answer(guest, GUEST_LOAD, 0);
}

struct trap guest_wait(struct guest *guest)
{
    struct ipc_words words = { 0 };
    struct ipc_result got = ipc_recv(guest->endpoint, guest->reply, &words);
    must(got.status, "receive");
    guest->trap = (struct trap){ tag_label(got.tag), words };
    return guest->trap;
}

struct trap guest_go(struct guest *guest, const struct thread_regs *regs)
{
    guest_start(guest, regs);
    return guest_wait(guest);
}

struct trap guest_next(struct guest *guest, uint64_t label, uint64_t rax)
{
    guest_answer(guest, label, rax);
    return guest_wait(guest);
}

static void unexpected(const struct guest *guest, const char *wanted, const char *where)
{
    const uint64_t *word = guest->trap.words.word;
    check_fail(where, "trap 0x%lx (0x%lx 0x%lx 0x%lx), not %s", guest->trap.label, word[0], word[1],
               word[2], wanted);
}

void expect_exception_at(const struct guest *guest, unsigned vector, uint64_t rip,
                         const char *where)
{
    if (guest->trap.label != FAULT_EXCEPTION || guest->trap.words.word[0] != vector) {
        unexpected(guest, "this exception", where);
    } else {
        check_equal(guest->trap.words.word[2], rip, where, "RIP");
    }
}

void expect_call_at(const struct guest *guest, const char *where)
{
    if (guest->trap.label != GUEST_SYSCALL_LABEL(CALL_NUMBER)) {
        unexpected(guest, "the system call", where);
    }
}

void expect_page_at(const struct guest *guest, uint64_t address, uint64_t access, const char *where)
{
    if (guest->trap.label != FAULT_PAGE || guest->trap.words.word[0] != address ||
        (guest->trap.words.word[1] & ~(uint64_t)FAULT_PRESENT) != access) {
        unexpected(guest, "this page fault", where);
    }
}

void expect_end_at(const struct guest *guest, struct script script, const char *where)
{
    expect_exception_at(guest, VECTOR_UNDEFINED, guest_address(script.end), where);
}
