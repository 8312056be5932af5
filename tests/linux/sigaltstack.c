// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// sigaltstack(2): handlers on a stack of their own.
#include "check.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <limits.h>

#define SPACE 65536

static char space[SPACE] __attribute__((aligned(16)));
static volatile bool was_inside;
static volatile int flags;
static volatile long result;
static stack_t told;
static sigjmp_buf back;

static bool is_inside(const void *place)
{
    return (uintptr_t)place >= (uintptr_t)space && (uintptr_t)place < (uintptr_t)space + SPACE;
}

static void look(int number, siginfo_t *info, void *context)
{
    stack_t now;
    stack_t other = { .ss_sp = space, .ss_size = SPACE };
    (void)number, (void)info;
    was_inside = is_inside(&now);
    told = ((ucontext_t *)context)->uc_stack;
    sigaltstack(NULL, &now);
    flags = now.ss_flags;
    errno = 0;
    result = check_result(sigaltstack(&other, NULL));
}

static void look_only(int number, siginfo_t *info, void *context)
{
    stack_t now;
    (void)number, (void)info, (void)context;
    sigaltstack(NULL, &now);
    flags = now.ss_flags;
}

static void use(int flags_of_stack)
{
    stack_t stack = { .ss_sp = space, .ss_size = SPACE, .ss_flags = flags_of_stack };
    NEED(sigaltstack(&stack, NULL));
}

static void handle(int number, int more, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | more };
    NEED(sigaction(number, &action, NULL));
}

CASE(errors)
{
    stack_t stack = { .ss_sp = space, .ss_size = 2047 };
    stack_t old;
    CHECK(sigaltstack(NULL, &old), 0);
    CHECK(old.ss_flags, SS_DISABLE);
    CHECK(sigaltstack(&stack, NULL), -ENOMEM);
    stack.ss_size = SPACE;
    stack.ss_flags = 77;
    CHECK(sigaltstack(&stack, NULL), -EINVAL);
    CHECK(SYS(sigaltstack, BAD, NULL), -EFAULT);
    CHECK(SYS(sigaltstack, NULL, BAD), -EFAULT);
    stack.ss_flags = 0;
    CHECK(sigaltstack(&stack, &old), 0);
    CHECK(old.ss_flags, SS_DISABLE);
    CHECK(sigaltstack(NULL, &old), 0);
    CHECK_TRUE(old.ss_sp == space && old.ss_size == SPACE && old.ss_flags == 0);
    stack.ss_flags = SS_ONSTACK;
    CHECK(sigaltstack(&stack, NULL), 0);
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL), 0);
}

CASE(used)
{
    use(0);
    handle(SIGUSR1, SA_ONSTACK, look);
    handle(SIGUSR2, 0, look);
    raise(SIGUSR1);
    CHECK(was_inside, true);
    CHECK(flags, SS_ONSTACK);
    CHECK(result, -EPERM);
    CHECK_TRUE(told.ss_sp == space && told.ss_size == SPACE);
    raise(SIGUSR2);
    CHECK(was_inside, false);
    CHECK(flags, 0);
    CHECK(result, 0);
}

static void change(int number)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    (void)number;
    CHECK(sigaltstack(&none, NULL), -EPERM);
}

CASE(changed_while_used)
{
    struct sigaction action = { .sa_handler = change, .sa_flags = SA_ONSTACK };
    use(0);
    NEED(sigaction(SIGUSR1, &action, NULL));
    NEED(raise(SIGUSR1));
}

// A stack that the handler sets meanwhile, and stands on, stays.
CASE(disarmed)
{
    stack_t after;
    use((int)(1u << 31));  // SS_AUTODISARM
    handle(SIGUSR1, SA_ONSTACK, look);
    raise(SIGUSR1);
    CHECK(was_inside, true);
    CHECK(flags, SS_DISABLE);
    CHECK(result, 0);
    CHECK(sigaltstack(NULL, &after), 0);
    CHECK(after.ss_flags, 0);
    // One that the handler leaves alone is back afterwards.
    use((int)(1u << 31));
    handle(SIGUSR1, SA_ONSTACK, look_only);
    raise(SIGUSR1);
    CHECK(flags, SS_DISABLE);
    CHECK(sigaltstack(NULL, &after), 0);
    CHECK(after.ss_flags, (int)(1u << 31));
}

static void leave(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    was_inside = is_inside(&number);
    siglongjmp(back, number);
}

static int sink(volatile const char *above, long left)
{
    volatile char here[4096];
    here[0] = *above;
    return left == 0 ? 0 : sink(here, left - 1) + here[0];
}

CASE(stack_overflow)
{
    char start = 0;
    use(0);
    handle(SIGSEGV, SA_ONSTACK, leave);
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        sink(&start, LONG_MAX);
    }
    CHECK(number, SIGSEGV);
    CHECK(was_inside, true);
    stack_t now;
    sigaltstack(NULL, &now);
    CHECK(now.ss_flags, 0);
}

static volatile int depth;

static void nest(int number, siginfo_t *info, void *context)
{
    char here = 0;
    (void)info, (void)context;
    depth++;
    was_inside = was_inside && is_inside(&here);
    if (depth < 3) {
        raise(number);
    }
}

CASE(nested)
{
    use(0);
    handle(SIGUSR1, SA_ONSTACK | SA_NODEFER, nest);
    was_inside = true;
    raise(SIGUSR1);
    CHECK(depth, 3);
    CHECK(was_inside, true);
}

CASE(child_keeps)
{
    use(0);
    IN_CHILD
    {
        stack_t now;
        CHECK(sigaltstack(NULL, &now), 0);
        CHECK(now.ss_flags, 0);
    }
}

static void *look_at_stack(void *argument)
{
    stack_t now;
    sigaltstack(NULL, &now);
    *(int *)argument = now.ss_flags;
    return NULL;
}

CASE(thread_has_none)
{
    pthread_t thread;
    int seen = 0;
    use(0);
    NEED(-pthread_create(&thread, NULL, look_at_stack, &seen));
    pthread_join(thread, NULL);
    CHECK(seen, SS_DISABLE);
}

static void trampoline_check(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    char aligned[16] __attribute__((aligned(16)));
    result = (long)((uintptr_t)__builtin_frame_address(0) % 16 == 0 &&
                    (uintptr_t)aligned % 16 == 0 && info != NULL);
}

CASE(frame_is_aligned)
{
    use(0);
    handle(SIGUSR1, SA_ONSTACK, trampoline_check);
    handle(SIGUSR2, 0, trampoline_check);
    raise(SIGUSR1);
    CHECK(result, 1);
    result = 0;
    raise(SIGUSR2);
    CHECK(result, 1);
}

// No room for the frame: the process dies, whatever the handler is.
static void raise_on_unmapped_stack(void)
{
    char *place = NEED_MEMORY(mmap(NULL, SPACE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    stack_t stack = { .ss_sp = place, .ss_size = SPACE };
    NEED(sigaltstack(&stack, NULL));
    handle(SIGUSR1, SA_ONSTACK, look);
    handle(SIGSEGV, SA_ONSTACK, look);
    raise(SIGUSR1);
}

CASE(no_room)
{
    int status = check_status(raise_on_unmapped_stack);
    CHECK(status, SIGSEGV);
}
