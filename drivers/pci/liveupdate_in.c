// SPDX-License-Identifier: GPL-2.0
/*
 * PCI devices over a live update: in the kernel that receives them.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/xarray.h>

#include "liveupdate_internal.h"

/* Entries of what came in, by domain and address, until the device is found. */
static DEFINE_XARRAY(pci_in);

/* The same in place, NULL when there is none. */
static struct pci_ser *pci_in_ser;

/* Sizes of BARs, or NULL when the previous kernel did not tell. */
static struct pci_sizes_ser *pci_in_sizes;

static unsigned long pci_in_key(u32 domain, u16 bdf)
{
	return (unsigned long)domain << 16 | bdf;
}

/* The list as it lies at @phys, or NULL if it is damaged. */
static struct pci_ser *pci_in_check(phys_addr_t phys,
				    struct pci_sizes_ser **sizes)
{
	struct pci_ser *ser;
	size_t size;

	*sizes = NULL;
	if (!kho_is_preserved(phys, sizeof(*ser)))
		return NULL;
	ser = phys_to_virt(phys);
	if (ser->max_nr_devices > PCI_LUO_MAX_DEVICES ||
	    ser->nr_devices > ser->max_nr_devices)
		return NULL;
	size = pci_ser_size(ser->max_nr_devices);
	if (!kho_is_preserved(phys, size))
		return NULL;

	size += pci_sizes_size(ser->max_nr_devices);
	if (!kho_is_preserved(phys, size) ||
	    pci_sizes(ser)->magic != PCI_LUO_BARS_MAGIC)
		return ser;
	if (pci_sizes(ser)->sum != pci_ser_sum(ser))
		return NULL;
	*sizes = pci_sizes(ser);
	return ser;
}

