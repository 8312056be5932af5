// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Changes the kernel's text, once, to suit the CPU: before user mode and the other CPUs start. What
// is a place and what it becomes is said in arch/patch.h; which ones are changed, in
// mitigate_boot.c.
#include "arch.h"
#include "mitigate_boot.h"
#include "x86.h"

#include <hal/cpu.h>

#define BRANCH_BYTES 5

#define LEAF_TRANSLATOR   0x40000000u
#define CPUID_1_ECX_GUEST (1u << 31)
#define HAS_CAPABILITIES  (1u << 29)  // CPUID.7.0:EDX
#define LEAF_AMD          0x80000000u

unsigned patches_in_force;

static bool is_text(const struct cpuid *leaf, const char text[12])
{
    const uint32_t words[3] = { leaf->ebx, leaf->ecx, leaf->edx };
    for (unsigned i = 0; i < 12; i++) {
        if ((char)(words[i / 4] >> (8 * (i % 4))) != text[i]) {
            return false;
        }
    }
    return true;
}

static enum cpu_vendor vendor_read(void)
{
    struct cpuid leaf = cpuid(0, 0);
    uint32_t swapped = leaf.ecx;  // this leaf has the middle of the name last
    leaf.ecx = leaf.edx;
    leaf.edx = swapped;
    if (is_text(&leaf, "GenuineIntel")) {
        return VENDOR_INTEL;
    }
    if (is_text(&leaf, "AuthenticAMD") || is_text(&leaf, "HygonGenuine")) {
        return VENDOR_AMD;
    }
    return is_text(&leaf, "CentaurHauls") || is_text(&leaf, "  Shanghai  ") ? VENDOR_CENTAUR
                                                                            : VENDOR_OTHER;
}

// QEMU without a hypervisor: its own code runs, made from the guest's.
static bool is_translated(void)
{
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_GUEST)) {
        return false;
    }
    struct cpuid leaf = cpuid(LEAF_TRANSLATOR, 0);
    return is_text(&leaf, "TCGTCGTCGTCG");
}

static uint32_t amd_leaf(uint32_t leaf, bool ebx)
{
    if (cpuid(LEAF_AMD, 0).eax < leaf) {
        return 0;
    }
    struct cpuid found = cpuid(leaf, 0);
    return ebx ? found.ebx : found.eax;
}

static void facts_read(struct cpu_facts *facts)
{
    uint32_t signature = cpuid(1, 0).eax;
    uint32_t family = signature >> 8 & 0xf, model = signature >> 4 & 0xf;
    struct cpuid features = cpuid(7, 0);
    *facts = (struct cpu_facts){
        .vendor = vendor_read(),
        .family = family == 0xf ? family + (signature >> 20 & 0xff) : family,
        .model = family == 0xf || family == 6 ? model | (signature >> 12 & 0xf0) : model,
        .leaf_7_ebx = features.ebx,
        .leaf_7_edx = features.edx,
        .leaf_7_2_edx = features.eax >= 2 ? cpuid(7, 2).edx : 0,
        .leaf_80000008_ebx = amd_leaf(LEAF_AMD + 8, true),
        .leaf_80000021_eax = amd_leaf(LEAF_AMD + 0x21, false),
        .capabilities = features.edx & HAS_CAPABILITIES ? rdmsr(MSR_ARCH_CAPABILITIES) : 0,
        .translated = is_translated(),
    };
}

// NOPs of one to eight bytes (Intel SDM vol. 2B, NOP).
static void nops_write(volatile uint8_t *at, unsigned count)
{
    static const uint8_t nops[][8] = {
        { 0x90 },
        { 0x66, 0x90 },
        { 0x0f, 0x1f, 0x00 },
        { 0x0f, 0x1f, 0x40, 0x00 },
        { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
        { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
        { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
        { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
    };
    while (count) {
        unsigned length = count < 8 ? count : 8;
        for (unsigned i = 0; i < length; i++) {
            *at++ = nops[length - 1][i];
        }
        count -= length;
    }
}

static void patch_apply(const struct patch *patch)
{
    volatile uint8_t *at = (volatile uint8_t *)((uint64_t)&patch->place +
                                                (uint64_t)(int64_t)patch->place);
    unsigned length = patch->length;
    if (patch->how != PATCH_NOP) {
        uint64_t target = (uint64_t)&patch->target + (uint64_t)(int64_t)patch->target;
        uint32_t distance = (uint32_t)(target - (uint64_t)at - BRANCH_BYTES);
        *at++ = patch->how;
        for (unsigned i = 0; i < BRANCH_BYTES - 1; i++) {
            *at++ = (uint8_t)(distance >> (8 * i));
        }
        length -= BRANCH_BYTES;
    }
    nops_write(at, length);
}

// Writing CR0 also makes the CPU forget what it has fetched (Intel SDM vol. 3A, 8.3).
static void patches_apply(unsigned in_force)
{
    uint32_t when = (in_force & 0xffff) | ~in_force << PATCH_UNLESS;
    cr0_write(cr0_read() & ~CR0_WP);
    for (const struct patch *patch = patches_start; patch < patches_end; patch++) {
        if (patch->when & when) {
            patch_apply(patch);
        }
    }
    cr0_write(cr0_read() | CR0_WP);
}

void patch_boot(const struct boot_info *info)
{
    struct cpu_facts facts;
    facts_read(&facts);
    patches_in_force = mitigate_needs(&facts);
    if (!mitigate_forced(info->cmdline, &patches_in_force)) {
        hal_panic(__FILE__, __LINE__, "mitigate= on the command line: unknown name");
    }
    patches_in_force |= facts.leaf_7_ebx & CPUID_7_EBX_SMAP ? PATCH_SMAP : 0;
    patches_apply(patches_in_force);
}

void mitigate_cpu_boot(void)
{
    struct cpu_facts facts;
    facts_read(&facts);
    uint64_t control = mitigate_spec_ctrl(&facts);
    if (control) {
        wrmsr(MSR_SPEC_CTRL, control);
    }
    if (mitigate_auto_ibrs(&facts)) {
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
    }
}
