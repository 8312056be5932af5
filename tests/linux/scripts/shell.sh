#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# What a shell does without a terminal: pipes, here-documents, redirections, traps, background processes.
part() { echo "-- $*"; }

part pipes
seq 1 1000 | grep 7 | sort -r | head -n 5 | tr '\n' ' '; echo
(exit 3) | false; echo "status $?"
false | (exit 3); echo "status $?"
! true; echo "status $?"
yes | head -n 2; echo "status $?"
seq 1 20000 | { read -r a; read -r b; echo "$a $b"; cat; } | tail -n 1
p=cat; i=0
while [ $i -lt 12 ]; do p="$p | cat"; i=$((i + 1)); done
seq 1 5000 | eval "$p" | cksum

part here-documents
x=5
cat <<A; cat <<'B'; cat <<-C
x is $x, $(echo $((x * 2))) with `echo sub`
A
x is $x
B
	no tab
	C
long=$(seq 1 20000)
cat <<A | cksum
$long
A
while read -r a b; do echo "$b:$a"; done <<A
one two
three four
A
cat <<A /dev/fd/3 3<<B
first
A
second
B
sh <<'A'
cat <<B
within $((1 + 1))
B
A

part redirections
cd /tmp && mkdir w && cd w || exit 1
echo a >f; echo b >>f; cat <f
exec 3<f; read -r l <&3; echo "$l"; read -r l <&3; echo "$l"; exec 3<&-
(echo one; echo two >&2) 2>&1 >/dev/null | sed 's/^/got /'
set -C; (echo x >f) 2>/dev/null || echo "f is kept"; echo y >|f; set +C; cat f
exec 4<>f; read -r l <&4; echo "$l"; echo z >&4; exec 4>&-; cat f
{ echo in; echo out >&2; } >o 2>e; cat o e
: >f; [ -s f ] || echo empty

part substitution
a=$(echo one; exit 3); echo "$a $?"
echo "$(echo deep "$(echo deeper "$(echo deepest)")")"
f() { [ "$1" -le 1 ] && echo 1 || echo $(($1 * $(f $(($1 - 1))))); }
f 6
touch 1.a 2.a 10.b '* x'; echo *.a; echo [0-9]*.?; echo "*"*; rm -f ./*

part traps
(trap 'echo got USR1' USR1; kill -USR1 "$(exec sh -c 'echo $PPID')"; echo after)
(trap 'echo end of a subshell' EXIT; exit 4); echo "status $?"
trap '' TERM; sh -c 'kill -TERM $$; echo TERM is ignored by heirs'; trap - TERM
sh -c 'kill -TERM $$; echo never'; echo "status $?"
sh -c 'trap "exit 7" TERM; kill -TERM $$; sleep 5'; echo "status $?"
sh -c 'trap "echo hup" HUP; trap "echo int; exit 9" INT; kill -HUP $$; kill -INT $$; echo never'; echo "status $?"
trap 'echo while it waits' USR1
me=$$
(sleep 0.2; kill -USR1 $me; sleep 0.2) & wait $!; [ $? -gt 128 ] && echo "wait was interrupted"
wait; trap - USR1
sh -c 'trap "echo child" CHLD; (exit 3) & wait; :' | sort -u

part background
sleep 1 & p=$!
(exit 5) & q=$!
wait $q; echo "status $?"
kill -0 $p && echo lives
wait $p; echo "status $?"
kill -0 $p 2>/dev/null || echo gone
sleep 100 & kill $!; wait $! 2>/dev/null; echo "status $?"
sleep 100 & kill -STOP $!; kill -CONT $!; kill -KILL $!; wait $! 2>/dev/null; echo "status $?"
i=0; while [ $i -lt 40 ]; do (exit $i) & i=$((i + 1)); done; wait; echo "status $?"
mkfifo pipe; (cat <pipe; echo "the reader ends") & echo "through the FIFO" >pipe; wait; rm pipe
timeout 0.2 sleep 10; echo "status $?"
wait 99999 2>/dev/null; echo "status $?"

part files
mkdir -p d/e; touch d/a d/e/b; ln -s a d/l; ln d/a d/h
find d | sort; readlink d/l; mv d/a d/c; [ -e d/l ] || echo dangling
echo new >n; echo old >o; mv n o; cat o; ls
[ d/h -ef d/c ] && echo "the same file"
umask 027; touch p; ls -l p | cut -c 1-10; chmod 4755 p; ls -l p | cut -c 1-10; umask 022
cd d/e && pwd && cd ../.. && pwd
cd /tmp && rm -r w
(sh -c 'exit 300'); echo "status $?"
{ sh -c 'kill -SEGV $$'; } 2>/dev/null; echo "status $?"
no_such_program 2>/dev/null; echo "status $?"
/tmp 2>/dev/null; echo "status $?"
echo done
