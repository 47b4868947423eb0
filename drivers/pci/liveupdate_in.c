// SPDX-License-Identifier: GPL-2.0
/*
 * PCI devices over a live update: in the kernel that receives them.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mutex.h>
#include <linux/pm_runtime.h>
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

static bool pci_in_is_preserved(phys_addr_t phys, size_t size)
{
	KUNIT_STATIC_STUB_REDIRECT(pci_in_is_preserved, phys, size);
	return kho_is_preserved(phys, size);
}

/* The list as it lies at @phys, or NULL if it is damaged. */
static struct pci_ser *pci_in_check(phys_addr_t phys,
				    struct pci_sizes_ser **sizes)
{
	struct pci_ser *ser;
	size_t size;

	*sizes = NULL;
	if (!pci_in_is_preserved(phys, sizeof(*ser)))
		return NULL;
	ser = phys_to_virt(phys);
	if (ser->max_nr_devices > PCI_LUO_MAX_DEVICES ||
	    ser->nr_devices > ser->max_nr_devices)
		return NULL;
	size = pci_ser_size(ser->max_nr_devices);
	if (!pci_in_is_preserved(phys, size))
		return NULL;

	size += pci_sizes_size(ser->max_nr_devices);
	if (!pci_in_is_preserved(phys, size) ||
	    pci_sizes(ser)->magic != PCI_LUO_BARS_MAGIC)
		return ser;
	if (pci_sizes(ser)->sum != pci_ser_sum(ser))
		return NULL;
	*sizes = pci_sizes(ser);
	return ser;
}

