// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): block sets, growable arrays that can be handed over.
 *
 * The format is described in include/linux/kho/abi/block.h. What that calls a
 * block is one page, and here it is called a page of the set: it has nothing to
 * do with the blocks of pages that KHO preserves. Messages say block.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/static_stub.h>
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
static struct kho_block_header_ser *alloc_set_page(void)
{
	KUNIT_STATIC_STUB_REDIRECT(alloc_set_page);

	return kho_alloc_preserve(PAGE_SIZE);
}

/* The page that the previous kernel preserved at @pa, NULL if it did not. */
static struct kho_block_header_ser *find_set_page(u64 pa)
{
	KUNIT_STATIC_STUB_REDIRECT(find_set_page, pa);

	return kho_is_preserved(pa, PAGE_SIZE) ? phys_to_virt(pa) : NULL;
}

static void free_set_page(struct kho_block_header_ser *ser, bool incoming)
{
	KUNIT_STATIC_STUB_REDIRECT(free_set_page, ser, incoming);

	if (incoming)
		kho_restore_free(ser);
	else
		kho_unpreserve_free(ser);
}

static u64 entries_per_page(const struct kho_block_set *bs)
{
	return KHO_BLOCK_PAYLOAD / bs->entry_size;
}

static struct kho_block_page *first_set_page(struct kho_block_set *bs)
{
	return list_first_entry_or_null(&bs->pages, struct kho_block_page, list);
}

static struct kho_block_page *last_set_page(struct kho_block_set *bs)
{
	return list_last_entry(&bs->pages, struct kho_block_page, list);
}

/* Write the owner to a page, if entries leave room for it. */
static void set_owner(const struct kho_block_set *bs,
		      struct kho_block_header_ser *ser)
{
	struct kho_block_owner_ser *owner = kho_block_owner(ser);

	if (!bs->owner || KHO_BLOCK_PAYLOAD % bs->entry_size < sizeof(*owner))
		return;
	owner->magic = KHO_BLOCK_OWNER_MAGIC;
	owner->owner = bs->owner;
}

/* Is a page that came in this set's? If no owner is in it, the set has none. */
static bool check_owner(struct kho_block_set *bs,
			struct kho_block_header_ser *ser)
{
	const struct kho_block_owner_ser *owner = kho_block_owner(ser);

	if (owner->magic == KHO_BLOCK_OWNER_MAGIC)
		return owner->owner == bs->owner;
	bs->owner = 0;
	return true;
}

static void append_set_page(struct kho_block_set *bs,
			    struct kho_block_page *page,
			    struct kho_block_header_ser *ser)
{
	page->ser = ser;
	list_add_tail(&page->list, &bs->pages);
	bs->nr_pages++;
}

/* Remove the last page from the set, and return it. */
static struct kho_block_header_ser *remove_set_page(struct kho_block_set *bs)
{
	struct kho_block_page *page = last_set_page(bs);
	struct kho_block_header_ser *ser = page->ser;

	list_del(&page->list);
	bs->nr_pages--;
	kfree(page);
	cond_resched();

	return ser;
}

/* Free pages from the end until @nr are left. */
static void trim_set_pages(struct kho_block_set *bs, unsigned long nr)
{
	while (bs->nr_pages > nr)
		free_set_page(remove_set_page(bs), bs->incoming);
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
		.pages = LIST_HEAD_INIT(bs->pages),
		.entry_size = entry_size,
	};
}
EXPORT_SYMBOL_GPL(kho_block_set_init);

