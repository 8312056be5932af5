# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The generator of protocols: what it refuses and how it says so, that what it writes compiles without a
warning, and which version may follow which."""
import random
import re
import subprocess
from pathlib import Path

import pytest

import idlgen

HEAD = "/// Of a test.\nprotocol t 7 version 2.3\n"
DO = "/// Does.\nmethod 1 do_it"
LONG = "a" * 41


def read(tmp_path: Path, text: str, name: str = "t.idl") -> idlgen.Protocol:
    path = tmp_path / name
    path.write_text(text)
    return idlgen.read_protocol(path)


# (text after HEAD, line of the mistake, what the message says)
REFUSED = [
    ("const a = 1 %\n", 3, "unexpected '%'"),
    ("5\n", 3, "one of protocol, const, enum, errors, method expected, not '5'"),
    ("methods 1 a()\n", 3, "unknown 'methods'; there are protocol, const, enum, errors, method"),
    ("protocol u 8 version 1.0\n", 3, "one file, one protocol: 't' stands above"),
    ("const Big = 1\n", 3, "'Big': names are of lower-case letters, digits and _"),
    ("const while = 1\n", 3, "'while' is a word of C; name a constant otherwise"),
    ("const linux = 1\n", 3, "'linux' is a word of C"),
    (f"const {LONG} = 1\n", 3, "has 41 letters; 40 are possible"),
    ("const a 1\n", 3, "'=' expected, not '1'"),
    ("const a , 1\n", 3, "'=' expected, not ','"),
    ("const a = b\n", 3, "constant expected, not 'b'"),
    ("const a = 0x80000000\n", 3, "constant 0x80000000 is outside 0-2147483647"),
    ("const a = 1\nconst a = 2\n", 4, "name of a constant: a is already used by 'a'"),
    ("enum e { }\n", 3, "enum 'e' has no values"),
    ("enum e { a = 1 b = 2 }\n", 3, "'}' expected, not 'b'"),
    ("enum e { a = 1, a = 2 }\n", 3, "enum 'e': value a is already used by 'a'"),
    ("enum e {\n a = 1,\n b = 1 }\n", 5, "enum 'e': number 1 is already used by 'a'"),
    ("enum e { a = 2147483648 }\n", 3, "number of a value 2147483648 is outside 0-2147483647"),
    ("enum cap { a = 1 }\n", 3, "'cap' is a word of this language; name the enum otherwise"),
    ("enum e { a = 1 }\nenum e { b = 1 }\n", 4, "name of an enum: e is already used by 'e'"),
    ("/// No.\nerrors { a = 1 \"x\" }\n", 4, "errors have texts in quotes, no comment with ///"),
    ("errors { a = 1 }\n", 3, "a text in quotes for an error 'a' expected, not '}'"),
    ("errors { a = 0 \"x\" }\n", 3, "number of an error 0 is outside 1-32511"),
    ("errors { a = 32512 \"x\" }\n", 3, "number of an error 32512 is outside 1-32511"),
    ("errors { a = 1 \"x\", b = 1 \"y\" }\n", 3, "number of an error: 1 is already used by 'a'"),
    ("errors { a = 1 \"x\", a = 2 \"y\" }\n", 3, "name of an error: a is already used by 'a'"),
    ("errors { a = 1 \"x\" since 2.4 }\n", 3, "since 2.4: the protocol is of version 2.3; 2.0 to that is possible"),
    ("errors { a = 1 \"x\" since 1.0 }\n", 3, "since 1.0: the protocol is of version 2.3"),
    ("method 1 do_it()\n", 3, "method 'do_it' needs a comment with /// that says what it does"),
    ("/// D.\nmethod 0 a()\n", 4, "number of a method 0 is outside 1-65535"),
    ("/// D.\nmethod 65536 a()\n", 4, "number of a method 65536 is outside 1-65535"),
    ("/// D.\nmethod a()\n", 4, "number of a method expected, not 'a'"),
    ("/// D.\nmethod 1 version()\n", 4, "name of a method: version is already used by 'version'"),
    (DO + "()\n/// D.\nmethod 1 b()\n", 6, "number of a method: 1 is already used by 'do_it'"),
    (DO + "()\n/// D.\nmethod 2 do_it()\n", 6, "name of a method: do_it is already used by 'do_it'"),
    (DO + "(u8 a, u16 a)\n", 4, "arguments of 'do_it': the name a is already used by 'a'"),
    (DO + "() -> (u8 a, u16 a)\n", 4, "results of 'do_it': the name a is already used by 'a'"),
    (DO + "(u9 a)\n", 4, "no type 'u9'; there are u8, u16,"),
    (DO + "(u8)\n", 4, "the name of a field expected, not ')'"),
    (DO + "(u8 a u8 b)\n", 4, "')' expected, not 'u8'"),
    (DO + "(move u8 a)\n", 4, "'cap' expected after 'move', not 'u8'"),
    (DO + "(bytes a)\n", 4, "bytes need a count: bytes[N] or bytes[<=N]"),
    (DO + "(bool[3] a)\n", 4, "an array is of integers, not of 'bool'"),
    (DO + "(move cap[2] a)\n", 4, "an array is of integers, not of 'move cap'"),
    (DO + "(u8[0] a)\n", 4, "count 0 is outside 1-512"),
    (DO + "(u8[513] a)\n", 4, "count 513 is outside 1-512"),
    (DO + "(u8[most] a)\n", 4, "no constant 'most' stands before this"),
    ("const most = 0\n" + DO + "(u8[most] a)\n", 5, "count 0 of 'most' is outside 1-512"),
    (DO + "(u8[3 a)\n", 4, "']' expected, not 'a'"),
    (DO + "(u64[65] a)\n", 4, "the arguments of 'do_it' take up to 65 words; a message has 64"),
    (DO + "() -> (bytes[<=505] a)\n", 4, "the results of 'do_it' take up to 65 words; a message has 64"),
    (DO + "(cap a, cap b, move cap c, badge d, cap e)\n", 4, "the arguments of 'do_it' carry 5 capabilities; "
     "a message has 4"),
    (DO + "(u8[<=3] a, u32 a_count)\n", 4, "'a_count' is what C calls the count of 'a'; name one of them otherwise"),
    (DO + "() since 2.4\n", 4, "since 2.4: the protocol is of version 2.3"),
    ("/// D.\nmethod 1 serve()\n", 4, "method 'serve' makes the C name t_serve, which generated code makes too"),
    ("enum do_it_args { a = 1 }\n" + DO + "(u8 a)\n", 5, "method 'do_it' makes the C name t_do_it_args, which "
     "enum 'do_it_args' makes too"),
    ("const major = 1\n" + DO + "()\n", 3, "constant 'major' makes the C name T_MAJOR, which generated code makes too"),
    ("enum a { b_c = 1 }\nenum a_b { c = 1 }\n" + DO + "()\n", 4, "value 'c' of enum 'a_b' makes the C name T_A_B_C"),
    ("const a = 1\n", 2, "protocol 't' has no methods"),
]


@pytest.mark.parametrize("text, line, says", REFUSED, ids=[says[:60] for _, _, says in REFUSED])
def test_refuses(tmp_path, text, line, says):
    with pytest.raises(idlgen.IdlError) as mistake:
        read(tmp_path, HEAD + text)
    message = str(mistake.value)
    assert message.startswith(f"{tmp_path}/t.idl:{line}: ") and says in message, message


# Whole files: (text, what the message says after the file's name)
REFUSED_FILES = [
    ("", ": no protocol; 'protocol NAME NUMBER version M.m' begins one"),
    ("// nothing\n", ": no protocol;"),
    ("const a = 1\n", ":1: 'protocol NAME NUMBER version M.m' must stand before 'const'"),
    ("protocol t 7 version 1", ": the file ends where '.' should stand"),
    ("protocol t 7", ": the file ends where 'version' should stand"),
    ("protocol t 7 versions 1.0", ":1: 'version' expected, not 'versions'"),
    ("protocol t 0 version 1.0", ":1: number of the protocol 0 is outside 1-16777215"),
    ("protocol t 0x1000000 version 1.0", ":1: number of the protocol 0x1000000 is outside"),
    ("protocol t 7 version 0.1", ":1: major version 0 is outside 1-255"),
    ("protocol t 7 version 256.1", ":1: major version 256 is outside 1-255"),
    ("protocol t 7 version 1.65536", ":1: minor version 65536 is outside 0-65535"),
    ("protocol u 7 version 1.0\n/// D.\nmethod 1 a()", ":1: protocol 'u' stands in a file of another name: u.idl"),
]


@pytest.mark.parametrize("text, says", REFUSED_FILES)
def test_refuses_file(tmp_path, text, says):
    with pytest.raises(idlgen.IdlError) as mistake:
        read(tmp_path, text)
    assert str(mistake.value).startswith(f"{tmp_path}/t.idl{says}"), mistake.value


def test_protocols_have_numbers_of_their_own(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.idl").write_text(f"protocol {name} 7 version 1.0\n/// D.\nmethod 1 x()\n")
    with pytest.raises(idlgen.IdlError, match="b.idl:1: number of a protocol: 7 is already used by 'a'"):
        idlgen.read_protocols(list(tmp_path.glob("*.idl")))


def test_command_line(tmp_path, capsys):
    assert idlgen.main(["idlgen.py"]) == 2
    assert idlgen.main(["idlgen.py", "--what", "x"]) == 2
    assert idlgen.main(["idlgen.py", str(tmp_path), str(tmp_path / "none.idl")]) == 1
    assert "none.idl" in capsys.readouterr().err
    (tmp_path / "t.idl").write_bytes(b"\xff\xfe")
    assert idlgen.main(["idlgen.py", str(tmp_path), str(tmp_path / "t.idl")]) == 1
    assert "idlgen: " in capsys.readouterr().err


def test_same_bytes_for_same_input(tmp_path, tree):
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
        assert idlgen.main(["idlgen.py", str(place), str(tree / "proto/log.idl")]) == 0
    for name in ("log.h", "log_client.h", "log_check.h"):
        assert (places[0] / name).read_bytes() == (places[1] / name).read_bytes()


# ---- succession ----------------------------------------------------------------------------------
OLD = """/// P.
protocol t 7 version 2.3
enum e { a = 1 }
errors { x = 1 "x" }
/// A.
method 1 one(u8 a) -> (e b)
/// B.
method 2 two() since 2.1
"""
# (what is replaced, by what)
MAY_FOLLOW = [
    (),
    (("2.3", "2.4"),),
    (("2.3", "2.4"), ("/// B", "/// C.\nmethod 3 three() since 2.4\n/// B")),
    (("2.3", "2.4"), ('"x" }', '"x", y = 2 "y" since 2.4 }')),
    (("2.3", "2.4"), ("/// A.", "/// Otherwise said.")),
    (("2.3", "3.0"), ("2.1", "3.0"), ("one(u8 a)", "one(u16 a)")),
]
# (..., what the message says)
MAY_NOT_FOLLOW = [
    ((("2.3", "2.2"),), "version 2.2 comes before 2.3"),
    ((("2.3", "1.9"), ("2.1", "1.1")), "version 1.9 comes before 2.3"),
    ((("t 7", "t 8"),), "'t' 0x8 is another protocol than 't' 0x7"),
    ((("method 2 two() since 2.1", ""), ("/// B.", "")), "method 'two' of the earlier version"),
    ((("method 2 two", "method 3 two"),), "method 'two' is not what it was"),
    ((("since 2.1", "since 2.2"),), "method 'two' is not what it was"),
    ((("one(u8 a)", "one(u16 a)"),), "method 'one' is not what it was"),
    ((("one(u8 a)", "one(u8 c)"),), "method 'one' is not what it was"),
    ((("(e b)", "(e b, u8 c)"),), "method 'one' is not what it was"),
    ((("a = 1 }", "a = 1, b = 2 }"),), "enum 'e' is not what it was"),
    ((("x = 1", "x = 2"),), "error 'x' is not what it was"),
    ((('x = 1 "x"', ""),), "error 'x' of the earlier version"),
    ((("2.3", "2.4"), ("/// B", "/// C.\nmethod 3 three()\n/// B")), "method 'three' is new; it needs 'since'"),
    ((("/// B", "/// C.\nmethod 3 three() since 2.3\n/// B"),), "method 'three' is new"),
    ((("2.3", "2.4"), ('"x" }', '"x", y = 2 "y" since 2.3 }')), "error 'y' is new"),
]


def successor(tmp_path: Path, changes: tuple) -> None:
    text = OLD
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    idlgen.check_successor(read(tmp_path, OLD, "t-old.idl"), read(tmp_path, text))


@pytest.mark.parametrize("changes", MAY_FOLLOW)
def test_may_follow(tmp_path, changes):
    successor(tmp_path, changes)


@pytest.mark.parametrize("changes, says", MAY_NOT_FOLLOW)
def test_may_not_follow(tmp_path, changes, says):
    with pytest.raises(idlgen.IdlError, match=re.escape(says)):
        successor(tmp_path, changes)


# ---- what is written compiles --------------------------------------------------------------------
COMPILERS = {"gcc": ["gcc"], "clang": ["clang"]}
USE = """#include "{name}_check.h"
#include "{name}_client.h"
uint32_t use(const struct {name}_server *server, const struct wire_message *in, struct wire_message *out);
uint32_t use(const struct {name}_server *server, const struct wire_message *in, struct wire_message *out)
{{
    const struct wire_peer peer = {{ NULL, 0 }};
    return {name}_serve(server, &peer, in, out) ? {name}_agains[in->length].again(in, out) : 0;
}}
"""


def warnings(tree: Path, compiler: str) -> list:
    """Those of the build that the compiler knows."""
    text = (tree / "meson.build").read_text()
    names = re.findall(r"'(-W[\w=-]+)'", text.partition("wanted_warnings = [")[2].partition("]")[0])
    only_gcc = ("-Wlogical-op", "-Wduplicated-cond", "-Wduplicated-branches")
    return [n for n in names if compiler == "gcc" or n not in only_gcc] + ["-Werror"]


def compile_protocol(tree: Path, build: Path, place: Path, compiler: str, name: str) -> str:
    """What the compiler says of the three headers."""
    source = place / "use.c"
    source.write_text(USE.format(name=name))
    includes = [f"-I{build}/{place}" for place in ("rights/abi", "rights/rt", "rights/wire", "tools/gen")]
    said = ""
    for level in ("-O0", "-O2"):
        done = subprocess.run([*COMPILERS[compiler], "-std=gnu2x", "-ffreestanding", "-mno-red-zone", level,
                               *warnings(tree, compiler), *includes, "-c", source, "-o", "/dev/null"],
                              capture_output=True, text=True, check=False)
        said += done.stderr + ("" if done.returncode == 0 else "failed\n")
    return said


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("source", ["proto/counter.idl", "proto/log.idl", "tests/proto/types.idl"])
def test_compiles(tmp_path, tree, pith_build, compiler, source):
    assert idlgen.main(["idlgen.py", str(tmp_path), str(tree / source)]) == 0
    assert compile_protocol(tree, pith_build, tmp_path, compiler, Path(source).stem) == ""


def random_fields(draw: random.Random) -> str:
    fields, words, caps = [], 0, 0
    for i in range(draw.randrange(14)):
        kind = draw.choice([*idlgen.INTEGERS, "bool", "cap", "move cap", "badge", "e0", "e1", "bytes"])
        if kind in idlgen.INTEGERS and draw.randrange(2) or kind == "bytes":
            kind += f"[{draw.choice(['', '<='])}{draw.randrange(1, 5)}]"
        words += 5
        caps += kind in ("cap", "move cap", "badge")
        if words <= idlgen.MAX_WORDS and caps <= idlgen.MAX_CAPS:
            fields.append(f"{kind} f{i}")
    return ", ".join(fields)


def random_protocol(draw: random.Random) -> str:
    text = "/// Drawn.\nprotocol drawn 9 version 1.5\nenum e0 { a = 0 }\nenum e1 { a = 3, b = 9 }\nerrors { "
    text += ", ".join(f'x{i} = {i + 1} "x" since 1.{draw.randrange(6)}' for i in range(draw.randrange(4))) + " }\n"
    for i in range(20):
        text += (f"/// M.\nmethod {i + 1} m{i}({random_fields(draw)}) -> ({random_fields(draw)}) "
                 f"since 1.{draw.randrange(6)}\n")
    return text


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("compiler", COMPILERS)
def test_random_protocol_compiles(tmp_path, tree, pith_build, compiler, seed):
    path = tmp_path / "drawn.idl"
    path.write_text(random_protocol(random.Random(seed)))
    assert idlgen.main(["idlgen.py", str(tmp_path), str(path)]) == 0
    assert compile_protocol(tree, pith_build, tmp_path, compiler, "drawn") == ""
