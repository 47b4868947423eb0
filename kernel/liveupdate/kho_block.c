// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): block sets, growable arrays that can be handed over.
 *
 * The format is described in include/linux/kho/abi/block.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kho_internal.h"

/* A preserved page of zeroes, or an ERR_PTR. */
VISIBLE_IF_KUNIT struct kho_block_header_ser *kho_block_alloc_page(void)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_block_alloc_page);

	return kho_alloc_preserve(PAGE_SIZE);
}

/* The page that the previous kernel preserved at @pa, NULL if it did not. */
VISIBLE_IF_KUNIT struct kho_block_header_ser *kho_block_find_page(u64 pa)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_block_find_page, pa);

	return kho_is_preserved(pa, PAGE_SIZE) ? phys_to_virt(pa) : NULL;
}

VISIBLE_IF_KUNIT void kho_block_free_page(struct kho_block_header_ser *ser,
					  bool incoming)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_block_free_page, ser, incoming);

	if (incoming)
		kho_restore_free(ser);
	else
		kho_unpreserve_free(ser);
}

static u64 entries_per_block(const struct kho_block_set *bs)
{
	return KHO_BLOCK_PAYLOAD / bs->entry_size;
}

static struct kho_block *first_block(struct kho_block_set *bs)
{
	return list_first_entry_or_null(&bs->blocks, struct kho_block, list);
}

static struct kho_block *last_block(struct kho_block_set *bs)
{
	return list_last_entry(&bs->blocks, struct kho_block, list);
}

/* Unless entries leave no room for that. */
static void set_owner(const struct kho_block_set *bs,
		      struct kho_block_header_ser *ser)
{
	struct kho_block_owner_ser *owner = kho_block_owner(ser);

	if (!bs->owner || KHO_BLOCK_PAYLOAD % bs->entry_size < sizeof(*owner))
		return;
	owner->magic = KHO_BLOCK_OWNER_MAGIC;
	owner->owner = bs->owner;
}

/* Other kernels' blocks do not say whose they are; then the set has no owner. */
static bool check_owner(struct kho_block_set *bs,
			struct kho_block_header_ser *ser)
{
	const struct kho_block_owner_ser *owner = kho_block_owner(ser);

	if (owner->magic == KHO_BLOCK_OWNER_MAGIC)
		return owner->owner == bs->owner;
	bs->owner = 0;
	return true;
}

static void append_block(struct kho_block_set *bs, struct kho_block *block,
			 struct kho_block_header_ser *ser)
{
	block->ser = ser;
	list_add_tail(&block->list, &bs->blocks);
	bs->nr_blocks++;
}

/* Take the last block from the set. */
static struct kho_block_header_ser *drop_block(struct kho_block_set *bs)
{
	struct kho_block *block = last_block(bs);
	struct kho_block_header_ser *ser = block->ser;

	list_del(&block->list);
	bs->nr_blocks--;
	kfree(block);
	cond_resched();

	return ser;
}

/* Free blocks from the end until @nr are left. */
static void trim_blocks(struct kho_block_set *bs, unsigned long nr)
{
	while (bs->nr_blocks > nr)
		kho_block_free_page(drop_block(bs), bs->incoming);
}

/**
 * kho_block_set_init - make a block set ready for use
 * @bs:         the set
 * @entry_size: bytes of an entry, KHO_BLOCK_PAYLOAD at most
 */
void kho_block_set_init(struct kho_block_set *bs, size_t entry_size)
{
	WARN_ON_ONCE(!entry_size || entry_size > KHO_BLOCK_PAYLOAD);

	*bs = (struct kho_block_set) {
		.blocks = LIST_HEAD_INIT(bs->blocks),
		.entry_size = entry_size,
	};
}
EXPORT_SYMBOL_GPL(kho_block_set_init);

static int add_block(struct kho_block_set *bs)
{
	struct kho_block_header_ser *ser;
	struct kho_block *block;

	block = kmalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	if (!block)
		return -ENOMEM;

	ser = kho_block_alloc_page();
	if (IS_ERR(ser)) {
		kfree(block);
		return PTR_ERR(ser);
	}

	set_owner(bs, ser);
	append_block(bs, block, ser);
	return 0;
}

/**
 * kho_block_set_grow - see to it that a block set has room
 * @bs:    the set, not one that was restored
 * @count: for how many entries in total, those already there included
 *
 * Memory for that many entries is allocated and preserved, so that reserving
 * them cannot fail. On failure the set is as it was.
 *
 * Context: may sleep
 * Return: 0, -ENOSPC if so many entries are more than a set may have, or what
 * kho_alloc_preserve() fails with.
 */
