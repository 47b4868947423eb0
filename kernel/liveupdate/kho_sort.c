// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): sorting out which reserved pages are preserved.
 *
 * kho_memory_init_early() reserved large blocks of memory, in which something is
 * preserved. When the buddy allocator takes over from memblock, the rest of them
 * goes to it, and so does what is left of scratch:
 *
 *  - kho_memory_hold_scratch() reserves what is left of scratch, too.
 *  - kho_memory_release() deals with the memory whose struct pages were
 *    initialised by then, and with more if the kernel would be short of memory.
 *  - kho_memory_release_late() deals with the rest on all processors, as deferred
 *    initialisation of struct pages does.
 *
 * What is preserved stays PageReserved, and the first page of each preserved
 * block is marked with its order, by which kho_restore_folio() and
 * kho_restore_pages() know it.
 *
 * The unit of this is the buddy allocator's largest block. No memory of one that
 * has memory reserved for us is free before: so all its struct pages can be
 * initialised before any of them gets a buddy.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bitmap.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/padata.h>
#include <linux/page-isolation.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* In the private field of the first page of a preserved block, with the order. */
#define KHO_PAGE_MAGIC		0x4b484f0000000000UL	/* "KHO" */
#define KHO_PAGE_ORDER_MASK	0xffUL
/* Blocks of several orders begin here; whose the page is, nobody can tell. */
#define KHO_PAGE_AMBIGUOUS	0x100UL

/* Pages are sorted out by the bits of so many, not more than fit the stack. */
#define UNIT_ORDER		MIN_T(unsigned int, MAX_PAGE_ORDER, 10)
#define UNIT_PAGES		BIT(UNIT_ORDER)

/**
 * struct unit - adjacent pages that are sorted out
 * @pfn:    the first, which is aligned to their number
 * @held:   those that are reserved for us
 * @unused: those of them that are not preserved
 */
struct unit {
	unsigned long pfn;
	DECLARE_BITMAP(held, UNIT_PAGES);
	DECLARE_BITMAP(unused, UNIT_PAGES);
};

/* In each node, the first page that is left to kho_memory_release_late(). */
static unsigned long late_from[MAX_NUMNODES] __initdata = {
	[0 ... MAX_NUMNODES - 1] = ULONG_MAX
};

/* Something is left to kho_memory_release_late(). */
static bool late_pending __ro_after_init;

/* See count_growable(). */
static unsigned long growable __initdata;

/* Pages that went to the buddy allocator. */
static atomic_long_t released = ATOMIC_LONG_INIT(0);

/**
 * kho_memory_hold_scratch - reserve what is left of scratch memory
 *
 * Not before this, for where something is preserved in each large block there is
 * no other memory to allocate from. If memblock cannot note it, what is left of
 * scratch is memory as any other, and this kernel has none.
 *
 * Context: called by memblock_free_all() at its beginning.
 */
void __init kho_memory_hold_scratch(void)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	if (!is_kho_boot())
		return;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++) {
		if (memblock_reserve_kho(areas[i].addr, areas[i].size)) {
			pr_err("no memory to note what is scratch memory, no image can be loaded\n");
			kho_scratch_forget();
			break;
		}
	}
	memblock_clear_kho_scratch(0, PHYS_ADDR_MAX);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_NONE);
}

static bool __init in_scratch(unsigned long pfn)
{
	return kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE);
}

/*
 * What is reserved for us of [start, stop) in memblock's regions from the *idx'th
 * on: [*pfn, *end) in the first region that has something. False if none has.
 */
static bool __init find_held(unsigned long *idx, unsigned long start,
			     unsigned long stop, unsigned long *pfn,
			     unsigned long *end)
{
	const struct memblock_region *r;

	for (; *idx < memblock.reserved.cnt; ++*idx) {
		r = &memblock.reserved.regions[*idx];
		if (PFN_DOWN(r->base) >= stop)
			break;
		if (!(r->flags & MEMBLOCK_RSRV_KHO))
			continue;
		*pfn = max(start, PFN_UP(r->base));
		*end = min(stop, PFN_DOWN(r->base + r->size));
		if (*pfn < *end)
			return true;
	}

	return false;
}

static int __init valid_nid(int nid)
{
	return numa_valid_node(nid) ? nid : first_online_node;
}

/**
 * kho_zone_of - the zone that a page belongs to, initialised or not
 * @pfn: its frame number
 * @nid: its node
 *
 * Return: the zone.
 */
