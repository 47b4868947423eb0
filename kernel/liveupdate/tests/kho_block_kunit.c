// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of block sets.
 *
 * The pages are the test's own: nothing is preserved, and a chain that is taken
 * over was made here, so that it can be damaged.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../kho_internal.h"
#include "kho_radix_kunit.h"

/* An entry that does not divide the payload, so that a rest remains. */
struct entry {
	u64 nr;
	u8 rest[992];
} __packed;

#define PER_BLOCK	(KHO_BLOCK_PAYLOAD / sizeof(struct entry))

/**
 * struct block_test - state of one test
 * @bs:        the set under test
 * @allocated: preserved pages there are
 * @fail_at:   how many may be there before allocation fails
 * @handed:    radix tree of pages that can be taken over, by frame number
 * @taken:     pages taken over and freed
 */
struct block_test {
	struct kho_block_set bs;
	long allocated;
	long fail_at;
	struct kho_radix_tree handed;
	long taken;
};

static struct block_test *current_block_test(void)
{
	return kunit_get_current_test()->priv;
}

static struct kho_block_header_ser *fake_alloc_page(void)
{
	struct block_test *bt = current_block_test();
	void *page;

	if (bt->allocated == bt->fail_at)
		return ERR_PTR(-ENOMEM);
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return ERR_PTR(-ENOMEM);
	bt->allocated++;
	return page;
}

static struct kho_block_header_ser *fake_find_page(u64 pa)
{
	struct block_test *bt = current_block_test();

	if (!PAGE_ALIGNED(pa) || !has_key(&bt->handed, PHYS_PFN(pa)))
		return NULL;
	return phys_to_virt(pa);
}

static void fake_free_page(struct kho_block_header_ser *ser, bool incoming)
{
	struct block_test *bt = current_block_test();

	if (incoming) {
		kho_radix_del_key(&bt->handed, PHYS_PFN(virt_to_phys(ser)));
		bt->taken++;
	} else {
		bt->allocated--;
	}
	free_page((unsigned long)ser);
}

static int kho_block_test_init(struct kunit *test)
{
	struct block_test *bt;

	bt = kunit_kzalloc(test, sizeof(*bt), GFP_KERNEL);
	if (!bt)
		return -ENOMEM;

	kho_block_set_init(&bt->bs, sizeof(struct entry));
	bt->fail_at = LONG_MAX;
	test->priv = bt;
	kunit_activate_static_stub(test, kho_block_alloc_page, fake_alloc_page);
	kunit_activate_static_stub(test, kho_block_find_page, fake_find_page);
	kunit_activate_static_stub(test, kho_block_free_page, fake_free_page);
	return kho_radix_init_tree(&bt->handed, NULL);
}

static int free_handed(unsigned long pfn, void *data)
{
	free_page((unsigned long)phys_to_virt(PFN_PHYS(pfn)));
	return 0;
}

/* Whatever a test did, in the end each page is accounted for. */
static void kho_block_test_exit(struct kunit *test)
{
	const struct kho_radix_walk_cb cb = { .leaf = free_handed };
	struct block_test *bt = test->priv;

	if (!bt || !bt->handed.root)
		return;
	kho_block_set_destroy(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->allocated, 0);
	kho_radix_walk_tree(&bt->handed, &cb, NULL);
	kho_radix_destroy_tree(&bt->handed);
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
			list_empty(&bs->blocks));
}

static void fill(struct kunit *test, u64 nr)
{
	struct block_test *bt = test->priv;
	struct kho_block_set_it it;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, nr));
	kho_block_set_it_init(&it, &bt->bs);
	write_entries(test, &it, 0, nr);
}

/* Read what is handed over by the wire format alone. */
static u64 entries_on_wire(struct kho_block_set *bs, u64 *nr_blocks)
{
	u64 pa, nr = 0;

	*nr_blocks = 0;
	for (pa = kho_block_set_head_pa(bs); pa; ) {
		const struct kho_block_header_ser *ser = phys_to_virt(pa);
		const struct entry *entries = (const void *)(ser + 1);
		u64 i;

		if (!ser->count || ser->count > PER_BLOCK)
			return U64_MAX;
		for (i = 0; i < ser->count; i++) {
			if (entries[i].nr != nr++)
				return U64_MAX;
		}
		(*nr_blocks)++;
		pa = ser->next;
	}

	return nr;
}

