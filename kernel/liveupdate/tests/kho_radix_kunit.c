// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the radix tree of preserved memory.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_radix_tree.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../kho_internal.h"

#define MAX_KEY		(BIT(KHO_TREE_KEY_WIDTH) - 1)
#define PFN_KEY(pfn)	kho_radix_encode_key(PFN_PHYS(pfn), 0)

/* Random sets are drawn from this many pages; they span several bitmaps. */
#define MODEL_PAGES	(3 * KHO_TREE_BITMAP_BITS)

static int kho_radix_test_init(struct kunit *test)
{
	struct kho_radix_tree *tree;

	tree = kunit_kzalloc(test, sizeof(*tree), GFP_KERNEL);
	if (!tree)
		return -ENOMEM;

	test->priv = tree;
	return kho_radix_init_tree(tree, NULL);
}

static void kho_radix_test_exit(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	if (tree && tree->root)
		kho_radix_destroy_tree(tree);
}

static int count_node(phys_addr_t phys, void *data)
{
	unsigned long *count = data;

	(*count)++;
	return 0;
}

static int count_key(unsigned long key, void *data)
{
	unsigned long *count = data;

	(*count)++;
	return 0;
}

static unsigned long nr_nodes(struct kho_radix_tree *tree)
{
	const struct kho_radix_walk_cb cb = { .node = count_node };
	unsigned long count = 0;

	kho_radix_walk_tree(tree, &cb, &count);
	return count;
}

static unsigned long nr_keys(struct kho_radix_tree *tree)
{
	const struct kho_radix_walk_cb cb = { .leaf = count_key };
	unsigned long count = 0;

	kho_radix_walk_tree(tree, &cb, &count);
	return count;
}

static void key_of_each_order_decodes(struct kunit *test)
{
	unsigned int order, got_order;
	phys_addr_t got_phys;

	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		const phys_addr_t size = PAGE_SIZE << order;
		const phys_addr_t phys[] = { 0, size, 7 * size, 1023 * size,
					     BIT(46), -2 * size };
		int i;

		for (i = 0; i < ARRAY_SIZE(phys); i++) {
			unsigned long key = kho_radix_encode_key(phys[i], order);

			KUNIT_ASSERT_EQ(test, 0,
					kho_radix_decode_key(key, &got_phys,
							     &got_order));
			KUNIT_EXPECT_EQ(test, got_phys, phys[i]);
			KUNIT_EXPECT_EQ(test, got_order, order);
		}
	}
}

/* The numbers are the wire format's, so they are written out. */
static void key_is_as_specified(struct kunit *test)
{
	if (PAGE_SHIFT != 12)
		kunit_skip(test, "the numbers are for pages of 4 KiB");

	KUNIT_EXPECT_EQ(test, kho_radix_encode_key(0, 0), 0x10000000000000);
	KUNIT_EXPECT_EQ(test, kho_radix_encode_key(0x1000, 0),
			0x10000000000001);
	KUNIT_EXPECT_EQ(test, kho_radix_encode_key(0x40200000, 9),
			0x80000000201);
	KUNIT_EXPECT_EQ(test, kho_radix_encode_key(0x400000, 10),
			0x40000000001);
}

static void key_of_no_block_is_refused(struct kunit *test)
{
	const unsigned long keys[] = {
		0, 1, MAX_KEY + 1, ULONG_MAX,
		/* Ends where the address space does, so has no end address. */
		MAX_KEY, BIT(KHO_ORDER_0_LOG2) - 1, 3,
	};
	unsigned int order;
	phys_addr_t phys;
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    kho_radix_decode_key(keys[i], &phys, &order),
				    "key %#lx", keys[i]);
}

static void key_is_there_from_add_to_del(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long keys[] = { 0, 1, 63, 64, KHO_TREE_BITMAP_BITS - 1,
				       KHO_TREE_BITMAP_BITS, BIT(40), MAX_KEY };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		KUNIT_EXPECT_FALSE(test, kho_radix_has_key(tree, keys[i]));
		KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));
		for (j = 0; j < ARRAY_SIZE(keys); j++)
			KUNIT_EXPECT_EQ(test, kho_radix_has_key(tree, keys[j]),
					j <= i);
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		kho_radix_del_key(tree, keys[i]);
		for (j = 0; j < ARRAY_SIZE(keys); j++)
			KUNIT_EXPECT_EQ(test, kho_radix_has_key(tree, keys[j]),
					j > i);
	}
}

