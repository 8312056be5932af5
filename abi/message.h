// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages as user space sees them: the tag word, the registers, the message buffer.
//
// x86_64 registers (SYSCALL; RCX and R11 are the instruction's own):
//   in:  RAX system call, RDI slot, RSI tag, RDX third argument, words 0-5 in RBX RBP R12 R13 R14
//   R15 out: RAX error | argument << 8, RDI badge (or notification word), RSI tag,
//        words 0-5 as above.  R8-R10 and RDX come back zero where not said otherwise.
// A call that fails before it blocks leaves RSI, RDI and the words as they were.
#pragma once

#include <stdint.h>

#define PAGE_BITS 12
#define PAGE_SIZE (1ull << PAGE_BITS)

// End of user space on x86_64: the last page of the lower half is never mapped, so that the address
// after a SYSCALL instruction is always canonical.
#define USER_END 0x00007ffffffff000ull

#define MSG_REG_WORDS 6   // words that travel in registers
#define MSG_MAX_WORDS 64  // words in all; the rest travels through the message buffers
#define MSG_MAX_CAPS  4

// The tag: length in words (bits 0-6), number of capabilities (8-10), which of the received ones
// came home as a badge (11-14), notification (15), label (16-63).
// Bits 7 and 11-15 of a sent tag must be zero (LENGTH, 1).
#define TAG_LENGTH_MASK  0x7full
#define TAG_CAPS_SHIFT   8
#define TAG_CAPS_MASK    0x700ull
#define TAG_HOME_SHIFT   11
#define TAG_NOTIFICATION 0x8000ull  // not a message: the bound notification fired; RDI is its word
#define TAG_LABEL_SHIFT  16
#define TAG(label, length, caps)                                                  \
 (((uint64_t)(label) << TAG_LABEL_SHIFT) | ((uint64_t)(caps) << TAG_CAPS_SHIFT) | \
  (uint64_t)(length))

static inline uint64_t tag_label(uint64_t tag)
{
    return tag >> TAG_LABEL_SHIFT;
}

static inline unsigned tag_length(uint64_t tag)
{
    return (unsigned)(tag & TAG_LENGTH_MASK);
}

static inline unsigned tag_caps(uint64_t tag)
{
    return (unsigned)((tag & TAG_CAPS_MASK) >> TAG_CAPS_SHIFT);
}

// Result word of a system call.
static inline unsigned status_error(uint64_t status)
{
    return (unsigned)(status & 0xff);
}

static inline unsigned status_argument(uint64_t status)
{
    return (unsigned)(status >> 8 & 0xff);
}

// The message buffer: 1 KiB of a RAM frame, at a multiple of 1 KiB.  Words 0-5 of `words` are not
// used by messages (they travel in registers).  Capabilities go out in `caps`: a slot of the
// sender's cspace, with CAP_MOVE to give it away.  They arrive in the slots window_slot...
// of the table in slot window_table of the receiver's cspace (looked up once), at most
// window_count; one that came home as a badge takes no slot, its badge stands in `caps`.  What
// finds no empty slot is not received.
struct message_buffer {
    uint64_t words[MSG_MAX_WORDS];
    uint64_t caps[MSG_MAX_CAPS];
    uint64_t window_table, window_slot, window_count;
    uint64_t reserved[128 - MSG_MAX_WORDS - MSG_MAX_CAPS - 3];
};
#define CAP_MOVE             (1ull << 63)
#define MESSAGE_BUFFER_BYTES 1024
_Static_assert(sizeof(struct message_buffer) == MESSAGE_BUFFER_BYTES, "size");

// One entry of invoke_batch: 64 bytes in a RAM frame.  When the call returns RSI is the offset of
// the first entry that was not carried out: with an error, of the one that failed.
struct batch_entry {
    uint64_t slot, tag;
    uint64_t words[MSG_REG_WORDS];
};
_Static_assert(sizeof(struct batch_entry) == 64, "size");

// Rights and memory type of a mapping (`prot`).
#define PROT_READ     1u
#define PROT_WRITE    2u
#define PROT_EXECUTE  4u
#define PROT_UNCACHED 8u   // device registers
#define PROT_COMBINE  16u  // write-combining
#define PROT_LARGE    32u  // 2 MiB entries: vaddr, page and pages are multiples of 512
#define PROT_REPLACE  64u  // over what is mapped there
#define PROT_RIGHTS   7u

#define COPY_READ_ONLY 1u

#define SCHED_OWN      0u
#define SCHED_FALLBACK 1u

// A fault of a device (IoDevice.fault): FAULT_READ or FAULT_WRITE, and the reason as the IOMMU
// states it (VT-d specification, appendix A).
#define IO_FAULT_REASON_SHIFT 8

#define IRQ_ACTIVE_LOW 1u
#define IRQ_LEVEL      2u
