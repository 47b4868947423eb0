// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the radix tree of preserved memory.
 *
 * The format is described in include/linux/kho/abi/kexec_handover.h. A node is
 * one page, and nodes refer to each other by physical address, so that a tree
 * can be read by the next kernel as it stands.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_radix_tree.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "kho_internal.h"

#define TOP_LEVEL	(KHO_TREE_DEPTH - 1)

/* The lowest bit of a key that selects the slot in a table of this level. */
#define TABLE_SHIFT(level)						\
	(KHO_TREE_BITMAP_LOG2 + ((level) - 1) * KHO_TREE_TABLE_LOG2)

static_assert(BITS_PER_LONG == 64);
static_assert(KHO_TREE_BITMAP_BITS % KHO_RADIX_CHUNK == 0);
/* The levels suffice for each key, none is in vain, no key is shifted out. */
static_assert(TABLE_SHIFT(KHO_TREE_DEPTH) >= KHO_TREE_KEY_WIDTH);
static_assert(TABLE_SHIFT(TOP_LEVEL) < KHO_TREE_KEY_WIDTH);
static_assert(TABLE_SHIFT(KHO_TREE_DEPTH) <= BITS_PER_LONG);
#if PAGE_SHIFT == 12
static_assert(KHO_TREE_DEPTH == 6);
static_assert(KHO_TREE_KEY_WIDTH == 53);
static_assert(KHO_TREE_BITMAP_BITS == 32768);
static_assert(KHO_TREE_TABLE_SLOTS == 512);
static_assert(TABLE_SHIFT(1) == 15);
static_assert(TABLE_SHIFT(2) == 24);
static_assert(TABLE_SHIFT(3) == 33);
static_assert(TABLE_SHIFT(4) == 42);
static_assert(TABLE_SHIFT(5) == 51);
#elif PAGE_SHIFT == 16
static_assert(KHO_TREE_DEPTH == 4);
static_assert(KHO_TREE_KEY_WIDTH == 49);
static_assert(KHO_TREE_BITMAP_BITS == 524288);
static_assert(KHO_TREE_TABLE_SLOTS == 8192);
static_assert(TABLE_SHIFT(1) == 19);
static_assert(TABLE_SHIFT(2) == 32);
static_assert(TABLE_SHIFT(3) == 45);
#endif

static bool key_fits(unsigned long key)
{
	return !(key >> KHO_TREE_KEY_WIDTH);
}

static unsigned long slot_index(unsigned long key, unsigned int level)
{
	return (key >> TABLE_SHIFT(level)) & (KHO_TREE_TABLE_SLOTS - 1);
}

static unsigned long bit_index(unsigned long key)
{
	return key & (KHO_TREE_BITMAP_BITS - 1);
}

/**
 * kho_radix_decode_key - the block of memory that a key stands for
 * @key:   any number
 * @phys:  where to put the block's physical address
 * @order: where to put log2 of its pages
 *
 * A block that is accepted ends below the end of the physical address space,
 * so that its end can be computed. Nothing says that it is memory, nor that the
 * order is one that the page allocator knows.
 *
 * Return: 0, or -EINVAL if the key stands for no block.
 */
int kho_radix_decode_key(unsigned long key, phys_addr_t *phys,
			 unsigned int *order)
{
	unsigned int top, shift;
	phys_addr_t start;

	/* Key 1 would be the whole of the address space. */
	if (key <= 1 || !key_fits(key))
		return -EINVAL;

	top = __fls(key);
	shift = BITS_PER_LONG - top;
	start = (key ^ BIT(top)) << shift;
	if (start + BIT(shift) < start)
		return -EINVAL;

	*phys = start;
	*order = KHO_ORDER_0_LOG2 - top;
	return 0;
}

