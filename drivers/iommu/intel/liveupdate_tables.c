// SPDX-License-Identifier: GPL-2.0
/*
 * Intel VT-d over a live update: reads the tables of units, as the hardware does.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kho/abi/intel_iommu.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/xxhash.h>

#include "liveupdate.h"
#include "pasid.h"

#define NR_PTES		(VTD_PAGE_SIZE / sizeof(struct dma_pte))
#define NR_PDES		(VTD_PAGE_SIZE / sizeof(struct pasid_dir_entry))

static phys_addr_t vtd_address(u64 entry)
{
	return entry & GENMASK_ULL(51, VTD_PAGE_SHIFT);
}

/* Get a page of tables, or an ERR_PTR. */
static void *vtd_table(struct vtd_walk *walk, phys_addr_t phys)
{
	int err = walk->table ? walk->table(walk, phys) : 0;
	void *table;

	if (err)
		return ERR_PTR(err);
	table = phys_to_virt(phys);
	walk->nr_tables++;
	walk->sum = xxh64(table, VTD_PAGE_SIZE, walk->sum);
	cond_resched();
	return table;
}

static int vtd_walk_level(struct vtd_walk *walk, phys_addr_t phys, int level);

static int vtd_walk_pte(struct vtd_walk *walk, struct dma_pte *pte, int level)
{
	phys_addr_t phys = vtd_address(pte->val);

	if (level > 1 && !dma_pte_superpage(pte))
		return vtd_walk_level(walk, phys, level - 1);
	if (!walk->leaf)
		return 0;
	return walk->leaf(walk, phys, level_size(level) << VTD_PAGE_SHIFT);
}

/* At most five levels deep. */
static int vtd_walk_level(struct vtd_walk *walk, phys_addr_t phys, int level)
{
	struct dma_pte *pte = vtd_table(walk, phys);
	int err = PTR_ERR_OR_ZERO(pte);

	for (int i = 0; !err && i < NR_PTES; i++)
		if (dma_pte_present(&pte[i]))
			err = vtd_walk_pte(walk, &pte[i], level);
	return err;
}

/* The PASID entry of requests without PASID; there is no other. */
static struct pasid_entry *vtd_walk_pasid(struct vtd_walk *walk,
					  const struct context_entry *ce)
{
	struct pasid_dir_entry *dir;
	struct pasid_entry *table;

	if (get_pasid_dir_size(ce) > NR_PDES || ce->hi)
		return ERR_PTR(-EOPNOTSUPP);
	walk->top.pasid_dir = vtd_address(ce->lo);
	dir = vtd_table(walk, walk->top.pasid_dir);
	if (IS_ERR(dir))
		return ERR_CAST(dir);
	for (int i = 1; i < NR_PDES; i++)
		if (dir[i].val)
			return ERR_PTR(-EOPNOTSUPP);
	if (!pasid_pde_is_present(&dir[0]))
		return ERR_PTR(-EINVAL);

	walk->top.pasid_table = vtd_address(dir[0].val);
	table = vtd_table(walk, walk->top.pasid_table);
	if (IS_ERR(table))
		return table;
	for (int i = 1; i < PASID_TBL_ENTRIES; i++)
		if (pasid_pte_is_present(&table[i]))
			return ERR_PTR(-EOPNOTSUPP);
	return table;
}

/* Of what hardware writes to there is no sum: dirty bits, first stage tables. */
static int vtd_find_scalable(struct vtd_walk *walk,
			     const struct context_entry *ce)
{
	struct pasid_entry *pe = vtd_walk_pasid(walk, ce);

	if (IS_ERR(pe))
		return PTR_ERR(pe);
	if (!pasid_pte_is_present(pe))
		return -EINVAL;
	if (pasid_pte_get_pgtt(pe) != PASID_ENTRY_PGTT_SL_ONLY ||
	    pasid_get_ssade(pe))
		return -EOPNOTSUPP;
	walk->top.pgd = vtd_address(pe->val[0]);
	walk->top.agaw = pe->val[0] >> 2 & 7;
	walk->top.did = pasid_get_domain_id(pe);
	return 0;
}

static int vtd_find_legacy(struct vtd_walk *walk,
			   const struct context_entry *ce)
{
	if ((ce->lo >> 2 & 3) != CONTEXT_TT_MULTI_LEVEL)
		return -EOPNOTSUPP;
	walk->top.pgd = vtd_address(ce->lo);
	walk->top.agaw = ce->hi & 7;
	walk->top.did = ce->hi >> 8;
	return 0;
}

/**
 * vtd_find_top - find the page tables that a context entry leads to
 * @walk: its outputs are 0; @table is called with the tables above
 * @ce:   the entry
 * @sm:   is the unit in scalable mode?
 *
 * Context: may sleep
 * Return: 0; -EOPNOTSUPP for what is not preserved: DMA with PASID, device TLBs, tables
 * of the first stage, and dirty bits; -EINVAL when the entry makes no sense; or what
 * the callback has returned.
 */
int vtd_find_top(struct vtd_walk *walk, const struct context_entry *ce, bool sm)
{
	int err;

	if (!(ce->lo & 1))
		return -EINVAL;
	err = sm ? vtd_find_scalable(walk, ce) : vtd_find_legacy(walk, ce);
	if (err)
		return err;
	/* Three to five levels. */
	return walk->top.agaw < 1 || walk->top.agaw > 3 ? -EINVAL : 0;
}

/**
 * vtd_walk_tables - walk over page tables and what they map
 * @walk: what to do with them, and where to begin
 *
 * Context: may sleep
 * Return: 0, or what a callback has returned.
 */
int vtd_walk_tables(struct vtd_walk *walk)
{
	return vtd_walk_level(walk, walk->top.pgd,
			      agaw_to_level(walk->top.agaw));
}

/**
 * vtd_context - find the context entry of a device
 * @root:  root table
 * @sm:    is it one of scalable mode?
 * @bdf:   bus, device and function
 * @entry: output; the half of the root entry that is for the device
 *
 * Return: the entry, in the table that @entry points to; NULL if there is no table.
 */
struct context_entry *vtd_context(struct root_entry *root, bool sm, u16 bdf,
				  u64 **entry)
{
	unsigned int devfn = bdf & 0xff;
	struct context_entry *table;

	root += PCI_BUS_NUM(bdf);
	*entry = sm && devfn >= 0x80 ? &root->hi : &root->lo;
	if (!(**entry & 1))
		return NULL;
	table = phys_to_virt(vtd_address(**entry));
	return &table[sm ? (devfn & 0x7f) * 2 : devfn];
}

/**
 * vtd_list_sum - sum up a list of devices, and the root tables that it names
 * @ser: the list, and root tables that can be read
 *
 * Return: what &intel_iommu_ser.sum is to be.
 */
u64 vtd_list_sum(const struct intel_iommu_ser *ser)
{
	u64 sum = xxh64(ser->devices,
			flex_array_size(ser, devices, ser->nr_devices),
			ser->nr_devices);

	for (u32 i = 0; i < ser->nr_devices; i++)
		sum = xxh64(phys_to_virt(ser->devices[i].root), VTD_PAGE_SIZE,
			    sum);
	return sum;
}
