// SPDX-License-Identifier: GPL-2.0
/*
 * Test of kexec handover: memory of each kind, before a kexec and after it.
 *
 * When the module is loaded it takes back what it preserved in the previous
 * kernel, compares each byte, looks at each struct page, and frees it all. Then
 * it preserves memory for the next kernel. Loading fails when anything that
 * came in is not as it was. Removing the module frees what it preserved.
 *
 * How to use it and what it logs is in
 * Documentation/core-api/kho/testing.rst.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/kho_radix_tree.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/pgtable.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <linux/kho/abi/kexec_handover.h>

#define TEST_KHO_SUBTREE	"test-kho"
#define TEST_KHO_VERSION	1

/* So many that the blob takes two pages. */
#define TEST_KHO_MAX_ITEMS						\
	(2 * PAGE_SIZE / sizeof(struct test_kho_item_ser) - 1)

/*
 * Pages to take on either side of where a node begins or ends. Less than a
 * pageblock cannot be isolated from the rest of it.
 */
#define TEST_KHO_BORDER_PAGES	((unsigned long)pageblock_nr_pages)

/* See make_folio_at(). */
static ulong folio_at;
module_param(folio_at, ulong, 0400);
MODULE_PARM_DESC(folio_at, "Preserve a folio of the largest order at this physical address");

enum test_kho_kind {
	TEST_KHO_FOLIO,
	TEST_KHO_PAGES,
	TEST_KHO_MEM,
	TEST_KHO_AREA,
	TEST_KHO_HUGE_AREA,
	TEST_KHO_PADDED_AREA,
};

/**
 * struct test_kho_item_ser - an item, as it is handed over
 * @kind: enum test_kho_kind
 * @phys: where it is, unless it is an area
 * @size: in bytes
 * @area: description of an area
 */
struct test_kho_item_ser {
	u64 kind;
	u64 phys;
	u64 size;
	struct kho_vmalloc area;
};

/**
 * struct test_kho_ser - the blob
 * @version:  TEST_KHO_VERSION
 * @seed:     item n is full of the random numbers that @seed + n gives
 * @nr_items: how many there are
 * @items:    the items
 */
struct test_kho_ser {
	u64 version;
	u64 seed;
	u64 nr_items;
	struct test_kho_item_ser items[TEST_KHO_MAX_ITEMS];
};

/**
 * struct test_kho_item - an item in this kernel
 * @ser: what is handed over
 * @mem: where it is mapped
 */
struct test_kho_item {
	struct test_kho_item_ser *ser;
	void *mem;
};

/**
 * struct test_kho_ops - how to handle a kind of items
 * @name: for messages
 * @make: allocate and preserve one, of a size and, if it is part of something
 *        larger, at an offset in bytes in that
 * @drop: unpreserve and free it
 * @take: in the next kernel: take it back, and check its struct pages
 * @free: free it
 */
struct test_kho_ops {
	const char *name;
	int (*make)(struct test_kho_item *item, size_t offset);
	void (*drop)(struct test_kho_item *item);
	bool (*take)(struct test_kho_item *item);
	void (*free)(struct test_kho_item *item);
};

/* What this kernel hands over. */
static struct {
	struct test_kho_ser *ser;
	struct test_kho_item items[TEST_KHO_MAX_ITEMS];
} test_kho_out;

static bool strict = true;
module_param(strict, bool, 0444);
MODULE_PARM_DESC(strict, "Also try what KHO has to refuse, and look at how memory comes back; another KHO may warn of it or differ");

/* Attempts to take back what is not there, each of which KHO warns of. */
static unsigned int nr_refused;

#define EXPECT(condition) expect(condition, #condition)

static bool expect(bool condition, const char *text)
{
	if (!condition)
		pr_err("FAILED: %s\n", text);
	return condition;
}

static unsigned long item_pages(const struct test_kho_item *item)
{
	return DIV_ROUND_UP_ULL(item->ser->size, PAGE_SIZE);
}

static struct page *item_page(const struct test_kho_item *item)
{
	return pfn_to_page(PHYS_PFN(item->ser->phys));
}

/* Put the contents of an item from @done on, a page at most, in a buffer. */
static size_t next_random(struct rnd_state *rnd,
			  const struct test_kho_item *item, size_t done,
			  void *buf)
{
	size_t len = min_t(size_t, item->ser->size - done, PAGE_SIZE);

	prandom_bytes_state(rnd, buf, len);
	cond_resched();
	return len;
}

