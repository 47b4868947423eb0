// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): preserves memory for the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Kexec handover
 *
 * Kexec replaces the running kernel, and the contents of memory are lost. With
 * kexec handover a subsystem *preserves* folios, pages, vmalloc areas or fresh
 * allocations, and the next kernel leaves them alone until they are *restored*
 * there. From then on they are ordinary memory of their owner. The subsystem
 * writes the addresses to a preserved blob of its own, and names the blob in
 * the root FDT as a *subtree*. The next kernel finds the blob by that name.
 *
 * The next kernel gets what is preserved at the moment when an image is started
 * that kexec_file_load() loaded. Nothing has to be declared final before.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "kho_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/kho.h>

/* All that is preserved for the next kernel. */
static struct kho_radix_tree preserved = {
	.lock = __MUTEX_INITIALIZER(preserved.lock),
};

/**
 * kho_preserve_init - make the tree of what is preserved for the next kernel
 * @root: set to its physical address
 *
 * Context: a core_initcall, may sleep.
 * Return: 0, or -ENOMEM.
 */
int __init kho_preserve_init(phys_addr_t *root)
{
	int err;

	err = kho_radix_init_tree(&preserved, NULL);
	if (!err)
		*root = virt_to_phys(preserved.root);

	return err;
}

/**
 * kho_preserve_exit - free the tree of what is preserved for the next kernel
 *
 * Context: a core_initcall, when KHO is disabled and nothing is preserved.
 */
void __init kho_preserve_exit(void)
{
	kho_radix_destroy_tree(&preserved);
}

/* Warn of memory that the next kernel is going to overwrite. */
static bool touches_scratch(struct page *page, unsigned long nr_pages)
{
	return WARN_ON(kho_scratch_overlap(page_to_phys(page),
					   nr_pages << PAGE_SHIFT));
}

static unsigned long folio_key(struct folio *folio)
{
	phys_addr_t phys = PFN_PHYS(folio_pfn(folio));

	/* Most folios are single pages. For these all shifts are constants. */
	if (!folio_test_large(folio))
		return kho_radix_encode_key(phys, 0);

	return kho_radix_encode_key(phys, folio_order(folio));
}

/**
 * kho_preserve_folios - preserve several folios over kexec
 * @folios: the folios; the caller holds a reference to each and keeps it from
 *          moving
 * @nr:     how many, KHO_FOLIO_BATCH at most
 *
 * The folios stay in use. They must not be freed before kho_unpreserve_folios().
 * A failure leaves none of them preserved.
 *
 * Context: process context, may sleep.
 * Return: 0, -EOPNOTSUPP when KHO is off, -EEXIST when one is preserved already,
 * -EINVAL when one lies in scratch memory (KEXEC_HANDOVER_DEBUG), or -ENOMEM.
 */
int kho_preserve_folios(struct folio *const *folios, unsigned int nr)
{
	unsigned long keys[KHO_FOLIO_BATCH] __uninitialized;
	unsigned int i;
	int err;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;

	for (i = 0; i < nr; i++) {
		if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG) &&
		    touches_scratch(folio_page(folios[i], 0),
				    folio_nr_pages(folios[i])))
			return -EINVAL;
		keys[i] = folio_key(folios[i]);
	}

	err = kho_radix_add_keys(&preserved, keys, nr);
	if (trace_kho_preserve_folio_enabled())
		for (i = 0; i < nr; i++)
			trace_kho_preserve_folio(PFN_PHYS(folio_pfn(folios[i])),
						 folio_nr_pages(folios[i]), err);

	return err;
}
EXPORT_SYMBOL_GPL(kho_preserve_folios);

/**
 * kho_unpreserve_folios - undo kho_preserve_folios()
 * @folios: the folios, each of the order that it had then
 * @nr:     how many, KHO_FOLIO_BATCH at most; they need not be those of one call
 *
 * Context: process context, may sleep.
 */
void kho_unpreserve_folios(struct folio *const *folios, unsigned int nr)
{
	unsigned long keys[KHO_FOLIO_BATCH] __uninitialized;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		keys[i] = folio_key(folios[i]);
		trace_kho_unpreserve_folio(PFN_PHYS(folio_pfn(folios[i])),
					   folio_nr_pages(folios[i]), 0);
	}
	kho_radix_del_keys(&preserved, keys, nr);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folios);

