// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how block sets are restored, in order or damaged.
 *
 * Included by kho_block.c, of which the tests replace static functions.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kho_block.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "kho_block_kunit.h"

/* A chain of full pages, as the previous kernel would hand it over. */
static u64 hand_over(struct kunit *test, int nr_pages)
{
	struct set_test *st = test->priv;
	u64 next = 0;
	int i;

	for (i = nr_pages - 1; i >= 0; i--) {
		struct kho_block_header_ser *ser =
			(void *)get_zeroed_page(GFP_KERNEL);
		struct entry *entries = (void *)(ser + 1);
		int j;

		KUNIT_ASSERT_NOT_NULL(test, ser);
		ser->next = next;
		ser->count = PER_PAGE;
		for (j = 0; j < PER_PAGE; j++)
			entries[j].nr = i * PER_PAGE + j;
		next = virt_to_phys(ser);
		KUNIT_ASSERT_EQ(test, 0,
				kho_radix_add_key(&st->handed, PHYS_PFN(next)));
	}

	return next;
}

static struct kho_block_header_ser *page_at(u64 head_pa, int nr)
{
	struct kho_block_header_ser *ser = phys_to_virt(head_pa);

	return nr ? page_at(ser->next, nr - 1) : ser;
}

static void chain_is_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 5);

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	KUNIT_EXPECT_EQ(test, st->restored, 0);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&st->bs), head_pa);
	expect_entries(test, &st->bs, 5 * PER_PAGE);

	/* The set can be used for another purpose afterwards. */
	kho_block_set_destroy(&st->bs);
	KUNIT_EXPECT_EQ(test, st->restored, 5);
	fill(test, PER_PAGE);
}

static void detached_chain_stays(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 3);

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	kho_block_set_detach(&st->bs);
	KUNIT_EXPECT_EQ(test, st->restored, 0);
	expect_entries(test, &st->bs, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	expect_entries(test, &st->bs, 3 * PER_PAGE);
}

/* Full pages are not required of other kernels. */
static void partly_filled_pages_are_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);
	struct kho_block_set_it it;

	page_at(head_pa, 0)->count = 1;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	kho_block_set_it_init(&it, &st->bs);
	KUNIT_EXPECT_NOT_NULL(test, kho_block_set_it_read_entry(&it));
	KUNIT_EXPECT_PTR_EQ(test, kho_block_set_it_read_entry(&it),
			    (void *)(page_at(head_pa, 1) + 1));
}

static void no_chain_is_an_empty_set(struct kunit *test)
{
	struct set_test *st = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&st->bs, 0));
	expect_entries(test, &st->bs, 0);
}

/* Nothing of it is restored. */
static void expect_refused(struct kunit *test, u64 head_pa)
{
	struct set_test *st = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, kho_block_set_restore(&st->bs, head_pa));
	KUNIT_EXPECT_EQ(test, st->restored, 0);
	expect_entries(test, &st->bs, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, 1));
}

/* Linux 7.3 can leave one. */
static void empty_last_page_is_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 3);

	page_at(head_pa, 2)->count = 0;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	expect_entries(test, &st->bs, 2 * PER_PAGE);
	kho_block_set_destroy(&st->bs);
	KUNIT_EXPECT_EQ(test, st->restored, 3);
}

static void empty_page_alone_is_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 1);
	struct kho_block_set_it it;

	page_at(head_pa, 0)->count = 0;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	kho_block_set_it_init(&it, &st->bs);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_read_entry(&it));
	kho_block_set_destroy(&st->bs);
	KUNIT_EXPECT_EQ(test, st->restored, 1);
}

static void empty_page_before_another_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 3);

	page_at(head_pa, 1)->count = 0;
	expect_refused(test, head_pa);
}

static void page_of_too_many_entries_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 3);

	page_at(head_pa, 2)->count = PER_PAGE + 1;
	expect_refused(test, head_pa);
}

static void page_with_absurd_count_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 1);

	page_at(head_pa, 0)->count = U64_MAX;
	expect_refused(test, head_pa);
}

static void cycle_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 4);

	page_at(head_pa, 3)->next = page_at(head_pa, 0)->next;
	expect_refused(test, head_pa);
}

static void page_that_follows_itself_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 1);

	page_at(head_pa, 0)->next = head_pa;
	expect_refused(test, head_pa);
}

static void unaligned_page_is_refused(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);

	page_at(head_pa, 0)->next += 16;
	expect_refused(test, head_pa);
	kho_block_set_destroy(&st->bs);
	expect_refused(test, 8);
}

static void page_not_preserved_is_refused(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);

	page_at(head_pa, 1)->next = SZ_1T;
	expect_refused(test, head_pa);
	kho_block_set_destroy(&st->bs);
	expect_refused(test, SZ_1T);
}

