// SPDX-License-Identifier: GPL-2.0
/*
 * Intel VT-d over a live update: in the kernel that receives the tables.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "DMAR: live update: " fmt

#include <kunit/static_stub.h>
#include <linux/bitmap.h>
#include <linux/crash_dump.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/intel_iommu.h>
#include <linux/liveupdate.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/printk.h>

#include "liveupdate.h"
#include "pasid.h"

/* No machine has more. What is larger is damaged. */
#define VTD_MAX_DEVICES		65536

/* In &intel_iommu_dev_ser.reserved of this kernel: its unit was taken over. */
#define VTD_TAKEN		1

#define NR_CONTEXTS		(VTD_PAGE_SIZE / sizeof(struct context_entry))

static bool vtd_in_is_preserved(phys_addr_t phys, size_t size)
{
	KUNIT_STATIC_STUB_REDIRECT(vtd_in_is_preserved, phys, size);
	return kho_is_preserved(phys, size);
}

static bool vtd_has_roots(const struct intel_iommu_ser *ser)
{
	for (u32 i = 0; i < ser->nr_devices; i++)
		if (!vtd_in_is_preserved(ser->devices[i].root, VTD_PAGE_SIZE))
			return false;
	return true;
}

/**
 * vtd_in_flb_retrieve - read the list of devices that came in
 * @args: the shared state
 *
 * Return: 0; -EINVAL when the list is damaged.
 */
int vtd_in_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	struct intel_iommu_ser *ser;

	if (!vtd_in_is_preserved(args->data, sizeof(*ser)))
		return -EINVAL;
	ser = phys_to_virt(args->data);
	if (ser->max_nr_devices > VTD_MAX_DEVICES ||
	    ser->nr_devices > ser->max_nr_devices ||
	    !vtd_in_is_preserved(args->data,
				 struct_size(ser, devices, ser->max_nr_devices)) ||
	    !vtd_has_roots(ser) || ser->sum != vtd_list_sum(ser))
		return -EINVAL;
	args->obj = ser;
	return 0;
}

static int vtd_check_table(struct vtd_walk *walk, phys_addr_t phys)
{
	if (!walk->left || !vtd_in_is_preserved(phys, VTD_PAGE_SIZE))
		return -EINVAL;
	walk->left--;
	return 0;
}

/*
 * Are the tables what the previous kernel has checked and preserved? If so their domain
 * ID is added to @dids.
 */
static int vtd_check_tables(struct intel_iommu *iommu,
			    const struct intel_iommu_dev_ser *dev,
			    const struct context_entry *ce, unsigned long *dids)
{
	struct vtd_walk walk = {
		.table = vtd_check_table,
		.left = dev->nr_tables,
	};
	int err;

	err = vtd_find_top(&walk, ce, dev->scalable);
	if (!err)
		err = vtd_walk_tables(&walk);
	if (err || walk.left || walk.sum != dev->sum ||
	    walk.top.agaw != iommu->agaw || walk.top.did < NUM_RESERVED_DID ||
	    walk.top.did >= cap_ndoms(iommu->cap))
		return -EINVAL;
	/* Each device has a domain of its own: no other may share its ID. */
	if (test_bit(walk.top.did, iommu->domain_ids) ||
	    __test_and_set_bit(walk.top.did, dids))
		return -EINVAL;
	return 0;
}

static int vtd_check_dev(struct intel_iommu *iommu,
			 const struct intel_iommu_dev_ser *dev,
			 unsigned long *dids)
{
	u64 rtaddr = dmar_readq(iommu->reg + DMAR_RTADDR_REG), *root_entry;
	struct context_entry *ce;

	/* The mode cannot be changed while translation is on. */
	if (dev->root != (rtaddr & VTD_PAGE_MASK) ||
	    dev->scalable != !!(rtaddr & DMA_RTADDR_SMT) ||
	    dev->scalable != sm_supported(iommu))
		return -EINVAL;
	ce = vtd_context(phys_to_virt(dev->root), dev->scalable, dev->bdf,
			 &root_entry);
	if (!ce ||
	    !vtd_in_is_preserved(*root_entry & VTD_PAGE_MASK, VTD_PAGE_SIZE) ||
	    ce->lo != dev->context_lo || ce->hi != dev->context_hi)
		return -EINVAL;
	return vtd_check_tables(iommu, dev, ce, dids);
}

/* How many devices have a context entry, or an errno. */
static int vtd_count_contexts(u64 root_entry)
{
	struct context_entry *ce;
	int nr = 0;

	if (!(root_entry & 1))
		return 0;
	if (!vtd_in_is_preserved(root_entry & VTD_PAGE_MASK, VTD_PAGE_SIZE))
		return -EINVAL;
	ce = phys_to_virt(root_entry & VTD_PAGE_MASK);
	for (int i = 0; i < NR_CONTEXTS; i++)
		nr += context_present(&ce[i]);
	return nr;
}