struct zone * __init kho_zone_of(unsigned long pfn, int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;

	while (zone_idx(zone) < MAX_NR_ZONES - 1 && !zone_spans_pfn(zone, pfn))
		zone++;

	return zone;
}

/* As memmap_init_range() would have done if it was not to be deferred. */
static void __init init_pages(unsigned long pfn, unsigned long end)
{
	unsigned long node_start, node_end, stop, idx;
	struct zone *zone;
	int nid;

	while (pfn < end) {
		node_end = end;
		nid = valid_nid(memblock_search_pfn_nid(pfn, &node_start,
							&node_end));
		zone = kho_zone_of(pfn, nid);
		idx = zone_idx(zone);
		stop = min3(end, node_end, zone_end_pfn(zone));
		/* Never without progress, whatever zones and nodes look like. */
		stop = max(stop, pfn + 1);
		for (; pfn < stop; pfn++)
			__init_single_page(pfn_to_page(pfn), pfn, idx, nid);
	}
}

static void __init mark_block(struct page *page, unsigned int order)
{
	/* The larger block comes first. */
	if (page_private(page))
		set_page_private(page, page_private(page) | KHO_PAGE_AMBIGUOUS);
	else
		set_page_private(page, KHO_PAGE_MAGIC | order);
}

static void __init set_reserved(unsigned long pfn, unsigned long nr)
{
	struct page *page = pfn_to_page(pfn);

	while (nr--)
		__SetPageReserved(page++);
}

/* Mark what may be one out of many single pages, at as little cost as can be. */
static void __init mark_pages(struct unit *unit, const unsigned long *bits)
{
	unsigned long word, preserved;
	struct page *first, *page;

	for (word = 0; word < BITS_TO_LONGS(UNIT_PAGES); word++) {
		preserved = bits[word] & unit->held[word];
		unit->unused[word] &= ~preserved;
		first = pfn_to_page(unit->pfn + word * BITS_PER_LONG);
		for (; preserved; preserved &= preserved - 1) {
			page = first + __ffs(preserved);
			mark_block(page, 0);
			__SetPageReserved(page);
		}
	}
}

/* Mark blocks that are smaller than the unit: those of the bits from @first on. */
static void __init mark_blocks(struct unit *unit, unsigned int order,
			       const unsigned long *bits, unsigned long first)
{
	const unsigned long end = first + (UNIT_PAGES >> order), nr = 1UL << order;
	unsigned long bit = first, page;

	for_each_set_bit_from(bit, bits, end) {
		page = (bit - first) << order;
		/* Nobody gets what others got hold of a part of. */
		if (find_next_zero_bit(unit->held, page + nr, page) < page + nr)
			continue;
		mark_block(pfn_to_page(unit->pfn + page), order);
		set_reserved(unit->pfn + page, nr);
		bitmap_clear(unit->unused, page, nr);
	}
}

/* Mark a block of the unit's size, or a larger one. */
static void __init mark_around(struct unit *unit, unsigned int order)
{
	unsigned long pfn = round_down(unit->pfn, 1UL << order);

	if (!memblock_is_region_reserved_kho(PFN_PHYS(pfn), PAGE_SIZE << order) ||
	    kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE << order))
		return;

	if (pfn == unit->pfn)
		mark_block(pfn_to_page(pfn), order);
	set_reserved(unit->pfn, UNIT_PAGES);
	bitmap_zero(unit->unused, UNIT_PAGES);
}

static void __init mark_unit(struct unit *unit)
{
	u64 orders = kho_preserved_orders();
	const unsigned long *bits;
	unsigned long bit, pfn;
	unsigned int order;

	for (; orders; orders ^= BIT_ULL(order)) {
		order = __fls(orders);
		pfn = round_down(unit->pfn, 1UL << order);
		bits = kho_preserved_bits(PFN_PHYS(pfn), order, &bit);
		if (!bits)
			continue;

		if (!order)
			mark_pages(unit, bits + BIT_WORD(bit));
		else if (order < UNIT_ORDER)
			mark_blocks(unit, order, bits, bit);
		else if (test_bit(bit, bits))
			mark_around(unit, order);
	}
}

/* The nodes of the tree are read until the last unit is marked. */
static void __init keep_nodes(struct unit *unit)
{
	const unsigned long *pfns;
	unsigned long nr;

	pfns = kho_tree_nodes(unit->pfn, &nr);
	for (; nr && *pfns < unit->pfn + UNIT_PAGES; nr--, pfns++)
		__clear_bit(*pfns - unit->pfn, unit->unused);
}