/* Not movable, so never in scratch, which the next kernel overwrites. */
VISIBLE_IF_KUNIT void *kho_radix_alloc_node(void)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_radix_alloc_node);

	/* What is to be preserved may not fit: no task is to be killed for that. */
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
	void *branch = kho_radix_alloc_node();
	unsigned int i;

	for (i = 1; branch && i <= level; i++) {
		struct kho_radix_node *node = kho_radix_alloc_node();

		if (!node) {
			free_subtree(branch, i - 1);
			return NULL;
		}
		node->table[slot_index(key, i)] = virt_to_phys(branch);
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
		root = kho_radix_alloc_node();
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

	free_subtree(tree->root, TOP_LEVEL);
	tree->root = NULL;
	mutex_destroy(&tree->lock);
}
EXPORT_SYMBOL_GPL(kho_radix_destroy_tree);

/*
 * The leaf for @key, which is made if it is missing, or NULL for want of memory.
 * A leaf that was made has no key yet: the caller adds one.
 */
static struct kho_radix_leaf *get_leaf(struct kho_radix_tree *tree,
				       unsigned long key)
{
	struct kho_radix_node *node = tree->root;
	unsigned int level;

	lockdep_assert_held(&tree->lock);

	for (level = TOP_LEVEL; level; level--) {
		u64 *slot = &node->table[slot_index(key, level)];

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
	return __test_and_set_bit(bit_index(key), leaf->bitmap) ? -EEXIST : 0;
}

/*
 * Find the slots on the way to @key. @slots[n] is the one that leads to the
 * node of level n. Return the leaf, NULL if the way ends before.
 */
static struct kho_radix_leaf *find_leaf(struct kho_radix_tree *tree,
					unsigned long key, u64 **slots)
{
	struct kho_radix_node *node = tree->root;
	unsigned int level;

	lockdep_assert_held(&tree->lock);

	for (level = TOP_LEVEL; level; level--) {
		u64 *slot = &node->table[slot_index(key, level)];

		if (!*slot)
			return NULL;
		slots[level - 1] = slot;
		node = phys_to_virt(*slot);
	}

	return (struct kho_radix_leaf *)node;
}

static void del_key(struct kho_radix_tree *tree, unsigned long key)
{
	unsigned long bit = bit_index(key);
	struct kho_radix_leaf *leaf;
	u64 *slots[TOP_LEVEL];
	unsigned int level;

	leaf = find_leaf(tree, key, slots);
	if (WARN_ON_ONCE(!leaf || !__test_and_clear_bit(bit, leaf->bitmap)))
		return;

	/* Most often a neighbour tells that the leaf is still needed. */
	if (leaf->bitmap[BIT_WORD(bit)])
		return;

	for (level = 0; level < TOP_LEVEL; level++) {
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
		if (__test_and_set_bit(bit_index(keys[i]), leaf->bitmap)) {
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

	if (!key_fits(key))
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
	if (!WARN_ON_ONCE(!tree->root || !key_fits(key)))
		kho_radix_del_keys(tree, &key, 1);
}
EXPORT_SYMBOL_GPL(kho_radix_del_key);

/**
 * kho_radix_has_key - is a key in a tree?
 * @tree: the tree
 * @key:  any number
 *
 * Context: may sleep
 * Return: whether it is.
 */
bool kho_radix_has_key(struct kho_radix_tree *tree, unsigned long key)
{
	struct kho_radix_leaf *leaf;
	u64 *slots[TOP_LEVEL];
	bool ret;

	if (!key_fits(key))
		return false;

	mutex_lock(&tree->lock);
	leaf = find_leaf(tree, key, slots);
	ret = leaf && test_bit(bit_index(key), leaf->bitmap);
	mutex_unlock(&tree->lock);
	return ret;
}

VISIBLE_IF_KUNIT int kho_radix_nid(unsigned long pfn)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_radix_nid, pfn);

	return page_to_nid(pfn_to_page(pfn));
}

/*
 * The order of the largest block that begins at @pfn, is naturally aligned and
 * ends at @end at the latest. The next kernel hands a block to one node's page
 * allocator, so it must not reach into another node. Of memory that only looks
 * so, with a smaller node's inside it, there is none: nodes are larger.
 */
static unsigned int block_order(unsigned long pfn, unsigned long end)
{
	unsigned int order = min_t(unsigned int, ilog2(end - pfn),
				   MAX_PAGE_ORDER);
	int nid = kho_radix_nid(pfn);

	if (pfn)
		order = min_t(unsigned int, order, __ffs(pfn));
	while (order && kho_radix_nid(pfn + BIT(order) - 1) != nid)
		order--;

	return order;
}

/*
 * Delete the blocks from @pfn up to @stop of a range that ends at @end, which
 * must be told as it was when they were added: the blocks depend on it.
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

/*
 * What a walk does with each node before it is read, and with each leaf, of
 * which @first_key is the key of bit 0. Other than 0 ends the walk, but
 * LEAVE_OUT of @node only leaves out the node and what is below it.
 */
#define LEAVE_OUT	1

struct walk_ops {
	int (*node)(phys_addr_t phys, void *state);
	int (*leaf)(const struct kho_radix_leaf *leaf, unsigned long first_key,
		    void *state);
};

/* Calls itself, TOP_LEVEL deep at most. */
static int walk_node(phys_addr_t phys, unsigned int level,
		     unsigned long first_key, const struct walk_ops *ops,
		     void *state)
{
	const struct kho_radix_node *node;
	unsigned long i;
	int err;

	err = ops->node(phys, state);
	if (err)
		return err;
	if (!level)
		return ops->leaf(phys_to_virt(phys), first_key, state);

	node = phys_to_virt(phys);
	for (i = 0; i < KHO_TREE_TABLE_SLOTS; i++) {
		if (!node->table[i])
			continue;
		err = walk_node(node->table[i], level - 1,
				first_key | i << TABLE_SHIFT(level),
				ops, state);
		if (err && err != LEAVE_OUT)
			return err;
	}

	return 0;
}

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
	static const struct walk_ops ops = {
		.node = key_walk_node,
		.leaf = key_walk_leaf,
	};
	struct key_walk walk = { .cb = cb, .data = data };
	int err;

	if (WARN_ON_ONCE(!tree->root))
		return -EINVAL;

	mutex_lock(&tree->lock);
	err = walk_node(virt_to_phys(tree->root), TOP_LEVEL, 0, &ops, &walk);
	mutex_unlock(&tree->lock);
	return err;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_tree);

