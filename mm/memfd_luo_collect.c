// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: collecting and preserving the folios that a file has,
 * and merging those that it gets later.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "memfd_luo.h"

/**
 * memfd_luo_fits - can so much memory be preserved?
 * @nr_pages: pages of one file, or of all files of a mount
 *
 * Scratch memory cannot, nor can movable memory, which the next kernel may not
 * know of. To preserve more than the rest, pages would be moved there until there
 * is no memory left, and tasks are killed.
 *
 * Return: whether there is so much memory, free or not.
 */
bool memfd_luo_fits(unsigned long nr_pages)
{
	unsigned long room = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone_idx(zone) != ZONE_MOVABLE)
			room += zone_managed_pages(zone) - zone_cma_pages(zone);

	return nr_pages < room;
}

/**
 * memfd_luo_account - count folios as locked memory of the current user
 * @folios: pinned folios; memfd_luo_drop_folios() takes this back
 *
 * Pinned folios are locked memory of the user who has them preserved, as with
 * SHM_LOCK. Folios that the freeze adds are not counted, because the freeze must
 * not fail for the limit.
 *
 * Return: 0, or -ENOMEM if the user is beyond the limit.
 */
int memfd_luo_account(struct memfd_luo_folios *folios)
{
	struct ucounts *ucounts = current_ucounts();
	size_t size = folios->nr_pages << PAGE_SHIFT;

	if (!size || capable(CAP_IPC_LOCK))
		return 0;
	if (!user_shm_lock(size, ucounts))
		return -ENOMEM;
	folios->locked = size;
	folios->ucounts = ucounts;
	return 0;
}

/**
 * memfd_luo_drop_folios - unpreserve and unpin folios, and free their records
 * @folios: the folios; there are none then
 *
 * Context: may sleep.
 */
void memfd_luo_drop_folios(struct memfd_luo_folios *folios)
{
	struct folio *batch[KHO_FOLIO_BATCH] __uninitialized;
	unsigned long i = 0;
	unsigned int nr;

	while (i < folios->records.nr) {
		for (nr = 0; nr < KHO_FOLIO_BATCH && i < folios->records.nr; nr++)
			batch[nr] = pfn_folio(memfd_luo_record_at(&folios->records,
								  i++)->pfn);
		kho_unpreserve_folios(batch, nr);
		memfd_luo_unpin(batch, nr);
		cond_resched();
	}
	memfd_luo_records_free(&folios->records);
	if (folios->locked)
		user_shm_unlock(folios->locked, folios->ucounts);
	*folios = (struct memfd_luo_folios) {};
}

/* Writes the records of @nr folios; the records are in one page. */
static void memfd_luo_write_records(struct memfd_luo_folios *folios,
				    struct folio *const *pinned,
				    unsigned int nr)
{
	struct memfd_luo_folio_ser *ser;
	unsigned long nr_more = 0;
	unsigned int i;

	ser = memfd_luo_record_at(&folios->records, folios->records.nr);
	for (i = 0; i < nr; i++) {
		struct folio *folio = pinned[i];

		/* A folio that is clean now may be written later. */
		ser[i] = (struct memfd_luo_folio_ser) {
			.pfn = folio_pfn(folio),
			.flags = MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE,
			.index = folio->index,
		};
		if (folio_test_large(folio))
			nr_more += folio_nr_pages(folio) - 1;
	}
	folios->records.nr += nr;
	folios->nr_pages += nr + nr_more;
}

/* Preserves @nr pinned folios and writes their records: all or none. */
static int memfd_luo_preserve_batch(struct memfd_luo_folios *folios,
				    struct folio *const *pinned,
				    unsigned int nr)
{
	struct memfd_luo_records *records = &folios->records;
	unsigned int left;
	int err;

	err = memfd_luo_records_reserve(records, nr);
	if (!err)
		err = kho_preserve_folios(pinned, nr);
	if (err)
		return err;

	left = MEMFD_LUO_PER_PAGE - records->nr % MEMFD_LUO_PER_PAGE;
	left = min(left, nr);
	memfd_luo_write_records(folios, pinned, left);
	if (left < nr)
		memfd_luo_write_records(folios, pinned + left, nr - left);
	return 0;
}

/**
 * memfd_luo_collect - pin and preserve folios
 * @inode:  the file
 * @index:  the first page
 * @end:    the page behind the last one
 * @folios: the folios are added to these. On failure those added so far are left
 *          to the caller
 *
 * Context: may sleep.
 * Return: 0; -EINTR if killed; -ENOMEM; -EOPNOTSUPP for memory with tags; or
 * another errno when a folio cannot be pinned or preserved.
 */
int memfd_luo_collect(struct inode *inode, pgoff_t index, pgoff_t end,
		      struct memfd_luo_folios *folios)
{
	struct folio *pinned[KHO_FOLIO_BATCH] __uninitialized;
	unsigned int pin_flags;
	int err = 0;
	long nr;

