#!/usr/bin/perl
# Catches every signal it can, prints "ready", then each signal's number as it comes.
# Exits with the code in the first argument when its standard input says "exit".
use strict; use warnings; use POSIX ();
$| = 1;
my @seen;
for my $n (1 .. 64) {
    next if $n == 9 || $n == 19 || $n == 17 || $n == 32 || $n == 33;
    POSIX::sigaction($n, POSIX::SigAction->new(sub { push @seen, $n }, POSIX::SigSet->new, 0)) or die "sigaction $n: $!";
}
print "ready\n";
while (1) {
    my $in = '';
    vec($in, 0, 1) = 1;
    # Short, for a signal that came just before it does not interrupt it.
    my $found = select($in, undef, undef, 0.1);
    print "signal $_\n" for splice @seen;
    next if $found < 1;
    my $line = '';
    my $got = sysread(STDIN, $line, 100);
    exit($ARGV[0] // 0) if defined $got && ($got == 0 || $line =~ /exit/);
}
