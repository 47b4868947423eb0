/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Radix tree of keys that can be handed over to the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_RADIX_TREE_H
#define _LINUX_KHO_RADIX_TREE_H

#include <linux/errno.h>
#include <linux/mutex_types.h>
#include <linux/types.h>

struct kho_radix_node;

/**
 * struct kho_radix_tree - a set of keys
 * @root: the topmost node, NULL until kho_radix_init_tree()
 * @lock: taken by every function here but init and destroy
 *
 * The format of the nodes, and of a key that stands for a block of memory, is
 * in include/linux/kho/abi/kexec_handover.h.
 */
struct kho_radix_tree {
	struct kho_radix_node *root;
	struct mutex lock;	/* see above */
};

/**
 * struct kho_radix_walk_cb - what to call in a walk, each may be NULL
 * @leaf: called for each key, in ascending order
 * @node: called with the physical address of each node, before its keys
 *
 * A return value other than 0 ends the walk.
 */
struct kho_radix_walk_cb {
	int (*leaf)(unsigned long key, void *data);
	int (*node)(phys_addr_t phys, void *data);
};

#ifdef CONFIG_KEXEC_HANDOVER

int kho_radix_init_tree(struct kho_radix_tree *tree,
			struct kho_radix_node *root);
void kho_radix_destroy_tree(struct kho_radix_tree *tree);
int kho_radix_add_key(struct kho_radix_tree *tree, unsigned long key);
void kho_radix_del_key(struct kho_radix_tree *tree, unsigned long key);
int kho_radix_walk_tree(struct kho_radix_tree *tree,
			const struct kho_radix_walk_cb *cb, void *data);

#else /* CONFIG_KEXEC_HANDOVER */

static inline int kho_radix_init_tree(struct kho_radix_tree *tree,
				      struct kho_radix_node *root)
{
	return -EOPNOTSUPP;
}

static inline void kho_radix_destroy_tree(struct kho_radix_tree *tree) { }

static inline int kho_radix_add_key(struct kho_radix_tree *tree,
				    unsigned long key)
{
	return -EOPNOTSUPP;
}

static inline void kho_radix_del_key(struct kho_radix_tree *tree,
				     unsigned long key) { }

static inline int kho_radix_walk_tree(struct kho_radix_tree *tree,
				      const struct kho_radix_walk_cb *cb,
				      void *data)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _LINUX_KHO_RADIX_TREE_H */
