// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who a task is (credentials(7), capabilities(7)).
#include "call.h"
#include "capability.h"
#include "space.h"

#include <rt/string.h>

#define SAME UINT32_MAX

// ---- who ---------------------------------------------------------------------------------------
int64_t call_getuid(struct task *task)
{
    return task->credentials.uid;
}

int64_t call_geteuid(struct task *task)
{
    return task->credentials.euid;
}

int64_t call_getgid(struct task *task)
{
    return task->credentials.gid;
}

int64_t call_getegid(struct task *task)
{
    return task->credentials.egid;
}

int64_t call_getresuid(struct task *task, user_t real, user_t effective, user_t saved)
{
    const struct credentials *is = &task->credentials;
    return user_write(task, real, &is->uid, 4) || user_write(task, effective, &is->euid, 4) ||
                   user_write(task, saved, &is->suid, 4)
               ? -EFAULT
               : 0;
}

int64_t call_getresgid(struct task *task, user_t real, user_t effective, user_t saved)
{
    const struct credentials *is = &task->credentials;
    return user_write(task, real, &is->gid, 4) || user_write(task, effective, &is->egid, 4) ||
                   user_write(task, saved, &is->sgid, 4)
               ? -EFAULT
               : 0;
}

static bool is_root(const struct credentials *who)
{
    return who->uid == 0 || who->euid == 0 || who->suid == 0;
}

// Who gives up being root loses what root can do (capabilities(7), "Effect of user ID changes on
// capabilities").
static void capabilities_follow(struct credentials *is, const struct credentials *before)
{
    if (is_root(before) && !is_root(is)) {
        is->ambient = 0;
        is->permitted = is->keep_capabilities ? is->permitted : 0;
    }
    if ((before->euid == 0 && is->euid != 0) || !is->permitted) {
        is->effective = 0;
    } else if (before->euid != 0 && is->euid == 0) {
        is->effective = is->permitted;
    }
}

// Who is somebody else now, or has more power, is not to be looked into by those who could before
// (prctl(2), PR_SET_DUMPABLE), and forgets to whose end it wanted a signal.
static void credentials_changed(struct task *task, const struct credentials *before)
{
    const struct credentials *is = &task->credentials;
    if (is->euid != before->euid || is->egid != before->egid || is->fsuid != before->fsuid ||
        is->fsgid != before->fsgid || is->permitted & ~before->permitted) {
        task->space->dumpable = false;
        task->signals.parent_death = 0;
    }
}

// What goes with the user that files are reached as.
#define CAP_FILES (0x1full | 1ull << 9 | 1ull << 27 | 1ull << 32)

static void file_capabilities_follow(struct credentials *is, uint32_t before)
{
    if (before == 0 && is->fsuid != 0) {
        is->effective &= ~CAP_FILES;
    } else if (before != 0 && is->fsuid == 0) {
        is->effective |= is->permitted & CAP_FILES;
    }
}

static bool uid_mine(const struct credentials *is, uint32_t uid)
{
    return uid == SAME || uid == is->uid || uid == is->euid || uid == is->suid;
}

int64_t call_setresuid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct credentials *is = &task->credentials;
    const struct credentials before = *is;
    if (!task_capable(task, CAP_SETUID) &&
        (!uid_mine(is, real) || !uid_mine(is, effective) || !uid_mine(is, saved))) {
        return -EPERM;
    }
    if (real != SAME && real != is->uid) {
        task->over_limit = real && tasks_of_user(real) > task_limit(task, RLIMIT_NPROC);
    }
    is->uid = real == SAME ? is->uid : real;
    is->euid = effective == SAME ? is->euid : effective;
    is->suid = saved == SAME ? is->suid : saved;
    is->fsuid = is->euid;
    task->process->uid = is->uid;
    capabilities_follow(is, &before);
    credentials_changed(task, &before);
    return 0;
}

