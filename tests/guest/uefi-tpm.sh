# shellcheck shell=sh
# What TPM, IMA and a trace instance have told one kernel is there in the next ones; then what update.sh does.
. /tests/selftest.sh

log=/sys/kernel/security/tpm0/binary_bios_measurements
list=/sys/kernel/security/ima/ascii_runtime_measurements
instance=/sys/kernel/tracing/instances/kept

digest() {
	sha256sum | cut -c 1-64
}

# tell NAME=VALUE: to the kernels to come, on their command lines
tell() {
	sed "s/ ${1%%=*}=[^ ]*//; s/\$/ $1/" /proc/cmdline >"/tmp/cmdline.${1%%=*}"
	mount --bind "/tmp/cmdline.${1%%=*}" /proc/cmdline
}

firmware() {
	ok "kernel $stage: EFI's tables are there" test -e /sys/firmware/efi/systab
	is "$(cat /sys/class/tpm/tpm0/tpm_version_major)" 2 "kernel $stage: a TPM 2.0"
	if [ "$stage" = 1 ]; then
		ok "the firmware has logged what it measured" test "$(wc -c <$log)" -gt 1000
		tell "firmware_log=$(digest <$log)"
	fi
	is "$(digest <$log)" "$(param firmware_log)" "kernel $stage: the log of what the firmware measured"
}

# measured LINES: the beginning of IMA's list
measured() {
	echo "$1:$(head -n "$1" "$list" | digest)"
}

# Files that a rule has IMA measure, and no others, are on its list, which grows from kernel to kernel.
ima() {
	_before=$(param measured)
	[ "$stage" = 1 ] || is "$(measured "${_before%:*}")" "$_before" "kernel $stage: what IMA measured in all kernels before"
	echo 'measure func=FILE_CHECK mask=MAY_READ fowner=1234' >/sys/kernel/security/ima/policy
	for _number in $(seq 100); do
		echo "$stage $_number" >"/measured$_number"
		chown 1234 "/measured$_number"
		cat "/measured$_number" >/dev/null
	done
	is "$(grep -c /measured "$list")" $((100 * stage)) "kernel $stage: IMA measures 100 files more"
	tell "measured=$(measured "$(wc -l <$list)")"
}

# traced STAGE: what was traced of one kernel
traced() {
	grep -c "traced by kernel $1\$" "$instance/trace"
}

trace() {
	[ "$stage" = 1 ] || is "$(traced $((stage - 1)))" 10 "kernel $stage: what was traced in the kernel before"
	echo 1 >"$instance/tracing_on"
	for _number in $(seq 10); do
		echo "traced by kernel $stage" >"$instance/trace_marker"
	done
	is "$(traced "$stage")" 10 "kernel $stage: what is traced is in the instance"
}

mount -t securityfs security /sys/kernel/security
firmware
ima
trace

. /tests/update.sh
