/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices of vfio-pci over a live update: what the rest of vfio-pci calls.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef VFIO_PCI_LIVEUPDATE_H
#define VFIO_PCI_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/pci.h>
#include <linux/vfio_pci_core.h>

/**
 * vfio_pci_liveupdate_may_open - is a device as it was when it came in?
 * @pdev: the device, which is about to be opened
 *
 * Return: 0, also for one that did not come in; -EIO when it is lost: it would be
 * reset.
 */
static inline int vfio_pci_liveupdate_may_open(struct pci_dev *pdev)
{
	return pci_liveupdate_is_incoming(pdev) ? pci_liveupdate_retrieve(pdev) : 0;
}

/**
 * vfio_pci_liveupdate_saved - a device is opened, and its state was saved
 * @vdev:  the device
 * @reset: what an attempt to reset it has returned
 *
 * When the device came in, nothing has reset it. What is saved must not have it
 * master the bus when it is closed.
 */
static inline void vfio_pci_liveupdate_saved(struct vfio_pci_core_device *vdev,
					     int reset)
{
	struct pci_dev *pdev = vdev->pdev;

	if (!pci_liveupdate_is_incoming(pdev))
		return;
	/* A device that cannot be reset at all fails otherwise. */
	vdev->reset_works = !reset || reset == -EBUSY;
	pdev->saved_config_space[PCI_COMMAND / 4] &= ~(PCI_COMMAND_MASTER |
						       PCI_COMMAND_INTX_DISABLE);
}

/**
 * vfio_pci_liveupdate_opened - a device was opened
 * @vdev: the device
 *
 * When it came in, an interrupt may be pending. INTx is off until somebody has
 * asked for it.
 */
static inline void vfio_pci_liveupdate_opened(struct vfio_pci_core_device *vdev)
{
	if (pci_liveupdate_is_incoming(vdev->pdev))
		pci_intx(vdev->pdev, 0);
}

/**
 * vfio_pci_liveupdate_signal - the user can be told of a vector from now on
 * @vdev:    the device
 * @trigger: how the user is told
 *
 * When the device came in, interrupts may have got lost since the kexec began. One
 * for each vector stands for them.
 */
static inline void vfio_pci_liveupdate_signal(struct vfio_pci_core_device *vdev,
					      struct eventfd_ctx *trigger)
{
	if (pci_liveupdate_is_incoming(vdev->pdev))
		eventfd_signal(trigger);
}

#ifdef CONFIG_VFIO_PCI_LIVEUPDATE

int vfio_pci_liveupdate_init(struct pci_driver *driver);
void vfio_pci_liveupdate_exit(void);

#else /* CONFIG_VFIO_PCI_LIVEUPDATE */

static inline int vfio_pci_liveupdate_init(struct pci_driver *driver)
{
	return 0;
}

static inline void vfio_pci_liveupdate_exit(void) { }

#endif /* CONFIG_VFIO_PCI_LIVEUPDATE */

#endif /* VFIO_PCI_LIVEUPDATE_H */
