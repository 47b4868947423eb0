// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the setup_data of an image that hands over: what the next kernel
 * finds when it follows the list.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/sizes.h>

#include <linux/kho/abi/kexec_handover.h>

#include <asm/bootparam.h>
#include <asm/e820/types.h>
#include <asm/kho_setup.h>

#define LOAD_ADDR	0x123450000UL
#define FDT		0x87654000UL

static const struct kho_scratch areas[] = {
	{ SZ_16M, SZ_8M }, { SZ_1G, SZ_64M }, { SZ_2G, SZ_4M },
};

/* Entries with a gap behind each. */
static struct e820_table *make_table(struct kunit *test, unsigned int nr)
{
	struct e820_table *table = kunit_kzalloc(test, sizeof(*table),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	for (; table->nr_entries < nr; table->nr_entries++)
		table->entries[table->nr_entries] = (struct e820_entry) {
			.addr = (table->nr_entries + 1) * (u64)SZ_2M,
			.size = SZ_1M,
			.type = E820_TYPE_RAM,
		};

	return table;
}

/* What it wrote behind struct boot_params. */
static struct boot_params *write(struct kunit *test,
				 const struct e820_table *table)
{
	const unsigned int offset = ALIGN(sizeof(struct boot_params), 16);
	const unsigned int size = kho_setup_data_size(ARRAY_SIZE(areas), table);
	struct boot_params *params;

	params = kunit_kzalloc(test, offset + size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, params);
	params->hdr.setup_data = 42;
	KUNIT_EXPECT_EQ(test, size,
			kho_setup_data_write(params, LOAD_ADDR, offset, FDT,
					     areas, ARRAY_SIZE(areas), table));

	return params;
}

/* The node at an address, which is aligned. */
static struct setup_data *node_at(struct kunit *test, struct boot_params *params,
				  u64 addr)
{
	KUNIT_ASSERT_GE(test, addr, LOAD_ADDR + sizeof(*params));
	KUNIT_ASSERT_LT(test, addr, LOAD_ADDR + 2 * sizeof(*params));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(addr, 16));

	return (void *)params + (addr - LOAD_ADDR);
}

/* Other kernels keep off as much of the node as it says that it has. */
static void array_is_in_the_node(struct kunit *test)
{
	struct boot_params *params = write(test, make_table(test, 3));
	struct setup_data *sd = node_at(test, params, params->hdr.setup_data);
	const struct kho_data *kho = (void *)sd->data;

	KUNIT_EXPECT_EQ(test, sd->type, SETUP_KEXEC_KHO);
	KUNIT_EXPECT_EQ(test, sd->next, 42);
	KUNIT_EXPECT_EQ(test, sd->len, sizeof(*kho) + sizeof(areas));
	KUNIT_EXPECT_EQ(test, kho->fdt_addr, FDT);
	KUNIT_EXPECT_EQ(test, kho->fdt_size, KHO_FDT_SIZE);
	KUNIT_EXPECT_EQ(test, kho->scratch_size, sizeof(areas));
	KUNIT_EXPECT_EQ(test, kho->scratch_addr,
			params->hdr.setup_data + sizeof(*sd) + sizeof(*kho));
	KUNIT_EXPECT_MEMEQ(test, kho + 1, areas, sizeof(areas));
}

static void all_entries_fit(struct kunit *test)
{
	struct boot_params *params;

	params = write(test, make_table(test, E820_MAX_ENTRIES_ZEROPAGE));
	KUNIT_EXPECT_EQ(test, 42,
			node_at(test, params, params->hdr.setup_data)->next);
}

static void further_entries_are_told(struct kunit *test)
{
	struct e820_table *table = make_table(test,
					      E820_MAX_ENTRIES_ZEROPAGE + 3);
	struct boot_params *params;
	struct setup_data *sd;
	const u32 len = 3 * sizeof(struct boot_e820_entry);

	table->entries[E820_MAX_ENTRIES_ZEROPAGE + 1].type =
		E820_TYPE_RESERVED_KERN;
	params = write(test, table);
	sd = node_at(test, params, params->hdr.setup_data);
	/* It is RAM, by a type that all kernels know. */
	table->entries[E820_MAX_ENTRIES_ZEROPAGE + 1].type = E820_TYPE_RAM;

	KUNIT_EXPECT_EQ(test, sd->type, SETUP_E820_EXT);
	KUNIT_EXPECT_EQ(test, sd->len, len);
	KUNIT_EXPECT_MEMEQ(test, sd->data,
			   &table->entries[E820_MAX_ENTRIES_ZEROPAGE], len);
	sd = node_at(test, params, sd->next);
	KUNIT_EXPECT_EQ(test, sd->type, SETUP_KEXEC_KHO);
	KUNIT_EXPECT_EQ(test, sd->next, 42);
}

static void ram_of_the_firmware_is_known(struct kunit *test)
{
	struct e820_table *table = make_table(test, 4);
	struct e820_table *firmware = make_table(test, 4);

	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware), 0);
	/* The kernel uses less, or some of it for itself. */
	table->entries[1].size = SZ_512K;
	table->entries[2].type = E820_TYPE_RESERVED_KERN;
	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware), 0);
	/* An older kernel told of its own setup_data so. */
	firmware->entries[2].type = E820_TYPE_RESERVED_KERN;
	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware), 0);
	/* Two entries of the firmware are one of the kernel. */
	firmware->entries[0].size = SZ_2M;
	table->entries[0].size = SZ_2M + SZ_1M;
	table->entries[1].type = E820_TYPE_RESERVED;
	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware), 0);
}

static void other_ram_is_not(struct kunit *test)
{
	struct e820_table *table = make_table(test, 4);
	struct e820_table *firmware = make_table(test, 4);

	table->entries[3].size++;
	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware),
			table->entries[3].addr + SZ_1M);
	firmware->entries[2].type = E820_TYPE_RESERVED;
	KUNIT_EXPECT_EQ(test, kho_setup_unknown_ram(table, firmware),
			table->entries[2].addr);
}

static struct kunit_case kho_setup_test_cases[] = {
	KUNIT_CASE(array_is_in_the_node),
	KUNIT_CASE(all_entries_fit),
	KUNIT_CASE(further_entries_are_told),
	KUNIT_CASE(ram_of_the_firmware_is_known),
	KUNIT_CASE(other_ram_is_not),
	{}
};

static struct kunit_suite kho_setup_test_suite = {
	.name = "kho_setup",
	.test_cases = kho_setup_test_cases,
};

kunit_test_suite(kho_setup_test_suite);

MODULE_DESCRIPTION("KUnit tests of the setup_data of a kexec handover");
MODULE_LICENSE("GPL");
