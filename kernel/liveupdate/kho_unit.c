// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): sorting the pages of one of the buddy allocator's largest
 * blocks: what is preserved is marked, the rest is released.
 *
 * No memory of a largest block in which memory is reserved for KHO is free before:
 * so all its struct pages can be initialised before any of them gets a buddy.
 *
 * Pages are sorted in units, by bitmaps: there can be many preserved pages, and
 * isolated ones.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/page-isolation.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* Pages are sorted by the bits of so many, not more than fit the stack. */
#define UNIT_ORDER		MIN_T(unsigned int, MAX_PAGE_ORDER, 10)
#define UNIT_PAGES		BIT(UNIT_ORDER)

/*
 * Preserved blocks from this number of pages up to the unit's are folios most often:
 * they become compound pages here. So their struct pages are written once, and not
 * again when the folio is restored.
 */
#define COMPOUND_PAGES		BIT(KHO_COMPOUND_ORDER)

/**
 * struct unit - adjacent pages that are sorted
 * @pfn:    the first, which is aligned to their number
 * @taken:  those that are taken over, and that nobody claimed in memblock
 * @unused: those of them that are not preserved
 */
struct unit {
	unsigned long pfn;
	DECLARE_BITMAP(taken, UNIT_PAGES);
	DECLARE_BITMAP(unused, UNIT_PAGES);
};

/**
 * kho_find_taken - find memory that memblock reserves for KHO
 * @idx:   the first of memblock's regions to look at; set to the one that has some
 * @start: the first page of the range to look in
 * @stop:  the page behind it
 * @pfn:   set to the first page in the range that the region reserves
 * @end:   set to the page behind the last one
 *
 * Context: boot, while memblock is there.
 * Return: whether there is any.
 */
bool __init kho_find_taken(unsigned long *idx, unsigned long start,
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

/**
 * kho_valid_nid - a node that there is
 * @nid: number of a node, or any other
 *
 * Return: @nid, or the first node when @nid is none.
 */
int __init kho_valid_nid(int nid)
{
	return numa_valid_node(nid) ? nid : first_online_node;
}

/**
 * kho_zone_of - the zone that a page belongs to, initialised or not
 * @pfn: its frame number
 * @nid: its node
 *
 * Context: boot, when zones are set up.
 * Return: the zone.
 */
struct zone * __init kho_zone_of(unsigned long pfn, int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;

	while (zone_idx(zone) < MAX_NR_ZONES - 1 && !zone_spans_pfn(zone, pfn))
		zone++;

	return zone;
}

static struct zone * __init zone_at(unsigned long pfn)
{
	unsigned long start, end;

	return kho_zone_of(pfn, kho_valid_nid(memblock_search_pfn_nid(pfn, &start,
								      &end)));
}

/*
 * The order of the preserved block that begins at a page and can be a compound
 * page: nobody claimed any of it, and all of it is in one zone. Otherwise 0.
 */
static unsigned int __init find_compound(unsigned long pfn)
{
	unsigned int order;

	for (order = UNIT_ORDER; order >= KHO_COMPOUND_ORDER; order--)
		if (IS_ALIGNED(pfn, 1UL << order) &&
		    kho_tree_has_only(PFN_PHYS(pfn), order))
			break;
	if (order < KHO_COMPOUND_ORDER ||
	    !memblock_is_region_reserved_kho(PFN_PHYS(pfn), PAGE_SIZE << order) ||
	    kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE << order) ||
	    zone_at(pfn) != zone_at(pfn + (1UL << order) - 1))
		return 0;

	return order;
}

/* Make a compound page of struct pages; that of the first one is initialised. */
static void __init make_compound(struct page *head, unsigned int order)
{
	const unsigned long flags = head->flags;
	struct page *page;

	for (page = head + 1; page < head + (1UL << order); page++) {
		mm_zero_struct_page(page);
		page->flags = flags;
		page_cpupid_reset_last(page);
		atomic_set(&page->_mapcount, -1);
		page->mapping = TAIL_MAPPING;
		set_compound_head(page, head);
	}
	__SetPageHead(head);
	prep_compound_head(head, order);
}

/* As memmap_init_range() would have done if it was not to be deferred. */
static void __init init_pages(unsigned long pfn, unsigned long end)
{
	unsigned long node_start, node_end, stop;
	struct zone *zone;
	int nid;

	while (pfn < end) {
		node_end = end;
		nid = kho_valid_nid(memblock_search_pfn_nid(pfn, &node_start,
							    &node_end));
		zone = kho_zone_of(pfn, nid);
		stop = min3(end, node_end, zone_end_pfn(zone));
		/* Never without progress, whatever zones and nodes look like. */
		stop = max(stop, pfn + 1);
		kho_init_pages(pfn, stop, zone_idx(zone), nid);
		pfn = stop;
	}
}

/* Initialise struct pages, those of compound pages as such. */
static void __init init_range(unsigned long pfn, unsigned long end)
{
	unsigned long start = pfn;
	unsigned int order;

	while (pfn < end) {
		order = find_compound(pfn);
		if (!order || pfn + (1UL << order) > end) {
			pfn = round_down(pfn, COMPOUND_PAGES) + COMPOUND_PAGES;
			continue;
		}
		init_pages(start, pfn);
		init_pages(pfn, pfn + 1);
		make_compound(pfn_to_page(pfn), order);
		start = pfn += 1UL << order;
	}
	init_pages(start, end);
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
		preserved = bits[word] & unit->taken[word];
		unit->unused[word] &= ~preserved;
		first = pfn_to_page(unit->pfn + word * BITS_PER_LONG);
		for (; preserved; preserved &= preserved - 1) {
			page = first + __ffs(preserved);
			kho_mark_block(page, 0);
			__SetPageReserved(page);
		}
	}
}

