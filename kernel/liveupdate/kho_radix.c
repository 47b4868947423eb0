// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): makes and changes radix trees of this kernel.
 *
 * The format is described in include/linux/kho/abi/kexec_handover.h. A node is
 * one page, and nodes refer to each other by physical address, so that the next
 * kernel can read a tree as it stands; kho_radix_read.c does that.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/static_stub.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_radix_tree.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "kho_radix.h"

/* A page that is not movable is never in scratch, which the next kernel uses. */
static void *alloc_node(void)
{
	KUNIT_STATIC_STUB_REDIRECT(alloc_node);

	/* There may be too many keys for memory: do not kill a task for them. */
	return (void *)get_zeroed_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL);
}

static void free_node(void *node)
{
	free_page((unsigned long)node);
}

static void free_subtree(void *subtree, unsigned int level)
{
	struct kho_radix_node *node = subtree;
	unsigned long i;

	for (i = 0; level && i < KHO_TREE_TABLE_SLOTS; i++) {
		if (node->table[i])
			free_subtree(phys_to_virt(node->table[i]), level - 1);
	}
	free_node(subtree);
	cond_resched();
}

/* A node of @level and the nodes under it on the way to @key, without keys. */
static void *new_branch(unsigned long key, unsigned int level)
{
	void *branch = alloc_node();
	unsigned int i;

	for (i = 1; branch && i <= level; i++) {
		struct kho_radix_node *node = alloc_node();

		if (!node) {
			free_subtree(branch, i - 1);
			return NULL;
		}
		node->table[kho_radix_slot(key, i)] = virt_to_phys(branch);
		branch = node;
	}

	return branch;
}

/**
 * kho_radix_init_tree - make a tree ready for use
 * @tree: the tree
 * @root: the root of its nodes, NULL for a tree without keys
 *
 * The tree owns the nodes under a given @root: they must be pages that
 * free_page() takes.
 *
 * Context: may sleep
 * Return: 0, or -ENOMEM.
 */
int kho_radix_init_tree(struct kho_radix_tree *tree,
			struct kho_radix_node *root)
{
	if (!root)
		root = alloc_node();
	if (!root)
		return -ENOMEM;

