// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): preserves and restores vmalloc areas.
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

	new_chunk = kho_alloc_preserve_dirty(sizeof(*new_chunk));
	if (IS_ERR(new_chunk))
		return new_chunk;
	new_chunk->next.phys = 0;

	if (chunk)
		chunk->next.phys = virt_to_phys(new_chunk);
	else
		preservation->first.phys = virt_to_phys(new_chunk);
	return new_chunk;
}

/* A zero after the last address ends the chunk. */
static void end_chunk(struct kho_vmalloc_chunk *chunk, unsigned int nr)
{
	if (nr < KHO_VMALLOC_CHUNK_SLOTS)
		chunk->phys[nr] = 0;
}

/* After a failure what the chain lists is still preserved. */
static int try_preserve_runs(struct kho_vmalloc *preservation,
			     struct page **pages)
{
	const unsigned int nr_runs =
		preservation->total_pages >> preservation->order;
	struct kho_vmalloc_chunk *chunk = NULL;
	unsigned int run;
	int err;

	for (run = 0; run < nr_runs; run++) {
		struct page *page = pages[run << preservation->order];
		const unsigned int slot = run % KHO_VMALLOC_CHUNK_SLOTS;

		chunk = chunk_for_run(preservation, chunk, run);
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);

		end_chunk(chunk, slot);
		err = kho_preserve_pages(page, 1UL << preservation->order);
		if (err)
			return err;
		chunk->phys[slot] = page_to_phys(page);
		end_chunk(chunk, slot + 1);
		cond_resched();
	}

	return 0;
}

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

static int preserve_runs(struct kho_vmalloc *preservation, struct page **pages)
{
	int err = try_preserve_runs(preservation, pages);

	if (err)
		kho_unpreserve_vmalloc(preservation);
	return err;
}

/**
 * kho_preserve_page_array - keep pages that are to be a vmalloc area after kexec
 * @pages:        the pages, of order 0
 * @nr:           how many, not 0
 * @preservation: what describes them to kho_restore_vmalloc() in the next kernel,
 *                which maps them in the order of the array
 *
 * As kho_preserve_vmalloc(), without an area in this kernel.
 *
 * Context: may sleep
 * Return: 0, or what kho_preserve_pages() and kho_alloc_preserve() fail with.
 */
int kho_preserve_page_array(struct page **pages, unsigned int nr,
			    struct kho_vmalloc *preservation)
{
	*preservation = (struct kho_vmalloc) {
		.total_pages = nr,
		.flags = KHO_VMALLOC_ALLOC,
	};

	return preserve_runs(preservation, pages);
}
EXPORT_SYMBOL_GPL(kho_preserve_page_array);

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

	return preserve_runs(preservation, vm->pages);
}
EXPORT_SYMBOL_GPL(kho_preserve_vmalloc);

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

static bool run_ok(u64 phys, unsigned int order)
{
	const unsigned long nr = 1UL << order;

	return phys && IS_ALIGNED(phys, PAGE_SIZE << order) &&
	       kho_marked_pages(PHYS_PFN(phys), nr) == nr;
}

/* Some kernels add an empty chunk if the last one is full. */
static bool is_empty_end(u64 phys)
{
	const struct kho_vmalloc_chunk *chunk;

	if (!kho_is_preserved(phys, sizeof(*chunk)))
		return false;
	chunk = chunk_at(phys);

	return !chunk->phys[0] && !chunk->next.phys;
}

/*
 * Call back for each run of pages of an area that came in, in order. Nothing is
 * restored.
 *
 * Returns 0, -EINVAL when the description is damaged, or what @fn ended it with.
 */
static int walk_runs(const struct kho_vmalloc *preservation,
		     int (*fn)(u64 phys, unsigned int order, void *arg),
		     void *arg)
{
	const unsigned int order = preservation->order;
	unsigned int left = preservation->total_pages >> order;
	u64 phys = preservation->first.phys;
	const struct kho_vmalloc_chunk *chunk;
	unsigned int i = 0;
	int err;

	while (left) {
		if (!kho_is_preserved(phys, sizeof(*chunk)))
			return -EINVAL;
		chunk = chunk_at(phys);

		for (i = 0; i < KHO_VMALLOC_CHUNK_SLOTS && left; i++, left--) {
			if (!run_ok(chunk->phys[i], order))
				return -EINVAL;
			err = fn(chunk->phys[i], order, arg);
			if (err)
				return err;
		}

		/* A chain that is longer than its descriptor says is damaged. */
		if (i < KHO_VMALLOC_CHUNK_SLOTS && chunk->phys[i])
			return -EINVAL;
		phys = chunk->next.phys;
		cond_resched();
	}

	if (!phys || (i == KHO_VMALLOC_CHUNK_SLOTS && is_empty_end(phys)))
		return 0;

	return -EINVAL;
}

