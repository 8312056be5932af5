// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// execve(2) and execveat(2): arguments, environment, the auxiliary vector, scripts, what survives
// and what does not.
#include "check.h"

#include <elf.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <limits.h>

// Executes with these arguments in a child and gives its wait status.
static int run_as(const char *path, char *const *argv, char *const *environment)
{
    int status = -1;
    pid_t child = NEED(fork());
    if (child == 0) {
        execve(path, argv, environment);
        check_say("execve: -%s", strerrorname_np(errno));
        _exit(127);
    }
    NEED(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define HELP(...)      \
 run_as(check_program, \
        (char *[]){ (char[]){ "program" }, (char[]){ "--helper" }, __VA_ARGS__, NULL }, environ)
#define T(TEXT) ((char[]){ TEXT })

static void write_script(const char *name, const char *text)
{
    close(check_file(name, text));
    NEED(chmod(name, 0755));
}

HELPER(count_arguments)
{
    int length = 0;
    for (int i = 1; i < argc; i++) {
        length += (int)strlen(argv[i]) * i;
    }
    return argv[argc] == NULL ? length : 99;
}

CASE(arguments)
{
    CHECK(HELP(T("count_arguments")), 0);
    CHECK(HELP(T("count_arguments"), T("a"), T(""), T("bcd")), 10);
    CHECK(HELP(T("count_arguments"), T("with spaces"), T("\x80\xff\n")), 17);
}

HELPER(print_environment)
{
    int count = 0;
    (void)argc, (void)argv;
    for (char **at = environ; *at != NULL; at++) {
        count++;
        dprintf(1, "[%s]\n", *at);
    }
    return count;
}

CASE(environment)
{
    char *argv[] = { T("program"), T("--helper"), T("print_environment"), NULL };
    char *some[] = { T("A=1"), T("B="), T("no equals sign"), T("A=2"), NULL };
    CHECK(run_as(check_program, argv, some), 4);
    CHECK(run_as(check_program, argv, some + 4), 0);
    CHECK(run_as(check_program, argv, NULL), 0);
}

// The program sees one argument, an empty one, where none was given.
CASE(no_arguments)
{
    char *none[] = { NULL };
    write_script("s", "#!/bin/sh\nexit $#\n");
    CHECK(run_as("./s", none, environ), 0);
}

CASE(many_arguments)
{
    enum {
        COUNT = 5000
    };
    static char *argv[COUNT + 4];
    static char one[] = "x";
    argv[0] = T("program");
    argv[1] = T("--helper");
    argv[2] = T("just_count");
    for (int i = 0; i < COUNT; i++) {
        argv[3 + i] = one;
    }
    CHECK(run_as(check_program, argv, environ), COUNT % 251);
}

HELPER(just_count)
{
    (void)argv;
    return (argc - 1) % 251;
}

CASE(too_long)
{
    static char text[131072 + 1];
    memset(text, 'x', sizeof(text) - 1);
    char *argv[] = { T("program"), text, NULL };
    CHECK(execve(check_program, argv, environ), -E2BIG);
    text[131071] = 0;
    argv[1] = T("--list");
    static char *many[64];
    for (int i = 0; i < 63; i++) {
        many[i] = text;
    }
    CHECK(execve(check_program, argv, many), -E2BIG);
}

CASE(errors)
{
    char *argv[] = { T("x"), NULL };
    close(check_file("empty", ""));
    close(check_file("closed", "#!/bin/sh\n"));
    write_script("text", "exit 3\n");
    NEED(chmod("empty", 0755));
    NEED(symlink("loop", "loop"));
    CHECK(execve("missing", argv, environ), -ENOENT);
    CHECK(execve("", argv, environ), -ENOENT);
    CHECK(execve("closed", argv, environ), -EACCES);
    CHECK(execve("empty", argv, environ), -ENOEXEC);
    CHECK(execve("text", argv, environ), -ENOEXEC);
    CHECK(execve(".", argv, environ), -EACCES);
    CHECK(execve("text/x", argv, environ), -ENOTDIR);
    CHECK(execve("loop", argv, environ), -ELOOP);
    CHECK(execve("/dev/null", argv, environ), -EACCES);
    CHECK(SYS(execve, BAD, argv, environ), -EFAULT);
    CHECK(SYS(execve, check_program, BAD, environ), -EFAULT);
    CHECK(SYS(execve, check_program, argv, BAD), -EFAULT);
    char *bad[] = { BAD, NULL };
    CHECK(execve(check_program, bad, environ), -EFAULT);
}

static void write_elf(const char *name, size_t length, void (*change)(Elf64_Ehdr *header))
{
    static char text[4096];
    int from = NEED(open(check_program, O_RDONLY));
    NEED(read(from, text, sizeof(text)));
    change((void *)text);
    int to = NEED(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755));
    NEED(write(to, text, length));
    close(from);
    close(to);
}

static void keep(Elf64_Ehdr *header)
{
    (void)header;
}

static void make_foreign(Elf64_Ehdr *header)
{
    header->e_machine = EM_AARCH64;
}

static void make_object(Elf64_Ehdr *header)
{
    header->e_type = ET_REL;
}

static void make_many_headers(Elf64_Ehdr *header)
{
    header->e_phnum = 0;
}

static void break_size(Elf64_Ehdr *header)
{
    header->e_phentsize = 1;
}

CASE(broken_programs)
{
    char *argv[] = { T("x"), NULL };
    write_elf("short", 20, keep);
    write_elf("foreign", 4096, make_foreign);
    write_elf("object", 4096, make_object);
    write_elf("no-headers", 4096, make_many_headers);
    write_elf("wrong-size", 4096, break_size);
    CHECK(execve("short", argv, environ), -ENOEXEC);
    CHECK(execve("foreign", argv, environ), -ENOEXEC);
    CHECK(execve("object", argv, environ), -ENOEXEC);
    CHECK(execve("no-headers", argv, environ), -ENOEXEC);
    CHECK(execve("wrong-size", argv, environ), -ENOEXEC);
}

CASE(scripts)
{
    char *argv[] = { T("zero"), T("one"), T("two three"), NULL };
    write_script("s", "#!/bin/sh\n[ \"$0\" = ./s ] && [ \"$1\" = one ] && [ \"$2\" = 'two three' ] "
                      "&& exit 40\nexit 41\n");
    CHECK(run_as("./s", argv, environ), 40);
    write_script("spaces", "#!   /bin/sh   \nexit 42\n");
    CHECK(run_as("./spaces", argv, environ), 42);
    write_script("option", "#!/bin/sh -e\nfalse\nexit 0\n");
    CHECK(run_as("./option", argv, environ), 1);
    write_script("no-newline", "#!/bin/sh");
    CHECK(run_as("./no-newline", argv, environ), 0);
}

// Everything after the interpreter's name is one argument.
CASE(script_arguments)
{
    char text[PATH_MAX + 100];
    snprintf(text, sizeof(text), "#!%s --helper\n", check_program);
    write_script("print_script_arguments", text);
    char *argv[] = { T("zero"), T("one"), NULL };
    CHECK(run_as("print_script_arguments", argv, environ), 2);
    snprintf(text, sizeof(text), "#!%s --helper print\n", check_program);
    write_script("s", text);
    CHECK(run_as("./s", argv, environ), 101);
}

HELPER(print_script_arguments)
{
    for (int i = 0; i < argc; i++) {
        dprintf(1, "[%s]\n", argv[i]);
    }
    return argc;
}

CASE(script_errors)
{
    char *argv[] = { T("zero"), NULL };
    write_script("missing", "#!/missing/interpreter\n");
    write_script("nothing", "#!\n");
    write_script("blank", "#!   \n");
    write_script("directory", "#!/\n");
    CHECK(execve("missing", argv, environ), -ENOENT);
    CHECK(execve("nothing", argv, environ), -ENOEXEC);
    CHECK(execve("blank", argv, environ), -ENOEXEC);
    CHECK(execve("directory", argv, environ), -EACCES);
    char name[16];
    char text[32];
    write_script("s0", "#!/bin/sh\nexit 5\n");
    for (int i = 1; i <= 6; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        snprintf(text, sizeof(text), "#!./s%d\n", i - 1);
        write_script(name, text);
    }
    CHECK(run_as("./s4", argv, environ), 5);
    CHECK(execve("./s5", argv, environ), -ELOOP);
}

HELPER(check_descriptors)
{
    (void)argc;
    int result = 0;
    for (int i = 0; i < 3; i++) {
        result |= fcntl(atoi(argv[1]) + i, F_GETFD) >= 0 ? 1 << i : 0;
    }
    return result;
}

CASE(descriptors)
{
    int file = check_file("f", "hello");
    NEED(dup2(file, 10));
    NEED(dup3(file, 11, O_CLOEXEC));
    NEED(dup2(file, 12));
    NEED(fcntl(12, F_SETFD, FD_CLOEXEC));
    NEED(fcntl(12, F_SETFD, 0));
    CHECK(HELP(T("check_descriptors"), T("10")), 5);
    CHECK(fcntl(11, F_GETFD), FD_CLOEXEC);
}

static void handle(int number)
{
    (void)number;
}

HELPER(check_signals)
{
    struct sigaction action;
    sigset_t mask;
    (void)argc, (void)argv;
    sigaction(SIGUSR1, NULL, &action);
    int result = action.sa_handler == SIG_DFL ? 1 : 0;
    sigaction(SIGUSR2, NULL, &action);
    result |= action.sa_handler == SIG_IGN ? 2 : 0;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    result |= sigismember(&mask, SIGHUP) ? 4 : 0;
    sigpending(&mask);
    result |= sigismember(&mask, SIGHUP) ? 8 : 0;
    stack_t stack;
    sigaltstack(NULL, &stack);
    result |= stack.ss_flags == SS_DISABLE ? 16 : 0;
    return result;
}

CASE(signals)
{
    static char space[65536];
    stack_t stack = { .ss_sp = space, .ss_size = sizeof(space) };
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    signal(SIGUSR1, handle);
    signal(SIGUSR2, SIG_IGN);
    NEED(sigaltstack(&stack, NULL));
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        sigprocmask(SIG_BLOCK, &mask, NULL);
        raise(SIGHUP);
        execl(check_program, "program", "--helper", "check_signals", (char *)NULL);
        _exit(99);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 31);
}

