// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): restores what the previous kernel preserved.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pfn.h>
#include <linux/pgalloc_tag.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>
#include <trace/events/kho.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/*
 * Restored pages make their zone larger than it was when the kernel computed
 * its watermarks, the reserves of lower zones and the sizes of per-CPU lists.
 * Compute all of them anew, as when memory is added. Wait a second before: many
 * pages are often restored at a time.
 */
static bool zones_grew;

static void adjust_to_zones(struct work_struct *work)
{
	WRITE_ONCE(zones_grew, false);
	/* Pages that are restored from here on queue this work again. */
	smp_mb();
	init_per_zone_wmark_min();
	writeback_set_ratelimit();
}

static DECLARE_DELAYED_WORK(adjust_to_zones_work, adjust_to_zones);

static void adjust_to_zones_soon(void)
{
	/* Pairs with adjust_to_zones(): it sees the pages, or we see the flag. */
	smp_mb();
	if (READ_ONCE(zones_grew))
		return;

	WRITE_ONCE(zones_grew, true);
	queue_delayed_work(system_unbound_wq, &adjust_to_zones_work, HZ);
}

/*
 * Are pages in different zones? Preserved blocks next to each other may be, and
 * even the pages of one block, if the previous kernel had other NUMA nodes.
 */
static bool is_split(struct page *page, unsigned long nr_pages)
{
	return page_zone(page) != page_zone(page + nr_pages - 1);
}

static void count_as_managed(struct page *page, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		clear_page_tag_ref(page + i);

	if (is_split(page, nr_pages)) {
		for (i = 0; i < nr_pages; i++)
			adjust_managed_page_count(page + i, 1);
	} else {
		adjust_managed_page_count(page, nr_pages);
	}
	adjust_to_zones_soon();
}

/* Claim preserved pages and make them ordinary, with a reference each. */
static struct page *restore_pages(unsigned long pfn, unsigned long nr_pages)
{
	struct page *page;

	if (!kho_claim_pages(pfn, nr_pages))
		return NULL;

	page = pfn_to_page(pfn);
	count_as_managed(page, nr_pages);

	return page;
}

/* Make single pages, with a reference each, of a compound page. */
static void split_compound(struct page *head)
{
	const struct page *end = head + compound_nr(head);
	struct page *page;
	unsigned long flags;

	__ClearPageHead(head);
	for (page = head + 1; page < end; page++) {
		/* The second one has the order there. */
		flags = page->flags & ~0xffUL;
		mm_zero_struct_page(page);
		page->flags = flags;
		page_cpupid_reset_last(page);
		atomic_set(&page->_mapcount, -1);
		INIT_LIST_HEAD(&page->lru);
		init_page_count(page);
	}
}

/* ERR_PTR(-EXDEV) for a folio that the page allocator could not free. */
static struct folio *restore_folio(phys_addr_t phys)
{
	unsigned long i, nr_pages;
	struct page *page;
	int order;

	order = PAGE_ALIGNED(phys) ? kho_marked_order(PHYS_PFN(phys)) : -1;
	if (order < 0)
		return ERR_PTR(-ENOENT);

	nr_pages = 1UL << order;
	if (kho_memmap_unshare(PHYS_PFN(phys), nr_pages))
		return ERR_PTR(-ENOMEM);
	if (is_split(pfn_to_page(PHYS_PFN(phys)), nr_pages))
		return ERR_PTR(-EXDEV);

	page = restore_pages(PHYS_PFN(phys), nr_pages);
	if (!page)
		return ERR_PTR(-ENOENT);

	/* Large ones became compound pages in boot. */
	if (order && !PageHead(page)) {
		for (i = 1; i < nr_pages; i++)
			set_page_count(page + i, 0);
		prep_compound_page(page, order);
	}
	/* No other block overlaps a compound page, see kho_tree_has_only(). */
	if (WARN_ON_ONCE(!order && PageHead(page)))
		split_compound(page);
	if (order && kho_has_poison(PHYS_PFN(phys), nr_pages))
		folio_set_has_hwpoisoned(page_folio(page));

	return page_folio(page);
}

/**
 * kho_restore_folio - restore a folio that the previous kernel preserved
 * @phys: its physical address
 *
 * Context: any but NMI; for a gigantic page of hugetlb may sleep.
 * Return: the folio, of the order that it had, with one reference; or NULL,
 * with one warning, when no preserved folio begins at @phys, it was restored
 * already, or it lies on two NUMA nodes of this kernel. In the last case
 * kho_restore_pages() can restore its pages.
 */
struct folio *kho_restore_folio(phys_addr_t phys)
{
	struct folio *folio = restore_folio(phys);
	int err = PTR_ERR_OR_ZERO(folio);

	if (err == -EXDEV)
		pr_warn("folio at %pa lies on two nodes of this kernel, the previous one had others; it stays preserved\n",
			&phys);
	else if (err && err != -ENOMEM)
		pr_warn("no preserved folio begins at %pa, or it was restored before\n",
			&phys);
	trace_kho_restore_folio(phys, err ? 0 : folio_nr_pages(folio), err);

	return err ? NULL : folio;
}
EXPORT_SYMBOL_GPL(kho_restore_folio);