int kho_block_set_grow(struct kho_block_set *bs, u64 count)
{
	const unsigned long nr_before = bs->nr_blocks;
	int err;

	if (WARN_ON_ONCE(bs->incoming))
		return -EINVAL;
	if (count > KHO_BLOCK_SET_MAX_BLOCKS * entries_per_block(bs))
		return -ENOSPC;

	while (bs->nr_blocks * entries_per_block(bs) < count) {
		err = add_block(bs);
		if (err) {
			trim_blocks(bs, nr_before);
			return err;
		}
		cond_resched();
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_grow);

/**
 * kho_block_set_shrink - give back blocks that are not needed
 * @bs:    the set
 * @count: keep room for that many entries; later ones go with their blocks
 *
 * Context: may sleep
 */
void kho_block_set_shrink(struct kho_block_set *bs, u64 count)
{
	trim_blocks(bs, DIV_ROUND_UP(count, entries_per_block(bs)));
	if (bs->nr_blocks)
		last_block(bs)->ser->next = 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_shrink);

/* Put the block at @pa into the set. The one after it is put in @next. */
static int restore_block(struct kho_block_set *bs, u64 pa, u64 *next)
{
	struct kho_block_header_ser *ser;
	struct kho_block *block;

	/* A chain that ends in a cycle is one of too many blocks. */
	if (bs->nr_blocks == KHO_BLOCK_SET_MAX_BLOCKS) {
		pr_err("block set has more than %u blocks\n",
		       KHO_BLOCK_SET_MAX_BLOCKS);
		return -EINVAL;
	}

	ser = kho_block_find_page(pa);
	if (!ser) {
		pr_err("block at %#llx was not preserved\n", pa);
		return -EINVAL;
	}
	/* Linux 7.3 can leave an empty block at the end. */
	if ((!ser->count && ser->next) || ser->count > entries_per_block(bs)) {
		pr_err("block at %#llx has %llu entries of %llu at most\n",
		       pa, ser->count, entries_per_block(bs));
		return -EINVAL;
	}

	if (!check_owner(bs, ser)) {
		pr_err("block at %#llx belongs to another set\n", pa);
		return -EINVAL;
	}

	/* To fail here would be to lose what was handed over. */
	block = kmalloc(sizeof(*block), GFP_KERNEL | __GFP_NOFAIL);
	append_block(bs, block, ser);
	*next = ser->next;

	return 0;
}

/**
 * kho_block_set_restore - take over a block set from the previous kernel
 * @bs:      the set, initialised and without blocks
 * @head_pa: what kho_block_set_head_pa() was in that kernel
 *
 * The blocks are read in place. They belong to the set, and are freed when it
 * is destroyed, unless kho_block_set_forget() leaves them alone: a reader who
 * does not believe what is in them does that, for a damaged address may have
 * led to blocks of somebody else. The set's owner is 0 afterwards if the
 * previous kernel is one that does not write it to blocks.
 *
 * Context: may sleep
 * Return: 0, or -EINVAL if the set is damaged, which a message explains. Then
 * the set is without blocks and what was handed over remains preserved.
 */
int kho_block_set_restore(struct kho_block_set *bs, u64 head_pa)
{
	u64 pa = head_pa;
	int err;

	if (WARN_ON_ONCE(bs->nr_blocks))
		return -EINVAL;

	bs->incoming = true;
	while (pa) {
		err = restore_block(bs, pa, &pa);
		if (err) {
			kho_block_set_forget(bs);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_restore);

/**
 * kho_block_set_forget - leave alone what the previous kernel handed over
 * @bs: a set that was restored; it is as after kho_block_set_init() then
 *
 * The blocks remain preserved.
 *
 * Context: may sleep
 */
void kho_block_set_forget(struct kho_block_set *bs)
{
	while (bs->nr_blocks)
		drop_block(bs);
	bs->incoming = false;
}
EXPORT_SYMBOL_GPL(kho_block_set_forget);

/**
 * kho_block_set_destroy - free all blocks of a set
 * @bs: the set, which is as after kho_block_set_init() then
 *
 * Context: may sleep
 */
void kho_block_set_destroy(struct kho_block_set *bs)
{
	trim_blocks(bs, 0);
	bs->incoming = false;
}
EXPORT_SYMBOL_GPL(kho_block_set_destroy);

/**
 * kho_block_set_clear - drop all entries of a set, but keep the room
 * @bs: the set
 */
void kho_block_set_clear(struct kho_block_set *bs)
{
	struct kho_block *block;

	list_for_each_entry(block, &bs->blocks, list) {
		block->ser->count = 0;
		block->ser->next = 0;
	}
}
EXPORT_SYMBOL_GPL(kho_block_set_clear);

/**
 * kho_block_set_head_pa - where the first block of a set is
 * @bs: the set
 *
 * That is what to hand over for a set that has entries. In the chain of one
 * that has none the next kernel may see damage: hand over 0 for that.
 *
 * Return: the physical address, 0 if there is no block.
 */
u64 kho_block_set_head_pa(struct kho_block_set *bs)
{
	struct kho_block *block = first_block(bs);

	return block ? virt_to_phys(block->ser) : 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_head_pa);

/**
 * kho_block_set_is_empty - has a set no blocks?
 * @bs: the set; blocks may be without entries
 *
 * Return: whether it has none.
 */
bool kho_block_set_is_empty(struct kho_block_set *bs)
{
	return list_empty(&bs->blocks);
}
EXPORT_SYMBOL_GPL(kho_block_set_is_empty);

/**
 * kho_block_set_it_init - place an iterator before the first entry of a set
 * @it: the iterator
 * @bs: the set
 */
void kho_block_set_it_init(struct kho_block_set_it *it,
			   struct kho_block_set *bs)
{
	it->bs = bs;
	it->block = first_block(bs);
	it->i = 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_it_init);

/* The block after that of the iterator, NULL at the end. */
static struct kho_block *next_block(struct kho_block_set_it *it)
{
	if (!it->block)
		return first_block(it->bs);
	if (list_is_last(&it->block->list, &it->bs->blocks))
		return NULL;

	return list_next_entry(it->block, list);
}

/* The entry after the iterator, which is placed behind it. */
static void *step(struct kho_block_set_it *it, struct kho_block *block, u64 i)
{
	it->block = block;
	it->i = i + 1;
	return (void *)(block->ser + 1) + i * it->bs->entry_size;
}

/**
 * kho_block_set_it_reserve_entry - add an entry to a set
 * @it: the iterator
 *
 * The iterator is placed behind the new entry, which is the last of the set.
 *
 * Return: the entry, all zeroes; NULL if there is no room left, see
 * kho_block_set_grow().
 */
void *kho_block_set_it_reserve_entry(struct kho_block_set_it *it)
{
	struct kho_block *block = it->block ?: first_block(it->bs);
	struct kho_block *full = NULL;
	void *entry;

	while (block && block->ser->count == entries_per_block(it->bs)) {
		full = block;
		it->block = block;
		block = next_block(it);
	}
	if (!block)
		return NULL;

	if (full)
		full->ser->next = virt_to_phys(block->ser);
	entry = step(it, block, block->ser->count++);
	return memset(entry, 0, it->bs->entry_size);
}
EXPORT_SYMBOL_GPL(kho_block_set_it_reserve_entry);

/**
 * kho_block_set_it_read_entry - go to the next entry of a set
 * @it: the iterator
 *
 * Return: the entry that the iterator stepped over; NULL at the end, where it
 * stays.
 */
void *kho_block_set_it_read_entry(struct kho_block_set_it *it)
{
	struct kho_block *block = it->block;
	u64 i = it->i;

	if (!block || i == block->ser->count) {
		block = next_block(it);
		i = 0;
		if (!block || !block->ser->count)
			return NULL;
	}

	return step(it, block, i);
}
EXPORT_SYMBOL_GPL(kho_block_set_it_read_entry);

/**
 * kho_block_set_it_prev - go back to the entry before in a set
 * @it: the iterator
 *
 * Entries remain what they are: reading on from here gives the same one again,
 * and reserving adds to the end of the set.
 *
 * Return: the entry that the iterator stepped back over; NULL at the start,
 * where it stays.
 */
void *kho_block_set_it_prev(struct kho_block_set_it *it)
{
	struct kho_block *block = it->block;
	u64 i = it->i;
	void *entry;

	if (!block)
		return NULL;
	if (!i) {
		if (list_is_first(&block->list, &it->bs->blocks))
			return NULL;
		block = list_prev_entry(block, list);
		i = block->ser->count;
	}

	entry = step(it, block, i - 1);
	it->i = i - 1;
	return entry;
}
EXPORT_SYMBOL_GPL(kho_block_set_it_prev);
