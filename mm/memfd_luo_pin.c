// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: bringing the folios of a file to where they can stay,
 * and pinning them there.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/shmem_fs.h>

#ifdef CONFIG_ARM64_MTE
#include <asm/mte.h>
#endif

#include "internal.h"
#include "memfd_luo.h"

/*
 * A substitute is a page that is preserved in place of a lost one. It is in no
 * file; the other pinned folios stay in the page cache while they are pinned.
 */
static bool memfd_luo_is_substitute(struct folio *folio)
{
	return !folio->mapping;
}

/**
 * memfd_luo_unpin - unpin folios, and free those that are in no file
 * @pinned: the folios
 * @nr:     how many
 *
 * Context: may sleep.
 */
void memfd_luo_unpin(struct folio **pinned, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if (memfd_luo_is_substitute(pinned[i]))
			kho_poison_del(folio_pfn(pinned[i]));
	unpin_folios(pinned, nr);
}

/*
 * Where the folios of a batch are: their node, and the last page block in which
 * folios can be pinned. A page block has its struct pages next to each other.
 */
struct memfd_luo_place {
	struct page *pageblock;
	int nid;
};

/* Most often a folio is in the page block of the one before. */
static bool memfd_luo_can_stay(struct folio *folio, struct memfd_luo_place *place)
{
	struct page *page = folio_page(folio, 0);

	if (page >= place->pageblock &&
	    page < place->pageblock + pageblock_nr_pages)
		return true;
	if (place->nid != NUMA_NO_NODE && place->nid != folio_nid(folio))
		return false;
	if (!folio_is_longterm_pinnable(folio))
		return false;
	place->pageblock = pfn_to_page(pageblock_start_pfn(folio_pfn(folio)));
	place->nid = folio_nid(folio);
	return true;
}

/*
 * As try_grab_folio() with FOLL_PIN, but the caller updates the statistics, once
 * for a batch, and need not hold a reference: the lock of the page cache is
 * enough.
 */
static void memfd_luo_add_pin(struct folio *folio)
{
	if (folio_test_large(folio)) {
		folio_ref_inc(folio);
		atomic_inc(&folio->_pincount);
	} else {
		folio_ref_add(folio, GUP_PIN_COUNTING_BIAS);
	}
}

static void memfd_luo_drop_pin(struct folio *folio)
{
	if (folio_test_large(folio)) {
		atomic_dec(&folio->_pincount);
		folio_ref_dec(folio);
	} else {
		folio_ref_sub(folio, GUP_PIN_COUNTING_BIAS);
	}
}

#ifdef CONFIG_ARM64_MTE
static bool memfd_luo_page_has_tags(struct page *page)
{
	return page_mte_tagged(page);
}
#else
static bool memfd_luo_page_has_tags(struct page *page)
{
	return false;
}
#endif

/**
 * memfd_luo_has_tags - does a folio have memory with tags?
 * @folio: the folio, which is pinned or locked
 *
 * Return: whether one of its pages was mapped with PROT_MTE.
 */
bool memfd_luo_has_tags(struct folio *folio)
{
	long i, nr;

	if (!memfd_luo_may_have_tags())
		return false;
	nr = folio_nr_pages(folio);
	for (i = 0; i < nr; i++) {
		if (memfd_luo_page_has_tags(folio_page(folio, i)))
			return true;
	}
	return false;
}

/* Are the contents of the folio in place, and is the folio unlocked? */
static bool memfd_luo_is_at_rest(struct folio *folio)
{
	const unsigned long flags = READ_ONCE(folio->flags);

	return (flags & (BIT(PG_uptodate) | BIT(PG_locked))) ==
	       BIT(PG_uptodate);
}

/*
 * Pins a folio if it can stay as it is and where it is. The caller holds the
 * lock of the page cache.
 */
static bool memfd_luo_pin_ready(struct folio *folio,
				struct memfd_luo_place *place)
{
	if (xa_is_value(folio))
		return false;

