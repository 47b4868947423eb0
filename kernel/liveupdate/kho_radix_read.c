// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): reads radix trees, also those of the previous kernel.
 *
 * What another kernel handed over may be damaged: no address in it is followed
 * before the caller allows it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "kho_radix.h"

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
	if (key <= 1 || !kho_radix_key_fits(key))
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

/* Calls itself, KHO_TREE_TOP_LEVEL deep at most. */
static int walk_node(phys_addr_t phys, unsigned int level,
		     unsigned long first_key,
		     const struct kho_radix_walk_ops *ops, void *state)
{
	const struct kho_radix_node *node = phys_to_virt(phys);
	unsigned long i;
	int err;

	err = ops->node ? ops->node(phys, state) : 0;
	if (err)
		return err;
	if (!level)
		return ops->leaf(phys_to_virt(phys), first_key, state);

	for (i = 0; i < KHO_TREE_TABLE_SLOTS; i++) {
		if (!node->table[i])
			continue;
		if (ops->may_read && !ops->may_read(node->table[i], state))
			continue;
		err = walk_node(node->table[i], level - 1,
				first_key | i << KHO_TREE_TABLE_SHIFT(level),
				ops, state);
		if (err)
			return err;
	}

	return 0;
}

/**
 * kho_radix_walk_nodes - call back for each node of a tree
 * @root:  physical address of its root, which can be read
 * @ops:   what to call
 * @state: passed on to it
 *
 * Context: any, if that of the callbacks is
 * Return: 0, or what a callback ended the walk with.
 */
int kho_radix_walk_nodes(phys_addr_t root, const struct kho_radix_walk_ops *ops,
			 void *state)
{
	return walk_node(root, KHO_TREE_TOP_LEVEL, 0, ops, state);
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

	if (!kho_radix_key_fits(key))
		return NULL;

	for (level = KHO_TREE_TOP_LEVEL; ; level--) {
		if (!phys || !PAGE_ALIGNED(phys) || !cb->node_ok(phys, data))
			return NULL;
		if (!level)
			break;
		node = phys_to_virt(phys);
		phys = node->table[kho_radix_slot(key, level)];
	}

	leaf = phys_to_virt(phys);
	*bit = kho_radix_bit(key);

	return leaf->bitmap;
}

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

static bool run_walk_may_read(phys_addr_t phys, void *state)
{
	struct run_walk *walk = state;

	if (PAGE_ALIGNED(phys) && walk->cb->node_ok(phys, walk->data))
		return true;

	walk->nr_left_out++;

	return false;
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
	static const struct kho_radix_walk_ops ops = {
		.may_read = run_walk_may_read,
		.leaf = run_walk_leaf,
	};
	struct run_walk walk = { .cb = cb, .data = data };
	int err;

	if (!run_walk_may_read(root, &walk))
		return -EINVAL;

	err = kho_radix_walk_nodes(root, &ops, &walk);
	if (!err)
		err = run_walk_report(&walk);

	return err ?: walk.nr_left_out;
}
