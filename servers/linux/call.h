// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The functions that carry system calls out, one for each line of calls.def: call_NAME(task,
// arguments).
#pragma once

#include "task.h"

enum restart {
    RESTART,
    PARTIAL,
    ALWAYS,
    TIMED,
    NEVER
};

// How an argument arrives: Linux takes 32 bits of what is an int, whatever the rest holds.
#define TYPE_INT    int32_t
#define TYPE_UINT   uint32_t
#define TYPE_LONG   int64_t
#define TYPE_SIZE   uint64_t
#define TYPE_OFFSET int64_t
#define TYPE_HEX    uint32_t
#define TYPE_LHEX   uint64_t
#define TYPE_OCTAL  uint32_t
#define TYPE_FD     int32_t
#define TYPE_DIR    int32_t
#define TYPE_PATH   user_t
#define TYPE_STRING user_t
#define TYPE_IN     user_t
#define TYPE_OUT    user_t
#define TYPE_USER   user_t
#define TYPE_PID    int32_t
#define TYPE_SIGNAL int32_t

#define CALL0(nr, name, restart)         int64_t call_##name(struct task *task);
#define CALL1(nr, name, restart, T1, a1) int64_t call_##name(struct task *task, TYPE_##T1 a1);
#define CALL2(nr, name, restart, T1, a1, T2, a2) \
 int64_t call_##name(struct task *task, TYPE_##T1 a1, TYPE_##T2 a2);
#define CALL3(nr, name, restart, T1, a1, T2, a2, T3, a3) \
 int64_t call_##name(struct task *task, TYPE_##T1 a1, TYPE_##T2 a2, TYPE_##T3 a3);
#define CALL4(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4) \
 int64_t call_##name(struct task *task, TYPE_##T1 a1, TYPE_##T2 a2, TYPE_##T3 a3, TYPE_##T4 a4);
#define CALL5(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5)                        \
 int64_t call_##name(struct task *task, TYPE_##T1 a1, TYPE_##T2 a2, TYPE_##T3 a3, TYPE_##T4 a4, \
                     TYPE_##T5 a5);
#define CALL6(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6)                \
 int64_t call_##name(struct task *task, TYPE_##T1 a1, TYPE_##T2 a2, TYPE_##T3 a3, TYPE_##T4 a4, \
                     TYPE_##T5 a5, TYPE_##T6 a6);
#include "calls.def"
#undef CALL0
#undef CALL1
#undef CALL2
#undef CALL3
#undef CALL4
#undef CALL5
#undef CALL6

// Carry out the call that task->call describes.
int64_t call_dispatch(struct task *task);
// The task whose call is being carried out, or NULL.
struct task *call_task(void);
enum restart call_restart(uint32_t number);
// The name of an error that a call gives (minus its number); NULL: it is none.
const char *call_error_name(int64_t result);
// How often a call was asked for that there is not.
uint64_t call_unknown(uint32_t number);
