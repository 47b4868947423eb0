// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): sorting all that was reserved for KHO, as soon as the
 * struct pages are initialised.
 *
 * kho_granules_reserve() reserved memory in which something is preserved, and the
 * rest of it is to be released, and so is what is left of scratch memory. What has
 * its struct pages by the time that the buddy allocator takes over from memblock
 * is sorted then, and more if the kernel would be short of memory. The rest is
 * sorted later on all processors, as deferred initialisation of struct pages does.
 *
 * What is preserved stays PageReserved, and is marked for kho_marks.c. The unit of
 * this is the buddy allocator's largest block, see kho_unit.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/padata.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* In each node, the first page that is left to kho_sort_late(). */
static unsigned long late_from[MAX_NUMNODES] __initdata = {
	[0 ... MAX_NUMNODES - 1] = ULONG_MAX
};

/* Something is left to kho_sort_late(). */
static bool late_pending __initdata;

/* See count_growable(). */
static unsigned long growable __initdata;

static bool __init is_scratch(unsigned long pfn)
{
	return kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE);
}

/*
 * Call back for each of the largest blocks in [start, end) in which memory is
 * reserved for KHO, with the number of the first such region of memblock's.
 */
static void __init walk_blocks(unsigned long start, unsigned long end,
			       void (*fn)(unsigned long block,
					  unsigned long idx))
{
	unsigned long idx, block, taken_end, next = start;

	for (idx = 0; kho_find_taken(&idx, next, end, &block, &taken_end); idx++) {
		block = round_down(block, MAX_ORDER_NR_PAGES);
		for (; block < taken_end; block = next) {
			/* What few struct pages are for is marked already. */
			next = kho_memmap_end(block);
			if (next)
				continue;
			fn(block, idx);
			next = block + MAX_ORDER_NR_PAGES;
		}
	}
}

static int __init block_nid(unsigned long idx)
{
	const struct memblock_region *r = &memblock.reserved.regions[idx];
	int nid = memblock_get_region_node(r);

	/* memblock has no node for a region when it had no memory to split it. */
	return numa_valid_node(nid) ? nid :
				      kho_valid_nid(early_pfn_to_nid(PFN_DOWN(r->base)));
}

/* Struct pages from there on are initialised later. */
static unsigned long __init first_deferred(int nid)
{
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	return NODE_DATA(nid)->first_deferred_pfn;
#else
	return ULONG_MAX;
#endif
}

static bool __init is_deferred(unsigned long block, unsigned long idx)
{
	return block >= first_deferred(block_nid(idx));
}

/* Before it is made CMA, and so before any other memory is released. */
static void __init init_scratch(unsigned long block, unsigned long idx)
{
	if (is_scratch(block) && is_deferred(block, idx))
		kho_unit_init(block, idx);
}

/*
 * Struct pages are deferred only in a node's last zone. Is that the one of which
 * programs get memory, and the kernel none?
 */
static bool __init defers_movable(int nid)
{
	return NODE_DATA(nid)->node_zones[ZONE_MOVABLE].spanned_pages;
}

/* Pages for the kernel whose struct pages are initialised when memory is short. */
static unsigned long __init count_growable(void)
{
	unsigned long pfn, nr = 0;
	phys_addr_t start, end;
	int nid;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end,
				&nid) {
		nid = kho_valid_nid(nid);
		pfn = max(PFN_UP(start), first_deferred(nid));
		if (pfn < PFN_DOWN(end) && !defers_movable(nid))
			nr += PFN_DOWN(end) - pfn;
	}

	return nr;
}

/* Is there memory for the kernel until kho_sort_late()? */
static bool __init is_memory_enough(void)
{
	const unsigned long enough = PHYS_PFN(SZ_256M) +
				     num_possible_cpus() * PHYS_PFN(SZ_1M);
	unsigned long nr = growable;
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone_idx(zone) != ZONE_MOVABLE)
			nr += zone_page_state(zone, NR_FREE_PAGES) -
			      zone_page_state(zone, NR_FREE_CMA_PAGES);

	return nr >= enough;
}

static void __init release_early(unsigned long block, unsigned long idx)
{
	const int nid = block_nid(idx);

	if (!is_scratch(block) && is_deferred(block, idx)) {
		if (defers_movable(nid) || is_memory_enough()) {
			late_from[nid] = min(late_from[nid], block);
			late_pending = true;
			return;
		}
		kho_unit_init(block, idx);
	}
	kho_unit_release(block, idx);
}

static void __init release_late(unsigned long block, unsigned long idx)
{
	if (is_scratch(block) || block < late_from[block_nid(idx)])
		return;

	kho_unit_init(block, idx);
	kho_unit_release(block, idx);
	cond_resched();
}

/**
 * kho_sort_init_scratch - initialise the struct pages of scratch memory
 *
 * Context: called by kho_memory_release(), before memory is released: scratch
 * memory has to be CMA memory before.
 */
void __init kho_sort_init_scratch(void)
{
	walk_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), init_scratch);
}

/**
 * kho_sort_early - sort what has its struct pages, and more if memory is short
 *
 * Context: called by kho_memory_release().
 */
void __init kho_sort_early(void)
{
	growable = count_growable();
	walk_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), release_early);
}

#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
static void __init release_chunk(unsigned long start, unsigned long end,
				 void *arg)
{
	walk_blocks(start, end, release_late);
}

static void __init release_parallel(unsigned long start)
{
	struct padata_mt_job job = {
		.thread_fn	= release_chunk,
		.start		= start,
		.size		= PHYS_PFN(memblock_end_of_DRAM()) - start,
		.align		= PAGES_PER_SECTION,
		.min_chunk	= PAGES_PER_SECTION,
		.max_threads	= num_online_cpus(),
		.numa_aware	= true,
	};

	padata_do_multithreaded(&job);
}
#else
/* Nothing is left to release. */
static void __init release_parallel(unsigned long start)
{
}
#endif

/**
 * kho_sort_late - sort what kho_sort_early() left, on all processors
 *
 * Context: may sleep; called by kho_memory_release_late().
 */
void __init kho_sort_late(void)
{
	unsigned long start = ULONG_MAX;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		start = min(start, late_from[nid]);
	if (late_pending)
		release_parallel(start);
	late_pending = false;
}

/**
 * kho_sort_now - sort what kho_sort_early() left, on this processor
 *
 * Context: may sleep; before or after kho_sort_late().
 */
void __init kho_sort_now(void)
{
	if (late_pending)
		walk_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), release_late);
	late_pending = false;
}

/**
 * kho_sort_nodes - release the nodes of the tree of preserved memory
 *
 * Except those that are taken for preserved as well, or that others claimed.
 *
 * Context: when kho_memory_release_late() ends: nobody reads the tree any more.
 */
void __init kho_sort_nodes(void)
{
	unsigned long nr, last = ULONG_MAX;
	const unsigned long *pfns;
	struct page *page;

	for (pfns = kho_tree_nodes(0, &nr); nr; nr--, last = *pfns++) {
		page = pfn_to_page(*pfns);
		if (*pfns == last || PageReserved(page) || PageCompound(page) ||
		    !memblock_is_region_reserved_kho(PFN_PHYS(*pfns), PAGE_SIZE))
			continue;
		clear_page_tag_ref(page);
		adjust_managed_page_count(page, 1);
		__free_page(page);
		atomic_long_inc(&kho_takeover.released);
	}
	kho_tree_free();
}
