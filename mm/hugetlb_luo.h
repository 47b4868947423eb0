/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of files of hugetlbfs: what its files share, under the file that
 * defines it, from below. A file calls only files that stand above it here.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_HUGETLB_LUO_H
#define _MM_HUGETLB_LUO_H

#include <linux/hugetlb.h>
#include <linux/kho/abi/hugetlb.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/xxhash.h>

#include "memfd_luo.h"

struct folio;
struct inode;
struct liveupdate_file_handler;
struct liveupdate_file_op_args;

/* The checksum of a record; @seed is that of the records of its folios. */
static inline u64 hugetlb_luo_sum(const struct hugetlb_luo_ser *ser, u64 seed)
{
	return xxh64(ser, offsetof(struct hugetlb_luo_ser, sum), seed);
}

/* hugetlb_luo_pool.c */
struct hstate *hugetlb_luo_hstate(unsigned int order);
bool hugetlb_luo_pool_ok(const struct hugetlb_luo_pool_ser *ser);
void hugetlb_luo_take(struct hstate *h, int nid);
void hugetlb_luo_settle(void);

/* hugetlb_luo_poison.h, a part of mm/memory-failure.c */
#ifdef CONFIG_MEMORY_FAILURE
void hugetlb_luo_adopt_poison(struct folio *folio);
#else
static inline void hugetlb_luo_adopt_poison(struct folio *folio) { }
#endif

/* hugetlb_luo_insert.h, a part of mm/hugetlb.c */
struct folio *hugetlb_luo_restore(struct hstate *h, phys_addr_t phys);
void hugetlb_luo_prepare(struct hstate *h, struct folio *folio,
			 struct list_head *folios);
void hugetlb_luo_adopt(struct hstate *h, struct list_head *folios);
int hugetlb_luo_insert(struct inode *inode, struct folio *folio, pgoff_t index);

/* hugetlb_luo_flb.c */
int hugetlb_luo_count(unsigned int order, int nid, long nr);
int hugetlb_luo_flb_register(struct liveupdate_file_handler *fh);

/* hugetlb_luo_freeze.c */
int hugetlb_luo_set_preserved(struct inode *inode);
void hugetlb_luo_clear_preserved(struct inode *inode);
bool hugetlb_luo_set_frozen(struct inode *inode, unsigned long nr_pages);
void hugetlb_luo_clear_frozen(struct inode *inode);
void hugetlb_luo_set_lost(struct inode *inode);

/* hugetlb_luo_collect.c */

/**
 * struct hugetlb_luo - a preserved file of hugetlbfs
 * @ser:      its record, in preserved memory
 * @records:  those of its folios, which are preserved and pinned
 * @max:      so many records there is room for; the room is preserved
 * @order:    of its folios
 * @identity: of the file, which the checksum begins with
 */
struct hugetlb_luo {
	struct hugetlb_luo_ser *ser;
	struct memfd_luo_records records;
	unsigned long max;
	unsigned int order;
	u32 identity;
};

int hugetlb_luo_make_room(struct hugetlb_luo *hl, struct inode *inode);
int hugetlb_luo_collect(struct hugetlb_luo *hl, struct inode *inode);
void hugetlb_luo_drop(struct hugetlb_luo *hl);

/* hugetlb_luo_retrieve.c */
int hugetlb_luo_retrieve(struct liveupdate_file_op_args *args);
void hugetlb_luo_finish(struct liveupdate_file_op_args *args);

#endif /* _MM_HUGETLB_LUO_H */
