// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// For unit tests that see the target's headers: places of the text that boot patches are the host's
// own instead.
#pragma once

#include "../../../../../tests/model/host/arch/speculation.h"