static int add_set_page(struct kho_block_set *bs)
{
	struct kho_block_header_ser *ser;
	struct kho_block_page *page;

	page = kmalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;

	ser = alloc_set_page();
	if (IS_ERR(ser)) {
		kfree(page);
		return PTR_ERR(ser);
	}

	set_owner(bs, ser);
	append_set_page(bs, page, ser);
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
	const unsigned long nr_before = bs->nr_pages;
	int err;

	if (WARN_ON_ONCE(bs->incoming))
		return -EINVAL;
	if (count > KHO_BLOCK_SET_MAX_BLOCKS * entries_per_page(bs))
		return -ENOSPC;

	while (bs->nr_pages * entries_per_page(bs) < count) {
		err = add_set_page(bs);
		if (err) {
			trim_set_pages(bs, nr_before);
			return err;
		}
		cond_resched();
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_grow);

/**
 * kho_block_set_shrink - free pages that are not needed
 * @bs:    the set
 * @count: keep room for that many entries; later ones go with their pages
 *
 * Context: may sleep
 */
void kho_block_set_shrink(struct kho_block_set *bs, u64 count)
{
	trim_set_pages(bs, DIV_ROUND_UP(count, entries_per_page(bs)));
	if (bs->nr_pages)
		last_set_page(bs)->ser->next = 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_shrink);

/* Append the page at @pa to the set. @next is set to where the next one is. */
static int restore_set_page(struct kho_block_set *bs, u64 pa, u64 *next)
{
	struct kho_block_header_ser *ser;
	struct kho_block_page *page;

	/* A chain that ends in a cycle is one of too many pages. */
	if (bs->nr_pages == KHO_BLOCK_SET_MAX_BLOCKS) {
		pr_err("block set has more than %u blocks\n",
		       KHO_BLOCK_SET_MAX_BLOCKS);
		return -EINVAL;
	}

	ser = find_set_page(pa);
	if (!ser) {
		pr_err("block at %#llx was not preserved\n", pa);
		return -EINVAL;
	}
	/* Linux 7.3 can leave an empty page at the end. */
	if ((!ser->count && ser->next) || ser->count > entries_per_page(bs)) {
		pr_err("block at %#llx has %llu entries of %llu at most\n",
		       pa, ser->count, entries_per_page(bs));
		return -EINVAL;
	}

	if (!check_owner(bs, ser)) {
		pr_err("block at %#llx belongs to another set\n", pa);
		return -EINVAL;
	}

	page = kmalloc(sizeof(*page), GFP_KHO_RESTORE);
	append_set_page(bs, page, ser);
	*next = ser->next;

	return 0;
}

/**
 * kho_block_set_restore - take over a block set from the previous kernel
 * @bs:      the set, initialised and without pages
 * @head_pa: what kho_block_set_head_pa() was in that kernel
 *
 * The pages are read in place. They belong to the set, and are freed when it is
 * destroyed. A reader that finds their contents damaged calls
 * kho_block_set_detach() instead: a damaged address may have led to pages of
 * somebody else. The set's owner is 0 afterwards if the previous kernel is one
 * that does not write it to pages.
 *
 * Context: may sleep
 * Return: 0, or -EINVAL if the set is damaged, which a message explains. Then
 * the set is without pages and what was handed over remains preserved.
 */
int kho_block_set_restore(struct kho_block_set *bs, u64 head_pa)
{
	u64 pa = head_pa;
	int err;

	if (WARN_ON_ONCE(bs->nr_pages))
		return -EINVAL;

	bs->incoming = true;
	while (pa) {
		err = restore_set_page(bs, pa, &pa);
		if (err) {
			kho_block_set_detach(bs);
			return err;
		}
	}

	return 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_restore);

/**
 * kho_block_set_detach - undo kho_block_set_restore()
 * @bs: a set that was restored; it is as after kho_block_set_init() then
 *
 * The pages remain preserved.
 *
 * Context: may sleep
 */
void kho_block_set_detach(struct kho_block_set *bs)
{
	while (bs->nr_pages)
		remove_set_page(bs);
	bs->incoming = false;
}
EXPORT_SYMBOL_GPL(kho_block_set_detach);

/**
 * kho_block_set_destroy - free all pages of a set
 * @bs: the set, which is as after kho_block_set_init() then
 *
 * Context: may sleep
 */
void kho_block_set_destroy(struct kho_block_set *bs)
{
	trim_set_pages(bs, 0);
	bs->incoming = false;
}
EXPORT_SYMBOL_GPL(kho_block_set_destroy);

/**
 * kho_block_set_clear - drop all entries of a set, but keep the room
 * @bs: the set
 */
void kho_block_set_clear(struct kho_block_set *bs)
{
	struct kho_block_page *page;

	list_for_each_entry(page, &bs->pages, list) {
		page->ser->count = 0;
		page->ser->next = 0;
	}
}
EXPORT_SYMBOL_GPL(kho_block_set_clear);

/**
 * kho_block_set_head_pa - where the first page of a set is
 * @bs: the set
 *
 * That is what to hand over for a set that has entries. For a set without
 * entries hand over 0: the next kernel may take its empty pages for damage.
 *
 * Return: the physical address, 0 if there is no page.
 */
u64 kho_block_set_head_pa(struct kho_block_set *bs)
{
	struct kho_block_page *page = first_set_page(bs);

	return page ? virt_to_phys(page->ser) : 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_head_pa);

/**
 * kho_block_set_is_empty - has a set no pages?
 * @bs: the set; pages may be without entries
 *
 * Return: whether it has none.
 */
bool kho_block_set_is_empty(struct kho_block_set *bs)
{
	return list_empty(&bs->pages);
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
	it->page = first_set_page(bs);
	it->i = 0;
}
EXPORT_SYMBOL_GPL(kho_block_set_it_init);

/* The page after that of the iterator, NULL at the end. */
static struct kho_block_page *next_set_page(struct kho_block_set_it *it)
{
	if (!it->page)
		return first_set_page(it->bs);
	if (list_is_last(&it->page->list, &it->bs->pages))
		return NULL;

	return list_next_entry(it->page, list);
}

/* The entry after the iterator, which is placed behind it. */
static void *step(struct kho_block_set_it *it, struct kho_block_page *page,
		  u64 i)
{
	it->page = page;
	it->i = i + 1;
	return (void *)(page->ser + 1) + i * it->bs->entry_size;
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
	struct kho_block_page *page = it->page ?: first_set_page(it->bs);
	struct kho_block_page *full = NULL;
	void *entry;

	while (page && page->ser->count == entries_per_page(it->bs)) {
		full = page;
		it->page = page;
		page = next_set_page(it);
	}
	if (!page)
		return NULL;

	if (full)
		full->ser->next = virt_to_phys(page->ser);
	entry = step(it, page, page->ser->count++);
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
	struct kho_block_page *page = it->page;
	u64 i = it->i;

	if (!page || i == page->ser->count) {
		page = next_set_page(it);
		i = 0;
		if (!page || !page->ser->count)
			return NULL;
	}

	return step(it, page, i);
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
	struct kho_block_page *page = it->page;
	u64 i = it->i;
	void *entry;

	if (!page)
		return NULL;
	if (!i) {
		if (list_is_first(&page->list, &it->bs->pages))
			return NULL;
		page = list_prev_entry(page, list);
		i = page->ser->count;
	}

	entry = step(it, page, i - 1);
	it->i = i - 1;
	return entry;
}
EXPORT_SYMBOL_GPL(kho_block_set_it_prev);

#if IS_ENABLED(CONFIG_KEXEC_HANDOVER_KUNIT_TEST)
#include "tests/kho_block_kunit.c"
#include "tests/kho_block_restore_kunit.c"
#endif
