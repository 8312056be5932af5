// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The code of guests: scripts and attacks, one after the other.  It is copied, so that it must not
// depend on where it is.
#include "blob.h"

#include "guest.h"

#define TEXT(name, kind, code)                                        \
 __asm__(".pushsection .rodata.blob, \"a\"\n"                         \
         ".globl " kind "_" #name "\n" kind "_" #name ":\n" code "\n" \
         ".globl " kind "_end_" #name "\n" kind "_end_" #name ":\n"   \
         "ud2\n"                                                      \
         ".popsection\n");

__asm__(".pushsection .rodata.blob, \"a\"\n"
        ".globl blob_start\n"
        ".balign 4096\n"
        "blob_start:\n"
        ".popsection\n");
#define SCRIPT(name, code)                TEXT(name, "script", code)
#define ATTACK(name, code, vector, error) TEXT(name, "attack", code)
#include "attacks.def"
#include "scripts.def"
#undef SCRIPT
#undef ATTACK
__asm__(".pushsection .rodata.blob, \"a\"\n"
        ".globl blob_end\n"
        "blob_end:\n"
        ".popsection\n");

#define ATTACK(name, code, vector, error) extern const char attack_##name[], attack_end_##name[];
#include "attacks.def"
#undef ATTACK

const struct attack attacks[] = {
#define ATTACK(name, code, vector, error) \
 { #name, { attack_##name, attack_end_##name }, vector, error },
#include "attacks.def"
#undef ATTACK
};
const unsigned attack_count = sizeof(attacks) / sizeof(attacks[0]);
