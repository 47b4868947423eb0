#!/bin/bash
# Huge pages for the memory of services: of hugetlbfs, and transparent ones; what is said where there are too few, or none.
# On a machine that is feigned, see lukeep-machine.bash.
# flavours: none
. "$(dirname "$0")/lukeep-machine.bash"

# pool NR RESERVED: of huge pages of 2 MiB, all of them free
pool() {
	local folder=$machine/root/sys/kernel/mm/hugepages/hugepages-2048kB name

	mkdir -p "$folder"
	for name in nr free resv nr_overcommit surplus; do
		echo 0 >"$folder/${name}_hugepages"
	done
	echo "$1" | tee "$folder/nr_hugepages" >"$folder/free_hugepages"
	echo "$2" >"$folder/resv_hugepages"
}

check() {
	(become "$out/agent/lukeep" check "$conf/$1.conf") >"$said" 2>&1
}

hugepages() {
	local lacking='4 huge pages of 2M are needed and 3 are there: have more, with hugepagesz=2M hugepages='

	pool 5 2
	printf '[service]\nstart = sleep 1000\n[memfd memory]\nkind = memory\nsize = 8M\nhugetlb = 2M\n' >"$conf/huge.conf"
	ok "the declaration is right" check huge
	never "and the pool large enough" says 'are needed'
	boot
	until_true "the service is not started for lack of free ones" logged "huge: memfd memory: $lacking"
	pool 3 0
	check huge
	ok "a check says that the pool is too small" says "memfd memory: $lacking"
	rm -r "$machine/root/sys/kernel/mm/hugepages"
	sed -i 's/2M/64K/' "$conf/huge.conf"
	check huge
	ok "or that there is none" says 'memfd memory: this kernel has no huge pages of 64K'
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || return 0
	sed -i 's/64K/2M/' "$conf/huge.conf"
	pool 4 0
	ok "with enough it can be started" lukeep reload
	until_true "it runs" state_is huge running
	is "$(of_service huge 'memfds[0].hugetlb')" 2097152 "the status tells its pages"
	lukeep status
	ok "in words, too" says 'in huge pages of 2048 KiB'
}

# thp SIZE SETTING: transparent huge pages of this size, none with 0; and whether memfds have any by themselves
thp() {
	local folder=$machine/root/sys/kernel/mm/transparent_hugepage

	mkdir -p "$folder"
	echo "$1" >"$folder/hpage_pmd_size"
	echo "$2" >"$folder/shmem_enabled"
}

transparent() {
	local none='memfd memory: this kernel has no transparent huge pages: take one with CONFIG_TRANSPARENT_HUGEPAGE'

	thp 0 ''
	printf '[service]\nstart = sleep 1000\nsave-signal = TERM\n[memfd memory]\nkind = memory\nsize = 8M\nthp = always\n' >"$conf/thp.conf"
	check thp
	ok "a check says that there are none" says "$none"
	thp 2097152 'always within_size advise never [deny] force'
	check thp
	ok "or that memfds get none" says 'memfd memory: it gets no transparent huge pages: write never'
	thp 2097152 'always within_size advise [never] deny force'
	ok "the default setting is as good as any" check thp
	never "and not complained of" says 'transparent'
	sed 's/8M/1M/' "$conf/thp.conf" >"$machine/small.conf"
	(become "$out/agent/lukeep" check "$machine/small.conf") >"$said" 2>&1
	ok "what is smaller than one is" says 'memfd memory: it is smaller than a transparent huge page, which has 2048 KiB'
	thp 0 ''
	boot
	until_true "without any the service runs all the same" state_is thp running
	until_true "and that is said" logged "thp: $none"
	is "$(of_service thp 'memfds[0].thp')" true "the status tells its pages"
	lukeep status
	ok "in words, too" says 'allocated, thp = always'
	thp 2097152 'always within_size advise [never] deny force'
	sed 's:sleep 1000:/nosuch:' "$conf/thp.conf" >"$conf/nosuch.conf"
	lukeep reload
	until_true "what is wrong with its command is said after its memory is filled" logged 'cannot run "/nosuch"'
	until_true "and its end" logged 'nosuch: the service exited with status 127'
}

scenario hugepages transparent
done_testing
