// SPDX-License-Identifier: GPL-2.0
/*
 * PCI devices over a live update: in the kernel that hands them over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pm_runtime.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "liveupdate_internal.h"

/* Protects what is below, and struct pci_dev_liveupdate of all devices. */
DEFINE_MUTEX(pci_liveupdate_lock);

/* For the next kernel; NULL while no file is preserved. */
static struct pci_ser *pci_out;

static struct pci_dev_ser *pci_out_find(struct pci_dev *dev)
{
	struct pci_dev_ser *entry = pci_out->devices;

	for (; entry < pci_out->devices + pci_out->nr_devices; entry++)
		if (entry->domain == pci_domain_nr(dev->bus) &&
		    entry->bdf == pci_dev_id(dev))
			return entry;
	return NULL;
}

static struct pci_bars_ser *pci_out_bars(struct pci_dev_ser *entry)
{
	return &pci_sizes(pci_out)->bars[entry - pci_out->devices];
}

static struct pci_dev_ser *pci_out_add(struct pci_dev *dev)
{
	struct pci_dev_ser *entry;
	struct pci_bars_ser *bars;

	if (pci_out->nr_devices == pci_out->max_nr_devices)
		return NULL;

	entry = &pci_out->devices[pci_out->nr_devices++];
	entry->domain = pci_domain_nr(dev->bus);
	entry->bdf = pci_dev_id(dev);
	bars = pci_out_bars(entry);
	for (int i = 0; i < PCI_LUO_NR_BARS; i++)
		bars->order[i] = pci_resource_len(dev, i) ?
				 ilog2(pci_resource_len(dev, i)) : 0;

	/* What is there from now on is news. */
	pci_aer_clear_fatal_status(dev);
	/* Before the error state is read, which is set before @lost. */
	smp_store_mb(dev->liveupdate.lost, NULL);
	return entry;
}

static int pci_out_get(struct pci_dev *dev)
{
	const char *lost = READ_ONCE(dev->liveupdate.lost);
	struct pci_dev_ser *entry = pci_out_find(dev);

	/* What has happened to a bridge goes for the devices below it that are kept. */
	if (lost && (entry || pci_liveupdate_is_incoming(dev))) {
		pci_err(dev, "live update: the bridge %s; close the sessions of all devices below it first\n",
			lost);
		return -EIO;
	}
	if (!entry)
		entry = pci_out_add(dev);
	if (!entry)
		return -ENOSPC;
	entry->refcount++;
	WRITE_ONCE(dev->liveupdate.outgoing, entry->refcount);
	return 0;
}

/* The last entry takes the place of one that is not used any more. */
static void pci_out_put(struct pci_dev *dev)
{
	struct pci_dev_ser *last, *entry = pci_out_find(dev);

	entry->refcount--;
	WRITE_ONCE(dev->liveupdate.outgoing, entry->refcount);
	if (entry->refcount)
		return;

	last = &pci_out->devices[--pci_out->nr_devices];
	*entry = *last;
	*pci_out_bars(entry) = *pci_out_bars(last);
	memset(pci_out_bars(last), 0, sizeof(struct pci_bars_ser));
	memset(last, 0, sizeof(*last));
}

/* Puts @dev and the bridges above it, up to but without @end. */
static void pci_out_put_path(struct pci_dev *dev, struct pci_dev *end)
{
	for (; dev != end; dev = pci_upstream_bridge(dev))
		pci_out_put(dev);
	pci_sizes(pci_out)->sum = pci_ser_sum(pci_out);
}

static int pci_out_get_path(struct pci_dev *dev)
{
	struct pci_dev *up;
	int err;

	for (up = dev; up; up = pci_upstream_bridge(up)) {
		err = pci_out_get(up);
		if (err) {
			pci_out_put_path(dev, up);
			return err;
		}
	}
	pci_sizes(pci_out)->sum = pci_ser_sum(pci_out);
	return 0;
}

/**
 * pci_liveupdate_flb_preserve - make a list with room for all devices
 * @args: the shared state
 *
 * Return: 0, -E2BIG, or an errno of kho_alloc_preserve().
 */
int pci_liveupdate_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct pci_dev *dev = NULL;
	struct pci_ser *ser;
	u32 nr = 0;

	for_each_pci_dev(dev)
		nr++;
	if (nr > PCI_LUO_MAX_DEVICES)
		return -E2BIG;
	ser = kho_alloc_preserve(pci_ser_size(nr) + pci_sizes_size(nr));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->max_nr_devices = nr;
	pci_sizes(ser)->magic = PCI_LUO_BARS_MAGIC;
	pci_sizes(ser)->sum = pci_ser_sum(ser);

	scoped_guard(mutex, &pci_liveupdate_lock)
		pci_out = ser;
	args->data = virt_to_phys(ser);
	args->obj = ser;
	return 0;
}

/**
 * pci_liveupdate_flb_unpreserve - free the list, in which no device is left
 * @args: the shared state
 */
void pci_liveupdate_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	scoped_guard(mutex, &pci_liveupdate_lock)
		pci_out = NULL;
	kho_unpreserve_free(args->obj);
}

