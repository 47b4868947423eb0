/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of PCI devices that a live update preserves.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_PCI_H
#define _LINUX_KHO_ABI_PCI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define PCI_LUO_FLB_COMPATIBLE	"pci-v2"

/**
 * struct pci_dev_ser - a preserved device, or a bridge above one
 * @domain:   PCI domain
 * @bdf:      bus in bits 15-8, device and function in bits 7-0
 * @refcount: 1 for an endpoint; for a bridge, how many preserved endpoints are
 *            below it; 0 for an entry that is not used
 */
struct pci_dev_ser {
	u32 domain;
	u16 bdf;
	u16 refcount;
} __packed;

static_assert(sizeof(struct pci_dev_ser) == 8);
static_assert(offsetof(struct pci_dev_ser, bdf) == 4);
static_assert(offsetof(struct pci_dev_ser, refcount) == 6);

/**
 * struct pci_ser - all preserved devices
 * @max_nr_devices: entries in @devices
 * @nr_devices:     of these, how many are used
 * @devices:        the devices and bridges. The entries that are used come first
 */
struct pci_ser {
	u32 max_nr_devices;
	u32 nr_devices;
	struct pci_dev_ser devices[];
} __packed;

static_assert(sizeof(struct pci_ser) == 8);
static_assert(offsetof(struct pci_ser, nr_devices) == 4);

#define PCI_LUO_BARS_MAGIC	0x687878737261622aULL	/* "*barsxxh" */
#define PCI_LUO_NR_BARS		7

/**
 * struct pci_bars_ser - how large the BARs of a device are
 * @order: log2 of the bytes of each of the six BARs, and of the expansion ROM; 0
 *         for one that does not exist
 * @reserved: 0
 */
struct pci_bars_ser {
	u8 order[PCI_LUO_NR_BARS];
	u8 reserved;
} __packed;

static_assert(sizeof(struct pci_bars_ser) == 8);

/**
 * struct pci_sizes_ser - sizes of BARs, behind the last entry of
 *			  &struct pci_ser
 * @magic: PCI_LUO_BARS_MAGIC
 * @sum:   XXH64 of the &struct pci_ser with all its entries, used or not, whose
 *         seed is the XXH64, seed 0, of @bars
 * @bars:  as many as there are entries, in the same order
 *
 * Not part of the format: kernels that do not know it leave zeroes there, or no
 * room, and do not look at it. A kernel that gets it need not disturb a device to
 * find the sizes, and knows that nothing is damaged.
 */
struct pci_sizes_ser {
	u64 magic;
	u64 sum;
	struct pci_bars_ser bars[];
} __packed;

static_assert(sizeof(struct pci_sizes_ser) == 16);
static_assert(offsetof(struct pci_sizes_ser, sum) == 8);

#endif /* _LINUX_KHO_ABI_PCI_H */
