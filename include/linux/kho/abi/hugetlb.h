/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of preserved files of hugetlbfs, and of their part of the pools of
 * huge pages.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_HUGETLB_H
#define _LINUX_KHO_ABI_HUGETLB_H

#include <linux/build_bug.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define HUGETLB_LUO_FH_COMPATIBLE	"memfd-hugetlb-lts-v1"

/**
 * struct hugetlb_luo_ser - a file of hugetlbfs
 * @pos:       file position at the time of the freeze
 * @size:      bytes
 * @seals:     F_SEAL_*
 * @order:     of the huge pages of the file
 * @nr_folios: entries of @folios that are used
 * @folios:    vmalloc array of &struct memfd_luo_folio_ser, in no order, with
 *             flags 0, and an index of base pages; it may have room for more.
 *             Not set when the file has no room for a folio
 * @sum:       XXH64 of what is before it, whose seed is the XXH64 of &struct
 *             memfd_luo_sums, whose seed is the identity of the file. Without
 *             folios, the identity is the only seed
 *
 * The checksums of the records are behind the last one that is used. These, and
 * the identity of the file, are as for memfds, see &struct memfd_luo_sum_ser.
 */
struct hugetlb_luo_ser {
	u64 pos;
	u64 size;
	u32 seals;
	u32 order;
	u64 nr_folios;
	struct kho_vmalloc folios;
	u64 sum;
} __packed;

static_assert(sizeof(struct hugetlb_luo_ser) == 56);
static_assert(offsetof(struct hugetlb_luo_ser, size) == 8);
static_assert(offsetof(struct hugetlb_luo_ser, seals) == 16);
static_assert(offsetof(struct hugetlb_luo_ser, order) == 20);
static_assert(offsetof(struct hugetlb_luo_ser, nr_folios) == 24);
static_assert(offsetof(struct hugetlb_luo_ser, folios) == 32);
static_assert(offsetof(struct hugetlb_luo_ser, sum) == 48);

/*
 * How many huge pages are handed over: shared state of the files, and a subtree
 * of the same name, which early boot can read.
 */
#define HUGETLB_LUO_POOL_NAME		"hugetlb-pool-lts-v1"
#define HUGETLB_LUO_POOL_NAME_LENGTH	32

/**
 * struct hugetlb_luo_count_ser - how many huge pages there are
 * @order: of each
 * @nid:   NUMA node that they are on, by its number in the kernel that wrote this
 * @nr:    how many
 */
struct hugetlb_luo_count_ser {
	u32 order;
	u32 nid;
	u64 nr;
} __packed;

static_assert(sizeof(struct hugetlb_luo_count_ser) == 16);
static_assert(offsetof(struct hugetlb_luo_count_ser, nid) == 4);
static_assert(offsetof(struct hugetlb_luo_count_ser, nr) == 8);

#define HUGETLB_LUO_COUNTS_MAX		253

/**
 * struct hugetlb_luo_pool_ser - the huge pages of all preserved files
 * @compatible: HUGETLB_LUO_POOL_NAME, padded with NUL
 * @sum:        XXH64, seed 0, of @nr and of the entries of @counts that are used
 * @nr:         entries of @counts that are used
 * @counts:     at most one for each order and node
 */
struct hugetlb_luo_pool_ser {
	char compatible[HUGETLB_LUO_POOL_NAME_LENGTH];
	u64 sum;
	u64 nr;
	struct hugetlb_luo_count_ser counts[HUGETLB_LUO_COUNTS_MAX];
} __packed;

static_assert(sizeof(struct hugetlb_luo_pool_ser) == 4096);
static_assert(offsetof(struct hugetlb_luo_pool_ser, sum) == 32);
static_assert(offsetof(struct hugetlb_luo_pool_ser, nr) == 40);
static_assert(offsetof(struct hugetlb_luo_pool_ser, counts) == 48);

#endif /* _LINUX_KHO_ABI_HUGETLB_H */
