// SPDX-License-Identifier: GPL-2.0
/*
 * Intel VT-d over a live update: the state that files of devices share, and what
 * becomes of the units.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Intel VT-d
 *
 * The hardware's tables are what is handed over. PASID tables and page tables of
 * preserved devices stay where they are. While devices are preserved, a second root
 * table is kept up to date for their unit, whose context tables have entries of
 * preserved devices only. When all devices are shut down, the unit is switched over to
 * it: one register and one global invalidation cut all other devices off, and nothing
 * changes for the preserved ones. Translation stays on.
 *
 * The next kernel checks that the unit uses the root table that is in the list, that
 * the context entries are those of the list, and that the tables behind them are
 * preserved and have the checksum of the list. Then it does as a kdump kernel does:
 * it copies the root table and the context tables, and has the unit use the copies.
 *
 * If anything is wrong, all devices that came in are stopped before translation is
 * switched off.
 *
 * The interrupt remapping table is not handed over: interrupts of preserved devices are
 * masked, and get entries of the next kernel before they are unmasked.
 */

#define pr_fmt(fmt) "DMAR: live update: " fmt

#include <linux/errno.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kho/abi/image.h>
#include <linux/kho/abi/intel_iommu.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/printk.h>

#include "liveupdate.h"

static const struct liveupdate_flb_ops vtd_flb_ops = {
	.preserve = vtd_out_flb_preserve,
	.unpreserve = vtd_out_flb_unpreserve,
	.retrieve = vtd_in_flb_retrieve,
	.finish = vtd_in_flb_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb vtd_flb = {
	.ops = &vtd_flb_ops,
	.compatible = INTEL_IOMMU_LUO_FLB_COMPATIBLE,
	.required = true,
};

#ifdef CONFIG_INTEL_IOMMU_DEFAULT_ON
#define VTD_PARAMS	" intel_iommu=on iommu=on acpi=on"
#else
#define VTD_PARAMS	" intel_iommu=off iommu=on acpi=on"
#endif
KHO_TAKES(INTEL_IOMMU_LUO_FLB_COMPATIBLE, KHO_TAKES_PARAMS VTD_PARAMS);

const struct iommu_liveupdate_ops intel_iommu_liveupdate_ops = {
	.flb = &vtd_flb,
	.preserve = vtd_out_preserve,
	.unpreserve = vtd_out_unpreserve,
	.freeze = vtd_out_freeze,
	.is_incoming = vtd_in_is_incoming,
	.adopt = vtd_adopt,
	.leaf = vtd_leaf,
	.abandon = vtd_abandon,
};

/* Returns whether there were any. */
static bool vtd_stop_devices(void)
{
	struct pci_dev *pdev = NULL;
	bool any = false;

	for_each_pci_dev(pdev) {
		if (!pci_liveupdate_is_incoming(pdev))
			continue;
		iommu_liveupdate_lose(&pdev->dev,
				      "the IOMMU cannot go on translating");
		any = true;
	}
	return any;
}

/**
 * intel_liveupdate_stop - translation of a unit is about to be switched off
 * @iommu: the unit
 *
 * If it is on, devices that came in would write to whatever is at the addresses that
 * were translated.
 *
 * Context: boot, when PCI devices were found; may sleep
 */
void intel_liveupdate_stop(struct intel_iommu *iommu)
{
	if (readl(iommu->reg + DMAR_GSTS_REG) & DMA_GSTS_TES &&
	    !is_kdump_kernel() && vtd_stop_devices())
		pr_err("%s: translation is switched off: all devices that came in are stopped\n",
		       iommu->name);
}

/* How many devices the unit goes on translating for, or an errno. */
static int vtd_take(struct intel_iommu *iommu)
{
	void *ser;
	int ret = liveupdate_flb_get_incoming(&vtd_flb, &ser);

	if (ret == -ENODATA || ret == -ENOENT || ret == -EOPNOTSUPP)
		return 0;
	if (ret)
		return ret;
	ret = vtd_in_take(iommu, ser);
	liveupdate_flb_put_incoming(&vtd_flb);
	return ret;
}

/**
 * intel_liveupdate_take - does a unit go on translating as it is?
 * @iommu: the unit, whose translation is on
 *
 * If it does not, the devices that came in are stopped: the previous kernel has
 * switched translation off where none is preserved.
 *
 * Context: boot, when PCI devices were found; may sleep
 * Return: true in a kdump kernel, or when devices behind the unit came in, with all
 * that the unit needs.
 */
bool intel_liveupdate_take(struct intel_iommu *iommu)
{
	int nr;

	if (is_kdump_kernel())
		return true;
	nr = vtd_take(iommu);
	if (nr > 0)
		return true;
	if (!vtd_stop_devices())
		return false;
	if (nr)
		pr_err("%s: the tables of the previous kernel are damaged: all devices that came in are stopped\n",
		       iommu->name);
	else
		pr_err("%s: the previous kernel has not handed the unit over: all devices that came in are stopped\n",
		       iommu->name);
	return false;
}
