// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI driver whose devices go on over a live update: an example for driver
 * authors.
 *
 * /dev/luo_pci-ADDRESS gives access to the registers of a device, in its BAR 0: 32
 * bits at a time, at their offset. A device whose file is in a live update session
 * is neither stopped nor reset while the kernel is replaced. The device is QEMU's
 * "edu", or any other that is bound by way of new_id in sysfs. Behind an IOMMU it can
 * reach the memfd that LUO_PCI_SAMPLE_MAP names.
 *
 * Documentation/PCI/liveupdate.rst goes through this file.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kexec_handover.h>
#include <linux/kref.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "luo_pci_sample.h"

/**
 * struct sample - a device; each file, and the driver as long as it is bound, has
 *		   a reference
 * @ref:  references
 * @pdev: the device
 * @misc: its file in /dev
 * @lock: protects what follows
 * @regs: BAR 0, NULL when the driver has lost the device
 * @size: of BAR 0 in bytes
 * @memory: that it can reach behind an IOMMU
 */
struct sample {
	struct kref ref;
	struct pci_dev *pdev;
	struct miscdevice misc;
	struct mutex lock;	/* protects what follows */
	void __iomem *regs;
	resource_size_t size;
	struct sample_memory memory;
};

static void sample_free(struct kref *ref)
{
	struct sample *sample = container_of(ref, struct sample, ref);

	sample_memory_free(&sample->memory);
	pci_dev_put(sample->pdev);
	kfree(sample->misc.name);
	kfree(sample);
}

static ssize_t sample_read(struct file *file, char __user *buf, size_t count,
			   loff_t *pos)
{
	struct sample *sample = file->private_data;
	u32 value;

	if (count != sizeof(value) || !IS_ALIGNED(*pos, sizeof(value)) ||
	    *pos >= sample->size)
		return -EINVAL;
	scoped_guard(mutex, &sample->lock) {
		if (!sample->regs)
			return -ENODEV;
		value = ioread32(sample->regs + *pos);
	}
	return copy_to_user(buf, &value, sizeof(value)) ? -EFAULT : count;
}

static ssize_t sample_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *pos)
{
	struct sample *sample = file->private_data;
	u32 value;

	if (count != sizeof(value) || !IS_ALIGNED(*pos, sizeof(value)) ||
	    *pos >= sample->size)
		return -EINVAL;
	if (copy_from_user(&value, buf, sizeof(value)))
		return -EFAULT;
	scoped_guard(mutex, &sample->lock) {
		if (!sample->regs)
			return -ENODEV;
		iowrite32(value, sample->regs + *pos);
	}
	return count;
}

static long sample_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sample *sample = file->private_data;
	struct luo_pci_sample_map map;

	if (cmd != LUO_PCI_SAMPLE_MAP)
		return -ENOTTY;
	if (copy_from_user(&map, (void __user *)arg, sizeof(map)))
		return -EFAULT;
	guard(mutex)(&sample->lock);
	if (!sample->regs)
		return -ENODEV;
	return sample_memory_map(&sample->memory, &sample->pdev->dev, &map);
}

/* Who had the device before the update has to get it first. */
static int sample_open(struct inode *inode, struct file *file)
{
	struct sample *sample = container_of(file->private_data, struct sample,
					     misc);

	if (pci_liveupdate_is_incoming(sample->pdev))
		return -EBUSY;
	kref_get(&sample->ref);
	file->private_data = sample;
	return 0;
}

static int sample_release(struct inode *inode, struct file *file)
{
	struct sample *sample = file->private_data;

	kref_put(&sample->ref, sample_free);
	return 0;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.open = sample_open,
	.release = sample_release,
	.read = sample_read,
	.write = sample_write,
	.unlocked_ioctl = sample_ioctl,
	.llseek = default_llseek,
};

/* Of a device that came in nothing is written: it is at work. */
static int sample_start(struct sample *sample)
{
	struct pci_dev *pdev = sample->pdev;
	int err = pci_enable_device(pdev);

	if (err)
		return err;
	sample->size = pci_resource_len(pdev, 0);
	sample->regs = pci_iomap(pdev, 0, 0);
	if (!sample->regs) {
		pci_disable_device(pdev);
		return -ENODEV;
	}
	if (!pci_liveupdate_is_incoming(pdev))
		pci_set_master(pdev);
	pci_save_state(pdev);
	return 0;
}

