// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of vfio-pci over a live update: the handler of their files.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Devices of vfio-pci
 *
 * A file of a device that a program has opened can be preserved. The device goes on
 * as any PCI device that is preserved, see Documentation/PCI/liveupdate.rst: it is
 * neither reset nor stopped. When the kexec begins, calls on its files fail.
 *
 * In the next kernel vfio-pci can bind the device, and then the file can be
 * retrieved. It is like a newly opened file of a cdev: VFIO_DEVICE_BIND_IOMMUFD
 * opens the device with it, without a reset. No other file can open the device
 * until the session is finished. A device that is not opened by then is stopped.
 *
 * Behind an IOMMU the device goes on being translated, see
 * Documentation/PCI/liveupdate-iommu.rst. When it is attached to an IOAS the tables
 * that it came in with become the IOAS's.
 *
 * For each vector that the user sets up before the session is finished there is
 * one event, whether or not an interrupt is pending.
 */

#define pr_fmt(fmt) "vfio-pci: live update: " fmt

#include <linux/bitfield.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/iommu-liveupdate.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>
#include <linux/xxhash.h>

#include <linux/kho/abi/vfio_pci.h>

#include "vfio_pci_liveupdate.h"
#include "vfio_pci_priv.h"

/* Its devices are preserved. Variant drivers have another. */
static struct pci_driver *vfio_pci_lu_driver;

static struct pci_dev *vfio_pci_lu_pdev(struct file *file)
{
	return to_pci_dev(vfio_liveupdate_device(file)->dev);
}

static bool vfio_pci_lu_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	struct vfio_device *device = vfio_liveupdate_device(file);

	return device && device->dev->driver == &vfio_pci_lu_driver->driver;
}

/* All files of a device stand for the same. */
static unsigned long vfio_pci_lu_get_id(struct file *file)
{
	return (unsigned long)vfio_liveupdate_device(file);
}

static u64 vfio_pci_lu_sum(u64 address, u32 identity)
{
	return FIELD_PREP(VFIO_PCI_LUO_SUM,
			  xxh64(&address, sizeof(address), identity) &
			  FIELD_MAX(VFIO_PCI_LUO_SUM));
}

static int vfio_pci_lu_preserve(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device = vfio_liveupdate_device(args->file);
	struct pci_dev *pdev = to_pci_dev(device->dev);
	u64 address;
	int err = 0;

	/* Nothing is attached meanwhile, nor afterwards. */
	guard(mutex)(&device->dev_set->lock);
	if (!vfio_liveupdate_is_open(args->file))
		return -EINVAL;
	/* Others draw on it, and own its legacy resources. */
	if (vfio_pci_is_vga(pdev))
		return -EOPNOTSUPP;
	/* None in a group without an IOMMU. A container would go on unmapping. */
	if (pdev->dev.iommu)
		err = device->cdev_opened ?
		      iommufd_device_preserve(device->iommufd_device,
					      args->session) :
		      -EOPNOTSUPP;
	if (err)
		return err;
	err = pci_liveupdate_preserve(pdev);
	if (err) {
		iommu_liveupdate_unpreserve(&pdev->dev);
		return err;
	}
	vfio_liveupdate_set_preserved(device, true);

	address = FIELD_PREP(VFIO_PCI_LUO_DOMAIN, pci_domain_nr(pdev->bus)) |
		  FIELD_PREP(VFIO_PCI_LUO_BDF, pci_dev_id(pdev));
	args->serialized_data = address | vfio_pci_lu_sum(address, args->identity);
	return 0;
}

static void vfio_pci_lu_unpreserve(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_lu_pdev(args->file);

	vfio_liveupdate_set_preserved(vfio_liveupdate_device(args->file), false);
	pci_liveupdate_unpreserve(pdev);
	iommu_liveupdate_unpreserve(&pdev->dev);
}

/* Interrupts are masked when devices are shut down. */
static int vfio_pci_lu_freeze(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_lu_pdev(args->file);
	int err = pci_liveupdate_freeze(pdev) ?:
		  iommu_liveupdate_freeze(&pdev->dev);

	if (!err)
		vfio_liveupdate_set_frozen(vfio_liveupdate_device(args->file),
					   true);
	return err;
}

static void vfio_pci_lu_unfreeze(struct liveupdate_file_op_args *args)
{
	vfio_liveupdate_set_frozen(vfio_liveupdate_device(args->file), false);
}

static bool vfio_pci_lu_is_damaged(struct liveupdate_file_op_args *args)
{
	u64 address = args->serialized_data & VFIO_PCI_LUO_ADDRESS;

	return args->serialized_data !=
	       (address | vfio_pci_lu_sum(address, args->identity));
}

/* The device of a file that came in; the caller puts it. */
static struct pci_dev *vfio_pci_lu_find(struct liveupdate_file_op_args *args)
{
	u64 address = args->serialized_data & VFIO_PCI_LUO_ADDRESS;
	u16 bdf = FIELD_GET(VFIO_PCI_LUO_BDF, address);
	struct pci_dev *pdev;

	if (vfio_pci_lu_is_damaged(args))
		return NULL;
	pdev = pci_get_domain_bus_and_slot(FIELD_GET(VFIO_PCI_LUO_DOMAIN, address),
					   PCI_BUS_NUM(bdf), bdf & 0xff);
	if (pdev && pci_liveupdate_is_incoming(pdev))
		return pdev;
	pci_dev_put(pdev);
	return NULL;
}

