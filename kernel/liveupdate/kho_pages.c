// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): initialises struct pages, a range at a time.
 *
 * All struct pages of a zone of a node are alike. __init_single_page() builds each
 * of them anew, which is half of what it takes. Here the first one is built, and the
 * others get its flags.
 *
 * The zones below a node's last one are never deferred: the pause of an update is
 * longer by what the memory below 4 GiB takes.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho_hooks.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* What __init_single_page() does, for a page of the same zone, node and section. */
static __always_inline void init_as(struct page *page, unsigned long flags)
{
	mm_zero_struct_page(page);
	page->flags = flags;
	init_page_count(page);
	atomic_set(&page->_mapcount, -1);
	page_cpupid_reset_last(page);
	INIT_LIST_HEAD(&page->lru);
}

/**
 * kho_init_pages - initialise struct pages, as __init_single_page() does
 * @pfn:  the first page
 * @end:  the page behind the last one
 * @zone: their zone
 * @nid:  their node
 *
 * Context: boot, also on several processors at a time.
 */
void __init kho_init_pages(unsigned long pfn, unsigned long end,
			   unsigned long zone, int nid)
{
	struct page *page, *stop;
	unsigned long section_end, flags;

	for (; pfn < end; pfn = section_end) {
		section_end = min(end, ALIGN(pfn + 1, PAGES_PER_SECTION));
		page = pfn_to_page(pfn);
		stop = page + (section_end - pfn);
		__init_single_page(page, pfn, zone, nid);
		flags = page->flags;
		while (++page < stop)
			init_as(page, flags);
	}
}

/* As defer_init() has it: only a node's last zone may be deferred. */
static bool __init may_be_deferred(struct zone *zone)
{
	return IS_ENABLED(CONFIG_DEFERRED_STRUCT_PAGE_INIT) &&
	       zone_end_pfn(zone) >= pgdat_end_pfn(zone->zone_pgdat);
}

/**
 * kho_init_memmap - initialise a part of the memory map that is not deferred
 * @zone: the zone it is in
 * @pfn:  the first page
 * @end:  the page behind the last one
 *
 * Context: called by memmap_init_zone_range().
 * Return: false if it is left to memmap_init_range(), which does the same.
 */
bool __init kho_init_memmap(struct zone *zone, unsigned long pfn,
			    unsigned long end)
{
	if (!is_kho_boot() || may_be_deferred(zone) || zone_movable_wanted())
		return false;

	kho_init_pages(pfn, end, zone_idx(zone), zone_to_nid(zone));
	highest_memmap_pfn = max(highest_memmap_pfn, end - 1);
	for (pfn = pageblock_align(pfn); pfn < end; pfn += pageblock_nr_pages)
		set_pageblock_migratetype(pfn_to_page(pfn), MIGRATE_MOVABLE);

	return true;
}