static void sample_stop(struct sample *sample)
{
	guard(mutex)(&sample->lock);
	pci_iounmap(sample->pdev, sample->regs);
	sample->regs = NULL;
	pci_disable_device(sample->pdev);
	sample_memory_detach(&sample->memory, &sample->pdev->dev);
}

static int sample_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct sample *sample = kzalloc(sizeof(*sample), GFP_KERNEL);
	int err;

	if (!sample)
		return -ENOMEM;
	kref_init(&sample->ref);
	mutex_init(&sample->lock);
	sample->pdev = pci_dev_get(pdev);
	sample->misc.minor = MISC_DYNAMIC_MINOR;
	sample->misc.name = kasprintf(GFP_KERNEL, "luo_pci-%s", pci_name(pdev));
	sample->misc.fops = &sample_fops;
	sample->misc.mode = 0600;
	if (!sample->misc.name) {
		err = -ENOMEM;
		goto put;
	}

	err = sample_start(sample);
	if (err)
		goto put;
	pci_set_drvdata(pdev, sample);
	err = misc_register(&sample->misc);
	if (err)
		goto stop;
	return 0;

stop:
	sample_stop(sample);
put:
	kref_put(&sample->ref, sample_free);
	return err;
}

static void sample_remove(struct pci_dev *pdev)
{
	struct sample *sample = pci_get_drvdata(pdev);

	misc_deregister(&sample->misc);
	sample_stop(sample);
	kref_put(&sample->ref, sample_free);
}

/* The program can see for itself. When the link is reset a live update is called off. */
static pci_ers_result_t sample_error_detected(struct pci_dev *pdev,
					      pci_channel_state_t state)
{
	return state == pci_channel_io_normal ? PCI_ERS_RESULT_CAN_RECOVER :
						PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t sample_slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	pci_save_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers sample_err_handler = {
	.error_detected = sample_error_detected,
	.slot_reset = sample_slot_reset,
};

static const struct pci_device_id sample_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },		/* QEMU's edu */
	{ }
};
MODULE_DEVICE_TABLE(pci, sample_ids);

/*
 * There is no shutdown callback. The PCI core stops the devices that are not
 * preserved, and the others must go on.
 */
static struct pci_driver sample_driver = {
	.name = KBUILD_MODNAME,
	.id_table = sample_ids,
	.probe = sample_probe,
	.remove = sample_remove,
	.err_handler = &sample_err_handler,
	.liveupdate = true,
};

static bool sample_can_preserve(struct liveupdate_file_handler *handler,
				struct file *file)
{
	return file->f_op == &sample_fops;
}

/* All files of a device stand for the same. */
static unsigned long sample_get_id(struct file *file)
{
	return (unsigned long)file->private_data;
}

static int sample_preserve_device(struct sample *sample,
				  struct liveupdate_file_op_args *args,
				  struct sample_ser *ser)
{
	struct pci_dev *pdev = sample->pdev;
	int err;

	guard(mutex)(&sample->lock);
	if (!sample->regs)
		return -ENODEV;
	ser->domain = pci_domain_nr(pdev->bus);
	ser->bdf = pci_dev_id(pdev);
	err = sample_memory_preserve(&sample->memory, &pdev->dev, args->session,
				     ser);
	if (err)
		return err;
	err = pci_liveupdate_preserve(pdev);
	if (err)
		iommu_liveupdate_unpreserve(&pdev->dev);
	return err;
}

static int sample_preserve(struct liveupdate_file_op_args *args)
{
	struct sample_ser *ser = kho_alloc_preserve(sizeof(*ser));
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	err = sample_preserve_device(args->file->private_data, args, ser);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;
	return 0;
}

static void sample_unpreserve(struct liveupdate_file_op_args *args)
{
	struct sample *sample = args->file->private_data;

	pci_liveupdate_unpreserve(sample->pdev);
	iommu_liveupdate_unpreserve(&sample->pdev->dev);
	kho_unpreserve_free(args->private_data);
}

static int sample_freeze(struct liveupdate_file_op_args *args)
{
	struct sample *sample = args->file->private_data;

	return pci_liveupdate_freeze(sample->pdev) ?:
	       iommu_liveupdate_freeze(&sample->pdev->dev);
}

static struct sample_ser *sample_ser(struct liveupdate_file_op_args *args)
{
	if (!kho_is_preserved(args->serialized_data, sizeof(struct sample_ser)))
		return NULL;
	return phys_to_virt(args->serialized_data);
}

