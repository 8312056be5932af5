// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// CRC-32C (Castagnoli polynomial, reflected, inverted before and after; RFC 3720, appendix B.4).
#pragma once

#include <stdint.h>

uint32_t crc32c(const void *data, uint64_t bytes);
