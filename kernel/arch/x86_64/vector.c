// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Vector state: XSAVE areas in the standard format (Intel SDM vol. 1, 13.4).  Contract:
// hal/context.h.
//
// At most one area's state is in the registers (vector_owner); it may stay there while nobody may
// use them (CR0.TS set), and is written back when another area's comes.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>

#define XCR0_X87    0x01ull
#define XCR0_SSE    0x02ull
#define XCR0_AVX    0x04ull
#define XCR0_AVX512 0xe0ull

#define CPUID_XSAVE           0xd
#define CPUID_EXTENDED        0x80000008u
#define CPUID_EXTENDED_ERRPTR 0x4u

#define MXCSR_INIT         0x1f80u
#define MXCSR_MASK_DEFAULT 0xffbfu

// The legacy region and the header, as far as the kernel looks at them.
struct xsave_area {
    uint8_t x87[24];
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[480];
    uint64_t xstate_bv, xcomp_bv, reserved[6];
};
_Static_assert(sizeof(struct xsave_area) == 576, "Intel SDM vol. 1, 13.4");

static uint64_t components;    // XCR0
static unsigned bytes;         // size of an area
static uint32_t mxcsr_mask;    // bits that MXCSR has
static bool keeps_x87_errors;  // XRSTOR leaves the x87 error pointers of the last owner where none
                               // is pending (AMD)

static void xcr0_write(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void xsave(void *area)
{
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((uint32_t)components), "d"(0) : "memory");
}

static void xrstor(const void *area)
{
    if (keeps_x87_errors) {
        static const uint32_t zero;
        __asm__ volatile("fnclex; emms; fildl %0" : : "m"(zero));
    }
    __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"((uint32_t)components), "d"(0) : "memory");
}

// Enables `wanted` as far as the CPU has it; the size of an area then.
static unsigned components_enable(uint64_t wanted)
{
    components = wanted & (cpuid(CPUID_XSAVE, 0).eax | (uint64_t)cpuid(CPUID_XSAVE, 0).edx << 32);
    xcr0_write(components);
    return cpuid(CPUID_XSAVE, 0).ebx;
}

static bool is_amd(void)
{
    struct cpuid name = cpuid(0, 0);
    return name.ebx == 0x68747541 || name.ebx == 0x6f677948;  // "Auth", "Hygo"
}

void vector_boot(void)
{
    static struct xsave_area probe __attribute__((aligned(64)));
    cr0_write((cr0_read() & ~(CR0_TS | CR0_EM)) | CR0_MP | CR0_NE);
    unsigned size = components_enable(XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
    if (size > HAL_VECTOR_MAX) {
        size = components_enable(XCR0_X87 | XCR0_SSE | XCR0_AVX);
    }
    bytes = (size + 63) & ~63u;
    __asm__ volatile("fninit; fxsave64 %0" : "=m"(probe));
    mxcsr_mask = probe.mxcsr_mask ? probe.mxcsr_mask : MXCSR_MASK_DEFAULT;
    keeps_x87_errors = is_amd() && !(cpuid(CPUID_EXTENDED, 0).ebx & CPUID_EXTENDED_ERRPTR);
    cr0_write(cr0_read() | CR0_TS);
}

static void access_set(bool access)
{
    if (THIS_CPU->vector_access == access) {
        return;
    }
    THIS_CPU->vector_access = access;
    if (access) {
        __asm__ volatile("clts" : : : "memory");
    } else {
        cr0_write(cr0_read() | CR0_TS);
    }
}

unsigned hal_vector_bytes(void)
{
    return bytes;
}

void hal_vector_init(void *area)
{
    struct xsave_area *state = area;
    uint64_t *words = area;
    for (const uint64_t *end = words + bytes / sizeof(*words); words < end; words += 4) {
        words[0] = words[1] = words[2] = words[3] = 0;
    }
    state->mxcsr = MXCSR_INIT;
    state->mxcsr_mask = mxcsr_mask;
}

void hal_vector_switch(void *area, bool keep_live)
{
    if (!area) {
        if (!keep_live) {
            access_set(false);
        }
        return;
    }
    access_set(true);
    void *owner = THIS_CPU->vector_owner;
    if (owner == area) {
        return;
    }
    if (owner) {
        xsave(owner);
    }
    xrstor(area);
    THIS_CPU->vector_owner = area;
}

void hal_vector_sync(void *area)
{
    if (THIS_CPU->vector_owner != area) {
        return;
    }
    bool access = THIS_CPU->vector_access;
    access_set(true);
    xsave(area);
    access_set(access);
}

void hal_vector_forget(unsigned number, void *area)
{
    struct hal_percpu *percpu = hal_percpu_at(number);
    if (percpu->vector_owner != area) {
        return;
    }
    percpu->vector_owner = NULL;
    if (percpu == THIS_CPU->self) {
        access_set(false);
    }
}

// What makes XRSTOR of the standard form fault (Intel SDM vol. 1, 13.8.1).
bool hal_vector_valid(const void *area)
{
    const struct xsave_area *state = area;
    if (state->xstate_bv & ~components || state->xcomp_bv || state->mxcsr & ~mxcsr_mask) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(state->reserved) / sizeof(state->reserved[0]); i++) {
        if (state->reserved[i]) {
            return false;
        }
    }
    return true;
}
