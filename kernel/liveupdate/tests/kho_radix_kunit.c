// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how radix trees are made and changed.
 *
 * Included by kho_radix.c, of which the tests replace static functions.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/mmzone.h>

#include "kho_radix_kunit.h"

static void key_is_there_from_add_to_del(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	const unsigned long keys[] = { 0, 1, 63, 64, KHO_TREE_BITMAP_BITS - 1,
				       KHO_TREE_BITMAP_BITS, BIT(40), MAX_KEY };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		KUNIT_EXPECT_FALSE(test, has_key(tree, keys[i]));
		KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));
		for (j = 0; j < ARRAY_SIZE(keys); j++)
			KUNIT_EXPECT_EQ(test, has_key(tree, keys[j]), j <= i);
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		kho_radix_del_key(tree, keys[i]);
		for (j = 0; j < ARRAY_SIZE(keys); j++)
			KUNIT_EXPECT_EQ(test, has_key(tree, keys[j]), j > i);
	}
}

static void key_twice_is_one(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, 5));
	KUNIT_EXPECT_EQ(test, 0, kho_radix_add_key(tree, 5));
	KUNIT_EXPECT_TRUE(test, has_key(tree, 5));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 1);
}

static void key_too_large_is_refused(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	KUNIT_EXPECT_EQ(test, -ERANGE, kho_radix_add_key(tree, MAX_KEY + 1));
	KUNIT_EXPECT_EQ(test, -ERANGE, kho_radix_add_key(tree, ULONG_MAX));
	KUNIT_EXPECT_FALSE(test, has_key(tree, MAX_KEY + 1));
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
	KUNIT_EXPECT_TRUE(test, has_key(tree, 0));
	kho_radix_del_key(tree, 0);
	KUNIT_EXPECT_EQ(test, nr_nodes(tree), 1);
	KUNIT_EXPECT_PTR_EQ(test, tree->root, root);
}

static void tree_begins_with_a_given_root(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct kho_radix_tree other;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 77));
	KUNIT_ASSERT_EQ(test, 0, kho_radix_init_tree(&other, tree->root));
	KUNIT_EXPECT_TRUE(test, has_key(&other, 77));
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

static int stop_at_key(unsigned long key, void *data)
{
	++*(int *)data;
	return 1;
}

static int stop_at_node(phys_addr_t phys, void *data)
{
	++*(int *)data;
	return 2;
}

/* What ends a walk need not be an errno. */
static void walk_ends_with_any_number(struct kunit *test)
{
	const struct kho_radix_walk_cb at_key = { .leaf = stop_at_key };
	const struct kho_radix_walk_cb at_node = { .node = stop_at_node };
	struct kho_radix_tree *tree = test->priv;
	int nr = 0;

	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, 1));
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, BIT(30)));
	KUNIT_EXPECT_EQ(test, 1, kho_radix_walk_tree(tree, &at_key, &nr));
	KUNIT_EXPECT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, 2, kho_radix_walk_tree(tree, &at_node, &nr));
	KUNIT_EXPECT_EQ(test, nr, 2);
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

			if (has_key(tree, kho_radix_encode_key(phys, order)))
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

/* The last page is there already: what was added before it is deleted. */
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
	KUNIT_EXPECT_TRUE(test, has_key(tree, PFN_KEY(pfn + nr - 1)));
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
	kunit_activate_static_stub(test, alloc_node,
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

	kunit_activate_static_stub(test, alloc_node,
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
		KUNIT_EXPECT_TRUE(test, has_key(tree, keys[i]));
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

	kunit_activate_static_stub(test, nid_of_pfn, two_nodes);
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

	kunit_activate_static_stub(test, nid_of_pfn, two_nodes);
	node_border = pfn + max / 2;
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_range(tree, pfn, max));
	KUNIT_EXPECT_EQ(test, nr_keys(tree), 2);
	kho_radix_del_range(tree, pfn, max);
}

static struct kunit_case kho_radix_test_cases[] = {
	KUNIT_CASE(key_is_there_from_add_to_del),
	KUNIT_CASE(key_twice_is_one),
	KUNIT_CASE(key_too_large_is_refused),
	KUNIT_CASE(empty_nodes_are_freed_but_the_root),
	KUNIT_CASE(tree_begins_with_a_given_root),
	KUNIT_CASE(walk_is_in_ascending_order),
	KUNIT_CASE(walk_ends_when_told),
	KUNIT_CASE(walk_ends_with_any_number),
	KUNIT_CASE(range_becomes_largest_blocks),
	KUNIT_CASE(range_that_fails_leaves_nothing),
	KUNIT_CASE(short_of_memory_leaves_nothing),
	KUNIT_CASE(several_keys_are_added_or_none),
	KUNIT_CASE(range_of_no_pages_is_nothing),
	KUNIT_CASE(block_is_within_one_node),
	KUNIT_CASE(block_is_halved_by_a_border),
	{}
};

static struct kunit_suite kho_radix_test_suite = {
	.name = "kho_radix",
	.init = kho_radix_kunit_init,
	.exit = kho_radix_kunit_exit,
	.test_cases = kho_radix_test_cases,
};

kunit_test_suite(kho_radix_test_suite);