	tree->root = root;
	mutex_init(&tree->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_init_tree);

/**
 * kho_radix_destroy_tree - free all nodes of a tree
 * @tree: the tree, that nobody uses any more; nothing is done for one that was
 *        not initialised, or was destroyed
 *
 * Context: may sleep
 */
void kho_radix_destroy_tree(struct kho_radix_tree *tree)
{
	if (!tree->root)
		return;

	free_subtree(tree->root, KHO_TREE_TOP_LEVEL);
	tree->root = NULL;
	mutex_destroy(&tree->lock);
}
EXPORT_SYMBOL_GPL(kho_radix_destroy_tree);

/*
 * The leaf for @key, which is made if it is missing, or NULL if memory is short.
 * A new leaf has no key yet: the caller adds one.
 */
static struct kho_radix_leaf *get_leaf(struct kho_radix_tree *tree,
				       unsigned long key)
{
	struct kho_radix_node *node = tree->root;
	unsigned int level;

	lockdep_assert_held(&tree->lock);

	for (level = KHO_TREE_TOP_LEVEL; level; level--) {
		u64 *slot = &node->table[kho_radix_slot(key, level)];

		if (!*slot) {
			void *branch = new_branch(key, level - 1);

			if (!branch)
				return NULL;
			*slot = virt_to_phys(branch);
		}
		node = phys_to_virt(*slot);
	}

	return (struct kho_radix_leaf *)node;
}

static int add_key(struct kho_radix_tree *tree, unsigned long key)
{
	struct kho_radix_leaf *leaf = get_leaf(tree, key);

	if (!leaf)
		return -ENOMEM;
	return __test_and_set_bit(kho_radix_bit(key), leaf->bitmap) ? -EEXIST : 0;
}

/*
 * Find the slots on the way to @key. @slots[n] is the one that leads to the
 * node of level n. Return the leaf, or NULL if there is none for @key.
 */
static struct kho_radix_leaf *find_leaf(struct kho_radix_tree *tree,
					unsigned long key, u64 **slots)
{
	struct kho_radix_node *node = tree->root;
	unsigned int level;

	lockdep_assert_held(&tree->lock);

	for (level = KHO_TREE_TOP_LEVEL; level; level--) {
		u64 *slot = &node->table[kho_radix_slot(key, level)];

		if (!*slot)
			return NULL;
		slots[level - 1] = slot;
		node = phys_to_virt(*slot);
	}

	return (struct kho_radix_leaf *)node;
}

static void del_key(struct kho_radix_tree *tree, unsigned long key)
{
	unsigned long bit = kho_radix_bit(key);
	struct kho_radix_leaf *leaf;
	u64 *slots[KHO_TREE_TOP_LEVEL];
	unsigned int level;

	leaf = find_leaf(tree, key, slots);
	if (WARN_ON_ONCE(!leaf || !__test_and_clear_bit(bit, leaf->bitmap)))
		return;

	/* Mostly another key in the same word shows that the leaf is needed. */
	if (leaf->bitmap[BIT_WORD(bit)])
		return;

	for (level = 0; level < KHO_TREE_TOP_LEVEL; level++) {
		void *node = phys_to_virt(*slots[level]);

		if (memchr_inv(node, 0, PAGE_SIZE))
			return;
		*slots[level] = 0;
		free_node(node);
	}
}

/* As del_key() for each of @keys. */
static void del_keys(struct kho_radix_tree *tree, const unsigned long *keys,
		     unsigned int nr)
{
	while (nr--)
		del_key(tree, *keys++);
}

/**
 * kho_radix_add_keys - add several keys to a tree
 * @tree: the tree
 * @keys: the keys, of KHO_TREE_KEY_WIDTH bits; neighbours cost least
 * @nr:   how many
 *
 * On failure the tree is as it was.
 *
 * Context: may sleep
 * Return: 0, -EEXIST if the tree has one of them, or -ENOMEM.
 */
int kho_radix_add_keys(struct kho_radix_tree *tree, const unsigned long *keys,
		       unsigned int nr)
{
	unsigned long in_leaf = ULONG_MAX;
	struct kho_radix_leaf *leaf = NULL;
	unsigned int i;
	int err = 0;

	mutex_lock(&tree->lock);
	for (i = 0; i < nr; i++) {
		if (keys[i] >> KHO_TREE_BITMAP_LOG2 != in_leaf) {
			leaf = get_leaf(tree, keys[i]);
			if (!leaf) {
				err = -ENOMEM;
				break;
			}
			in_leaf = keys[i] >> KHO_TREE_BITMAP_LOG2;
		}
		if (__test_and_set_bit(kho_radix_bit(keys[i]), leaf->bitmap)) {
			err = -EEXIST;
			break;
		}
	}
	if (err)
		del_keys(tree, keys, i);
	mutex_unlock(&tree->lock);
	return err;
}

/**
 * kho_radix_del_keys - take several keys out of a tree
 * @tree: the tree
 * @keys: keys that are in it; for others there is a warning
 * @nr:   how many
 *
 * Context: may sleep
 */
void kho_radix_del_keys(struct kho_radix_tree *tree, const unsigned long *keys,
			unsigned int nr)
{
	mutex_lock(&tree->lock);
	del_keys(tree, keys, nr);
	mutex_unlock(&tree->lock);
}

/**
 * kho_radix_add_key - add a key to a tree
 * @tree: the tree
 * @key:  the key, of KHO_TREE_KEY_WIDTH bits
 *
 * On failure the tree is as it was.
 *
 * Context: may sleep
 * Return: 0, also if the tree has the key already; -ERANGE if the key is too
 * wide, -EINVAL with a warning if the tree was not initialised, or -ENOMEM.
 */
int kho_radix_add_key(struct kho_radix_tree *tree, unsigned long key)
{
	int err;

	if (!kho_radix_key_fits(key))
		return -ERANGE;
	if (WARN_ON_ONCE(!tree->root))
		return -EINVAL;

	err = kho_radix_add_keys(tree, &key, 1);

	return err == -EEXIST ? 0 : err;
}
EXPORT_SYMBOL_GPL(kho_radix_add_key);

/**
 * kho_radix_del_key - take a key out of a tree
 * @tree: the tree
 * @key:  a key that is in it; for another there is a warning
 *
 * Nodes without any key left are freed.
 *
 * Context: may sleep
 */
void kho_radix_del_key(struct kho_radix_tree *tree, unsigned long key)
{
	if (!WARN_ON_ONCE(!tree->root || !kho_radix_key_fits(key)))
		kho_radix_del_keys(tree, &key, 1);
}
EXPORT_SYMBOL_GPL(kho_radix_del_key);

struct key_walk {
	const struct kho_radix_walk_cb *cb;
	void *data;
};

static int key_walk_node(phys_addr_t phys, void *state)
{
	struct key_walk *walk = state;

	return walk->cb->node ? walk->cb->node(phys, walk->data) : 0;
}

static int key_walk_leaf(const struct kho_radix_leaf *leaf,
			 unsigned long first_key, void *state)
{
	struct key_walk *walk = state;
	unsigned long bit;
	int err;

	cond_resched();
	if (!walk->cb->leaf)
		return 0;

	for_each_set_bit(bit, leaf->bitmap, KHO_TREE_BITMAP_BITS) {
		err = walk->cb->leaf(first_key | bit, walk->data);
		if (err)
			return err;
	}

	return 0;
}

/**
 * kho_radix_walk_tree - call back for each node and each key of a tree
 * @tree: the tree, of this kernel: its addresses are followed as they are
 * @cb:   what to call; must not use the tree, which is locked
 * @data: passed on to it
 *
 * Context: may sleep
 * Return: 0, what a callback returned to end the walk, or -EINVAL with a warning
 * if the tree was not initialised.
 */
int kho_radix_walk_tree(struct kho_radix_tree *tree,
			const struct kho_radix_walk_cb *cb, void *data)
{
	static const struct kho_radix_walk_ops ops = {
		.node = key_walk_node,
		.leaf = key_walk_leaf,
	};
	struct key_walk walk = { .cb = cb, .data = data };
	int err;

	if (WARN_ON_ONCE(!tree->root))
		return -EINVAL;

	mutex_lock(&tree->lock);
	err = kho_radix_walk_nodes(virt_to_phys(tree->root), &ops, &walk);
	mutex_unlock(&tree->lock);
	return err;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_tree);

static int nid_of_pfn(unsigned long pfn)
{
	KUNIT_STATIC_STUB_REDIRECT(nid_of_pfn, pfn);

	return page_to_nid(pfn_to_page(pfn));
}

/*
 * The order of the largest block that begins at @pfn, is naturally aligned and
 * ends at @end at the latest. The next kernel gives a block to the page
 * allocator of one NUMA node, so a block must not reach into another node. It
 * is enough to compare its first and last page: no node is so small that a block
 * has it in the middle.
 */
static unsigned int block_order(unsigned long pfn, unsigned long end)
{
	unsigned int order = min_t(unsigned int, ilog2(end - pfn),
				   MAX_PAGE_ORDER);
	int nid = nid_of_pfn(pfn);

	if (pfn)
		order = min_t(unsigned int, order, __ffs(pfn));
	while (order && nid_of_pfn(pfn + BIT(order) - 1) != nid)
		order--;

	return order;
}

/*
 * Delete the blocks from @pfn up to @stop of a range that ends at @end. @end
 * must be what it was when they were added: the sizes of blocks depend on it.
 */
static void del_blocks(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned long stop, unsigned long end)
{
	while (pfn < stop) {
		unsigned int order = block_order(pfn, end);

		del_key(tree, kho_radix_encode_key(PFN_PHYS(pfn), order));
		pfn += BIT(order);
		cond_resched();
	}
}

/**
 * kho_radix_add_range - add the keys of a range of pages
 * @tree:     the tree
 * @pfn:      the first page
 * @nr_pages: how many
 *
 * They are added as the largest naturally aligned blocks that cover them, none
 * of which is larger than the page allocator's largest or crosses NUMA nodes.
 * On failure the tree is as it was.
 *
 * Context: may sleep
 * Return: 0, -EEXIST if the tree has one of the blocks, or -ENOMEM.
 */
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages)
{
	const unsigned long start = pfn, end = pfn + nr_pages;
	int err = 0;

	mutex_lock(&tree->lock);
	while (pfn < end) {
		unsigned int order = block_order(pfn, end);

		err = add_key(tree, kho_radix_encode_key(PFN_PHYS(pfn), order));
		if (err) {
			del_blocks(tree, start, pfn, end);
			break;
		}
		pfn += BIT(order);
		cond_resched();
	}
	mutex_unlock(&tree->lock);

	return err;
}

/**
 * kho_radix_del_range - take the keys of a range of pages out of a tree
 * @tree:     the tree
 * @pfn:      the first page
 * @nr_pages: how many
 *
 * The range must be one that was added by kho_radix_add_range(), not a part of
 * one.
 *
 * Context: may sleep
 */
void kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages)
{
	mutex_lock(&tree->lock);
	del_blocks(tree, pfn, pfn + nr_pages, pfn + nr_pages);
	mutex_unlock(&tree->lock);
}

#if IS_ENABLED(CONFIG_KEXEC_HANDOVER_KUNIT_TEST)
#include "tests/kho_radix_kunit.c"
#endif
