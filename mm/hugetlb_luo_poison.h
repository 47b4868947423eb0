/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of files of hugetlbfs: huge pages that came in with poisoned pages.
 *
 * A part of mm/memory-failure.c, which alone includes it, as it uses static
 * functions from there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_HUGETLB_LUO_POISON_H
#define _MM_HUGETLB_LUO_POISON_H

#ifdef CONFIG_LIVEUPDATE_HUGETLB

#include <linux/kexec_handover.h>

#include "hugetlb_luo.h"

/**
 * hugetlb_luo_adopt_poison - have a huge page know which of its pages are poisoned
 * @folio: the huge page, just restored, whose pages may be marked; it is in no pool yet
 *
 * A huge page has one mark, and a list. The pages are counted as poisoned, and
 * told to the next kernel, already.
 *
 * Nothing had failed in a gigantic page of which few struct pages exist.
 *
 * Context: may sleep.
 */
void hugetlb_luo_adopt_poison(struct folio *folio)
{
	struct raw_hwp_page *raw_hwp;
	bool poisoned = false;
	unsigned long i;

	if (!atomic_long_read(&num_poisoned_pages) ||
	    folio_test_hugetlb_vmemmap_optimized(folio))
		return;

	/* A page that fails has its mark first, and is told then. */
	guard(mutex)(&mf_mutex);
	folio_clear_has_hwpoisoned(folio);
	for (i = 0; i < folio_nr_pages(folio); i++) {
		if (!TestClearPageHWPoison(folio_page(folio, i)))
			continue;
		raw_hwp = kmalloc(sizeof(*raw_hwp), GFP_KHO_RESTORE);
		raw_hwp->page = folio_page(folio, i);
		llist_add(&raw_hwp->node, raw_hwp_list_head(folio));
		poisoned = true;
	}
	if (poisoned)
		folio_set_hwpoison(folio);
}

#endif /* CONFIG_LIVEUPDATE_HUGETLB */

#endif /* _MM_HUGETLB_LUO_POISON_H */
