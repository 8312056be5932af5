// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks.
#pragma once

void flags_at_syscall(void);
void flags_at_exception(void);
void flags_of_natives(void);
void step_over_syscall(void);
void step_over_shadow(void);
void step_native_syscalls(void);
void step_through_loop(void);
void step_over_call(void);

void attacks_of_guests(void);
void attacks_of_natives(void);
void bases_hostile(void);
void bases_of_kernel_unusable(void);
void bases_survive_interrupts(void);
void stack_hostile(void);

void garbage_in_write_regs(void);
void garbage_in_frame(void);
void garbage_at_random(void);
void garbage_while_running(void);
void syscall_at_end_of_space(void);

void kernel_memory_closed(void);
void write_xor_execute(void);
void text_and_data_faults(void);
void unaligned_allowed(void);

void vector_of_others_invisible(void);
void vector_needs_attribute(void);
void vector_kept_in_turns(void);
void vector_fresh_after_death(void);

// Hostile guests for as long as `ticks`; who boots this sends NMIs meanwhile.
void hammer_run(unsigned long ticks);