/* The run of keys found last may go on in the next leaf. */
struct run_walk {
	const struct kho_radix_run_cb *cb;
	void *data;
	unsigned long nr_left_out;
	unsigned long first_key;
	unsigned long nr_keys;
};

static int call_run(struct run_walk *walk, unsigned long key,
		    unsigned long nr_keys)
{
	unsigned int order, last_order;
	phys_addr_t start, last;

	if (kho_radix_decode_key(key, &start, &order) ||
	    kho_radix_decode_key(key + nr_keys - 1, &last, &last_order) ||
	    order != last_order)
		return -EINVAL;

	return walk->cb->run(start, nr_keys, order, walk->data);
}

static int run_walk_report(struct run_walk *walk)
{
	unsigned long key = walk->first_key, end = key + walk->nr_keys;
	int err;

	if (!walk->nr_keys)
		return 0;

	err = call_run(walk, key, walk->nr_keys);
	if (err != -EINVAL)
		return err;

	/* Part of it may be good. */
	for (; key < end; key++) {
		err = call_run(walk, key, 1);
		if (err == -EINVAL)
			walk->nr_left_out++;
		else if (err)
			return err;
	}

	return 0;
}

static int run_walk_node(phys_addr_t phys, void *state)
{
	struct run_walk *walk = state;

	if (PAGE_ALIGNED(phys) && walk->cb->node_ok(phys, walk->data))
		return 0;

	walk->nr_left_out++;

	return LEAVE_OUT;
}

/* Add the keys of a chunk, which begins with @first_key, to the runs. */
static int run_walk_chunk(struct run_walk *walk, const unsigned long *chunk,
			  unsigned long first_key)
{
	unsigned long bit, end;
	int err;

	for_each_set_bitrange(bit, end, chunk, KHO_RADIX_CHUNK) {
		if (walk->first_key + walk->nr_keys != (first_key | bit)) {
			err = run_walk_report(walk);
			if (err)
				return err;
			walk->first_key = first_key | bit;
			walk->nr_keys = 0;
		}
		walk->nr_keys += end - bit;
	}

	return 0;
}