HELPER(check_identity)
{
    struct rlimit limit;
    (void)argc;
    getrlimit(RLIMIT_NOFILE, &limit);
    return getpid() == atoi(argv[1]) && umask(0) == 057 && access("../d", F_OK) == 0 &&
                   limit.rlim_cur == 77 && alarm(0) > 50 && getppid() == atoi(argv[2])
               ? 0
               : 1;
}

CASE(survives)
{
    pid_t parent = getpid();
    pid_t child = NEED(fork());
    if (child == 0) {
        char pid[16];
        char ppid[16];
        struct rlimit limit = { 77, 88 };
        snprintf(pid, sizeof(pid), "%d", getpid());
        snprintf(ppid, sizeof(ppid), "%d", parent);
        NEED(mkdir("d", 0777));
        NEED(chdir("d"));
        umask(057);
        NEED(setrlimit(RLIMIT_NOFILE, &limit));
        alarm(60);
        execl(check_program, "program", "--helper", "check_identity", pid, ppid, (char *)NULL);
        _exit(99);
    }
    int status = 0;
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

// The auxiliary vector as the C library and the loader need it.
HELPER(check_vector)
{
    (void)argc;
    CHECK(getauxval(AT_PAGESZ), 4096);
    CHECK(getauxval(AT_CLKTCK), 100);
    CHECK_TRUE(getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 0);
    CHECK(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    CHECK_TRUE(getauxval(AT_ENTRY) != 0);
    CHECK(getauxval(AT_BASE), 0);
    CHECK(getauxval(AT_FLAGS), 0);
    CHECK_TRUE(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    CHECK_TRUE(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    CHECK(getauxval(AT_SECURE), 0);
    const char *random = (const char *)getauxval(AT_RANDOM);
    CHECK_TRUE(random != NULL && memcmp(random, "\0\0\0\0\0\0\0\0", 8) != 0);
    CHECK_TEXT((const char *)getauxval(AT_PLATFORM), "x86_64");
    CHECK_TRUE(strcmp((const char *)getauxval(AT_EXECFN), argv[1]) == 0);
    CHECK_TRUE(getauxval(AT_HWCAP) != 0);
    return 0;
}

CASE(vector)
{
    char *argv[] = { T("program"), T("--helper"), T("check_vector"), check_program, NULL };
    CHECK(run_as(check_program, argv, environ), 0);
}

HELPER(check_stack)
{
    (void)argc;
    uintptr_t top = (uintptr_t)argv - 2 * sizeof(char *) - sizeof(long);
    return top % 16 == 0 && *(long *)(void *)top == argc + 2 ? 0 : 1;
}

CASE(stack)
{
    CHECK(HELP(T("check_stack")), 0);
    CHECK(HELP(T("check_stack"), T("1")), 0);
    CHECK(HELP(T("check_stack"), T("1"), T("12345")), 0);
}

HELPER(print_name)
{
    char name[17] = "";
    (void)argc, (void)argv;
    prctl(PR_GET_NAME, name);
    dprintf(1, "[%s]\n", name);
    return strcmp(name, argv[1]) == 0 ? 0 : 1;
}

// What it may do with its stack.
HELPER(stack_rights)
{
    char line[256];
    FILE *maps = fopen("/proc/self/maps", "r");
    (void)argc;
    (void)argv;
    while (maps && fgets(line, sizeof(line), maps)) {
        if (strstr(line, "[stack]")) {
            return strstr(line, " rwxp ") ? 7 : strstr(line, " rw-p ") ? 6 : 0;
        }
    }
    return 1;
}

// This program once more, with these rights for its stack (PT_GNU_STACK).
static void copy_with_stack(const char *name, uint32_t rights)
{
    struct stat is;
    int from = NEED(open(check_program, O_RDONLY)), to = NEED(open(name, O_RDWR | O_CREAT, 0755));
    NEED(fstat(from, &is));
    NEED(sendfile(to, from, NULL, (size_t)is.st_size));
    Elf64_Ehdr header;
    NEED(pread(to, &header, sizeof(header), 0));
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr at;
        off_t place = (off_t)(header.e_phoff + i * sizeof(at));
        NEED(pread(to, &at, sizeof(at), place));
        if (at.p_type == PT_GNU_STACK) {
            at.p_flags = rights;
            NEED(pwrite(to, &at, sizeof(at), place));
        }
    }
    close(from);
    close(to);
}

CASE(stack_rights)
{
    char *const argv[] = { T("program"), T("--helper"), T("stack_rights"), NULL };
    copy_with_stack("usual", PF_R | PF_W);
    copy_with_stack("executable", PF_R | PF_W | PF_X);
    CHECK(run_as("./usual", argv, environ), 6);
    CHECK(run_as("./executable", argv, environ), 7);
}

CASE(name)
{
    char *argv[] = { T("program"), T("--helper"), T("print_name"), T("a-rather-long-n"), NULL };
    NEED(symlink(check_program, "a-rather-long-name"));
    NEED(prctl(PR_SET_NAME, "other"));
    CHECK(run_as("./a-rather-long-name", argv, environ), 0);
}

CASE(at_descriptor)
{
    char *argv[] = { T("program"), T("--helper"), T("count_arguments"), T("12345"), NULL };
    int file = NEED(open(check_program, O_RDONLY | O_CLOEXEC));
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        SYS(execveat, file, "", argv, environ, AT_EMPTY_PATH);
        _exit(99);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 5);
    child = NEED(fork());
    if (child == 0) {
        fexecve(file, argv, environ);
        _exit(99);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 5);
    CHECK(SYS(execveat, file, "", argv, environ, 0), -ENOENT);
    CHECK(SYS(execveat, file, "x", argv, environ, 0), -ENOTDIR);
    CHECK(SYS(execveat, -1, "x", argv, environ, 0), -EBADF);
    CHECK(SYS(execveat, AT_FDCWD, check_program, argv, environ, 1), -EINVAL);
    NEED(symlink(check_program, "link"));
    CHECK(SYS(execveat, AT_FDCWD, "link", argv, environ, AT_SYMLINK_NOFOLLOW), -ELOOP);
}

// A script whose descriptor is closed by executing it cannot be read by its interpreter.
CASE(at_descriptor_script)
{
    char *argv[] = { T("zero"), NULL };
    write_script("s", "#!/bin/sh\nexit 6\n");
    int file = NEED(open("s", O_RDONLY | O_CLOEXEC));
    CHECK(SYS(execveat, file, "", argv, environ, AT_EMPTY_PATH), -ENOENT);
    CHECK(SYS(execveat, open(".", O_RDONLY | O_CLOEXEC), "s", argv, environ, 0), -ENOENT);
}

// One whose descriptor stays open runs by its name there.
CASE(at_descriptor_script_open)
{
    char *argv[] = { T("zero"), NULL };
    int status = 0;
    write_script("s", "#!/bin/sh\ntest ${0%/*} = /dev/fd && exit 6\n");
    int file = NEED(open("s", O_RDONLY));
    pid_t child = NEED(fork());
    if (child == 0) {
        SYS(execveat, file, "", argv, environ, AT_EMPTY_PATH);
        _exit(99);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 6);
}

CASE(busy)
{
    char *argv[] = { T("x"), NULL };
    write_script("s", "#!/bin/sh\nexit 6\n");
    int file = NEED(open("s", O_WRONLY));
    CHECK(execve("./s", argv, environ), -ETXTBSY);
    close(file);
    CHECK(run_as("./s", argv, environ), 6);
}

static void *wait_forever(void *argument)
{
    pause();
    return argument;
}

static void *execute_helper(void *argument)
{
    char expected[16];
    snprintf(expected, sizeof(expected), "%d", getpid());
    execl(check_program, "program", "--helper", "is_pid", expected, (char *)NULL);
    return argument;
}

HELPER(is_pid)
{
    (void)argc;
    return getpid() == atoi(argv[1]) && SYS(gettid) == getpid() ? 8 : 9;
}

// Whoever executes becomes the process; the other threads are gone.
CASE(from_thread)
{
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        pthread_t threads[2];
        pthread_create(&threads[0], NULL, wait_forever, NULL);
        pthread_create(&threads[1], NULL, execute_helper, NULL);
        pause();
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 8);
}

CASE(spawn)
{
    char *argv[] = { T("program"), T("--helper"), T("count_arguments"), T("1"), NULL };
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int status = 0;
    CHECK(posix_spawn(&child, check_program, NULL, NULL, argv, environ), 0);
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status), 1);
    CHECK(posix_spawn(&child, "missing", NULL, NULL, argv, environ), ENOENT);
    CHECK(waitpid(-1, &status, 0), -ECHILD);
    char *print[] = { T("program"), T("--helper"), T("print_environment"), NULL };
    char *environment[] = { T("X=spawned"), NULL };
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0644);
    CHECK(posix_spawn(&child, check_program, &actions, NULL, print, environment), 0);
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    char text[32] = "";
    CHECK(read(open("out", O_RDONLY), text, sizeof(text) - 1), 12);
    CHECK_TEXT(text, "[X=spawned]\n");
}

