// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What sigframe.c and the vDSO agree on about a handler's frame.  The object's entry point is
// vdso_signal_enter; vdso_signal_return comes VDSO_SIGNAL_BYTES later.
#pragma once

#define VDSO_SIGNAL_BYTES 64

// In a frame, as Linux makes it: the ucontext, and where the vector state comes.
#define VDSO_FRAME_CONTEXT 8
#define VDSO_FRAME_VECTOR  456

// Bytes below RSP that belong to who was interrupted (System V ABI, AMD64, 3.2.2).
#define RED_ZONE 128

// Of struct vdso_return, and how far above it the frame is, with a red zone between.
#define VDSO_RETURN_RIP    0
#define VDSO_RETURN_STACK  8
#define VDSO_RETURN_RFLAGS 16
#define VDSO_RETURN_RAX    24
#define VDSO_RETURN_RDX    32
#define VDSO_RETURN_FRAME  192

#ifndef __ASSEMBLER__
# include <stddef.h>
# include <stdint.h>

// What signal.S loads; `stack` is two words below the red zone.
struct vdso_return {
    uint64_t rip, stack, rflags, rax, rdx, unused[3];
};
# define VDSO_RETURN_AT(FIELD, field) \
  _Static_assert(offsetof(struct vdso_return, field) == VDSO_RETURN_##FIELD, "for signal.S")
VDSO_RETURN_AT(RIP, rip);
VDSO_RETURN_AT(STACK, stack);
VDSO_RETURN_AT(RFLAGS, rflags);
VDSO_RETURN_AT(RAX, rax);
VDSO_RETURN_AT(RDX, rdx);
_Static_assert(sizeof(struct vdso_return) + RED_ZONE == VDSO_RETURN_FRAME, "for signal.S");
#endif