/* Say why an area cannot be read or restored. */
static void report_damaged_area(const struct kho_vmalloc *preservation)
{
	pr_err("description of a vmalloc area at %#llx is damaged: %u pages, order %u, flags %#x\n",
	       preservation->first.phys, preservation->total_pages,
	       preservation->order, preservation->flags);
}

struct reader {
	int (*read)(const void *data, size_t size, void *arg);
	void *arg;
};

static int read_run(u64 phys, unsigned int order, void *arg)
{
	const struct reader *reader = arg;

	return reader->read(phys_to_virt(phys), PAGE_SIZE << order, reader->arg);
}

/**
 * kho_read_vmalloc - read a vmalloc area of the previous kernel in place
 * @preservation: what kho_preserve_vmalloc() filled in there
 * @read:         called for one piece of @size bytes after the other; an errno
 *                from it ends the walk. Pieces are multiples of a page
 * @arg:          passed on to @read
 *
 * A caller can so check the contents before it restores the area by
 * kho_restore_vmalloc().
 *
 * Context: may sleep
 * Return: 0, what @read returned, or -EINVAL if the description of the area is
 * damaged, which a message says.
 */
int kho_read_vmalloc(const struct kho_vmalloc *preservation,
		     int (*read)(const void *data, size_t size, void *arg),
		     void *arg)
{
	struct reader reader = { .read = read, .arg = arg };
	int err = -EINVAL;

	if (descriptor_ok(preservation))
		err = walk_runs(preservation, read_run, &reader);
	if (err)
		report_damaged_area(preservation);

	return err;
}
EXPORT_SYMBOL_GPL(kho_read_vmalloc);

struct page_list {
	struct page **pages;
	unsigned int nr;
};

static int list_run(u64 phys, unsigned int order, void *arg)
{
	struct page *page = pfn_to_page(PHYS_PFN(phys));
	struct page_list *list = arg;
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		list->pages[list->nr++] = page + i;

	return 0;
}

static void free_chunks(u64 phys)
{
	while (phys) {
		struct kho_vmalloc_chunk *chunk = chunk_at(phys);

		phys = chunk->next.phys;
		kho_restore_free(chunk);
		cond_resched();
	}
}

/* Restore all pages of an area, which are put in @pages. */
static int restore_area_pages(const struct kho_vmalloc *preservation,
			      struct page **pages)
{
	const unsigned int nr = 1U << preservation->order;
	struct page_list list = { .pages = pages };
	unsigned int done;

	if (walk_runs(preservation, list_run, &list))
		return -EINVAL;

	for (done = 0; done < list.nr; done += nr) {
		/* A run that is listed twice can be restored only once. */
		if (!kho_restore_pages(page_to_phys(pages[done]), nr)) {
			release_pages(pages, done);
			return -EINVAL;
		}
	}
	free_chunks(preservation->first.phys);

	return 0;
}

/* How often to try to map the pages: there is no other copy of them. */
#define MAP_TRIES	10

/**
 * kho_restore_vmalloc - restore a vmalloc area of the previous kernel
 * @preservation: what kho_preserve_vmalloc() filled in there
 *
 * An area whose description is damaged remains preserved.
 *
 * Context: may sleep
 * Return: the area, at another address than before, to be freed by vfree();
 * NULL if its description is damaged, which a message says, or memory is short.
 */
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	const bool huge = preservation->flags & KHO_VMALLOC_HUGE_VMAP;
	const unsigned int nr_pages = preservation->total_pages;
	unsigned int tries = MAP_TRIES;
	struct page **pages;
	void *addr;

	if (!descriptor_ok(preservation)) {
		report_damaged_area(preservation);
		return NULL;
	}

	pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KHO_RESTORE);
	if (!pages)
		return NULL;

	if (restore_area_pages(preservation, pages)) {
		report_damaged_area(preservation);
		goto free_array;
	}

	do {
		addr = kho_vmalloc_from_pages(pages, nr_pages,
					      huge ? preservation->order : 0,
					      huge ? VM_ALLOW_HUGE_VMAP : 0);
		if (addr)
			return addr;
		schedule_timeout_uninterruptible(1);
	} while (--tries);

	release_pages(pages, nr_pages);
free_array:
	kvfree(pages);
	return NULL;
}
EXPORT_SYMBOL_GPL(kho_restore_vmalloc);
