// SPDX-License-Identifier: GPL-2.0
/*
 * PCI devices over a live update: the state that their files share.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: PCI devices
 *
 * A device that is preserved goes on working while the kernel is replaced. The
 * handler of a file that stands for the device calls pci_liveupdate_preserve().
 * The next kernel gets a list of these devices and of all bridges above them, as
 * shared state of the files. From then on both kernels leave them as they are:
 *
 * - Until the kexec, a preserved device is not reset, removed by sysfs, or put
 *   into a low-power state. When it is unbound or unplugged, or an error makes a
 *   reset necessary, it is lost, and the kexec is called off.
 * - When devices are shut down, it keeps its right to master the bus. Its
 *   interrupts are masked, as their vectors belong to the old kernel.
 * - In the next kernel the device is "incoming" until its file is finished. It is
 *   found at its address: all bridges keep their bus numbers, its BARs and the
 *   windows of the bridges above it are not written, and BARs are not probed for
 *   their sizes, which came with the list. ACS and ARI are taken over as they are.
 * - Only a driver that says so in &struct pci_driver.liveupdate can bind it.
 *
 * When the list is lost or damaged, or a device is not in it, the next kernel turns
 * bus mastering off before it gives memory to anybody: of devices that had a driver, the
 * previous kernel has left no other with it. Such a device is reset before a driver
 * binds it.
 */

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/printk.h>

#include <linux/kho/abi/image.h>

#include "liveupdate_internal.h"

static const struct liveupdate_flb_ops pci_liveupdate_flb_ops = {
	.preserve = pci_liveupdate_flb_preserve,
	.unpreserve = pci_liveupdate_flb_unpreserve,
	.retrieve = pci_liveupdate_flb_retrieve,
	.finish = pci_liveupdate_flb_finish,
	.owner = THIS_MODULE,
};

/* The shared state of files that stand for devices. */
static struct liveupdate_flb pci_liveupdate_flb = {
	.ops = &pci_liveupdate_flb_ops,
	.compatible = PCI_LUO_FLB_COMPATIBLE,
	.required = true,
};

KHO_TAKES(PCI_LUO_FLB_COMPATIBLE, KHO_TAKES_PARAMS " pci=on");

/**
 * pci_liveupdate_register_flb - let a handler preserve PCI devices
 * @fh: a handler, registered
 *
 * Context: may sleep
 * Return: 0, or an errno of liveupdate_register_flb().
 */
int pci_liveupdate_register_flb(struct liveupdate_file_handler *fh)
{
	return liveupdate_register_flb(fh, &pci_liveupdate_flb);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_register_flb);

/**
 * pci_liveupdate_unregister_flb - undo pci_liveupdate_register_flb()
 * @fh: the handler
 *
 * Context: may sleep
 */
void pci_liveupdate_unregister_flb(struct liveupdate_file_handler *fh)
{
	liveupdate_unregister_flb(fh, &pci_liveupdate_flb);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_unregister_flb);

/* Devices of the first domain that were stopped before PCI was up, until they are found. */
static DECLARE_BITMAP(pci_stopped, U16_MAX + 1);

/**
 * pci_liveupdate_note_stopped - a device was stopped before PCI was up
 * @bdf: its bus, device and function in the first domain
 *
 * For an architecture that finds that memory is lost which devices may use. The device
 * will be reset before a driver binds it. If it came in, it is lost.
 *
 * Context: early boot
 */
void __init pci_liveupdate_note_stopped(u16 bdf)
{
	set_bit(bdf, pci_stopped);
}

/* Once: another one may come to its place. */
static bool pci_was_stopped(struct pci_dev *dev)
{
	return !pci_domain_nr(dev->bus) &&
	       test_and_clear_bit(pci_dev_id(dev), pci_stopped);
}

/**
 * pci_liveupdate_setup - a device was found: did it come in?
 * @dev: the device, before anything is written to it
 *
 * If devices came in, the previous kernel has stopped all others that had a driver.
 * One that is not in the list and masters the bus is stopped, since the list may be
 * damaged. If only firmware has left it so, its driver will turn it on again. Unless
 * the list is known to be right, it is also reset before a driver binds it.
 *
 * Context: may sleep
 */
void pci_liveupdate_setup(struct pci_dev *dev)
{
	bool found = false, checked = false;
	void *obj;
	int err;

	if (dev->is_virtfn)
		return;
	dev->liveupdate.stray = pci_was_stopped(dev);
	err = liveupdate_flb_get_incoming(&pci_liveupdate_flb, &obj);
	if (err == -ENODATA || err == -ENOENT || err == -EOPNOTSUPP)
		return;
	if (!err) {
		found = pci_in_take(dev);
		checked = pci_in_is_checked();
		liveupdate_flb_put_incoming(&pci_liveupdate_flb);
	}

	if (found) {
		pci_info(dev, "live update: incoming\n");
		pci_in_check_reset(dev);
		if (dev->liveupdate.stray)
			pci_liveupdate_lose(dev, "was stopped, as memory that it may use is lost");
	} else if (pci_is_endpoint(dev) &&
		   pci_in_stop(dev, "not among the devices that came in") &&
		   !checked) {
		dev->liveupdate.stray = true;
	}
}

/**
 * pci_liveupdate_keeps_config - must bus numbers and addresses remain as they are?
 *
 * Context: may sleep
 * Return: true while any device came in that is not finished.
 */
bool pci_liveupdate_keeps_config(void)
{
	void *obj;

	if (liveupdate_flb_get_incoming(&pci_liveupdate_flb, &obj))
		return false;
	liveupdate_flb_put_incoming(&pci_liveupdate_flb);
	return true;
}