static void key_twice_is_one(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, 5));
	KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, 5));
	KUNIT_EXPECT_TRUE(test, kho_radix_has_key(tree, 5));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 1);
}

static void key_too_large_is_refused(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	KUNIT_EXPECT_EQ(test, -ERANGE, kho_radix_add_key(tree, MAX_KEY + 1));
	KUNIT_EXPECT_EQ(test, -ERANGE, kho_radix_add_key(tree, ULONG_MAX));
	KUNIT_EXPECT_FALSE(test, kho_radix_has_key(tree, MAX_KEY + 1));
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
}

/* Two keys that share all but the leaf: its node alone goes with its key. */
static void empty_nodes_are_freed_but_the_root(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const struct kho_radix_node *root = tree->root;

	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 0));
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), KHO_TREE_DEPTH);
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, KHO_TREE_BITMAP_BITS));
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), KHO_TREE_DEPTH + 1);

	kho_radix_del_key(tree, KHO_TREE_BITMAP_BITS);
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), KHO_TREE_DEPTH);
	KUNIT_EXPECT_TRUE(test, kho_radix_has_key(tree, 0));
	kho_radix_del_key(tree, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
	KUNIT_EXPECT_PTR_EQ(test, tree->root, root);
}

static void tree_adopts_a_root(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct kho_radix_tree other;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 77));
	KUNIT_ASSERT_EQ(test, 0, kho_radix_init_tree(&other, tree->root));
	KUNIT_EXPECT_TRUE(test, kho_radix_has_key(&other, 77));
	KUNIT_EXPECT_EQ(test, nr_keys(&other), 1);
	kho_radix_destroy_tree(&other);
	tree->root = NULL;
	/* It has no nodes, and nothing is done. */
	kho_radix_destroy_tree(&other);
}

struct key_list {
	unsigned long keys[8];
	int nr;
	int stop_at;
};

static int list_key(unsigned long key, void *data)
{
	struct key_list *list = data;

	if (list->nr == list->stop_at)
		return -EINTR;
	list->keys[list->nr++] = key;
	return 0;
}

static void walk_is_in_ascending_order(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const struct kho_radix_walk_cb cb = { .leaf = list_key };
	const unsigned long keys[] = { MAX_KEY, 3, BIT(30), 2, BIT(45) | 9 };
	const unsigned long sorted[] = { 2, 3, BIT(30), BIT(45) | 9, MAX_KEY };
	struct key_list list = { .stop_at = ARRAY_SIZE(list.keys) };
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));

	KUNIT_EXPECT_EQ(test, 0, kho_radix_walk_tree(tree, &cb, &list));
	KUNIT_ASSERT_EQ(test, list.nr, ARRAY_SIZE(sorted));
	KUNIT_EXPECT_MEMEQ(test, list.keys, sorted, sizeof(sorted));
}

static void walk_ends_when_told(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const struct kho_radix_walk_cb cb = { .leaf = list_key };
	struct key_list list = { .stop_at = 2 };
	unsigned long key;

	for (key = 0; key < 4; key++)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, key << 20));

	KUNIT_EXPECT_EQ(test, -EINTR, kho_radix_walk_tree(tree, &cb, &list));
	KUNIT_EXPECT_EQ(test, list.nr, 2);
}

