/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices of vfio over a live update: interface for drivers, by way of linux/vfio.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_VFIO_LIVEUPDATE_H
#define _LINUX_VFIO_LIVEUPDATE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct file;
struct vfio_device;
struct vfio_device_file;

#ifdef CONFIG_VFIO_PCI_LIVEUPDATE

/**
 * struct vfio_device_liveupdate - what live update knows about a device
 * @taker:  of a device that came in, the only file that may open it; NULL until
 *          the file is retrieved. Protected by the lock of the device set
 * @preserved: nothing is attached or detached
 * @frozen: the kexec is about to happen: files are of no use any more. Read
 *          without a lock
 */
struct vfio_device_liveupdate {
	struct vfio_device_file *taker;
	bool preserved;
	bool frozen;
};

struct vfio_device *vfio_liveupdate_device(struct file *file);
bool vfio_liveupdate_is_open(struct file *file);
void vfio_liveupdate_set_preserved(struct vfio_device *device, bool preserved);
void vfio_liveupdate_set_frozen(struct vfio_device *device, bool frozen);
struct file *vfio_liveupdate_take(struct vfio_device *device);

#endif /* CONFIG_VFIO_PCI_LIVEUPDATE */

#endif /* _LINUX_VFIO_LIVEUPDATE_H */