	memfd_luo_add_pin(folio);
	/*
	 * Swap-out, collapse, split and migration lock the folio first, and
	 * check its references then: they see the pin, or we see the lock.
	 */
	smp_mb__after_atomic();
	if (memfd_luo_is_at_rest(folio) && !memfd_luo_has_tags(folio) &&
	    memfd_luo_can_stay(folio, place))
		return true;

	memfd_luo_drop_pin(folio);
	return false;
}

/*
 * Pins the next folios from *@start up to @end, as long as they can stay as they
 * are and are on one node, and moves *@start behind them. Returns how many.
 */
static unsigned int memfd_luo_pin_all_ready(struct address_space *mapping,
					    pgoff_t *start, pgoff_t end,
					    struct folio **pinned)
{
	struct memfd_luo_place place = { .nid = NUMA_NO_NODE };
	XA_STATE(xas, &mapping->i_pages, *start);
	unsigned int nr = 0;
	struct folio *folio;

	xas_lock_irq(&xas);
	xas_for_each(&xas, folio, end - 1) {
		if (!memfd_luo_pin_ready(folio, &place))
			break;
		pinned[nr++] = folio;
		if (nr == KHO_FOLIO_BATCH)
			break;
	}
	xas_unlock_irq(&xas);
	if (!nr)
		return 0;

	*start = folio_next_index(pinned[nr - 1]);
	node_stat_mod_folio(pinned[0], NR_FOLL_PIN_ACQUIRED, nr);
	return nr;
}

/*
 * Pins @folio if it is still in the file and has its contents in place: from
 * then on it can neither be swapped out nor split nor replaced. Returns -EAGAIN
 * if it is not, and -EHWPOISON if it is poisoned and cannot stay where it is. The
 * caller holds a reference.
 */
static int memfd_luo_try_pin(struct address_space *mapping, struct folio *folio)
{
	int err = -EAGAIN;

	if (xa_is_value(folio))
		return err;

	/* Swap-out and collapse work on the locked folio. */
	folio_lock(folio);
	if (folio->mapping == mapping && folio_test_uptodate(folio)) {
		if (folio_contain_hwpoisoned_page(folio) &&
		    !folio_is_longterm_pinnable(folio))
			err = -EHWPOISON;
		else if (memfd_luo_has_tags(folio))
			err = -EOPNOTSUPP;
		else
			err = try_grab_folio(folio, 1, FOLL_PIN);
	}
	folio_unlock(folio);
	return err;
}

/* Allocates a page, adds it to the list of poisoned pages, and pins it. */
static int memfd_luo_pin_substitute(pgoff_t index, struct folio **pinned)
{
	struct folio *folio = folio_alloc(GFP_USER | __GFP_ZERO, 0);
	int err;

	if (!folio)
		return -ENOMEM;

	folio->index = index;
	/* If it is not in the list, it is a page full of zeroes there. */
	err = kho_poison_add(folio_pfn(folio)) ? -EIO : 0;
	if (!err) {
		memfd_luo_add_pin(folio);
		node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, 1);
		*pinned = folio;
	}
	/* From here on it has the pin's reference only. */
	folio_put(folio);
	return err;
}

/*
 * A poisoned folio cannot be moved to where it may be preserved, since its
 * contents are lost. So pin another page in its place, which counts as poisoned.
 * In a huge folio only the poisoned page is lost: split the folio, and return
 * -EAGAIN.
 */
static int memfd_luo_pin_lost(struct address_space *mapping,
			      struct folio *folio, struct folio **pinned)
{
	int err = -EAGAIN;

	folio_lock(folio);
	if (folio->mapping == mapping) {
		if (!folio_test_large(folio))
			err = memfd_luo_pin_substitute(folio->index, pinned);
		else if (split_folio(folio))
			err = -EBUSY;
	}
	folio_unlock(folio);
	return err;
}

