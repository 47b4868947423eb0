// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how radix trees that are damaged are read.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/pfn.h>
#include <linux/string.h>

#include "kho_radix_kunit.h"

static void invalid_key_is_left_out(struct kunit *test)
{
	const unsigned long keys[] = { 0, 1, MAX_KEY, BIT(KHO_ORDER_0_LOG2) - 1 };
	struct kho_radix_tree *tree = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		struct run_list list = { };

		KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(tree, keys[i]));
		KUNIT_EXPECT_EQ_MSG(test, 1,
				    list_runs(virt_to_phys(tree->root), &list),
				    "key %#lx", keys[i]);
		KUNIT_EXPECT_EQ(test, list.nr, 0);
		kho_radix_del_key(tree, keys[i]);
	}
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
	KUNIT_EXPECT_EQ(test, 1, list_runs(virt_to_phys(tree->root), &list));
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
			list_runs(virt_to_phys(tree->root) + 8, &list));
	*slot += 8;
	KUNIT_EXPECT_EQ(test, 1, list_runs(virt_to_phys(tree->root), &list));
	*slot -= 8;
	KUNIT_EXPECT_EQ(test, 0, list_runs(virt_to_phys(tree->root), &list));
}

struct node_limit {
	unsigned long nr_nodes;
	unsigned long max_nodes;
};

static bool limit_node_ok(phys_addr_t phys, void *data)
{
	struct node_limit *limit = data;

	return limit->nr_nodes++ < limit->max_nodes;
}

static const struct kho_radix_run_cb limit_cb = {
	.node_ok = limit_node_ok,
	.run = no_run,
};

/* Six pages that look like a tree of 512^5 leaves, and none with a key. */
static void nodes_can_be_limited(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;
	struct node_limit limit = { .max_nodes = 1000 };
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

	left_out = kho_radix_walk_runs(virt_to_phys(tree->root), &limit_cb,
				       &limit);
	KUNIT_EXPECT_EQ(test, left_out, limit.nr_nodes - limit.max_nodes);
	KUNIT_EXPECT_GT(test, left_out, 0);
	KUNIT_EXPECT_LT(test, left_out, KHO_TREE_DEPTH * KHO_TREE_TABLE_SLOTS);

	node = tree->root;
	for (level = KHO_TREE_DEPTH - 1; level; level--) {
		memset64(node->table + 1, 0, KHO_TREE_TABLE_SLOTS - 1);
		node = phys_to_virt(node->table[0]);
	}
}

static struct kunit_case kho_radix_damage_test_cases[] = {
	KUNIT_CASE(invalid_key_is_left_out),
	KUNIT_CASE(refused_block_is_left_out),
	KUNIT_CASE(slot_beyond_the_keys_is_left_out),
	KUNIT_CASE(address_is_asked_about_before_it_is_read),
	KUNIT_CASE(unaligned_address_is_not_read),
	KUNIT_CASE(nodes_can_be_limited),
	{}
};

static struct kunit_suite kho_radix_damage_test_suite = {
	.name = "kho_radix_damage",
	.init = kho_radix_kunit_init,
	.exit = kho_radix_kunit_exit,
	.test_cases = kho_radix_damage_test_cases,
};

kunit_test_suite(kho_radix_damage_test_suite);
