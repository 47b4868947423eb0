# shellcheck shell=sh
# A virtual machine over two updates of its host, with its memory in small pages and in huge ones.
. /tests/selftest.sh

export LAST_STAGE=3

# memfds_are_huge always|never
memfds_are_huge() {
	echo "$1" >/sys/kernel/mm/transparent_hugepage/shmem_enabled
}

case $stage in
1)	ok "KVM is there" test -c /dev/kvm
	halves luo_vmm prepare damaged
	memfds_are_huge never
	halves luo_vmm prepare small
	memfds_are_huge always
	halves luo_vmm prepare huge
	echo 1 >/proc/sys/vm/nr_hugepages
	ok "the next kernel is loaded" load_kernel B
	halves luo_hugetlb_rules prepare called_off_with_guest
	do_kexec ;;
2)	came_from A 1
	halves luo_vmm verify small huge
	next_kernel A ;;
3)	came_from B 2
	halves luo_vmm verify small huge
	pass ;;
esac
