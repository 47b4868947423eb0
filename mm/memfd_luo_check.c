// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: checking the record of a memfd that came in, before
 * any memory that it names is restored.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/xxhash.h>

#include "memfd_luo.h"

static bool memfd_luo_ser_ok(const struct memfd_luo_ser *ser)
{
	u64 max = (u64)ser->folios.total_pages *
		  (PAGE_SIZE / sizeof(struct memfd_luo_folio_ser));

	return !ser->flags && !(ser->seals & ~MEMFD_LUO_ALL_SEALS) &&
	       ser->size <= MAX_LFS_FILESIZE && ser->pos <= MAX_LFS_FILESIZE &&
	       (!ser->nr_folios || ser->nr_folios <= max);
}

/* Records without checksums that are still to be checked, and the file's end. */
struct memfd_luo_check {
	u64 nr;
	pgoff_t end;
};

static int memfd_luo_check_records(const void *data, size_t size, void *arg)
{
	const struct memfd_luo_folio_ser *ser = data;
	struct memfd_luo_check *check = arg;
	size_t i, nr = min_t(u64, check->nr, size / sizeof(*ser));
	phys_addr_t phys;

	for (i = 0; i < nr; i++, ser++) {
		phys = PFN_PHYS(ser->pfn);
		if (!ser->pfn)
			continue;
		if (ser->flags & ~(MEMFD_LUO_FOLIO_DIRTY |
				   MEMFD_LUO_FOLIO_UPTODATE) ||
		    ser->index >= check->end ||
		    !(kho_is_preserved(phys, PAGE_SIZE) ||
		      kho_poisoned_folio(phys)))
			return -EINVAL;
	}
	check->nr -= nr;
	return 0;
}

/* The checksums of an array up to @pos, in bytes from the array's begin. */
struct memfd_luo_summing {
	struct xxh64_state pages;
	struct xxh64_state table;
	u64 table_start;
	u64 end;
	u64 pos;
};

static int memfd_luo_sum_pages(const void *data, size_t size, void *arg)
{
	struct memfd_luo_summing *s = arg;

	for (; size && s->pos < s->end; size -= PAGE_SIZE, data += PAGE_SIZE) {
		u64 phys = __pa(data);
		u64 start = max(s->pos, s->table_start);
		u64 end = min(s->pos + PAGE_SIZE, s->end);

		xxh64_update(&s->pages, &phys, sizeof(phys));
		if (start < end && PageHWPoison(virt_to_page(data)))
			return -EINVAL;
		if (start < end)
			xxh64_update(&s->table, data + (start - s->pos),
				     end - start);
		s->pos += PAGE_SIZE;
	}
	return 0;
}

/**
 * memfd_luo_records_sum - the checksum of the records of a file that came in
 * @folios:   the array of records, with their checksums behind the last one
 * @nr:       how many records are used
 * @identity: of the file, which the checksum begins with
 * @sum:      set to the checksum
 *
 * The checksums of the pages of records are not verified here.
 *
 * Context: may sleep.
 * Return: true, or false if the array is damaged.
 */
bool memfd_luo_records_sum(const struct kho_vmalloc *folios, u64 nr,
			   u32 identity, u64 *sum)
{
	struct memfd_luo_summing s = {
		.table_start = nr * sizeof(struct memfd_luo_folio_ser),
		.end = memfd_luo_array_size(nr),
	};
	struct memfd_luo_sums sums;

	*sum = identity;
	if (!nr)
		return true;

	xxh64_reset(&s.pages, 0);
	xxh64_reset(&s.table, 0);
	if (kho_read_vmalloc(folios, memfd_luo_sum_pages, &s) || s.pos < s.end)
		return false;
	sums.pages = xxh64_digest(&s.pages);
	sums.table = xxh64_digest(&s.table);
	*sum = memfd_luo_sum(&sums, identity);
	return true;
}

/* Are the pages of the array, and the checksums in it, as they were written? */
static bool memfd_luo_sum_ok(const struct memfd_luo_page *page, u32 identity)
{
	u64 sum;

	return memfd_luo_records_sum(&page->ser.folios, page->ser.nr_folios,
				     identity, &sum) &&
	       page->sum.magic == MEMFD_LUO_SUM_MAGIC &&
	       page->sum.sum == xxh64(&page->ser, sizeof(page->ser), sum);
}

/* The previous kernel knows no checksums: look at each record. */
static bool memfd_luo_records_ok(const struct memfd_luo_ser *ser)
{
	struct memfd_luo_check check = {
		.nr = ser->nr_folios,
		.end = memfd_luo_end_index(ser->size),
	};

	return !ser->nr_folios ||
	       !kho_read_vmalloc(&ser->folios, memfd_luo_check_records, &check);
}

/**
 * memfd_luo_find_record - find and check the record of a memfd that came in
 * @args: what LUO knows of the memfd
 *
 * Nothing is restored before it is checked: a damaged address may lead to memory
 * of others. The record stays in preserved memory.
 *
 * Context: may sleep. Logs damage.
 * Return: the record, or NULL if it or the list of its records is damaged.
 */
struct memfd_luo_ser *
memfd_luo_find_record(const struct liveupdate_file_op_args *args)
{
	const u64 data = args->serialized_data;
	struct memfd_luo_page *page;

	if (kho_is_preserved(data, sizeof(*page))) {
		page = phys_to_virt(data);
		if (memfd_luo_ser_ok(&page->ser) &&
		    (args->identity ? memfd_luo_sum_ok(page, args->identity) :
				      memfd_luo_records_ok(&page->ser)))
			return &page->ser;
	}

	pr_err("what was handed over of a memfd at %#llx is damaged; its memory stays reserved until the next reboot\n",
	       data);
	return NULL;
}

/**
 * memfd_luo_count - how many pages a memfd that came in is going to have
 * @ser: its record, as found by memfd_luo_find_record()
 *
 * The number has no checksum. It may be reported, as long as the pages are not
 * there, but nothing must rely on it.
 *
 * Return: the number, or 0 if the previous kernel did not tell.
 */
u64 memfd_luo_count(const struct memfd_luo_ser *ser)
{
	const struct memfd_luo_page *page = (const void *)ser;
	const u64 nr = page->count.nr_pages;

	if (page->count.magic != MEMFD_LUO_COUNT_MAGIC ||
	    nr < ser->nr_folios ||
	    nr > memfd_luo_end_index(ser->size) + BIT(MAX_PAGECACHE_ORDER))
		return 0;
	return nr;
}
