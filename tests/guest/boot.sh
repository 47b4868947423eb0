# shellcheck shell=sh
case $stage in
1)	is "$(uname -r | tail -c 3)" -A "kernel A boots"
	next_kernel B ;;
2)	is "$(uname -r | tail -c 3)" -B "kernel A gives way to kernel B"
	next_kernel A ;;
3)	is "$(uname -r | tail -c 3)" -A "kernel B gives way to kernel A"
	pass ;;
esac
