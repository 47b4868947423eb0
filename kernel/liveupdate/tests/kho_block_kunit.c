// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how block sets are filled.
 *
 * Included by kho_block.c, of which the tests replace static functions.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/kho_block.h>
#include <linux/limits.h>
#include <linux/math.h>

#include "kho_block_kunit.h"

/* Read what is handed over by the wire format alone. */
static u64 entries_on_wire(struct kho_block_set *bs, u64 *nr_pages)
{
	u64 pa, nr = 0;

	*nr_pages = 0;
	for (pa = kho_block_set_head_pa(bs); pa; ) {
		const struct kho_block_header_ser *ser = phys_to_virt(pa);
		const struct entry *entries = (const void *)(ser + 1);
		u64 i;

		if (!ser->count || ser->count > PER_PAGE)
			return U64_MAX;
		for (i = 0; i < ser->count; i++) {
			if (entries[i].nr != nr++)
				return U64_MAX;
		}
		(*nr_pages)++;
		pa = ser->next;
	}

	return nr;
}

static void new_set_is_empty(struct kunit *test)
{
	struct set_test *st = test->priv;
	struct kho_block_set bs = KHO_BLOCK_SET_INIT(bs, sizeof(struct entry));
	struct kho_block_set_it it;

	KUNIT_EXPECT_EQ(test, bs.entry_size, st->bs.entry_size);
	KUNIT_EXPECT_TRUE(test, list_empty(&bs.pages));

	expect_entries(test, &st->bs, 0);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&st->bs), 0);
	kho_block_set_it_init(&it, &st->bs);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_reserve_entry(&it));
	KUNIT_EXPECT_NULL(test, kho_block_set_it_prev(&it));
}

static void growing_makes_room_but_no_entries(struct kunit *test)
{
	struct set_test *st = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, 0));
	KUNIT_EXPECT_EQ(test, st->allocated, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, 1));
	KUNIT_EXPECT_EQ(test, st->allocated, 1);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, PER_PAGE));
	KUNIT_EXPECT_EQ(test, st->allocated, 1);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, 3 * PER_PAGE + 1));
	KUNIT_EXPECT_EQ(test, st->allocated, 4);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&st->bs, 1));
	KUNIT_EXPECT_EQ(test, st->allocated, 4);

	expect_entries(test, &st->bs, 0);
}

/* Pages count, not entries: other kernels' drivers rely on that. */
static void set_without_entries_has_a_head(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 head_pa;

	KUNIT_EXPECT_TRUE(test, kho_block_set_is_empty(&st->bs));
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&st->bs), 0);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 1));
	KUNIT_EXPECT_FALSE(test, kho_block_set_is_empty(&st->bs));
	head_pa = kho_block_set_head_pa(&st->bs);
	KUNIT_EXPECT_NE(test, head_pa, 0);
	fill(test, PER_PAGE + 1);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&st->bs), head_pa);
	kho_block_set_shrink(&st->bs, 0);
	KUNIT_EXPECT_TRUE(test, kho_block_set_is_empty(&st->bs));
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&st->bs), 0);
}

static void growing_that_fails_changes_nothing(struct kunit *test)
{
	struct set_test *st = test->priv;

	fill(test, 2 * PER_PAGE);
	st->fail_at = 5;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			kho_block_set_grow(&st->bs, 7 * PER_PAGE));
	KUNIT_EXPECT_EQ(test, st->allocated, 2);
	expect_entries(test, &st->bs, 2 * PER_PAGE);
}

static void growing_has_a_limit(struct kunit *test)
{
	struct set_test *st = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOSPC,
			kho_block_set_grow(&st->bs, KHO_BLOCK_SET_MAX_BLOCKS *
						    PER_PAGE + 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, kho_block_set_grow(&st->bs, U64_MAX));
	KUNIT_EXPECT_EQ(test, st->allocated, 0);

	st->fail_at = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			kho_block_set_grow(&st->bs, KHO_BLOCK_SET_MAX_BLOCKS *
						    PER_PAGE));
}

static void shrinking_keeps_what_is_needed(struct kunit *test)
{
	struct set_test *st = test->priv;
	u64 nr_pages;

	fill(test, 3 * PER_PAGE);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 9 * PER_PAGE));
	kho_block_set_shrink(&st->bs, 10 * PER_PAGE);
	KUNIT_EXPECT_EQ(test, st->allocated, 9);
	kho_block_set_shrink(&st->bs, 3 * PER_PAGE);
	KUNIT_EXPECT_EQ(test, st->allocated, 3);
	expect_entries(test, &st->bs, 3 * PER_PAGE);

	/* The last page left must not lead to one that is gone. */
	kho_block_set_shrink(&st->bs, PER_PAGE + 1);
	KUNIT_EXPECT_EQ(test, st->allocated, 2);
	KUNIT_EXPECT_EQ(test, entries_on_wire(&st->bs, &nr_pages),
			2 * PER_PAGE);

	kho_block_set_shrink(&st->bs, 0);
	KUNIT_EXPECT_EQ(test, st->allocated, 0);
	expect_entries(test, &st->bs, 0);
}

