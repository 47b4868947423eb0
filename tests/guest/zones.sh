# shellcheck shell=sh
# Watermarks, the reserves of lower zones and the batches of per-CPU lists, with 3 GiB of 4 preserved and taken back.
. /tests/selftest.sh

# ZONE:NUMBER:VALUE of each zone that has memory, and the kernel's own reserve, in one word. Watermarks are those of a million
# pages of the zone, and the reserve that of a million pages above: where the kernel and its page structures lie decides how large
# the zones are.
numbers() {
	awk '$1 == "Node" { zone[++n] = $4; cpu = 0 }
		$1 == "managed" { managed[n] = $2 }
		$1 == "min" || $1 == "low" || $1 == "high" { mark[n, $1] = $2 }
		$1 == "protection:" { m = split($0, part, /[^0-9]+/); for (i = 1; i <= m; i++) if (part[i] + 0 > reserve[n]) reserve[n] = part[i] }
		$1 == "cpu:" { cpu = $2 + 1 }
		cpu == 1 && $1 == "batch:" { batch[n] = $2 }
		function tell(name, value) { printf "%s:%s:%d,", zone[z], name, value }
		END {
			for (z = n; z; z--) {
				if (!managed[z])
					continue
				for (i = split("min low high", name); i; i--)
					tell(name[i], mark[z, name[i]] * 1000000 / managed[z])
				tell("batch", batch[z])
				if (above)
					tell("reserve", reserve[z] * 1000000 / above)
				above += managed[z]
			}
		}' /proc/zoneinfo
	echo "kernel:min_free_kbytes:$(cat /proc/sys/vm/min_free_kbytes)"
}

value_of() {
	echo "$2" | tr , '\n' | sed -n "s/^$1://p"
}

# Within 3 percent, or 2, of what they were after a cold boot.
are_alike() {
	for _name in $(echo "$1" | tr , '\n' | sed 's/:[0-9]*$//'); do
		_was=$(value_of "$_name" "$1") _is=$(value_of "$_name" "$2")
		[ $((_is * 100)) -ge $((_was * 97 - 200)) ] && [ $((_is * 100)) -le $((_was * 103 + 200)) ] || return
	done
}

differ() {
	! are_alike "$@"
}

# The kernel computes them anew a moment later.
become_alike() {
	_tries=300
	while ! are_alike "$1" "$(numbers)"; do
		[ $((_tries -= 1)) -gt 0 ] || return
		sleep 0.1
	done
}

export BIG_MIB=3072
case $stage in
1)	numbers=$(numbers)
	halves luo_folios prepare big
	next_kernel B "numbers=$numbers" ;;
2)	came_from A 1
	cold=$(param numbers)
	note "cold: $cold"
	note "held: $(numbers)"
	ok "with most memory preserved they are others" differ "$cold" "$(numbers)"
	halves luo_folios verify big
	ok "with all of it back they are as after a cold boot" become_alike "$cold"
	note "back: $(numbers)"
	pass ;;
esac
