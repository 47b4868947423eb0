// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what kexec handover parses: kho_scratch=, the array of scratch
 * areas and the root FDT.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/libfdt.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../kho_internal.h"

#define TREE	0x123456789000UL

static void scratch_percent(struct kunit *test)
{
	struct kho_scratch_param param = { .low = 1 };

	KUNIT_ASSERT_EQ(test, kho_parse_scratch("150%", &param), 0);
	KUNIT_EXPECT_EQ(test, param.percent, 150);
	KUNIT_EXPECT_EQ(test, param.low, 0);
}

static void scratch_sizes(struct kunit *test)
{
	struct kho_scratch_param param = { .percent = 200 };

	KUNIT_ASSERT_EQ(test, kho_parse_scratch("512K,64M,1G", &param), 0);
	KUNIT_EXPECT_EQ(test, param.percent, 0);
	KUNIT_EXPECT_EQ(test, param.low, SZ_512K);
	KUNIT_EXPECT_EQ(test, param.global, SZ_64M);
	KUNIT_EXPECT_EQ(test, param.node, SZ_1G);
}

/* What is not asked for is not made. */
static void scratch_sizes_of_zero(struct kunit *test)
{
	struct kho_scratch_param param = { .percent = 200 };

	KUNIT_ASSERT_EQ(test, kho_parse_scratch("0,64M,0", &param), 0);
	KUNIT_EXPECT_EQ(test, param.percent, 0);
	KUNIT_EXPECT_EQ(test, param.low, 0);
	KUNIT_EXPECT_EQ(test, param.global, SZ_64M);
	KUNIT_EXPECT_EQ(test, param.node, 0);
	KUNIT_EXPECT_EQ(test, kho_parse_scratch("1M,0M,1M", &param), 0);
	KUNIT_EXPECT_EQ(test, kho_parse_scratch("0,0,1M", &param), 0);
}

/* Linux 7.3 hands on such ones. */
static void areas_of_zero_are_left_out(struct kunit *test)
{
	struct kho_scratch areas[] = {
		{ SZ_1G, 0 }, { SZ_16M, SZ_4M }, { 0, 0 }, { 1, 0 },
		{ SZ_64M, SZ_8M }, { SZ_16M, 0 },
	};

	KUNIT_ASSERT_EQ(test, kho_scratch_compact(areas, ARRAY_SIZE(areas)), 2);
	KUNIT_EXPECT_EQ(test, areas[0].addr, SZ_16M);
	KUNIT_EXPECT_EQ(test, areas[0].size, SZ_4M);
	KUNIT_EXPECT_EQ(test, areas[1].addr, SZ_64M);
	KUNIT_EXPECT_EQ(test, areas[1].size, SZ_8M);
	KUNIT_EXPECT_EQ(test, kho_scratch_compact(areas, 2), 2);

	areas[0].size = 0;
	KUNIT_EXPECT_EQ(test, kho_scratch_compact(areas, 1), 0);
	KUNIT_EXPECT_EQ(test, kho_scratch_compact(areas, 0), 0);
}

static void scratch_malformed(struct kunit *test)
{
	static const char * const malformed[] = {
		"", "%", "0%", "-5%", "5%%", "5 %", "99999999999%", "50",
		"1M", "1M,2M", "1M,2M,", ",1M,2M", "1M,,2M", "1M,2M,3M,4M",
		"1M,2M,3Mx", "0,0,0", "0K,0M,0G", "1M;2M;3M", "-1M,2M,3M", "x",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct kho_scratch_param param = { .percent = 42 };

		KUNIT_EXPECT_EQ_MSG(test,
				    kho_parse_scratch(malformed[i], &param),
				    -EINVAL, "%s", malformed[i]);
		KUNIT_EXPECT_EQ(test, param.percent, 42);
		KUNIT_EXPECT_EQ(test, param.low, 0);
	}
}

/* A root FDT with a subtree; @compatible or the map property may be NULL. */
static void *make_fdt(struct kunit *test, const char *compatible,
		      const char *map_prop)
{
	void *fdt = kunit_kzalloc(test, KHO_FDT_SIZE, GFP_KERNEL);
	u64 tree = TREE;

	KUNIT_ASSERT_NOT_NULL(test, fdt);
	KUNIT_ASSERT_EQ(test, fdt_create_empty_tree(fdt, KHO_FDT_SIZE), 0);
	if (compatible)
		fdt_setprop_string(fdt, 0, "compatible", compatible);
	if (map_prop)
		fdt_setprop(fdt, 0, map_prop, &tree, sizeof(tree));
	KUNIT_ASSERT_GT(test, fdt_add_subnode(fdt, 0, "subtree"), 0);

	return fdt;
}

static void fdt_good(struct kunit *test)
{
	void *fdt = make_fdt(test, KHO_FDT_COMPATIBLE,
			     KHO_FDT_MEMORY_MAP_PROP_NAME);
	phys_addr_t tree;

	KUNIT_ASSERT_EQ(test, kho_check_fdt(fdt, KHO_FDT_SIZE, &tree), 0);
	KUNIT_EXPECT_EQ(test, tree, TREE);
}

