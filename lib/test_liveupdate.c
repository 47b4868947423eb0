// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/luo_test: files for tests of live update.
 *
 * Each open makes a file of its own, with a little data that travels with it:
 *
 *  write "data=TEXT"	sets the data, at most 63 bytes; read gives it back
 *  write "fail STEP"	has preserve, freeze or retrieve fail with EIO
 *  write "busy"	has the file refuse to be finished
 *  write "ok"		takes back "fail" and "busy"
 *
 * "fail retrieve" and "busy" travel, too: they are of use in the next kernel.
 * Each callback is logged with the file's data, for tests that want to see their
 * order.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo_test: " fmt

#include <linux/anon_inodes.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define LUO_TEST_DATA_LENGTH	64

/* Flags of struct luo_test_ser. */
#define LUO_TEST_FAIL_PRESERVE	BIT(0)
#define LUO_TEST_FAIL_FREEZE	BIT(1)
#define LUO_TEST_FAIL_RETRIEVE	BIT(2)
#define LUO_TEST_BUSY		BIT(3)

/**
 * struct luo_test_ser - state of a file, here and in the next kernel
 * @flags: LUO_TEST_*
 * @data:  NUL-terminated
 */
struct luo_test_ser {
	u64 flags;
	char data[LUO_TEST_DATA_LENGTH];
};

/**
 * struct luo_test - a file
 * @lock:  protects @state
 * @state: as written
 */
struct luo_test {
	struct mutex lock;	/* protects state */
	struct luo_test_ser state;
};

static const struct {
	const char *name;
	u64 set;
	u64 clear;
} luo_test_commands[] = {
	{ "fail preserve", .set = LUO_TEST_FAIL_PRESERVE },
	{ "fail freeze", .set = LUO_TEST_FAIL_FREEZE },
	{ "fail retrieve", .set = LUO_TEST_FAIL_RETRIEVE },
	{ "busy", .set = LUO_TEST_BUSY },
	{ "ok", .clear = U64_MAX },
};

static int luo_test_command(struct luo_test *t, const char *command)
{
	guard(mutex)(&t->lock);

	if (str_has_prefix(command, "data=")) {
		command += strlen("data=");
		if (strlen(command) >= LUO_TEST_DATA_LENGTH)
			return -EMSGSIZE;
		strscpy_pad(t->state.data, command);
		return 0;
	}

	for (int i = 0; i < ARRAY_SIZE(luo_test_commands); i++) {
		if (strcmp(command, luo_test_commands[i].name))
			continue;
		t->state.flags |= luo_test_commands[i].set;
		t->state.flags &= ~luo_test_commands[i].clear;
		return 0;
	}
	return -EINVAL;
}

static ssize_t luo_test_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	char *command;
	int err;

	if (count > 2 * LUO_TEST_DATA_LENGTH)
		return -EMSGSIZE;
	command = memdup_user_nul(buf, count);
	if (IS_ERR(command))
		return PTR_ERR(command);
	strim(command);
	err = luo_test_command(file->private_data, command);
	kfree(command);
	return err ?: count;
}

static ssize_t luo_test_read(struct file *file, char __user *buf, size_t count,
			     loff_t *pos)
{
	struct luo_test *t = file->private_data;
	struct luo_test_ser state;

	scoped_guard(mutex, &t->lock)
		state = t->state;
	return simple_read_from_buffer(buf, count, pos, state.data,
				       strlen(state.data));
}

static struct luo_test *luo_test_alloc(void)
{
	struct luo_test *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (t)
		mutex_init(&t->lock);
	return t;
}

static int luo_test_open(struct inode *inode, struct file *file)
{
	file->private_data = luo_test_alloc();
	return file->private_data ? 0 : -ENOMEM;
}

static int luo_test_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations luo_test_fops = {
	.owner = THIS_MODULE,
	.open = luo_test_open,
	.release = luo_test_release,
	.read = luo_test_read,
	.write = luo_test_write,
	.llseek = default_llseek,
};

static struct miscdevice luo_test_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "luo_test",
	.fops = &luo_test_fops,
	.mode = 0600,
};

