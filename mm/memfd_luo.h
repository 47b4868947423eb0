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
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/types.h>

struct inode;
struct kho_vmalloc;

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

/* Bytes of an array of @nr records with a checksum for each page of them. */
static inline size_t memfd_luo_array_size(u64 nr)
{
	return size_add(array_size(nr, sizeof(struct memfd_luo_folio_ser)),
			array_size(memfd_luo_nr_sums(nr), sizeof(u64)));
}

/* memfd_luo_records.c */

/**
 * struct memfd_luo_records - records of a file's folios, ascending by index
 * @pages:     what they are in
 * @nr_pages:  how many there are
 * @max_pages: that fit @pages
 * @nr:        records in use
 */
struct memfd_luo_records {
	struct page **pages;
	unsigned long nr_pages;
	unsigned long max_pages;
	unsigned long nr;
};

static inline struct memfd_luo_folio_ser *
memfd_luo_record_at(const struct memfd_luo_records *records, unsigned long i)
{
	struct memfd_luo_folio_ser *first;

	first = page_address(records->pages[i / MEMFD_LUO_PER_PAGE]);
	return first + i % MEMFD_LUO_PER_PAGE;
}

int memfd_luo_records_reserve(struct memfd_luo_records *records,
			      unsigned long nr);
void memfd_luo_records_free(struct memfd_luo_records *records);
int memfd_luo_records_preserve(struct memfd_luo_records *records, u32 identity,
			       struct kho_vmalloc *preservation, u64 *sum);

/* Of a page of records, of which @nr follow from its begin on. */
u64 memfd_luo_page_sum(const struct memfd_luo_folio_ser *ser, u64 nr);
u64 memfd_luo_sum(const struct memfd_luo_sums *sums, u32 identity);

/* memfd_luo_fill.c */
void memfd_luo_fill_begin(struct inode *inode,
			  const struct memfd_luo_array *array, u64 nr_pages);
void memfd_luo_discard(const struct memfd_luo_array *array);

#endif /* _MM_MEMFD_LUO_H */
