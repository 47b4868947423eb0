# shellcheck shell=sh
# Many files in one session, many sessions.
. /tests/selftest.sh

export FILES=20000 SESSIONS=2000
# As much as the debug kernel, emulated, does in a minute or two.
if [ "$flavour" = debug ]; then
	FILES=2000 SESSIONS=500
fi

case $stage in
1)	halves luo_update prepare many_files many_sessions
	is "$(wc -l </sys/kernel/debug/liveupdate/out/files)" $((FILES + SESSIONS)) "debugfs shows all files"
	no_leaks
	next_kernel B ;;
2)	came_from A 1
	halves luo_update verify many_files many_sessions
	pass ;;
esac
