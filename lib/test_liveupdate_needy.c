// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/luo_test_needy: files for tests of live update that need another file.
 *
 *  write "needs FD"	says which: any file that can be preserved; -1 for none
 *  read		gives the number of a new descriptor of it
 *
 * What it needs has to be in the same session when it is frozen, in whatever
 * order they were put there. To retrieve it is to retrieve what it needs.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo_test: " fmt

#include <linux/anon_inodes.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define LUO_NEEDY_MAGIC		0x6c756f5f6e656564UL
#define LUO_NEEDY_COMPATIBLE	"luo-test-needy-v1"

static_assert(sizeof(LUO_NEEDY_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

/**
 * struct luo_needy_ser - what is handed over of a file
 * @magic: LUO_NEEDY_MAGIC
 * @needs: does it need another file?
 * @token: of that
 */
struct luo_needy_ser {
	u64 magic;
	u64 needs;
	u64 token;
};

/**
 * struct luo_needy - a file
 * @lock:  protects @needs
 * @needs: the file that it needs, NULL for none
 */
struct luo_needy {
	struct mutex lock;	/* protects needs */
	struct file *needs;
};

static int luo_needy_set(struct luo_needy *n, int fd)
{
	struct file *file = NULL, *old;

	if (fd >= 0) {
		file = fget(fd);
		if (!file)
			return -EBADF;
	}
	scoped_guard(mutex, &n->lock) {
		old = n->needs;
		n->needs = file;
	}
	if (old)
		fput(old);
	return 0;
}

static ssize_t luo_needy_write(struct file *file, const char __user *buf,
			       size_t count, loff_t *pos)
{
	char text[32] = { };
	int fd, err;
	size_t len;

	if (count >= sizeof(text))
		return -EMSGSIZE;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	len = str_has_prefix(text, "needs ");
	if (!len)
		return -EINVAL;
	err = kstrtoint(strim(text + len), 10, &fd);
	if (!err)
		err = luo_needy_set(file->private_data, fd);
	return err ?: count;
}

static ssize_t luo_needy_read(struct file *file, char __user *buf, size_t count,
			      loff_t *pos)
{
	struct luo_needy *n = file->private_data;
	char text[16];
	int fd;

	scoped_guard(mutex, &n->lock)
		fd = n->needs ? receive_fd(n->needs, NULL, O_CLOEXEC) : -ENOENT;
	if (fd < 0)
		return fd;
	*pos = 0;
	return simple_read_from_buffer(buf, count, pos, text,
				       scnprintf(text, sizeof(text), "%d", fd));
}

static struct luo_needy *luo_needy_alloc(void)
{
	struct luo_needy *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (n)
		mutex_init(&n->lock);
	return n;
}

static int luo_needy_open(struct inode *inode, struct file *file)
{
	file->private_data = luo_needy_alloc();
	return file->private_data ? 0 : -ENOMEM;
}

static int luo_needy_release(struct inode *inode, struct file *file)
{
	struct luo_needy *n = file->private_data;

	if (n->needs)
		fput(n->needs);
	kfree(n);
	return 0;
}

static const struct file_operations luo_needy_fops = {
	.owner = THIS_MODULE,
	.open = luo_needy_open,
	.release = luo_needy_release,
	.read = luo_needy_read,
	.write = luo_needy_write,
};

static struct miscdevice luo_needy_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "luo_test_needy",
	.fops = &luo_needy_fops,
	.mode = 0600,
};

static bool luo_needy_can_preserve(struct liveupdate_file_handler *fh,
				   struct file *file)
{
	return file->f_op == &luo_needy_fops;
}

/* What it needs may be put into the session later. */
static int luo_needy_preserve(struct liveupdate_file_op_args *args)
{
	struct luo_needy *n = args->file->private_data;
	struct luo_needy_ser *ser;
	struct file *file;
	int err = 0;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->magic = LUO_NEEDY_MAGIC;
	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	/* A file is not its own session's before it is preserved. */
	WARN_ON(liveupdate_get_token_outgoing(args->session, args->file,
					      NULL) != -ENOENT);
	WARN_ON(liveupdate_get_file_incoming(args->session, 0, &file) !=
		-EINVAL);

	scoped_guard(mutex, &n->lock) {
		if (n->needs)
			err = liveupdate_get_token_outgoing(args->session,
							    n->needs, NULL);
	}
	pr_info("preserve needy: %d\n", err);
	return 0;
}

static void luo_needy_unpreserve(struct liveupdate_file_op_args *args)
{
	kho_unpreserve_free(args->private_data);
}

static int luo_needy_freeze(struct liveupdate_file_op_args *args)
{
	struct luo_needy *n = args->file->private_data;
	struct luo_needy_ser *ser = args->private_data;
	u64 token;

	pr_info("freeze needy\n");
	WARN_ON(liveupdate_get_token_outgoing(args->session, args->file,
					      &token));
	guard(mutex)(&n->lock);
	ser->needs = !!n->needs;
	return ser->needs ? liveupdate_get_token_outgoing(args->session,
							  n->needs,
							  &ser->token) : 0;
}

static void luo_needy_unfreeze(struct liveupdate_file_op_args *args)
{
	pr_info("unfreeze needy\n");
}

static struct luo_needy_ser *luo_needy_ser(struct liveupdate_file_op_args *args)
{
	struct luo_needy_ser *ser;

	if (!kho_is_preserved(args->serialized_data, sizeof(*ser)))
		return NULL;
	ser = phys_to_virt(args->serialized_data);
	return ser->magic == LUO_NEEDY_MAGIC ? ser : NULL;
}

static int luo_needy_retrieve(struct liveupdate_file_op_args *args)
{
	struct luo_needy_ser *ser = luo_needy_ser(args);
	struct luo_needy *n;
	struct file *file;
	int err = 0;

	if (!ser)
		return -EINVAL;
	n = luo_needy_alloc();
	if (!n)
		return -ENOMEM;

	if (ser->needs)
		err = liveupdate_get_file_incoming(args->session, ser->token,
						   &n->needs);
	if (err)
		goto free;
	WARN_ON(n->needs &&
		liveupdate_get_token_outgoing(args->session, n->needs, NULL) !=
		-EINVAL);

	file = anon_inode_getfile("[luo_test_needy]", &luo_needy_fops, n,
				  O_RDWR);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto put;
	args->file = file;
	return 0;

put:
	if (n->needs)
		fput(n->needs);
free:
	kfree(n);
	return err;
}

static void luo_needy_finish(struct liveupdate_file_op_args *args)
{
	struct luo_needy_ser *ser = luo_needy_ser(args);

	if (ser)
		kho_restore_free(ser);
}

static const struct liveupdate_file_ops luo_needy_ops = {
	.can_preserve = luo_needy_can_preserve,
	.preserve = luo_needy_preserve,
	.unpreserve = luo_needy_unpreserve,
	.freeze = luo_needy_freeze,
	.unfreeze = luo_needy_unfreeze,
	.retrieve = luo_needy_retrieve,
	.finish = luo_needy_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luo_needy_handler = {
	.ops = &luo_needy_ops,
	.compatible = LUO_NEEDY_COMPATIBLE,
};

static int __init luo_needy_init(void)
{
	int err;

	err = misc_register(&luo_needy_device);
	if (err)
		return err;
	err = liveupdate_register_file_handler(&luo_needy_handler);
	if (err)
		misc_deregister(&luo_needy_device);
	return err;
}
module_init(luo_needy_init);

MODULE_DESCRIPTION("Files that need others, for tests of live update");
MODULE_LICENSE("GPL");
