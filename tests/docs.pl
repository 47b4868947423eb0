#!/usr/bin/perl
# docs.pl FILE...: what a reader could type, from Markdown, reStructuredText and manual pages: KIND, FILE:LINE and TEXT, with
# tabs between.
#
#	command		a line of a literal block that has a prompt, is in Markdown, or begins with a program; an inline literal of two
#			words and more that begins with one
#	path		an inline literal that names a file of the kernel's, such as one in debugfs
#	declaration	a literal block that is a declaration of a service; its lines, joined by \n
#
# What a document shows of a file by an include is not in it. Neither is a fenced block in Markdown: that is output, or a picture.
use strict;
use warnings;

# What counts as a program.
my $program = qr{(?:make|scripts/\S+|(?:build/linux/)?scripts/\S+|lukeep|lukeep-qemu|kexec|systemctl|insmod|rmmod|modprobe|
	dmesg|cat|cp|ls|ln|mkdir|mount|umount|sed|awk|grep|echo|reboot|poweroff|sudo|apt|apt-get|apt-cache|dpkg|git|quilt|patch|man|tar|
	fdtdump|dtc|chmod|mmdebstrap|podman|sysctl|update-grub|update-initramfs|journalctl|numactl|tests/\S+\.t|\.ci/\S+|perf|trace-cmd|gcc)}x;
my ($file, %seen);

sub found {
	my ($kind, $line, $text) = @_;

	print "$kind\t$file:$line\t$text\n";
	$seen{$text} = 1;
}

# The lines of a literal block, which begins at a line number.
sub block {
	my ($number, @lines) = @_;

	if ($lines[0] =~ /^\s*\[service\]/) {
		my ($indent) = $lines[0] =~ /^(\s*)/;
		s/^$indent// for @lines;
		found('declaration', $number, join '\n', @lines);
		return;
	}
	# In a script # begins a comment.
	my $script = $lines[0] =~ /^\s*#!/;
	while (@lines) {
		my ($at, $line) = ($number, shift @lines);
		$number++;
		while ($line =~ s/\\$// && @lines) {
			$line .= shift @lines;
			$number++;
		}
		my $prompt = !$script && $line =~ s/^\s*[#\$] //;
		$line =~ s/\s+#\s.*//;
		$line =~ s/^\s+|\s+$//g;
		$line =~ s/\s+/ /g;
		found('command', $at, $line) if $line ne '' && ($prompt || $file =~ /\.md$/ || $line =~ /^$program(?: |$)/);
	}
}

# An inline literal; what is in a block as well is there.
sub inline {
	my ($number, $text) = @_;

	$text =~ s/\s+/ /g;
	if ($text =~ m{^/(?:sys|proc|dev)(?:/[a-z0-9_]+)+/?$}) {
		found('path', $number, $text) unless $seen{$text};
	} elsif ($text =~ /^$program /) {
		found('command', $number, $text) unless $seen{$text};
	}
}

# Where literal blocks begin is the business of a subroutine for each kind of document: it returns the block's indentation, or
# -1 for none, and whether the block has to be skipped.
my $blank;
my %kinds = (
	md => sub { $_[0] =~ /^( {4,})\S/ && $blank ? 3 : -1 },
	rst => sub {
		return -1 if $_[0] =~ /^\s*\.\. (?!code-block::)/;
		return $_[0] =~ /^(\s*).*::(?: \w+)?$/ ? length $1 : -1;
	},
);

sub text_document {
	my ($kind, @lines) = @_;
	my ($n, $prose, @inline) = (0, '');

	while ($n < @lines) {
		if ($kind eq 'md' && $lines[$n] =~ /^```/) {
			do { $prose .= "\n" } until ++$n == @lines || $lines[$n] =~ /^```$/;
			last if $n == @lines;
		}
		my $indent = $kinds{$kind}->($lines[$n]);
		$blank = $lines[$n] =~ /^\s*$/;
		if ($indent < 0) {
			$prose .= $lines[$n++] . "\n";
			next;
		}
		# In Markdown the line that begins a block is part of it.
		my $begin = $kind eq 'md' ? $n : $n + 1;
		my $end = $begin;
		$end++ while $end < @lines && ($lines[$end] =~ /^\s*$/ || $lines[$end] =~ /^(\s*)/ && length $1 > $indent);
		$prose .= $lines[$n] . "\n" if $begin > $n;
		$prose .= "\n" x ($end - $begin);
		$begin++ while $begin < $end && $lines[$begin] =~ /^\s*$/;
		my @block = @lines[$begin .. $end - 1];
		block($begin + 1, @block) if @block && $lines[$n] !~ /code-block:: c$/;
		$n = $end;
		$blank = 1;
	}
	my $quote = $kind eq 'md' ? qr/(?<!`)`(?!`)/ : qr/``/;
	while ($prose =~ /$quote(.*?)$quote/sg) {
		inline(1 + (substr($prose, 0, $-[0]) =~ tr/\n//), $1);
	}
}

sub manual_page {
	my @lines = @_;

	for (my $n = 0; $n < @lines; $n++) {
		inline($n + 1, $1) if $lines[$n] =~ /^\.Ql (.*?)(?: [.,;:])?$/;
		next unless $lines[$n] =~ /^\.Bd -literal/;
		my $begin = $n + 1;
		$n++ while $lines[$n] !~ /^\.Ed/;
		block($begin + 1, map { s/\\e/\\/gr } @lines[$begin .. $n - 1]);
	}
}

for (@ARGV) {
	$file = $_;
	%seen = ();
	open my $in, '<', $file or die "$file: $!\n";
	chomp(my @lines = <$in>);
	if ($file =~ /\.(md|rst)$/) {
		text_document($1, @lines);
	} else {
		manual_page(@lines);
	}
}
