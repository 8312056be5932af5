// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What who sends signals tells signalfd.
#pragma once

// A signal has become pending somewhere.  Costs nothing where there is no signalfd.
void signalfd_notify(unsigned signal);