/* A page of a section of memory, where each page has a struct page. */
static unsigned long some_section(struct kunit *test)
{
	void *mem = kunit_kmalloc(test, 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	return ALIGN_DOWN(PHYS_PFN(virt_to_phys(mem)), PAGES_PER_SECTION);
}

/* Each page in the range is in just one block, and no page outside is. */
static void expect_covered(struct kunit *test, struct kho_radix_tree *tree,
			   unsigned long pfn, unsigned long nr_pages)
{
	const unsigned long max = MAX_ORDER_NR_PAGES;
	unsigned long first = ALIGN_DOWN(pfn, max);
	unsigned long last = ALIGN(pfn + nr_pages, max);
	unsigned long p;

	for (p = first; p < last; p++) {
		unsigned int order, found = 0;

		for (order = 0; order <= MAX_PAGE_ORDER; order++) {
			phys_addr_t phys = PFN_PHYS(ALIGN_DOWN(p, BIT(order)));

			if (kho_radix_has_key(tree,
					      kho_radix_encode_key(phys, order)))
				found++;
		}
		if (found != (p >= pfn && p < pfn + nr_pages)) {
			KUNIT_FAIL(test, "page %#lx of %#lx+%#lx is in %u blocks",
				   p, pfn, nr_pages, found);
			return;
		}
	}
}

static void range_becomes_largest_blocks(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long max = MAX_ORDER_NR_PAGES;
	const struct {
		unsigned long offset, nr, blocks;
	} ranges[] = {
		{ 0, 1, 1 },
		{ 1, 1, 1 },
		{ 0, max, 1 },
		{ 0, max - 1, MAX_PAGE_ORDER },
		{ 1, max - 1, MAX_PAGE_ORDER },
		{ 1, max - 2, 2 * (MAX_PAGE_ORDER - 1) },
		{ max / 2, max, 2 },
		{ max - 1, max + 2, 3 },
		{ 3, 5, 2 },
		{ 3, 6, 3 },
		{ 0, 3 * max, 3 },
	};
	const unsigned long base = some_section(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		unsigned long pfn = base + ranges[i].offset;

		KUNIT_ASSERT_EQ(test, 0,
				kho_radix_add_range(tree, pfn, ranges[i].nr));
		KUNIT_EXPECT_EQ_MSG(test, nr_keys(tree), ranges[i].blocks,
				    "range %d", i);
		expect_covered(test, tree, pfn, ranges[i].nr);
		kho_radix_del_range(tree, pfn, ranges[i].nr);
		KUNIT_EXPECT_EQ(test, nr_keys(tree), 0);
		KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
	}
}

/* The last page is there already: what was added before it is taken back. */
static void range_that_fails_leaves_nothing(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long pfn = some_section(test) + 1;
	const unsigned long nr = 2 * MAX_ORDER_NR_PAGES;
	unsigned long nodes;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_range(tree, pfn + nr - 1, 1));
	nodes = nr_nodes(tree);

	KUNIT_EXPECT_EQ(test, -EEXIST, kho_radix_add_range(tree, pfn, nr));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 1);
	KUNIT_EXPECT_TRUE(test, kho_radix_has_key(tree, PFN_KEY(pfn + nr - 1)));
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), nodes);
}

/* Nodes that may still be allocated in failing_alloc_node(). */
static int nr_allocs_left;

static void *failing_alloc_node(void)
{
	if (!nr_allocs_left)
		return NULL;

	nr_allocs_left--;
	return (void *)get_zeroed_page(GFP_KERNEL);
}

/* One allocation more succeeds each time, until there are enough. */
static void short_of_memory_leaves_nothing(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long pfn = some_section(test) + 1;
	const unsigned long nr = 2 * MAX_ORDER_NR_PAGES;
	int allocs, err;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 5));
	kunit_activate_static_stub(test, kho_radix_alloc_node,
				   failing_alloc_node);
	for (allocs = 0; ; allocs++) {
		nr_allocs_left = allocs;
		err = kho_radix_add_range(tree, pfn, nr);
		if (!err)
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, err);
		KUNIT_ASSERT_EQ(test, nr_keys(tree), 1);
		KUNIT_ASSERT_EQ(test, nr_nodes(tree), KHO_TREE_DEPTH);
	}
	KUNIT_EXPECT_EQ(test, allocs, nr_nodes(tree) - KHO_TREE_DEPTH);
}

static void several_keys_are_added_or_none(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long keys[] = {
		0, 1, KHO_TREE_BITMAP_BITS, 63, BIT(40), BIT(40) + 1, MAX_KEY,
	};
	const unsigned int nr = ARRAY_SIZE(keys);
	unsigned int i, allocs;
	int err;

	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));
		KUNIT_EXPECT_EQ(test, -EEXIST,
				kho_radix_add_keys(tree, keys, nr));
		KUNIT_EXPECT_EQ(test, nr_keys(tree), 1);
		kho_radix_del_key(tree, keys[i]);
		KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
	}

	kunit_activate_static_stub(test, kho_radix_alloc_node,
				   failing_alloc_node);
	for (allocs = 0; ; allocs++) {
		nr_allocs_left = allocs;
		err = kho_radix_add_keys(tree, keys, nr);
		if (!err)
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, err);
		KUNIT_ASSERT_EQ(test, nr_nodes(tree), 1);
	}
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_TRUE(test, kho_radix_has_key(tree, keys[i]));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), nr);

	kho_radix_del_keys(tree, keys, nr);
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
}

