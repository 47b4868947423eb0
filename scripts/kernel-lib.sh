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
	make -C "$tree" O="$out" ARCH="$ARCH" CROSS_COMPILE="$cross" CC="$root/scripts/cc ${cross}gcc" HOSTCC="$root/scripts/cc gcc" -j"$(nproc)" \
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

# Copies the log through and says how far it has come, on descriptor 3.
progress() {
	local line objects=0 every=400 end='\n'

	[ ! -t 3 ] || { every=10; end='\r'; }
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in "  CC "* | "  AS "*)
			objects=$((objects + 1))
			[ $((objects % every)) != 0 ] || printf "  %d objects$end" "$objects" >&3 ;;
		esac
	done
	[ ! -t 3 ] || [ "$objects" -lt "$every" ] || printf '  %d objects\n' "$objects" >&3
}

# logged COMMAND...: with all output in $log; descriptor 3 is for progress
logged() {
	local status

	mkdir -p "$build/logs" "$cache/ccache"
	set +e
	(set -e; "$@") 2>&1 | progress >"$log"
	status=${PIPESTATUS[0]}
	set -e
	[ "$status" != 0 ] || return 0
	grep -E -A8 'error:|warning:|Error [0-9]|undefined reference' "$log" | head -n 60 >&2 || tail -n 20 "$log" >&2
	die "the build failed; all of it in ${log#"$root"/}"
}
