# shellcheck shell=sh
# A virtual machine over a live update. scripts/demo makes a story of what is reported here, its guest's console among it.

. /tests/machine.sh

console=/run/vm1.fifo

moments
report "demo: kernel $(uname -r)"
make_bridge
declare_machine vm1 1
sed -i "s:/run/vm1.console:$console:" /etc/lukeep/vm1.conf
rm /etc/lukeep/memcached.conf
mkfifo $console
while :; do
	while read -r line; do
		read -r uptime _ </proc/uptime
		echo "vm1 at $uptime s: $line" >/dev/ttyS1
		echo "$line" >>/run/vm1.console
	done <$console
done &
lukeep run >/dev/ttyS1 2>&1 &

case $stage in
1)	until_true "the guest has booted" further vm1 8 4 1
	report "demo: $(grep ShmemHugePages /proc/meminfo)"
	make_initrd
	lukeep update --kernel /boot/kernel-B --initrd /tmp/initrd --reuse-cmdline --append stage=2
	fail "lukeep update came back with status $?" ;;
2)	until_true "the guest goes on" further vm1 0 0 0
	goes_on vm1
	pass ;;
esac
