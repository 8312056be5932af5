#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# make with two jobs, and gcc: compiling, linking with archives and shared objects, statically; what was built runs.
mkdir -p /tmp/build && cd /tmp/build || exit 1
cat >list.h <<'A'
struct list { int value; struct list *next; };
struct list *list_push(struct list *list, int value);
int list_sum(const struct list *list);
A
cat >list.c <<'A'
#include "list.h"
#include <stdlib.h>
struct list *list_push(struct list *list, int value)
{
    struct list *node = malloc(sizeof(*node));
    *node = (struct list){ value, list };
    return node;
}
int list_sum(const struct list *list)
{
    return list ? list->value + list_sum(list->next) : 0;
}
A
cat >thing.c <<'A'
#include <math.h>
__attribute__((constructor)) static void begin(void) { extern int puts(const char *); puts("a constructor"); }
double thing(double x) { return sqrt(x) * LEVEL; }
A
cat >main.c <<'A'
#include "list.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
double thing(double x);
static _Thread_local int own = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count;
static void *run(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        count++;
        pthread_mutex_unlock(&lock);
    }
    own += *(int *)argument;
    return (void *)(long)own;
}
int main(int argc, char **argv)
{
    struct list *list = NULL;
    for (int i = 1; i <= 100; i++) {
        list = list_push(list, i);
    }
    printf("%s %d %.3f\n", argc > 1 ? argv[1] : "-", list_sum(list), thing(2.0));
    pthread_t threads[4];
    int numbers[4] = { 1, 2, 3, 4 };
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, run, &numbers[i]);
    }
    long sum = 0;
    for (int i = 0; i < 4; i++) {
        void *got;
        pthread_join(threads[i], &got);
        sum += (long)got;
    }
    printf("%ld %ld %d\n", count, sum, own);
    fflush(stdout);
    int status;
    if (fork() == 0) {
        execlp("sh", "sh", "-c", "echo a child; exit 3", NULL);
    }
    wait(&status);
    printf("%d %s\n", WEXITSTATUS(status), fopen("/none", "r") ? "" : strerror(errno));
    return 7;
}
A
cat >Makefile <<'A'
CC := gcc
CFLAGS := -O1 -g -Wall
LEVEL ?= 3
PARTS := $(patsubst %,part%.o,1 2)
all: static dynamic count.txt
liblist.a: list.o
	ar rcD $@ $^
libthing.so: thing.c
	$(CC) $(CFLAGS) -DLEVEL=$(LEVEL) -fPIC -shared -o $@ $< -lm
dynamic: main.o liblist.a libthing.so
	$(CC) -o $@ main.o -L. -llist -lthing -Wl,-rpath,'$$ORIGIN'
static: main.o liblist.a thing.o
	$(CC) -static -o $@ $^ -lm
thing.o: CFLAGS += -DLEVEL=2
main.o list.o: list.h
part%.c:
	printf 'int part%s(void) { return %s; }\n' $* $* >$@
count.txt: $(PARTS)
	nm $^ | grep -c ' T part' >$@
clean:
	rm -f *.o *.a *.so static dynamic count.txt
.PHONY: all clean
A
make -j2 >log 2>&1; echo "status $?"
sort log
./dynamic x; echo "status $?"
./static y; echo "status $?"
cat count.txt
make -j2 -q; echo "up to date: $?"
sleep 0.1; touch list.h; make -n | wc -l; make -j2 LEVEL=4 >/dev/null; ./dynamic | sed -n 2p
rm libthing.so; ./dynamic 2>&1; echo "status $?"
make LEVEL=5 libthing.so; ./dynamic z | sed -n 2p
echo 'int main(void) { return undefined(); }' >bad.c; gcc bad.c 2>&1 | grep -o 'undefined reference.*'; gcc -c none.c 2>&1
printf 'all: a b\na b:\n\tfalse\n' | make -k -f - 2>&1 | grep -c Error
printf 'all:\n\t@echo $(shell seq 3) $(words a b c); $(MAKE) -s -f - x <<<"x:;@echo sub"\nSHELL=/bin/bash\n' | make -s -f -
nm liblist.a | grep -w T | cut -d ' ' -f 2,3; readelf -d dynamic | grep -E 'NEEDED|RUNPATH' | grep -o '\[.*\]'
echo 'int f(int x) { return x * 5; }' | gcc -O2 -S -x c - -o - | grep -o 'leal.*'
strip -o stripped static && ./stripped | tail -n 1; gcc --version | head -n 1
make clean; ls
