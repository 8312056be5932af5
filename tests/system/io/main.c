// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The test of devices behind an IOMMU: two edu devices attack, and are refused.
// tests/system/test_io.py boots it.  Words of the command line: "test=TEXT" runs the checks whose
// names contain TEXT; "wide" says that the IOMMU translates 48 bits rather than 39; "none" that
// there is no IOMMU.
#include "groups.h"
#include "world.h"

#include <rt/print.h>
#include <rt/start.h>

const char rt_task_name[] = "io";

static const struct check checks[] = {
    CHECK(both_ways),
    CHECK(nothing_at_first),
    CHECK(others_memory),
    CHECK(kernel_memory),
    CHECK(unmapped_addresses),
    CHECK(part_of_an_access),
    CHECK(read_only),
    CHECK(large_page),
    CHECK(copied_mappings),
    CHECK(gone_by_unmap),
    CHECK(gone_by_frame_unmap),
    CHECK(gone_by_frame_detach),
    CHECK(gone_by_protect),
    CHECK(gone_by_replace),
    CHECK(gone_with_attached),
    CHECK(gone_with_frame),
    CHECK(gone_with_table),
    CHECK(gone_by_device_detach),
    CHECK(gone_with_space),
    CHECK(gone_with_device),
    CHECK(two_devices),
    CHECK(two_in_one_domain),
    CHECK(domains_are_recycled),
    CHECK(domains_are_limited),
    CHECK(buses_are_limited),
    CHECK(devices_are_limited),
    CHECK(addresses_are_limited),
    CHECK(storm_is_bounded),
    CHECK(storm_leaves_others),
    CHECK(foreign_interrupt),
    CHECK(own_interrupt),
    CHECK(interrupt_range_is_no_memory),
};

static const struct check checks_without[] = { CHECK(nothing_without_iommu) };

// A device is not to be had then, and a physical address only with the right to it.
void nothing_without_iommu(void)
{
    struct rt_space space;
    struct memory memory;
    cap_t slot = rt_slot_alloc(), frame = 0;
    EXPECT(!(machine->features & ROOT_FEATURE_IOMMU));
    EXPECT_OK(rt_space_new(&space));
    EXPECT_ERROR(io_control_domain(ROOT_SLOT_IO_CONTROL, space.cap), ERR_STATE, 0);
    EXPECT_ERROR(io_control_device(ROOT_SLOT_IO_CONTROL, 0, CSPACE, slot), ERR_STATE, 0);
    memory_new(&memory, 1);
    EXPECT_OK(rt_cap_copy(memory.own.frame, RIGHT_READ | RIGHT_WRITE, &frame));
    EXPECT_ERROR(frame_paddr(frame).status, ERR_RIGHTS, 0);
    EXPECT_OK(frame_paddr(memory.own.frame).status);
    rt_cap_delete(frame);
    memory_delete(&memory);
    rt_space_delete(&space);
    rt_slots_free(slot, 1);
}

int main(const struct root_info *info)
{
    machine = info;
    if (check_word(info, "none")) {
        check_run(info, checks_without, 1);
        return check_summary() ? 0 : 1;
    }
    pci_init(info);
    if (!(info->features & ROOT_FEATURE_IOMMU) || !edu_find(0, &edus[0].own) ||
        !edu_find(1, &edus[1].own)) {
        rt_print("FAIL start: no IOMMU, or not two edu devices\n");
        return 1;
    }
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
