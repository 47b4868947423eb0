// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of vfio over a live update: who may open and use them.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "vfio.h"

static bool vfio_is_incoming(struct vfio_device *device)
{
	return dev_is_pci(device->dev) &&
	       pci_liveupdate_is_incoming(to_pci_dev(device->dev));
}

/**
 * vfio_liveupdate_may_open - may a file open its device?
 * @df: the file, which has not opened the device yet
 *
 * A device that came in belongs to who had it before the update. The file that is
 * retrieved may open it, also if there is no IOMMU; a cdev is not made then.
 *
 * Context: may sleep; with the lock of the device set held
 * Return: 0; -EBUSY when the device came in, and is not finished, and this is
 * another file; -EPERM when there is no IOMMU and the caller lacks CAP_SYS_RAWIO.
 */
int vfio_liveupdate_may_open(struct vfio_device_file *df)
{
	struct vfio_device *device = df->device;

	lockdep_assert_held(&device->dev_set->lock);

	if (vfio_is_incoming(device) && device->liveupdate.taker != df)
		return -EBUSY;
	if (!df->group && vfio_device_is_noiommu(device) &&
	    !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return 0;
}

/**
 * vfio_liveupdate_device - find the device that a file stands for
 * @file: any file
 *
 * Return: the device, which stays as long as the file; or NULL.
 */
struct vfio_device *vfio_liveupdate_device(struct file *file)
{
	struct vfio_device_file *df = file->private_data;

	return file->f_op == &vfio_device_fops ? df->device : NULL;
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_device);

/**
 * vfio_liveupdate_is_open - has a file opened its device?
 * @file: a file for which there is a vfio_liveupdate_device()
 *
 * Return: false for one of a cdev that is not bound to an iommufd.
 */
bool vfio_liveupdate_is_open(struct file *file)
{
	struct vfio_device_file *df = file->private_data;

	/* Paired with smp_store_release() following vfio_df_open() */
	return smp_load_acquire(&df->access_granted);
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_is_open);

/**
 * vfio_liveupdate_set_preserved - refuse to change what translates for a device
 * @device:    the device
 * @preserved: whether to attach and to detach tables of an iommufd fails with -EBUSY
 *
 * Context: any
 */
void vfio_liveupdate_set_preserved(struct vfio_device *device, bool preserved)
{
	WRITE_ONCE(device->liveupdate.preserved, preserved);
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_set_preserved);

/**
 * vfio_liveupdate_set_frozen - refuse the use of a device, or allow it again
 * @device: the device
 * @frozen: whether all calls on its files fail with -EBUSY from now on. A call
 *          that began before may go on, and mappings of its memory remain
 *
 * Context: any
 */
void vfio_liveupdate_set_frozen(struct vfio_device *device, bool frozen)
{
	WRITE_ONCE(device->liveupdate.frozen, frozen);
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_set_frozen);

/**
 * vfio_liveupdate_take - make the file that may open a device that came in
 * @device: the device, which the caller keeps registered
 *
 * The file is like one of a cdev: VFIO_DEVICE_BIND_IOMMUFD opens the device.
 *
 * Context: may sleep
 * Return: the file; or an ERR_PTR: -ENODEV when the device has not come in, or is
 * being unregistered; -EBUSY when there is such a file; or an errno of making one.
 */
struct file *vfio_liveupdate_take(struct vfio_device *device)
{
	struct vfio_device_file *df;
	struct file *file;

	guard(mutex)(&device->dev_set->lock);
	if (!vfio_is_incoming(device))
		return ERR_PTR(-ENODEV);
	if (device->liveupdate.taker)
		return ERR_PTR(-EBUSY);

	df = vfio_allocate_device_file(device);
	if (IS_ERR(df))
		return ERR_CAST(df);
	/* Put by the release of the file. */
	if (!vfio_device_try_get_registration(device)) {
		kfree(df);
		return ERR_PTR(-ENODEV);
	}
	file = anon_inode_getfile_fmode("[vfio-device]", &vfio_device_fops, df,
					O_RDWR, FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file)) {
		vfio_device_put_registration(device);
		kfree(df);
		return file;
	}

	/* As for any file of a device: mappings can be found there. */
	file->f_mapping = device->inode->i_mapping;
	device->liveupdate.taker = df;
	return file;
}
EXPORT_SYMBOL_GPL(vfio_liveupdate_take);
