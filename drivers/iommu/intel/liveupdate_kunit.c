// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the tables that came in: they may be anything. Included by
 * liveupdate_in.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/xxhash.h>

#define REG_PHYS	0xfed90000
#define BDF(i)		(0x0100 + (i))
#define DID(i)		(NUM_RESERVED_DID + (i))
#define NR_DEVICES	2

/* A page of tables for each. Those of three levels are the page tables of a device. */
enum { ROOT, CONTEXT, TABLES, NR_PAGES = TABLES + 3 * NR_DEVICES };

/*
 * struct vtd_machine - a unit in legacy mode, with two devices behind it
 * @iommu: the unit
 * @regs:  its registers
 * @pages: the tables that it uses
 * @ser:   the list, preserved like the pages
 * @size:  of @ser
 */
struct vtd_machine {
	struct intel_iommu iommu;
	u64 regs[VTD_PAGE_SIZE / sizeof(u64)];
	void *pages[NR_PAGES];
	struct intel_iommu_ser *ser;
	size_t size;
};

static bool is_of_machine(phys_addr_t phys, size_t size)
{
	struct vtd_machine *m = kunit_get_current_test()->priv;

	for (int i = 0; i < NR_PAGES; i++)
		if (phys == virt_to_phys(m->pages[i]) && size == VTD_PAGE_SIZE)
			return true;
	return phys == virt_to_phys(m->ser) && size <= m->size;
}

static u64 entry_to(struct vtd_machine *m, int page)
{
	return virt_to_phys(m->pages[page]) | DMA_PTE_READ | DMA_PTE_WRITE;
}

/* One page of memory is mapped for the device. */
static void make_tables(struct vtd_machine *m, int device)
{
	int top = TABLES + 3 * device;
	u64 *table = m->pages[top];

	table[0] = entry_to(m, top + 1);
	table = m->pages[top + 1];
	table[device] = entry_to(m, top + 2);
	table = m->pages[top + 2];
	table[7] = 0x12345000 | DMA_PTE_READ | DMA_PTE_WRITE;
}

static void make_device(struct vtd_machine *m, int device, u16 did)
{
	struct intel_iommu_dev_ser *dev = &m->ser->devices[device];
	struct context_entry *ce = m->pages[CONTEXT];

	ce += BDF(device) & 0xff;
	ce->lo = virt_to_phys(m->pages[TABLES + 3 * device]) | 1;
	ce->hi = did << 8 | m->iommu.agaw;
	*dev = (struct intel_iommu_dev_ser) {
		.unit = REG_PHYS,
		.root = virt_to_phys(m->pages[ROOT]),
		.context_lo = ce->lo,
		.context_hi = ce->hi,
		.nr_tables = 3,
		.bdf = BDF(device),
	};
	for (int i = 0; i < 3; i++)
		dev->sum = xxh64(m->pages[TABLES + 3 * device + i],
				 VTD_PAGE_SIZE, dev->sum);
}

static int vtd_liveupdate_test_init(struct kunit *test)
{
	struct vtd_machine *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	test->priv = m;
	m->size = struct_size(m->ser, devices, NR_DEVICES);
	m->ser = kunit_kzalloc(test, m->size, GFP_KERNEL);
	m->iommu.domain_ids = kunit_kzalloc(test, 8, GFP_KERNEL);
	for (int i = 0; i < NR_PAGES; i++) {
		m->pages[i] = kunit_kzalloc(test, VTD_PAGE_SIZE, GFP_KERNEL);
		if (!m->pages[i])
			return -ENOMEM;
	}
	if (!m->ser || !m->iommu.domain_ids)
		return -ENOMEM;

	/* With 16 domains, and three levels of tables. */
	strscpy(m->iommu.name, "kunit");
	m->iommu.reg = (void __iomem *)m->regs;
	m->iommu.reg_phys = REG_PHYS;
	m->iommu.agaw = 1;
	m->regs[DMAR_RTADDR_REG / sizeof(u64)] = virt_to_phys(m->pages[ROOT]);
	((struct root_entry *)m->pages[ROOT])[PCI_BUS_NUM(BDF(0))].lo =
		virt_to_phys(m->pages[CONTEXT]) | 1;
	m->ser->max_nr_devices = NR_DEVICES;
	m->ser->nr_devices = NR_DEVICES;
	for (int i = 0; i < NR_DEVICES; i++) {
		make_tables(m, i);
		make_device(m, i, DID(i));
	}
	kunit_activate_static_stub(test, vtd_in_is_preserved, is_of_machine);
	return 0;
}