static int vtd_count_devices(const struct root_entry *root)
{
	int nr = 0, lo, hi;

	for (int bus = 0; bus < VTD_ROOT_ENTRIES; bus++) {
		lo = vtd_count_contexts(root[bus].lo);
		hi = vtd_count_contexts(root[bus].hi);
		if (lo < 0 || hi < 0)
			return -EINVAL;
		nr += lo + hi;
	}
	return nr;
}

/* How many devices are in the list for a unit, with tables as they should be. */
static int vtd_check_unit(struct intel_iommu *iommu,
			  const struct intel_iommu_ser *ser, unsigned long *dids)
{
	const struct intel_iommu_dev_ser *dev, *end = ser->devices + ser->nr_devices;
	u64 root = 0;
	int nr = 0;

	for (dev = ser->devices; dev < end; dev++) {
		if (dev->unit != iommu->reg_phys)
			continue;
		if (vtd_check_dev(iommu, dev, dids))
			return -EINVAL;
		root = dev->root;
		nr++;
	}
	if (nr && vtd_count_devices(phys_to_virt(root)) != nr)
		return -EINVAL;
	return nr;
}

/**
 * vtd_in_take - may a unit go on translating by the tables that it has?
 * @iommu: the unit, whose translation is on
 * @ser:   the list
 *
 * The tables must be what the list says, and have no entries of other devices. Their
 * domain IDs are not given to anybody else then; otherwise all stay free.
 *
 * Return: how many devices are in the list for the unit; -EINVAL when anything is not
 * as it should be.
 */
int vtd_in_take(struct intel_iommu *iommu, struct intel_iommu_ser *ser)
{
	struct intel_iommu_dev_ser *dev, *end = ser->devices + ser->nr_devices;
	unsigned int nr_dids = cap_ndoms(iommu->cap);
	unsigned long *dids = bitmap_zalloc(nr_dids, GFP_KHO_RESTORE);
	int nr = vtd_check_unit(iommu, ser, dids);

	if (nr > 0) {
		bitmap_or(iommu->domain_ids, iommu->domain_ids, dids, nr_dids);
		for (dev = ser->devices; dev < end; dev++)
			if (dev->unit == iommu->reg_phys)
				dev->reserved = VTD_TAKEN;
		pr_info("%s goes on translating for %d devices\n", iommu->name,
			nr);
	}
	bitmap_free(dids);
	return nr;
}

static void vtd_free_contexts(u64 root_entry)
{
	if (root_entry & 1)
		kho_restore_free(phys_to_virt(root_entry & VTD_PAGE_MASK));
}

/* The unit uses copies of them. */
static void vtd_free_root(struct root_entry *root)
{
	for (int bus = 0; bus < VTD_ROOT_ENTRIES; bus++) {
		vtd_free_contexts(root[bus].lo);
		vtd_free_contexts(root[bus].hi);
	}
	kho_restore_free(root);
}

static void vtd_finish_device(const struct intel_iommu_dev_ser *dev)
{
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(dev->domain, PCI_BUS_NUM(dev->bdf),
					   dev->bdf & 0xff);
	if (pdev)
		iommu_liveupdate_finish(&pdev->dev);
	pci_dev_put(pdev);
}

/**
 * vtd_in_flb_finish - no file is left that stands for a device
 * @args: the shared state
 *
 * What was not taken over is not known to be what it seems, and stays reserved.
 */
void vtd_in_flb_finish(struct liveupdate_flb_op_args *args)
{
	struct intel_iommu_ser *ser = args->obj;
	struct intel_iommu_dev_ser *dev, *end = ser->devices + ser->nr_devices;
	u64 root;

	for (dev = ser->devices; dev < end; dev++) {
		if (dev->reserved != VTD_TAKEN)
			continue;
		vtd_finish_device(dev);
		root = dev->root;
		vtd_free_root(phys_to_virt(root));
		for (struct intel_iommu_dev_ser *d = dev; d < end; d++) {
			if (d->root == root && d != dev)
				vtd_finish_device(d);
			if (d->root == root)
				d->reserved = 0;
		}
	}
	kho_restore_free(ser);
}

/**
 * vtd_in_is_incoming - is a device's translation by tables that came in?
 * @dev: the device
 *
 * Return: true until they are adopted, or another domain is attached.
 */
bool vtd_in_is_incoming(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);

	return !is_kdump_kernel() && dev_is_pci(dev) &&
	       context_copied(info->iommu, info->bus, info->devfn) &&
	       pci_liveupdate_is_incoming(to_pci_dev(dev));
}

/**
 * intel_liveupdate_defers - does a device keep the translation that it came with?
 * @info: the device, on a unit whose translation was on
 *
 * Return: true for all devices in a kdump kernel, otherwise for those that came in.
 */
bool intel_liveupdate_defers(struct device_domain_info *info)
{
	return is_kdump_kernel() || vtd_in_is_incoming(info->dev);
}

#ifdef CONFIG_INTEL_IOMMU_LIVEUPDATE_KUNIT_TEST
#include "liveupdate_kunit.c"
#endif
