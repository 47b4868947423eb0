/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices over a live update: what its own files share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef DRIVERS_PCI_LIVEUPDATE_INTERNAL_H
#define DRIVERS_PCI_LIVEUPDATE_INTERNAL_H

#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/xxhash.h>

#include "pci.h"

/* No machine has more. What is larger is damaged. */
#define PCI_LUO_MAX_DEVICES	65536

/* In liveupdate_out.c. Inside of LUO's locks of shared state. */
extern struct mutex pci_liveupdate_lock;

static inline size_t pci_ser_size(u32 nr)
{
	return struct_size_t(struct pci_ser, devices, nr);
}

static inline size_t pci_sizes_size(u32 nr)
{
	return struct_size_t(struct pci_sizes_ser, bars, nr);
}

/* Behind the last entry. The number of entries must be right. */
static inline struct pci_sizes_ser *pci_sizes(struct pci_ser *ser)
{
	return (void *)ser + pci_ser_size(ser->max_nr_devices);
}

static inline u64 pci_ser_sum(struct pci_ser *ser)
{
	u32 nr = ser->max_nr_devices;

	return xxh64(ser, pci_ser_size(nr),
		     xxh64(pci_sizes(ser)->bars, nr * sizeof(struct pci_bars_ser), 0));
}

/* Of bridges that look like one, as host bridges do, some never stop. */
static inline bool pci_is_endpoint(struct pci_dev *dev)
{
	return dev->hdr_type == PCI_HEADER_TYPE_NORMAL &&
	       dev->class >> 16 != PCI_BASE_CLASS_BRIDGE;
}

/* liveupdate_out.c */
int pci_report_lost(struct pci_dev *dev, const char *advice);
int pci_liveupdate_flb_preserve(struct liveupdate_flb_op_args *args);
void pci_liveupdate_flb_unpreserve(struct liveupdate_flb_op_args *args);

/* liveupdate_in.c */
bool pci_in_take(struct pci_dev *dev);
void pci_in_check_reset(struct pci_dev *dev);
bool pci_in_stop(struct pci_dev *dev, const char *why);
bool pci_in_is_checked(void);
int pci_liveupdate_flb_retrieve(struct liveupdate_flb_op_args *args);
void pci_liveupdate_flb_finish(struct liveupdate_flb_op_args *args);

#endif /* DRIVERS_PCI_LIVEUPDATE_INTERNAL_H */
