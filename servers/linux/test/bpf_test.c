// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Programs of the packet filter: what each instruction does, and what is refused.
#include "../bpf.h"

#include <linux/filter.h>
#include <setjmp.h>

#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES    16u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint32_t record[BYTES / 4] = { 10, 20, 0xffffffff, 7 };
static uint16_t scratch[BPF_MOST];

static bool good(const struct sock_filter *code, size_t count)
{
    return bpf_verify((const struct bpf_instruction *)(const void *)code, (uint32_t)count, BYTES,
                      scratch);
}

static uint32_t run(const struct sock_filter *code, size_t count)
{
    assert_true(good(code, count));
    return bpf_run((const struct bpf_instruction *)(const void *)code, record, BYTES);
}

#define RUN(...)                                  \
 run((const struct sock_filter[]){ __VA_ARGS__ }, \
     COUNT(((const struct sock_filter[]){ __VA_ARGS__ })))
#define GOOD(...)                                  \
 good((const struct sock_filter[]){ __VA_ARGS__ }, \
      COUNT(((const struct sock_filter[]){ __VA_ARGS__ })))

#define LOAD(at)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define IMM(value)   BPF_STMT(BPF_LD | BPF_IMM, value)
#define X(value)     BPF_STMT(BPF_LDX | BPF_IMM, value)
#define ALU(op, by)  BPF_STMT(BPF_ALU | (op), by)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define RETURN_A     BPF_STMT(BPF_RET | BPF_A, 0)

static void loads(void **state)
{
    (void)state;
    assert_int_equal(RUN(LOAD(0), RETURN_A), 10);
    assert_int_equal(RUN(LOAD(12), RETURN_A), 7);
    assert_int_equal(RUN(IMM(99), RETURN_A), 99);
    assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETURN_A), BYTES);
    assert_int_equal(RUN(X(5), BPF_STMT(BPF_MISC | BPF_TXA, 0), RETURN_A), 5);
    assert_int_equal(RUN(LOAD(4), BPF_STMT(BPF_MISC | BPF_TAX, 0), IMM(1), ALU(BPF_ADD | BPF_X, 0),
                         RETURN_A),
                     21);
    assert_int_equal(
        RUN(LOAD(4), BPF_STMT(BPF_ST, 3), IMM(0), BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN_A), 20);
    assert_int_equal(RUN(X(8), BPF_STMT(BPF_STX, 15), BPF_STMT(BPF_LD | BPF_MEM, 15), RETURN_A), 8);
}

static void arithmetic(void **state)
{
    (void)state;
    assert_int_equal(RUN(IMM(6), ALU(BPF_SUB, 7), RETURN_A), UINT32_MAX);
    assert_int_equal(RUN(IMM(6), ALU(BPF_MUL, 7), RETURN_A), 42);
    assert_int_equal(RUN(IMM(43), ALU(BPF_DIV, 7), RETURN_A), 6);
    assert_int_equal(RUN(IMM(12), ALU(BPF_AND, 10), RETURN_A), 8);
    assert_int_equal(RUN(IMM(12), ALU(BPF_OR, 3), RETURN_A), 15);
    assert_int_equal(RUN(IMM(12), ALU(BPF_XOR, 10), RETURN_A), 6);
    assert_int_equal(RUN(IMM(3), ALU(BPF_LSH, 4), RETURN_A), 48);
    assert_int_equal(RUN(IMM(48), ALU(BPF_RSH, 4), RETURN_A), 3);
    assert_int_equal(RUN(IMM(1), ALU(BPF_NEG, 0), RETURN_A), UINT32_MAX);
    assert_int_equal(RUN(IMM(43), X(0), ALU(BPF_DIV | BPF_X, 0), RETURN(9)), 0);
}

static void branches(void **state)
{
    (void)state;
    assert_int_equal(RUN(LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ, 10, 1, 0), RETURN(1), RETURN(2)), 2);
    assert_int_equal(RUN(LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ, 11, 1, 0), RETURN(1), RETURN(2)), 1);
    assert_int_equal(RUN(LOAD(0), BPF_JUMP(BPF_JMP | BPF_JGT, 10, 1, 0), RETURN(1), RETURN(2)), 1);
    assert_int_equal(RUN(LOAD(0), BPF_JUMP(BPF_JMP | BPF_JGE, 10, 1, 0), RETURN(1), RETURN(2)), 2);
    assert_int_equal(RUN(LOAD(8), BPF_JUMP(BPF_JMP | BPF_JSET, 4, 1, 0), RETURN(1), RETURN(2)), 2);
    assert_int_equal(RUN(BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(1), RETURN(2)), 2);
    assert_int_equal(
        RUN(X(10), LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), RETURN(3), RETURN(4)), 3);
}

static void what_is_refused(void **state)
{
    (void)state;
    assert_false(GOOD(LOAD(0)));
    assert_false(GOOD(LOAD(16), RETURN_A));
    assert_false(GOOD(LOAD(2), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN_A));
    assert_false(GOOD(ALU(BPF_DIV, 0), RETURN_A));
    assert_false(GOOD(ALU(BPF_LSH, 32), RETURN_A));
    assert_false(GOOD(ALU(BPF_MOD, 3), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_ST, 16), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_LD | BPF_MEM, 0), RETURN_A));
    assert_false(GOOD(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1), BPF_STMT(BPF_ST, 2),
                      BPF_STMT(BPF_LD | BPF_MEM, 2), RETURN_A));
    assert_true(GOOD(BPF_STMT(BPF_ST, 2), BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1),
                     BPF_STMT(BPF_LD | BPF_MEM, 2), RETURN_A));
    assert_false(GOOD(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 1, 0), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN_A));
    assert_false(GOOD(BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RETURN_A));
    assert_false(GOOD(BPF_STMT(0xffff, 0), RETURN_A));
    assert_false(bpf_verify(NULL, 0, BYTES, scratch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads),
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(branches),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
