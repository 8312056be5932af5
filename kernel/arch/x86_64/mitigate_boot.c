// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Which CPU needs what.  Sources: Intel, "Affected Processors: Transient Execution Attacks" and
// "Speculative Execution Side Channel Mitigations"; AMD, "Software Techniques for Managing
// Speculation"; docs/mitigations.md has the reasons.  Called by patch_boot.c.
#include "mitigate_boot.h"

#include <stddef.h>

// CPUID.7.0:EBX and EDX, CPUID.7.2:EDX
#define HAS_RTM       (1u << 11)
#define HAS_IBRS_IBPB (1u << 26)
#define HAS_STIBP     (1u << 27)
#define HAS_BHI_CTRL  (1u << 4)
// CPUID.80000008:EBX, CPUID.80000021:EAX
#define AMD_IBPB      (1u << 12)
#define AMD_STIBP     (1u << 15)
#define AMD_AUTO_IBRS (1u << 8)

// IA32_ARCH_CAPABILITIES
#define CAP_RDCL_NO    (1ull << 0)
#define CAP_IBRS_ALL   (1ull << 1)
#define CAP_MDS_NO     (1ull << 5)
#define CAP_TAA_NO     (1ull << 8)
#define CAP_FBSDP_NO   (1ull << 14)
#define CAP_FB_CLEAR   (1ull << 17)
#define CAP_BHI_NO     (1ull << 20)
#define CAP_RFDS_CLEAR (1ull << 28)

// IA32_SPEC_CTRL
#define CTRL_IBRS    0x001ull
#define CTRL_STIBP   0x002ull
#define CTRL_BHI_DIS 0x400ull

// Models of family 6 that execute in order, and Atoms whose buffers do not leak.
static const uint8_t in_order[] = { 0x1c, 0x26, 0x27, 0x35, 0x36 };
static const uint8_t clean_buffers[] = { 0x5c, 0x5f, 0x7a, 0x86, 0x96, 0x9c };
// Atoms and Xeon Phis that do not execute ahead of SWAPGS.
static const uint8_t serial_swapgs[] = { 0x37, 0x4a, 0x4c, 0x4d, 0x57, 0x5a, 0x5c,
                                         0x5f, 0x75, 0x7a, 0x85, 0x86, 0x96, 0x9c };

#define MODEL_IN(facts, list) model_in(facts, list, sizeof(list))

static bool model_in(const struct cpu_facts *facts, const uint8_t *models, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found |= models[i] == facts->model;
    }
    return found && facts->vendor == VENDOR_INTEL && facts->family == 6;
}

// Nothing is executed before it is known to be wanted.
static bool never_ahead(const struct cpu_facts *facts)
{
    return facts->translated || MODEL_IN(facts, in_order) ||
           (facts->vendor == VENDOR_INTEL && facts->family < 6) ||
           (facts->vendor == VENDOR_CENTAUR && facts->family < 7);
}

static bool may_have_intel_defects(const struct cpu_facts *facts)
{
    return facts->vendor == VENDOR_INTEL || facts->vendor == VENDOR_OTHER;
}

// Data of whoever ran before in buffers that a fault or an abort forwards (MDS, TAA, MMIO stale
// data, RFDS).
static bool buffers_leak(const struct cpu_facts *facts)
{
    uint64_t cap = facts->capabilities;
    bool mds = !(cap & CAP_MDS_NO) && !MODEL_IN(facts, clean_buffers);
    bool taa = facts->leaf_7_ebx & HAS_RTM && !(cap & CAP_TAA_NO);
    bool mmio = cap & CAP_FB_CLEAR && !(cap & CAP_FBSDP_NO);
    return may_have_intel_defects(facts) && (mds || taa || mmio || cap & CAP_RFDS_CLEAR);
}

static bool has_ibpb(const struct cpu_facts *facts)
{
    return facts->leaf_7_edx & HAS_IBRS_IBPB || facts->leaf_80000008_ebx & AMD_IBPB;
}

// The CPU itself keeps the predictions that user mode has taught it from the kernel.
static bool predicts_apart(const struct cpu_facts *facts)
{
    bool history = facts->capabilities & CAP_BHI_NO || facts->leaf_7_2_edx & HAS_BHI_CTRL;
    return mitigate_auto_ibrs(facts) || (facts->capabilities & CAP_IBRS_ALL && history);
}

unsigned mitigate_needs(const struct cpu_facts *facts)
{
    if (never_ahead(facts)) {
        return 0;
    }
    unsigned needs = PATCH_MASK | PATCH_RSB;
    bool intel = may_have_intel_defects(facts);
    needs |= intel && !(facts->capabilities & CAP_RDCL_NO) ? PATCH_PTI : 0;
    needs |= intel && !MODEL_IN(facts, serial_swapgs) ? PATCH_FENCE : 0;
    needs |= predicts_apart(facts) ? 0 : PATCH_RETPOLINE;
    needs |= has_ibpb(facts) ? PATCH_IBPB : 0;
    needs |= buffers_leak(facts) ? PATCH_VERW : 0;
    return needs;
}

uint64_t mitigate_spec_ctrl(const struct cpu_facts *facts)
{
    bool stibp = facts->leaf_7_edx & HAS_STIBP || facts->leaf_80000008_ebx & AMD_STIBP;
    if (never_ahead(facts)) {
        return 0;
    }
    return (facts->capabilities & CAP_IBRS_ALL ? CTRL_IBRS : 0) | (stibp ? CTRL_STIBP : 0) |
           (facts->leaf_7_2_edx & HAS_BHI_CTRL ? CTRL_BHI_DIS : 0);
}

bool mitigate_auto_ibrs(const struct cpu_facts *facts)
{
    return facts->leaf_80000021_eax & AMD_AUTO_IBRS && !never_ahead(facts);
}

static const struct option {
    const char *name;
    unsigned patches;
} options[] = {
    { "none", 0 },
    { "all", PATCH_ALL },
    { "pti", PATCH_PTI },
    { "retpoline", PATCH_RETPOLINE },
    { "ibpb", PATCH_IBPB },
    { "rsb", PATCH_RSB },
    { "mask", PATCH_MASK },
    { "verw", PATCH_VERW },
    { "fence", PATCH_FENCE },
};

static bool ends_word(char c)
{
    return !c || c == ' ';
}

// The text behind `prefix`, or NULL.
static const char *after(const char *text, const char *prefix)
{
    while (*prefix && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix ? NULL : text;
}

// The first of the names in `list` is an option: add it, and go on behind it.
static const char *option_take(const char *list, unsigned *patches)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *end = after(list, options[i].name);
        if (end && (*end == ',' || ends_word(*end))) {
            *patches |= options[i].patches;
            return end;
        }
    }
    return NULL;
}

static bool list_read(const char *list, unsigned *patches)
{
    unsigned forced = 0;
    const char *end = option_take(list, &forced);
    while (end && *end == ',') {
        end = option_take(end + 1, &forced);
    }
    *patches = forced;
    return end;
}

bool mitigate_forced(const char *cmdline, unsigned *patches)
{
    for (const char *word = cmdline; *word; word++) {
        const char *list = after(word, "mitigate=");
        if (list && (word == cmdline || ends_word(word[-1]))) {
            return list_read(list, patches);
        }
    }
    return true;
}
