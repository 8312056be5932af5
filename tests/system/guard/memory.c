// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What of memory user mode reaches.
#include "groups.h"
#include "guest.h"

#include <rt/memory.h>

#include <abi/bootinfo.h>

#define WX_VADDR 0x40000000ull

static const uint64_t closed[] = {
    KERNEL_DIRECT_BASE,
    KERNEL_DIRECT_BASE + 0x100000,
    KERNEL_DIRECT_BASE + 0xfee00000ull,  // the local interrupt controller
    0xffffffff80000000ull,
    0xffffffff80100000ull,
    0xffffffff80200000ull,
    0xfffffffffffff000ull,
    0xffff800000000000ull,
};
#define CLOSED (sizeof(closed) / sizeof(closed[0]))

static void closed_try(struct guest *guest, struct script script, uint64_t address, uint64_t access)
{
    struct thread_regs regs = guest_regs(script);
    regs.rdi = address;
    (void)guest_go(guest, &regs);
    EXPECT_PAGE(guest, address, access);
}

static void noncanonical_try(struct guest *guest, struct script script)
{
    struct thread_regs regs = guest_regs(script);
    regs.rdi = 1ull << 47;
    (void)guest_go(guest, &regs);
    EXPECT(guest->trap.label == FAULT_EXCEPTION && guest->trap.words.word[0] == VECTOR_PROTECTION);
    EXPECT(guest_read(guest).rip <= USER_END);
}

void kernel_memory_closed(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    for (unsigned i = 0; i < CLOSED; i++) {
        closed_try(&guest, SCRIPT_OF(read), closed[i], FAULT_READ);
        closed_try(&guest, SCRIPT_OF(write), closed[i], FAULT_WRITE);
        closed_try(&guest, SCRIPT_OF(jump), closed[i], FAULT_EXECUTE);
    }
    noncanonical_try(&guest, SCRIPT_OF(read));
    noncanonical_try(&guest, SCRIPT_OF(write));
    noncanonical_try(&guest, SCRIPT_OF(jump));
    guest_delete(&guest);
}

void write_xor_execute(void)
{
    struct guest guest;
    struct rt_mapping page;
    cap_t there = 0;
    guest_make(&guest, THREAD_GUEST);
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &page));
    EXPECT_OK(rt_cap_copy(page.frame, RIGHT_ALL & ~RIGHT_WX, &there));
    EXPECT_OK(frame_attach(there, guest.space.cap));
    EXPECT_OK(rt_space_map(&guest.space, there, WX_VADDR, 0, 1, PROT_READ | PROT_WRITE));
    EXPECT_ERROR(frame_map(there, WX_VADDR, 0, 1, PROT_WRITE | PROT_EXECUTE | PROT_REPLACE).status,
                 ERR_RIGHTS, 4);
    EXPECT_ERROR(frame_map(there, WX_VADDR, 0, 1, PROT_RIGHTS | PROT_REPLACE).status, ERR_RIGHTS,
                 4);
    EXPECT_ERROR(aspace_protect(guest.space.cap, WX_VADDR, 1, PROT_RIGHTS), ERR_RIGHTS, 3);
    EXPECT_OK(aspace_protect(guest.space.cap, WX_VADDR, 1, PROT_READ | PROT_EXECUTE));
    struct thread_regs regs = guest_regs(SCRIPT_OF(write));
    regs.rdi = WX_VADDR;
    (void)guest_go(&guest, &regs);
    EXPECT_PAGE(&guest, WX_VADDR, FAULT_WRITE);
    EXPECT_OK(aspace_protect(guest.space.cap, WX_VADDR, 1, PROT_READ | PROT_WRITE));
    (void)guest_go(&guest, &regs);
    EXPECT_END(&guest, SCRIPT_OF(write));
    regs = guest_regs(SCRIPT_OF(jump));
    regs.rdi = WX_VADDR;
    (void)guest_go(&guest, &regs);
    EXPECT_PAGE(&guest, WX_VADDR, FAULT_EXECUTE);
    rt_cap_delete(there);
    guest_delete(&guest);
    rt_map_delete(&page);
}

void text_and_data_faults(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs regs = guest_regs(SCRIPT_OF(write));
    regs.rdi = GUEST_CODE;
    (void)guest_go(&guest, &regs);
    EXPECT_PAGE(&guest, GUEST_CODE, FAULT_WRITE);
    EXPECT(guest.trap.words.word[1] & FAULT_PRESENT);
    regs = guest_regs(SCRIPT_OF(jump));
    (void)guest_go(&guest, &regs);
    EXPECT_PAGE(&guest, GUEST_DATA, FAULT_EXECUTE);
    EXPECT(guest.trap.words.word[1] & FAULT_PRESENT);
    guest_delete(&guest);
}

// AC in user mode changes nothing: the kernel leaves alignment checks off.
void unaligned_allowed(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs regs = guest_regs(SCRIPT_OF(unaligned));
    (void)guest_go(&guest, &regs);
    EXPECT_END(&guest, SCRIPT_OF(unaligned));
    guest_delete(&guest);
}
