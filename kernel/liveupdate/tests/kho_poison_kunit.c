// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the list of poisoned pages: what the previous kernel said may be
 * anything.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/kexec_handover.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include <linux/kho/abi/poison.h>

#include "../kho_internal.h"

#define NR_MAX	((PAGE_SIZE - sizeof(struct kho_poison_ser)) / sizeof(u64))

static long entries(const char *compatible, u64 nr, u64 size)
{
	struct kho_poison_ser ser = { .nr = nr };

	strscpy_pad(ser.compatible, compatible);
	return kho_poison_entries(&ser, size);
}

static void list_has_entries(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 0, 40), 0);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 1, 48), 1);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, NR_MAX, PAGE_SIZE),
			NR_MAX);
}

static void other_format_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, entries("poisoned-pages-v2", 0, PAGE_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, entries("poisoned-pages-v11", 0, PAGE_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, entries("", 0, PAGE_SIZE), -EINVAL);
}

static void entries_must_fit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 1, 47), -EINVAL);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, NR_MAX + 1, PAGE_SIZE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, U64_MAX, PAGE_SIZE),
			-EINVAL);
	/* What makes the size overflow. */
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 1ULL << 61, 40),
			-EINVAL);
}

static void size_must_be_that_of_a_list(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 0, 39), -EINVAL);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, entries(KHO_POISON_COMPATIBLE, 0, PAGE_SIZE + 1),
			-EINVAL);
}

/* A page frame that no machine has. */
#define NOWHERE		(1UL << (BITS_PER_LONG - PAGE_SHIFT - 1))

static void page_is_told_once(struct kunit *test)
{
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	KUNIT_ASSERT_EQ(test, kho_poison_add(NOWHERE), 0);
	KUNIT_EXPECT_EQ(test, kho_poison_add(NOWHERE), 0);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE - 1, NOWHERE + 2), NOWHERE);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE - 1, NOWHERE), NOWHERE);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE + 1, NOWHERE + 2),
			NOWHERE + 2);
	kho_poison_del(NOWHERE);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE - 1, NOWHERE + 2),
			NOWHERE + 2);
	kho_poison_del(NOWHERE);
}

static void first_of_several_is_found(struct kunit *test)
{
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	KUNIT_ASSERT_EQ(test, kho_poison_add(NOWHERE + 5), 0);
	KUNIT_ASSERT_EQ(test, kho_poison_add(NOWHERE + 3), 0);
	KUNIT_ASSERT_EQ(test, kho_poison_add(NOWHERE + 7), 0);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE, NOWHERE + 9), NOWHERE + 3);
	kho_poison_del(NOWHERE + 3);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE, NOWHERE + 9), NOWHERE + 5);
	KUNIT_EXPECT_EQ(test, kho_poison_next(NOWHERE + 6, NOWHERE + 9),
			NOWHERE + 7);
	kho_poison_del(NOWHERE + 5);
	kho_poison_del(NOWHERE + 7);
}

static struct kunit_case kho_poison_cases[] = {
	KUNIT_CASE(list_has_entries),
	KUNIT_CASE(other_format_is_refused),
	KUNIT_CASE(entries_must_fit),
	KUNIT_CASE(size_must_be_that_of_a_list),
	KUNIT_CASE(page_is_told_once),
	KUNIT_CASE(first_of_several_is_found),
	{}
};

static struct kunit_suite kho_poison_suite = {
	.name = "kho_poison",
	.test_cases = kho_poison_cases,
};

kunit_test_suite(kho_poison_suite);

MODULE_DESCRIPTION("KUnit tests of the list of poisoned pages");
MODULE_LICENSE("GPL");
