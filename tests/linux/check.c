// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The cases of a program: which to run, each in a process and a directory of its own, and what
// they observed (check.h).  Every line is one write(2), so that nothing is lost or printed twice
// when processes fork, execute or die.
#include "check.h"

#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <limits.h>
#include <stdarg.h>

#define LINE_MAX_BYTES 1024
#define DESCRIPTORS    64  // as many are closed where there is no close_range(2) yet

extern const struct check_case *const cases_start[] __asm__("__start_check_cases");
extern const struct check_case *const cases_stop[] __asm__("__stop_check_cases");
extern const struct check_helper *const helpers_start[] __asm__("__start_check_helpers")
    __attribute__((weak));
extern const struct check_helper *const helpers_stop[] __asm__("__stop_check_helpers")
    __attribute__((weak));

char check_program[PATH_MAX];
static char prefix[128];  // NOUN/CASE
static int wrong;

static void say(const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES];
    int length = snprintf(line, sizeof(line), "%s: ", prefix);
    length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
    if (length > LINE_MAX_BYTES - 2) {
        length = LINE_MAX_BYTES - 2;
    }
    line[length] = '\n';
    (void)!write(STDOUT_FILENO, line, (size_t)length + 1);
}

void check_say(const char *format, ...)
{
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    errno = saved;
}

long check_result(long got)
{
    return got == -1 && errno != 0 ? -errno : got;
}

struct number {
    char text[32];
};

// A number, by name if it is an error's.
static struct number number_of(long value)
{
    struct number number;
    const char *name = value < 0 && value > -4096 ? strerrorname_np((int)-value) : NULL;
    if (name != NULL) {
        snprintf(number.text, sizeof(number.text), "-%s", name);
    } else {
        snprintf(number.text, sizeof(number.text), "%ld", value);
    }
    return number;
}

static void count_wrong(int more)
{
    __atomic_fetch_add(&wrong, more, __ATOMIC_RELAXED);
}

void check_value(const char *what, long got, long wanted)
{
    if (got == wanted) {
        check_say("%s: %s ok", what, number_of(got).text);
        return;
    }
    check_say("%s: WRONG expected %s got %s", what, number_of(wanted).text, number_of(got).text);
    count_wrong(1);
}

void check_true(const char *what, bool good)
{
    check_say("%s: %s", what, good ? "ok" : "WRONG");
    count_wrong(!good);
}

void check_text(const char *what, const char *got, const char *wanted)
{
    if (got != NULL && strcmp(got, wanted) == 0) {
        check_say("%s: \"%s\" ok", what, got);
        return;
    }
    check_say("%s: WRONG expected \"%s\" got \"%s\"", what, wanted, got ? got : "(null)");
    count_wrong(1);
}

int check_need(const char *what, long got)
{
    if (got == -1) {
        check_say("%s: WRONG needed, got %s", what, number_of(-errno).text);
        count_wrong(1);
        check_exit();
    }
    return (int)got;
}

void *check_need_memory(const char *what, void *got)
{
    check_need(what, got == (void *)-1 ? -1 : 0);
    return got;
}

void check_exit(void)
{
    _exit(wrong < CHECK_MOST ? wrong : CHECK_MOST);
}

// A case that takes longer hangs; whoever runs it knows of machines that are slower.
static void time_begin(void)
{
    const char *seconds = getenv("CHECK_SECONDS");
    alarm(seconds ? (unsigned)strtoul(seconds, NULL, 10) : CHECK_SECONDS);
}

pid_t check_fork(void)
{
    pid_t child = NEED(fork());
    if (child == 0) {
        wrong = 0;
        time_begin();
    }
    return child;
}

void check_join(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) {}
    if (WIFEXITED(status)) {
        count_wrong(WEXITSTATUS(status));
    } else {
        check_say("WRONG ended by signal %d", WTERMSIG(status));
        count_wrong(1);
    }
}

bool check_child(void)
{
    pid_t child = check_fork();
    if (child != 0) {
        check_join(child);
    }
    return child == 0;
}

bool check_child_nobody(void)
{
    bool in_child = check_child();
    if (in_child) {
        check_become_nobody();
    }
    return in_child;
}

static void do_nothing(int number)
{
    (void)number;
}