/* Are the keys of a leaf those of adjacent blocks? */
static bool leaf_is_linear(unsigned long first_key, phys_addr_t *start,
			   unsigned int *order)
{
	const unsigned long last_key = first_key + KHO_TREE_BITMAP_BITS - 1;
	unsigned int last_order;
	phys_addr_t last;

	return !kho_radix_decode_key(first_key, start, order) &&
	       !kho_radix_decode_key(last_key, &last, &last_order) &&
	       *order == last_order;
}

static int run_walk_leaf(const struct kho_radix_leaf *leaf,
			 unsigned long first_key, void *state)
{
	struct run_walk *walk = state;
	const unsigned long *chunk;
	unsigned int order = 0;
	phys_addr_t start = 0;
	unsigned long bit;
	bool whole;
	int err;

	whole = walk->cb->chunk && leaf_is_linear(first_key, &start, &order);

	for (bit = 0; bit < KHO_TREE_BITMAP_BITS; bit += KHO_RADIX_CHUNK) {
		chunk = &leaf->bitmap[BIT_WORD(bit)];
		if (bitmap_empty(chunk, KHO_RADIX_CHUNK))
			continue;
		if (whole && walk->cb->chunk(start + (bit << (PAGE_SHIFT + order)),
					     order, chunk, walk->data))
			continue;
		err = run_walk_chunk(walk, chunk, first_key | bit);
		if (err)
			return err;
	}

	return 0;
}

/**
 * kho_radix_handed_over - find a key's place in a tree that was handed over
 * @root: physical address of its root
 * @key:  any number
 * @cb:   says which nodes may be read, see kho_radix_walk_runs()
 * @data: passed on to it
 * @bit:  set to the key's bit
 *
 * Return: the leaf's bitmap, in which the bits of the adjacent keys are next to
 * @bit, or NULL when the tree has no leaf for the key.
 */
const unsigned long *kho_radix_handed_over(phys_addr_t root, unsigned long key,
					   const struct kho_radix_run_cb *cb,
					   void *data, unsigned long *bit)
{
	const struct kho_radix_leaf *leaf;
	const struct kho_radix_node *node;
	phys_addr_t phys = root;
	unsigned int level;

	if (!key_fits(key))
		return NULL;

	for (level = TOP_LEVEL; ; level--) {
		if (!phys || !PAGE_ALIGNED(phys) || !cb->node_ok(phys, data))
			return NULL;
		if (!level)
			break;
		node = phys_to_virt(phys);
		phys = node->table[slot_index(key, level)];
	}

	leaf = phys_to_virt(phys);
	*bit = bit_index(key);

	return leaf->bitmap;
}

/**
 * kho_radix_walk_runs - read a tree that another kernel handed over
 * @root: physical address of its root
 * @cb:   what to call
 * @data: passed on to it
 *
 * Made for early boot: it allocates nothing, takes no lock, reads no address
 * before @cb->node_ok allowed it, and costs no more per key than it takes to
 * find the next clear bit. What the callbacks refuse is left out, see &struct
 * kho_radix_run_cb. As @cb->node_ok is called for each node, it can also limit
 * their number, which a damaged tree may make endless.
 *
 * Return: how many nodes and keys were left out, -EINVAL if the root itself
 * cannot be read, or what @cb->run returned to end the walk.
 */
long kho_radix_walk_runs(phys_addr_t root, const struct kho_radix_run_cb *cb,
			 void *data)
{
	static const struct walk_ops ops = {
		.node = run_walk_node,
		.leaf = run_walk_leaf,
	};
	struct run_walk walk = { .cb = cb, .data = data };
	int err;

	err = walk_node(root, TOP_LEVEL, 0, &ops, &walk);
	if (err == LEAVE_OUT)
		return -EINVAL;
	if (!err)
		err = run_walk_report(&walk);

	return err ?: walk.nr_left_out;
}
