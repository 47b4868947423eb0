// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): keep vmalloc areas over kexec.
 *
 * The format is described in include/linux/kho/abi/kexec_handover.h. The pages
 * of an area are kept, its place in the address space is not.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/kho/abi/kexec_handover.h>

#include "kho_internal.h"

#define KHO_VMALLOC_KNOWN_FLAGS	(KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE_VMAP)

static unsigned int area_page_order(const struct vm_struct *vm)
{
#ifdef CONFIG_HAVE_ARCH_HUGE_VMALLOC
	return vm->page_order;
#else
	return 0;
#endif
}

static struct kho_vmalloc_chunk *chunk_at(u64 phys)
{
	return phys ? phys_to_virt(phys) : NULL;
}

/* The chunk with the slot for the run of pages number @run. */
static struct kho_vmalloc_chunk *chunk_for_run(struct kho_vmalloc *preservation,
					       struct kho_vmalloc_chunk *chunk,
					       unsigned int run)
{
	struct kho_vmalloc_chunk *new_chunk;

	if (run % KHO_VMALLOC_CHUNK_SLOTS)
		return chunk;

	new_chunk = kho_alloc_preserve(sizeof(*new_chunk));
	if (IS_ERR(new_chunk))
		return new_chunk;

	if (chunk)
		chunk->next.phys = virt_to_phys(new_chunk);
	else
		preservation->first.phys = virt_to_phys(new_chunk);
	return new_chunk;
}

/* What is in the chain is preserved, also after a failure. */
static int preserve_runs(struct kho_vmalloc *preservation,
			 struct page **pages)
{
	const unsigned int nr_runs =
		preservation->total_pages >> preservation->order;
	struct kho_vmalloc_chunk *chunk = NULL;
	unsigned int run;
	int err;

	for (run = 0; run < nr_runs; run++) {
		struct page *page = pages[run << preservation->order];

		chunk = chunk_for_run(preservation, chunk, run);
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);

		err = kho_preserve_pages(page, 1UL << preservation->order);
		if (err)
			return err;
		chunk->phys[run % KHO_VMALLOC_CHUNK_SLOTS] = page_to_phys(page);
		cond_resched();
	}

	return 0;
}

/**
 * kho_preserve_vmalloc - keep a vmalloc area over kexec
 * @ptr:          what vmalloc() or kvmalloc() returned
 * @preservation: what describes it to kho_restore_vmalloc() in the next kernel
 *
 * The area must not be freed before kho_unpreserve_vmalloc(). On failure
 * nothing remains preserved.
 *
 * Context: may sleep
 * Return: 0, -EINVAL if there is no vmalloc area at @ptr, -EOPNOTSUPP if it is
 * of a kind that cannot be restored, or what kho_preserve_pages() and
 * kho_alloc_preserve() fail with.
 */
int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation)
{
	struct vm_struct *vm = find_vm_area(ptr);
	int err;

	if (!vm || vm->addr != ptr)
		return -EINVAL;
	if (!(vm->flags & VM_ALLOC) ||
	    vm->flags & ~(VM_ALLOC | VM_ALLOW_HUGE_VMAP))
		return -EOPNOTSUPP;

	*preservation = (struct kho_vmalloc) {
		.total_pages = vm->nr_pages,
		.flags = KHO_VMALLOC_ALLOC,
		.order = area_page_order(vm),
	};
	if (vm->flags & VM_ALLOW_HUGE_VMAP)
		preservation->flags |= KHO_VMALLOC_HUGE_VMAP;

	err = preserve_runs(preservation, vm->pages);
	if (err)
		kho_unpreserve_vmalloc(preservation);
	return err;
}
EXPORT_SYMBOL_GPL(kho_preserve_vmalloc);

static void unpreserve_run(u64 phys, unsigned int order)
{
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(phys)), 1UL << order);
}

/**
 * kho_unpreserve_vmalloc - undo kho_preserve_vmalloc()
 * @preservation: what it filled in; describes nothing then
 *
 * Context: may sleep
 */
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
	struct kho_vmalloc_chunk *chunk = chunk_at(preservation->first.phys);

	while (chunk) {
		struct kho_vmalloc_chunk *next = chunk_at(chunk->next.phys);
		unsigned int i;

		for (i = 0; i < KHO_VMALLOC_CHUNK_SLOTS && chunk->phys[i]; i++)
			unpreserve_run(chunk->phys[i], preservation->order);
		kho_unpreserve_free(chunk);
		chunk = next;
		cond_resched();
	}

	*preservation = (struct kho_vmalloc) { };
}
EXPORT_SYMBOL_GPL(kho_unpreserve_vmalloc);

