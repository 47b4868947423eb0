// SPDX-License-Identifier: GPL-2.0
/*
 * For `make bench`: preserves single pages, none of which has a neighbour.
 *
 *	insmod isolated.ko pages=N
 *
 * Nobody writes to the pages, so the virtual machine may have more memory than
 * its host. There is no way to take them back: the next kernel only has to cope.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/gfp.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned long pages;
module_param(pages, ulong, 0);
MODULE_PARM_DESC(pages, "how many pages to preserve");

/* One page of two; the other one is free again. */
static struct page *alloc_isolated(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 1);

	if (page) {
		split_page(page, 1);
		__free_page(page + 1);
	}
	return page;
}

static int preserve_some(unsigned int nr)
{
	struct folio *folios[KHO_FOLIO_BATCH];
	struct page *page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page = alloc_isolated();
		if (!page)
			return -ENOMEM;
		folios[i] = page_folio(page);
	}
	return kho_preserve_folios(folios, nr);
}

static int __init isolated_init(void)
{
	unsigned long left, nr;
	int err = 0;

	for (left = pages; left && !err; left -= nr) {
		nr = min(left, KHO_FOLIO_BATCH);
		err = preserve_some(nr);
		cond_resched();
	}
	return err;
}
module_init(isolated_init);

MODULE_DESCRIPTION("Preserves isolated pages");
MODULE_LICENSE("GPL");
