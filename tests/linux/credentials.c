// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// credentials(7): users and groups, what changes together, capabilities as a plain root has them.
#include "check.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static bool users_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t got[3] = { 9, 9, 9 };
    getresuid(&got[0], &got[1], &got[2]);
    return got[0] == real && got[1] == effective && got[2] == saved;
}

static bool groups_are(gid_t real, gid_t effective, gid_t saved)
{
    gid_t got[3] = { 9, 9, 9 };
    getresgid(&got[0], &got[1], &got[2]);
    return got[0] == real && got[1] == effective && got[2] == saved;
}

CASE(get)
{
    uid_t user[3];
    CHECK_TRUE(SYS(getuid) == getuid() && SYS(geteuid) == geteuid());
    CHECK_TRUE(SYS(getgid) == getgid() && SYS(getegid) == getegid());
    CHECK(getresuid(&user[0], &user[1], &user[2]), 0);
    CHECK_TRUE(user[0] == getuid() && user[1] == geteuid());
    CHECK(SYS(getresuid, BAD, BAD, BAD), -EFAULT);
    CHECK(SYS(getresgid, BAD, BAD, BAD), -EFAULT);
}

CASE(nobody)
{
    AS_NOBODY
    {
        uid_t me = getuid();
        CHECK(setuid(me), 0);
        CHECK(setgid(getgid()), 0);
        CHECK(setuid(12345), -EPERM);
        CHECK(seteuid(12345), -EPERM);
        CHECK(setgid(12345), -EPERM);
        CHECK(setresuid(me, me, 12345), -EPERM);
        CHECK(setreuid((uid_t)-1, 12345), -EPERM);
        CHECK(setresgid((gid_t)-1, (gid_t)-1, (gid_t)-1), 0);
        CHECK(setgroups(0, NULL), -EPERM);
        CHECK(setfsuid(12345), me);
        CHECK(setfsuid((uid_t)-1), me);
        if (me != 0) {
            CHECK(setuid(0), -EPERM);
            CHECK(seteuid(0), -EPERM);
        }
    }
}

CASE(root_sets_all)
{
    if (check_is_root()) {
        IN_CHILD
        {
            CHECK(setgid(5), 0);
            CHECK_TRUE(groups_are(5, 5, 5));
            CHECK(setuid(6), 0);
            CHECK_TRUE(users_are(6, 6, 6));
            CHECK(setuid(0), -EPERM);
        }
    }
}

CASE(effective_and_back)
{
    if (check_is_root()) {
        CHECK(seteuid(6), 0);
        CHECK_TRUE(users_are(0, 6, 0));
        CHECK(setegid(7), -EPERM);
        CHECK(setuid(8), -EPERM);
        CHECK(seteuid(0), 0);
        CHECK_TRUE(users_are(0, 0, 0));
        CHECK(setegid(7), 0);
        CHECK_TRUE(groups_are(0, 7, 0));
        CHECK(setresuid(1, 2, 3), 0);
        CHECK_TRUE(users_are(1, 2, 3));
        CHECK(setresuid((uid_t)-1, 3, (uid_t)-1), 0);
        CHECK(setresuid(2, (uid_t)-1, (uid_t)-1), -EPERM);
        CHECK(setresuid(3, 1, 1), 0);
        CHECK_TRUE(users_are(3, 1, 1));
        CHECK(setuid(3), 0);
        CHECK_TRUE(users_are(3, 3, 1));
    }
}

// setreuid() saves the effective user where the real one is set.
CASE(real_and_effective)
{
    if (check_is_root()) {
        IN_CHILD
        {
            CHECK(setreuid(1, (uid_t)-1), 0);
            CHECK_TRUE(users_are(1, 0, 0));
        }
        IN_CHILD
        {
            CHECK(setreuid((uid_t)-1, 2), 0);
            CHECK_TRUE(users_are(0, 2, 2));
        }
        IN_CHILD
        {
            CHECK(setreuid(3, 4), 0);
            CHECK_TRUE(users_are(3, 4, 4));
            CHECK(setreuid(4, 3), 0);
            CHECK_TRUE(users_are(4, 3, 3));
            CHECK(setreuid(5, (uid_t)-1), -EPERM);
        }
        IN_CHILD
        {
            CHECK(setregid(3, 4), 0);
            CHECK_TRUE(groups_are(3, 4, 4));
        }
    }
}