static struct kho_block_owner_ser *owner_at(u64 head_pa, int nr)
{
	void *page = page_at(head_pa, nr);

	return (struct kho_block_owner_ser *)(page + PAGE_SIZE) - 1;
}

static void set_owner_at(u64 head_pa, int nr, u64 owner)
{
	*owner_at(head_pa, nr) = (struct kho_block_owner_ser) {
		.magic = KHO_BLOCK_OWNER_MAGIC,
		.owner = owner,
	};
}

static void page_of_another_owner_is_refused(struct kunit *test)
{
	static const struct {
		u64 set, blocks[2];	/* 0 for none */
	} refused[] = {
		{ 7, { 7, 8 } },
		{ 7, { 8, 7 } },
		{ 7, { 0, 7 } },
		{ 0, { 7, 7 } },
		{ 0, { 0, 7 } },
	};
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);
	int i, nr;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		st->bs.owner = refused[i].set;
		for (nr = 0; nr < 2; nr++) {
			memset(owner_at(head_pa, nr), 0,
			       sizeof(struct kho_block_owner_ser));
			if (refused[i].blocks[nr])
				set_owner_at(head_pa, nr, refused[i].blocks[nr]);
		}
		expect_refused(test, head_pa);
		kho_block_set_destroy(&st->bs);
	}
}

static void owner_of_pages_is_found(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);

	st->bs.owner = 7;
	set_owner_at(head_pa, 0, 7);
	set_owner_at(head_pa, 1, 7);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	KUNIT_EXPECT_EQ(test, 7, st->bs.owner);
	expect_entries(test, &st->bs, 2 * PER_PAGE);
}

/* Those of other kernels say nothing of it, and are taken for ours. */
static void pages_without_owner_are_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa = hand_over(test, 2);

	st->bs.owner = 7;
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	KUNIT_EXPECT_EQ(test, 0, st->bs.owner);
	expect_entries(test, &st->bs, 2 * PER_PAGE);
}

static void page_says_whose_it_is(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa;

	st->bs.owner = 7;
	fill(test, PER_PAGE + 1);
	head_pa = kho_block_set_head_pa(&st->bs);
	KUNIT_EXPECT_EQ(test, owner_at(head_pa, 0)->magic, KHO_BLOCK_OWNER_MAGIC);
	KUNIT_EXPECT_EQ(test, owner_at(head_pa, 1)->owner, 7);
}

static void longest_chain_is_taken_over(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa;

	if (PAGE_SIZE > SZ_4K)
		kunit_skip(test, "takes too much memory");

	head_pa = hand_over(test, KHO_BLOCK_SET_MAX_BLOCKS);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&st->bs, head_pa));
	kho_block_set_destroy(&st->bs);
	KUNIT_EXPECT_EQ(test, st->restored, KHO_BLOCK_SET_MAX_BLOCKS);
}

static void longer_chain_is_refused(struct kunit *test)
{
	if (PAGE_SIZE > SZ_4K)
		kunit_skip(test, "takes too much memory");

	expect_refused(test, hand_over(test, KHO_BLOCK_SET_MAX_BLOCKS + 1));
}

static struct kunit_case kho_block_restore_test_cases[] = {
	KUNIT_CASE(chain_is_taken_over),
	KUNIT_CASE(detached_chain_stays),
	KUNIT_CASE(partly_filled_pages_are_taken_over),
	KUNIT_CASE(no_chain_is_an_empty_set),
	KUNIT_CASE(empty_last_page_is_taken_over),
	KUNIT_CASE(empty_page_alone_is_taken_over),
	KUNIT_CASE(empty_page_before_another_is_refused),
	KUNIT_CASE(page_of_too_many_entries_is_refused),
	KUNIT_CASE(page_with_absurd_count_is_refused),
	KUNIT_CASE(cycle_is_refused),
	KUNIT_CASE(page_that_follows_itself_is_refused),
	KUNIT_CASE(unaligned_page_is_refused),
	KUNIT_CASE(page_not_preserved_is_refused),
	KUNIT_CASE(page_of_another_owner_is_refused),
	KUNIT_CASE(owner_of_pages_is_found),
	KUNIT_CASE(pages_without_owner_are_taken_over),
	KUNIT_CASE(page_says_whose_it_is),
	KUNIT_CASE(longest_chain_is_taken_over),
	KUNIT_CASE(longer_chain_is_refused),
	{}
};

static struct kunit_suite kho_block_restore_test_suite = {
	.name = "kho_block_restore",
	.init = kho_block_kunit_init,
	.exit = kho_block_kunit_exit,
	.test_cases = kho_block_restore_test_cases,
};

kunit_test_suite(kho_block_restore_test_suite);
