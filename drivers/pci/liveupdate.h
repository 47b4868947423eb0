/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices over a live update: what the rest of the PCI core calls.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef DRIVERS_PCI_LIVEUPDATE_H
#define DRIVERS_PCI_LIVEUPDATE_H

#include <linux/pci.h>

#ifdef CONFIG_PCI_LIVEUPDATE

/**
 * pci_liveupdate_is_held - must the device stay as it is?
 * @dev: the device, or a bridge
 *
 * Return: true when it, or a device below it, is preserved, or came in and is not
 * finished.
 */
static inline bool pci_liveupdate_is_held(struct pci_dev *dev)
{
	return READ_ONCE(dev->liveupdate.outgoing) ||
	       pci_liveupdate_is_incoming(dev);
}

/**
 * pci_liveupdate_lose - a device is being reset, is disconnected, or failed
 * @dev: the device, or a bridge
 *
 * If it is preserved, the update will be called off.
 *
 * Context: any
 */
static inline void pci_liveupdate_lose(struct pci_dev *dev)
{
	WRITE_ONCE(dev->liveupdate.lost, true);
}

/* liveupdate.c */
void pci_liveupdate_setup(struct pci_dev *dev);
bool pci_liveupdate_keeps_config(void);

/* liveupdate_out.c */
void pci_liveupdate_remove(struct pci_dev *dev);
bool pci_liveupdate_shutdown(struct pci_dev *dev);

/* liveupdate_in.c */
bool pci_liveupdate_can_probe(struct pci_dev *dev, struct pci_driver *drv);
bool pci_liveupdate_keeps_msix(struct pci_dev *dev, u16 ctrl);
bool pci_liveupdate_size_bar(struct pci_dev *dev, unsigned int bar, u64 *mask);
void pci_liveupdate_fix_bars(struct pci_dev *dev);
bool pci_liveupdate_adopt_acs(struct pci_dev *dev);
bool pci_liveupdate_adopt_ari(struct pci_dev *bridge);

#else /* CONFIG_PCI_LIVEUPDATE */

static inline bool pci_liveupdate_is_held(struct pci_dev *dev)
{
	return false;
}

static inline void pci_liveupdate_lose(struct pci_dev *dev) { }
static inline void pci_liveupdate_setup(struct pci_dev *dev) { }
static inline void pci_liveupdate_remove(struct pci_dev *dev) { }

static inline bool pci_liveupdate_shutdown(struct pci_dev *dev)
{
	return false;
}

static inline bool pci_liveupdate_can_probe(struct pci_dev *dev,
					    struct pci_driver *drv)
{
	return true;
}

static inline bool pci_liveupdate_keeps_config(void)
{
	return false;
}

static inline bool pci_liveupdate_keeps_msix(struct pci_dev *dev, u16 ctrl)
{
	return false;
}

static inline bool pci_liveupdate_size_bar(struct pci_dev *dev,
					   unsigned int bar, u64 *mask)
{
	return false;
}

static inline void pci_liveupdate_fix_bars(struct pci_dev *dev) { }

static inline bool pci_liveupdate_adopt_acs(struct pci_dev *dev)
{
	return false;
}

static inline bool pci_liveupdate_adopt_ari(struct pci_dev *bridge)
{
	return false;
}

#endif /* CONFIG_PCI_LIVEUPDATE */

#endif /* DRIVERS_PCI_LIVEUPDATE_H */
