#!/usr/bin/perl
# frames.pl [SECONDS]: the peer of a network card of QEMU's, for "-netdev dgram" with UDP. Prints the ports: QEMU's, and its own.
# When a frame of tools/testing/selftests/liveupdate/luo_igb.h comes in, it begins to send frames, twenty in a second unless told
# otherwise, with numbers from 1 on. It ends with its standard input.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($number, $started) = (0, 0);
my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "no socket: $!\n";
my $free = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "no socket: $!\n";
my $port = $free->sockport;
my $qemu = pack_sockaddr_in($port, inet_aton('127.0.0.1'));
my $select = IO::Select->new($socket, \*STDIN);

close $free;
$| = 1;
print "$port ", $socket->sockport, "\n";
while (1) {
	for my $ready ($select->can_read($ARGV[0] // 0.05)) {
		exit if $ready != $socket;
		$socket->recv(my $frame, 2048);
		$started ||= defined $frame && length $frame > 14 && unpack('x12n', $frame) == 0x88b5;
	}
	$socket->send(pack('a6Ca5nNx42', "\xff" x 6, 2, '', 0x88b5, ++$number), 0, $qemu) if $started;
}
