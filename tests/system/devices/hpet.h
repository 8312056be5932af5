// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The HPET (IA-PC HPET specification 1.0a): timers that raise a line or, where QEMU is told
// "-global hpet.msi=on", send messages, as fast as one likes.
#pragma once

#include "pci.h"

enum hpet_mode {
    HPET_EDGE,
    HPET_LEVEL,    // the line stays raised until hpet_quiet
    HPET_MESSAGE,  // address and data as given
};

struct hpet_config {
    enum hpet_mode mode;
    unsigned line;     // of the I/O APIC
    uint64_t address;  // of messages
    uint32_t data;
    uint64_t nanoseconds;  // period, 0: once, when hpet_arm says
};

void hpet_init(const struct root_info *info);
// Start timer 0.
void hpet_start(const struct hpet_config *config);
void hpet_stop(void);
void hpet_quiet(void);
// One that is to come once comes after so long.  Did the time pass?
void hpet_arm(uint64_t nanoseconds);
bool hpet_passed(void);