static bool luo_test_can_preserve(struct liveupdate_file_handler *fh,
				  struct file *file)
{
	return file->f_op == &luo_test_fops;
}

/* Write the file's state to the preserved page, unless told to fail. */
static int luo_test_save(struct liveupdate_file_op_args *args, u64 fail,
			 const char *what)
{
	struct luo_test *t = args->file->private_data;
	struct luo_test_ser *ser = args->private_data;

	guard(mutex)(&t->lock);
	pr_info("%s %s\n", what, t->state.data);
	if (t->state.flags & fail)
		return -EIO;
	*ser = t->state;
	return 0;
}

static int luo_test_preserve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	err = luo_test_save(args, LUO_TEST_FAIL_PRESERVE, "preserve");
	if (err)
		kho_unpreserve_free(ser);
	return err;
}

static void luo_test_unpreserve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = args->private_data;

	pr_info("unpreserve %s\n", ser->data);
	kho_unpreserve_free(ser);
}

static int luo_test_freeze(struct liveupdate_file_op_args *args)
{
	return luo_test_save(args, LUO_TEST_FAIL_FREEZE, "freeze");
}

static void luo_test_unfreeze(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = args->private_data;

	pr_info("unfreeze %s\n", ser->data);
}

/* The page that came in. It is restored on first use and kept till the end. */
static struct luo_test_ser *luo_test_ser(struct liveupdate_file_op_args *args)
{
	struct folio *folio;

	if (!args->private_data) {
		folio = kho_restore_folio(args->serialized_data);
		if (!folio)
			return NULL;
		args->private_data = folio_address(folio);
	}
	return args->private_data;
}

static int luo_test_retrieve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = luo_test_ser(args);
	struct luo_test *t;
	struct file *file;

	if (!ser)
		return -EINVAL;
	pr_info("retrieve %.*s\n", LUO_TEST_DATA_LENGTH - 1, ser->data);
	if (ser->flags & LUO_TEST_FAIL_RETRIEVE)
		return -EIO;

	t = luo_test_alloc();
	if (!t)
		return -ENOMEM;
	t->state = *ser;
	t->state.data[LUO_TEST_DATA_LENGTH - 1] = '\0';

	file = anon_inode_getfile_fmode("[luo_test]", &luo_test_fops, t, O_RDWR,
					FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file)) {
		kfree(t);
		return PTR_ERR(file);
	}
	args->file = file;
	return 0;
}

static bool luo_test_can_finish(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser;
	struct luo_test *t;

	if (args->file) {
		t = args->file->private_data;
		guard(mutex)(&t->lock);
		return !(t->state.flags & LUO_TEST_BUSY);
	}
	ser = luo_test_ser(args);
	return !ser || !(ser->flags & LUO_TEST_BUSY);
}

static void luo_test_finish(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = luo_test_ser(args);

	if (!ser)
		return;
	pr_info("finish %.*s\n", LUO_TEST_DATA_LENGTH - 1, ser->data);
	folio_put(virt_to_folio(ser));
}

static const struct liveupdate_file_ops luo_test_ops = {
	.can_preserve = luo_test_can_preserve,
	.preserve = luo_test_preserve,
	.unpreserve = luo_test_unpreserve,
	.freeze = luo_test_freeze,
	.unfreeze = luo_test_unfreeze,
	.retrieve = luo_test_retrieve,
	.can_finish = luo_test_can_finish,
	.finish = luo_test_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luo_test_handler = {
	.ops = &luo_test_ops,
	.compatible = "luo-test-v1",
};

static int __init luo_test_init(void)
{
	int err;

	err = misc_register(&luo_test_device);
	if (err)
		return err;
	err = liveupdate_register_file_handler(&luo_test_handler);
	if (err)
		misc_deregister(&luo_test_device);
	return err;
}
module_init(luo_test_init);

static void __exit luo_test_exit(void)
{
	liveupdate_unregister_file_handler(&luo_test_handler);
	misc_deregister(&luo_test_device);
}
module_exit(luo_test_exit);

MODULE_DESCRIPTION("Files for tests of live update");
MODULE_LICENSE("GPL");