/* Unless they are taken for preserved as well, or others got hold of them. */
static void __init free_nodes(void)
{
	unsigned long nr, last = ULONG_MAX;
	const unsigned long *pfns;
	struct page *page;

	for (pfns = kho_tree_nodes(0, &nr); nr; nr--, last = *pfns++) {
		page = pfn_to_page(*pfns);
		if (*pfns == last || PageReserved(page) ||
		    !memblock_is_region_reserved_kho(PFN_PHYS(*pfns), PAGE_SIZE))
			continue;
		clear_page_tag_ref(page);
		adjust_managed_page_count(page, 1);
		__free_page(page);
		atomic_long_inc(&released);
	}
	kho_forget_tree();
}

static unsigned long __init free_unused(const struct unit *unit)
{
	struct page *first = pfn_to_page(unit->pfn);
	unsigned long word, nr = 0;

	if (bitmap_full(unit->unused, UNIT_PAGES) &&
	    page_zone(first) == page_zone(first + UNIT_PAGES - 1)) {
		clear_page_tag_ref(first);
		__free_pages_core(first, UNIT_ORDER, MEMINIT_EARLY);
		return UNIT_PAGES;
	}

	for (word = 0; word < BITS_TO_LONGS(UNIT_PAGES); word++)
		nr += free_pages_core_bits(unit->pfn + word * BITS_PER_LONG,
					   unit->unused[word]);

	return nr;
}

static void __init release_unit(unsigned long start, unsigned long idx)
{
	struct unit unit = { .pfn = start };
	unsigned long pfn, end, nr;

	bitmap_zero(unit.held, UNIT_PAGES);
	for (; find_held(&idx, start, start + UNIT_PAGES, &pfn, &end); idx++)
		bitmap_set(unit.held, pfn - start, end - pfn);
	if (bitmap_empty(unit.held, UNIT_PAGES))
		return;

	bitmap_copy(unit.unused, unit.held, UNIT_PAGES);
	if (!in_scratch(start)) {
		mark_unit(&unit);
		keep_nodes(&unit);
	}

	nr = free_unused(&unit);
	totalram_pages_add(nr);
	atomic_long_add(nr, &released);
}

/* Initialise the struct pages of what is reserved for us in a largest block. */
static void __init init_block(unsigned long block, unsigned long idx)
{
	const unsigned long stop = block + MAX_ORDER_NR_PAGES;
	unsigned long pfn, end;

	for (; find_held(&idx, block, stop, &pfn, &end); idx++) {
		init_pages(pfn, end);
		/* A pageblock's first page may be in no zone, these are in one. */
		for (; pfn < end; pfn = pageblock_end_pfn(pfn))
			set_pageblock_migratetype(pfn_to_page(pfn),
						  MIGRATE_MOVABLE);
	}
}

/* Give what is not preserved of a largest block to the buddy allocator. */
static void __init release_block(unsigned long block, unsigned long idx)
{
	const unsigned long end = block + MAX_ORDER_NR_PAGES;
	unsigned long pfn;

	accept_memory(PFN_PHYS(block), PAGE_SIZE << MAX_PAGE_ORDER);
	for (pfn = block; pfn < end; pfn += UNIT_PAGES)
		release_unit(pfn, idx);
}

/*
 * Call back for each of the largest blocks in [start, end) in which memory is
 * reserved for us, with the number of the first such region of memblock's.
 */
static void __init walk_held_blocks(unsigned long start, unsigned long end,
				    void (*fn)(unsigned long block,
					       unsigned long idx))
{
	unsigned long idx, block, held_end, next = start;

	for (idx = 0; find_held(&idx, next, end, &block, &held_end); idx++) {
		block = round_down(block, MAX_ORDER_NR_PAGES);
		for (; block < held_end; block += MAX_ORDER_NR_PAGES) {
			fn(block, idx);
			next = block + MAX_ORDER_NR_PAGES;
		}
	}
}

static int __init block_nid(unsigned long idx)
{
	const struct memblock_region *r = &memblock.reserved.regions[idx];
	int nid = memblock_get_region_node(r);

	/* memblock does not say where it had no memory to note it. */
	return numa_valid_node(nid) ? nid :
				      valid_nid(early_pfn_to_nid(PFN_DOWN(r->base)));
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
	if (in_scratch(block) && is_deferred(block, idx))
		init_block(block, idx);
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
		nid = valid_nid(nid);
		pfn = max(PFN_UP(start), first_deferred(nid));
		if (pfn < PFN_DOWN(end) && !defers_movable(nid))
			nr += PFN_DOWN(end) - pfn;
	}

	return nr;
}