/*
 * The descriptor came from another kernel. No area has more pages than there
 * are, so that a damaged number cannot use up memory.
 */
static bool descriptor_ok(const struct kho_vmalloc *preservation)
{
	return !(preservation->flags & ~KHO_VMALLOC_KNOWN_FLAGS) &&
	       preservation->flags & KHO_VMALLOC_ALLOC &&
	       preservation->order <= MAX_PAGE_ORDER &&
	       preservation->total_pages &&
	       preservation->total_pages <= get_num_physpages() &&
	       IS_ALIGNED(preservation->total_pages, 1U << preservation->order);
}

/* Pages taken back so far, of those that are to be mapped. */
struct taken_pages {
	struct page **pages;
	unsigned int nr;
	unsigned int total;
	unsigned int order;
};

static int take_run(struct taken_pages *taken, u64 phys)
{
	const unsigned int nr = 1U << taken->order;
	struct page *page;
	unsigned int i;

	if (!phys || !IS_ALIGNED(phys, PAGE_SIZE << taken->order))
		return -EINVAL;

	page = kho_restore_pages(phys, nr);
	if (!page)
		return -EINVAL;

	for (i = 0; i < nr; i++)
		taken->pages[taken->nr++] = page + i;
	return 0;
}

/* Take back a chunk, and what it lists. The next one is put in @phys. */
static int take_chunk(struct taken_pages *taken, u64 *phys)
{
	struct kho_vmalloc_chunk *chunk;
	struct page *page;
	unsigned int i;
	int err = 0;

	if (!*phys || !PAGE_ALIGNED(*phys))
		return -EINVAL;
	page = kho_restore_pages(*phys, 1);
	if (!page)
		return -EINVAL;

	chunk = page_address(page);
	for (i = 0; i < KHO_VMALLOC_CHUNK_SLOTS; i++) {
		if (taken->nr == taken->total)
			break;
		err = take_run(taken, chunk->phys[i]);
		if (err)
			goto out;
	}

	/* A chain that is longer than its descriptor says is damaged. */
	if (i < KHO_VMALLOC_CHUNK_SLOTS && chunk->phys[i])
		err = -EINVAL;
	*phys = chunk->next.phys;
out:
	__free_page(page);
	cond_resched();
	return err;
}

/* Take back all pages. On failure those that were taken are freed. */
static int take_pages(struct taken_pages *taken, u64 phys)
{
	int err = 0;

	while (!err && taken->nr < taken->total)
		err = take_chunk(taken, &phys);
	if (!err && !phys)
		return 0;

	release_pages(taken->pages, taken->nr);
	return -EINVAL;
}

/* How often to try to map what there is no other copy of. */
#define ADOPT_TRIES	10

/**
 * kho_restore_vmalloc - take over a vmalloc area from the previous kernel
 * @preservation: what kho_preserve_vmalloc() filled in there
 *
 * On failure the pages that had been taken over are freed, and those that had
 * not remain preserved.
 *
 * Context: may sleep
 * Return: the area, at another address than before, to be freed by vfree();
 * NULL if its description is damaged, which a message says, or memory is short.
 */
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	struct taken_pages taken = {
		.total = preservation->total_pages,
		.order = preservation->order,
	};
	bool huge = preservation->flags & KHO_VMALLOC_HUGE_VMAP;
	unsigned int tries = ADOPT_TRIES;
	void *addr;

	if (!descriptor_ok(preservation)) {
		pr_err("vmalloc area of %u pages, order %u, flags %#x cannot be restored\n",
		       preservation->total_pages, preservation->order,
		       preservation->flags);
		return NULL;
	}

	/* What is preserved must not be lost to a moment's lack of memory. */
	taken.pages = kvmalloc_array(taken.total, sizeof(*taken.pages),
				     GFP_KERNEL | __GFP_NOFAIL);
	if (!taken.pages)
		return NULL;

	if (take_pages(&taken, preservation->first.phys)) {
		pr_err("vmalloc area at %#llx is damaged: %u of %u pages found\n",
		       preservation->first.phys, taken.nr, taken.total);
		goto free_array;
	}

	do {
		addr = kho_vmalloc_adopt(taken.pages, taken.nr,
					 huge ? taken.order : 0,
					 huge ? VM_ALLOW_HUGE_VMAP : 0);
		if (addr)
			return addr;
		schedule_timeout_uninterruptible(1);
	} while (--tries);

	release_pages(taken.pages, taken.nr);
free_array:
	kvfree(taken.pages);
	return NULL;
}
EXPORT_SYMBOL_GPL(kho_restore_vmalloc);
