// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how radix trees that are in order are read.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "kho_radix_kunit.h"

/* Random sets are drawn from this many pages; they span several bitmaps. */
#define MODEL_PAGES	(3 * KHO_TREE_BITMAP_BITS)

/* Of the largest huge page that an architecture has. */
#define LARGEST_ORDER	(34 - PAGE_SHIFT)

static void key_of_each_order_decodes(struct kunit *test)
{
	unsigned int order, got_order;
	phys_addr_t got_phys;

	for (order = 0; order <= LARGEST_ORDER; order++) {
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

/* What a walk by runs found: order-0 pages in a bitmap from page 0 on. */
struct run_model {
	unsigned long *bitmap;
	unsigned long nr_bits;
	unsigned long nr_runs;
	unsigned long nr_nodes;
	phys_addr_t end;
	bool bad;
};

static bool model_node_ok(phys_addr_t phys, void *data)
{
	struct run_model *model = data;

	model->nr_nodes++;
	return pfn_valid(PHYS_PFN(phys));
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

		KUNIT_ASSERT_EQ(test, has, has_key(tree, PFN_KEY(pfn)));
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

	KUNIT_EXPECT_EQ(test, 0, list_runs(virt_to_phys(tree->root), &list));
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
			list_runs(virt_to_phys(tree->root), &list));
	KUNIT_EXPECT_EQ(test, list.nr, ARRAY_SIZE(list.runs));
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

	KUNIT_EXPECT_EQ(test, 1, list_runs(virt_to_phys(tree->root), &list));
	KUNIT_ASSERT_EQ(test, list.nr, 2);
	KUNIT_EXPECT_EQ(test, list.runs[0].order, 1);
	KUNIT_EXPECT_EQ(test, list.runs[1].order, 0);
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
		if (!has_key(tree, key))
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

static struct kunit_case kho_radix_read_test_cases[] = {
	KUNIT_CASE(key_of_each_order_decodes),
	KUNIT_CASE(key_is_as_specified),
	KUNIT_CASE(key_of_no_block_is_refused),
	KUNIT_CASE(random_keys_are_as_in_a_bitmap),
	KUNIT_CASE(run_goes_on_in_the_next_leaf),
	KUNIT_CASE(runs_are_of_one_order),
	KUNIT_CASE(runs_end_when_told),
	KUNIT_CASE(run_over_two_orders_is_parted),
	KUNIT_CASE(chunks_and_runs_are_all_keys),
	{}
};

static struct kunit_suite kho_radix_read_test_suite = {
	.name = "kho_radix_read",
	.init = kho_radix_kunit_init,
	.exit = kho_radix_kunit_exit,
	.test_cases = kho_radix_read_test_cases,
};

kunit_test_suite(kho_radix_read_test_suite);
