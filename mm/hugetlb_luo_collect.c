// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: bringing the folios of a file to where they
 * can stay, and pinning and preserving them there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_hooks.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "internal.h"
#include "hugetlb_luo.h"

/* Folios are handled so many at a time. */
#define NR_BATCH	64
static_assert(NR_BATCH <= KHO_FOLIO_BATCH);

/*
 * So many ticks a folio may keep us waiting that is being migrated by others. A
 * folio that cannot be migrated at all would do so for ever.
 */
#define NR_TRIES	64

static bool is_in_scratch(struct folio *folio)
{
	const phys_addr_t start = PFN_PHYS(folio_pfn(folio));
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		if (start < areas[i].addr + areas[i].size &&
		    areas[i].addr < start + folio_size(folio))
			return true;
	return false;
}

/*
 * A poisoned page is copied nowhere. A gigantic one cannot be moved but to another
 * of the pool, which may be in such memory as well. So say what to do about it.
 */
static int check_place(struct folio *folio)
{
	if (folio_test_hwpoison(folio) && is_in_scratch(folio)) {
		pr_warn_ratelimited("a poisoned huge page in scratch memory cannot be preserved; punch a hole in its file there\n");
		return -EOPNOTSUPP;
	}
	if (folio_order(folio) <= MAX_PAGE_ORDER)
		return 0;
	if (is_in_scratch(folio)) {
		pr_warn_ratelimited("a gigantic page in scratch memory cannot be preserved; boot cold to have all of them elsewhere\n");
		return -EOPNOTSUPP;
	}
	if (is_migrate_cma_page(&folio->page)) {
		pr_warn_ratelimited("a gigantic page of hugetlb_cma= cannot be preserved; allocate gigantic pages by hugepages=\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Pins a folio if it is still in the file: from then on it is not migrated.
 * Returns -EAGAIN if it is not. The caller's reference becomes the pin's. As
 * try_grab_folio(), but the statistics are left to count_pins().
 */
static int pin_folio(struct address_space *mapping, struct folio *folio)
{
	int err = -EAGAIN;

	folio_lock(folio);
	if (folio->mapping == mapping && folio_test_uptodate(folio)) {
		err = check_place(folio);
		if (!err)
			atomic_inc(&folio->_pincount);
	}
	folio_unlock(folio);
	return err;
}

/*
 * Gets references to the next folios from @start up to @end. Returns how many.
 * Unlike filemap_get_folios(), this does not look at each slot of a folio. The lock
 * of the page cache keeps the folios in the file.
 */
static unsigned int get_folios(struct address_space *mapping, pgoff_t start,
			       pgoff_t end, struct folio **folios)
{
	XA_STATE(xas, &mapping->i_pages, start);
	struct folio *folio;
	unsigned int nr = 0;

	xas_lock_irq(&xas);
	xas_for_each(&xas, folio, end - 1) {
		folio_get(folio);
		folios[nr++] = folio;
		if (nr == NR_BATCH)
			break;
		xas_advance(&xas, folio_next_index(folio) - 1);
	}
	xas_unlock_irq(&xas);
	return nr;
}

/* How many of the folios from the first one on are on its node? Most often all. */
static unsigned int nr_on_node(struct folio **folios, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (folio_nid(folios[i]) != folio_nid(folios[0]))
			break;
	return i;
}

static void count_pins(struct folio **folios, unsigned int nr)
{
	unsigned int i, run;

	for (i = 0; i < nr; i += run) {
		run = nr_on_node(&folios[i], nr - i);
		mod_node_page_state(folio_pgdat(folios[i]),
				    NR_FOLL_PIN_ACQUIRED, run);
	}
}

/*
 * Pins the next folios from *@start up to @end, moves them to where they can stay,
 * and moves *@start behind them. Returns how many; 0 to be called again; or an
 * errno.
 */
static long pin_next(struct inode *inode, pgoff_t *start, pgoff_t end,
		     struct folio **pinned)
{
	struct address_space *mapping = inode->i_mapping;
	const unsigned int found = get_folios(mapping, *start, end, pinned);
	pgoff_t next = found ? *start : end;
	bool can_stay = true;
	unsigned int i, j;
	long err = 0;

	for (i = 0; i < found; i++) {
		err = pin_folio(mapping, pinned[i]);
		if (err)
			break;
		can_stay &= folio_is_longterm_pinnable(pinned[i]);
		next = folio_next_index(pinned[i]);
	}
	/* Migration, below, fails if there are more references than the pins. */
	for (j = i; j < found; j++)
		folio_put(pinned[j]);
	count_pins(pinned, i);

	/* Moves them out of scratch. If this returns not 0, it has unpinned all. */
	if (i)
		err = can_stay ? 0 :
		      check_and_migrate_movable_folios(i, pinned,
						       __GFP_RETRY_MAYFAIL);
	if (err)
		return err == -EAGAIN ? 0 : err;
	*start = next;
	return i;
}

static void write_records(struct hugetlb_luo *hl, struct folio **pinned,
			  unsigned int nr)
{
	const unsigned long first = hl->records.nr;
	unsigned int i;

	for (i = 0; i < nr; i++)
		*memfd_luo_record_at(&hl->records, first + i) =
			(struct memfd_luo_folio_ser) {
				.pfn = folio_pfn(pinned[i]),
				.index = pinned[i]->index,
			};
	hl->records.nr += nr;
}

/* Counts the first @nr of folios, or takes them back if @sign is negative. */
static int count_folios(const struct hugetlb_luo *hl, struct folio **folios,
			unsigned int nr, long sign)
{
	unsigned int i, run;
	int err;

	for (i = 0; i < nr; i += run) {
		run = nr_on_node(&folios[i], nr - i);
		err = hugetlb_luo_count(hl->order, folio_nid(folios[i]),
					sign * (long)run);
		if (err) {
			count_folios(hl, folios, i, -sign);
			return err;
		}
	}
	return 0;
}

/* Preserves @nr pinned folios and writes their records: all or none. */
static int preserve_batch(struct hugetlb_luo *hl, struct folio **pinned,
			  unsigned int nr)
{
	int err;

	/* First of all it tells which folios are preserved already. */
	err = kho_preserve_folios(pinned, nr);
	if (err)
		return err;
	err = hl->records.nr + nr > hl->max ? -ENOSPC :
	      count_folios(hl, pinned, nr, 1);
	if (err) {
		kho_unpreserve_folios(pinned, nr);
		return err;
	}
	write_records(hl, pinned, nr);
	return 0;
}

/* Unpins the folios if they cannot be preserved. */
static int preserve_all(struct hugetlb_luo *hl, struct folio **pinned,
			unsigned int nr)
{
	int err = preserve_batch(hl, pinned, nr);

	if (err)
		unpin_folios(pinned, nr);
	return err;
}

/*
 * As preserve_all(), but leaves out the folios that are preserved already. These
 * are ours: nobody else preserves folios that are in this file.
 */
static int preserve_new(struct hugetlb_luo *hl, struct folio **pinned,
			unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr; i++) {
		if (!err)
			err = preserve_batch(hl, &pinned[i], 1);
		if (err)
			unpin_folio(pinned[i]);
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

/* The next folio was just moved, or is to be. */
static int wait_for_folio(unsigned int *tries)
{
	if (++*tries > NR_TRIES)
		return -EBUSY;
	if (*tries > 1)
		schedule_timeout_uninterruptible(1);
	return 0;
}

/**
 * hugetlb_luo_collect - pin and preserve the folios of a file that are not yet
 * @hl:    the preserved file, with room for records; gets those of its folios
 * @inode: the file, whose holes are fixed
 *
 * On failure the folios that were preserved until then are among those of @hl.
 *
 * Context: may sleep. Takes folio locks.
 * Return: 0; -EINTR if killed; -ENOMEM if a folio cannot be moved out of scratch
 * memory, because there is neither a free huge page elsewhere nor memory for one;
 * -EBUSY if it is never left alone; -EOPNOTSUPP, with a message, if a folio can
 * neither stay nor be moved; or an errno of kho_preserve_folios().
 */
int hugetlb_luo_collect(struct hugetlb_luo *hl, struct inode *inode)
{
	const pgoff_t end = memfd_luo_end_index(i_size_read(inode));
	const bool all_new = !hl->records.nr;
	struct folio *pinned[NR_BATCH] __uninitialized;
	unsigned int pin_flags, tries = 0;
	pgoff_t index = 0;
	int err = 0;
	long nr;

	/* Migrate to memory where folios can be pinned. */
	pin_flags = memalloc_pin_save();
	while (index < end && !err) {
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		nr = pin_next(inode, &index, end, pinned);
		if (nr < 0)
			err = nr;
		else if (nr)
			err = all_new ? preserve_all(hl, pinned, nr) :
					preserve_new(hl, pinned, nr);
		else if (index < end)
			err = wait_for_folio(&tries);
		if (nr)
			tries = 0;
		cond_resched();
	}
	memalloc_pin_restore(pin_flags);
	return err;
}

/**
 * hugetlb_luo_make_room - make room for the records of all folios of a file
 * @hl:    the preserved file
 * @inode: the file, whose size is fixed
 *
 * The freeze, which must not fail for lack of memory, allocates none for records
 * then.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int hugetlb_luo_make_room(struct hugetlb_luo *hl, struct inode *inode)
{
	const u64 pages = min_t(u64, memfd_luo_end_index(i_size_read(inode)),
				max_pfn);

	hl->max = DIV_ROUND_UP_ULL(pages, 1UL << hl->order);
	if (!hl->max)
		return 0;
	return memfd_luo_records_prepare(&hl->records, hl->max,
					 &hl->ser->folios);
}

/**
 * hugetlb_luo_drop - undo hugetlb_luo_collect() and hugetlb_luo_make_room()
 * @hl: the preserved file
 *
 * Context: may sleep.
 */
void hugetlb_luo_drop(struct hugetlb_luo *hl)
{
	struct folio *batch[NR_BATCH] __uninitialized;
	unsigned long i = 0;
	unsigned int nr;

	while (i < hl->records.nr) {
		for (nr = 0; nr < NR_BATCH && i < hl->records.nr; nr++, i++)
			batch[nr] = pfn_folio(memfd_luo_record_at(&hl->records,
								  i)->pfn);
		count_folios(hl, batch, nr, -1);
		kho_unpreserve_folios(batch, nr);
		unpin_folios(batch, nr);
		cond_resched();
	}
	if (hl->max)
		kho_unpreserve_vmalloc(&hl->ser->folios);
	memfd_luo_records_free(&hl->records);
}
