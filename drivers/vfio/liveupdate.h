/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices of vfio over a live update: what the rest of vfio calls.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef DRIVERS_VFIO_LIVEUPDATE_H
#define DRIVERS_VFIO_LIVEUPDATE_H

#include <linux/vfio.h>

#ifdef CONFIG_VFIO_PCI_LIVEUPDATE

/**
 * vfio_liveupdate_is_frozen - has the kexec begun, and the device goes on over it?
 * @device: the device
 *
 * Context: any
 * Return: true when files of the device must leave it alone.
 */
static inline bool vfio_liveupdate_is_frozen(struct vfio_device *device)
{
	return READ_ONCE(device->liveupdate.frozen);
}

/**
 * vfio_liveupdate_may_attach - may what translates for a device be changed?
 * @device: the device
 *
 * Context: with the lock of the device set held
 * Return: 0; -EBUSY when the device is preserved.
 */
static inline int vfio_liveupdate_may_attach(struct vfio_device *device)
{
	return READ_ONCE(device->liveupdate.preserved) ? -EBUSY : 0;
}

int vfio_liveupdate_may_open(struct vfio_device_file *df);

#else /* CONFIG_VFIO_PCI_LIVEUPDATE */

static inline bool vfio_liveupdate_is_frozen(struct vfio_device *device)
{
	return false;
}

static inline int vfio_liveupdate_may_attach(struct vfio_device *device)
{
	return 0;
}

static inline int vfio_liveupdate_may_open(struct vfio_device_file *df)
{
	return 0;
}

#endif /* CONFIG_VFIO_PCI_LIVEUPDATE */

#endif /* DRIVERS_VFIO_LIVEUPDATE_H */