	/* Swap in to memory where folios can be pinned. */
	pin_flags = memalloc_pin_save();
	while (index < end && !err) {
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}

		nr = memfd_luo_pin(inode, &index, end, pinned);
		if (nr > 0) {
			err = memfd_luo_preserve_batch(folios, pinned, nr);
			if (err)
				memfd_luo_unpin(pinned, nr);
		} else {
			err = nr;
		}
		cond_resched();
	}
	memalloc_pin_restore(pin_flags);
	return err;
}

/* Collects the folios in the gaps between those that are preserved already. */
static int memfd_luo_collect_new(struct inode *inode,
				 const struct memfd_luo_folios *old,
				 struct memfd_luo_folios *new)
{
	pgoff_t end = memfd_luo_end_index(i_size_read(inode));
	const struct memfd_luo_folio_ser *ser;
	pgoff_t index = 0;
	unsigned long i;
	int err;

	for (i = 0; i < old->records.nr; i++) {
		ser = memfd_luo_record_at(&old->records, i);
		if (index < ser->index) {
			err = memfd_luo_collect(inode, index, ser->index, new);
			if (err)
				return err;
		}
		index = ser->index + folio_nr_pages(pfn_folio(ser->pfn));
		cond_resched();
	}
	return memfd_luo_collect(inode, index, end, new);
}

/* Preserves records, and replaces those of @memfd by them. */
static int memfd_luo_replace_records(struct memfd_luo *memfd,
				     struct memfd_luo_records *records)
{
	struct memfd_luo_ser *ser = &memfd->page->ser;
	struct kho_vmalloc preserved;
	int err;

	err = memfd_luo_records_preserve(records, memfd->identity, &preserved,
					 &memfd->sum);
	if (err)
		return err;

	if (memfd->folios.records.nr)
		kho_unpreserve_vmalloc(&ser->folios);
	memfd_luo_records_free(&memfd->folios.records);
	memfd->folios.records = *records;
	ser->folios = preserved;
	ser->nr_folios = records->nr;
	return 0;
}

/* Adds @new to the folios of @memfd. On failure all is as before. */
static int memfd_luo_merge(struct memfd_luo *memfd,
			   struct memfd_luo_folios *new)
{
	struct memfd_luo_records joined = {};
	int err;

	if (memfd->folios.records.nr) {
		err = memfd_luo_records_join(&memfd->folios.records,
					     &new->records, &joined);
		if (!err)
			err = memfd_luo_replace_records(memfd, &joined);
		if (err)
			memfd_luo_records_free(&joined);
		else
			memfd_luo_records_free(&new->records);
	} else {
		err = memfd_luo_replace_records(memfd, &new->records);
	}
	if (!err)
		memfd->folios.nr_pages += new->nr_pages;
	return err;
}

/**
 * memfd_luo_preserve_folios - preserve the folios of a file that are not yet
 * @memfd: the preserved memfd; its folios and its record are updated
 * @inode: the file, whose holes are fixed
 *
 * On failure, no more and no fewer folios are preserved than before.
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 * Return: 0; -EINTR if killed; -ENOMEM; -EOPNOTSUPP for memory with tags; or
 * another errno when a folio cannot be pinned or preserved.
 */
int memfd_luo_preserve_folios(struct memfd_luo *memfd, struct inode *inode)
{
	struct memfd_luo_folios new = {};
	int err;

	err = memfd_luo_collect_new(inode, &memfd->folios, &new);
	if (!err && new.records.nr)
		err = memfd_luo_merge(memfd, &new);
	if (err || !new.records.nr)
		memfd_luo_drop_folios(&new);
	return err;
}

/**
 * memfd_luo_unpreserve_folios - undo memfd_luo_preserve_folios()
 * @memfd: the preserved memfd; its record is not updated
 *
 * Context: may sleep.
 */
void memfd_luo_unpreserve_folios(struct memfd_luo *memfd)
{
	if (memfd->folios.records.nr)
		kho_unpreserve_vmalloc(&memfd->page->ser.folios);
	memfd_luo_drop_folios(&memfd->folios);
}

/**
 * memfd_luo_check_tags - look for preserved folios with tags
 * @folios: preserved folios
 *
 * Folios get tags when they are mapped with PROT_MTE, also while they are pinned.
 * Of use only if memfd_luo_may_have_tags().
 *
 * Context: may sleep.
 * Return: 0, or -EOPNOTSUPP if there are any.
 */
int memfd_luo_check_tags(const struct memfd_luo_folios *folios)
{
	const struct memfd_luo_folio_ser *ser;
	unsigned long i;

	for (i = 0; i < folios->records.nr; i++) {
		ser = memfd_luo_record_at(&folios->records, i);
		if (memfd_luo_has_tags(pfn_folio(ser->pfn)))
			return -EOPNOTSUPP;
		cond_resched();
	}
	return 0;
}
