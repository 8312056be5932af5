// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See edu.h.
#include "edu.h"

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u
#define EDU_BYTES  0x100000u

bool edu_find(unsigned before, struct edu_device *edu)
{
    if (!pci_find(EDU_VENDOR, EDU_DEVICE, before, &edu->pci)) {
        return false;
    }
    edu->registers = device_map(pci_bar(&edu->pci, 0), EDU_BYTES);
    return true;
}