#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
/**
 * kho_restore_gigantic - restore a gigantic page of which few struct pages exist
 * @phys: its physical address
 *
 * Its vmemmap is optimised as that of a HugeTLB page, which it has to become. The
 * caller has seen to it that hugetlb_optimize_vmemmap_key is on.
 *
 * Context: may sleep.
 * Return: the folio, with one reference; or NULL if kho_restore_folio() is for it,
 * as when memory in it failed.
 */
struct folio *kho_restore_gigantic(phys_addr_t phys)
{
	struct page *page = pfn_to_page(PHYS_PFN(phys));

	if (!PAGE_ALIGNED(phys) || !kho_memmap_claim(PHYS_PFN(phys)))
		return NULL;

	count_as_managed(page, 1UL << KHO_GIGANTIC_ORDER);
	trace_kho_restore_folio(phys, 1UL << KHO_GIGANTIC_ORDER, 0);

	return page_folio(page);
}
#endif

/**
 * kho_restore_pages - restore pages that the previous kernel preserved
 * @phys:     physical address of the first
 * @nr_pages: how many, as they were preserved
 *
 * Context: any but NMI; for a gigantic page of hugetlb may sleep.
 * Return: the first of contiguous order-0 pages, each with one reference; or
 * NULL, with one warning, when just these pages were not preserved, or were
 * restored already. Then none of them is restored.
 */
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages)
{
	unsigned long pfn = PHYS_PFN(phys), i;
	struct page *page = NULL;

	if (kho_memmap_unshare(pfn, nr_pages))
		return NULL;
	if (PAGE_ALIGNED(phys) && nr_pages &&
	    kho_marked_pages(pfn, nr_pages) == nr_pages)
		page = restore_pages(pfn, nr_pages);
	for (i = 0; page && i < nr_pages; i++)
		if (PageHead(page + i))
			split_compound(page + i);
	if (!page)
		pr_warn("%lu pages at %pa were not preserved, or were restored before\n",
			nr_pages, &phys);
	trace_kho_restore_pages(phys, page ? nr_pages : 0, page ? 0 : -ENOENT);

	return page;
}
EXPORT_SYMBOL_GPL(kho_restore_pages);

/* The page allocator keeps a poisoned page if it is freed as a single one. */
static void free_single_pages(phys_addr_t phys, unsigned long nr)
{
	struct page *page = kho_restore_pages(phys, nr);

	while (page && nr--)
		put_page(page + nr);
}

/**
 * kho_restore_free_phys - free a folio that the previous kernel preserved
 * @phys: its physical address; nothing is freed when no preserved folio begins
 *        there
 *
 * Context: process context.
 */
void kho_restore_free_phys(phys_addr_t phys)
{
	unsigned long nr = kho_poisoned_folio(phys);
	struct folio *folio;

	if (nr)
		return free_single_pages(phys, nr);

	folio = kho_restore_folio(phys);
	if (folio)
		folio_put(folio);
}

/**
 * kho_restore_free - free memory that the previous kernel preserved
 * @mem: what kho_alloc_preserve() returned there: its physical address, mapped
 *       by phys_to_virt() of this kernel; NULL is allowed
 *
 * Context: process context.
 */
void kho_restore_free(void *mem)
{
	if (mem)
		kho_restore_free_phys(virt_to_phys(mem));
}
EXPORT_SYMBOL_GPL(kho_restore_free);

/**
 * kho_is_preserved - is memory preserved and not restored yet?
 * @phys: its physical address, as the previous kernel told it
 * @size: its size in bytes
 *
 * Preserved memory may be read through phys_to_virt() before it is restored. An
 * address that the previous kernel handed over may be damaged: check it by this
 * function before it is followed.
 *
 * Context: any, once the buddy allocator is up.
 * Return: true when a preserved block begins at @phys, and it covers the range,
 * alone or together with the preserved blocks that follow. False when a page of the
 * range is poisoned: to read it would be fatal.
 */
bool kho_is_preserved(phys_addr_t phys, u64 size)
{
	return PAGE_ALIGNED(phys) && size && size <= PFN_PHYS(max_pfn) &&
	       kho_marked_pages(PHYS_PFN(phys), PFN_UP(size)) &&
	       !kho_has_poison(PHYS_PFN(phys), PFN_UP(size));
}
EXPORT_SYMBOL_GPL(kho_is_preserved);

/**
 * kho_retrieve_subtree - find a blob of the previous kernel
 * @name: of the subtree
 * @phys: set to the physical address of the blob, which is for the caller to
 *        restore
 * @size: set to its size in bytes; may be NULL
 *
 * Context: any.
 * Return: 0, -ENOENT when there is no such subtree or no handover; with a message, -EIO
 * when there is none but what came in is damaged, or -EINVAL when what the previous
 * kernel said of it is malformed, or the blob is not preserved any more.
 */
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	u64 addr = 0, len = 0;
	int err;

	err = kho_find_subtree(name, &addr, &len);
	if (!err && !kho_is_preserved(addr, len))
		err = -EINVAL;
	trace_kho_retrieve_subtree(name, addr, len, err);
	if (err == -EINVAL)
		pr_warn("subtree %s of the previous kernel is malformed or was taken back already, ignored\n",
			name);
	if (err == -EIO)
		pr_warn("root FDT of the previous kernel is damaged, subtree %s may be lost\n",
			name);
	if (err)
		return err;

	*phys = addr;
	if (size)
		*size = len;

	return 0;
}
EXPORT_SYMBOL_GPL(kho_retrieve_subtree);
