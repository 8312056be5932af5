#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# A tree of 10,000 files and what coreutils, findutils, grep, sed, awk, tar, gzip and xz make of it.
# Times and owners are set, so that even the archives are the same wherever this runs.
part() { echo "-- $*"; }
sum() { md5sum | cut -c 1-32; }
# Each file: name, kind, mode, links, size and time, but for sizes of directories.
listing() { find "$1" -type d -printf '%p %y %m %T@\n' -o -printf '%p %y %m %n %s %l %T@\n' | LC_ALL=C sort; }
contents() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sum); }

umask 022
mkdir /tmp/files && cd /tmp/files || exit 1

part making
mkdir -p $(seq -f 'tree/d%02g' 0 99)
awk 'BEGIN {
    for (n = 0; n < 10000; n++) {
        name = sprintf("tree/d%02d/f%04d.%s", n % 100, n, n % 3 ? "txt" : "dat")
        for (line = 0; line < n % 17; line++)
            printf "%d line %d of %s %d\n", n * 7919 % 10007, line, name, line * n >name
        if (n % 17 == 0)
            printf "" >name
        close(name)
    }
}'
find tree -name '*5.dat' -print0 | xargs -0 chmod 600
for d in 00 10 20; do
    ln -s ../d01 tree/d$d/link
    ln tree/d$d/f??$d.* tree/d$d/sub 2>/dev/null || ln tree/d$d/f00$d.* tree/d$d/again
done
find tree -exec touch -h -d @1000000000 {} +
listing tree | sum

part find
find tree -type f | wc -l
find tree -type f -empty | wc -l
find tree -type f -size +1 | sort | sum
find tree -perm 600 -links 1 | wc -l
find tree -type l -exec readlink {} +
find tree -samefile tree/d00/f0000.dat | sort
find tree -name 'f0?1*' -newermt 2001-01-01 -print | sort | sum
find tree -maxdepth 1 -mindepth 1 -printf '%f\n' | sort | tr '\n' ' '; echo
find tree -regex '.*/d[13]3/.*99.*' | sort
ls tree/d42 | wc -l
ls -1U tree/d42 | sort | sum
ls -R tree | sum

part grep
grep -r 'line 15 ' tree | wc -l
grep -rlE '^(12|99)[0-9]* line 3' tree | sort | sum
grep -rc . tree/d07 | sort | sum
grep -rhoE '[0-9]+$' tree/d1? | sort -n | uniq -c | sort -k1,1nr -k2,2n | head -n 3
grep -q nothing -r tree; echo "status $?"

part sed and awk
find tree -name 'f00[0-4]*.txt' -exec sed -i 's/line \([0-9]*\)/LINE <\1>/' {} +
find tree -name '*.txt' | xargs cat | awk '{ s += $1; n[$3]++ } END { print s, NR, length(n), n["<3>"] + n[3] }'
sed -n '2p;$p' tree/d16/f0016.txt
awk -F'[ .]' '{ print $NF | "sort -n | tail -n 2" } END { close("sort -n | tail -n 2"); print NR }' tree/d33/f0033.dat

part sort and sums
find tree -type f | sort >names; sum <names
xargs md5sum <names >sums; sum <sums  # each is read here
echo changed >>tree/d50/f0050.txt
grep d50 sums | md5sum -c 2>/dev/null | grep -v ': OK$'
sha256sum tree/d16/*.txt | cut -c 1-64 | sort | sum
sort -t/ -k3.2,3.5nr names | head -n 2
shuf --random-source=sums names | sort -c 2>/dev/null || echo unsorted
sort -R --random-source=sums names | sort | cmp - names && echo "sorted again"
split -l 3000 -d names part.; wc -l part.* | tr -s ' '; cat part.* | cmp - names && echo joined
comm -13 part.00 names | wc -l
cut -d/ -f2 names | uniq -c | awk '{ print $1 }' | sort -n | uniq -c | tr -s ' '
paste -d, part.00 part.01 | head -n 1
tac names | head -n 1; nl names | tail -n 1; fold -w 9 names | wc -l; od -An -tx1 -N 16 names
tr 'a-z' 'A-Z' <names | sum; expand names | cmp - names; join part.03 part.03 | wc -l
dd if=names bs=1000 skip=3 count=5 2>/dev/null | sum; head -c 12345 names | tail -c 345 | sum

part copies
find tree -exec touch -h -d @1000000000 {} +
cp -a tree copy; listing copy | sed 's/^copy/tree/' | sum
contents copy
rm -r copy/d0? copy/d1?; find copy -type f | wc -l
mv copy moved; ls | tr '\n' ' '; echo
mv -n tree/d20/f0020.txt tree/d21/; mv tree/d21/f0020.txt tree/d21/f0021.dat; cat tree/d21/f0021.dat | sum
rm -r moved; ls | wc -l
(cd tree/d30 && for f in *.txt; do mv "$f" "${f%.txt}.text"; done; ls | sum)
du -s --apparent-size --block-size=1 tree/d16/f0016.txt
stat -c '%n %s %a %h %F %Y' tree/d00/* | sort | sum
truncate -s 100000 sparse; wc -c <sparse; sum <sparse
install -m 640 names installed; stat -c '%a %s' installed; rm sparse installed

part archives
find tree -exec touch -h -d @1000000000 {} +
tar --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -cf a.tar tree; sum <a.tar
tar tf a.tar | wc -l
gzip -n -6 <a.tar >a.tar.gz; sum <a.tar.gz
mkdir out && tar -xpzf a.tar.gz -C out && listing tree | sum
(cd out && listing tree) | sum
contents out/tree
tar -df a.tar tree/d2? && echo "no difference"
tar -xOf a.tar tree/d16/f0016.txt | sum
tar --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -cf - tree/d1? | xz -1 -T1 >b.tar.xz; sum <b.tar.xz
xz -t b.tar.xz && xz -dc b.tar.xz | tar tf - | wc -l
gunzip <a.tar.gz | cmp - a.tar && echo "the same"
head -c 100000 a.tar.gz | gzip -t 2>&1; echo "status $?"
zcat a.tar.gz | wc -c
cd /tmp && rm -r files && ls /tmp | grep -c files
