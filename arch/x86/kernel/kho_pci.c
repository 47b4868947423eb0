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

/* May a device other than a bridge master the bus? */
static bool __init is_master(u8 bus, u8 slot, u8 func)
{
	if (read_pci_config_16(bus, slot, func, PCI_VENDOR_ID) == 0xffff)
		return false;
	if ((read_pci_config_byte(bus, slot, func, PCI_HEADER_TYPE) &
	     PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL ||
	    read_pci_config_byte(bus, slot, func, PCI_CLASS_DEVICE + 1) ==
	    PCI_BASE_CLASS_BRIDGE)
		return false;
	return read_pci_config_16(bus, slot, func, PCI_COMMAND) &
	       PCI_COMMAND_MASTER;
}

static void __init stop(u8 bus, u8 slot, u8 func)
{
	u16 cmd = read_pci_config_16(bus, slot, func, PCI_COMMAND);

	write_pci_config_16(bus, slot, func, PCI_COMMAND,
			    cmd & ~PCI_COMMAND_MASTER);
	/* The answer comes after all that the device has written before. */
	if (is_master(bus, slot, func))
		pr_err("%02x:%02x.%d may write to memory that is lost, and does not let its bus mastering be turned off: power the machine off\n",
		       bus, slot, func);
}

static void __init stop_devices(void)
{
	unsigned int nr = 0;

	if (!early_pci_allowed())
		return;
	for (unsigned int bdf = 0; bdf <= 0xffff; bdf++) {
		u8 bus = PCI_BUS_NUM(bdf), slot = PCI_SLOT(bdf);
		u8 func = PCI_FUNC(bdf);

		if (!is_master(bus, slot, func))
			continue;
		stop(bus, slot, func);
		pci_liveupdate_note_stopped(bdf);
		nr++;
	}
	if (nr)
		pr_warn("memory that devices may use is lost: bus mastering of %u devices is off\n",
			nr);
}

KHO_EARLY_LOST(pci, stop_devices);