static void new_set_is_empty(struct kunit *test)
{
	struct block_test *bt = test->priv;
	struct kho_block_set bs = KHO_BLOCK_SET_INIT(bs, sizeof(struct entry));
	struct kho_block_set_it it;

	KUNIT_EXPECT_EQ(test, bs.entry_size, bt->bs.entry_size);
	KUNIT_EXPECT_TRUE(test, list_empty(&bs.blocks));

	expect_entries(test, &bt->bs, 0);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&bt->bs), 0);
	kho_block_set_it_init(&it, &bt->bs);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_reserve_entry(&it));
	KUNIT_EXPECT_NULL(test, kho_block_set_it_prev(&it));
}

static void growing_makes_room_but_no_entries(struct kunit *test)
{
	struct block_test *bt = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, 0));
	KUNIT_EXPECT_EQ(test, bt->allocated, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, 1));
	KUNIT_EXPECT_EQ(test, bt->allocated, 1);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, PER_BLOCK));
	KUNIT_EXPECT_EQ(test, bt->allocated, 1);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, 3 * PER_BLOCK + 1));
	KUNIT_EXPECT_EQ(test, bt->allocated, 4);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, 1));
	KUNIT_EXPECT_EQ(test, bt->allocated, 4);

	expect_entries(test, &bt->bs, 0);
}

/* Blocks count, not entries: other kernels' drivers rely on that. */
static void set_without_entries_has_a_head(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa;

	KUNIT_EXPECT_TRUE(test, kho_block_set_is_empty(&bt->bs));
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&bt->bs), 0);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 1));
	KUNIT_EXPECT_FALSE(test, kho_block_set_is_empty(&bt->bs));
	head_pa = kho_block_set_head_pa(&bt->bs);
	KUNIT_EXPECT_NE(test, head_pa, 0);
	fill(test, PER_BLOCK + 1);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&bt->bs), head_pa);
	kho_block_set_shrink(&bt->bs, 0);
	KUNIT_EXPECT_TRUE(test, kho_block_set_is_empty(&bt->bs));
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&bt->bs), 0);
}

static void growing_that_fails_changes_nothing(struct kunit *test)
{
	struct block_test *bt = test->priv;

	fill(test, 2 * PER_BLOCK);
	bt->fail_at = 5;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			kho_block_set_grow(&bt->bs, 7 * PER_BLOCK));
	KUNIT_EXPECT_EQ(test, bt->allocated, 2);
	expect_entries(test, &bt->bs, 2 * PER_BLOCK);
}

static void growing_has_a_limit(struct kunit *test)
{
	struct block_test *bt = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOSPC,
			kho_block_set_grow(&bt->bs, KHO_BLOCK_SET_MAX_BLOCKS *
						    PER_BLOCK + 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, kho_block_set_grow(&bt->bs, U64_MAX));
	KUNIT_EXPECT_EQ(test, bt->allocated, 0);

	bt->fail_at = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			kho_block_set_grow(&bt->bs, KHO_BLOCK_SET_MAX_BLOCKS *
						    PER_BLOCK));
}

static void shrinking_keeps_what_is_needed(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 nr_blocks;

	fill(test, 3 * PER_BLOCK);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 9 * PER_BLOCK));
	kho_block_set_shrink(&bt->bs, 10 * PER_BLOCK);
	KUNIT_EXPECT_EQ(test, bt->allocated, 9);
	kho_block_set_shrink(&bt->bs, 3 * PER_BLOCK);
	KUNIT_EXPECT_EQ(test, bt->allocated, 3);
	expect_entries(test, &bt->bs, 3 * PER_BLOCK);

	/* The last block left must not lead to one that is gone. */
	kho_block_set_shrink(&bt->bs, PER_BLOCK + 1);
	KUNIT_EXPECT_EQ(test, bt->allocated, 2);
	KUNIT_EXPECT_EQ(test, entries_on_wire(&bt->bs, &nr_blocks),
			2 * PER_BLOCK);

	kho_block_set_shrink(&bt->bs, 0);
	KUNIT_EXPECT_EQ(test, bt->allocated, 0);
	expect_entries(test, &bt->bs, 0);
}

