# shellcheck shell=sh
# For the scripts about areas of reserve_mem=.

# The kernel messages about areas that match a pattern.
area_messages() {
	messages "KHO: reserve_mem: $1"
}

# address NAME
address() {
	dmesg | sed -n "s/.*KHO: reserve_mem: $1 at \(0x[0-9a-f]*\) survives kexec.*/\1/p"
}

# addresses NAME...
addresses() {
	for _name; do
		printf '%s:%s,' "$_name" "$(address "$_name")"
	done
}

# dump NAME PAGES
dump() {
	dd if=/dev/mem bs=4096 skip=$(($(address "$1") / 4096)) count="$2" 2>/dev/null
}

# fill NAME PAGES
fill() {
	dd if=/dev/urandom of=/dev/mem bs=4096 seek=$(($(address "$1") / 4096)) count="$2" conv=notrunc 2>/dev/null
}

# with_areas PARAMETER...: these instead of all other areas on the command lines of the kernels to come
with_areas() {
	sed 's/ reserve_mem=[^ ]*//g' /proc/cmdline >/tmp/words
	echo "$(cat /tmp/words) $*" >"/tmp/cmdline$stage"
	mount --bind "/tmp/cmdline$stage" /proc/cmdline
}