CASE(supplementary_groups)
{
    gid_t groups[4] = { 0 };
    CHECK_TRUE(getgroups(0, NULL) >= 0);
    CHECK(SYS(getgroups, -1, groups), -EINVAL);
    if (check_is_root()) {
        gid_t some[3] = { 30, 10, 20 };
        CHECK(setgroups(3, some), 0);
        CHECK(getgroups(0, NULL), 3);
        CHECK(getgroups(2, groups), -EINVAL);
        CHECK(getgroups(4, groups), 3);
        CHECK_TRUE(groups[0] == 10 && groups[1] == 20 && groups[2] == 30);
        CHECK(SYS(setgroups, 2, BAD), -EFAULT);
        CHECK(SYS(setgroups, 65537, some), -EINVAL);
        CHECK(SYS(getgroups, 3, BAD), -EFAULT);
        close(check_file("f", ""));
        NEED(chown("f", 0, 20));
        NEED(chmod("f", 0640));
        IN_CHILD
        {
            NEED(setuid(9));
            CHECK(access("f", R_OK), 0);
            CHECK(access("f", W_OK), -EACCES);
        }
    }
}

// The owner's bits count for the owner even where the group's would allow more.
CASE(bits_that_count)
{
    if (check_is_root()) {
        close(check_file("f", ""));
        NEED(chown("f", 5, 6));
        NEED(chmod("f", 0046));
        IN_CHILD
        {
            NEED(setgroups(0, NULL));
            NEED(setgid(6));
            NEED(setuid(5));
            CHECK(access("f", R_OK), -EACCES);
        }
        IN_CHILD
        {
            NEED(setgroups(0, NULL));
            NEED(setgid(6));
            NEED(setuid(7));
            CHECK(access("f", R_OK), 0);
            CHECK(access("f", W_OK), -EACCES);
        }
        AS_NOBODY
        {
            CHECK(access("f", R_OK | W_OK), 0);
        }
    }
}

CASE(file_system_user)
{
    if (check_is_root()) {
        struct stat about;
        CHECK(setfsuid(5), 0);
        CHECK(setfsgid(6), 0);
        CHECK_TRUE(users_are(0, 0, 0));
        close(check_file("f", ""));
        CHECK(stat("f", &about), 0);
        CHECK_TRUE(about.st_uid == 5 && about.st_gid == 6);
        CHECK(setfsuid((uid_t)-1), 5);
        CHECK(seteuid(3), 0);
        CHECK(setfsuid((uid_t)-1), 3);
    }
}

CASE(capabilities)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2];
    CHECK(SYS(capget, &header, data), 0);
    CHECK_TRUE(!check_is_root() || (data[0].effective & 1u << CAP_CHOWN) != 0);
    AS_NOBODY
    {
        CHECK(SYS(capget, &header, data), 0);
        CHECK_TRUE(data[0].effective == 0 && data[0].permitted == 0 && data[1].effective == 0);
        data[0].effective = 1;
        CHECK(SYS(capset, &header, data), -EPERM);
    }
    header.version = 77;
    CHECK(SYS(capget, &header, data), -EINVAL);
    CHECK(header.version, _LINUX_CAPABILITY_VERSION_3);
    CHECK(SYS(capget, &header, NULL), 0);
    header.pid = -1;
    CHECK(SYS(capget, &header, data), -EINVAL);
    CHECK(SYS(capget, BAD, data), -EFAULT);
    header.pid = 1 << 22;
    CHECK(SYS(capget, &header, data), -ESRCH);
    CHECK(prctl(PR_CAPBSET_READ, 999), -EINVAL);
    CHECK(prctl(PR_GET_KEEPCAPS), 0);
    CHECK(prctl(PR_SET_KEEPCAPS, 2), -EINVAL);
}

