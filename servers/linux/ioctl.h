// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Requests of ioctl that more than one kind of file answers.  (ioctl_list(2))
#pragma once

#ifndef FIONREAD
# define FIONREAD 0x541bu
#endif
#ifndef TIOCOUTQ
# define TIOCOUTQ 0x5411u
#endif
