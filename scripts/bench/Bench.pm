# What the benchmarks and their reports share.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;

our @EXPORT = qw(run slurp save_json number gnuplot data_block);

sub run {
	system(@_) == 0 or exit 1;
}

sub slurp {
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!\n";
	local $/;
	return <$file>;
}

sub save_json {
	my ($path, $data) = @_;
	open my $file, '>', $path or die "$path: $!\n";
	print $file JSON::PP->new->pretty->canonical->encode($data);
	close $file or die "$path: $!\n";
}

# With a comma between thousands
sub number {
	my ($n) = @_;
	$n = sprintf '%.0f', $n;
	1 while $n =~ s/^(-?\d+)(\d{3})/$1,$2/;
	return $n;
}

# gnuplot NAME, SCRIPT: in build/bench/NAME.svg
sub gnuplot {
	my ($name, $script) = @_;
	open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!\n";
	print $gnuplot "set terminal svg size 800,480 font 'sans-serif,13' background 'white' \n",
		"set output 'build/bench/$name.svg'\nset encoding utf8\n", $script;
	close $gnuplot or die "gnuplot failed for $name\n";
}

# A block of data for gnuplot: [name, script]
my $blocks = 0;
sub data_block {
	my $name = '$block' . $blocks++;
	return ($name, "$name << END\n" . join('', map { "@$_\n" } @_) . "END\n");
}

1;
