// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: the thread pointer is the FS base, which the kernel lets programs write
// (WRFSBASE, Intel SDM volume 2).  Only <rt/tls.h> includes this.
#pragma once

// The control block of the calling thread.  Volatile, so that it stays behind rt_tcb_set.
static inline struct rt_tcb *rt_tcb(void)
{
    struct rt_tcb *tcb = 0;
    __asm__ volatile("movq %%fs:0, %0" : "=r"(tcb));
    return tcb;
}

// Set it, once, before anything asks for it.
static inline void rt_tcb_set(struct rt_tcb *tcb)
{
    __asm__ volatile("wrfsbase %0" : : "r"(tcb) : "memory");
}
