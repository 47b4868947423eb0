#!/usr/bin/perl
# messages.pl SOURCE... -- DOCUMENT...: the kernel messages in the sources that no document shows, each after FILE:LINE. What a
# message prints of its arguments stands as a word or so in the document.
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
	my ($prefix) = $source =~ /^#define pr_fmt\(fmt\) "(.*)" fmt$/m or next;

	while ($source =~ /\bpr_(?:err|warn|notice|info)(?:_once|_ratelimited)?\(((?:\s*"(?:[^"\\]|\\.)*")+)/g) {
		my $line = 1 + (substr($source, 0, $-[0]) =~ tr/\n//);
		my $message = join '', $1 =~ /"((?:[^"\\]|\\.)*)"/g;

		$message =~ s/\\n//;
		my $pattern = join '.{1,20}?', map { s/%%/%/gr =~ s/(\W)/\\$1/gr }
			split /(?:%[-#+0.*\d]*(?:ll|l|z|h)?(?:p[a-zA-Z]*|[a-oq-z]))+/, $prefix . $message, -1;
		print "$file:$line: $prefix$message\n" unless $text =~ /$pattern/;
	}
}
