#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The page of the system calls of the Linux server, from its table.

usage: linuxcalls.py --reference servers/linux/calls.def    docs/linux-calls.md on the standard output
"""
import re
import sys
from pathlib import Path
from typing import NamedTuple

LINE = re.compile(r"CALL(\d)\((\d+), (\w+), (\w+)(?:, (.*))?\)")
MEANINGS = {
    "INT": "int", "UINT": "unsigned", "LONG": "long", "SIZE": "size", "OFFSET": "offset", "HEX": "flags",
    "LHEX": "long flags", "OCTAL": "mode", "FD": "fd", "DIR": "directory fd", "PATH": "path", "STRING": "string",
    "IN": "from memory", "OUT": "to memory", "USER": "address", "PID": "pid", "SIGNAL": "signal",
}
BREAKS = {"RESTART": "restarts with SA_RESTART", "PARTIAL": "ends with the part that is done, or restarts with SA_RESTART",
          "ALWAYS": "restarts unless a handler runs",
          "TIMED": "goes on unless a handler runs", "NEVER": ""}
# What else Linux 6.6 has on x86-64; whatever the table has meanwhile is passed over.
OTHERS = """
    29:shmget 30:shmat 31:shmctl 64:semget 65:semop 66:semctl 67:shmdt 68:msgget 69:msgsnd 70:msgrcv 71:msgctl
    101:ptrace 103:syslog 134:uselib 136:ustat 139:sysfs 142:sched_setparam 148:sched_rr_get_interval 153:vhangup
    154:modify_ldt 155:pivot_root 156:_sysctl 159:adjtimex 163:acct 167:swapon 168:swapoff 169:reboot 172:iopl
    173:ioperm 174:create_module 175:init_module 176:delete_module 177:get_kernel_syms 178:query_module
    179:quotactl 180:nfsservctl 181:getpmsg 182:putpmsg 183:afs_syscall 184:tuxcall 185:security
    205:set_thread_area 206:io_setup 207:io_destroy 208:io_getevents 209:io_submit 210:io_cancel
    211:get_thread_area 212:lookup_dcookie 214:epoll_ctl_old 215:epoll_wait_old 216:remap_file_pages
    219:restart_syscall 220:semtimedop 236:vserver 237:mbind 238:set_mempolicy 239:get_mempolicy 240:mq_open
    241:mq_unlink 242:mq_timedsend 243:mq_timedreceive 244:mq_notify 245:mq_getsetattr 246:kexec_load 248:add_key
    249:request_key 250:keyctl 251:ioprio_set 252:ioprio_get 253:inotify_init 254:inotify_add_watch
    255:inotify_rm_watch 256:migrate_pages 272:unshare 275:splice 276:tee 278:vmsplice 279:move_pages 282:signalfd
    289:signalfd4 294:inotify_init1 298:perf_event_open 300:fanotify_init 301:fanotify_mark 303:name_to_handle_at
    304:open_by_handle_at 305:clock_adjtime 308:setns 312:kcmp 313:finit_module 314:sched_setattr
    315:sched_getattr 317:seccomp 320:kexec_file_load 321:bpf 323:userfaultfd 329:pkey_mprotect 330:pkey_alloc
    331:pkey_free 333:io_pgetevents 425:io_uring_setup 426:io_uring_enter 427:io_uring_register 428:open_tree
    429:move_mount 430:fsopen 431:fsconfig 432:fsmount 433:fspick 440:process_madvise 442:mount_setattr
    443:quotactl_fd 444:landlock_create_ruleset 445:landlock_add_rule 446:landlock_restrict_self 447:memfd_secret
    448:process_mrelease 449:futex_waitv 450:set_mempolicy_home_node
"""


class Call(NamedTuple):
    number: int
    name: str
    breaks: str
    arguments: list  # (type, name)


class TableError(Exception):
    """A mistake in the table; the message begins with its line."""


def read_line(number: int, line: str) -> Call:
    match = LINE.fullmatch(line.strip())
    words = [word.strip() for word in match[5].split(",")] if match and match[5] else []
    if not match or len(words) != 2 * int(match[1]):
        raise TableError(f"{number}: not a call: {line}")
    arguments = list(zip(words[::2], words[1::2]))
    wrong = [kind for kind, _ in arguments if kind not in MEANINGS]
    if wrong or match[4] not in BREAKS:
        raise TableError(f"{number}: unknown: {' '.join(wrong) or match[4]}")
    return Call(int(match[2]), match[3], match[4], arguments)


def read_calls(text: str) -> list:
    calls = [read_line(number, line) for number, line in enumerate(text.splitlines(), 1)
             if line.strip() and not line.startswith("//")]
    for before, call in zip(calls, calls[1:]):
        if call.number <= before.number:
            raise TableError(f"{call.name}: not in the order of numbers")
    return calls


def others(calls: list) -> list:
    """Names of what there is not."""
    numbers = {call.number for call in calls}
    found = (word.split(":") for word in OTHERS.split())
    return [name for number, name in found if int(number) not in numbers]


def row(call: Call) -> str:
    arguments = ", ".join(f"{name}: {MEANINGS[kind]}" for kind, name in call.arguments)
    return f"| {call.number} | `{call.name}` | {arguments} | {BREAKS[call.breaks]} |"


def write_reference(calls: list) -> str:
    lines = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- SPDX-FileCopyrightText: The Pith authors -->",
             "<!-- Made by tools/linuxcalls.py from servers/linux/calls.def. -->",
             "# System calls of the Linux server", "",
             f"{len(calls)} of Linux's calls on x86-64. What of each is not as on Linux is in "
             "`tests/linux/differences.txt`.", "The last column: what becomes of a call that a signal breaks into "
             "while it waits; empty: `EINTR`, or it never waits.", "",
             "| number | call | arguments | a signal |", "|---|---|---|---|", *map(row, calls), "",
             "## What there is not", "", "These answer `ENOSYS`, as on a Linux that was built without them:", "",
             ", ".join(f"`{name}`" for name in others(calls)) + "."]
    return "\n".join(lines) + "\n"


def main(argv: list) -> int:
    if len(argv) != 3 or argv[1] != "--reference":
        print(__doc__, file=sys.stderr)
        return 2
    try:
        sys.stdout.write(write_reference(read_calls(Path(argv[2]).read_text(encoding="utf-8"))))
    except (TableError, OSError) as mistake:
        print(f"linuxcalls: {argv[2]}: {mistake}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
