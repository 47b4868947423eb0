/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds: what its files share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_MEMFD_LUO_H
#define _MM_MEMFD_LUO_H

#include <linux/kho/abi/memfd.h>
#include <linux/math.h>
#include <linux/types.h>

struct inode;

#define MEMFD_LUO_PER_PAGE	(PAGE_SIZE / sizeof(struct memfd_luo_folio_ser))

/**
 * struct memfd_luo_array - the records of the folios of a file that came in
 * @ser:  vmalloc'ed, ascending by index
 * @nr:   how many
 * @sums: a checksum for each page of @ser, behind the records; NULL when all
 *        was checked
 */
struct memfd_luo_array {
	struct memfd_luo_folio_ser *ser;
	u64 nr;
	const u64 *sums;
};

/* How many checksums there are, one for each page of the array's @nr records. */
static inline u64 memfd_luo_nr_sums(u64 nr)
{
	return DIV_ROUND_UP_ULL(nr, MEMFD_LUO_PER_PAGE);
}

/* Of the records in a page of the array. */
u64 memfd_luo_page_sum(const struct memfd_luo_folio_ser *ser, u64 nr, u64 page);

/* memfd_luo_fill.c */
void memfd_luo_fill_begin(struct inode *inode,
			  const struct memfd_luo_array *array);
void memfd_luo_discard(const struct memfd_luo_array *array);

#endif /* _MM_MEMFD_LUO_H */