static void room_is_for_so_many_entries(struct kunit *test)
{
	struct block_test *bt = test->priv;
	struct kho_block_set_it it;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 2 * PER_BLOCK));
	kho_block_set_it_init(&it, &bt->bs);
	write_entries(test, &it, 0, 2 * PER_BLOCK);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_reserve_entry(&it));

	/* The iterator goes on after growing. */
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 2 * PER_BLOCK + 1));
	write_entries(test, &it, 2 * PER_BLOCK, 1);
	expect_entries(test, &bt->bs, 2 * PER_BLOCK + 1);
}

static void iterator_of_an_empty_set_goes_on(struct kunit *test)
{
	struct block_test *bt = test->priv;
	struct kho_block_set_it writer, reader;

	kho_block_set_it_init(&writer, &bt->bs);
	kho_block_set_it_init(&reader, &bt->bs);
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 1));
	write_entries(test, &writer, 0, 1);
	KUNIT_EXPECT_NOT_NULL(test, kho_block_set_it_read_entry(&reader));
	KUNIT_EXPECT_NULL(test, kho_block_set_it_read_entry(&reader));
}

/* With room to spare: blocks without entries are not handed over. */
static void wire_has_entries_and_no_empty_block(struct kunit *test)
{
	struct block_test *bt = test->priv;
	struct kho_block_set_it it;
	u64 nr, nr_blocks;

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_grow(&bt->bs, 6 * PER_BLOCK));
	kho_block_set_it_init(&it, &bt->bs);
	for (nr = 1; nr <= 4 * PER_BLOCK; nr++) {
		write_entries(test, &it, nr - 1, 1);
		KUNIT_EXPECT_EQ(test, entries_on_wire(&bt->bs, &nr_blocks), nr);
		KUNIT_EXPECT_EQ(test, nr_blocks, DIV_ROUND_UP(nr, PER_BLOCK));
	}
}

static void clearing_keeps_the_room(struct kunit *test)
{
	struct block_test *bt = test->priv;
	struct kho_block_set_it it;
	u64 nr_blocks;

	fill(test, 3 * PER_BLOCK);
	kho_block_set_clear(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->allocated, 3);
	expect_entries(test, &bt->bs, 0);

	/* Written again, shorter: nothing of the first time shows. */
	kho_block_set_it_init(&it, &bt->bs);
	write_entries(test, &it, 0, PER_BLOCK);
	expect_entries(test, &bt->bs, PER_BLOCK);
	KUNIT_EXPECT_EQ(test, entries_on_wire(&bt->bs, &nr_blocks), PER_BLOCK);
}

static void prev_goes_back_over_each_entry(struct kunit *test)
{
	struct block_test *bt = test->priv;
	const u64 nr = 2 * PER_BLOCK + 1;
	struct kho_block_set_it it;
	struct entry *entry;
	u64 i;

	fill(test, nr);
	kho_block_set_it_init(&it, &bt->bs);
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
	expect_entries(test, &bt->bs, nr);
}

/* A chain of full blocks, as the previous kernel would hand it over. */
static u64 hand_over(struct kunit *test, int nr_blocks)
{
	struct block_test *bt = test->priv;
	u64 next = 0;
	int i;

	for (i = nr_blocks - 1; i >= 0; i--) {
		struct kho_block_header_ser *ser =
			(void *)get_zeroed_page(GFP_KERNEL);
		struct entry *entries = (void *)(ser + 1);
		int j;

		KUNIT_ASSERT_NOT_NULL(test, ser);
		ser->next = next;
		ser->count = PER_BLOCK;
		for (j = 0; j < PER_BLOCK; j++)
			entries[j].nr = i * PER_BLOCK + j;
		next = virt_to_phys(ser);
		KUNIT_ASSERT_EQ(test, 0,
				kho_radix_add_key(&bt->handed, PHYS_PFN(next)));
	}

	return next;
}

static struct kho_block_header_ser *block_at(u64 head_pa, int nr)
{
	struct kho_block_header_ser *ser = phys_to_virt(head_pa);

