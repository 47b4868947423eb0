// SPDX-License-Identifier: GPL-2.0
/*
 * Intel VT-d over a live update: in the kernel that hands over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/intel_iommu.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "liveupdate.h"

/**
 * struct vtd_unit - a unit that devices are preserved behind
 * @list:  in vtd_units
 * @iommu: the unit
 * @root:  the root table that it is left with: entries of preserved devices only. It
 *         and its context tables are preserved
 * @nr:    preserved devices
 */
struct vtd_unit {
	struct list_head list;
	struct intel_iommu *iommu;
	struct root_entry *root;
	unsigned int nr;
};

/**
 * struct vtd_out - a preserved device
 * @list:      in vtd_outs
 * @unit:      its unit
 * @domain:    PCI domain of the device
 * @bdf:       bus, device and function
 * @ce:        its context entry
 * @top:       where its tables are
 * @nr_tables: pages of tables, all preserved
 * @sum:       XXH64 of them
 * @top_sum:   XXH64 of those above the page tables
 */
struct vtd_out {
	struct list_head list;
	struct vtd_unit *unit;
	u32 domain;
	u16 bdf;
	struct context_entry ce;
	struct vtd_top top;
	u32 nr_tables;
	u64 sum;
	u64 top_sum;
};

/* Protects what is below. Read without it when all devices are shut down. */
static DEFINE_MUTEX(vtd_out_lock);

static LIST_HEAD(vtd_units);
static LIST_HEAD(vtd_outs);

/* For the next kernel; NULL while no file is preserved. */
static struct intel_iommu_ser *vtd_out_ser;

/* All entries anew: there are few. */
static void vtd_out_write(void)
{
	struct vtd_out *out;
	u32 nr = 0;

	list_for_each_entry(out, &vtd_outs, list)
		vtd_out_ser->devices[nr++] = (struct intel_iommu_dev_ser) {
			.unit = out->unit->iommu->reg_phys,
			.root = virt_to_phys(out->unit->root),
			.context_lo = out->ce.lo,
			.context_hi = out->ce.hi,
			.sum = out->sum,
			.nr_tables = out->nr_tables,
			.domain = out->domain,
			.bdf = out->bdf,
			.scalable = sm_supported(out->unit->iommu),
		};
	vtd_out_ser->nr_devices = nr;
	vtd_out_ser->sum = vtd_list_sum(vtd_out_ser);
}

/**
 * vtd_out_flb_preserve - make a list with room for all devices
 * @args: the shared state
 *
 * Return: 0, or an errno of kho_alloc_preserve().
 */
int vtd_out_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct intel_iommu_ser *ser;
	struct pci_dev *pdev = NULL;
	u32 nr = 0;

	for_each_pci_dev(pdev)
		nr++;
	ser = kho_alloc_preserve(struct_size(ser, devices, nr));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->max_nr_devices = nr;

	guard(mutex)(&vtd_out_lock);
	vtd_out_ser = ser;
	vtd_out_write();
	args->data = virt_to_phys(ser);
	args->obj = ser;
	return 0;
}

static void vtd_free_contexts(u64 root_entry)
{
	if (root_entry & 1)
		kho_unpreserve_free(phys_to_virt(root_entry & VTD_PAGE_MASK));
}

/**
 * vtd_out_flb_unpreserve - free the list, in which no device is left
 * @args: the shared state
 */
void vtd_out_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	struct vtd_unit *unit, *next;

	guard(mutex)(&vtd_out_lock);
	list_for_each_entry_safe(unit, next, &vtd_units, list) {
		for (int bus = 0; bus < VTD_ROOT_ENTRIES; bus++) {
			vtd_free_contexts(unit->root[bus].lo);
			vtd_free_contexts(unit->root[bus].hi);
		}
		kho_unpreserve_free(unit->root);
		list_del(&unit->list);
		kfree(unit);
	}
	vtd_out_ser = NULL;
	kho_unpreserve_free(args->obj);
}

static struct vtd_unit *vtd_unit_find(struct intel_iommu *iommu)
{
	struct vtd_unit *unit;

	list_for_each_entry(unit, &vtd_units, list)
		if (unit->iommu == iommu)
			return unit;
	return NULL;
}

static struct vtd_unit *vtd_unit_get(struct intel_iommu *iommu)
{
	struct vtd_unit *unit = vtd_unit_find(iommu);