/**
 * kho_preserve_folio - preserve a folio over kexec
 * @folio: the folio; the caller holds a reference and keeps it from moving
 *
 * The folio stays in use. It must not be freed before kho_unpreserve_folio().
 *
 * Context: process context, may sleep.
 * Return: as of kho_preserve_folios().
 */
int kho_preserve_folio(struct folio *folio)
{
	return kho_preserve_folios(&folio, 1);
}
EXPORT_SYMBOL_GPL(kho_preserve_folio);

/**
 * kho_unpreserve_folio - undo kho_preserve_folio()
 * @folio: the folio, of the order that it had then
 *
 * Context: process context, may sleep.
 */
void kho_unpreserve_folio(struct folio *folio)
{
	kho_unpreserve_folios(&folio, 1);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folio);

/**
 * kho_preserve_pages - preserve contiguous order-0 pages over kexec
 * @page:     the first page
 * @nr_pages: how many
 *
 * A failure leaves nothing of them preserved.
 *
 * Context: process context, may sleep.
 * Return: 0, or an errno as of kho_preserve_folio().
 */
int kho_preserve_pages(struct page *page, unsigned long nr_pages)
{
	int err;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;

	if (IS_ENABLED(CONFIG_KEXEC_HANDOVER_DEBUG) &&
	    touches_scratch(page, nr_pages))
		return -EINVAL;

	err = kho_radix_add_range(&preserved, page_to_pfn(page), nr_pages);
	trace_kho_preserve_pages(page_to_phys(page), nr_pages, err);

	return err;
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages - undo kho_preserve_pages()
 * @page:     the first page
 * @nr_pages: how many, as they were preserved
 *
 * Context: process context, may sleep.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages)
{
	kho_radix_del_range(&preserved, page_to_pfn(page), nr_pages);
	trace_kho_unpreserve_pages(page_to_phys(page), nr_pages, 0);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

static void *alloc_preserve(size_t size, gfp_t gfp)
{
	struct folio *folio;
	unsigned int order;
	int err;

	if (!size)
		return ERR_PTR(-EINVAL);
	if (size > PAGE_SIZE << MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);

	order = get_order(size);
	folio = folio_alloc(gfp, order);
	if (!folio)
		return ERR_PTR(-ENOMEM);

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return ERR_PTR(err);
	}

	return folio_address(folio);
}

/**
 * kho_alloc_preserve - allocate memory that is preserved over kexec
 * @size: bytes, not 0
 *
 * The memory is charged to the memory cgroup of the caller.
 *
 * Context: process context, may sleep.
 * Return: zeroed, physically contiguous memory, aligned to its size rounded up
 * to a power of two pages; or an ERR_PTR: -EINVAL for a @size of 0, -E2BIG for
 * more than the buddy allocator's largest block, -ENOMEM, -EOPNOTSUPP when KHO
 * is off.
 */
void *kho_alloc_preserve(size_t size)
{
	return alloc_preserve(size, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}
EXPORT_SYMBOL_GPL(kho_alloc_preserve);

/**
 * kho_alloc_preserve_dirty - allocate memory that is preserved, with any contents
 * @size: bytes, not 0
 *
 * As kho_alloc_preserve(), for pages of which a small part is used: to zero the
 * rest would take longer than all else. The caller writes all that the next
 * kernel reads.
 *
 * Context: process context, may sleep.
 * Return: memory, or an ERR_PTR as from kho_alloc_preserve().
 */
void *kho_alloc_preserve_dirty(size_t size)
{
	return alloc_preserve(size, GFP_KERNEL_ACCOUNT);
}

/**
 * kho_unpreserve_free - free memory from kho_alloc_preserve()
 * @mem: the memory; NULL is allowed
 *
 * Context: process context, may sleep.
 */
void kho_unpreserve_free(void *mem)
{
	struct folio *folio;

	if (!mem)
		return;

	folio = virt_to_folio(mem);
	kho_unpreserve_folio(folio);
	folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_free);