static void room_is_for_so_many_entries(struct kunit *test)
{
	struct set_test *st = test->priv;
	struct kho_block_set_it it;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 2 * PER_PAGE));
	kho_block_set_it_init(&it, &st->bs);
	write_entries(test, &it, 0, 2 * PER_PAGE);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_reserve_entry(&it));

	/* The iterator goes on after growing. */
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 2 * PER_PAGE + 1));
	write_entries(test, &it, 2 * PER_PAGE, 1);
	expect_entries(test, &st->bs, 2 * PER_PAGE + 1);
}

static void iterator_of_an_empty_set_goes_on(struct kunit *test)
{
	struct set_test *st = test->priv;
	struct kho_block_set_it writer, reader;

	kho_block_set_it_init(&writer, &st->bs);
	kho_block_set_it_init(&reader, &st->bs);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 1));
	write_entries(test, &writer, 0, 1);
	KUNIT_EXPECT_NOT_NULL(test, kho_block_set_it_read_entry(&reader));
	KUNIT_EXPECT_NULL(test, kho_block_set_it_read_entry(&reader));
}

/* With room to spare: pages without entries are not handed over. */
static void wire_has_entries_and_no_empty_page(struct kunit *test)
{
	struct set_test *st = test->priv;
	struct kho_block_set_it it;
	u64 nr, nr_pages;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&st->bs, 6 * PER_PAGE));
	kho_block_set_it_init(&it, &st->bs);
	for (nr = 1; nr <= 4 * PER_PAGE; nr++) {
		write_entries(test, &it, nr - 1, 1);
		KUNIT_EXPECT_EQ(test, entries_on_wire(&st->bs, &nr_pages), nr);
		KUNIT_EXPECT_EQ(test, nr_pages, DIV_ROUND_UP(nr, PER_PAGE));
	}
}

static void clearing_keeps_the_room(struct kunit *test)
{
	struct set_test *st = test->priv;
	struct kho_block_set_it it;
	u64 nr_pages;

	fill(test, 3 * PER_PAGE);
	kho_block_set_clear(&st->bs);
	KUNIT_EXPECT_EQ(test, st->allocated, 3);
	expect_entries(test, &st->bs, 0);

	/* Written again, shorter: nothing of the first time shows. */
	kho_block_set_it_init(&it, &st->bs);
	write_entries(test, &it, 0, PER_PAGE);
	expect_entries(test, &st->bs, PER_PAGE);
	KUNIT_EXPECT_EQ(test, entries_on_wire(&st->bs, &nr_pages), PER_PAGE);
}

static void prev_goes_back_over_each_entry(struct kunit *test)
{
	struct set_test *st = test->priv;
	const u64 nr = 2 * PER_PAGE + 1;
	struct kho_block_set_it it;
	struct entry *entry;
	u64 i;

	fill(test, nr);
	kho_block_set_it_init(&it, &st->bs);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_prev(&it));
	while (kho_block_set_it_read_entry(&it))
		;
	for (i = nr; i; i--) {
		entry = kho_block_set_it_prev(&it);
		KUNIT_ASSERT_NOT_NULL(test, entry);
		KUNIT_EXPECT_EQ(test, entry->nr, i - 1);
		/* Forth and back again is the same place. */
		KUNIT_EXPECT_PTR_EQ(test, entry, kho_block_set_it_read_entry(&it));
		KUNIT_EXPECT_PTR_EQ(test, entry, kho_block_set_it_prev(&it));
	}
	KUNIT_EXPECT_NULL(test, kho_block_set_it_prev(&it));
	expect_entries(test, &st->bs, nr);
}

static struct kunit_case kho_block_test_cases[] = {
	KUNIT_CASE(new_set_is_empty),
	KUNIT_CASE(growing_makes_room_but_no_entries),
	KUNIT_CASE(set_without_entries_has_a_head),
	KUNIT_CASE(growing_that_fails_changes_nothing),
	KUNIT_CASE(growing_has_a_limit),
	KUNIT_CASE(shrinking_keeps_what_is_needed),
	KUNIT_CASE(room_is_for_so_many_entries),
	KUNIT_CASE(iterator_of_an_empty_set_goes_on),
	KUNIT_CASE(wire_has_entries_and_no_empty_page),
	KUNIT_CASE(clearing_keeps_the_room),
	KUNIT_CASE(prev_goes_back_over_each_entry),
	{}
};

static struct kunit_suite kho_block_test_suite = {
	.name = "kho_block",
	.init = kho_block_kunit_init,
	.exit = kho_block_kunit_exit,
	.test_cases = kho_block_test_cases,
};

kunit_test_suite(kho_block_test_suite);
