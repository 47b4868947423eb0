# shellcheck shell=bash
# shellcheck disable=SC2154 # tree, root and the like are from lib.sh
# How a kernel is configured and made in $out, of $tree and the configuration's $fragments; sourced, never run.

# Whatever goes into an object must be the same in each clone, or ccache would not find it there.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=liveupdate KBUILD_BUILD_HOST=liveupdate

# For every make
make_options=()

kmake() {
	make -C "$tree" O="$out" ARCH="$ARCH" CROSS_COMPILE="$cross" CC="$root/scripts/kernel/cc ${cross}gcc" HOSTCC="$root/scripts/kernel/cc gcc" -j"$(nproc)" \
		"${make_options[@]}" "$@"
}

# The fragments' lines; a later fragment has the last word about an option.
wanted() {
	awk '/^CONFIG_/ { split($0, a, "="); want[a[1]] = $0 }
	     /^# CONFIG_.* is not set$/ { want[$2] = $0 }
	     END { for (option in want) print want[option] }' "${fragments[@]}" | sort
}

# Those lines that the configuration does not have. An option that does not exist is as good as one that is not set.
unmet() {
	local line

	wanted | while read -r line; do
		case $line in
		CONFIG_*) grep -qFx "$line" "$out/.config" || echo "$line" ;;
		*)	! grep -q "^$(echo "$line" | cut -d' ' -f2)=" "$out/.config" || echo "$line" ;;
		esac
	done
}

# Makes $out/.config of the fragments.
configure() {
	cp --preserve=timestamps "$out/.config" "$out/.config.was" 2>/dev/null || :
	kmake tinyconfig
	(cd "$out" && "$tree/scripts/kconfig/merge_config.sh" -m -Q -O "$out" .config "${fragments[@]}")
	kmake olddefconfig
	# Kbuild goes by the time stamp.
	! cmp -s "$out/.config" "$out/.config.was" || mv "$out/.config.was" "$out/.config"
}

# Stops when the fragments ask for what the configuration does not have.
as_asked() {
	local unmet

	unmet=$(unmet)
	[ -n "$unmet" ] || return 0
	printf 'Not in the configuration as asked for:\n%s\n' "$unmet" >&3
	[ -n "${LAX_CONFIG:-}" ]
}

# progress MADE EXPECTED: copies the log through and says how far it has come, on descriptor 3. So many objects there were
# already, and about so many there will be; nothing if that is not known. A number that was too low is told no more.
progress() {
	local line objects=$1 of="${2:+ of about $2}" every=400 end='\n'

	[ ! -t 3 ] || { every=10; end='\e[K\r'; }
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in "  CC "* | "  AS "*)
			objects=$((objects + 1))
			[ "$objects" -le "${2:-0}" ] || of=
			[ $((objects % every)) != 0 ] || printf "  %d%s objects$end" "$objects" "$of" >&3 ;;
		esac
	done
	[ ! -t 3 ] || [ "$objects" -lt "$every" ] || printf '  %d objects\e[K\n' "$objects" >&3
}

# objects_in FILE: how many a log tells of
objects_in() {
	grep -cE '^  (CC|AS) ' "$1" || :
}

# logged COMMAND...: with all output in $log; descriptor 3 is for progress. How many objects a build makes from nothing is known
# from the last one on this machine, or else by $about.
logged() {
	local status made=0 expected='' counted=''

	mkdir -p "$build/logs" "$cache"/{ccache,objects}
	# Nothing was linked so far: all has to be made that an earlier build did not come to.
	if [ -d "${out:-}" ] && [ ! -e "$out/System.map" ]; then
		counted=$cache/objects/$(basename "$log" .log)
		made=$(find "$out" -name '*.o' | wc -l)
		expected=$(cat "$counted" 2>/dev/null || echo "${about:-}")
	fi
	set +e
	(set -e; "$@") 2>&1 | progress "$made" "$expected" >"$log"
	status=${PIPESTATUS[0]}
	set -e
	if [ "$status" = 0 ]; then
		[ -z "$counted" ] || echo $((made + $(objects_in "$log"))) >"$counted"
		return
	fi
	grep -E -A8 'error:|warning:|Error [0-9]|undefined reference' "$log" | head -n 60 >&2 || tail -n 20 "$log" >&2
	die "the build failed; all of it in ${log#"$root"/}"
}