/* A subtree that is missed may have lost its name. */
static void fdt_with_checksum(struct kunit *test)
{
	void *fdt = make_fdt(test, KHO_FDT_COMPATIBLE,
			     KHO_FDT_MEMORY_MAP_PROP_NAME);
	u64 phys, size, sum = 0;
	size_t i;

	KUNIT_ASSERT_EQ(test, 0, fdt_setprop(fdt, 0, KHO_FDT_SUM_PROP_NAME,
					     &sum, sizeof(sum)));
	KUNIT_EXPECT_TRUE(test, kho_fdt_is_damaged(fdt));
	kho_fdt_write_sum(fdt);
	KUNIT_EXPECT_FALSE(test, kho_fdt_is_damaged(fdt));
	KUNIT_EXPECT_EQ(test, kho_find_subtree_in(fdt, "none", &phys, &size),
			-ENOENT);

	/* The header is checked before. */
	for (i = fdt_off_dt_struct(fdt); i < KHO_FDT_SIZE; i++) {
		u8 *byte = fdt + i, old = *byte;

		*byte ^= 0x10;
		if (kho_fdt_is_sound(fdt, KHO_FDT_SIZE) &&
		    fdt_getprop(fdt, 0, KHO_FDT_SUM_PROP_NAME, NULL))
			KUNIT_EXPECT_EQ(test, -EIO,
					kho_find_subtree_in(fdt, "none", &phys,
							    &size));
		*byte = old;
	}
	KUNIT_EXPECT_FALSE(test, kho_fdt_is_damaged(fdt));
}

static void fdt_other_format(struct kunit *test)
{
	phys_addr_t tree;
	void *fdt;

	fdt = make_fdt(test, "kho-v3", KHO_FDT_MEMORY_MAP_PROP_NAME);
	KUNIT_EXPECT_EQ(test, kho_check_fdt(fdt, KHO_FDT_SIZE, &tree),
			-EPROTONOSUPPORT);

	fdt = make_fdt(test, NULL, KHO_FDT_MEMORY_MAP_PROP_NAME);
	KUNIT_EXPECT_EQ(test, kho_check_fdt(fdt, KHO_FDT_SIZE, &tree),
			-EPROTONOSUPPORT);
}

static void fdt_without_map(struct kunit *test)
{
	void *fdt = make_fdt(test, KHO_FDT_COMPATIBLE, NULL);
	phys_addr_t tree;

	KUNIT_EXPECT_EQ(test, kho_check_fdt(fdt, KHO_FDT_SIZE, &tree), -EINVAL);
}

static void fdt_too_long(struct kunit *test)
{
	void *fdt = make_fdt(test, KHO_FDT_COMPATIBLE,
			     KHO_FDT_MEMORY_MAP_PROP_NAME);
	phys_addr_t tree;

	fdt_set_totalsize(fdt, KHO_FDT_SIZE + 1);
	KUNIT_EXPECT_EQ(test, kho_check_fdt(fdt, KHO_FDT_SIZE, &tree), -EINVAL);
}

/* Whatever byte of it is damaged, reading it is safe and it ends. */
static void fdt_each_byte_damaged(struct kunit *test)
{
	void *fdt = make_fdt(test, KHO_FDT_COMPATIBLE,
			     KHO_FDT_MEMORY_MAP_PROP_NAME);
	size_t used = fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	void *copy = kunit_kmalloc(test, KHO_FDT_SIZE, GFP_KERNEL);
	unsigned int refused = 0;
	phys_addr_t tree;
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (i = 0; i < used; i++) {
		memcpy(copy, fdt, KHO_FDT_SIZE);
		((u8 *)copy)[i] ^= 0xff;
		if (kho_check_fdt(copy, KHO_FDT_SIZE, &tree))
			refused++;
	}
	/* The magic number at least, and the compatible string. */
	KUNIT_EXPECT_GE(test, refused, 4 + sizeof(KHO_FDT_COMPATIBLE));
}

static struct kunit_case kho_parse_cases[] = {
	KUNIT_CASE(scratch_percent),
	KUNIT_CASE(scratch_sizes),
	KUNIT_CASE(scratch_sizes_of_zero),
	KUNIT_CASE(areas_of_zero_are_left_out),
	KUNIT_CASE(scratch_malformed),
	KUNIT_CASE(fdt_good),
	KUNIT_CASE(fdt_with_checksum),
	KUNIT_CASE(fdt_other_format),
	KUNIT_CASE(fdt_without_map),
	KUNIT_CASE(fdt_too_long),
	KUNIT_CASE(fdt_each_byte_damaged),
	{}
};

static struct kunit_suite kho_parse_suite = {
	.name = "kho_parse",
	.test_cases = kho_parse_cases,
};

kunit_test_suite(kho_parse_suite);

MODULE_DESCRIPTION("KUnit tests of what kexec handover parses");
MODULE_LICENSE("GPL");