/* Another kernel may leave gaps of unused entries. */
static int pci_in_read(struct xarray *in, struct pci_ser *ser)
{
	struct pci_dev_ser *entry = ser->devices;
	u32 nr = 0;
	int err;

	for (; entry < ser->devices + ser->max_nr_devices; entry++) {
		if (!entry->refcount)
			continue;
		if (++nr > ser->nr_devices)
			return -EINVAL;
		err = xa_insert(in, pci_in_key(entry->domain, entry->bdf),
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
	err = pci_in_read(&pci_in, ser);
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
 * Return: true when it could master the bus.
 */
bool pci_in_stop(struct pci_dev *dev, const char *why)
{
	u16 cmd;

	pci_read_config_word(dev, PCI_COMMAND, &cmd);
	if (!(cmd & PCI_COMMAND_MASTER) || PCI_POSSIBLE_ERROR(cmd))
		return false;
	pci_write_config_word(dev, PCI_COMMAND, cmd & ~PCI_COMMAND_MASTER);
	if (pci_wait_for_pending_transaction(dev))
		pci_notice(dev, "live update: %s; bus mastering is off\n", why);
	else
		pci_err(dev, "live update: %s; bus mastering is off, but the device has transactions pending: reboot the machine\n",
			why);
	return true;
}

/**
 * pci_in_is_checked - is the list known to be as the previous kernel wrote it?
 *
 * Context: while the list is in use
 * Return: true when its checksum was right.
 */
bool pci_in_is_checked(void)
{
	return pci_in_sizes;
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
		if (pci_is_endpoint(dev)) {
			pci_in_stop(dev, "no file came in for the device");
			pm_runtime_put(&dev->dev);
		}
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
 * pci_in_check_reset - is a device as it is after a reset?
 * @dev: the device, which came in
 *
 * The previous kernel has masked its interrupts, at the least. If that is gone it was
 * reset, or there is another device in its place.
 */
void pci_in_check_reset(struct pci_dev *dev)
{
	u16 cmd;

	if (!pci_is_endpoint(dev))
		return;
	pci_read_config_word(dev, PCI_COMMAND, &cmd);
	if (cmd & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		   PCI_COMMAND_INTX_DISABLE))
		return;
	pci_liveupdate_lose(dev, "was reset, or replaced, during the update");
	pci_warn(dev, "live update: the device is as after a reset; finish its session, and use it afresh\n");
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
 * pci_liveupdate_retrieve - may the file of a device be retrieved?
 * @dev: the device
 *
 * For &liveupdate_file_ops.retrieve, which fails if this does. The device is not as
 * the previous kernel left it, so it is of no use to who had it. Its driver can use it
 * afresh when the session is finished.
 *
 * Context: may sleep
 * Return: 0; -ENODEV when the device did not come in, or is finished; -EIO when it, or
 * a bridge above it, was unplugged, or had an error, since or during the update.
 */
int pci_liveupdate_retrieve(struct pci_dev *dev)
{
	scoped_guard(mutex, &pci_liveupdate_lock) {
		if (!dev->liveupdate.incoming)
			return -ENODEV;
		dev->liveupdate.claimed = true;
	}
	return pci_report_lost(dev, "finish its session, and use it afresh");
}
EXPORT_SYMBOL_GPL(pci_liveupdate_retrieve);

/* What came in with @dev is done with, for it and for the bridges above it. */
static void pci_in_put_path(struct pci_dev *dev)
{
	u16 nr = dev->liveupdate.incoming;

	for (; dev; dev = pci_upstream_bridge(dev))
		WRITE_ONCE(dev->liveupdate.incoming,
			   dev->liveupdate.incoming -
			   min(nr, dev->liveupdate.incoming));
}

/**
 * pci_liveupdate_get_incoming - the device of a file that does not say which
 *
 * What a file says of its device can be damaged. When the files of all other devices
 * that came in were retrieved, or are finished, the one that is left is its device.
 * &liveupdate_file_ops.finish stops that one, &liveupdate_file_ops.can_finish waits for
 * it: before, memory of the session may be in use.
 *
 * Context: may sleep
 * Return: the device, which the caller puts; NULL when no device is left; or
 * ERR_PTR(-EBUSY) when it may be one of several, or one that was not found yet.
 */
struct pci_dev *pci_liveupdate_get_incoming(void)
{
	struct pci_dev *dev = NULL, *left = NULL;

	guard(mutex)(&pci_liveupdate_lock);
	for_each_pci_dev(dev) {
		if (!pci_is_endpoint(dev) || !dev->liveupdate.incoming ||
		    dev->liveupdate.claimed)
			continue;
		if (left || !xa_empty(&pci_in)) {
			pci_dev_put(left);
			pci_dev_put(dev);
			return ERR_PTR(-EBUSY);
		}
		left = pci_dev_get(dev);
	}
	return left;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_get_incoming);

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
	/* As pci_liveupdate_keep_awake() has got it. */
	pm_runtime_put(&dev->dev);
	pci_in_put_path(dev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_finish);

/*
 * A device that was at work goes on with its old addresses as soon as it may master the
 * bus. Tried once: who binds it again knows better.
 */
static bool pci_in_reset_stray(struct pci_dev *dev)
{
	bool reset;

	if (!dev->liveupdate.stray)
		return true;
	dev->liveupdate.stray = false;
	reset = !pci_reset_function_locked(dev);
	if (reset)
		pci_info(dev, "live update: was reset before a driver binds it\n");
	else
		pci_err(dev, "live update: the device was at work, and cannot be reset; bind a driver that does reset it first\n");
	return reset;
}

/**
 * pci_liveupdate_forget - a device, or a bridge, is gone
 * @dev: the device, which has no driver, nor devices below it
 *
 * The bridges above it need not stay as they are for its sake any more.
 *
 * Context: may sleep
 */
void pci_liveupdate_forget(struct pci_dev *dev)
{
	guard(mutex)(&pci_liveupdate_lock);
	if (!dev->liveupdate.incoming)
		return;
	if (pci_is_endpoint(dev))
		pm_runtime_put_noidle(&dev->dev);
	pci_in_put_path(dev);
}

/**
 * pci_liveupdate_can_probe - may a driver bind a device?
 * @dev: the device, which is locked
 * @drv: the driver
 *
 * Context: may sleep
 * Return: false for a device that came in and a driver that cannot take it over; and
 * once for one that was stopped, but cannot be reset.
 */
bool pci_liveupdate_can_probe(struct pci_dev *dev, struct pci_driver *drv)
{
	scoped_guard(mutex, &pci_liveupdate_lock)
		dev->liveupdate.leaving = false;
	if (!pci_liveupdate_is_incoming(dev) || drv->liveupdate)
		return pci_in_reset_stray(dev);
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

#ifdef CONFIG_PCI_LIVEUPDATE_KUNIT_TEST
#include "liveupdate_kunit.c"
#endif