/* Another kernel may leave gaps of unused entries. */
static int pci_in_read(struct pci_ser *ser)
{
	struct pci_dev_ser *entry = ser->devices;
	u32 nr = 0;
	int err;

	for (; entry < ser->devices + ser->max_nr_devices; entry++) {
		if (!entry->refcount)
			continue;
		if (++nr > ser->nr_devices)
			return -EINVAL;
		err = xa_insert(&pci_in, pci_in_key(entry->domain, entry->bdf),
				entry, GFP_KHO_RESTORE);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pci_liveupdate_flb_retrieve - read the list of devices that came in
 * @args: the shared state
 *
 * Return: 0; -EINVAL when the list is damaged; -EBUSY when a device is in it twice.
 */
int pci_liveupdate_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	struct pci_sizes_ser *sizes;
	struct pci_ser *ser;
	int err;

	ser = pci_in_check(args->data, &sizes);
	if (!ser)
		return -EINVAL;

	guard(mutex)(&pci_liveupdate_lock);
	err = pci_in_read(ser);
	if (err) {
		xa_destroy(&pci_in);
		return err;
	}
	pci_in_ser = ser;
	pci_in_sizes = sizes;
	args->obj = ser;
	return 0;
}

/**
 * pci_in_stop - stop a device before memory is released that it may be writing to
 * @dev: the device
 * @why: for the log
 *
 * Context: may sleep
 */
void pci_in_stop(struct pci_dev *dev, const char *why)
{
	u16 cmd;

	pci_read_config_word(dev, PCI_COMMAND, &cmd);
	if (!(cmd & PCI_COMMAND_MASTER))
		return;
	pci_write_config_word(dev, PCI_COMMAND, cmd & ~PCI_COMMAND_MASTER);
	if (pci_wait_for_pending_transaction(dev))
		pci_notice(dev, "live update: %s; bus mastering is off\n", why);
	else
		pci_err(dev, "live update: %s; bus mastering is off, but the device has transactions pending: reboot the machine\n",
			why);
}

/**
 * pci_liveupdate_flb_finish - no file is left that stands for a device
 * @args: the shared state
 *
 * A bridge is still incoming here if less devices were found below it than the
 * previous kernel said.
 */
void pci_liveupdate_flb_finish(struct liveupdate_flb_op_args *args)
{
	struct pci_dev *dev = NULL;

	guard(mutex)(&pci_liveupdate_lock);
	for_each_pci_dev(dev) {
		if (!dev->liveupdate.incoming)
			continue;
		if (pci_is_endpoint(dev))
			pci_in_stop(dev, "no file came in for the device");
		WRITE_ONCE(dev->liveupdate.incoming, 0);
	}
	xa_destroy(&pci_in);
	pci_in_sizes = NULL;
	pci_in_ser = NULL;
	kho_restore_free(args->obj);
}

/* Takes over the sizes of BARs, unless they cannot be. */
static void pci_in_take_sizes(struct pci_dev *dev, struct pci_dev_ser *entry)
{
	struct pci_bars_ser *bars;

	if (!pci_in_sizes)
		return;
	bars = &pci_in_sizes->bars[entry - pci_in_ser->devices];
	for (int i = 0; i < PCI_LUO_NR_BARS; i++)
		if (bars->order[i] >= BITS_PER_LONG_LONG)
			return;
	dev->liveupdate.bars = *bars;
	dev->liveupdate.sized = true;
}

/**
 * pci_in_take - is a device in the list, with all bridges above it?
 * @dev: the device, which is taken out of the list
 *
 * Context: may sleep; while the list is in use.
 * Return: true when it came in.
 */
bool pci_in_take(struct pci_dev *dev)
{
	struct pci_dev *bridge = pci_upstream_bridge(dev);
	struct pci_dev_ser *entry;

	guard(mutex)(&pci_liveupdate_lock);
	entry = xa_erase(&pci_in, pci_in_key(pci_domain_nr(dev->bus),
					     pci_dev_id(dev)));
	if (!entry)
		return false;
	if ((pci_is_endpoint(dev) && entry->refcount != 1) ||
	    (bridge && !bridge->liveupdate.incoming))
		return false;

	pci_in_take_sizes(dev, entry);
	WRITE_ONCE(dev->liveupdate.incoming, entry->refcount);
	return true;
}

/**
 * pci_liveupdate_is_incoming - has a device come in, and is not finished?
 * @dev: the device, or a bridge above one
 *
 * The driver must not reset such a device, or change anything that it is using.
 *
 * Context: any
 * Return: true between the boot and pci_liveupdate_finish().
 */
bool pci_liveupdate_is_incoming(struct pci_dev *dev)
{
	return READ_ONCE(dev->liveupdate.incoming);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_is_incoming);

/**
 * pci_liveupdate_finish - a device that came in is like any other from now on
 * @dev: the device
 *
 * For &liveupdate_file_ops.finish, whether or not the file was retrieved. If no
 * driver has bound the device it is stopped, since nobody knows what it is doing.
 *
 * Context: may sleep
 */
void pci_liveupdate_finish(struct pci_dev *dev)
{
	guard(mutex)(&pci_liveupdate_lock);
	if (!pci_is_endpoint(dev) || !dev->liveupdate.incoming)
		return;
	if (!dev->driver)
		pci_in_stop(dev, "nobody has taken the device over");
	for (; dev; dev = pci_upstream_bridge(dev))
		if (dev->liveupdate.incoming)
			WRITE_ONCE(dev->liveupdate.incoming,
				   dev->liveupdate.incoming - 1);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_finish);

/**
 * pci_liveupdate_can_probe - may a driver bind a device?
 * @dev: the device
 * @drv: the driver
 *
 * Return: false for a device that came in and a driver that cannot take it over.
 */
bool pci_liveupdate_can_probe(struct pci_dev *dev, struct pci_driver *drv)
{
	if (!pci_liveupdate_is_incoming(dev) || drv->liveupdate)
		return true;
	pci_info(dev, "live update: not bound by %s, which cannot take it over\n",
		 drv->name);
	return false;
}

/**
 * pci_liveupdate_keeps_msix - is MSI-X of a device left as it is?
 * @dev:  the device
 * @ctrl: its PCI_MSIX_FLAGS
 *
 * Return: true when it came in and has all vectors masked.
 */
bool pci_liveupdate_keeps_msix(struct pci_dev *dev, u16 ctrl)
{
	return pci_liveupdate_is_incoming(dev) && ctrl & PCI_MSIX_FLAGS_MASKALL;
}

/**
 * pci_liveupdate_size_bar - tell the size of a BAR without asking the device
 * @dev:  the device
 * @bar:  its number, or PCI_ROM_RESOURCE
 * @mask: output; the bits of an address that can be set, 0 if there is no such BAR
 *
 * Return: true when it is known.
 */
bool pci_liveupdate_size_bar(struct pci_dev *dev, unsigned int bar, u64 *mask)
{
	u8 order;

	if (!pci_liveupdate_is_incoming(dev) || !dev->liveupdate.sized ||
	    bar >= PCI_LUO_NR_BARS)
		return false;
	order = dev->liveupdate.bars.order[bar];
	*mask = order ? ~0ULL << order : 0;
	return true;
}

/**
 * pci_liveupdate_fix_bars - let nobody move the BARs of a device that came in
 * @dev: the device, whose BARs were read
 */
void pci_liveupdate_fix_bars(struct pci_dev *dev)
{
	if (!pci_liveupdate_is_incoming(dev))
		return;
	for (int i = 0; i < PCI_STD_NUM_BARS; i++)
		if (dev->resource[i].flags && dev->resource[i].start)
			dev->resource[i].flags |= IORESOURCE_PCI_FIXED;
}

/**
 * pci_liveupdate_adopt_acs - keep ACS control of a device as it came in
 * @dev: the device, with ACS
 *
 * IOMMU groups depend on it, so it is as it was also after a reset.
 *
 * Return: true when it came in.
 */
bool pci_liveupdate_adopt_acs(struct pci_dev *dev)
{
	struct pci_dev_liveupdate *lu = &dev->liveupdate;

	if (lu->adopted) {
		pci_write_config_word(dev, dev->acs_cap + PCI_ACS_CTRL,
				      lu->acs_ctrl);
	} else if (pci_liveupdate_is_incoming(dev)) {
		pci_read_config_word(dev, dev->acs_cap + PCI_ACS_CTRL,
				     &lu->acs_ctrl);
		lu->adopted = true;
	}
	return lu->adopted;
}

/**
 * pci_liveupdate_adopt_ari - keep ARI forwarding of a bridge as it came in
 * @bridge: the bridge
 *
 * Return: true when it came in.
 */
bool pci_liveupdate_adopt_ari(struct pci_dev *bridge)
{
	u16 ctl;

	if (!pci_liveupdate_is_incoming(bridge))
		return false;
	pcie_capability_read_word(bridge, PCI_EXP_DEVCTL2, &ctl);
	bridge->ari_enabled = !!(ctl & PCI_EXP_DEVCTL2_ARI);
	return true;
}
