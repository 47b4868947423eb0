// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: the records of the folios of a file, and their
 * checksums.
 *
 * The next kernel reads the records as one vmalloc area, with their checksums
 * behind them. In this kernel the records are in single pages, which are
 * allocated one by one: the records need not be counted first, nor copied.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xxhash.h>

#include "memfd_luo.h"

static int add_page(struct memfd_luo_records *records)
{
	unsigned long max;
	struct page **pages, *page;

	if (records->nr_pages == records->max_pages) {
		max = max(2 * records->max_pages, SMP_CACHE_BYTES / sizeof(page));
		pages = kvrealloc(records->pages, array_size(max, sizeof(page)),
				  GFP_KERNEL_ACCOUNT);
		if (!pages)
			return -ENOMEM;
		records->pages = pages;
		records->max_pages = max;
	}

	/* If the file does not fit into memory, no task is killed for that. */
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL);
	if (!page)
		return -ENOMEM;
	records->pages[records->nr_pages++] = page;
	return 0;
}

static int reserve_bytes(struct memfd_luo_records *records, size_t size)
{
	int err = 0;

	while (!err && PFN_UP(size) > records->nr_pages)
		err = add_page(records);
	return err;
}

/**
 * memfd_luo_records_reserve - make room for more records
 * @records: the records
 * @nr:      how many more
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int memfd_luo_records_reserve(struct memfd_luo_records *records,
			      unsigned long nr)
{
	return reserve_bytes(records, array_size(records->nr + nr,
						 sizeof(struct memfd_luo_folio_ser)));
}

/**
 * memfd_luo_records_free - free records
 * @records: the records, which are not preserved; there are none then
 *
 * Context: may sleep.
 */
void memfd_luo_records_free(struct memfd_luo_records *records)
{
	unsigned long i;

	for (i = 0; i < records->nr_pages; i++) {
		__free_page(records->pages[i]);
		cond_resched();
	}
	kvfree(records->pages);
	*records = (struct memfd_luo_records) {};
}

/**
 * memfd_luo_records_join - copy the records of two sets, in order, into a third
 * @old:    records
 * @new:    records of other folios of the same file
 * @joined: empty; gets all the records
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM: then the caller frees @joined.
 */
int memfd_luo_records_join(const struct memfd_luo_records *old,
			   const struct memfd_luo_records *new,
			   struct memfd_luo_records *joined)
{
	const unsigned long nr = old->nr + new->nr;
	struct memfd_luo_folio_ser *a, *b;
	unsigned long i = 0, j = 0;
	int err;

	err = memfd_luo_records_reserve(joined, nr);
	if (err)
		return err;

	while (joined->nr < nr) {
		a = i < old->nr ? memfd_luo_record_at(old, i) : NULL;
		b = j < new->nr ? memfd_luo_record_at(new, j) : NULL;
		if (!b || (a && a->index < b->index)) {
			*memfd_luo_record_at(joined, joined->nr++) = *a;
			i++;
		} else {
			*memfd_luo_record_at(joined, joined->nr++) = *b;
			j++;
		}
	}
	return 0;
}

/**
 * memfd_luo_page_sum - checksum of a page of records
 * @first: the first record of the page, of the size of a &struct
 *         memfd_luo_folio_ser
 * @nr:    records from there on, in this page and behind it; one at least
 *
 * Return: the checksum.
 */
u64 memfd_luo_page_sum(const void *first, u64 nr)
{
	return xxh64(first, min(nr, MEMFD_LUO_PER_PAGE) *
		     sizeof(struct memfd_luo_folio_ser), 0);
}

/**
 * memfd_luo_page_ok - is a page of records that came in as it was written?
 * @first: the first record of the page, in a restored vmalloc area
 * @nr:    records from there on, in this page and behind it; one at least
 * @sum:   the checksum of the page
 *
 * Return: false also if the memory of the page has failed: then it is not read.
 */
bool memfd_luo_page_ok(const void *first, u64 nr, u64 sum)
{
	return !PageHWPoison(vmalloc_to_page(first)) &&
	       memfd_luo_page_sum(first, nr) == sum;
}

/**
 * memfd_luo_sum - checksum of all records of a file
 * @sums:     of the pages of the array, and of the table of checksums
 * @identity: of the file
 *
 * Return: the checksum.
 */
u64 memfd_luo_sum(const struct memfd_luo_sums *sums, u32 identity)
{
	return xxh64(sums, sizeof(*sums), identity);
}

/**
 * memfd_luo_records_seal - write the checksums of records behind them
 * @records:  the records, one at least, with room for the checksums
 * @identity: of the file, which the checksum begins with
 *
 * Context: may sleep.
 * Return: the checksum of all.
 */
u64 memfd_luo_records_seal(struct memfd_luo_records *records, u32 identity)
{
	const u64 nr_pages = PFN_UP(memfd_luo_array_size(records->nr));
	const u64 nr_sums = memfd_luo_nr_sums(records->nr);
	u64 offset = records->nr * sizeof(struct memfd_luo_folio_ser);
	u64 sum, phys, i, done = 0;
	struct xxh64_state pages, table;
	struct memfd_luo_sums sums;

	xxh64_reset(&table, 0);
	for (i = 0; i < nr_sums; i++, offset += sizeof(sum)) {
		sum = memfd_luo_page_sum(page_address(records->pages[i]),
					 records->nr - done);
		*(u64 *)(page_address(records->pages[offset / PAGE_SIZE]) +
			 offset % PAGE_SIZE) = sum;
		xxh64_update(&table, &sum, sizeof(sum));
		done += MEMFD_LUO_PER_PAGE;
		cond_resched();
	}
	xxh64_reset(&pages, 0);
	for (i = 0; i < nr_pages; i++) {
		phys = page_to_phys(records->pages[i]);
		xxh64_update(&pages, &phys, sizeof(phys));
	}
	sums.pages = xxh64_digest(&pages);
	sums.table = xxh64_digest(&table);
	return memfd_luo_sum(&sums, identity);
}

/**
 * memfd_luo_records_prepare - preserve the memory of records
 * @records:      the records; no more can be added than there is room for
 * @max:          how many records there is to be room for, one at least
 * @preservation: filled in for kho_restore_vmalloc(), and for
 *                kho_unpreserve_vmalloc()
 *
 * Context: may sleep.
 * Return: 0, or an errno of kho_preserve_page_array().
 */
int memfd_luo_records_prepare(struct memfd_luo_records *records,
			      unsigned long max,
			      struct kho_vmalloc *preservation)
{
	const size_t size = memfd_luo_array_size(max);
	int err;

	err = reserve_bytes(records, size);
	if (!err)
		err = kho_preserve_page_array(records->pages, PFN_UP(size),
					      preservation);
	return err;
}

/**
 * memfd_luo_records_preserve - preserve records and their checksums
 * @records:      the records, one at least; no more can be added
 * @identity:     of the file, which the checksum begins with
 * @preservation: filled in for kho_restore_vmalloc(), and for
 *                kho_unpreserve_vmalloc()
 * @sum:          set to the checksum of all
 *
 * Context: may sleep.
 * Return: 0, or an errno of kho_preserve_page_array().
 */
int memfd_luo_records_preserve(struct memfd_luo_records *records, u32 identity,
			       struct kho_vmalloc *preservation, u64 *sum)
{
	int err;

	err = memfd_luo_records_prepare(records, records->nr, preservation);
	if (!err)
		*sum = memfd_luo_records_seal(records, identity);
	return err;
}
