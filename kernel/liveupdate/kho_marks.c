// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the marks on struct pages that say which pages are
 * preserved and not claimed yet.
 *
 * Each page of a preserved block is PageReserved, and the private field of the
 * first one has the order of the block. kho_mark_block() puts that there while
 * the kernel boots; who claims the pages later clears it. A large block may be a
 * compound page already. Only its first page is PageReserved then.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/align.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/page-flags.h>

#include "kho_internal.h"

/**
 * kho_marked_order - the order of the preserved block that begins at a page
 * @pfn: the page's frame number
 *
 * Context: any.
 * Return: the order, or -1 when no preserved block begins there, several do, or
 * it was claimed.
 */
int kho_marked_order(unsigned long pfn)
{
	const struct page *page;
	unsigned long private, order;

	if (!is_kho_boot() || !pfn_valid(pfn))
		return -1;

	page = pfn_to_page(pfn);
	private = page_private(page);
	order = private & KHO_PAGE_ORDER_MASK;
	/* Others may be the first page once more, see kho_memmap.c. */
	if (!PageReserved(page) ||
	    (private & ~KHO_PAGE_ORDER_MASK) != KHO_PAGE_MAGIC ||
	    !IS_ALIGNED(pfn, 1UL << order))
		return -1;

	return order;
}

/**
 * kho_marked_pages - how far do preserved blocks cover a range?
 * @pfn:      its first page
 * @nr_pages: its length
 *
 * Context: any.
 * Return: the number of pages in the preserved blocks that cover the range one
 * after the other, @nr_pages or more; 0 when they do not cover it.
 */
unsigned long kho_marked_pages(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long covered = 0;
	int order;

	while (covered < nr_pages) {
		order = kho_marked_order(pfn + covered);
		if (order < 0)
			return 0;
		covered += 1UL << order;
	}

	return covered;
}

/* How many pages is the PG_reserved of a page for? */
static __always_inline unsigned long nr_reserved(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return IS_ALIGNED(pfn, 1UL << KHO_COMPOUND_ORDER) && PageHead(page) ?
	       compound_nr(page) : 1;
}

/**
 * kho_claim_pages - take pages out of what is preserved
 * @pfn:      the first page
 * @nr_pages: how many; preserved blocks of just that size begin at @pfn
 *
 * A damaged tree may describe blocks within each other. The first to claim a
 * page gets it, and all of a range or nothing.
 *
 * Context: any but NMI.
 * Return: true when the caller got the pages, which have no mark left; false
 * when not, then nothing changed.
 */
bool kho_claim_pages(unsigned long pfn, unsigned long nr_pages)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long i, failed;

	for (i = 0; i < nr_pages; i += nr_reserved(pfn + i)) {
		if (!test_and_clear_bit(PG_reserved, &page[i].flags))
			goto undo;
	}
	for (i = 0; i < nr_pages; i += nr_reserved(pfn + i))
		set_page_private(page + i, 0);

	return true;

undo:
	failed = i;
	for (i = 0; i < failed; i += nr_reserved(pfn + i))
		set_bit(PG_reserved, &page[i].flags);

	return false;
}

#ifdef CONFIG_MEMORY_FAILURE
/**
 * kho_has_poison - are any pages of a range poisoned?
 * @pfn:      its first page
 * @nr_pages: its length
 *
 * Context: any.
 * Return: whether any are marked so.
 */
bool kho_has_poison(unsigned long pfn, unsigned long nr_pages)
{
	const unsigned long end = pfn + nr_pages;

	if (!atomic_long_read(&num_poisoned_pages))
		return false;
	for (; pfn < end; pfn++)
		if (PageHWPoison(pfn_to_page(pfn)))
			return true;

	return false;
}

/**
 * kho_poisoned_folio - has a preserved folio poisoned pages?
 * @phys: its physical address
 *
 * kho_restore_pages() can restore such a folio as single pages, so that nothing
 * but the poisoned ones is lost.
 *
 * Context: any but NMI.
 * Return: the number of all its pages when some are poisoned, else 0.
 */
unsigned long kho_poisoned_folio(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);
	int order;

	order = PAGE_ALIGNED(phys) ? kho_marked_order(pfn) : -1;

	return order >= 0 && kho_has_poison(pfn, 1UL << order) ? 1UL << order : 0;
}
#endif
