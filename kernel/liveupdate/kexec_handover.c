// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): preserves memory, and tells the next kernel where it is.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Kexec handover
 *
 * Kexec replaces the running kernel and forgets everything. With kexec handover
 * a subsystem can have memory kept: it *preserves* folios, pages, vmalloc areas
 * or fresh allocations, and the next kernel leaves them alone until they are
 * *restored* there, from which time on they are ordinary memory of their owner.
 * Where they are, the subsystem writes down in a preserved blob of its own,
 * which it names in the root FDT as a *subtree*; the next kernel finds it there
 * by its name.
 *
 * What is preserved when an image that kexec_file_load() loaded is started is
 * what the next kernel gets: nothing has to be declared final before.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_radix_tree.h>
#include <linux/libfdt.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>

#include "kho_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/kho.h>

/*
 * What the next kernel is to get. @lock protects the contents of the root FDT,
 * which is one page, and the list of those who watch its subtrees.
 */
static struct {
	struct kho_radix_tree tree;
	struct mutex lock;
	void *fdt;
	struct raw_notifier_head watchers;
} kho_out = {
	.tree.lock = __MUTEX_INITIALIZER(kho_out.tree.lock),
	.lock = __MUTEX_INITIALIZER(kho_out.lock),
	.watchers = RAW_NOTIFIER_INIT(kho_out.watchers),
};

/**
 * kho_is_enabled - can memory be preserved over the next kexec?
 *
 * Context: any; final from subsys_initcall on.
 * Return: whether it can.
 */
bool kho_is_enabled(void)
{
	return kho_enabled;
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * kho_root_fdt - where the root FDT for the next kernel is
 *
 * Return: its physical address.
 */
phys_addr_t kho_root_fdt(void)
{
	return virt_to_phys(kho_out.fdt);
}

/* The next kernel is going to overwrite scratch memory. */
static bool in_scratch(struct page *page, unsigned long nr_pages)
{
	return WARN_ON(kho_scratch_overlap(page_to_phys(page),
					   nr_pages << PAGE_SHIFT));
}

static unsigned long folio_key(struct folio *folio)
{
	phys_addr_t phys = PFN_PHYS(folio_pfn(folio));

	/* Most of them are single pages: the shifts are constants then. */
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
		    in_scratch(folio_page(folios[i], 0),
			       folio_nr_pages(folios[i])))
			return -EINVAL;
		keys[i] = folio_key(folios[i]);
	}

	err = kho_radix_add_keys(&kho_out.tree, keys, nr);
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
	kho_radix_del_keys(&kho_out.tree, keys, nr);
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
	    in_scratch(page, nr_pages))
		return -EINVAL;

	err = kho_radix_add_range(&kho_out.tree, page_to_pfn(page), nr_pages);
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
	kho_radix_del_range(&kho_out.tree, page_to_pfn(page), nr_pages);
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
 * rest would take longer than all else. What readers may look at, the caller
 * writes.
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

/* FDT_ERR_* of building our FDT as an errno: only room can run out. */
static int fdt_errno(int err)
{
	switch (err) {
	case -FDT_ERR_NOSPACE:
		return -ENOMEM;
	case -FDT_ERR_EXISTS:
		return -EEXIST;
	default:
		return err < 0 ? -EINVAL : 0;
	}
}

static int set_u64(void *fdt, int node, const char *prop, u64 value)
{
	return fdt_setprop(fdt, node, prop, &value, sizeof(value));
}

/*
 * Name a blob in the root FDT, or leave that as it is.
 *
 * Interrupts are off whenever the root FDT is written. A kexec stops the other
 * processors by interrupts, and the one that it runs on does not get to another
 * task in between. So the next kernel never sees half of a change, and the kexec
 * needs not wait for a lock.
 */
static int write_subtree(const char *name, phys_addr_t phys, size_t size)
{
	int node, err;

	node = fdt_add_subnode(kho_out.fdt, 0, name);
	if (node < 0)
		return fdt_errno(node);

	err = set_u64(kho_out.fdt, node, KHO_SUB_TREE_PROP_NAME, phys);
	if (!err)
		err = set_u64(kho_out.fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME,
			      size);
	if (err)
		fdt_del_node(kho_out.fdt, node);

	return fdt_errno(err);
}

static void tell_watchers(enum kho_subtree_event event, const char *name,
			  void *blob, size_t size)
{
	struct kho_subtree subtree = {
		.name = name,
		.blob = blob,
		.size = size,
	};

	lockdep_assert_held(&kho_out.lock);
	raw_notifier_call_chain(&kho_out.watchers, event, &subtree);
}