	if (unit)
		return unit;
	unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	if (!unit)
		return ERR_PTR(-ENOMEM);
	unit->root = kho_alloc_preserve(VTD_PAGE_SIZE);
	if (IS_ERR(unit->root)) {
		void *err = ERR_CAST(unit->root);

		kfree(unit);
		return err;
	}
	unit->iommu = iommu;
	list_add(&unit->list, &vtd_units);
	return unit;
}

static int vtd_preserve_table(struct vtd_walk *walk, phys_addr_t phys)
{
	return kho_preserve_pages(pfn_to_page(PHYS_PFN(phys)), 1);
}

/* All that a device can reach must be in a file of the session. */
static int vtd_check_leaf(struct vtd_walk *walk, phys_addr_t phys, u64 size)
{
	unsigned long pfn = PHYS_PFN(phys), end = PHYS_PFN(phys + size);
	struct folio *folio;

	for (; pfn < end; pfn = folio_pfn(folio) + folio_nr_pages(folio)) {
		if (!pfn_valid(pfn))
			return -EPERM;
		folio = pfn_folio(pfn);
		if (!liveupdate_has_mapping(walk->session,
					    READ_ONCE(folio->mapping)))
			return -EPERM;
	}
	return 0;
}

/* A walk that undoes another one ends where that did. */
static int vtd_unpreserve_table(struct vtd_walk *walk, phys_addr_t phys)
{
	if (!walk->left)
		return -ECANCELED;
	walk->left--;
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(phys)), 1);
	return 0;
}

/* The context entry, and what the PASID table has, may be gone by now. */
static void vtd_unpreserve_tables(const struct vtd_top *top, u32 nr_tables)
{
	struct vtd_walk undo = {
		.table = vtd_unpreserve_table,
		.left = nr_tables,
		.top = *top,
	};

	if (top->pasid_dir)
		vtd_unpreserve_table(&undo, top->pasid_dir);
	if (top->pasid_table)
		vtd_unpreserve_table(&undo, top->pasid_table);
	if (undo.left)
		vtd_walk_tables(&undo);
}

static int vtd_preserve_tables(struct vtd_out *out,
			       struct liveupdate_session *session)
{
	struct vtd_walk walk = {
		.table = vtd_preserve_table,
		.leaf = vtd_check_leaf,
		.session = session,
	};
	int err;

	err = vtd_find_top(&walk, &out->ce, sm_supported(out->unit->iommu));
	out->top_sum = walk.sum;
	if (!err)
		err = vtd_walk_tables(&walk);
	if (err) {
		vtd_unpreserve_tables(&walk.top, walk.nr_tables);
		return err;
	}
	out->top = walk.top;
	out->nr_tables = walk.nr_tables;
	out->sum = walk.sum;
	return 0;
}

/* Where the context entry is in the tables that the unit is left with. */
static struct context_entry *vtd_out_context(struct vtd_out *out)
{
	bool sm = sm_supported(out->unit->iommu);
	struct context_entry *ce;
	u64 *root_entry;
	void *table;

	ce = vtd_context(out->unit->root, sm, out->bdf, &root_entry);
	if (ce)
		return ce;
	table = kho_alloc_preserve(VTD_PAGE_SIZE);
	if (IS_ERR(table))
		return ERR_CAST(table);
	*root_entry = virt_to_phys(table) | 1;
	return vtd_context(out->unit->root, sm, out->bdf, &root_entry);
}

static int is_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	return alias != *(u16 *)data;
}

/* Is its translation all that a single context entry leads to? */
static bool vtd_is_simple(struct device *dev, struct dmar_domain *domain)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct pci_dev *pdev;
	u16 bdf;

	if (!dev_is_pci(dev))
		return false;
	pdev = to_pci_dev(dev);
	bdf = pci_dev_id(pdev);
	return PCI_DEVID(info->bus, info->devfn) == bdf &&
	       !pci_for_each_dma_alias(pdev, is_alias, &bdf) &&
	       pci_real_dma_dev(pdev) == pdev && !info->ats_supported &&
	       info->domain == domain && !domain->use_first_level &&
	       !domain->domain.dirty_ops;
}

static bool vtd_read_context(struct intel_iommu *iommu, u16 bdf,
			     struct context_entry *ce)
{
	struct context_entry *from;

	spin_lock(&iommu->lock);
	from = iommu_context_addr(iommu, PCI_BUS_NUM(bdf), bdf & 0xff, 0);
	if (from)
		*ce = *from;
	spin_unlock(&iommu->lock);
	return from;
}