static int pci_liveupdate_get(struct pci_dev *dev)
{
	int err;

	guard(mutex)(&pci_liveupdate_lock);
	if (!pci_out || !dev->driver || dev->liveupdate.leaving)
		return -EINVAL;
	if (dev->liveupdate.preserved || dev->liveupdate.incoming)
		return -EBUSY;
	err = pci_out_get_path(dev);
	if (err)
		return err;
	/* After pci_out_add(), so that no error is missed. */
	if (dev->current_state != PCI_D0 ||
	    dev->error_state != pci_channel_io_normal) {
		pci_out_put_path(dev, NULL);
		return -EIO;
	}
	dev->liveupdate.preserved = true;
	return 0;
}

/* vfio makes groups of devices without an IOMMU, too. */
static bool pci_is_translated(struct pci_dev *dev)
{
	return dev->dev.iommu && device_iommu_mapped(&dev->dev);
}

/**
 * pci_liveupdate_preserve - let a device go on over the kexec
 * @dev: the device
 *
 * For &liveupdate_file_ops.preserve of a handler that is linked to the shared
 * state of PCI devices, see pci_liveupdate_register_flb(). The driver keeps the
 * device as long as it is preserved, and its &pci_driver.shutdown leaves it alone.
 *
 * Context: may sleep
 * Return: 0; -EOPNOTSUPP for a bridge, a virtual function, or a device behind an
 * IOMMU, unless iommu_liveupdate_preserve() was called before; -EBUSY when it is
 * preserved, or came in and is not finished, or has virtual functions; -ENOSPC when
 * devices were added since the first one was preserved; -EIO when it does not work,
 * or a bridge above it was lost, of which other devices are kept; -EINVAL when it has
 * no driver, or the handler is not linked; or an errno of pm_runtime_resume_and_get().
 */
int pci_liveupdate_preserve(struct pci_dev *dev)
{
	int err;

	if (!pci_is_endpoint(dev) || dev->is_virtfn ||
	    (pci_is_translated(dev) &&
	     !iommu_liveupdate_is_preserved(&dev->dev)))
		return -EOPNOTSUPP;
	if (pci_num_vf(dev))
		return -EBUSY;

	/* The bridges above it stay awake, too. */
	err = pm_runtime_resume_and_get(&dev->dev);
	if (err)
		return err;
	err = pci_liveupdate_get(dev);
	if (err)
		pm_runtime_put(&dev->dev);
	else
		pci_dev_get(dev);
	return err;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_preserve);

/**
 * pci_liveupdate_unpreserve - undo pci_liveupdate_preserve()
 * @dev: the device, which may be gone by now
 *
 * Context: may sleep
 */