int64_t call_setuid(struct task *task, uint32_t uid)
{
    const struct credentials *is = &task->credentials;
    if (uid == SAME) {
        return -EINVAL;
    }
    if (task_capable(task, CAP_SETUID)) {
        return call_setresuid(task, uid, uid, uid);
    }
    return uid == is->uid || uid == is->suid ? call_setresuid(task, SAME, uid, SAME) : -EPERM;
}

int64_t call_setreuid(struct task *task, uint32_t real, uint32_t effective)
{
    const struct credentials *is = &task->credentials;
    if (!task_capable(task, CAP_SETUID) && real != SAME && real != is->uid && real != is->euid) {
        return -EPERM;
    }
    bool saves = real != SAME || (effective != SAME && effective != is->uid);
    uint32_t saved = saves ? effective == SAME ? is->euid : effective : SAME;
    return call_setresuid(task, real, effective, saved);
}

static bool gid_mine(const struct credentials *is, uint32_t gid)
{
    return gid == SAME || gid == is->gid || gid == is->egid || gid == is->sgid;
}

int64_t call_setresgid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct credentials *is = &task->credentials;
    const struct credentials before = *is;
    if (!task_capable(task, CAP_SETGID) &&
        (!gid_mine(is, real) || !gid_mine(is, effective) || !gid_mine(is, saved))) {
        return -EPERM;
    }
    is->gid = real == SAME ? is->gid : real;
    is->egid = effective == SAME ? is->egid : effective;
    is->sgid = saved == SAME ? is->sgid : saved;
    is->fsgid = is->egid;
    credentials_changed(task, &before);
    return 0;
}

int64_t call_setgid(struct task *task, uint32_t gid)
{
    const struct credentials *is = &task->credentials;
    if (gid == SAME) {
        return -EINVAL;
    }
    if (task_capable(task, CAP_SETGID)) {
        return call_setresgid(task, gid, gid, gid);
    }
    return gid == is->gid || gid == is->sgid ? call_setresgid(task, SAME, gid, SAME) : -EPERM;
}

int64_t call_setregid(struct task *task, uint32_t real, uint32_t effective)
{
    const struct credentials *is = &task->credentials;
    if (!task_capable(task, CAP_SETGID) && real != SAME && real != is->gid && real != is->egid) {
        return -EPERM;
    }
    bool saves = real != SAME || (effective != SAME && effective != is->gid);
    uint32_t saved = saves ? effective == SAME ? is->egid : effective : SAME;
    return call_setresgid(task, real, effective, saved);
}

int64_t call_setfsuid(struct task *task, uint32_t uid)
{
    struct credentials *is = &task->credentials;
    const struct credentials before = *is;
    if (uid != SAME && (uid_mine(is, uid) || uid == is->fsuid || task_capable(task, CAP_SETUID))) {
        is->fsuid = uid;
        file_capabilities_follow(is, before.fsuid);
        credentials_changed(task, &before);
    }
    return before.fsuid;
}

int64_t call_setfsgid(struct task *task, uint32_t gid)
{
    struct credentials *is = &task->credentials;
    const struct credentials before = *is;
    if (gid != SAME && (gid_mine(is, gid) || gid == is->fsgid || task_capable(task, CAP_SETGID))) {
        is->fsgid = gid;
        credentials_changed(task, &before);
    }
    return before.fsgid;
}

int64_t call_getgroups(struct task *task, int32_t count, user_t to)
{
    const struct credentials *is = &task->credentials;
    if (count < 0 || (count && (uint32_t)count < is->group_count)) {
        return -EINVAL;
    }
    return count && user_write(task, to, is->groups, is->group_count * sizeof(is->groups[0]))
               ? -EFAULT
               : (int64_t)is->group_count;
}

// In order, as they are shown.
static void group_insert(struct credentials *is, uint32_t group)
{
    uint32_t at = is->group_count++;
    for (; at && is->groups[at - 1] > group; at--) {
        is->groups[at] = is->groups[at - 1];
    }
    is->groups[at] = group;
}

