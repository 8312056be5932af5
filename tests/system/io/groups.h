// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks.
#pragma once

void both_ways(void);
void nothing_at_first(void);
void others_memory(void);
void kernel_memory(void);
void unmapped_addresses(void);
void part_of_an_access(void);
void read_only(void);
void large_page(void);
void copied_mappings(void);

void gone_by_unmap(void);
void gone_by_frame_unmap(void);
void gone_by_frame_detach(void);
void gone_by_protect(void);
void gone_by_replace(void);
void gone_with_attached(void);
void gone_with_frame(void);
void gone_with_table(void);
void gone_by_device_detach(void);
void gone_with_space(void);
void gone_with_device(void);

void two_devices(void);
void two_in_one_domain(void);
void domains_are_recycled(void);
void domains_are_limited(void);
void buses_are_limited(void);
void devices_are_limited(void);
void addresses_are_limited(void);

void storm_is_bounded(void);
void storm_leaves_others(void);
void foreign_interrupt(void);
void own_interrupt(void);
void interrupt_range_is_no_memory(void);

void nothing_without_iommu(void);
