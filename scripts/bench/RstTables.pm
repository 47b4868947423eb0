# Tables in documents: writes them, reads them back, and puts new ones among those that are there. A table is [heading, row...], of
# cells; the first cell of its heading is its title.
package RstTables;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max);

our @EXPORT_OK = qw(without_empty rst_table read_tables merged);

# A table without the columns in which no row has anything
sub without_empty {
	my @rows = @_;
	my @used = grep { my $i = $_; !$i || grep { $_->[$i] ne '' } @rows[1 .. $#rows] } 0 .. $#{$rows[0]};
	return [map { [@$_[@used]] } @rows];
}

sub rst_table {
	my ($heading, @rows) = @_;
	my @width = map { my $i = $_; max(3, map { length $_->[$i] } $heading, @rows) } 0 .. $#$heading;
	my $rule = join(' ', map { '=' x $_ } @width) . "\n";
	my $line = sub {
		# An empty first cell would be the continuation of the line before.
		my @cells = @{$_[0]};
		$cells[0] = '\\' if $cells[0] eq '';
		return join(' ', map { sprintf "%-${width[$_]}s", $cells[$_] } 0 .. $#cells) =~ s/ +$//r . "\n";
	};

	return $rule . $line->($heading) . $rule . join('', map { $line->($_) } @rows) . $rule;
}

# The tables that rst_table() wrote to a file
sub read_tables {
	my ($path) = @_;
	my (@tables, @columns, $table, $rules);
	open my $file, '<:utf8', $path or return;

	while (my $line = <$file>) {
		if ($line =~ /^=+( =+)*$/) {
			if (!$table) {
				my $at = 0;
				($table, $rules) = ([], 0);
				@columns = map { my $column = [$at, length]; $at += 1 + length; $column } $line =~ /=+/g;
			}
			next if ++$rules < 3;
			push @tables, $table;
			undef $table;
		} elsif ($table) {
			my $padded = sprintf '%-400s', $line =~ s/\n//r;
			push @$table, [map { substr($padded, $_->[0], $_->[1]) =~ s/ +$//r } @columns];
		}
	}
	return @tables;
}

# Has a table all that another one has: each row, and what each of its columns has there?
sub has_all {
	my ($new, $old) = @_;
	my %has;

	for my $row (@$new) {
		$has{$row->[0]}{$new->[0][$_]} = $row->[$_] for 1 .. $#$row;
	}
	for my $row (@$old[1 .. $#$old]) {
		for my $i (1 .. $#$row) {
			return 0 if $row->[$i] ne '' && ($has{$row->[0]}{$old->[0][$i]} // '') eq '';
		}
	}
	return 1;
}

# New tables in the place of old ones of the same title, or behind the one that they come after. One that has not all that is
# there already, as not all was measured, changes nothing.
sub merged {
	my ($old, @new) = @_;
	my @tables = @$old;
	my $at = 0;

	for my $table (@new) {
		my $title = $table->[0][0];
		my ($i) = grep { $tables[$_][0][0] eq $title } 0 .. $#tables;
		$at = $i + 1 if defined $i;
		next if @$table == 1;
		if (!defined $i) {
			splice @tables, $at++, 0, $table;
		} elsif (has_all($table, $tables[$i])) {
			$tables[$i] = $table;
		} else {
			print "left as it was in the documents, as not all of it is measured here: $title\n";
		}
	}
	return @tables;
}

1;