static void range_of_no_pages_is_nothing(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long pfn = some_section(test);

	KUNIT_EXPECT_EQ(test, 0, kho_radix_add_range(tree, pfn, 0));
	kho_radix_del_range(tree, pfn, 0);
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 0);
}

/* Where a node ends and the next one begins, as two_nodes() has it. */
static unsigned long node_border;

static int two_nodes(unsigned long pfn)
{
	return pfn >= node_border;
}

static int key_crosses_border(unsigned long key, void *data)
{
	unsigned int order;
	phys_addr_t phys;

	if (kho_radix_decode_key(key, &phys, &order))
		return -EINVAL;
	if (PHYS_PFN(phys) < node_border &&
	    PHYS_PFN(phys) + BIT(order) > node_border)
		return -ERANGE;
	return 0;
}

/* A border may be anywhere, also in the midst of the largest block. */
static void block_is_within_one_node(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const struct kho_radix_walk_cb cb = { .leaf = key_crosses_border };
	const unsigned long max = MAX_ORDER_NR_PAGES;
	const unsigned long pfn = some_section(test) + max - 3;
	const unsigned long nr = 2 * max + 7;
	const unsigned long borders[] = {
		/* counted from pfn, which is 3 pages before a largest block */
		0, 1, 3, 4, 3 + max / 2, 3 + max - 1, 3 + max, 3 + max + 5, nr,
	};
	int i;

	kunit_activate_static_stub(test, kho_radix_nid, two_nodes);
	for (i = 0; i < ARRAY_SIZE(borders); i++) {
		node_border = pfn + borders[i];
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_range(tree, pfn, nr));
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    kho_radix_walk_tree(tree, &cb, NULL),
				    "border %lu", borders[i]);
		expect_covered(test, tree, pfn, nr);
		kho_radix_del_range(tree, pfn, nr);
		KUNIT_EXPECT_EQ(test, nr_keys(tree), 0);
	}
}

/* A border in the middle costs two blocks of half the size, and no more. */
static void block_is_halved_by_a_border(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long max = MAX_ORDER_NR_PAGES;
	const unsigned long pfn = some_section(test);

	kunit_activate_static_stub(test, kho_radix_nid, two_nodes);
	node_border = pfn + max / 2;
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_range(tree, pfn, max));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 2);
	kho_radix_del_range(tree, pfn, max);
}

/* What a walk by runs found: order-0 pages in a bitmap from page 0 on. */
struct run_model {
	unsigned long *bitmap;
	unsigned long nr_bits;
	unsigned long nr_runs;
	unsigned long nr_nodes;
	unsigned long max_nodes;
	phys_addr_t end;
	bool bad;
};

static bool model_node_ok(phys_addr_t phys, void *data)
{
	struct run_model *model = data;

	return model->nr_nodes++ < model->max_nodes &&
	       pfn_valid(PHYS_PFN(phys));
}

static int model_run(phys_addr_t start, unsigned long nr_blocks,
		     unsigned int order, void *data)
{
	struct run_model *model = data;
	unsigned long pfn = PHYS_PFN(start);

	if (order || !nr_blocks || pfn + nr_blocks > model->nr_bits ||
	    (model->nr_runs && start <= model->end)) {
		model->bad = true;
		return -ERANGE;
	}

	bitmap_set(model->bitmap, pfn, nr_blocks);
	model->end = start + PFN_PHYS(nr_blocks);
	model->nr_runs++;
	return 0;
}

static const struct kho_radix_run_cb model_cb = {
	.node_ok = model_node_ok,
	.run = model_run,
};

static unsigned long *new_bitmap(struct kunit *test)
{
	unsigned long *bitmap = kunit_kzalloc(test, MODEL_PAGES / 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bitmap);
	return bitmap;
}

static unsigned long nr_runs_of(const unsigned long *bitmap)
{
	unsigned long start, end, nr = 0;

	for_each_set_bitrange(start, end, bitmap, MODEL_PAGES)
		nr++;
	return nr;
}