CASE(set_user)
{
    struct stat about;
    CHECK_TRUE(stat(check_program, &about) == 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), -EINVAL);
    CHECK(HELP(T("count_arguments"), T("123")), 3);
}

HELPER(check_effective)
{
    (void)argc;
    return geteuid() == (uid_t)atoi(argv[1]) && getuid() == (uid_t)atoi(argv[2]) &&
                   getauxval(AT_SECURE) == (geteuid() != getuid())
               ? 0
               : 1;
}

// A program of user 1 with the set-user bit, executed by nobody.
CASE(set_user_of_other)
{
    if (check_is_root()) {
        char text[65536];
        int from = NEED(open(check_program, O_RDONLY));
        int to = NEED(open("copy", O_WRONLY | O_CREAT, 0755));
        for (ssize_t n = 0; (n = read(from, text, sizeof(text))) > 0;) {
            NEED(write(to, text, (size_t)n));
        }
        close(to);
        NEED(chown("copy", 1, 1));
        NEED(chmod("copy", 04755));
        char *argv[] = { T("x"), T("--helper"), T("check_effective"), T("1"), T("65534"), NULL };
        AS_NOBODY
        {
            CHECK(run_as("./copy", argv, environ), 0);
        }
        AS_NOBODY
        {
            NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
            argv[3] = T("65534");
            CHECK(run_as("./copy", argv, environ), 0);
        }
    }
}