void pci_liveupdate_unpreserve(struct pci_dev *dev)
{
	scoped_guard(mutex, &pci_liveupdate_lock) {
		if (WARN_ON(!dev->liveupdate.preserved))
			return;
		dev->liveupdate.preserved = false;
		if (dev->liveupdate.outgoing)
			pci_out_put_path(dev, NULL);
	}
	pm_runtime_put(&dev->dev);
	pci_dev_put(dev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_unpreserve);

/* The first that is lost of the device and the bridges above it, or NULL. */
static struct pci_dev *pci_lost_above(struct pci_dev *dev)
{
	for (; dev; dev = pci_upstream_bridge(dev)) {
		/* It may have happened while the device was being preserved. */
		pci_liveupdate_set_io_state(dev, dev->error_state);
		if (READ_ONCE(dev->liveupdate.lost))
			return dev;
	}
	return NULL;
}

/**
 * pci_report_lost - say why a device cannot go on, if it is lost
 * @dev: the device
 * @advice: what the user should do
 *
 * Return: 0, or -EIO when it is lost.
 */
int pci_report_lost(struct pci_dev *dev, const char *advice)
{
	struct pci_dev *lost = pci_lost_above(dev);

	if (!lost)
		return 0;
	pci_err(dev, "live update: %s %s; %s\n", pci_name(lost),
		READ_ONCE(lost->liveupdate.lost), advice);
	return -EIO;
}

/**
 * pci_liveupdate_freeze - may the kexec go ahead?
 * @dev: a preserved device
 *
 * For &liveupdate_file_ops.freeze, which fails if this does.
 *
 * Context: may sleep
 * Return: 0; -EIO when the device, or a bridge above it, was lost since it was
 * preserved: it was unplugged, had an error, or is being taken from its driver.
 */
int pci_liveupdate_freeze(struct pci_dev *dev)
{
	return pci_report_lost(dev, "close its session, and preserve it again");
}
EXPORT_SYMBOL_GPL(pci_liveupdate_freeze);

static const char pci_lost_driver[] = "lost its driver";

static bool pci_out_lose_driver(struct pci_dev *dev)
{
	guard(mutex)(&pci_liveupdate_lock);
	dev->liveupdate.leaving = true;
	/* One that is not handed over keeps its driver all the same. */
	if (!dev->liveupdate.outgoing && !dev->liveupdate.preserved)
		return false;
	pci_liveupdate_lose(dev, pci_lost_driver);
	return true;
}

/* The kernel is replaced meanwhile. Who shuts devices down gets the lock. */
static void pci_out_keep_driver(struct pci_dev *dev)
{
	cmpxchg(&dev->liveupdate.lost, pci_lost_driver, NULL);
	pci_warn(dev, "live update: the device keeps its driver, since the kexec has begun\n");
	device_unlock(&dev->dev);
	for (;;) {
		set_current_state(TASK_IDLE);
		schedule();
	}
}

/**
 * pci_liveupdate_remove - a device is about to be taken from its driver
 * @dev: the device
 *
 * It may be about to vanish, with the bridges above it. The driver may wait for its
 * files to be closed, and has to be waited for when devices are shut down, so the
 * kexec must not go ahead meanwhile. Once it has begun this does not return, and the
 * device remains as it is.
 *
 * Context: may sleep; the device is locked
 */
void pci_liveupdate_remove(struct pci_dev *dev)
{
	if (!pci_out_lose_driver(dev))
		return;
	if (liveupdate_goes_ahead())
		pci_out_keep_driver(dev);

	guard(mutex)(&pci_liveupdate_lock);
	if (!dev->liveupdate.outgoing)
		return;
	pci_warn(dev, "live update: the device is preserved, and loses its driver\n");
	if (dev->liveupdate.preserved)
		pci_out_put_path(dev, NULL);
}

static void pci_mask_interrupts(struct pci_dev *dev)
{
	u16 word;

	pci_read_config_word(dev, PCI_COMMAND, &word);
	pci_write_config_word(dev, PCI_COMMAND, word | PCI_COMMAND_INTX_DISABLE);
	if (dev->msi_cap) {
		pci_read_config_word(dev, dev->msi_cap + PCI_MSI_FLAGS, &word);
		pci_write_config_word(dev, dev->msi_cap + PCI_MSI_FLAGS,
				      word & ~PCI_MSI_FLAGS_ENABLE);
	}
	if (dev->msix_cap) {
		pci_read_config_word(dev, dev->msix_cap + PCI_MSIX_FLAGS, &word);
		pci_write_config_word(dev, dev->msix_cap + PCI_MSIX_FLAGS,
				      word | PCI_MSIX_FLAGS_MASKALL);
	}
}

/*
 * It may go on when a driver of the next kernel lets it master the bus, before that
 * resets it. If it is out of reach, and is reached again by then, the next kernel
 * stops it.
 */
static void pci_out_stop(struct pci_dev *dev)
{
	struct pci_dev *bridge = pci_upstream_bridge(dev);
	u16 cmd;
	int err;

	pci_clear_master(dev);
	pci_read_config_word(dev, PCI_COMMAND, &cmd);
	if (PCI_POSSIBLE_ERROR(cmd))
		return;
	if (!pci_wait_for_pending_transaction(dev))
		pci_err(dev, "live update: bus mastering is off, but the device has transactions pending: reboot the machine\n");

	if (bridge)
		pci_cfg_access_lock(bridge);
	pci_cfg_access_lock(dev);
	pci_save_state(dev);
	err = __pci_reset_function_locked(dev);
	pci_restore_state(dev);
	pci_mask_interrupts(dev);
	pci_cfg_access_unlock(dev);
	if (bridge)
		pci_cfg_access_unlock(bridge);
	if (err)
		pci_warn(dev, "live update: the device cannot be reset; do not let a driver bind it that does not reset it first\n");
}

static bool pci_out_drop(struct pci_dev *dev)
{
	guard(mutex)(&pci_liveupdate_lock);
	if (!dev->liveupdate.preserved || !dev->liveupdate.outgoing ||
	    !pci_report_lost(dev, "the device is not handed over"))
		return false;
	pci_out_put_path(dev, NULL);
	return true;
}

/* It is too late to call the kexec off. They are not where they would be looked for. */
static void pci_out_drop_lost(void)
{
	struct pci_dev *dev = NULL;

	/* pci_out_keep_driver() is about to be called for these. */
	for_each_pci_dev(dev)
		cmpxchg(&dev->liveupdate.lost, pci_lost_driver, NULL);
	for_each_pci_dev(dev)
		if (pci_out_drop(dev))
			pci_out_stop(dev);
}

/**
 * pci_liveupdate_shutdown - keep a device going over the kexec, if it is preserved
 * @dev: the device or bridge, whose driver has shut it down
 *
 * Its interrupts are masked: their vectors are the old kernel's. With MSI-X the
 * device remembers meanwhile which ones are pending.
 *
 * Context: may sleep
 * Return: true when it goes on.
 */
bool pci_liveupdate_shutdown(struct pci_dev *dev)
{
	if (!READ_ONCE(dev->liveupdate.outgoing))
		return false;
	pci_out_drop_lost();
	if (!READ_ONCE(dev->liveupdate.outgoing))
		return false;
	if (pci_is_endpoint(dev))
		pci_mask_interrupts(dev);
	return true;
}
