#!/usr/bin/perl
# images.pl BZIMAGE FOLDER: makes images of the same kernel in FOLDER, to be unpacked when they are loaded. What would decompress
# them is left out: in its place there is an endless loop.
#
# kernel-gzip, -xz, -zstd, -lz4 are compressed otherwise. Others cannot be unpacked:
#   kernel-damaged  a bit of the compressed kernel is flipped
#   kernel-short    half of the compressed kernel is missing, and the end of the file with it
#   kernel-outside  the compressed kernel is said to go on behind the end of the file
#   kernel-bzip2    of a format that no kernel unpacks here
#   kernel-large    it is larger than the memory that its header asks for
#   kernel-elf      the ELF file is cut off
#   kernel-relocs   something outside of the kernel is to be relocated
#   kernel-fixed    it says that it runs at one address only
#   kernel-align    it says that it runs at other addresses only than the one that it is built for
#   kernel-levels   it says that it has page tables of five levels
use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);

@ARGV == 2 or die "usage: images.pl BZIMAGE FOLDER\n";
my ($source, $folder) = @ARGV;

sub slurp {
	open my $in, '<:raw', $_[0] or die "$_[0]: $!\n";
	local $/;
	return scalar <$in>;
}

sub put {
	my ($path, $content) = @_;
	open my $out, '>:raw', $path or die "$path: $!\n";
	print $out $content;
	close $out or die "$path: $!\n";
}

sub compressed {
	my ($content, $command) = @_;
	put("$folder/payload", $content);
	my $payload = `$command <$folder/payload`;
	$? == 0 or die "$command failed\n";
	unlink "$folder/payload";
	return $payload;
}

my $image = slurp($source);
my $setup = 512 * (1 + (ord(substr $image, 0x1f1, 1) || 4));
my ($offset, $length) = unpack 'x584 L< L<', $image;
my $payload = substr $image, $setup + $offset, $length;
gunzip(\$payload => \my $kernel) or die "not compressed by gzip: $GunzipError\n";
my $size = pack 'L<', length $kernel;
# The endless loop, at the 64-bit entry.
my $head = substr $image, 0, $setup + $offset;
substr $head, $setup + 0x200, 2, "\xeb\xfe";

# image NAME PAYLOAD [LENGTH-SAID [HEAD]]
sub image {
	my ($name, $content, $said, $start) = @_;
	my $file = $start // $head;
	substr $file, 588, 4, pack 'L<', $said // length $content;
	put("$folder/kernel-$name", $file . $content);
}

image('gzip', $payload);
image('xz', compressed($kernel, 'xz --check=crc32 --x86 --lzma2=preset=1') . $size);
image('zstd', compressed($kernel, 'zstd -q -3') . $size);
image('lz4', compressed($kernel, 'lz4 -q -l') . $size);

my $damaged = $payload;
substr $damaged, $length / 2, 1, chr(ord(substr $payload, $length / 2, 1) ^ 1);
image('damaged', $damaged);
image('short', substr($payload, 0, $length / 2) . $size);
image('outside', $payload, $length + 1);
image('bzip2', "BZh9$size");
image('large', "$payload\xff\xff\xff\x3f");
image('empty', "$payload\0\0\0\0");
image('elf', compressed(substr($kernel, 0, length($kernel) / 2), 'gzip -n -1'));
substr $kernel, -4, 4, pack 'l<', 0x1000;
image('relocs', compressed($kernel, 'gzip -n -1'));
my $fixed = $head;
substr $fixed, 0x234, 1, "\0";
image('fixed', $payload, undef, $fixed);
my $cmdline = $head;
substr $cmdline, 0x238, 4, pack 'L<', 4095;
image('cmdline', $payload, undef, $cmdline);
my $align = $head;
substr $align, 0x230, 4, pack 'L<', 1 << 25;
image('align', $payload, undef, $align);
my $levels = $head;
substr $levels, 0x236, 1, chr(ord(substr $image, 0x236, 1) | 1 << 6);
image('levels', $payload, undef, $levels);
