// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how kexec handover describes areas of reserve_mem=.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <kunit/test.h>
#include <linux/kho/abi/memblock.h>
#include <linux/libfdt.h>
#include <linux/string.h>

#include "../kho_internal.h"

static const struct kho_reserve_area areas[] = {
	{ .name = "a@b", .start = 0x123456789000, .size = 12345 },
	{ .name = "a", .start = 0x1000, .size = 1 },
	{ .name = "/,;\xff", .start = 0xfffffffffffff000, .size = U64_MAX },
};

static void *write_areas(struct kunit *test)
{
	void *fdt = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fdt);
	KUNIT_ASSERT_EQ(test, 0,
			kho_reserve_mem_write(fdt, PAGE_SIZE, areas,
					      ARRAY_SIZE(areas)));

	return fdt;
}

/* The FDT with a property's name changed by a byte. */
static void *rename_prop(struct kunit *test, const char *name)
{
	void *fdt = write_areas(test);
	char *strings = fdt + fdt_off_dt_strings(fdt);
	size_t size = fdt_size_dt_strings(fdt), i;

	for (i = 0; i < size; i += strlen(strings + i) + 1) {
		if (!strcmp(strings + i, name)) {
			strings[i]++;
			return fdt;
		}
	}

	KUNIT_FAIL(test, "no property %s", name);

	return fdt;
}

static void read_back(struct kunit *test)
{
	void *fdt = write_areas(test);
	struct kho_reserve_area area;
	unsigned int i = 0;
	int node;

	KUNIT_EXPECT_NULL(test,
			  kho_reserve_mem_check(fdt, fdt_totalsize(fdt)));
	fdt_for_each_subnode(node, fdt, 0) {
		KUNIT_ASSERT_LT(test, i, ARRAY_SIZE(areas));
		KUNIT_EXPECT_NULL(test, kho_reserve_mem_read(fdt, node, &area));
		KUNIT_EXPECT_STREQ(test, area.name, areas[i].name);
		KUNIT_EXPECT_EQ(test, area.start, areas[i].start);
		KUNIT_EXPECT_EQ(test, area.size, areas[i].size);
		i++;
	}
	KUNIT_EXPECT_EQ(test, i, ARRAY_SIZE(areas));
}

static void numbers_are_raw(struct kunit *test)
{
	void *fdt = write_areas(test);
	int node = fdt_first_subnode(fdt, 0);
	const void *prop;
	int len;

	prop = fdt_getprop(fdt, node, "start", &len);
	KUNIT_ASSERT_EQ(test, len, 8);
	KUNIT_EXPECT_MEMEQ(test, prop, &areas[0].start, 8);
	prop = fdt_getprop(fdt, node, "size", &len);
	KUNIT_ASSERT_EQ(test, len, 8);
	KUNIT_EXPECT_MEMEQ(test, prop, &areas[0].size, 8);
	KUNIT_EXPECT_EQ(test, 0,
			fdt_node_check_compatible(fdt, 0, "memblock-v1"));
	KUNIT_EXPECT_EQ(test, 0,
			fdt_node_check_compatible(fdt, node, "reserve-mem-v1"));
}

static void no_room(struct kunit *test)
{
	void *fdt = write_areas(test);
	size_t used = fdt_totalsize(fdt), len;

	for (len = 0; len < used; len++)
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				kho_reserve_mem_write(fdt, len, areas,
						      ARRAY_SIZE(areas)));
	KUNIT_EXPECT_EQ(test, 0, kho_reserve_mem_write(fdt, used, areas,
						       ARRAY_SIZE(areas)));
}

static void too_long(struct kunit *test)
{
	void *fdt = write_areas(test);

	KUNIT_EXPECT_NOT_NULL(test, kho_reserve_mem_check(fdt, fdt_totalsize(fdt) - 1));
	fdt_set_totalsize(fdt, PAGE_SIZE + 1);
	KUNIT_EXPECT_NOT_NULL(test, kho_reserve_mem_check(fdt, PAGE_SIZE));
}

static void property_missing(struct kunit *test)
{
	struct kho_reserve_area area;
	void *fdt;

	fdt = rename_prop(test, "compatible");
	KUNIT_EXPECT_NOT_NULL(test, kho_reserve_mem_check(fdt, PAGE_SIZE));

	fdt = rename_prop(test, KHO_RESERVE_MEM_START_PROP_NAME);
	KUNIT_EXPECT_NULL(test, kho_reserve_mem_check(fdt, PAGE_SIZE));
	KUNIT_EXPECT_NOT_NULL(test, kho_reserve_mem_read(fdt, fdt_first_subnode(fdt, 0), &area));

	fdt = rename_prop(test, KHO_RESERVE_MEM_SIZE_PROP_NAME);
	KUNIT_EXPECT_NULL(test, kho_reserve_mem_check(fdt, PAGE_SIZE));
	KUNIT_EXPECT_NOT_NULL(test, kho_reserve_mem_read(fdt, fdt_first_subnode(fdt, 0), &area));
}

/* Whatever byte of it is damaged, reading it is safe and it ends. */
static void each_byte_damaged(struct kunit *test)
{
	void *fdt = write_areas(test);
	size_t used = fdt_totalsize(fdt), i;
	void *copy = kunit_kmalloc(test, used, GFP_KERNEL);
	unsigned int refused = 0, reads = 0;
	struct kho_reserve_area area;
	int node;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (i = 0; i < used; i++) {
		memcpy(copy, fdt, used);
		((u8 *)copy)[i] ^= 0xff;
		if (kho_reserve_mem_check(copy, used)) {
			refused++;
			continue;
		}
		fdt_for_each_subnode(node, copy, 0) {
			kho_reserve_mem_read(copy, node, &area);
			reads += strlen(area.name) < used;
		}
	}
	/* The magic number at least, and the compatible string. */
	KUNIT_EXPECT_GE(test, refused, 4 + sizeof(KHO_MEMBLOCK_COMPATIBLE));
	KUNIT_EXPECT_GT(test, reads, 0);
}

static struct kunit_case kho_reserve_mem_cases[] = {
	KUNIT_CASE(read_back),
	KUNIT_CASE(numbers_are_raw),
	KUNIT_CASE(no_room),
	KUNIT_CASE(too_long),
	KUNIT_CASE(property_missing),
	KUNIT_CASE(each_byte_damaged),
	{}
};

static struct kunit_suite kho_reserve_mem_suite = {
	.name = "kho_reserve_mem",
	.test_cases = kho_reserve_mem_cases,
};

kunit_test_suite(kho_reserve_mem_suite);

MODULE_DESCRIPTION("KUnit tests of areas of reserve_mem= in kexec handover");
MODULE_LICENSE("GPL");
