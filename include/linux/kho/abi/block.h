/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of a block set: a chain of preserved pages with entries of one size.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_BLOCK_H
#define _LINUX_KHO_ABI_BLOCK_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <asm/page.h>

/* A set of more blocks than this is taken for damaged. */
#define KHO_BLOCK_SET_MAX_BLOCKS	10000

/**
 * struct kho_block_header_ser - head of each block
 * @next:  physical address of the next block, 0 at the end
 * @count: entries that follow in this block; 0 in the last block at most
 */
struct kho_block_header_ser {
	u64 next;
	u64 count;
} __packed;

static_assert(sizeof(struct kho_block_header_ser) == 16);
static_assert(offsetof(struct kho_block_header_ser, count) == 8);

/* Bytes of a block, and those for entries in it. */
#define KHO_BLOCK_SIZE		PAGE_SIZE
#define KHO_BLOCK_PAYLOAD						\
	(KHO_BLOCK_SIZE - sizeof(struct kho_block_header_ser))

#define KHO_BLOCK_OWNER_MAGIC	0x72656e776f6b6c62ULL	/* "blkowner" */

/**
 * struct kho_block_owner_ser - whose a block is, in the last bytes of its page
 * @magic: KHO_BLOCK_OWNER_MAGIC
 * @owner: a number that the owner derives from its name
 *
 * Where entries leave no room for it there is none. Not part of the format:
 * kernels that do not know it leave zeroes there, and do not look at it.
 */
struct kho_block_owner_ser {
	u64 magic;
	u64 owner;
} __packed;

static_assert(sizeof(struct kho_block_owner_ser) == 16);
static_assert(offsetof(struct kho_block_owner_ser, owner) == 8);

#endif /* _LINUX_KHO_ABI_BLOCK_H */
