// SPDX-License-Identifier: GPL-2.0
/*
 * PCI devices over a live update: what happens to them meanwhile.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Events
 *
 * What is asked for is refused while a device is preserved, or came in and is not
 * finished, and that is so for the bridges above it: to remove it, to reset it, to
 * turn its slot off, to put it or the system to sleep.
 *
 * What happens all the same makes a device "lost": it is unplugged, has an error, or
 * is taken from its driver. The rest of the kernel deals with it as ever then, and
 * nothing is refused any more. A preserved device that is lost calls the kexec off
 * until its session is closed. If it is too late for that, the device is not handed
 * over, and is stopped and reset. The file of one that came in cannot be retrieved.
 */

#include <linux/aer.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/pm_runtime.h>
#include <linux/rwsem.h>

#include "liveupdate_internal.h"

/**
 * pci_liveupdate_holds_slot - must a slot remain turned on?
 * @bus: the bus that the slot is on
 * @nr: of the slot on the bus, or -1 for all of the bus
 *
 * Context: may sleep
 * Return: true, with a message, when a device in the slot, or below it, must stay as
 * it is.
 */
bool pci_liveupdate_holds_slot(struct pci_bus *bus, int nr)
{
	struct pci_dev *dev;

	guard(rwsem_read)(&pci_bus_sem);
	list_for_each_entry(dev, &bus->devices, bus_list) {
		if ((nr >= 0 && PCI_SLOT(dev->devfn) != nr) ||
		    !pci_liveupdate_is_held(dev))
			continue;
		pci_notice(dev, "live update: the slot remains turned on; close the sessions of the devices in it first\n");
		return true;
	}
	return false;
}

/**
 * pci_liveupdate_refuses_sleep - must the system stay awake for a device?
 * @dev: the device, or a bridge
 *
 * Return: true, with a message, when it must stay as it is.
 */
bool pci_liveupdate_refuses_sleep(struct pci_dev *dev)
{
	if (!pci_liveupdate_is_held(dev))
		return false;
	pci_notice(dev, "live update: the system stays awake; close the sessions of devices first\n");
	return true;
}

/**
 * pci_liveupdate_refuses_reset - is a link left as it is, although it has failed?
 * @bridge: above the link; all devices below it are lost already
 *
 * Once the kexec has begun the devices cannot be used afresh before the next kernel
 * runs. That finds what is below by the bus numbers of bridges, which a reset clears.
 * After DPC the link has been reset, and is not asked about.
 *
 * Context: may sleep
 * Return: true, with a message, when it must not be reset.
 */
bool pci_liveupdate_refuses_reset(struct pci_dev *bridge)
{
	if (!READ_ONCE(bridge->liveupdate.outgoing) || !liveupdate_goes_ahead())
		return false;
	pci_err(bridge, "live update: the link has failed, and is not reset, since the kexec has begun\n");
	return true;
}

static int pci_let_go(struct pci_dev *dev, void *preserved)
{
	dev->liveupdate.leaving = true;
	*(bool *)preserved |= dev->liveupdate.preserved;
	return 0;
}

/* From now on none below the port is preserved. Is any already? */
static bool pci_has_preserved(struct pci_dev *port)
{
	bool preserved = false;

	guard(mutex)(&pci_liveupdate_lock);
	pci_walk_bus(port->subordinate, pci_let_go, &preserved);
	return preserved;
}

/**
 * pci_liveupdate_leaves_slot - is a slot left as it is, although its card has gone?
 * @port: above the slot; its card has gone, or is to be turned off
 *
 * To take the card from its driver may mean to wait for files to be closed. Once the
 * kexec has begun nobody closes them any more, and the shutdown would wait, too.
 *
 * Context: may sleep
 * Return: true, with a message, when nothing is to be done. The devices that were
 * below are not handed over.
 */
bool pci_liveupdate_leaves_slot(struct pci_dev *port)
{
	if (!pci_has_preserved(port))
		return false;
	/* First: the kexec may begin while the devices are being removed. */
	pci_liveupdate_lose(port, "has lost its card");
	if (!liveupdate_goes_ahead())
		return false;
	pci_err(port, "live update: the card in the slot has gone, or has lost its link, and is left to the next kernel, since the kexec has begun\n");
	return true;
}

/**
 * pci_liveupdate_keep_awake - keep a device awake that came in
 * @dev: the device, with runtime power management
 *
 * The bridges above it stay awake, too. pci_liveupdate_finish() undoes it.
 */
void pci_liveupdate_keep_awake(struct pci_dev *dev)
{
	if (pci_is_endpoint(dev) && pci_liveupdate_is_incoming(dev))
		pm_runtime_get_noresume(&dev->dev);
}

#ifdef CONFIG_PCIEAER
/**
 * pci_liveupdate_check_errors - has a device failed while no kernel could notice?
 * @dev: the device, with AER
 *
 * The previous kernel has cleared what it knew of.
 */
void pci_liveupdate_check_errors(struct pci_dev *dev)
{
	u32 status, severity, mask;

	if (!pci_liveupdate_is_incoming(dev) || !pcie_aer_is_native(dev))
		return;
	pci_read_config_dword(dev, dev->aer_cap + PCI_ERR_UNCOR_STATUS, &status);
	pci_read_config_dword(dev, dev->aer_cap + PCI_ERR_UNCOR_SEVER, &severity);
	pci_read_config_dword(dev, dev->aer_cap + PCI_ERR_UNCOR_MASK, &mask);
	status &= ~mask;
	if (!status)
		return;
	pci_warn(dev, "live update: errors during the update, as uncorrectable error status tells: %#x\n",
		 status);
	if (status & severity)
		pci_liveupdate_lose(dev, "had a fatal error");
}
#endif
