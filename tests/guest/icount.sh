# shellcheck shell=sh
# Counts instructions of a live update, see scripts/icount.
case $stage in
1)	[ "$(param mib)" = 0 ] || note "$(/bin/icount preserve "$(param mib)")"
	load_kernel B || fail "load"
	note "reboot at $(/bin/icount clock)"
	do_kexec ;;
2)	note "init at $(/bin/icount clock)"
	[ "$(param mib)" = 0 ] || note "$(/bin/icount retrieve)"
	pass ;;
esac
