// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What known CPUs need, and how the option on the command line is read.
#include "mitigate_boot.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

// CPUID.7.0:EBX and EDX, CPUID.80000008:EBX
#define RTM       0x00000800u
#define MICROCODE 0x0c000400u  // of 2018: IBRS and IBPB, STIBP, VERW clears
#define AMD_2018  0x00009000u  // IBPB, STIBP
#define EVERYTHING \
 (PATCH_PTI | PATCH_RETPOLINE | PATCH_IBPB | PATCH_RSB | PATCH_MASK | PATCH_VERW | PATCH_FENCE)
#define ANY_AMD (PATCH_RETPOLINE | PATCH_IBPB | PATCH_RSB | PATCH_MASK)
#define STIBP   0x2u

static const struct known {
    const char *name;
    struct cpu_facts facts;
    unsigned needs;
    uint64_t control;
} known[] = {
    { "Bonnell", { .vendor = VENDOR_INTEL, .family = 6, .model = 0x1c }, 0, 0 },
    { "Saltwell", { .vendor = VENDOR_INTEL, .family = 6, .model = 0x36 }, 0, 0 },
    { "Pentium", { .vendor = VENDOR_INTEL, .family = 5, .model = 2 }, 0, 0 },
    { "Haswell, microcode of 2013",
      { .vendor = VENDOR_INTEL, .family = 6, .model = 0x3c },
      EVERYTHING & ~PATCH_IBPB,
      0 },
    { "Broadwell",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x4f,
        .leaf_7_ebx = RTM,
        .leaf_7_edx = MICROCODE },
      EVERYTHING,
      STIBP },
    { "Skylake",
      { .vendor = VENDOR_INTEL, .family = 6, .model = 0x5e, .leaf_7_edx = MICROCODE },
      EVERYTHING,
      STIBP },
    { "Silvermont",
      { .vendor = VENDOR_INTEL, .family = 6, .model = 0x37, .leaf_7_edx = MICROCODE },
      EVERYTHING & ~PATCH_FENCE,
      STIBP },
    { "Goldmont",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x5c,
        .leaf_7_edx = MICROCODE,
        .capabilities = 0x1 },
      EVERYTHING & ~(PATCH_PTI | PATCH_VERW | PATCH_FENCE),
      STIBP },
    // RDCL_NO, IBRS_ALL, SKIP_L1DFL, MDS_NO; TSX with and without TAA
    { "Cascade Lake",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x55,
        .leaf_7_ebx = RTM,
        .leaf_7_edx = MICROCODE,
        .capabilities = 0x2b },
      EVERYTHING & ~PATCH_PTI,
      STIBP | 1 },
    { "Cascade Lake without TSX",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x55,
        .leaf_7_edx = MICROCODE,
        .capabilities = 0x2b },
      EVERYTHING & ~(PATCH_PTI | PATCH_VERW),
      STIBP | 1 },
    // and PSCHANGE_MC_NO, TAA_NO, FB_CLEAR
    { "Ice Lake",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x6a,
        .leaf_7_edx = MICROCODE,
        .leaf_7_2_edx = 0x10,
        .capabilities = 0x2016b },
      EVERYTHING & ~(PATCH_PTI | PATCH_RETPOLINE),
      STIBP | 0x401 },
    // and SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO by control
    { "Sapphire Rapids",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x8f,
        .leaf_7_ebx = RTM,
        .leaf_7_edx = MICROCODE,
        .leaf_7_2_edx = 0x10,
        .capabilities = 0x2e16b },
      EVERYTHING & ~(PATCH_PTI | PATCH_RETPOLINE | PATCH_VERW),
      STIBP | 0x401 },
    // RFDS_CLEAR
    { "Gracemont",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0xbe,
        .leaf_7_edx = MICROCODE,
        .leaf_7_2_edx = 0x10,
        .capabilities = 0x1000e16b },
      EVERYTHING & ~(PATCH_PTI | PATCH_RETPOLINE),
      STIBP | 0x401 },
    { "K8", { .vendor = VENDOR_AMD, .family = 0xf, .model = 0x6b }, ANY_AMD & ~PATCH_IBPB, 0 },
    { "Zen 2",
      { .vendor = VENDOR_AMD, .family = 0x17, .model = 0x31, .leaf_80000008_ebx = AMD_2018 },
      ANY_AMD,
      STIBP },
    { "Zen 4",
      { .vendor = VENDOR_AMD,
        .family = 0x19,
        .model = 0x61,
        .leaf_80000008_ebx = AMD_2018,
        .leaf_80000021_eax = 0x100 },
      ANY_AMD & ~PATCH_RETPOLINE,
      STIBP },
    { "VIA Nano", { .vendor = VENDOR_CENTAUR, .family = 6, .model = 0xf }, 0, 0 },
    { "Zhaoxin",
      { .vendor = VENDOR_CENTAUR, .family = 7 },
      PATCH_RETPOLINE | PATCH_RSB | PATCH_MASK,
      0 },
    { "somebody's", { .vendor = VENDOR_OTHER, .family = 6 }, EVERYTHING & ~PATCH_IBPB, 0 },
    { "QEMU's translator as a Broadwell",
      { .vendor = VENDOR_INTEL,
        .family = 6,
        .model = 0x4f,
        .leaf_7_edx = MICROCODE,
        .translated = true },
      0,
      0 },
};

static void needs_of_known_cpus(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        unsigned needs = mitigate_needs(&known[i].facts);
        uint64_t control = mitigate_spec_ctrl(&known[i].facts);
        if (needs != known[i].needs || control != known[i].control) {
            fail_msg("%s: needs %#x, not %#x; control %#lx, not %#lx", known[i].name, needs,
                     known[i].needs, control, known[i].control);
        }
        assert_int_equal(mitigate_auto_ibrs(&known[i].facts), strcmp(known[i].name, "Zen 4") == 0);
    }
}

// What was found without an option is 0x5a5a.
static void check_option(const char *cmdline, bool known_names, unsigned patches)
{
    unsigned found = 0x5a5a;
    if (mitigate_forced(cmdline, &found) != known_names) {
        fail_msg("'%s' was taken wrongly", cmdline);
    }
    if (known_names) {
        assert_int_equal(found, patches);
    }
}

static void options(void **state)
{
    (void)state;
    check_option("", true, 0x5a5a);
    check_option("a b=c", true, 0x5a5a);
    check_option("unmitigate=all mitigates=x mitigate", true, 0x5a5a);
    check_option("mitigate=none", true, 0);
    check_option("mitigate=all", true, PATCH_ALL);
    check_option("a mitigate=pti b", true, PATCH_PTI);
    check_option("mitigate=pti,retpoline,ibpb,rsb,mask,verw,fence", true, PATCH_ALL);
    check_option("mitigate=mask,none", true, PATCH_MASK);
    check_option("mitigate=", false, 0);
    check_option("mitigate=,", false, 0);
    check_option("mitigate=pti,", false, 0);
    check_option("mitigate=pt", false, 0);
    check_option("mitigate=ptii", false, 0);
    check_option("mitigate=pti;mask", false, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_of_known_cpus),
        cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
