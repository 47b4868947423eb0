// SPDX-License-Identifier: GPL-2.0
/*
 * Test of kexec handover: what is preserved for the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/pgtable.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "test_kho.h"

/*
 * Pages to take on either side of where a node begins or ends. Less than a
 * pageblock cannot be isolated from the rest of it.
 */
#define TEST_KHO_BORDER_PAGES	((unsigned long)pageblock_nr_pages)

/* See make_folio_at(). */
static ulong folio_at;
module_param(folio_at, ulong, 0400);
MODULE_PARM_DESC(folio_at, "Preserve a folio of the largest order at this physical address");

/* What this kernel hands over. */
static struct {
	struct test_kho_ser *ser;
	struct test_kho_item items[TEST_KHO_MAX_ITEMS];
} test_kho_out;

/* The next item, if there is room for one. */
static struct test_kho_item *new_item(enum test_kho_kind kind, size_t size)
{
	struct test_kho_ser *ser = test_kho_out.ser;
	struct test_kho_item *item;

	if (ser->nr_items == TEST_KHO_MAX_ITEMS)
		return NULL;

	item = &test_kho_out.items[ser->nr_items];
	item->ser = &ser->items[ser->nr_items];
	*item->ser = (struct test_kho_item_ser) { .kind = kind, .size = size };
	return item;
}

/* The item is preserved, and counts from now on. */
static void keep_item(struct test_kho_item *item)
{
	struct test_kho_ser *ser = test_kho_out.ser;
	struct rnd_state rnd;
	size_t done = 0;

	prandom_seed_state(&rnd, ser->seed + ser->nr_items++);
	while (done < item->ser->size)
		done += test_kho_next_random(&rnd, item, done, item->mem + done);
}

/* An item of pages that are there. If that fails they are freed. */
static int make_range(struct page *page, unsigned long nr_pages)
{
	struct test_kho_item *item = new_item(TEST_KHO_PAGES,
					      PFN_PHYS(nr_pages));
	int err;

	if (!item) {
		test_kho_free_page_range(page, nr_pages);
		return -ENOSPC;
	}

	err = test_kho_preserve_pages(item, page);
	if (!err)
		keep_item(item);
	return err;
}

static int make_item(enum test_kho_kind kind, size_t size, size_t offset)
{
	struct test_kho_item *item = new_item(kind, size);
	int err;

	if (!item)
		return -ENOSPC;

	err = test_kho_ops[kind].make(item, offset);
	if (!err)
		keep_item(item);
	return err;
}

/* Pages of one zone, none of which is a hole or will never be free. */
static bool may_be_allocated(unsigned long pfn, unsigned long end)
{
	const struct page *first = pfn_to_online_page(pfn);

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || PageReserved(page) ||
		    page_zone(page) != page_zone(first))
			return false;
	}

	return true;
}

static bool alloc_range(unsigned long pfn, unsigned long end)
{
	return may_be_allocated(pfn, end) &&
	       !alloc_contig_range(pfn, end, MIGRATE_MOVABLE, GFP_KERNEL);
}

/* What can be had of the pages on either side of a border is one item. */
static int make_border(unsigned long border)
{
	unsigned long pfn = border, end = border;

	if (border >= TEST_KHO_BORDER_PAGES &&
	    alloc_range(border - TEST_KHO_BORDER_PAGES, border))
		pfn -= TEST_KHO_BORDER_PAGES;
	if (alloc_range(border, border + TEST_KHO_BORDER_PAGES))
		end += TEST_KHO_BORDER_PAGES;
	if (pfn == end)
		return 0;

	return make_range(pfn_to_page(pfn), end - pfn);
}

/* Where a node begins another one may end; the second attempt gets nothing. */
static int make_borders(void)
{
	int nid, err = 0;

	for_each_online_node(nid) {
		err = make_border(node_start_pfn(nid));
		if (!err)
			err = make_border(node_end_pfn(nid));
		if (err)
			break;
	}

	return err;
}

/* There may be none to be had. */
static int make_low_page(void)
{
	unsigned long pfn;

	for (pfn = 0; pfn < MAX_ORDER_NR_PAGES; pfn++)
		if (alloc_range(pfn, pfn + 1))
			return make_range(pfn_to_page(pfn), 1);

	return 0;
}

static int make_folios(void)
{
	unsigned int order;
	int err = 0;

	for (order = 0; !err && order <= MAX_PAGE_ORDER; order++)
		err = make_item(TEST_KHO_FOLIO, PAGE_SIZE << order, 0);

	return err;
}