/* Is there memory for the kernel until kho_memory_release_late()? */
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

	if (!in_scratch(block) && is_deferred(block, idx)) {
		if (defers_movable(nid) || is_memory_enough()) {
			late_from[nid] = min(late_from[nid], block);
			late_pending = true;
			return;
		}
		init_block(block, idx);
	}
	release_block(block, idx);
}

static void __init release_late(unsigned long block, unsigned long idx)
{
	if (in_scratch(block) || block < late_from[block_nid(idx)])
		return;

	init_block(block, idx);
	release_block(block, idx);
	cond_resched();
}

/**
 * kho_memory_release - give what is not preserved to the buddy allocator
 *
 * As long as there is enough memory without, that whose struct pages are not
 * initialised yet is left to kho_memory_release_late().
 *
 * Context: called by memblock_free_all() at its end.
 */
void __init kho_memory_release(void)
{
	if (!is_kho_boot())
		return;

	walk_held_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), init_scratch);
	kho_scratch_mark_cma();
	growable = count_growable();
	walk_held_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), release_early);
}

static void __init release_chunk(unsigned long start, unsigned long end,
				 void *arg)
{
	walk_held_blocks(start, end, release_late);
}

static void __init release_parallel(unsigned long start)
{
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
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
#endif
}

/**
 * kho_memory_release_late - give the rest of it to the buddy allocator
 *
 * Context: called by page_alloc_init_late(), when all processors run and memblock
 * is still there.
 */
void __init kho_memory_release_late(void)
{
	unsigned long start = ULONG_MAX;
	int nid;

	if (!is_kho_boot())
		return;

	for_each_node_state(nid, N_MEMORY)
		start = min(start, late_from[nid]);
	if (late_pending)
		release_parallel(start);
	late_pending = false;

	kho_reserve_mem_release();
	free_nodes();
	kho_poison_mark();
	kho_timeline_mark(KHO_MEMORY);
}

static void __init release_now(void)
{
	walk_held_blocks(0, PHYS_PFN(memblock_end_of_DRAM()), release_late);
	late_pending = false;
}

/**
 * kho_memory_ready - see to it that what is preserved can be taken back
 *
 * For who cannot wait for kho_memory_release_late(), which does the same faster.
 *
 * Context: may sleep, from early_initcall on
 */
void __ref kho_memory_ready(void)
{
	if (late_pending)
		release_now();
	kho_poison_mark();
}

/**
 * kho_memory_released - how much was given to the buddy allocator
 *
 * Return: the bytes.
 */
u64 kho_memory_released(void)
{
	return PFN_PHYS((u64)atomic_long_read(&released));
}

/* The order of the preserved block that a page is first of, or -1. */
static int marked_order(const struct page *page)
{
	unsigned long private = page_private(page);

	if (!PageReserved(page) ||
	    (private & ~(KHO_PAGE_ORDER_MASK | KHO_PAGE_AMBIGUOUS)) !=
	    KHO_PAGE_MAGIC)
		return -1;

	return private & KHO_PAGE_ORDER_MASK;
}

/**
 * kho_preserved_order - the order of the preserved block that begins at a page
 * @pfn: the page's frame number
 *
 * Return: the order, or -1 when no preserved block begins there, several do, or
 * it was taken back.
 */
int kho_preserved_order(unsigned long pfn)
{
	struct page *page;

	if (!is_kho_boot() || !pfn_valid(pfn))
		return -1;

	page = pfn_to_page(pfn);
	if (page_private(page) & KHO_PAGE_AMBIGUOUS)
		return -1;

	return marked_order(page);
}

/**
 * kho_preserved_pages - how far do preserved blocks cover a range?
 * @pfn:      its first page
 * @nr_pages: its length
 *
 * Return: the number of pages in the preserved blocks that cover the range one
 * after the other, @nr_pages or more; 0 when they do not cover it.
 */
unsigned long kho_preserved_pages(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long covered = 0;
	int order;

	while (covered < nr_pages) {
		order = kho_preserved_order(pfn + covered);
		if (order < 0)
			return 0;
		covered += 1UL << order;
	}

	return covered;
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
	unsigned long i;

	for (i = 0; i < nr_pages; i++) {
		if (!test_and_clear_bit(PG_reserved, &page[i].flags))
			goto undo;
	}
	for (i = 0; i < nr_pages; i++)
		set_page_private(page + i, 0);

	return true;

undo:
	while (i--)
		set_bit(PG_reserved, &page[i].flags);

	return false;
}