bool check_child_interrupted(void)
{
    pid_t child = check_fork();
    if (child == 0) {
        struct sigaction action = { .sa_handler = do_nothing };
        NEED(sigaction(SIGUSR1, &action, NULL));
        return true;
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
    return false;
}

int check_status(void (*run)(void))
{
    int status = -1;
    pid_t child = check_fork();
    if (child == 0) {
        run();
        _exit(0);
    }
    NEED(waitpid(child, &status, 0));
    return status;
}

void check_become_nobody(void)
{
    if (geteuid() == 0) {
        NEED(setgroups(0, NULL));
        NEED(setresgid(CHECK_NOBODY, CHECK_NOBODY, CHECK_NOBODY));
        NEED(setresuid(CHECK_NOBODY, CHECK_NOBODY, CHECK_NOBODY));
    }
}

bool check_is_root(void)
{
    return geteuid() == 0;
}

int check_file(const char *name, const char *text)
{
    int file = NEED(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
    NEED(write(file, text, strlen(text)));
    NEED(lseek(file, 0, SEEK_SET));
    return file;
}

void check_sleep(int milliseconds)
{
    struct timespec left = { milliseconds / 1000, milliseconds % 1000 * 1000000l };
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {}
}

long check_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void check_wait_asleep(pid_t thread)
{
    char path[64];
    char text[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", thread);
    for (;;) {
        int file = NEED(open(path, O_RDONLY | O_CLOEXEC));
        ssize_t length = NEED(read(file, text, sizeof(text) - 1));
        text[length] = 0;
        close(file);
        const char *state = strrchr(text, ')');
        if (state != NULL && state[2] == 'S') {
            return;
        }
        check_sleep(1);
    }
}

// ---- running --------------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

// What a runner may have left behind must not change what is observed.
static void start_clean(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    umask(022);
    if (SYS(close_range, STDERR_FILENO + 1, ~0u, 0) != 0) {
        for (int i = STDERR_FILENO + 1; i < DESCRIPTORS; i++) {
            close(i);
        }
    }
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL) {
            signal(i, SIG_DFL);
        }
    }
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL);
}

static void set_prefix(const struct check_case *one)
{
    const char *file = strrchr(one->file, '/');
    file = file != NULL ? file + 1 : one->file;
    snprintf(prefix, sizeof(prefix), "%.*s/%s", (int)strcspn(file, "."), file, one->name);
    for (char *at = strchr(prefix, '_'); at != NULL; at = strchr(at, '_')) {
        *at = '-';
    }
}

static void run_in_place(const struct check_case *one)
{
    start_clean();
    time_begin();
    one->run();
}

static void run(const struct check_case *one, bool may_fork)
{
    char directory[PATH_MAX];
    char before[PATH_MAX];
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%s/check-XXXXXX", base != NULL ? base : "/tmp");
    set_prefix(one);
    if (mkdtemp(directory) == NULL || getcwd(before, sizeof(before)) == NULL ||
        chmod(directory, 0777) != 0 || chdir(directory) != 0) {
        check_say("WRONG no directory");
        count_wrong(1);
        return;
    }
    pid_t child = may_fork ? fork() : 0;
    if (child == 0) {
        int before_case = wrong;
        wrong = may_fork ? 0 : before_case;
        run_in_place(one);
        if (may_fork) {
            check_exit();
        }
    } else {
        check_join(child);
    }
    if (chdir(before) == 0) {
        nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static int by_line(const void *one, const void *other)
{
    const struct check_case *const *a = one;
    const struct check_case *const *b = other;
    return (*a)->line - (*b)->line;
}

static bool is_named(const char *name, const char *written)
{
    for (; *name != 0 && (*name == *written || (*name == '_' && *written == '-')); name++) {
        written++;
    }
    return *name == 0 && *written == 0;
}

static bool is_wanted(const struct check_case *one, char **names)
{
    bool wanted = *names == NULL;
    for (; *names != NULL; names++) {
        wanted = wanted || is_named(one->name, *names);
    }
    return wanted;
}

static int run_helper(int argc, char **argv)
{
    for (const struct check_helper *const *at = helpers_start; at < helpers_stop; at++) {
        if (argc > 0 && strcmp((*at)->name, argv[0]) == 0) {
            return (*at)->run(argc, argv);
        }
    }
    return CHECK_MOST + 1;
}

// An absolute name: cases change the directory, and need not have /proc.
static void find_program(const char *name)
{
    char here[PATH_MAX / 2] = "";
    if (name[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
        here[0] = 0;
    }
    snprintf(check_program, sizeof(check_program), "%s%s%s", here, name[0] == '/' ? "" : "/", name);
}

static void list(const struct check_case *one)
{
    set_prefix(one);
    printf("%s\n", strchr(prefix, '/') + 1);
}

int main(int argc, char **argv)
{
    static const struct check_case *cases[256];
    size_t count = (size_t)(cases_stop - cases_start);
    char **names = argv + 1;
    if (argc > 1 && strcmp(argv[1], "--helper") == 0) {
        return run_helper(argc - 2, argv + 2);
    }
    find_program(argv[0]);
    bool may_fork = *names == NULL || strcmp(*names, "--no-fork") != 0;
    names += !may_fork;
    bool only_list = *names != NULL && strcmp(*names, "--list") == 0;
    names += only_list;
    memcpy(cases, cases_start, count * sizeof(void *));
    qsort(cases, count, sizeof(void *), by_line);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(cases[i], names)) {
            continue;
        }
        found++;
        if (only_list) {
            list(cases[i]);
        } else {
            run(cases[i], may_fork);
        }
    }
    if (found == 0) {
        fprintf(stderr, "no such case\n");
        return CHECK_MOST + 1;
    }
    return wrong < CHECK_MOST ? wrong : CHECK_MOST;
}
