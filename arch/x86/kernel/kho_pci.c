// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): stops PCI devices when memory that they may use is lost.
 *
 * A device that the previous kernel has preserved is at work. When the handover is not
 * usable, or damaged, nobody knows which devices these are, or which memory they use,
 * and that memory is about to be given to others. PCI is not up yet, hence the access
 * by ports. Devices of other domains than the first are not found by it.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "PCI: live update: " fmt

#include <linux/init.h>
#include <linux/kho_early.h>
#include <linux/pci.h>
#include <linux/printk.h>

#include <asm/pci-direct.h>

static u8 __init header(u8 bus, u8 slot, u8 func)
{
	return read_pci_config_byte(bus, slot, func, PCI_HEADER_TYPE);
}

/* May a device other than a bridge master the bus? */
static bool __init is_master(u8 bus, u8 slot, u8 func)
{
	if (read_pci_config_16(bus, slot, func, PCI_VENDOR_ID) == 0xffff)
		return false;
	if ((header(bus, slot, func) & PCI_HEADER_TYPE_MASK) !=
	    PCI_HEADER_TYPE_NORMAL ||
	    read_pci_config_byte(bus, slot, func, PCI_CLASS_DEVICE + 1) ==
	    PCI_BASE_CLASS_BRIDGE)
		return false;
	return read_pci_config_16(bus, slot, func, PCI_COMMAND) &
	       PCI_COMMAND_MASTER;
}

/* Returns false if there is nothing to stop, or it does not let itself be stopped. */
static bool __init stop(u8 bus, u8 slot, u8 func)
{
	u16 cmd;

	if (!is_master(bus, slot, func))
		return false;
	pci_liveupdate_note_stopped(PCI_DEVID(bus, PCI_DEVFN(slot, func)));
	cmd = read_pci_config_16(bus, slot, func, PCI_COMMAND);
	write_pci_config_16(bus, slot, func, PCI_COMMAND,
			    cmd & ~PCI_COMMAND_MASTER);
	/* The answer comes after all that the device has written before. */
	if (!is_master(bus, slot, func))
		return true;
	pr_err("%02x:%02x.%d may write to memory that is lost, and does not let its bus mastering be turned off: power the machine off\n",
	       bus, slot, func);
	return false;
}

static unsigned int __init stop_functions(u8 bus, u8 slot)
{
	unsigned int nr = stop(bus, slot, 0);

	if (read_pci_config_16(bus, slot, 0, PCI_VENDOR_ID) != 0xffff &&
	    header(bus, slot, 0) & PCI_HEADER_TYPE_MFD)
		for (u8 func = 1; func < 8; func++)
			nr += stop(bus, slot, func);
	return nr;
}

static void __init stop_devices(void)
{
	unsigned int nr = 0;

	if (!early_pci_allowed()) {
		pr_err("memory that devices may use is lost, and they cannot be stopped with pci=noearly or pci=conf2: power the machine off\n");
		return;
	}
	for (unsigned int bus = 0; bus < 256; bus++)
		for (unsigned int slot = 0; slot < 32; slot++)
			nr += stop_functions(bus, slot);
	if (nr)
		pr_warn("memory that devices may use is lost: bus mastering of %u devices is off\n",
			nr);
}

KHO_EARLY_LOST(pci, stop_devices);