// A program that another is to load, of this name, or of so many bytes of one.
static void write_interpreted(const char *name, const char *interpreter, size_t bytes)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
        char interpreter[64];
    } program = { 0 };
    int from = NEED(open(check_program, O_RDONLY));
    NEED(read(from, &program.header, sizeof(program.header)));
    close(from);
    program.header.e_phnum = 2;
    program.header.e_phoff = offsetof(typeof(program), segments);
    program.segments[0] = (Elf64_Phdr){ .p_type = PT_INTERP,
                                        .p_offset = offsetof(typeof(program), interpreter),
                                        .p_filesz = bytes };
    program.segments[1] = program.segments[0];
    snprintf(program.interpreter, sizeof(program.interpreter), "%s", interpreter);
    int to = NEED(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755));
    NEED(write(to, &program, sizeof(program)));
    close(to);
}

CASE(interpreters)
{
    static char text[4096];
    char *argv[] = { T("x"), NULL };
    write_interpreted("without", "missing", sizeof("missing"));
    CHECK(execve("./without", argv, environ), -ENOENT);
    write_interpreted("directory", "/", sizeof("/"));
    CHECK(execve("./directory", argv, environ), -EACCES);
    close(check_file("little", "#!"));
    NEED(chmod("little", 0755));
    write_interpreted("of-little", "little", sizeof("little"));
    CHECK(execve("./of-little", argv, environ), -EIO);
    memset(text, 'x', sizeof(text) - 1);
    close(check_file("text", text));
    NEED(chmod("text", 0755));
    write_interpreted("of-text", "text", sizeof("text"));
    CHECK(execve("./of-text", argv, environ), -ELIBBAD);
    write_interpreted("unended", "text", 4);
    CHECK(execve("./unended", argv, environ), -ENOEXEC);
    write_interpreted("beyond", "text", 4000);
    CHECK(execve("./beyond", argv, environ), -EIO);
}
