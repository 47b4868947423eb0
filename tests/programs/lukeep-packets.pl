#!/usr/bin/perl
# Packets for a socket of lukeep that nobody in his right mind sends:
#
#	lukeep-packets.pl SOCKET idle COUNT	connects so often, or as often as nobody need accept it, says nothing, and stays
#						until it is ended
#	lukeep-packets.pl SOCKET ask VERB	sends a verb, prints what comes, and stays until it is ended
#	lukeep-packets.pl SOCKET leave VERB	sends a verb, waits for the answer, closes the connection, and ends a second later:
#						then it prints "ends"
#	lukeep-packets.pl SOCKET fuzz COUNT	sends so many packets: bytes, JSON, and damaged JSON; the same ones each time
#
# Of the verbs it knows only those that change nothing, or are taken back when the connection closes.
use strict;
use warnings;
use Errno;
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket;

my ($path, $what, $count) = @ARGV;
my @verbs = qw(status cancel history check revert start seal arrive keep preserve-none update);
my @keys = qw(verb ok message exit kernel initrd append reuse dry-run now name without fds session);

$| = 1;
$SIG{PIPE} = 'IGNORE';
# Not rand(), which has other numbers with another perl.
my $seed = 17;
sub number {
	$seed = ($seed * 1103515245 + 12345) & 0x7fffffff;
	return ($seed >> 8) % shift;
}
sub one_of { return $_[number(scalar @_)] }

# connection [O_NONBLOCK]
sub connection {
	my ($flags) = @_;

	socket my $socket, PF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!\n";
	fcntl $socket, F_SETFL, $flags if $flags;
	return $socket if connect $socket, pack_sockaddr_un($path);
	die "connect: $!\n" unless $!{EAGAIN};
	return;
}

sub bytes { return join '', map { chr number(256) } 0 .. number(shift) }

sub value {
	my $depth = shift;
	my $kind = number($depth > 4 ? 6 : 8);
	return one_of('0', '-1', '1e999', '9223372036854775808', '0.1', '4294967297') if $kind == 0;
	return one_of('true', 'false', 'null') if $kind == 1;
	return '"' . one_of(@verbs) . '"' if $kind == 2;
	return '"' . 'x' x number(5000) . '"' if $kind == 3;
	return '"' . one_of('\u0000', '\ud800', '/', '../..', '%s%n', "\xff", '') . '"' if $kind == 4;
	return '"' . one_of(@keys) . '"' if $kind == 5;
	return '[' . join(',', map { value($depth + 1) } 0 .. number(4)) . ']' if $kind == 6;
	return object($depth + 1);
}

sub object {
	my $depth = shift;
	return '{' . join(',', map { '"' . one_of(@keys) . '":' . value($depth) } 0 .. number(5)) . '}';
}

sub request { return '{"verb":"' . one_of(@verbs) . '"' . join('', map { ',"' . one_of(@keys[1 .. $#keys]) . '":' . value(0) } 0 .. number(4)) . '}' }

sub damaged {
	my $text = request();
	for (0 .. number(4)) {
		my $at = number(length($text) || 1);
		my $how = number(3);
		if ($how == 0) { substr $text, $at, 1, chr number(256) }
		elsif ($how == 1) { substr $text, $at, number(10), '' }
		else { substr $text, $at, 0, bytes(5) }
		$text = '{' unless length $text;
	}
	return $text;
}

sub packet {
	my $kind = number(20);
	return bytes(300) if $kind < 3;
	return object(0) if $kind < 7;
	return request() if $kind < 13;
	return '[' x (1 + number(60000)) if $kind == 13 && number(10) == 0;
	return bytes(90000) if $kind == 14 && number(20) == 0;
	return '{}' if $kind == 15;
	return damaged();
}

if ($what eq 'idle') {
	my @connections = map { connection(O_NONBLOCK) } 1 .. $count;
	print "there\n";
	$SIG{TERM} = sub { exit };
	sleep 1000 while 1;
}

if ($what eq 'ask') {
	my $socket = connection();
	send $socket, qq({"verb":"$count"}), 0;
	my $answer;
	print "$answer\n" while defined recv($socket, $answer, 65536, 0) && length $answer;
	exit;
}

if ($what eq 'leave') {
	my $socket = connection();
	my $answer = '';
	send $socket, qq({"verb":"$count"}), 0;
	recv $socket, $answer, 65536, 0 until $answer =~ /"ok"/;
	close $socket;
	sleep 1;
	print "ends\n";
	exit;
}

# Some go over one connection, as far as it goes; nobody reads the answers.
my $sent = 0;
while ($sent < $count) {
	my $socket = connection();
	for (0 .. number(5)) {
		$sent++;
		send $socket, packet(), MSG_DONTWAIT or last;
	}
	close $socket;
}
