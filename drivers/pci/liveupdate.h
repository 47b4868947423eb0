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
 * finished; false when it is lost, for then nothing of it can go on.
 */
static inline bool pci_liveupdate_is_held(struct pci_dev *dev)
{
	return (READ_ONCE(dev->liveupdate.outgoing) ||
		pci_liveupdate_is_incoming(dev)) &&
	       !READ_ONCE(dev->liveupdate.lost);
}

/**
 * pci_liveupdate_lose - a device is not any more what it was
 * @dev: the device, or a bridge
 * @what: has happened to it, as "was reset"; a constant
 *
 * If it is preserved, the kexec will be called off. If it came in, its file cannot
 * be retrieved.
 *
 * Context: any
 */
static inline void pci_liveupdate_lose(struct pci_dev *dev, const char *what)
{
	cmpxchg(&dev->liveupdate.lost, NULL, what);
}

/**
 * pci_liveupdate_set_io_state - the error state of a device has changed
 * @dev: the device, or a bridge
 * @state: the new one, which is set: who clears &pci_dev_liveupdate.lost looks at it
 *	   afterwards
 *
 * Context: any
 */
static inline void pci_liveupdate_set_io_state(struct pci_dev *dev,
					       pci_channel_state_t state)
{
	if (state == pci_channel_io_perm_failure)
		pci_liveupdate_lose(dev, "was unplugged");
	else if (state == pci_channel_io_frozen)
		pci_liveupdate_lose(dev, "had a fatal error");
}

/* liveupdate.c */
void pci_liveupdate_setup(struct pci_dev *dev);
bool pci_liveupdate_keeps_config(void);

/* liveupdate_out.c */
void pci_liveupdate_remove(struct pci_dev *dev);
bool pci_liveupdate_shutdown(struct pci_dev *dev);

/* liveupdate_events.c */
bool pci_liveupdate_holds_slot(struct pci_bus *bus, int nr);
bool pci_liveupdate_refuses_sleep(struct pci_dev *dev);
bool pci_liveupdate_refuses_reset(struct pci_dev *bridge);
bool pci_liveupdate_leaves_slot(struct pci_dev *port);
void pci_liveupdate_keep_awake(struct pci_dev *dev);
void pci_liveupdate_check_errors(struct pci_dev *dev);

/* liveupdate_in.c */
void pci_liveupdate_forget(struct pci_dev *dev);
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

static inline void pci_liveupdate_lose(struct pci_dev *dev, const char *what) { }
static inline void pci_liveupdate_set_io_state(struct pci_dev *dev,
					       pci_channel_state_t state) { }
static inline void pci_liveupdate_setup(struct pci_dev *dev) { }
static inline void pci_liveupdate_remove(struct pci_dev *dev) { }

static inline bool pci_liveupdate_shutdown(struct pci_dev *dev)
{
	return false;
}

static inline bool pci_liveupdate_holds_slot(struct pci_bus *bus, int nr)
{
	return false;
}

static inline bool pci_liveupdate_refuses_sleep(struct pci_dev *dev)
{
	return false;
}

static inline bool pci_liveupdate_refuses_reset(struct pci_dev *bridge)
{
	return false;
}

static inline bool pci_liveupdate_leaves_slot(struct pci_dev *port)
{
	return false;
}

static inline void pci_liveupdate_keep_awake(struct pci_dev *dev) { }
static inline void pci_liveupdate_check_errors(struct pci_dev *dev) { }
static inline void pci_liveupdate_forget(struct pci_dev *dev) { }

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