/* What is in the tree is what is in the bitmap, however it is read. */
static void expect_equal(struct kunit *test, struct kho_radix_tree *tree,
			 const unsigned long *bitmap)
{
	struct run_model model = {
		.bitmap = new_bitmap(test),
		.nr_bits = MODEL_PAGES,
		.max_nodes = ULONG_MAX,
	};

	KUNIT_EXPECT_EQ(test, nr_keys(tree), bitmap_weight(bitmap, MODEL_PAGES));
	KUNIT_EXPECT_EQ(test, 0,
			kho_radix_walk_runs(virt_to_phys(tree->root),
					    &model_cb, &model));
	KUNIT_EXPECT_FALSE(test, model.bad);
	KUNIT_EXPECT_EQ(test, model.nr_runs, nr_runs_of(bitmap));
	KUNIT_EXPECT_TRUE(test, bitmap_equal(model.bitmap, bitmap, MODEL_PAGES));
	KUNIT_EXPECT_EQ(test, model.nr_nodes, nr_nodes(tree));
	kunit_kfree(test, model.bitmap);
}

/* Clusters with gaps, so that there are runs of many lengths. */
static void flip_cluster(struct kunit *test, struct kho_radix_tree *tree,
			 unsigned long *bitmap, struct rnd_state *rnd)
{
	unsigned long pfn = prandom_u32_state(rnd) % MODEL_PAGES;
	unsigned long nr = 1 + prandom_u32_state(rnd) % 300;

	for (; nr && pfn < MODEL_PAGES; nr--, pfn++) {
		bool has = test_bit(pfn, bitmap);

		KUNIT_ASSERT_EQ(test, has, kho_radix_has_key(tree, PFN_KEY(pfn)));
		if (has)
			kho_radix_del_key(tree, PFN_KEY(pfn));
		else
			KUNIT_ASSERT_EQ(test, 0,
					kho_radix_add_key(tree, PFN_KEY(pfn)));
		__change_bit(pfn, bitmap);
	}
}

static void random_keys_are_as_in_a_bitmap(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	unsigned long *bitmap = new_bitmap(test);
	struct rnd_state rnd;
	unsigned long pfn;
	int round, i;

	prandom_seed_state(&rnd, 0x6b686f);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 100; i++)
			flip_cluster(test, tree, bitmap, &rnd);
		expect_equal(test, tree, bitmap);
	}

	for_each_set_bit(pfn, bitmap, MODEL_PAGES)
		kho_radix_del_key(tree, PFN_KEY(pfn));
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
}

static void run_goes_on_in_the_next_leaf(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	unsigned long *bitmap = new_bitmap(test);
	unsigned long pfn;

	bitmap_set(bitmap, 5, 2 * KHO_TREE_BITMAP_BITS);
	for_each_set_bit(pfn, bitmap, MODEL_PAGES)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, PFN_KEY(pfn)));

	KUNIT_EXPECT_EQ(test, nr_runs_of(bitmap), 1);
	expect_equal(test, tree, bitmap);
}

struct run_list {
	struct {
		phys_addr_t start;
		unsigned long nr_blocks;
		unsigned int order;
	} runs[4];
	int nr;
};

static bool any_node_ok(phys_addr_t phys, void *data)
{
	return true;
}

static int list_run(phys_addr_t start, unsigned long nr_blocks,
		    unsigned int order, void *data)
{
	struct run_list *list = data;

	if (list->nr == ARRAY_SIZE(list->runs))
		return -E2BIG;
	list->runs[list->nr].start = start;
	list->runs[list->nr].nr_blocks = nr_blocks;
	list->runs[list->nr++].order = order;
	return 0;
}

static const struct kho_radix_run_cb list_cb = {
	.node_ok = any_node_ok,
	.run = list_run,
};