/* Where nodes of the next kernel meet, say. There may be none to be had. */
static int make_folio_at(unsigned long pfn)
{
	const unsigned long end = pfn + MAX_ORDER_NR_PAGES;
	struct test_kho_item *item = new_item(TEST_KHO_FOLIO,
					      PAGE_SIZE << MAX_PAGE_ORDER);
	struct folio *folio;
	int err;

	if (!item)
		return -ENOSPC;
	if (!may_be_allocated(pfn, end) ||
	    alloc_contig_range(pfn, end, MIGRATE_MOVABLE,
			       GFP_KERNEL | __GFP_COMP))
		return 0;

	folio = pfn_folio(pfn);
	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return err;
	}

	item->ser->phys = PFN_PHYS(pfn);
	item->mem = folio_address(folio);
	keep_item(item);
	return 0;
}

static int make_others(void)
{
	const size_t slots = KHO_VMALLOC_CHUNK_SLOTS;
	const struct {
		enum test_kho_kind kind;
		size_t size;
		size_t offset;
	} others[] = {
		{ TEST_KHO_PAGES, PAGE_SIZE, 0 },
		{ TEST_KHO_PAGES, PAGE_SIZE, 3 * PAGE_SIZE },
		{ TEST_KHO_PAGES, 62 * PAGE_SIZE, PAGE_SIZE },
		{ TEST_KHO_PAGES, 37 * PAGE_SIZE, 27 * PAGE_SIZE },
		{ TEST_KHO_PAGES, (MAX_ORDER_NR_PAGES - 9) * PAGE_SIZE,
		  7 * PAGE_SIZE },
		{ TEST_KHO_MEM, 1, 0 },
		{ TEST_KHO_MEM, PAGE_SIZE, 0 },
		{ TEST_KHO_MEM, PAGE_SIZE + 1, 0 },
		{ TEST_KHO_MEM, 9 * PAGE_SIZE, 0 },
		{ TEST_KHO_MEM, PAGE_SIZE << MAX_PAGE_ORDER, 0 },
		/* One chunk, one that is just full, two, and three. */
		{ TEST_KHO_AREA, PAGE_SIZE, 0 },
		{ TEST_KHO_AREA, slots * PAGE_SIZE, 0 },
		{ TEST_KHO_AREA, (slots + 1) * PAGE_SIZE, 0 },
		{ TEST_KHO_AREA, (2 * slots + 5) * PAGE_SIZE, 0 },
		{ TEST_KHO_PADDED_AREA, slots * PAGE_SIZE, 0 },
		{ TEST_KHO_PADDED_AREA, 2 * slots * PAGE_SIZE, 0 },
		{ TEST_KHO_HUGE_AREA, 3 * PMD_SIZE, 0 },
	};
	int i, err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(others); i++)
		err = make_item(others[i].kind, others[i].size,
				others[i].offset);

	return err;
}

static void drop_out(void)
{
	struct test_kho_ser *ser = test_kho_out.ser;

	while (ser->nr_items) {
		struct test_kho_item *item =
			&test_kho_out.items[--ser->nr_items];

		test_kho_ops[item->ser->kind].drop(item);
	}
	kho_unpreserve_free(ser);
}

static void log_out(void)
{
	struct test_kho_stats stats = { };
	unsigned int i;

	for (i = 0; i < test_kho_out.ser->nr_items; i++)
		test_kho_count_item(&stats, &test_kho_out.items[i]);
	test_kho_log_stats("preserved", &stats);
}

/* Borders first: what was freed there a moment ago may be used for others. */
int test_kho_hand_over(void)
{
	struct test_kho_ser *ser = kho_alloc_preserve(sizeof(*ser));
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	ser->version = TEST_KHO_VERSION;
	ser->seed = get_random_u64();
	test_kho_out.ser = ser;

	err = make_borders();
	if (!err)
		err = make_low_page();
	if (!err && folio_at)
		err = make_folio_at(PHYS_PFN(folio_at));
	if (!err)
		err = make_folios();
	if (!err)
		err = make_others();
	if (!err)
		err = kho_add_subtree(TEST_KHO_SUBTREE, ser, sizeof(*ser));
	if (err) {
		drop_out();
		return err;
	}

	log_out();
	return 0;
}

void test_kho_withdraw(void)
{
	kho_remove_subtree(test_kho_out.ser);
	drop_out();
}