static void expect_taken(struct kunit *test, int nr)
{
	struct vtd_machine *m = test->priv;
	unsigned long ids = nr > 0 ? GENMASK(DID(NR_DEVICES - 1), DID(0)) : 0;

	KUNIT_EXPECT_EQ(test, nr, vtd_in_take(&m->iommu, m->ser));
	KUNIT_EXPECT_EQ(test, ids, *m->iommu.domain_ids);
	*m->iommu.domain_ids = 0;
}

static void sound_tables_are_taken(struct kunit *test)
{
	struct vtd_machine *m = test->priv;

	expect_taken(test, NR_DEVICES);
	for (int i = 0; i < NR_DEVICES; i++)
		KUNIT_EXPECT_EQ(test, VTD_TAKEN, m->ser->devices[i].reserved);
}

static void unit_that_is_not_in_the_list_is_not_taken(struct kunit *test)
{
	struct vtd_machine *m = test->priv;

	m->iommu.reg_phys = REG_PHYS + VTD_PAGE_SIZE;
	expect_taken(test, 0);
}

/* What the first device had is given back. */
static void second_device_with_the_same_id_is_refused(struct kunit *test)
{
	make_device(test->priv, 1, DID(0));
	expect_taken(test, -EINVAL);
}

static void ids_that_cannot_be_are_refused(struct kunit *test)
{
	static const u16 wrong[] = { 0, NUM_RESERVED_DID - 1, 16, 0xffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		make_device(test->priv, 1, wrong[i]);
		expect_taken(test, -EINVAL);
	}
}

static void device_that_is_not_in_the_list_is_refused(struct kunit *test)
{
	struct vtd_machine *m = test->priv;
	struct context_entry *ce = m->pages[CONTEXT];

	ce[200].lo = 1;
	expect_taken(test, -EINVAL);
	ce[200].lo = 0;
	m->ser->nr_devices--;
	expect_taken(test, -EINVAL);
}

static void other_root_table_is_refused(struct kunit *test)
{
	struct vtd_machine *m = test->priv;

	m->regs[DMAR_RTADDR_REG / sizeof(u64)] = virt_to_phys(m->pages[CONTEXT]);
	expect_taken(test, -EINVAL);
}

/* A bit of each entry of each page table. */
static void damaged_entries_are_found(struct kunit *test)
{
	struct vtd_machine *m = test->priv;

	for (int page = TABLES; page < NR_PAGES; page++) {
		u64 *table = m->pages[page];

		for (int i = 0; i < VTD_PAGE_SIZE / sizeof(*table); i++) {
			table[i] ^= 1ULL << i % 64;
			expect_taken(test, -EINVAL);
			table[i] ^= 1ULL << i % 64;
		}
	}
	expect_taken(test, NR_DEVICES);
}

/* Nothing is read but what is preserved, also when a sum is right by chance. */
static void random_damage_does_no_harm(struct kunit *test)
{
	struct vtd_machine *m = test->priv;
	struct rnd_state rnd;
	unsigned int page;
	u8 *byte, was;

	prandom_seed_state(&rnd, 20);
	for (int i = 0; i < 2000; i++) {
		page = prandom_u32_state(&rnd) % (NR_PAGES + 1);
		byte = page < NR_PAGES ? m->pages[page] : m->ser;
		byte += prandom_u32_state(&rnd) % m->size;
		was = *byte;
		*byte = prandom_u32_state(&rnd);
		/* As vtd_in_flb_retrieve() checks. */
		if (m->ser->nr_devices <= NR_DEVICES && vtd_has_roots(m->ser))
			KUNIT_EXPECT_LE(test, vtd_in_take(&m->iommu, m->ser),
					NR_DEVICES);
		*m->iommu.domain_ids = 0;
		*byte = was;
	}
	expect_taken(test, NR_DEVICES);
}

static struct kunit_case vtd_liveupdate_test_cases[] = {
	KUNIT_CASE(sound_tables_are_taken),
	KUNIT_CASE(unit_that_is_not_in_the_list_is_not_taken),
	KUNIT_CASE(second_device_with_the_same_id_is_refused),
	KUNIT_CASE(ids_that_cannot_be_are_refused),
	KUNIT_CASE(device_that_is_not_in_the_list_is_refused),
	KUNIT_CASE(other_root_table_is_refused),
	KUNIT_CASE(damaged_entries_are_found),
	KUNIT_CASE(random_damage_does_no_harm),
	{}
};

static struct kunit_suite vtd_liveupdate_test_suite = {
	.name = "vtd_liveupdate",
	.init = vtd_liveupdate_test_init,
	.test_cases = vtd_liveupdate_test_cases,
};

kunit_test_suite(vtd_liveupdate_test_suite);