/* Large blocks first. Blocks of different orders are not one run. */
static void runs_are_of_one_order(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const struct {
		phys_addr_t phys;
		unsigned int order;
	} blocks[] = {
		{ SZ_1G, 0 }, { SZ_1G + PAGE_SIZE, 0 }, { SZ_2G, 3 },
		{ SZ_1G + 2 * PAGE_SIZE, 1 }, { SZ_2G + 8 * PAGE_SIZE, 3 },
	};
	struct run_list list = { };
	int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		KUNIT_ASSERT_EQ(test, 0,
				kho_radix_add_key(tree,
						  kho_radix_encode_key(blocks[i].phys,
								       blocks[i].order)));

	KUNIT_EXPECT_EQ(test, 0, kho_radix_walk_runs(virt_to_phys(tree->root),
						     &list_cb, &list));
	KUNIT_ASSERT_EQ(test, list.nr, 3);
	KUNIT_EXPECT_EQ(test, list.runs[0].start, SZ_2G);
	KUNIT_EXPECT_EQ(test, list.runs[0].nr_blocks, 2);
	KUNIT_EXPECT_EQ(test, list.runs[0].order, 3);
	KUNIT_EXPECT_EQ(test, list.runs[1].start, SZ_1G + 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, list.runs[1].nr_blocks, 1);
	KUNIT_EXPECT_EQ(test, list.runs[1].order, 1);
	KUNIT_EXPECT_EQ(test, list.runs[2].start, SZ_1G);
	KUNIT_EXPECT_EQ(test, list.runs[2].nr_blocks, 2);
	KUNIT_EXPECT_EQ(test, list.runs[2].order, 0);
}

static void runs_end_when_told(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct run_list list = { };
	unsigned long pfn;

	for (pfn = 0; pfn < 20; pfn += 2)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, PFN_KEY(pfn)));

	KUNIT_EXPECT_EQ(test, -E2BIG,
			kho_radix_walk_runs(virt_to_phys(tree->root),
					    &list_cb, &list));
	KUNIT_EXPECT_EQ(test, list.nr, ARRAY_SIZE(list.runs));
}

static void invalid_key_is_left_out(struct kunit *test)
{
	const unsigned long keys[] = { 0, 1, MAX_KEY, BIT(KHO_ORDER_0_LOG2) - 1 };
	struct kho_radix_tree *tree = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		struct run_list list = { };

		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));
		KUNIT_EXPECT_EQ_MSG(test, 1,
				    kho_radix_walk_runs(virt_to_phys(tree->root),
							&list_cb, &list),
				    "key %#lx", keys[i]);
		KUNIT_EXPECT_EQ(test, list.nr, 0);
		kho_radix_del_key(tree, keys[i]);
	}
}

/*
 * The last block of one order and the first of the next are adjacent keys, but
 * that there cannot be such a last block.
 */
static void run_over_two_orders_is_parted(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct run_list list = { };
	unsigned long key;

	for (key = BIT(KHO_ORDER_0_LOG2) - 2; key <= BIT(KHO_ORDER_0_LOG2); key++)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, key));

	KUNIT_EXPECT_EQ(test, 1,
			kho_radix_walk_runs(virt_to_phys(tree->root),
					    &list_cb, &list));
	KUNIT_ASSERT_EQ(test, list.nr, 2);
	KUNIT_EXPECT_EQ(test, list.runs[0].order, 1);
	KUNIT_EXPECT_EQ(test, list.runs[1].order, 0);
}

static int refuse_odd_runs(phys_addr_t start, unsigned long nr_blocks,
			   unsigned int order, void *data)
{
	unsigned long *accepted = data;

	if (nr_blocks > 1 || PHYS_PFN(start) % 2)
		return -EINVAL;
	++*accepted;
	return 0;
}

static void refused_block_is_left_out(struct kunit *test)
{
	const struct kho_radix_run_cb cb = {
		.node_ok = any_node_ok,
		.run = refuse_odd_runs,
	};
	struct kho_radix_tree *tree = test->priv;
	unsigned long pfn, accepted = 0;

	for (pfn = 1000; pfn < 1010; pfn++)
		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, PFN_KEY(pfn)));

	KUNIT_EXPECT_EQ(test, 5, kho_radix_walk_runs(virt_to_phys(tree->root),
						     &cb, &accepted));
	KUNIT_EXPECT_EQ(test, accepted, 5);
}

/* Blocks of each order that were found, and the sum of their numbers. */
struct found {
	unsigned long nr[MAX_PAGE_ORDER + 1];
	unsigned long sum[MAX_PAGE_ORDER + 1];
	unsigned long nr_chunks;
};