CASE(capabilities_drop)
{
    if (check_is_root()) {
        struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
        struct __user_cap_data_struct data[2];
        close(check_file("f", ""));
        NEED(chmod("f", 0));
        NEED(SYS(capget, &header, data));
        data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
        CHECK(SYS(capset, &header, data), 0);
        CHECK(open("f", O_RDONLY), -EACCES);
        data[0].effective |= 1u << CAP_DAC_OVERRIDE;
        CHECK(SYS(capset, &header, data), 0);
        CHECK_TRUE(open("f", O_RDONLY) >= 0);
    }
}

CASE(keep_capabilities)
{
    if (check_is_root()) {
        struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
        struct __user_cap_data_struct data[2];
        CHECK(prctl(PR_SET_KEEPCAPS, 1), 0);
        CHECK(prctl(PR_GET_KEEPCAPS), 1);
        NEED(setuid(5));
        NEED(SYS(capget, &header, data));
        CHECK(data[0].effective, 0);
        CHECK_TRUE((data[0].permitted & 1u << CAP_CHOWN) != 0);
        data[0].effective = 1u << CAP_SETUID;
        data[1].effective = 0;
        NEED(SYS(capset, &header, data));
        CHECK(setuid(6), 0);
        NEED(SYS(capget, &header, data));
        CHECK(data[0].effective, 1u << CAP_SETUID);
    }
}

// What reaches files goes with the user that files are reached as, and comes back with it.
CASE(file_user)
{
    if (check_is_root()) {
        struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
        struct __user_cap_data_struct data[2];
        CHECK(SYS(setfsuid, 5), 0);
        NEED(SYS(capget, &header, data));
        CHECK(data[0].effective & 1u << CAP_DAC_OVERRIDE, 0);
        CHECK_TRUE((data[0].effective & 1u << CAP_SETUID) != 0);
        CHECK(SYS(setfsuid, 0), 5);
        NEED(SYS(capget, &header, data));
        CHECK_TRUE((data[0].effective & 1u << CAP_DAC_OVERRIDE) != 0);
    }
}

// Who is somebody else forgets to whose end it wanted a signal.
CASE(parents_death)
{
    int number = 77;
    CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
    CHECK(prctl(PR_GET_PDEATHSIG, &number), 0);
    CHECK(number, SIGUSR1);
    IN_CHILD
    {
        CHECK(prctl(PR_GET_PDEATHSIG, &number), 0);
        CHECK(number, 0);
    }
    if (check_is_root()) {
        NEED(setresgid(5, 5, 5));
        CHECK(prctl(PR_GET_PDEATHSIG, &number), 0);
        CHECK(number, 0);
    }
}

// A process whose user has changed is not to be looked into any more.
CASE(dumpable)
{
    CHECK(prctl(PR_GET_DUMPABLE), 1);
    CHECK(prctl(PR_SET_DUMPABLE, 0), 0);
    CHECK(prctl(PR_GET_DUMPABLE), 0);
    CHECK(prctl(PR_SET_DUMPABLE, 2), -EINVAL);
    CHECK(prctl(PR_SET_DUMPABLE, 1), 0);
    if (check_is_root()) {
        AS_NOBODY
        {
            CHECK_TRUE(prctl(PR_GET_DUMPABLE) != 1);
        }
    }
}

// -1 says to leave a user or group as it is, where more than one are set; it is none itself.
CASE(set_errors)
{
    CHECK(SYS(setuid, -1), -EINVAL);
    CHECK(SYS(setgid, -1), -EINVAL);
    AS_NOBODY
    {
        CHECK(SYS(setregid, -1, 12345), -EPERM);
        CHECK(SYS(setresgid, -1, -1, 12345), -EPERM);
    }
}

CASE(capabilities_errors)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2] = { { .effective = 0 } };
    CHECK(SYS(capset, BAD, data), -EFAULT);
    CHECK(SYS(capset, &header, BAD), -EFAULT);
    header.pid = getppid();
    CHECK(SYS(capset, &header, data), -EPERM);
    header.version = 77;
    CHECK(SYS(capset, &header, data), -EINVAL);
    AS_NOBODY
    {
        CHECK(prctl(PR_CAPBSET_DROP, CAP_CHOWN), -EPERM);
    }
}
