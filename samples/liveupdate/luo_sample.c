// SPDX-License-Identifier: GPL-2.0
/*
 * A driver whose files survive a live update: an example for driver authors.
 *
 * Each open of /dev/luo_sample makes a channel: a page of memory to read and
 * write. A channel that is in a live update session keeps its page, in place,
 * when the kernel is replaced. All channels share the number of updates since
 * the first of them was preserved, as an example of state that does not belong
 * to one file; who retrieves a channel finds it in the kernel log.
 *
 * Documentation/core-api/liveupdate.rst goes through this file.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

/* The channel of a file is the folio in its private_data. */

static ssize_t channel_read(struct file *file, char __user *buf, size_t count,
			    loff_t *pos)
{
	return simple_read_from_buffer(buf, count, pos,
				       folio_address(file->private_data),
				       PAGE_SIZE);
}

static ssize_t channel_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *pos)
{
	return simple_write_to_buffer(folio_address(file->private_data),
				      PAGE_SIZE, pos, buf, count);
}

static int channel_open(struct inode *inode, struct file *file)
{
	file->private_data = folio_alloc(GFP_KERNEL | __GFP_ZERO, 0);

	return file->private_data ? 0 : -ENOMEM;
}

static int channel_release(struct inode *inode, struct file *file)
{
	folio_put(file->private_data);

	return 0;
}

static const struct file_operations channel_fops = {
	.owner = THIS_MODULE,
	.open = channel_open,
	.release = channel_release,
	.read = channel_read,
	.write = channel_write,
	.llseek = default_llseek,
};

static struct miscdevice sample_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "luo_sample",
	.fops = &channel_fops,
	.mode = 0600,
};

/* What all channels share, as it is handed over: preserved memory of its own. */
struct sample_shared {
	u64 nr_updates;
};

static u64 nr_updates;

static int shared_preserve(struct liveupdate_flb_op_args *args)
{
	struct sample_shared *shared = kho_alloc_preserve(sizeof(*shared));

	if (IS_ERR(shared))
		return PTR_ERR(shared);
	shared->nr_updates = nr_updates + 1;
	args->data = virt_to_phys(shared);
	args->obj = shared;

	return 0;
}

static void shared_unpreserve(struct liveupdate_flb_op_args *args)
{
	kho_unpreserve_free(args->obj);
}

static int shared_retrieve(struct liveupdate_flb_op_args *args)
{
	struct folio *folio = kho_restore_folio(args->data);
	struct sample_shared *shared;

	if (!folio)
		return -EINVAL;
	shared = folio_address(folio);
	nr_updates = shared->nr_updates;
	args->obj = shared;

	return 0;
}

static void shared_finish(struct liveupdate_flb_op_args *args)
{
	folio_put(virt_to_folio(args->obj));
}

static const struct liveupdate_flb_ops shared_ops = {
	.preserve = shared_preserve,
	.unpreserve = shared_unpreserve,
	.retrieve = shared_retrieve,
	.finish = shared_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb sample_flb = {
	.ops = &shared_ops,
	.compatible = "luo-sample-shared-v1",
};

static bool channel_can_preserve(struct liveupdate_file_handler *handler,
				 struct file *file)
{
	return file->f_op == &channel_fops;
}

/* The page is preserved as it is, and may be written to until the jump. */
static int channel_preserve(struct liveupdate_file_op_args *args)
{
	struct folio *folio = args->file->private_data;

	args->serialized_data = PFN_PHYS(folio_pfn(folio));

	return kho_preserve_folio(folio);
}

static void channel_unpreserve(struct liveupdate_file_op_args *args)
{
	kho_unpreserve_folio(args->file->private_data);
}

static int channel_retrieve(struct liveupdate_file_op_args *args)
{
	struct sample_shared *shared;
	struct folio *folio;
	struct file *file;
	void *obj;
	int err;

	err = liveupdate_flb_get_incoming(&sample_flb, &obj);
	if (err)
		return err;
	shared = obj;
	pr_info("a channel came through update number %llu\n",
		shared->nr_updates);
	liveupdate_flb_put_incoming(&sample_flb);

	folio = kho_restore_folio(args->serialized_data);
	if (!folio)
		return -EINVAL;

	file = anon_inode_getfile_fmode("[luo_sample]", &channel_fops, folio,
					O_RDWR,
					FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file)) {
		folio_put(folio);
		return PTR_ERR(file);
	}
	args->file = file;

	return 0;
}

/* Nobody asked for it, so nobody needs it. */
static void channel_finish(struct liveupdate_file_op_args *args)
{
	struct folio *folio;

	if (args->retrieve_status)
		return;
	folio = kho_restore_folio(args->serialized_data);
	if (folio)
		folio_put(folio);
}

static const struct liveupdate_file_ops channel_ops = {
	.can_preserve = channel_can_preserve,
	.preserve = channel_preserve,
	.unpreserve = channel_unpreserve,
	.retrieve = channel_retrieve,
	.finish = channel_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler sample_handler = {
	.ops = &channel_ops,
	.compatible = "luo-sample-v1",
};

/* Without live update the device works as ever. */
static int sample_register_handler(void)
{
	int err = liveupdate_register_file_handler(&sample_handler);

	if (err)
		return err == -EOPNOTSUPP ? 0 : err;

	err = liveupdate_register_flb(&sample_handler, &sample_flb);
	if (err)
		liveupdate_unregister_file_handler(&sample_handler);

	return err;
}

static int __init sample_init(void)
{
	int err = misc_register(&sample_device);

	if (err)
		return err;

	err = sample_register_handler();
	if (err)
		misc_deregister(&sample_device);

	return err;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	liveupdate_unregister_flb(&sample_handler, &sample_flb);
	liveupdate_unregister_file_handler(&sample_handler);
	misc_deregister(&sample_device);
}
module_exit(sample_exit);

MODULE_DESCRIPTION("A driver whose files survive a live update");
MODULE_LICENSE("GPL");
