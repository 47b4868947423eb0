# shellcheck shell=sh
# What a handler may refuse; above all the freeze: the update is called off, and works the second time.
. /tests/selftest.sh

# An attempt that is called off thaws what it froze, in the opposite order, and nothing else.
thawed_in_reverse() {
	dmesg | sed -n 's/.*luo_test: //p; s/.*luo: .*\(refused\) to freeze.*/\1/p' | awk '
		$1 == "freeze" { frozen[n++] = substr($0, 8) }
		$1 == "refused" { n--; refused++ }
		$1 == "unfreeze" { if (n == 0 || frozen[--n] != substr($0, 10)) bad = 1 }
		END { exit !(refused == 22 && n == 0 && !bad) }'
}

case $stage in
1)	halves luo_handler prepare mixed preserve_fails retrieve_fails busy
	ok "the next kernel is loaded" load_kernel B
	halves luo_handler prepare refused refused_in_use
	is "$(messages 'luo: live update called off')" 22 "a message says each time that the update was called off"
	ok "what was frozen is thawed in reverse" thawed_in_reverse
	no_leaks
	do_kexec ;;
2)	came_from A 1
	halves luo_handler verify mixed preserve_fails retrieve_fails busy refused refused_in_use
	is "$(messages 'luo_test: retrieve retrieve')" 1 "a retrieve that failed is not tried again"
	pass ;;
esac