/* Mark blocks that are smaller than the unit: those of the bits from @first on. */
static void __init mark_small(struct unit *unit, unsigned int order,
			      const unsigned long *bits, unsigned long first)
{
	const unsigned long end = first + (UNIT_PAGES >> order), nr = 1UL << order;
	unsigned long bit = first, page;

	for_each_set_bit_from(bit, bits, end) {
		page = (bit - first) << order;
		/* A block is marked only if none of its pages was claimed. */
		if (find_next_zero_bit(unit->taken, page + nr, page) < page + nr)
			continue;
		kho_mark_block(pfn_to_page(unit->pfn + page), order);
		set_reserved(unit->pfn + page, nr);
		bitmap_clear(unit->unused, page, nr);
	}
}

/* Mark a block of the unit's size, or a larger one. */
static void __init mark_large(struct unit *unit, unsigned int order)
{
	unsigned long pfn = round_down(unit->pfn, 1UL << order);

	/* Is it a compound page? */
	if (bitmap_empty(unit->taken, UNIT_PAGES))
		return;
	if (!memblock_is_region_reserved_kho(PFN_PHYS(pfn), PAGE_SIZE << order) ||
	    kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE << order))
		return;

	if (pfn == unit->pfn)
		kho_mark_block(pfn_to_page(pfn), order);
	set_reserved(unit->pfn, UNIT_PAGES);
	bitmap_zero(unit->unused, UNIT_PAGES);
}

/* Mark compound pages, which no other block overlaps: nothing of them is left. */
static void __init mark_compounds(struct unit *unit)
{
	unsigned long nr = 0, at;
	struct page *page;
	unsigned int order;

	for (at = 0; at < UNIT_PAGES; at += nr) {
		page = pfn_to_page(unit->pfn + at);
		nr = COMPOUND_PAGES;
		order = find_compound(unit->pfn + at);
		if (!order)
			continue;
		if (!PageCompound(page))
			make_compound(page, order);
		kho_mark_block(page, order);
		/* __SetPageReserved() is for pages that are not compound. */
		__set_bit(PG_reserved, &page->flags);
		nr = 1UL << order;
		bitmap_clear(unit->taken, at, nr);
		bitmap_clear(unit->unused, at, nr);
	}
}

static void __init mark_unit(struct unit *unit)
{
	u64 orders = kho_tree_orders();
	const unsigned long *bits;
	unsigned long bit, pfn;
	unsigned int order;

	mark_compounds(unit);
	for (; orders; orders ^= BIT_ULL(order)) {
		order = __fls(orders);
		pfn = round_down(unit->pfn, 1UL << order);
		bits = kho_tree_bits(PFN_PHYS(pfn), order, &bit);
		if (!bits)
			continue;

		if (!order)
			mark_pages(unit, bits + BIT_WORD(bit));
		else if (order < UNIT_ORDER)
			mark_small(unit, order, bits, bit);
		else if (test_bit(bit, bits))
			mark_large(unit, order);
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

	bitmap_zero(unit.taken, UNIT_PAGES);
	for (; kho_find_taken(&idx, start, start + UNIT_PAGES, &pfn, &end); idx++)
		bitmap_set(unit.taken, pfn - start, end - pfn);
	if (bitmap_empty(unit.taken, UNIT_PAGES))
		return;

	bitmap_copy(unit.unused, unit.taken, UNIT_PAGES);
	if (!kho_scratch_overlap(PFN_PHYS(start), PAGE_SIZE)) {
		mark_unit(&unit);
		keep_nodes(&unit);
	}

	nr = free_unused(&unit);
	totalram_pages_add(nr);
	atomic_long_add(nr, &kho_takeover.released);
}

/**
 * kho_unit_init - initialise struct pages of what memblock reserves for KHO
 * @block: first page of one of the buddy allocator's largest blocks
 * @idx:   the first of memblock's regions that reserves some of it for KHO
 *
 * Context: boot, while memblock is there.
 */
void __init kho_unit_init(unsigned long block, unsigned long idx)
{
	const unsigned long stop = block + MAX_ORDER_NR_PAGES;
	unsigned long pfn, end;

	for (; kho_find_taken(&idx, block, stop, &pfn, &end); idx++) {
		init_range(pfn, end);
		/* A pageblock's first page may be in no zone, these are in one. */
		for (; pfn < end; pfn = pageblock_end_pfn(pfn))
			set_pageblock_migratetype(pfn_to_page(pfn),
						  MIGRATE_MOVABLE);
	}
}

/**
 * kho_unit_release - mark what is preserved, and release the rest
 * @block: first page of one of the buddy allocator's largest blocks
 * @idx:   the first of memblock's regions that reserves some of it for KHO
 *
 * Context: boot, while memblock is there, when the struct pages are initialised.
 */
void __init kho_unit_release(unsigned long block, unsigned long idx)
{
	const unsigned long end = block + MAX_ORDER_NR_PAGES;
	unsigned long pfn;

	accept_memory(PFN_PHYS(block), PAGE_SIZE << MAX_PAGE_ORDER);
	for (pfn = block; pfn < end; pfn += UNIT_PAGES)
		release_unit(pfn, idx);
}
