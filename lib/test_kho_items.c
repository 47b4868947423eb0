// SPDX-License-Identifier: GPL-2.0
/*
 * Test of kexec handover: memory of each kind, and how it has to come back.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "test_kho.h"

bool test_kho_strict = true;
module_param_named(strict, test_kho_strict, bool, 0444);
MODULE_PARM_DESC(strict, "Also try what KHO has to refuse, and look at how memory comes back; another KHO may warn of it or differ");

/* Attempts to restore what is not there, each of which KHO warns of. */
static unsigned int nr_refused;

/* Put the contents of an item from @done on, a page at most, in a buffer. */
size_t test_kho_next_random(struct rnd_state *rnd,
			    const struct test_kho_item *item, size_t done,
			    void *buf)
{
	size_t len = min_t(size_t, item->ser->size - done, PAGE_SIZE);

	prandom_bytes_state(rnd, buf, len);
	cond_resched();
	return len;
}

/* What kho_restore_folio() and kho_restore_pages() must not give. */

bool test_kho_folio_refused(phys_addr_t phys)
{
	if (!test_kho_strict)
		return true;
	nr_refused++;
	return !kho_restore_folio(phys);
}

bool test_kho_pages_refused(phys_addr_t phys, unsigned long nr_pages)
{
	if (!test_kho_strict)
		return true;
	nr_refused++;
	return !kho_restore_pages(phys, nr_pages);
}

/* Folios */

static int make_folio(struct test_kho_item *item, size_t offset)
{
	struct folio *folio = folio_alloc(GFP_KERNEL,
					  get_order(item->ser->size));
	int err;

	if (!folio)
		return -ENOMEM;

	err = kho_preserve_folio(folio);
	if (err) {
		folio_put(folio);
		return err;
	}

	item->ser->phys = PFN_PHYS(folio_pfn(folio));
	item->mem = folio_address(folio);
	return 0;
}

static void drop_folio(struct test_kho_item *item)
{
	struct folio *folio = page_folio(test_kho_item_page(item));

	kho_unpreserve_folio(folio);
	folio_put(folio);
}

/* A page that its owner has, and nobody else. */
static bool page_is_fresh(const struct page *page)
{
	return !PageReserved(page) && !page->mapping && !page_private(page) &&
	       !page_mapped(page);
}

static bool tails_are_fresh(struct folio *folio)
{
	struct page *page;
	long i;

	for (i = 1; i < folio_nr_pages(folio); i++) {
		page = folio_page(folio, i);
		if (!EXPECT(!PageReserved(page)) ||
		    !EXPECT(page_folio(page) == folio) ||
		    !EXPECT(!page_ref_count(page)))
			return false;
	}

	return true;
}

static bool take_pages(struct test_kho_item *item);

/* The page allocator could not free a folio that lies on two nodes. */
static bool is_split(const struct test_kho_item *item)
{
	const struct page *first = test_kho_item_page(item);

	return page_zone(first) != page_zone(first + test_kho_item_pages(item) - 1);
}

static bool take_folio(struct test_kho_item *item)
{
	const phys_addr_t phys = item->ser->phys;
	const unsigned int order = get_order(item->ser->size);
	struct folio *folio;

	if (is_split(item))
		return EXPECT(test_kho_folio_refused(phys)) && take_pages(item);

	if (order && !EXPECT(test_kho_folio_refused(phys + PAGE_SIZE)))
		return false;

	folio = kho_restore_folio(phys);
	if (!EXPECT(folio))
		return false;
	item->mem = folio_address(folio);

	return EXPECT(PFN_PHYS(folio_pfn(folio)) == phys) &&
	       EXPECT(folio_order(folio) == order) &&
	       EXPECT(folio_test_large(folio) == !!order) &&
	       EXPECT(folio_ref_count(folio) == 1) &&
	       EXPECT(page_is_fresh(&folio->page)) &&
	       tails_are_fresh(folio) &&
	       EXPECT(test_kho_folio_refused(phys));
}

static void free_pages_item(struct test_kho_item *item);

static void free_folio(struct test_kho_item *item)
{
	if (is_split(item))
		return free_pages_item(item);

	folio_put(virt_to_folio(item->mem));
}

/* Memory by kho_alloc_preserve(), which comes back as a folio */

