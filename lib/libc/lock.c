// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The locks of picolibc (its newlib/libc/misc/lock.c, which this replaces as a whole): of the
// library and of each stream.  A stream's is made when the stream is first used; where no memory is
// left the stream is locked with the library.
#include <rt/mutex.h>

#include <string.h>
#include <sys/lock.h>

#include <stdlib.h>

// Names that picolibc reserves.  NOLINTBEGIN(bugprone-reserved-identifier)
struct __lock {
    struct rt_recursive_mutex mutex;
};

struct __lock __lock___libc_recursive_mutex;

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock) {
        *lock = &__lock___libc_recursive_mutex;
    }
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    if (lock != &__lock___libc_recursive_mutex) {
        free(lock);
    }
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    rt_recursive_mutex_lock(&lock->mutex);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    rt_recursive_mutex_unlock(&lock->mutex);
}

void __retarget_lock_init(_LOCK_T *lock)
{
    __retarget_lock_init_recursive(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    __retarget_lock_close_recursive(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    __retarget_lock_acquire_recursive(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    __retarget_lock_release_recursive(lock);
}
// NOLINTEND(bugprone-reserved-identifier)