/**
 * kho_add_subtree - name a blob in the root FDT
 * @name: of the subtree; the previous kernel's subtrees are no obstacle
 * @blob: preserved memory from kho_alloc_preserve()
 * @size: bytes in it that matter
 *
 * Context: process context, may sleep.
 * Return: 0, -EEXIST for a name in use, -ENOMEM when the root FDT is full,
 * -EINVAL for an empty @name or @size, -EOPNOTSUPP when KHO is off.
 */
int kho_add_subtree(const char *name, void *blob, size_t size)
{
	int err;

	if (!kho_is_enabled())
		return -EOPNOTSUPP;
	if (!*name || !size)
		return -EINVAL;

	guard(mutex)(&kho_out.lock);

	scoped_guard(irqsave)
		err = write_subtree(name, virt_to_phys(blob), size);
	trace_kho_add_subtree(name, virt_to_phys(blob), size, err);
	if (!err)
		tell_watchers(KHO_SUBTREE_ADDED, name, blob, size);

	return err;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_remove_subtree - undo kho_add_subtree()
 * @blob: the blob, which stays preserved
 *
 * Context: process context, may sleep.
 */
void kho_remove_subtree(void *blob)
{
	int node;

	if (!kho_is_enabled())
		return;

	guard(mutex)(&kho_out.lock);

	node = kho_fdt_find_blob(kho_out.fdt, virt_to_phys(blob));
	if (WARN_ON(node < 0))
		return;

	trace_kho_remove_subtree(fdt_get_name(kho_out.fdt, node, NULL),
				 virt_to_phys(blob), 0, 0);
	tell_watchers(KHO_SUBTREE_REMOVED, NULL, blob, 0);
	scoped_guard(irqsave)
		fdt_del_node(kho_out.fdt, node);
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/**
 * kho_watch_subtrees - be told of the subtrees of the root FDT
 * @nb: called with an &enum kho_subtree_event and a &struct kho_subtree, at once
 *      for each subtree that is there, and then for each that comes or goes
 *
 * Calls come one at a time, with the lock of the root FDT held: @nb must not add
 * or remove subtrees. A blob is not freed before the call that tells of its
 * removal has returned.
 *
 * Context: an initcall after core_initcall, KHO enabled.
 */
void __init kho_watch_subtrees(struct notifier_block *nb)
{
	u64 phys, size;
	int node;

	guard(mutex)(&kho_out.lock);

	raw_notifier_chain_register(&kho_out.watchers, nb);
	fdt_for_each_subnode(node, kho_out.fdt, 0) {
		if (!kho_fdt_get_u64(kho_out.fdt, node, KHO_SUB_TREE_PROP_NAME,
				     &phys) &&
		    !kho_fdt_get_u64(kho_out.fdt, node,
				     KHO_SUB_TREE_SIZE_PROP_NAME, &size))
			tell_watchers(KHO_SUBTREE_ADDED,
				      fdt_get_name(kho_out.fdt, node, NULL),
				      phys_to_virt(phys), size);
	}
}

static int __init make_root_fdt(void)
{
	void *fdt;
	int err;

	fdt = kho_alloc_preserve(KHO_FDT_SIZE);
	if (IS_ERR(fdt))
		return PTR_ERR(fdt);

	err = fdt_create_empty_tree(fdt, KHO_FDT_SIZE);
	if (!err)
		err = fdt_setprop_string(fdt, 0, "compatible",
					 KHO_FDT_COMPATIBLE);
	if (!err)
		err = set_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME,
			      virt_to_phys(kho_out.tree.root));
	if (err) {
		kho_unpreserve_free(fdt);
		return fdt_errno(err);
	}

	kho_out.fdt = fdt;

	return 0;
}

/**
 * kho_give_up - disable KHO, since nothing can be handed over
 * @err: why
 *
 * Context: a core_initcall; nothing but the root FDT is preserved.
 */
void __init kho_give_up(int err)
{
	pr_err("disabled, cannot set up what is handed over: %d\n", err);
	kho_enabled = false;

	kho_unpreserve_free(kho_out.fdt);
	kho_out.fdt = NULL;
	kho_radix_destroy_tree(&kho_out.tree);
}

static int __init kho_init(void)
{
	int err;

	if (!kho_is_enabled())
		return 0;

	kho_scratch_init();

	err = kho_radix_init_tree(&kho_out.tree, NULL);
	if (!err)
		err = make_root_fdt();
	if (err)
		kho_give_up(err);

	return 0;
}
core_initcall(kho_init);
