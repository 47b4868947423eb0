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
 * struct kho_block_page - one page of a block set
 * @list: in &kho_block_set.pages
 * @ser:  the page, preserved (outgoing) or restored (incoming)
 */
struct kho_block_page {
	struct list_head list;
	struct kho_block_header_ser *ser;
};

/**
 * struct kho_block_set - a chain of pages with entries of one size
 * @pages:      all &struct kho_block_page, in order
 * @nr_pages:   how many
 * @entry_size: bytes of an entry
 * @owner:      written to each page and compared in those that come in, so
 *              that a damaged address does not lead to pages of somebody
 *              else; 0 for none. Set before there are pages
 * @incoming:   the pages came from the previous kernel
 *
 * Entries fill the pages in order. Pages after the last entry are not linked:
 * the next kernel sees no empty page. A page that came in may be empty if it is
 * the last. There is no lock: the caller serialises.
 */
struct kho_block_set {
	struct list_head pages;
	unsigned long nr_pages;
	size_t entry_size;
	u64 owner;
	bool incoming;
};

#define KHO_BLOCK_SET_INIT(_name, _entry_size) {			\
	.pages = LIST_HEAD_INIT((_name).pages),				\
	.entry_size = (_entry_size),					\
}

/**
 * struct kho_block_set_it - a place between two entries of a block set
 * @bs:   the set
 * @page: the page of the entry before the place, or the first one; NULL if the
 *        set had no page yet
 * @i:    how many entries of @page are before the place
 *
 * Growing the set keeps it valid, shrinking, clearing and destroying do not.
 */
struct kho_block_set_it {
	struct kho_block_set *bs;
	struct kho_block_page *page;
	u64 i;
};

void kho_block_set_init(struct kho_block_set *bs, size_t entry_size);
int kho_block_set_grow(struct kho_block_set *bs, u64 count);
void kho_block_set_shrink(struct kho_block_set *bs, u64 count);
int kho_block_set_restore(struct kho_block_set *bs, u64 head_pa);
void kho_block_set_detach(struct kho_block_set *bs);
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
