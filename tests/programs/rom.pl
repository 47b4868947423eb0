#!/usr/bin/perl
# rom.pl VENDOR DEVICE: makes the option ROM of a PCI device of an EFI driver for x86_64, from standard input to standard output.
use strict;
use warnings;

my ($vendor, $device) = map { hex } @ARGV;
binmode STDIN;
binmode STDOUT;
my $driver = do { local $/; <STDIN> };
my $units = int((0x38 + length($driver) + 511) / 512);

# The header of an EFI image, then the PCI data structure: it is for x86_64 a driver of boot services, not compressed, the last one.
print pack('v v V v v v x8 v v x2', 0xaa55, $units, 0x0ef1, 11, 0x8664, 0, 0x38, 0x1c),
	pack('a4 v v x2 v C C3 v v C C x2', 'PCIR', $vendor, $device, 0x18, 0, 0, 0, 0xff, $units, 0, 3, 0x80), "\0" x 4, $driver,
	"\0" x ($units * 512 - 0x38 - length $driver);
