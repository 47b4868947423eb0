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
#include <linux/iommu.h>
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
};

const struct iommu_liveupdate_ops intel_iommu_liveupdate_ops = {
	.flb = &vtd_flb,
	.preserve = vtd_out_preserve,
	.unpreserve = vtd_out_unpreserve,
	.is_incoming = vtd_in_is_incoming,
	.adopt = vtd_adopt,
	.leaf_size = vtd_leaf_size,
	.abandon = vtd_abandon,
};

/* Returns 0 with the list that came in, 1 when there is none, or an errno. */
static int vtd_get_incoming(struct intel_iommu_ser **ser)
{
	void *obj;
	int err = liveupdate_flb_get_incoming(&vtd_flb, &obj);

	if (err == -ENODATA || err == -ENOENT || err == -EOPNOTSUPP)
		return 1;
	if (!err)
		*ser = obj;
	return err;
}

static void vtd_stop_devices(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (pdev->hdr_type == PCI_HEADER_TYPE_NORMAL &&
		    pci_liveupdate_is_incoming(pdev))
			iommu_liveupdate_stop(&pdev->dev);
}

/**
 * intel_liveupdate_stop - translation is about to be switched off
 *
 * Devices that came in would write to whatever is at the addresses that were
 * translated.
 *
 * Context: boot, when PCI devices were found; may sleep
 */
void intel_liveupdate_stop(void)
{
	struct intel_iommu_ser *ser;
	int err = vtd_get_incoming(&ser);

	if (err > 0)
		return;
	pr_err("translation is switched off: all devices that came in are stopped\n");
	vtd_stop_devices();
	if (!err)
		liveupdate_flb_put_incoming(&vtd_flb);
}

/**
 * intel_liveupdate_take - does a unit go on translating as it is?
 * @iommu: the unit, whose translation is on
 *
 * If it does not, the devices that came in are stopped.
 *
 * Context: boot, when PCI devices were found; may sleep
 * Return: true in a kdump kernel, or when devices behind the unit came in, with all
 * that the unit needs.
 */
bool intel_liveupdate_take(struct intel_iommu *iommu)
{
	struct intel_iommu_ser *ser;
	int nr;

	if (is_kdump_kernel())
		return true;
	nr = vtd_get_incoming(&ser);
	if (nr > 0)
		return false;
	if (!nr) {
		nr = vtd_in_take(iommu, ser);
		liveupdate_flb_put_incoming(&vtd_flb);
	}
	if (nr < 0) {
		pr_err("%s: the tables of the previous kernel are damaged: all devices that came in are stopped\n",
		       iommu->name);
		vtd_stop_devices();
	}
	return nr > 0;
}
