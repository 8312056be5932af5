// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The bounds of the guests' code.
#pragma once

extern const char blob_start[], blob_end[];
