/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): where a radix tree has a key, for the two files that
 * write and read trees.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_KHO_RADIX_H
#define _KERNEL_LIVEUPDATE_KHO_RADIX_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include "kho_internal.h"

#define KHO_TREE_TOP_LEVEL	(KHO_TREE_DEPTH - 1)

/* The lowest bit of a key that selects the slot in a table of this level. */
#define KHO_TREE_TABLE_SHIFT(level)					\
	(KHO_TREE_BITMAP_LOG2 + ((level) - 1) * KHO_TREE_TABLE_LOG2)

static_assert(BITS_PER_LONG == 64);
static_assert(KHO_TREE_BITMAP_BITS % KHO_RADIX_CHUNK == 0);
/* The levels suffice for each key, none is in vain, no key is shifted out. */
static_assert(KHO_TREE_TABLE_SHIFT(KHO_TREE_DEPTH) >= KHO_TREE_KEY_WIDTH);
static_assert(KHO_TREE_TABLE_SHIFT(KHO_TREE_TOP_LEVEL) < KHO_TREE_KEY_WIDTH);
static_assert(KHO_TREE_TABLE_SHIFT(KHO_TREE_DEPTH) <= BITS_PER_LONG);
#if PAGE_SHIFT == 12
static_assert(KHO_TREE_DEPTH == 6);
static_assert(KHO_TREE_KEY_WIDTH == 53);
static_assert(KHO_TREE_BITMAP_BITS == 32768);
static_assert(KHO_TREE_TABLE_SLOTS == 512);
static_assert(KHO_TREE_TABLE_SHIFT(1) == 15);
static_assert(KHO_TREE_TABLE_SHIFT(2) == 24);
static_assert(KHO_TREE_TABLE_SHIFT(3) == 33);
static_assert(KHO_TREE_TABLE_SHIFT(4) == 42);
static_assert(KHO_TREE_TABLE_SHIFT(5) == 51);
#elif PAGE_SHIFT == 16
static_assert(KHO_TREE_DEPTH == 4);
static_assert(KHO_TREE_KEY_WIDTH == 49);
static_assert(KHO_TREE_BITMAP_BITS == 524288);
static_assert(KHO_TREE_TABLE_SLOTS == 8192);
static_assert(KHO_TREE_TABLE_SHIFT(1) == 19);
static_assert(KHO_TREE_TABLE_SHIFT(2) == 32);
static_assert(KHO_TREE_TABLE_SHIFT(3) == 45);
#endif

/* Has a key no more bits than the tree has levels for? */
static inline bool kho_radix_key_fits(unsigned long key)
{
	return !(key >> KHO_TREE_KEY_WIDTH);
}

/* The slot in a table of this level that leads to a key. */
static inline unsigned long kho_radix_slot(unsigned long key,
					   unsigned int level)
{
	return (key >> KHO_TREE_TABLE_SHIFT(level)) & (KHO_TREE_TABLE_SLOTS - 1);
}

/* The bit in a leaf that stands for a key. */
static inline unsigned long kho_radix_bit(unsigned long key)
{
	return key & (KHO_TREE_BITMAP_BITS - 1);
}

/**
 * struct kho_radix_walk_ops - what a walk over the nodes of a tree calls
 * @may_read: whether the node at a physical address may be read. If not, it is
 *            left out with what is below it. NULL if all may be. Not called for
 *            the root
 * @node:     called with the physical address of each node before its keys; may
 *            be NULL
 * @leaf:     called with each leaf, of which @first_key is the key of bit 0
 *
 * A return value of @node or @leaf other than 0 ends the walk.
 */
struct kho_radix_walk_ops {
	bool (*may_read)(phys_addr_t phys, void *state);
	int (*node)(phys_addr_t phys, void *state);
	int (*leaf)(const struct kho_radix_leaf *leaf, unsigned long first_key,
		    void *state);
};

int kho_radix_walk_nodes(phys_addr_t root, const struct kho_radix_walk_ops *ops,
			 void *state);

#endif /* _KERNEL_LIVEUPDATE_KHO_RADIX_H */
