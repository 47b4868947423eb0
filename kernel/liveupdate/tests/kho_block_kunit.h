/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit tests of block sets share: a set with pages of its own.
 *
 * Nothing is preserved, and a chain that is restored was made by the test, so
 * that it can be damaged.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_TESTS_KHO_BLOCK_KUNIT_H
#define _KERNEL_LIVEUPDATE_TESTS_KHO_BLOCK_KUNIT_H

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_block.h>
#include <linux/kho_radix_tree.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "kho_radix_kunit.h"

/* An entry that does not divide the payload, so that a rest remains. */
struct entry {
	u64 nr;
	u8 rest[992];
} __packed;

#define PER_PAGE	(KHO_BLOCK_PAYLOAD / sizeof(struct entry))

/**
 * struct set_test - state of one test
 * @bs:        the set under test
 * @allocated: preserved pages there are
 * @fail_at:   how many may be there before allocation fails
 * @handed:    radix tree of pages that can be taken over, by frame number
 * @restored:  pages restored and freed
 */
struct set_test {
	struct kho_block_set bs;
	long allocated;
	long fail_at;
	struct kho_radix_tree handed;
	long restored;
};

static struct set_test *current_set_test(void)
{
	return kunit_get_current_test()->priv;
}

static struct kho_block_header_ser *fake_alloc_page(void)
{
	struct set_test *st = current_set_test();
	void *page;

	if (st->allocated == st->fail_at)
		return ERR_PTR(-ENOMEM);
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return ERR_PTR(-ENOMEM);
	st->allocated++;
	return page;
}

static struct kho_block_header_ser *fake_find_page(u64 pa)
{
	struct set_test *st = current_set_test();

	if (!PAGE_ALIGNED(pa) || !has_key(&st->handed, PHYS_PFN(pa)))
		return NULL;
	return phys_to_virt(pa);
}

static void fake_free_page(struct kho_block_header_ser *ser, bool incoming)
{
	struct set_test *st = current_set_test();

	if (incoming) {
		kho_radix_del_key(&st->handed, PHYS_PFN(virt_to_phys(ser)));
		st->restored++;
	} else {
		st->allocated--;
	}
	free_page((unsigned long)ser);
}

static int kho_block_kunit_init(struct kunit *test)
{
	struct set_test *st;

	st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	if (!st)
		return -ENOMEM;

	kho_block_set_init(&st->bs, sizeof(struct entry));
	st->fail_at = LONG_MAX;
	test->priv = st;
	kunit_activate_static_stub(test, alloc_set_page, fake_alloc_page);
	kunit_activate_static_stub(test, find_set_page, fake_find_page);
	kunit_activate_static_stub(test, free_set_page, fake_free_page);
	return kho_radix_init_tree(&st->handed, NULL);
}

static int free_handed(unsigned long pfn, void *data)
{
	free_page((unsigned long)phys_to_virt(PFN_PHYS(pfn)));
	return 0;
}

/* Whatever a test did, in the end each page is accounted for. */
static void kho_block_kunit_exit(struct kunit *test)
{
	const struct kho_radix_walk_cb cb = { .leaf = free_handed };
	struct set_test *st = test->priv;

	if (!st || !st->handed.root)
		return;
	kho_block_set_destroy(&st->bs);
	KUNIT_EXPECT_EQ(test, st->allocated, 0);
	kho_radix_walk_tree(&st->handed, &cb, NULL);
	kho_radix_destroy_tree(&st->handed);
}

/* Add entries numbered from @first on. */
static void write_entries(struct kunit *test, struct kho_block_set_it *it,
			  u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i++) {
		struct entry *entry = kho_block_set_it_reserve_entry(it);

		KUNIT_ASSERT_NOT_NULL(test, entry);
		KUNIT_EXPECT_EQ(test, entry->nr, 0);
		entry->nr = i;
	}
}

/* A set has the entries numbered from 0 on, in order, and no other. */
static void expect_entries(struct kunit *test, struct kho_block_set *bs, u64 nr)
{
	struct kho_block_set_it it;
	struct entry *entry;
	u64 i;

	kho_block_set_it_init(&it, bs);
	for (i = 0; i < nr; i++) {
		entry = kho_block_set_it_read_entry(&it);
		KUNIT_ASSERT_NOT_NULL(test, entry);
		KUNIT_EXPECT_EQ(test, entry->nr, i);
	}
	KUNIT_EXPECT_NULL(test, kho_block_set_it_read_entry(&it));
	KUNIT_EXPECT_EQ(test, kho_block_set_is_empty(bs),
			list_empty(&bs->pages));
}

static void fill(struct kunit *test, u64 nr)
{
	struct set_test *st = test->priv;
	struct kho_block_set_it it;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, nr));
	kho_block_set_it_init(&it, &st->bs);
	write_entries(test, &it, 0, nr);
}

#endif /* _KERNEL_LIVEUPDATE_TESTS_KHO_BLOCK_KUNIT_H */