static int make_mem(struct test_kho_item *item, size_t offset)
{
	item->mem = kho_alloc_preserve(item->ser->size);
	if (IS_ERR(item->mem))
		return PTR_ERR(item->mem);

	item->ser->phys = virt_to_phys(item->mem);
	if (EXPECT(!memchr_inv(item->mem, 0, item->ser->size)))
		return 0;

	kho_unpreserve_free(item->mem);
	return -EINVAL;
}

static void drop_mem(struct test_kho_item *item)
{
	kho_unpreserve_free(item->mem);
}

/* Pages */

void test_kho_free_page_range(struct page *page, unsigned long nr_pages)
{
	while (nr_pages--)
		__free_page(page++);
}

/* Preserve pages that are there. If that fails they are freed. */
int test_kho_preserve_pages(struct test_kho_item *item, struct page *page)
{
	int err;

	err = kho_preserve_pages(page, test_kho_item_pages(item));
	if (err) {
		test_kho_free_page_range(page, test_kho_item_pages(item));
		return err;
	}

	item->ser->phys = page_to_phys(page);
	item->mem = page_address(page);
	return 0;
}

/* They are cut out of a block of pages, so that they need not be aligned. */
static int make_pages(struct test_kho_item *item, size_t offset)
{
	const unsigned int order = get_order(offset + item->ser->size);
	const unsigned long first = offset >> PAGE_SHIFT;
	const unsigned long end = first + test_kho_item_pages(item);
	struct page *page = alloc_pages(GFP_KERNEL, order);

	if (!page)
		return -ENOMEM;

	split_page(page, order);
	test_kho_free_page_range(page, first);
	test_kho_free_page_range(page + end, (1UL << order) - end);
	return test_kho_preserve_pages(item, page + first);
}

static void drop_pages(struct test_kho_item *item)
{
	kho_unpreserve_pages(test_kho_item_page(item), test_kho_item_pages(item));
	test_kho_free_page_range(test_kho_item_page(item), test_kho_item_pages(item));
}

static bool take_pages(struct test_kho_item *item)
{
	const phys_addr_t phys = item->ser->phys;
	const unsigned long nr_pages = test_kho_item_pages(item);
	struct page *page;
	unsigned long i;

	if (!EXPECT(test_kho_pages_refused(phys, 0)))
		return false;

	page = kho_restore_pages(phys, nr_pages);
	if (!EXPECT(page))
		return false;
	item->mem = page_address(page);

	for (i = 0; i < nr_pages; i++)
		if (!EXPECT(page_ref_count(page + i) == 1) ||
		    !EXPECT(!PageCompound(page + i)) ||
		    !EXPECT(page_is_fresh(page + i)))
			return false;

	return EXPECT(page_to_phys(page) == phys) &&
	       EXPECT(test_kho_pages_refused(phys, nr_pages)) &&
	       EXPECT(test_kho_folio_refused(phys));
}

static void free_pages_item(struct test_kho_item *item)
{
	test_kho_free_page_range(virt_to_page(item->mem), test_kho_item_pages(item));
}

/* vmalloc areas */

static int preserve_area(struct test_kho_item *item)
{
	int err;

	if (!item->mem)
		return -ENOMEM;

	err = kho_preserve_vmalloc(item->mem, &item->ser->area);
	if (err)
		vfree(item->mem);
	return err;
}

static void drop_area(struct test_kho_item *item)
{
	kho_unpreserve_vmalloc(&item->ser->area);
	vfree(item->mem);
}

static int make_area(struct test_kho_item *item, size_t offset)
{
	item->mem = vmalloc(item->ser->size);
	return preserve_area(item);
}

/*
 * As other kernels do when the last chunk of the description is just full. A
 * chunk begins with the physical address of the next one.
 */
static int add_empty_chunk(struct kho_vmalloc *area)
{
	u64 *last, *empty;

	last = phys_to_virt(area->first.phys);
	while (*last)
		last = phys_to_virt(*last);
	/* This kernel is such a one. */
	if (!last[1])
		return 0;

	empty = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(empty))
		return PTR_ERR(empty);
	*last = virt_to_phys(empty);
	return 0;
}

static int make_padded_area(struct test_kho_item *item, size_t offset)
{
	int err = make_area(item, offset);

	if (err)
		return err;

	err = add_empty_chunk(&item->ser->area);
	if (err)
		drop_area(item);
	return err;
}

