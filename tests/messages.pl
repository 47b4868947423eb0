#!/usr/bin/perl
# messages.pl SOURCE... -- DOCUMENT...: the kernel messages in the sources that no document shows, each after FILE:LINE. What a
# message prints of its arguments stands as some words in the document, and so does the device that it is of, with "live update:".
use strict;
use warnings;

sub content {
	open my $in, '<', $_[0] or die "$_[0]: $!\n";
	local $/;
	return scalar <$in>;
}

my ($documents, $text) = (0, '');
my @sources;
for (@ARGV) {
	if ($_ eq '--') {
		$documents = 1;
	} elsif ($documents) {
		$text .= content($_);
	} else {
		push @sources, $_;
	}
}
$text =~ s/`//g;
$text =~ s/\s+/ /g;

for my $file (@sources) {
	my $source = content($file);
	my ($pr_fmt) = $source =~ /^#define pr_fmt\(fmt\) "(.*)" fmt$/m;

	while ($source =~ /\b(?:pr|(pci|dev))_(?:err|warn|notice|info)(?:_once|_ratelimited)?\((?(1)[^",]*,)((?:\s*"(?:[^"\\]|\\.)*")+)/g) {
		my $prefix = $1 ? '' : $pr_fmt // next;
		my $line = 1 + (substr($source, 0, $-[0]) =~ tr/\n//);
		my $message = join '', $2 =~ /"((?:[^"\\]|\\.)*)"/g;

		$message =~ s/^live update: |\\n//g;
		my $pattern = join '.{1,40}?', map { s/%%/%/gr =~ s/(\W)/\\$1/gr }
			split /(?:%[-#+0.*\d]*(?:ll|l|z|h)?(?:p[a-zA-Z]*|[a-oq-z]))+/, $prefix . $message, -1;
		print "$file:$line: $prefix$message\n" unless $text =~ /$pattern/;
	}
}