static void find_blocks(struct found *found, phys_addr_t start,
			unsigned long nr_blocks, unsigned int order)
{
	unsigned long first = start >> (PAGE_SHIFT + order);

	found->nr[order] += nr_blocks;
	found->sum[order] += nr_blocks * (first + first + nr_blocks - 1) / 2;
}

static int find_run(phys_addr_t start, unsigned long nr_blocks,
		    unsigned int order, void *data)
{
	find_blocks(data, start, nr_blocks, order);
	return 0;
}

/* Has every second one come as runs. */
static bool find_chunk(phys_addr_t start, unsigned int order,
		       const unsigned long *bitmap, void *data)
{
	const phys_addr_t size = PAGE_SIZE << order;
	struct found *found = data;
	unsigned long bit;

	if (found->nr_chunks++ % 2)
		return false;
	for_each_set_bit(bit, bitmap, KHO_RADIX_CHUNK)
		find_blocks(found, start + bit * size, 1, order);
	return true;
}

static void chunks_and_runs_are_all_keys(struct kunit *test)
{
	const struct kho_radix_run_cb with = {
		.node_ok = any_node_ok,
		.run = find_run,
		.chunk = find_chunk,
	};
	const struct kho_radix_run_cb without = {
		.node_ok = any_node_ok,
		.run = find_run,
	};
	struct kho_radix_tree *tree = test->priv;
	struct found chunks = { }, runs = { };
	unsigned long i, key;

	for (i = 0; i < 3000; i++) {
		unsigned int order = i % 3 ? 0 : i % (MAX_PAGE_ORDER + 1);

		/* Some next to each other, some alone, over several leaves. */
		key = kho_radix_encode_key(0, order) + i * (i % 64 / 4);
		if (!kho_radix_has_key(tree, key))
			KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, key));
	}
	KUNIT_EXPECT_EQ(test, 0, kho_radix_walk_runs(virt_to_phys(tree->root),
						     &without, &runs));
	KUNIT_EXPECT_EQ(test, 0, kho_radix_walk_runs(virt_to_phys(tree->root),
						     &with, &chunks));
	KUNIT_EXPECT_GT(test, chunks.nr_chunks, 10);
	KUNIT_EXPECT_MEMEQ(test, chunks.nr, runs.nr, sizeof(runs.nr));
	KUNIT_EXPECT_MEMEQ(test, chunks.sum, runs.sum, sizeof(runs.sum));
}

/* Tables have slots for more keys than there are. */
static void slot_beyond_the_keys_is_left_out(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	u64 *table = tree->root->table;
	struct run_list list = { };
	u64 branch;
	int i;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 2));
	branch = table[0];
	table[0] = 0;
	table[KHO_TREE_TABLE_SLOTS - 1] = branch;
	KUNIT_EXPECT_EQ(test, 1,
			kho_radix_walk_runs(virt_to_phys(tree->root),
					    &list_cb, &list));
	KUNIT_EXPECT_EQ(test, list.nr, 0);

	for (i = 0; i < KHO_TREE_TABLE_SLOTS; i++)
		table[i] = 0;
	table[0] = branch;
}

struct refusal {
	phys_addr_t refused;
	bool asked;
};

static bool refuse_node(phys_addr_t phys, void *data)
{
	struct refusal *refusal = data;

	if (phys != refusal->refused)
		return true;
	refusal->asked = true;
	return false;
}

static int no_run(phys_addr_t start, unsigned long nr_blocks,
		  unsigned int order, void *data)
{
	return -ERANGE;
}

static const struct kho_radix_run_cb refuse_cb = {
	.node_ok = refuse_node,
	.run = no_run,
};

/* No such address can be read: if it were, the kernel would not survive it. */
static void address_is_asked_about_before_it_is_read(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct refusal refusal = { .refused = BIT(51) };
	struct kho_radix_node *node = tree->root;
	int level;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			kho_radix_walk_runs(refusal.refused, &refuse_cb,
					    &refusal));
	KUNIT_EXPECT_TRUE(test, refusal.asked);

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 0));
	for (level = KHO_TREE_DEPTH - 1; level; level--) {
		u64 child = node->table[0];

		node->table[0] = refusal.refused;
		refusal.asked = false;
		KUNIT_EXPECT_EQ(test, 1,
				kho_radix_walk_runs(virt_to_phys(tree->root),
						    &refuse_cb, &refusal));
		KUNIT_EXPECT_TRUE(test, refusal.asked);
		node->table[0] = child;
		node = phys_to_virt(child);
	}
}

