#!/bin/bash
# Every command that a reader finds in README, guides and manual pages is run, as it stands there. tests/docs.list tells how:
# here, in a virtual machine in the order of the documents, or by another test. A command that it does not know fails, and so
# does an entry that no document needs any more.
# flavours: default
. "$(dirname "$0")/lib.bash"
cd "$root" || exit

# In the order in which somebody would go by them.
documents=(README.md Documentation/admin-guide/{liveupdate-host,liveupdate-services,liveupdate,lukeep,mm/kho}.rst
	tools/liveupdate/*.[58] CONTRIBUTING.md)
mapfile -t -O "${#documents[@]}" documents < <(find Documentation -name '*.rst' | sort | grep -vxFf <(printf '%s\n' "${documents[@]}"))

# A folder like the repository, in which commands can make and remove what they want.
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir -p "$box/repo" "$box/root" "$box/declarations"
ln -s "$root"/* "$box/repo/"
rm "$box/repo/build"
mkdir "$box/repo/build"
ln -s "$tree" "$box/repo/build/linux"
# What /boot of a machine would have: a configuration, without what is to be added to it.
sed '/KEXEC_HANDOVER\|LIVEUPDATE/d' "$kernel/.config" >"$box/config"

# What the virtual machine is to do: HOW, WHERE and COMMAND.
: >"$box/plan"
hows=() patterns=() within=()
declare -A used told

read_list() {
	local how pattern

	while IFS=$'\t' read -r how pattern; do
		case $how in "" | "#"*) continue ;; esac
		hows+=("$how") patterns+=("$pattern")
	done <tests/docs.list
}

# how_to_run COMMAND: sets $how
how_to_run() {
	local i

	for i in "${!patterns[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $1 == ${patterns[i]} ]]; then
			how=${hows[i]} used[$i]=1
			return
		fi
	done
	how=unknown
}

# A command of a document, on this machine. /boot is not ours to write to, and manual pages are not installed but in the box.
# shellcheck disable=SC2317 # these functions are called
on_host() (
	cd "$box/repo" || exit
	cp() { command cp "${1/#\/boot\/config-*/$box/config}" "${@:2}"; }
	man() { ls "$box"/root/usr/share/man/man?/"$1".[58]; }
	export DESTDIR=$box/root OUTPUT=$build/guest/
	eval "$1"
) >"$box/out" 2>&1 </dev/null

# has_words COMMAND: another one, which is run, has all its words in this order
has_words() {
	cut -f 3 "$box/plan" | grep -qE "(^| )${1// /( .*)? }( |$)"
}

# verb COMMAND...: make has it, and the variables, and there is what they name
verb() {
	local word

	for word; do
		case $word in
		TESTS=*)	 [ "$(xargs -n 1 ls <<<"${word#*=}")" = "$(tr ' ' '\n' <<<"${word#*=}")" ] ;;
		PATCH=*.patch)	 [ -e "patches/${word#*=}" ] ;;
		*=*)		 grep -qw -- "${word%%=*}" Makefile ;;
		esac || return
	done
	"$@" --dry-run >/dev/null
}

# options SCRIPT OPTION...: it tells of these
options() {
	local word

	[ -x "$1" ] || return
	for word; do
		[[ $word != --* ]] || grep -q -- "$word " "$1" || return
	done
}

# elsewhere COMMAND FILE TEXT: the file has it run by the text; and if it is ours, it is there
elsewhere() {
	local words

	grep -qF -- "$3" "$2" || return
	eval "words=(${1%% >*})"
	case ${words[0]} in
	make)	   verb "${words[@]}" ;;
	scripts/*) options "${words[@]}" ;;
	esac
}

# found WHERE COMMAND: told of once, unless the virtual machine runs it
found() {
	local where=$1 command=$2 how

	how_to_run "$command"
	[ -z "${told[$command]:-}" ] || return 0
	case $how in
	guest | leaves)
		printf '%s\t%s\t%s\n' "$how" "$where" "$command" >>"$box/plan"
		return ;;
	host)	ok "$where: $command" on_host "$command"
		sed 's/^/# /' "$box/out" | tail -n 20
		command cp -f "$box/repo/build/host/.config" "$box/config.made" 2>/dev/null ;;
	within)	within+=("$where"$'\t'"$command") ;;
	by\ *)	how=${how#by }
		ok "$where: $command, by ${how%%: *}" elsewhere "$command" "${how%%: *}" "${how#*: }" ;;
	not:*)	ok "$where: $command, by no test" elsewhere "$command" tests/docs.list "$how" ;;
	*)	result "not ok" "$where: $command"
		say "# Add to tests/docs.list how this is run." ;;
	esac
	told[$command]=1
}

# Built now, under its lock, since other tests want it, too.
"$root/scripts/vm/guest-tools" >/dev/null
read_list
while IFS=$'\t' read -r kind where text; do
	case $kind in
	command)     found "$where" "$text" ;;
	declaration) printf '%b' "$text" >"$box/declarations/${where//[\/:]/-}.conf" ;;
	path)	     how_to_run "$text"
		if [ "$how" = unknown ]; then
			printf 'path\t%s\t%s\n' "$where" "$text" >>"$box/paths"
		else
			found "$where" "$text"
		fi ;;
	esac
done < <(tests/docs.pl "${documents[@]}")

for entry in "${within[@]}"; do
	ok "${entry/$'\t'/: }: is part of what is run" has_words "${entry#*$'\t'}"
done
for i in "${!patterns[@]}"; do
	[ -n "${used[$i]:-}" ] || result "not ok" "tests/docs.list: no document has '${patterns[i]}'"
done

# What the documents enable in a configuration can be, and is.
while read -r option; do
	ok "the configuration has $option" grep -qx "CONFIG_$option=y" "$box/config.made"
done < <(tests/docs.pl "${documents[@]}" | grep scripts/config | grep -oP -- ' -e \K\w+')

# The kernel has no message that no document explains.
mapfile -t sources < <(mapfile -t patches < <(series); adds "${patches[@]}" | grep -E '^(kernel|mm|drivers/(iommu|pci|vfio))/[^.]*\.c$' | grep -v /tests/)
unexplained=$(tests/messages.pl "${sources[@]}" -- "${documents[@]}")
is "$unexplained" "" "each message of ${#sources[@]} sources is explained"

ok "make docs has no warnings" make --silent docs
ok "make series makes the series" make --silent series
is "$(printf '%s\n' out/series/*.patch | wc -l)" "$(series | wc -l | xargs expr 1 +)" "there is a cover letter, and a file for each patch"

# By then there is what comes with an update.
sort -t $'\t' -k 3 -u "$box/paths" >>"$box/plan"
vm docs --with "/docs.plan=$box/plan" --with "/declarations=$box/declarations" --with "/=$box/root" \
	--with "/usr/bin/memcached=$("$root/scripts/vm/guest-root")/usr/bin/memcached" --with "/bin/jq=$(command -v jq)"
done_testing