/* What kho_restore_folio() and kho_restore_pages() must not give. */

static bool folio_refused(phys_addr_t phys)
{
	if (!strict)
		return true;
	nr_refused++;
	return !kho_restore_folio(phys);
}

static bool pages_refused(phys_addr_t phys, unsigned long nr_pages)
{
	if (!strict)
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
	struct folio *folio = page_folio(item_page(item));

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
	const struct page *first = item_page(item);

	return page_zone(first) != page_zone(first + item_pages(item) - 1);
}

static bool take_folio(struct test_kho_item *item)
{
	const phys_addr_t phys = item->ser->phys;
	const unsigned int order = get_order(item->ser->size);
	struct folio *folio;

	if (is_split(item))
		return EXPECT(folio_refused(phys)) && take_pages(item);

	if (order && !EXPECT(folio_refused(phys + PAGE_SIZE)))
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
	       EXPECT(folio_refused(phys));
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

static void free_page_range(struct page *page, unsigned long nr_pages)
{
	while (nr_pages--)
		__free_page(page++);
}

/* Preserve pages that are there. If that fails they are freed. */
static int preserve_pages(struct test_kho_item *item, struct page *page)
{
	int err;

	err = kho_preserve_pages(page, item_pages(item));
	if (err) {
		free_page_range(page, item_pages(item));
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
	const unsigned long end = first + item_pages(item);
	struct page *page = alloc_pages(GFP_KERNEL, order);

	if (!page)
		return -ENOMEM;

	split_page(page, order);
	free_page_range(page, first);
	free_page_range(page + end, (1UL << order) - end);
	return preserve_pages(item, page + first);
}

static void drop_pages(struct test_kho_item *item)
{
	kho_unpreserve_pages(item_page(item), item_pages(item));
	free_page_range(item_page(item), item_pages(item));
}

static bool take_pages(struct test_kho_item *item)
{
	const phys_addr_t phys = item->ser->phys;
	const unsigned long nr_pages = item_pages(item);
	struct page *page;
	unsigned long i;

	if (!EXPECT(pages_refused(phys, 0)))
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
	       EXPECT(pages_refused(phys, nr_pages)) &&
	       EXPECT(folio_refused(phys));
}

static void free_pages_item(struct test_kho_item *item)
{
	free_page_range(virt_to_page(item->mem), item_pages(item));
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

	if (!strict)
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

	if (!EXPECT(item_pages(item) == area->total_pages))
		return false;
	item->mem = kho_restore_vmalloc(area);
	if (!EXPECT(item->mem))
		return false;
	if (!EXPECT(is_vmalloc_addr(item->mem)) ||
	    !EXPECT(IS_ALIGNED((unsigned long)item->mem,
			       PAGE_SIZE << area->order)))
		return false;

	for (i = 0; i < item_pages(item); i++) {
		struct page *page = vmalloc_to_page(item->mem + i * PAGE_SIZE);

		if (!EXPECT(page) ||
		    !EXPECT(page_ref_count(page) == 1) ||
		    !EXPECT(!PageCompound(page)) ||
		    !EXPECT(page_is_fresh(page)))
			return false;
	}

	return area_is_like(item->mem, area) &&
	       EXPECT(pages_refused(area->first.phys, 1));
}

static void free_area(struct test_kho_item *item)
{
	vfree(item->mem);
}

static const struct test_kho_ops test_kho_ops[] = {
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

/* What is special about items, for the log. */
struct test_kho_stats {
	unsigned int items;
	unsigned int failed;
	u64 bytes;
	unsigned int huge_order;
	unsigned int edges;
	unsigned int crossing;
	unsigned int low;
	unsigned int split;
};

static void count_border(struct test_kho_stats *stats,
			 const struct test_kho_item *item)
{
	const unsigned long pfn = PHYS_PFN(item->ser->phys);
	const unsigned long end = pfn + item_pages(item);
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

static void count_item(struct test_kho_stats *stats,
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

static void log_stats(const char *what, const struct test_kho_stats *stats)
{
	pr_info("%s: items=%u failed=%u bytes=%llu huge_order=%u edges=%u crossing=%u low=%u split=%u refused=%u\n",
		what, stats->items, stats->failed, stats->bytes,
		stats->huge_order, stats->edges, stats->crossing, stats->low,
		stats->split, nr_refused);
}

/* Taking back what came in */

static bool contents_match(const struct test_kho_item *item, u64 seed)
{
	void *expected = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct rnd_state rnd;
	size_t done, len;

	if (!EXPECT(expected))
		return false;

	prandom_seed_state(&rnd, seed);
	for (done = 0; done < item->ser->size; done += len) {
		len = next_random(&rnd, item, done, expected);
		if (memcmp(item->mem + done, expected, len))
			break;
	}
	kfree(expected);

	return EXPECT(done == item->ser->size);
}

/* What cannot even be taken back stays preserved. */
static bool take_item(struct test_kho_item *item, u64 seed)
{
	const struct test_kho_ops *ops;
	bool ok;

	if (!EXPECT(item->ser->kind < ARRAY_SIZE(test_kho_ops)) ||
	    !EXPECT(item->ser->size))
		return false;

	ops = &test_kho_ops[item->ser->kind];
	ok = ops->take(item) && contents_match(item, seed);
	if (!ok)
		pr_err("FAILED: %s of %llu bytes\n", ops->name, item->ser->size);
	if (item->mem)
		ops->free(item);

	return ok;
}

static void take_items(struct test_kho_ser *ser, struct test_kho_stats *stats)
{
	unsigned int i;

	for (i = 0; i < ser->nr_items; i++) {
		struct test_kho_item item = { .ser = &ser->items[i] };

		if (take_item(&item, ser->seed + i))
			count_item(stats, &item);
		else
			stats->failed++;
	}
}

/* What nobody preserved, and what can be no memory at all. */
static bool never_preserved_is_refused(void)
{
	void *mem = (void *)__get_free_page(GFP_KERNEL);
	bool ok;

	if (!EXPECT(mem))
		return false;
	ok = EXPECT(folio_refused(virt_to_phys(mem))) &&
	     EXPECT(pages_refused(virt_to_phys(mem), 1)) &&
	     EXPECT(folio_refused(virt_to_phys(mem) + 1)) &&
	     EXPECT(folio_refused(PHYS_ADDR_MAX & PAGE_MASK));
	free_page((unsigned long)mem);

	return ok;
}

/* The blob was in one piece until here, by its size as KHO knows it. */
static bool blob_is_freed(struct test_kho_ser *ser)
{
	const phys_addr_t blob = virt_to_phys(ser);
	phys_addr_t phys;

	kho_restore_free(ser);
	if (!strict)
		return true;
	return EXPECT(folio_refused(blob)) &&
	       EXPECT(kho_retrieve_subtree(TEST_KHO_SUBTREE, &phys, NULL) ==
		      -EINVAL);
}

static int take_back(void)
{
	struct test_kho_stats stats = { };
	struct test_kho_ser *ser;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(TEST_KHO_SUBTREE, &phys, &size);
	if (err == -ENOENT) {
		pr_info("nothing came in\n");
		return 0;
	}
	if (err)
		return err;

	ser = phys_to_virt(phys);
	if (size != sizeof(*ser) || ser->version != TEST_KHO_VERSION ||
	    ser->nr_items > TEST_KHO_MAX_ITEMS) {
		pr_err("what came in is not of this version, it stays preserved\n");
		return -EPROTONOSUPPORT;
	}

	take_items(ser, &stats);
	if (!never_preserved_is_refused() || !blob_is_freed(ser))
		stats.failed++;
	log_stats("restored", &stats);

	return stats.failed ? -EIO : 0;
}

/* Handing over */

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
		done += next_random(&rnd, item, done, item->mem + done);
}

/* An item of pages that are there. If that fails they are freed. */
static int make_range(struct page *page, unsigned long nr_pages)
{
	struct test_kho_item *item = new_item(TEST_KHO_PAGES,
					      PFN_PHYS(nr_pages));
	int err;

	if (!item) {
		free_page_range(page, nr_pages);
		return -ENOSPC;
	}

	err = preserve_pages(item, page);
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
		count_item(&stats, &test_kho_out.items[i]);
	log_stats("preserved", &stats);
}

/* Borders first: what was freed there a moment ago may be used for others. */
static int hand_over(void)
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

/*
 * Structures that drivers hand over, by what is there for them. A kexec
 * handover of other make may not export all of it.
 */
#ifndef TEST_KHO_MEMORY_ONLY

struct test_kho_entry {
	u64 nr;
};

static int count_key(unsigned long key, void *data)
{
	unsigned int *nr = data;

	return EXPECT(key == 5) ? !++*nr : -EINVAL;
}

static bool tree_works(void)
{
	const struct kho_radix_walk_cb cb = { .leaf = count_key };
	struct kho_radix_tree tree = {};
	unsigned int nr = 0;
	bool ok;

	kho_radix_destroy_tree(&tree);
	if (!EXPECT(!kho_radix_init_tree(&tree, NULL)))
		return false;

	ok = EXPECT(!kho_radix_add_key(&tree, 5)) &&
	     EXPECT(!kho_radix_add_key(&tree, 5)) &&
	     EXPECT(kho_radix_add_key(&tree, ULONG_MAX) == -ERANGE) &&
	     EXPECT(!kho_radix_walk_tree(&tree, &cb, &nr)) && EXPECT(nr == 1);
	if (ok)
		kho_radix_del_key(&tree, 5);
	ok = ok && EXPECT(!kho_radix_walk_tree(&tree, &cb, &nr)) &&
	     EXPECT(nr == 1);
	kho_radix_destroy_tree(&tree);

	return ok;
}

/* A block that another kernel's driver writes or reads has this size. */
static bool block_is_a_page(u64 head_pa)
{
	return EXPECT(head_pa) && EXPECT(IS_ALIGNED(head_pa, KHO_BLOCK_SIZE)) &&
	       EXPECT(KHO_BLOCK_SIZE == PAGE_SIZE);
}

static bool fill_blocks(struct kho_block_set *bs)
{
	struct test_kho_entry *entry;
	struct kho_block_set_it it;

	kho_block_set_it_init(&it, bs);
	entry = kho_block_set_it_reserve_entry(&it);
	if (!EXPECT(entry))
		return false;
	entry->nr = 42;

	return EXPECT(kho_block_set_it_prev(&it) == entry) &&
	       EXPECT(kho_block_set_it_read_entry(&it) == entry) &&
	       EXPECT(!kho_block_set_it_read_entry(&it));
}

static bool blocks_work(void)
{
	static struct kho_block_set named =
		KHO_BLOCK_SET_INIT(named, sizeof(struct test_kho_entry));
	struct kho_block_set bs;
	bool ok;

	kho_block_set_init(&bs, sizeof(struct test_kho_entry));
	ok = EXPECT(kho_block_set_is_empty(&named)) &&
	     EXPECT(kho_block_set_is_empty(&bs)) &&
	     EXPECT(!kho_block_set_head_pa(&bs)) &&
	     EXPECT(!kho_block_set_grow(&bs, 1)) &&
	     EXPECT(!kho_block_set_is_empty(&bs)) &&
	     block_is_a_page(kho_block_set_head_pa(&bs)) && fill_blocks(&bs);
	kho_block_set_clear(&bs);
	kho_block_set_shrink(&bs, 0);
	ok = ok && EXPECT(kho_block_set_is_empty(&bs)) &&
	     EXPECT(!kho_block_set_restore(&bs, 0));
	kho_block_set_destroy(&bs);

	return ok;
}

static bool pointers_work(void)
{
	struct {
		DECLARE_KHOSER_PTR(entry, struct test_kho_entry *);
	} ser;
	struct test_kho_entry *entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	bool ok;

	if (!EXPECT(entry))
		return false;

	KHOSER_STORE_PTR(ser.entry, entry);
	ok = EXPECT(ser.entry.phys == virt_to_phys(entry)) &&
	     EXPECT(KHOSER_LOAD_PTR(ser.entry) == entry);
	KHOSER_STORE_PTR(ser.entry, NULL);
	ok = ok && EXPECT(!ser.entry.phys) &&
	     EXPECT(!KHOSER_LOAD_PTR(ser.entry));
	kfree(entry);

	return ok;
}

static bool structures_work(void)
{
	return tree_works() && blocks_work() && pointers_work();
}

#else

static bool structures_work(void)
{
	return true;
}

#endif /* TEST_KHO_MEMORY_ONLY */

/* When it is built in, blobs that came in must not be freed any earlier. */
static int __init test_kho_init(void)
{
	int err;

	if (!kho_is_enabled()) {
		pr_err("boot with kho=on to use it\n");
		return -EOPNOTSUPP;
	}

	err = take_back();
	if (!err && !structures_work())
		err = -EIO;
	if (!err)
		err = hand_over();

	return err;
}
late_initcall(test_kho_init);

static void __exit test_kho_exit(void)
{
	kho_remove_subtree(test_kho_out.ser);
	drop_out();
	pr_info("freed what was preserved\n");
}
module_exit(test_kho_exit);

MODULE_DESCRIPTION("Test of kexec handover");
MODULE_LICENSE("GPL");
