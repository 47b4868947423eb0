/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block sets: growable arrays of entries of one size that can be handed over.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_BLOCK_H
#define _LINUX_KHO_BLOCK_H

#include <linux/list.h>
#include <linux/types.h>

#include <linux/kho/abi/block.h>

/**
 * struct kho_block - one page of a block set
 * @list: in &kho_block_set.blocks
 * @ser:  the page, preserved (outgoing) or restored (incoming)
 */
struct kho_block {
	struct list_head list;
	struct kho_block_header_ser *ser;
};

/**
 * struct kho_block_set - a chain of pages with entries of one size
 * @blocks:     all &struct kho_block, in order
 * @nr_blocks:  how many
 * @entry_size: bytes of an entry
 * @owner:      written to each block and looked for in those that come in, so
 *              that a damaged address does not lead to blocks of somebody
 *              else; 0 for none. Set before there are blocks
 * @incoming:   the blocks came from the previous kernel
 *
 * Entries fill the blocks in order, and those after the last entry are not
 * linked: the next kernel sees no empty block. One that came in may be empty, if
 * it is the last. There is no lock: the owner serialises.
 */
struct kho_block_set {
	struct list_head blocks;
	unsigned long nr_blocks;
	size_t entry_size;
	u64 owner;
	bool incoming;
};

#define KHO_BLOCK_SET_INIT(_name, _entry_size) {			\
	.blocks = LIST_HEAD_INIT((_name).blocks),			\
	.entry_size = (_entry_size),					\
}

/**
 * struct kho_block_set_it - a place between two entries of a block set
 * @bs:    the set
 * @block: the block of the entry before the place, or the first one; NULL if
 *         the set had no block yet
 * @i:     how many entries of @block are before the place
 *
 * Growing the set keeps it valid, shrinking, clearing and destroying do not.
 */
struct kho_block_set_it {
	struct kho_block_set *bs;
	struct kho_block *block;
	u64 i;
};

void kho_block_set_init(struct kho_block_set *bs, size_t entry_size);
int kho_block_set_grow(struct kho_block_set *bs, u64 count);
void kho_block_set_shrink(struct kho_block_set *bs, u64 count);
int kho_block_set_restore(struct kho_block_set *bs, u64 head_pa);
void kho_block_set_forget(struct kho_block_set *bs);
void kho_block_set_destroy(struct kho_block_set *bs);
void kho_block_set_clear(struct kho_block_set *bs);
u64 kho_block_set_head_pa(struct kho_block_set *bs);
bool kho_block_set_is_empty(struct kho_block_set *bs);

void kho_block_set_it_init(struct kho_block_set_it *it,
			   struct kho_block_set *bs);
void *kho_block_set_it_reserve_entry(struct kho_block_set_it *it);
void *kho_block_set_it_read_entry(struct kho_block_set_it *it);
void *kho_block_set_it_prev(struct kho_block_set_it *it);

#endif /* _LINUX_KHO_BLOCK_H */