/*
 * Swaps in what belongs at @index, or zeroes a folio that was allocated and
 * never written. Returns -ENOENT for a hole.
 */
static int memfd_luo_make_ready(struct inode *inode, pgoff_t index)
{
	struct folio *folio;
	int err;

	err = shmem_get_folio(inode, index, 0, &folio, SGP_NOALLOC);
	if (err)
		return err;
	folio_unlock(folio);
	folio_put(folio);
	return 0;
}

/*
 * Pins folios up to the first that cannot be, and moves *@next behind them.
 * Returns how many, and in *@err why the next one cannot be.
 */
static unsigned int memfd_luo_pin_batch(struct address_space *mapping,
					struct folio_batch *fbatch,
					struct folio **pinned, pgoff_t *next,
					long *err)
{
	unsigned int i;

	for (i = 0; i < folio_batch_count(fbatch); i++) {
		pinned[i] = fbatch->folios[i];
		*err = memfd_luo_try_pin(mapping, pinned[i]);
		if (*err)
			break;
		*next = folio_next_index(pinned[i]);
	}
	if (!i && *err == -EHWPOISON) {
		*err = memfd_luo_pin_lost(mapping, fbatch->folios[0], pinned);
		if (!*err)
			*next = folio_next_index(pinned[i++]);
	}
	return i;
}

/*
 * Pins the next folios from *@start up to @end, waits for each until it can be
 * pinned, moves them to where they can stay, and moves *@start behind them.
 * Returns how many; 0 when the caller has to try again; or an errno.
 */
static long memfd_luo_pin_others(struct inode *inode, pgoff_t *start,
				 pgoff_t end, struct folio **pinned)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t indices[PAGEVEC_SIZE];
	struct folio_batch fbatch;
	unsigned int i, nr;
	pgoff_t next = *start;
	long err = 0;

	folio_batch_init(&fbatch);
	nr = find_get_entries(mapping, &next, end - 1, &fbatch, indices);
	i = memfd_luo_pin_batch(mapping, &fbatch, pinned, &next, &err);
	/* Migration, below, fails if there are more references than the pins. */
	folio_batch_remove_exceptionals(&fbatch);
	folios_put(&fbatch);

	if (!nr) {
		*start = end;
		return 0;
	}
	if (!i && err == -EAGAIN) {
		err = memfd_luo_make_ready(inode, indices[0]);
		if (err == -ENOENT) {
			*start = indices[0] + 1;
			err = 0;
		}
		return err;
	}
	if (!i)
		return err;

	/* Moves them out of scratch. If this returns not 0, it has unpinned all. */
	if (!memfd_luo_is_substitute(pinned[0]))
		err = check_and_migrate_movable_folios(i, pinned,
						       __GFP_RETRY_MAYFAIL);
	if (err)
		return err == -EAGAIN ? 0 : err;
	*start = next;
	return i;
}

/**
 * memfd_luo_pin - pin the next folios of a file
 * @inode:  the file, whose holes are fixed
 * @start:  where to begin; moved behind the folios that are pinned
 * @end:    pages; no folio from here on is pinned
 * @pinned: room for KHO_FOLIO_BATCH folios
 *
 * Folios are swapped in and moved out of scratch memory as it takes. The caller
 * has called memalloc_pin_save().
 *
 * Context: may sleep. Takes the lock of the page cache, and folio locks.
 * Return: how many folios are pinned; 0 to be called again unless *@start has
 * come to @end; or an errno.
 */
long memfd_luo_pin(struct inode *inode, pgoff_t *start, pgoff_t end,
		   struct folio **pinned)
{
	unsigned int nr;

	nr = memfd_luo_pin_all_ready(inode->i_mapping, start, end, pinned);
	if (nr)
		return nr;
	return memfd_luo_pin_others(inode, start, end, pinned);
}