	return nr ? block_at(ser->next, nr - 1) : ser;
}

static void chain_is_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 5);

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	KUNIT_EXPECT_EQ(test, bt->taken, 0);
	KUNIT_EXPECT_EQ(test, kho_block_set_head_pa(&bt->bs), head_pa);
	expect_entries(test, &bt->bs, 5 * PER_BLOCK);

	/* The set can be used for another purpose afterwards. */
	kho_block_set_destroy(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->taken, 5);
	fill(test, PER_BLOCK);
}

static void forgotten_chain_stays(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 3);

	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	kho_block_set_forget(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->taken, 0);
	expect_entries(test, &bt->bs, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	expect_entries(test, &bt->bs, 3 * PER_BLOCK);
}

/* Full blocks are not required of other kernels. */
static void partly_filled_blocks_are_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);
	struct kho_block_set_it it;

	block_at(head_pa, 0)->count = 1;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	kho_block_set_it_init(&it, &bt->bs);
	KUNIT_EXPECT_NOT_NULL(test, kho_block_set_it_read_entry(&it));
	KUNIT_EXPECT_PTR_EQ(test, kho_block_set_it_read_entry(&it),
			    (void *)(block_at(head_pa, 1) + 1));
}

static void no_chain_is_an_empty_set(struct kunit *test)
{
	struct block_test *bt = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&bt->bs, 0));
	expect_entries(test, &bt->bs, 0);
}

/* Nothing of it is taken. */
static void expect_refused(struct kunit *test, u64 head_pa)
{
	struct block_test *bt = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, kho_block_set_restore(&bt->bs, head_pa));
	KUNIT_EXPECT_EQ(test, bt->taken, 0);
	expect_entries(test, &bt->bs, 0);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_grow(&bt->bs, 1));
}

/* Linux 7.3 can leave one. */
static void empty_last_block_is_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 3);

	block_at(head_pa, 2)->count = 0;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	expect_entries(test, &bt->bs, 2 * PER_BLOCK);
	kho_block_set_destroy(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->taken, 3);
}

static void empty_block_alone_is_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 1);
	struct kho_block_set_it it;

	block_at(head_pa, 0)->count = 0;
	KUNIT_ASSERT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	kho_block_set_it_init(&it, &bt->bs);
	KUNIT_EXPECT_NULL(test, kho_block_set_it_read_entry(&it));
	kho_block_set_destroy(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->taken, 1);
}

static void empty_block_before_another_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 3);

	block_at(head_pa, 1)->count = 0;
	expect_refused(test, head_pa);
}

static void block_of_too_many_entries_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 3);

	block_at(head_pa, 2)->count = PER_BLOCK + 1;
	expect_refused(test, head_pa);
}

static void block_with_absurd_count_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 1);

	block_at(head_pa, 0)->count = U64_MAX;
	expect_refused(test, head_pa);
}

static void cycle_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 4);

	block_at(head_pa, 3)->next = block_at(head_pa, 0)->next;
	expect_refused(test, head_pa);
}

static void block_that_follows_itself_is_refused(struct kunit *test)
{
	u64 head_pa = hand_over(test, 1);

	block_at(head_pa, 0)->next = head_pa;
	expect_refused(test, head_pa);
}

static void unaligned_block_is_refused(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);

	block_at(head_pa, 0)->next += 16;
	expect_refused(test, head_pa);
	kho_block_set_destroy(&bt->bs);
	expect_refused(test, 8);
}

static void block_not_preserved_is_refused(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);

	block_at(head_pa, 1)->next = SZ_1T;
	expect_refused(test, head_pa);
	kho_block_set_destroy(&bt->bs);
	expect_refused(test, SZ_1T);
}

static struct kho_block_owner_ser *owner_at(u64 head_pa, int nr)
{
	void *page = block_at(head_pa, nr);

	return (struct kho_block_owner_ser *)(page + PAGE_SIZE) - 1;
}

static void set_owner_at(u64 head_pa, int nr, u64 owner)
{
	*owner_at(head_pa, nr) = (struct kho_block_owner_ser) {
		.magic = KHO_BLOCK_OWNER_MAGIC,
		.owner = owner,
	};
}