static int make_huge_area(struct test_kho_item *item, size_t offset)
{
	item->mem = vmalloc_huge(item->ser->size, GFP_KERNEL);
	return preserve_area(item);
}

/* Is the area of the kind that it was? Preserving it again tells. */
static bool area_is_like(void *mem, const struct kho_vmalloc *area)
{
	struct kho_vmalloc again;
	int err;

	if (!test_kho_strict)
		return true;
	err = kho_preserve_vmalloc(mem, &again);
	if (!EXPECT(!err))
		return false;
	if (EXPECT(again.total_pages == area->total_pages) &&
	    EXPECT(again.flags == area->flags) &&
	    EXPECT(again.order == area->order))
		err = 0;
	else
		err = -EINVAL;
	kho_unpreserve_vmalloc(&again);

	return !err;
}

static bool take_area(struct test_kho_item *item)
{
	const struct kho_vmalloc *area = &item->ser->area;
	unsigned long i;

	if (!EXPECT(test_kho_item_pages(item) == area->total_pages))
		return false;
	item->mem = kho_restore_vmalloc(area);
	if (!EXPECT(item->mem))
		return false;
	if (!EXPECT(is_vmalloc_addr(item->mem)) ||
	    !EXPECT(IS_ALIGNED((unsigned long)item->mem,
			       PAGE_SIZE << area->order)))
		return false;

	for (i = 0; i < test_kho_item_pages(item); i++) {
		struct page *page = vmalloc_to_page(item->mem + i * PAGE_SIZE);

		if (!EXPECT(page) ||
		    !EXPECT(page_ref_count(page) == 1) ||
		    !EXPECT(!PageCompound(page)) ||
		    !EXPECT(page_is_fresh(page)))
			return false;
	}

	return area_is_like(item->mem, area) &&
	       EXPECT(test_kho_pages_refused(area->first.phys, 1));
}

static void free_area(struct test_kho_item *item)
{
	vfree(item->mem);
}

const struct test_kho_ops test_kho_ops[] = {
	[TEST_KHO_FOLIO] = { "folio", make_folio, drop_folio, take_folio,
			     free_folio },
	[TEST_KHO_PAGES] = { "range of pages", make_pages, drop_pages,
			     take_pages, free_pages_item },
	[TEST_KHO_MEM] = { "allocation", make_mem, drop_mem, take_folio,
			   free_folio },
	[TEST_KHO_AREA] = { "vmalloc area", make_area, drop_area, take_area,
			    free_area },
	[TEST_KHO_HUGE_AREA] = { "huge vmalloc area", make_huge_area, drop_area,
				 take_area, free_area },
	[TEST_KHO_PADDED_AREA] = { "vmalloc area with an empty chunk",
				   make_padded_area, drop_area, take_area,
				   free_area },
};

static void count_border(struct test_kho_stats *stats,
			 const struct test_kho_item *item)
{
	const unsigned long pfn = PHYS_PFN(item->ser->phys);
	const unsigned long end = pfn + test_kho_item_pages(item);
	const int nid = page_to_nid(pfn_to_page(pfn));

	if (page_to_nid(pfn_to_page(end - 1)) != nid)
		stats->crossing++;
	else if (pfn == node_start_pfn(nid) || end == node_end_pfn(nid))
		stats->edges++;
}

/* In the first of the largest blocks: on x86 no zone has the first page. */
static bool is_low(phys_addr_t phys)
{
	return PHYS_PFN(phys) < MAX_ORDER_NR_PAGES;
}

void test_kho_count_item(struct test_kho_stats *stats,
			 const struct test_kho_item *item)
{
	stats->items++;
	stats->bytes += item->ser->size;
	if (item->ser->kind == TEST_KHO_FOLIO)
		stats->split += is_split(item);
	if (item->ser->kind == TEST_KHO_HUGE_AREA)
		stats->huge_order = item->ser->area.order;
	if (item->ser->kind == TEST_KHO_PAGES) {
		count_border(stats, item);
		stats->low += is_low(item->ser->phys);
	}
}

void test_kho_log_stats(const char *what, const struct test_kho_stats *stats)
{
	pr_info("%s: items=%u failed=%u bytes=%llu huge_order=%u edges=%u crossing=%u low=%u split=%u refused=%u\n",
		what, stats->items, stats->failed, stats->bytes,
		stats->huge_order, stats->edges, stats->crossing, stats->low,
		stats->split, nr_refused);
}