static void unaligned_address_is_not_read(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct run_list list = { };
	u64 *slot = &tree->root->table[0];

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 2));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kho_radix_walk_runs(virt_to_phys(tree->root) + 8,
					    &list_cb, &list));
	*slot += 8;
	KUNIT_EXPECT_EQ(test, 1,
			kho_radix_walk_runs(virt_to_phys(tree->root),
					    &list_cb, &list));
	*slot -= 8;
	KUNIT_EXPECT_EQ(test, 0, kho_radix_walk_runs(virt_to_phys(tree->root),
						     &list_cb, &list));
}

/* Six pages that look like a tree of 512^5 leaves, and none with a key. */
static void nodes_can_be_limited(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct run_model model = { .max_nodes = 1000 };
	struct kho_radix_node *node = tree->root;
	struct kho_radix_leaf *leaf;
	long left_out;
	int level;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 0));
	for (level = KHO_TREE_DEPTH - 1; level; level--) {
		memset64(node->table, node->table[0], KHO_TREE_TABLE_SLOTS);
		node = phys_to_virt(node->table[0]);
	}
	leaf = (struct kho_radix_leaf *)node;
	__clear_bit(0, leaf->bitmap);

	left_out = kho_radix_walk_runs(virt_to_phys(tree->root), &model_cb,
				       &model);
	KUNIT_EXPECT_EQ(test, left_out, model.nr_nodes - model.max_nodes);
	KUNIT_EXPECT_GT(test, left_out, 0);
	KUNIT_EXPECT_LT(test, left_out, KHO_TREE_DEPTH * KHO_TREE_TABLE_SLOTS);

	node = tree->root;
	for (level = KHO_TREE_DEPTH - 1; level; level--) {
		memset64(node->table + 1, 0, KHO_TREE_TABLE_SLOTS - 1);
		node = phys_to_virt(node->table[0]);
	}
}

static struct kunit_case kho_radix_test_cases[] = {
	KUNIT_CASE(key_of_each_order_decodes),
	KUNIT_CASE(key_is_as_specified),
	KUNIT_CASE(key_of_no_block_is_refused),
	KUNIT_CASE(key_is_there_from_add_to_del),
	KUNIT_CASE(key_twice_is_one),
	KUNIT_CASE(key_too_large_is_refused),
	KUNIT_CASE(empty_nodes_are_freed_but_the_root),
	KUNIT_CASE(tree_adopts_a_root),
	KUNIT_CASE(walk_is_in_ascending_order),
	KUNIT_CASE(walk_ends_when_told),
	KUNIT_CASE(range_becomes_largest_blocks),
	KUNIT_CASE(range_that_fails_leaves_nothing),
	KUNIT_CASE(short_of_memory_leaves_nothing),
	KUNIT_CASE(several_keys_are_added_or_none),
	KUNIT_CASE(range_of_no_pages_is_nothing),
	KUNIT_CASE(block_is_within_one_node),
	KUNIT_CASE(block_is_halved_by_a_border),
	KUNIT_CASE(random_keys_are_as_in_a_bitmap),
	KUNIT_CASE(run_goes_on_in_the_next_leaf),
	KUNIT_CASE(runs_are_of_one_order),
	KUNIT_CASE(runs_end_when_told),
	KUNIT_CASE(invalid_key_is_left_out),
	KUNIT_CASE(run_over_two_orders_is_parted),
	KUNIT_CASE(refused_block_is_left_out),
	KUNIT_CASE(chunks_and_runs_are_all_keys),
	KUNIT_CASE(slot_beyond_the_keys_is_left_out),
	KUNIT_CASE(address_is_asked_about_before_it_is_read),
	KUNIT_CASE(unaligned_address_is_not_read),
	KUNIT_CASE(nodes_can_be_limited),
	{}
};

static struct kunit_suite kho_radix_test_suite = {
	.name = "kho_radix",
	.init = kho_radix_test_init,
	.exit = kho_radix_test_exit,
	.test_cases = kho_radix_test_cases,
};

kunit_test_suite(kho_radix_test_suite);
