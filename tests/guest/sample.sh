# shellcheck shell=sh
# The sample driver, as a module: loaded late in the next kernel, held while its files are in a session.
. /tests/selftest.sh

MODULE=/lib/modules/$(uname -r)/luo_sample.ko
export MODULE

case $stage in
1)	ok "the sample is loaded" insmod "$MODULE"
	halves luo_sample prepare channels
	ok "the sample cannot be unloaded while its files are preserved" test "$(rmmod luo_sample 2>&1; echo $?)" != 0
	next_kernel B ;;
2)	came_from A 1
	halves luo_sample verify channels
	is "$(messages 'luo_sample: a channel came through update number 1$')" 2 "both channels find what they share"
	halves luo_sample prepare channels
	next_kernel A ;;
3)	came_from B 2
	halves luo_sample verify channels
	is "$(messages 'luo_sample: a channel came through update number 2$')" 2 "what they share counts updates"
	ok "the sample can be unloaded when all is finished" rmmod luo_sample
	pass ;;
esac