static void block_of_another_owner_is_refused(struct kunit *test)
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
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);
	int i, nr;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		bt->bs.owner = refused[i].set;
		for (nr = 0; nr < 2; nr++) {
			memset(owner_at(head_pa, nr), 0,
			       sizeof(struct kho_block_owner_ser));
			if (refused[i].blocks[nr])
				set_owner_at(head_pa, nr, refused[i].blocks[nr]);
		}
		expect_refused(test, head_pa);
		kho_block_set_destroy(&bt->bs);
	}
}

static void owner_of_blocks_is_found(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);

	bt->bs.owner = 7;
	set_owner_at(head_pa, 0, 7);
	set_owner_at(head_pa, 1, 7);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	KUNIT_EXPECT_EQ(test, 7, bt->bs.owner);
	expect_entries(test, &bt->bs, 2 * PER_BLOCK);
}

/* Those of other kernels say nothing of it, and are taken for ours. */
static void blocks_without_owner_are_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa = hand_over(test, 2);

	bt->bs.owner = 7;
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	KUNIT_EXPECT_EQ(test, 0, bt->bs.owner);
	expect_entries(test, &bt->bs, 2 * PER_BLOCK);
}

static void block_says_whose_it_is(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa;

	bt->bs.owner = 7;
	fill(test, PER_BLOCK + 1);
	head_pa = kho_block_set_head_pa(&bt->bs);
	KUNIT_EXPECT_EQ(test, owner_at(head_pa, 0)->magic, KHO_BLOCK_OWNER_MAGIC);
	KUNIT_EXPECT_EQ(test, owner_at(head_pa, 1)->owner, 7);
}

static void longest_chain_is_taken_over(struct kunit *test)
{
	struct block_test *bt = test->priv;
	u64 head_pa;

	if (PAGE_SIZE > SZ_4K)
		kunit_skip(test, "takes too much memory");

	head_pa = hand_over(test, KHO_BLOCK_SET_MAX_BLOCKS);
	KUNIT_EXPECT_EQ(test, 0, kho_block_set_restore(&bt->bs, head_pa));
	kho_block_set_destroy(&bt->bs);
	KUNIT_EXPECT_EQ(test, bt->taken, KHO_BLOCK_SET_MAX_BLOCKS);
}

static void longer_chain_is_refused(struct kunit *test)
{
	if (PAGE_SIZE > SZ_4K)
		kunit_skip(test, "takes too much memory");

	expect_refused(test, hand_over(test, KHO_BLOCK_SET_MAX_BLOCKS + 1));
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
	KUNIT_CASE(wire_has_entries_and_no_empty_block),
	KUNIT_CASE(clearing_keeps_the_room),
	KUNIT_CASE(prev_goes_back_over_each_entry),
	KUNIT_CASE(chain_is_taken_over),
	KUNIT_CASE(forgotten_chain_stays),
	KUNIT_CASE(partly_filled_blocks_are_taken_over),
	KUNIT_CASE(no_chain_is_an_empty_set),
	KUNIT_CASE(empty_last_block_is_taken_over),
	KUNIT_CASE(empty_block_alone_is_taken_over),
	KUNIT_CASE(empty_block_before_another_is_refused),
	KUNIT_CASE(block_of_too_many_entries_is_refused),
	KUNIT_CASE(block_with_absurd_count_is_refused),
	KUNIT_CASE(cycle_is_refused),
	KUNIT_CASE(block_that_follows_itself_is_refused),
	KUNIT_CASE(unaligned_block_is_refused),
	KUNIT_CASE(block_not_preserved_is_refused),
	KUNIT_CASE(block_of_another_owner_is_refused),
	KUNIT_CASE(owner_of_blocks_is_found),
	KUNIT_CASE(blocks_without_owner_are_taken_over),
	KUNIT_CASE(block_says_whose_it_is),
	KUNIT_CASE(longest_chain_is_taken_over),
	KUNIT_CASE(longer_chain_is_refused),
	{}
};

static struct kunit_suite kho_block_test_suite = {
	.name = "kho_block",
	.init = kho_block_test_init,
	.exit = kho_block_test_exit,
	.test_cases = kho_block_test_cases,
};

kunit_test_suite(kho_block_test_suite);