int64_t call_setgroups(struct task *task, int32_t count, user_t from)
{
    struct credentials *is = &task->credentials;
    uint32_t groups[GROUPS_MAX];
    if (!task_capable(task, CAP_SETGID)) {
        return -EPERM;
    }
    if (count < 0 || count > GROUPS_MAX) {
        return -EINVAL;
    }
    if (user_read(task, groups, from, (uint64_t)count * sizeof(groups[0]))) {
        return -EFAULT;
    }
    is->group_count = 0;
    for (int32_t i = 0; i < count; i++) {
        group_insert(is, groups[i]);
    }
    return 0;
}

// ---- capabilities ------------------------------------------------------------------------------
#define VERSION_1 0x19980330u
#define VERSION_2 0x20071026u
#define VERSION_3 0x20080522u

struct capability_header {
    uint32_t version;
    int32_t pid;
};

struct capability_words {
    uint32_t effective, permitted, inheritable;
};

// How many words a version has; 0: not known, and the one to use is told.
static unsigned version_words(struct task *task, user_t at, const struct capability_header *header,
                              int64_t *error)
{
    const uint32_t preferred = VERSION_3;
    if (header->version == VERSION_1) {
        return 1;
    }
    if (header->version == VERSION_2 || header->version == VERSION_3) {
        return 2;
    }
    *error = user_write(task, at, &preferred, sizeof(preferred)) ? -EFAULT : -EINVAL;
    return 0;
}

int64_t call_capget(struct task *task, user_t at, user_t to)
{
    struct capability_header header;
    int64_t error = 0;
    if (user_read(task, &header, at, sizeof(header))) {
        return -EFAULT;
    }
    unsigned words = version_words(task, at, &header, &error);
    if (!words) {
        return !to && error == -EINVAL ? 0 : error;
    }
    if (!to) {  // the version was the question
        return 0;
    }
    const struct task *of = header.pid ? task_find((uint32_t)header.pid) : task;
    if (header.pid < 0 || !of) {
        return header.pid < 0 ? -EINVAL : -ESRCH;
    }
    for (unsigned i = 0; i < words; i++) {
        const struct credentials *is = &of->credentials;
        struct capability_words word = { (uint32_t)(is->effective >> 32 * i),
                                         (uint32_t)(is->permitted >> 32 * i),
                                         (uint32_t)(is->inheritable >> 32 * i) };
        if (user_write(task, to + i * sizeof(word), &word, sizeof(word))) {
            return -EFAULT;
        }
    }
    return 0;
}

int64_t call_capset(struct task *task, user_t at, user_t from)
{
    struct capability_header header;
    struct credentials *is = &task->credentials;
    uint64_t effective = 0, permitted = 0, inheritable = 0;
    int64_t error = 0;
    if (user_read(task, &header, at, sizeof(header))) {
        return -EFAULT;
    }
    unsigned words = version_words(task, at, &header, &error);
    if (!words) {
        return error;
    }
    if (header.pid && (uint32_t)header.pid != task->tid) {
        return -EPERM;
    }
    for (unsigned i = 0; i < words; i++) {
        struct capability_words word;
        if (user_read(task, &word, from + i * sizeof(word), sizeof(word))) {
            return -EFAULT;
        }
        effective |= (uint64_t)word.effective << 32 * i;
        permitted |= (uint64_t)word.permitted << 32 * i;
        inheritable |= (uint64_t)word.inheritable << 32 * i;
    }
    uint64_t may = is->inheritable |
                   (task_capable(task, CAP_SETPCAP) ? is->bounding : is->permitted);
    if (permitted & ~is->permitted || effective & ~permitted || inheritable & ~may) {
        return -EPERM;
    }
    is->effective = effective;
    is->permitted = permitted;
    is->inheritable = inheritable;
    return 0;
}