/* The device of a file that came in; the caller puts it. */
static struct pci_dev *sample_find(const struct sample_ser *ser)
{
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(ser->domain, PCI_BUS_NUM(ser->bdf),
					   ser->bdf & 0xff);
	if (pdev && pci_liveupdate_is_incoming(pdev))
		return pdev;
	pci_dev_put(pdev);
	return NULL;
}

/* With a reference, unless it is not bound by this driver. */
static struct sample *sample_get(struct pci_dev *pdev)
{
	struct sample *sample = NULL;

	device_lock(&pdev->dev);
	if (pci_dev_driver(pdev) == &sample_driver) {
		sample = pci_get_drvdata(pdev);
		kref_get(&sample->ref);
	}
	device_unlock(&pdev->dev);
	return sample;
}

static int sample_retrieve_file(struct sample *sample,
				struct liveupdate_file_op_args *args,
				const struct sample_ser *ser)
{
	struct file *file;
	int err = pci_liveupdate_retrieve(sample->pdev);

	if (err)
		return err;
	scoped_guard(mutex, &sample->lock)
		err = sample_memory_retrieve(&sample->memory, &sample->pdev->dev,
					     args->session, ser);
	if (err)
		return err;
	file = anon_inode_getfile_fmode("[luo_pci_sample]", &sample_fops, sample,
					O_RDWR,
					FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

static int sample_retrieve(struct liveupdate_file_op_args *args)
{
	const struct sample_ser *ser = sample_ser(args);
	struct sample *sample;
	struct pci_dev *pdev;
	int err;

	if (!ser)
		return -EINVAL;
	pdev = sample_find(ser);
	if (!pdev)
		return -ENODEV;
	sample = sample_get(pdev);
	pci_dev_put(pdev);
	/* It can be tried again when the device is bound. */
	if (!sample)
		return -EAGAIN;
	err = sample_retrieve_file(sample, args, ser);
	if (err)
		kref_put(&sample->ref, sample_free);
	return err;
}

/* A device that nobody asked for is stopped before memory is freed. */
static void sample_finish(struct liveupdate_file_op_args *args)
{
	struct sample_ser *ser = sample_ser(args);
	struct pci_dev *pdev;

	if (!ser)
		return;
	pdev = sample_find(ser);
	kho_restore_free(ser);
	if (!pdev)
		return;
	if (args->retrieve_status <= 0) {
		pci_clear_master(pdev);
		pci_wait_for_pending_transaction(pdev);
	}
	iommu_liveupdate_finish(&pdev->dev);
	pci_liveupdate_finish(pdev);
	pci_dev_put(pdev);
}

static const struct liveupdate_file_ops sample_file_ops = {
	.can_preserve = sample_can_preserve,
	.preserve = sample_preserve,
	.unpreserve = sample_unpreserve,
	.freeze = sample_freeze,
	.retrieve = sample_retrieve,
	.finish = sample_finish,
	.get_id = sample_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler sample_handler = {
	.ops = &sample_file_ops,
	.compatible = "luo-pci-sample-v2",
};

/* Without live update the driver works as ever. */
static int sample_register_handler(void)
{
	int err = liveupdate_register_file_handler(&sample_handler);

	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	err = pci_liveupdate_register_flb(&sample_handler);
	if (err)
		goto unregister;
	err = iommu_liveupdate_register_flb(&sample_handler);
	if (err)
		goto unregister_flb;
	return 0;

unregister_flb:
	pci_liveupdate_unregister_flb(&sample_handler);
unregister:
	liveupdate_unregister_file_handler(&sample_handler);
	return err;
}

static void sample_unregister_handler(void)
{
	iommu_liveupdate_unregister_flb(&sample_handler);
	pci_liveupdate_unregister_flb(&sample_handler);
	liveupdate_unregister_file_handler(&sample_handler);
}

static int __init sample_init(void)
{
	int err = sample_register_handler();

	if (err)
		return err;
	err = pci_register_driver(&sample_driver);
	if (err)
		sample_unregister_handler();
	return err;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	pci_unregister_driver(&sample_driver);
	sample_unregister_handler();
}
module_exit(sample_exit);

MODULE_DESCRIPTION("A PCI driver whose devices go on over a live update");
MODULE_LICENSE("GPL");
