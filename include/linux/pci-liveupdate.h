/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices over a live update: interface for drivers, by way of linux/pci.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_PCI_LIVEUPDATE_H
#define _LINUX_PCI_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/types.h>

struct liveupdate_file_handler;
struct pci_dev;

#ifdef CONFIG_PCI_LIVEUPDATE

#include <linux/kho/abi/pci.h>

/**
 * struct pci_dev_liveupdate - what live update knows about a device
 * @outgoing:  preserved endpoints: the device itself, or those below the bridge
 * @incoming:  endpoints that came in and are not finished, likewise
 * @lost:      what has happened to it since it was preserved, or came in, so that it
 *	       is not as it was; or NULL
 * @preserved: between pci_liveupdate_preserve() and pci_liveupdate_unpreserve()
 * @leaving:   it is being taken from its driver
 * @claimed:   came in, and pci_liveupdate_retrieve() was called for its file
 * @stray:     was at work and is in no list that came in, or memory that it may use is
 *	       lost, so that it is to be reset before a driver binds it
 * @adopted:   came in, finished or not: @acs_ctrl is valid
 * @sized:     @bars is valid
 * @acs_ctrl:  ACS control, as it came in
 * @bars:      sizes of the BARs, as they came in
 *
 * Written with pci_liveupdate_lock held; @lost by anybody, and cleared with the
 * lock held. Read without it.
 */
struct pci_dev_liveupdate {
	u16 outgoing;
	u16 incoming;
	const char *lost;
	bool preserved;
	bool leaving;
	bool claimed;
	bool stray;
	bool adopted;
	bool sized;
	u16 acs_ctrl;
	struct pci_bars_ser bars;
};

int pci_liveupdate_register_flb(struct liveupdate_file_handler *fh);
void pci_liveupdate_unregister_flb(struct liveupdate_file_handler *fh);
int pci_liveupdate_preserve(struct pci_dev *dev);
void pci_liveupdate_unpreserve(struct pci_dev *dev);
int pci_liveupdate_freeze(struct pci_dev *dev);
int pci_liveupdate_retrieve(struct pci_dev *dev);
void pci_liveupdate_finish(struct pci_dev *dev);
bool pci_liveupdate_is_incoming(struct pci_dev *dev);
struct pci_dev *pci_liveupdate_get_incoming(void);
void pci_liveupdate_note_stopped(u16 bdf);

#else /* CONFIG_PCI_LIVEUPDATE */

static inline int
pci_liveupdate_register_flb(struct liveupdate_file_handler *fh)
{
	return -EOPNOTSUPP;
}

static inline void
pci_liveupdate_unregister_flb(struct liveupdate_file_handler *fh) { }

static inline int pci_liveupdate_preserve(struct pci_dev *dev)
{
	return -EOPNOTSUPP;
}

static inline void pci_liveupdate_unpreserve(struct pci_dev *dev) { }

static inline int pci_liveupdate_freeze(struct pci_dev *dev)
{
	return -EOPNOTSUPP;
}

static inline int pci_liveupdate_retrieve(struct pci_dev *dev)
{
	return -EOPNOTSUPP;
}

static inline void pci_liveupdate_finish(struct pci_dev *dev) { }

static inline bool pci_liveupdate_is_incoming(struct pci_dev *dev)
{
	return false;
}

static inline struct pci_dev *pci_liveupdate_get_incoming(void)
{
	return NULL;
}

#endif /* CONFIG_PCI_LIVEUPDATE */

#endif /* _LINUX_PCI_LIVEUPDATE_H */
