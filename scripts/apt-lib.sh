# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh says what cache is
# For what fetches from Debian's archive; sourced after lib.sh, never run.

# What apt is to be told besides: apt_in fills it.
apt_options=(-o APT::Sandbox::User=root)

# apt_in FOLDER TYPE ARCHIVE SUITE: from now on apt keeps its lists and packages in the folder and knows this part of Debian's
# archive, and no other. The host's sources, preferences and lists stay as they are.
apt_in() {
	mkdir -p "$1"/{lists,archives}/partial
	echo "$2 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/$3 $4 main" >"$1/sources.list"
	apt_options+=(
		-o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=-
		-o Dir::Etc::preferences=- -o Dir::Etc::preferencesparts=-
		-o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1"
	)
	apt-get --quiet --quiet "${apt_options[@]}" update >&2
}

# download_source PACKAGE VERSION TARBALL: gets the tarball out of a linux-source package
download_source() {
	local package=$1 version=$2 tmp

	say "Fetching $package $version (150 MB)" >&2
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	# shellcheck disable=SC2064 # $tmp is known now
	trap "rm -rf '$tmp'" EXIT
	(cd "$tmp" && apt-get --quiet --quiet "${apt_options[@]}" download "$package=$version" >&2) || return 1
	dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb |
		tar --extract --to-stdout "./usr/src/$package.tar.xz" >"$tmp/tarball"
	mv "$tmp/tarball" "$3"
	rm -rf "$tmp"
}