/* The device as vfio-pci knows it, or NULL; it is locked. */
static struct vfio_device *vfio_pci_lu_bound(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *vdev;

	device_lock_assert(&pdev->dev);
	if (pci_dev_driver(pdev) != vfio_pci_lu_driver)
		return NULL;
	vdev = dev_get_drvdata(&pdev->dev);
	return &vdev->vdev;
}

static int vfio_pci_lu_retrieve(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_lu_find(args);
	struct vfio_device *device;
	struct file *file;
	int err;

	if (!pdev)
		return -ENODEV;
	err = pci_liveupdate_retrieve(pdev);
	if (err) {
		pci_dev_put(pdev);
		return err;
	}
	device_lock(&pdev->dev);
	device = vfio_pci_lu_bound(pdev);
	/* It can be tried again when the device is bound. */
	file = device ? vfio_liveupdate_take(device) : ERR_PTR(-EAGAIN);
	device_unlock(&pdev->dev);
	pci_dev_put(pdev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

/* Is no other device left whose file this may be? */
static bool vfio_pci_lu_is_told(void)
{
	struct pci_dev *pdev = pci_liveupdate_get_incoming();

	if (IS_ERR(pdev)) {
		pr_warn_ratelimited("a file from the previous kernel is damaged: retrieve the files of all other devices that came in, then finish its session\n");
		return false;
	}
	pci_dev_put(pdev);
	return true;
}

/*
 * The user has to decide what becomes of a device, if there is one, and of memory
 * that the device can reach. One that was unplugged reaches nothing.
 */
static bool vfio_pci_lu_can_finish(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device;
	struct pci_dev *pdev;
	bool done;

	if (args->file) {
		/* Nothing is detached, and freed, meanwhile. */
		device = vfio_liveupdate_device(args->file);
		guard(mutex)(&device->dev_set->lock);
		return pci_dev_is_disconnected(to_pci_dev(device->dev)) ||
		       !iommu_liveupdate_unclaimed(device->dev);
	}
	if (vfio_pci_lu_is_damaged(args))
		return vfio_pci_lu_is_told();
	if (args->retrieve_status)
		return true;
	pdev = vfio_pci_lu_find(args);
	done = !pdev || pci_dev_is_disconnected(pdev);
	pci_dev_put(pdev);
	return done;
}

/* A device that nobody has opened is stopped before memory is freed. */
static void vfio_pci_lu_finish(struct liveupdate_file_op_args *args)
{
	struct pci_dev *pdev = vfio_pci_lu_is_damaged(args) ?
			       pci_liveupdate_get_incoming() :
			       vfio_pci_lu_find(args);
	struct vfio_device *device;

	if (IS_ERR_OR_NULL(pdev))
		return;
	device = args->file ? vfio_liveupdate_device(args->file) : NULL;
	if (device)
		mutex_lock(&device->dev_set->lock);
	if (!device || !device->open_count) {
		pci_clear_master(pdev);
		if (!pci_wait_for_pending_transaction(pdev) &&
		    !pci_dev_is_disconnected(pdev))
			pci_err(pdev, "live update: nobody has opened the device, and it has transactions pending: reboot the machine\n");
	}
	iommu_liveupdate_finish(&pdev->dev);
	pci_liveupdate_finish(pdev);
	if (device)
		mutex_unlock(&device->dev_set->lock);
	pci_dev_put(pdev);
}

static const struct liveupdate_file_ops vfio_pci_lu_ops = {
	.can_preserve = vfio_pci_lu_can_preserve,
	.preserve = vfio_pci_lu_preserve,
	.unpreserve = vfio_pci_lu_unpreserve,
	.freeze = vfio_pci_lu_freeze,
	.unfreeze = vfio_pci_lu_unfreeze,
	.retrieve = vfio_pci_lu_retrieve,
	.can_finish = vfio_pci_lu_can_finish,
	.finish = vfio_pci_lu_finish,
	.get_id = vfio_pci_lu_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler vfio_pci_lu_handler = {
	.ops = &vfio_pci_lu_ops,
	.compatible = VFIO_PCI_LUO_FH_COMPATIBLE,
};

/* Without live update vfio-pci works as ever. */
static bool vfio_pci_lu_registered;

/**
 * vfio_pci_liveupdate_init - let files of a driver's devices be preserved
 * @driver: vfio-pci, which is not registered yet
 *
 * Context: may sleep
 * Return: 0, also when there is no live update; or an errno of
 * liveupdate_register_file_handler() or pci_liveupdate_register_flb().
 */
int vfio_pci_liveupdate_init(struct pci_driver *driver)
{
	int err;

	vfio_pci_lu_driver = driver;
	err = liveupdate_register_file_handler(&vfio_pci_lu_handler);
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	err = pci_liveupdate_register_flb(&vfio_pci_lu_handler);
	if (err)
		goto unregister;
	err = iommu_liveupdate_register_flb(&vfio_pci_lu_handler);
	if (err)
		goto unregister_flb;
	vfio_pci_lu_registered = true;
	return 0;

unregister_flb:
	pci_liveupdate_unregister_flb(&vfio_pci_lu_handler);
unregister:
	liveupdate_unregister_file_handler(&vfio_pci_lu_handler);
	return err;
}

/**
 * vfio_pci_liveupdate_exit - undo vfio_pci_liveupdate_init()
 *
 * Context: may sleep
 */
void vfio_pci_liveupdate_exit(void)
{
	if (!vfio_pci_lu_registered)
		return;
	iommu_liveupdate_unregister_flb(&vfio_pci_lu_handler);
	pci_liveupdate_unregister_flb(&vfio_pci_lu_handler);
	liveupdate_unregister_file_handler(&vfio_pci_lu_handler);
}

MODULE_IMPORT_NS(IOMMUFD);