static int vtd_out_fill(struct vtd_out *out, struct device *dev,
			struct liveupdate_session *session)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct context_entry *ce;

	out->domain = pci_domain_nr(to_pci_dev(dev)->bus);
	out->bdf = pci_dev_id(to_pci_dev(dev));
	out->unit = vtd_unit_get(info->iommu);
	if (IS_ERR(out->unit))
		return PTR_ERR(out->unit);
	if (!vtd_read_context(info->iommu, out->bdf, &out->ce))
		return -EOPNOTSUPP;
	ce = vtd_out_context(out);
	if (IS_ERR(ce))
		return PTR_ERR(ce);
	return vtd_preserve_tables(out, session);
}

/**
 * vtd_out_preserve - preserve the translation of a device
 * @dev:     the device
 * @domain:  its domain, which stays as it is
 * @session: has all memory that the device can reach
 *
 * Return: a cookie for vtd_out_unpreserve(), or an ERR_PTR.
 */
void *vtd_out_preserve(struct device *dev, struct iommu_domain *domain,
		       struct liveupdate_session *session)
{
	struct vtd_out *out;
	int err;

	if (!vtd_is_simple(dev, to_dmar_domain(domain)))
		return ERR_PTR(-EOPNOTSUPP);
	guard(mutex)(&vtd_out_lock);
	if (!vtd_out_ser)
		return ERR_PTR(-EINVAL);
	if (vtd_out_ser->nr_devices == vtd_out_ser->max_nr_devices)
		return ERR_PTR(-ENOSPC);
	out = kzalloc(sizeof(*out), GFP_KERNEL);
	if (!out)
		return ERR_PTR(-ENOMEM);
	err = vtd_out_fill(out, dev, session);
	if (err) {
		/* The root table may have a new entry. */
		vtd_out_write();
		kfree(out);
		return ERR_PTR(err);
	}

	*vtd_out_context(out) = out->ce;
	out->unit->nr++;
	list_add(&out->list, &vtd_outs);
	vtd_out_write();
	return out;
}

/**
 * vtd_out_unpreserve - undo vtd_out_preserve()
 * @cookie: from there
 */
void vtd_out_unpreserve(void *cookie)
{
	struct vtd_out *out = cookie;

	guard(mutex)(&vtd_out_lock);
	*vtd_out_context(out) = (struct context_entry) { };
	vtd_unpreserve_tables(&out->top, out->nr_tables);
	out->unit->nr--;
	list_del(&out->list);
	vtd_out_write();
	kfree(out);
}

/**
 * vtd_out_freeze - is a device translated as it was when it was preserved?
 * @cookie: from vtd_out_preserve()
 *
 * Page tables do not change, as the domain is fixed. A PASID may have been attached.
 *
 * Return: 0; -EIO when it is not.
 */
int vtd_out_freeze(void *cookie)
{
	struct vtd_out *out = cookie;
	struct intel_iommu *iommu = out->unit->iommu;
	struct vtd_walk walk = { };
	struct context_entry ce;

	guard(mutex)(&vtd_out_lock);
	if (!vtd_read_context(iommu, out->bdf, &ce) ||
	    ce.lo != out->ce.lo || ce.hi != out->ce.hi ||
	    vtd_find_top(&walk, &ce, sm_supported(iommu)) ||
	    walk.sum != out->top_sum)
		return -EIO;
	return 0;
}

static void vtd_flush_contexts(struct intel_iommu *iommu, u64 root_entry)
{
	if (root_entry & 1)
		__iommu_flush_cache(iommu,
				    phys_to_virt(root_entry & VTD_PAGE_MASK),
				    VTD_PAGE_SIZE);
}

/**
 * intel_liveupdate_shutdown - does a unit go on translating?
 * @iommu: the unit
 *
 * The caller has it use the new root table then, and invalidates all that it caches. For
 * preserved devices the result is the same as before, and there are no others. The
 * unit's own interrupt is masked, as its vector is the old kernel's.
 *
 * Context: no other task runs any more
 * Return: true when devices behind it are preserved, and the kernel is being replaced.
 */
bool intel_liveupdate_shutdown(struct intel_iommu *iommu)
{
	struct vtd_unit *unit = vtd_unit_find(iommu);

	if (!kexec_in_progress || !unit || !unit->nr)
		return false;
	for (int bus = 0; bus < VTD_ROOT_ENTRIES; bus++) {
		vtd_flush_contexts(iommu, unit->root[bus].lo);
		vtd_flush_contexts(iommu, unit->root[bus].hi);
	}
	__iommu_flush_cache(iommu, unit->root, VTD_PAGE_SIZE);
	iommu->root_entry = unit->root;
	writel(DMA_FECTL_IM, iommu->reg + DMAR_FECTL_REG);
	return true;
}
