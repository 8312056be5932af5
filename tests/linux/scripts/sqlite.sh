#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# SQLite's locks: four processes write into one database, with a rollback journal and with a write-ahead log.
mkdir -p /tmp/sqlite && cd /tmp/sqlite || exit 1

writer() { # DATABASE NUMBER: 25 transactions, each of which reads what it writes
    for n in $(seq 25); do
        echo "BEGIN IMMEDIATE;
INSERT INTO t(who, n, body) VALUES ($2, $n, hex(zeroblob(200)));
UPDATE total SET rows = (SELECT count(*) FROM t), sum = sum + $n * $2;
COMMIT;"
    done | sqlite3 -bail -cmd '.timeout 60000' "$1"
    echo "status $?" >"$1.$2"
}

for mode in delete truncate wal; do
    echo "-- $mode"
    db=$mode.db
    sqlite3 $db "PRAGMA journal_mode=$mode; CREATE TABLE t(id INTEGER PRIMARY KEY, who INT, n INT, body TEXT);
        CREATE INDEX i ON t(who, n); CREATE TABLE total(rows INT, sum INT); INSERT INTO total VALUES (0, 0);"
    for who in 1 2 3 4; do writer $db $who & done
    wait
    cat $db.?
    sqlite3 $db "PRAGMA journal_mode; PRAGMA integrity_check; SELECT * FROM total; SELECT who, count(*), sum(n) FROM t GROUP BY who;
        SELECT count(DISTINCT who * 1000 + n) FROM t; SELECT max(id) FROM t;"
    ls | grep "^$db-" # no journal is left
    rm -f $db*
done

echo "-- one waits for the other"
sqlite3 a.db 'CREATE TABLE t(x)'
mkfifo keys said
sqlite3 a.db <keys >said &
exec 3>keys 4<said
echo "BEGIN EXCLUSIVE; INSERT INTO t VALUES (1); SELECT 'locked';" >&3; read -r line <&4; echo "$line"
sqlite3 a.db 'SELECT count(*) FROM t' 2>&1; echo "status $?"
sqlite3 a.db 'INSERT INTO t VALUES (2)' 2>&1; echo "status $?"
sqlite3 -cmd '.timeout 60000' a.db "INSERT INTO t VALUES (3); SELECT 'later ' || count(*) FROM t" &
later=$!
sleep 0.3; kill -0 $later && echo "it waits"
echo "COMMIT; SELECT 'free';" >&3; read -r line <&4; echo "$line"
wait $later; exec 3>&- 4<&-; wait
sqlite3 a.db 'SELECT * FROM t ORDER BY x'

echo "-- a transaction that is not ended"
echo "BEGIN; PRAGMA cache_size=5; INSERT INTO t SELECT value FROM json_each('[' || trim(replace(hex(zeroblob(5000)), '00', '7,'), ',') || ']');
SELECT count(*) FROM t;
.system kill -KILL \$PPID" | sqlite3 a.db >part 2>&1; cat part | head -n 1
ls a.db-journal 2>/dev/null
sqlite3 a.db 'PRAGMA integrity_check; SELECT count(*) FROM t'; ls

echo "-- work"
sqlite3 :memory: "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 20000)
    SELECT count(*), sum(x * x % 97), group_concat(x, '') LIKE '%199992%' FROM c WHERE x % 3"
sqlite3 a.db 'CREATE TABLE w(a, b); WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 5000)
    INSERT INTO w SELECT x, x * 7919 % 10007 FROM c; CREATE INDEX wi ON w(b); DELETE FROM w WHERE a % 2; VACUUM;
    SELECT count(*), min(b), max(b) FROM w; ATTACH "b.db" AS other; CREATE TABLE other.w AS SELECT * FROM main.w;'
sqlite3 b.db .dump | md5sum
