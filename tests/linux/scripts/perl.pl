#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# Text, hashes, sorting, processes, pipes, signals and files in Perl.
use strict;
use warnings;
use POSIX qw(:sys_wait_h floor strftime);
use Fcntl qw(:flock :seek);
use Socket;
use IO::Handle;
$| = 1;

sub part { print "-- @_\n"; }

part "regular expressions";
my $text = join "", map { "item $_: " . ($_ * 37 % 101) . " units at 2021-0" . (1 + $_ % 9) . "-15;\n" } 1 .. 2000;
my $count = () = $text =~ /\b\d7 units\b/g;
print "$count\n";
my %month;
$month{$1} += $2 while $text =~ /: (?=\d+ units at \d{4}-(\d\d))(\d+)/g;
print join(" ", map { "$_=$month{$_}" } sort keys %month), "\n";
(my $other = $text) =~ s/(\w+) (\d+)(?{ 1 })/$2 $1/g;
print unpack("%32C*", $other), " ", length $other, "\n";
print "balanced\n" if "((a)(b(c)))" =~ /^(\((?:[^()]|(?1))*\))$/;
print join("|", split /\s*,\s*/, "a , b,c ,d"), "\n";
print "abc" =~ tr/a-c/A-C/r, "\n";

part "hashes and sort";
my %words;
$words{$_ * 7919 % 10007 % 997}++ for 1 .. 20000;
my @best = sort { $words{$b} <=> $words{$a} || $a <=> $b } keys %words;
print scalar(@best), " @best[0 .. 4]\n";
my @sorted = sort { $a <=> $b } map { $_ * 31337 % 65537 } 1 .. 20000;
print "$sorted[0] $sorted[-1] $sorted[10000]\n";
my %tree = (a => [1, 2, { deep => "value" }], b => sub { $_[0]**2 });
print "$tree{a}[2]{deep} ", $tree{b}->(12), "\n";
printf "%.10f %e %s %x %b\n", atan2(1, 1) * 4, 1e100 / 3, 2**53, 0xbeef, 10;
print strftime("%Y-%m-%d %H:%M:%S", gmtime 1234567890), "\n";
print join(",", unpack "N n C a3", pack "N n C a3", 1 << 30, 65535, 7, "xyz"), "\n";

part "processes";
my @pids;
for my $n (1 .. 5) {
    my $pid = fork // die "fork: $!";
    exit $n * 3 if !$pid;
    push @pids, $pid;
}
my %status = map { my $pid = waitpid $_, 0; $pid => $? >> 8 } @pids;
print join(" ", map { $status{$_} } @pids), "\n";
print waitpid(-1, WNOHANG), " ", $!{ECHILD} ? "no child" : "child", "\n";
system("sh", "-c", "exit 9"); print $? >> 8, "\n";
system("kill -KILL \$\$"); print $? & 127, "\n";
print `echo quoted; exit 2`, $? >> 8, "\n";
print "not executed: $!\n" if !do { no warnings; exec "/no/such" };

part "pipes";
pipe my $in, my $out or die;
if (!fork) { close $in; print $out "line $_\n" for 1 .. 10000; close $out; exit 0; }
close $out;
my ($lines, $bytes) = (0, 0);
while (<$in>) { $lines++; $bytes += length; }
wait; print "$lines $bytes\n";
open my $sort, "|-", "sort -n | head -n 3" or die;
print $sort "$_\n" for reverse 1 .. 3000;
close $sort;
open my $seq, "-|", "seq", "5" or die;
print "sum ", eval { my $s = 0; $s += $_ while <$seq>; $s }, "\n";
close $seq;
socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
if (!fork) { close $here; $there->autoflush; print $there uc while <$there>; exit 0; }
close $there; $here->autoflush;
print $here "through a socket\n"; print scalar <$here>;
close $here; wait; print "status $?\n";

part "signals";
my $got = 0;
local $SIG{USR1} = sub { $got++ };
kill USR1 => $$ for 1 .. 3;
print "$got\n";
eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; select undef, undef, undef, 20; };
print "died of $@";
local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0; $got = "reaped" };
if (!fork) { exit 0 }
select undef, undef, undef, 5;
print "$got\n";
$SIG{CHLD} = "DEFAULT";

part "files";
chdir "/tmp"; mkdir "perl" or die; chdir "perl";
open my $f, "+>", "f" or die; print $f "0123456789" x 10; seek $f, 5, SEEK_SET; read $f, my $buffer, 4; print "$buffer\n";
truncate $f, 50; close $f;
print -s "f", " ", (-e "f" ? "e" : "-"), (-d "." ? "d" : "-"), (-x "f" ? "x" : "-"), (-l "f" ? "l" : "-"), "\n";
chmod 0751, "f"; printf "%o\n", (stat "f")[2];
symlink "f", "l"; print readlink "l", " ", -l "l" ? "link" : "", "\n";
rename "f", "g"; print -e "l" ? "there" : "dangling", "\n"; utime 1e9, 1e9, "g"; print((stat "g")[9], "\n");
open my $lock, ">", "lock"; flock $lock, LOCK_EX;
if (!fork) { open my $mine, ">", "lock"; print flock($mine, LOCK_EX | LOCK_NB) ? "locked twice\n" : "is locked\n"; exit 0 }
wait; close $lock;
opendir my $dir, "."; print join(" ", sort grep { !/^\./ } readdir $dir), "\n"; closedir $dir;
print join(" ", glob "{g,l}*"), "\n";
print unlink("g", "l", "lock", "none"), " unlinked\n"; chdir ".."; print rmdir "perl" ? "removed\n" : "$!\n";
open my $none, "<", "/no/such" or print "$!\n";
local $0 = "x"; print "$ENV{HOME} @{[scalar @ARGV]}\n";
END { print "at the end\n" }
exit 5;
