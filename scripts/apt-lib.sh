# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh says what cache is
# For what fetches from Debian's archive; sourced after lib.sh, never run.

# What apt is to be told besides: apt_in fills it.
apt_options=(-o APT::Sandbox::User=root)

# apt_in FOLDER TYPE ARCHIVE SUITE...: from now on apt keeps its lists and packages in the folder and knows these parts of
# Debian's archives, which are pairs of words, and no others. The host's sources, preferences and lists stay as they are: apt takes /dev/null for no file and for no
# folder. It warns of any other folder that is not there.
apt_in() {
	local folder=$1 type=$2

	shift 2
	mkdir -p "$folder"/{lists,archives}/partial
	printf "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/%s %s main\n" "$@" \
		>"$folder/sources.list"
	apt_options+=(
		-o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
		-o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder"
	)
	apt-get --quiet --quiet "${apt_options[@]}" update >&2
}

# download PACKAGE VERSION PATH FILE: gets what has this path in the package
download() {
	local tmp

	say "Fetching $1 $2" >&2
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	# shellcheck disable=SC2064 # $tmp is known now
	trap "rm -rf '$tmp'" EXIT
	(cd "$tmp" && apt-get --quiet --quiet "${apt_options[@]}" download "$1=$2" >&2) || return 1
	dpkg-deb --fsys-tarfile "$tmp/$1"_*.deb | tar --extract --to-stdout ".$3" >"$tmp/file"
	mv "$tmp/file" "$4"
	rm -rf "$tmp"
}
