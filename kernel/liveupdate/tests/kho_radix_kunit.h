/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit tests of radix trees share: a tree, and what is in it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_TESTS_KHO_RADIX_KUNIT_H
#define _KERNEL_LIVEUPDATE_TESTS_KHO_RADIX_KUNIT_H

#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_radix_tree.h>
#include <linux/pfn.h>

#include "../kho_internal.h"

#define MAX_KEY		(BIT(KHO_TREE_KEY_WIDTH) - 1)
#define PFN_KEY(pfn)	kho_radix_encode_key(PFN_PHYS(pfn), 0)

static inline int kho_radix_kunit_init(struct kunit *test)
{
	struct kho_radix_tree *tree;

	tree = kunit_kzalloc(test, sizeof(*tree), GFP_KERNEL);
	if (!tree)
		return -ENOMEM;

	test->priv = tree;
	return kho_radix_init_tree(tree, NULL);
}

static inline void kho_radix_kunit_exit(struct kunit *test)
{
	struct kho_radix_tree *tree = test->priv;

	if (tree && tree->root)
		kho_radix_destroy_tree(tree);
}

static inline int count_node(phys_addr_t phys, void *data)
{
	unsigned long *count = data;

	(*count)++;
	return 0;
}

static inline int count_key(unsigned long key, void *data)
{
	unsigned long *count = data;

	(*count)++;
	return 0;
}

static inline unsigned long nr_nodes(struct kho_radix_tree *tree)
{
	const struct kho_radix_walk_cb cb = { .node = count_node };
	unsigned long count = 0;

	kho_radix_walk_tree(tree, &cb, &count);
	return count;
}

static inline unsigned long nr_keys(struct kho_radix_tree *tree)
{
	const struct kho_radix_walk_cb cb = { .leaf = count_key };
	unsigned long count = 0;

	kho_radix_walk_tree(tree, &cb, &count);
	return count;
}

static inline bool any_node_ok(phys_addr_t phys, void *data)
{
	return true;
}

static inline bool has_key(struct kho_radix_tree *tree, unsigned long key)
{
	const struct kho_radix_run_cb cb = { .node_ok = any_node_ok };
	const unsigned long *bitmap;
	unsigned long bit;

	bitmap = kho_radix_handed_over(virt_to_phys(tree->root), key, &cb, NULL,
				       &bit);
	return bitmap && test_bit(bit, bitmap);
}

struct run_list {
	struct {
		phys_addr_t start;
		unsigned long nr_blocks;
		unsigned int order;
	} runs[4];
	int nr;
};

static inline int record_run(phys_addr_t start, unsigned long nr_blocks,
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

/* Read a tree as if it were handed over, until the list is full. */
static inline long list_runs(phys_addr_t root, struct run_list *list)
{
	const struct kho_radix_run_cb cb = {
		.node_ok = any_node_ok,
		.run = record_run,
	};

	return kho_radix_walk_runs(root, &cb, list);
}

#endif /* _KERNEL_LIVEUPDATE_TESTS_KHO_RADIX_KUNIT_H */
