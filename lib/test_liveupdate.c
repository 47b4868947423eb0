// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/luo_test: files for tests of live update.
 *
 * Each open makes a file of its own, with a little data that travels with it:
 *
 *  write "data=TEXT"	sets the data, at most 63 bytes; read gives it back
 *  write "fail STEP"	has preserve, freeze or retrieve fail with EIO, or
 *			can_finish refuse
 *  write "sleep STEP"	has any callback wait for "wake", or to be killed
 *  write "ok"		takes back "fail" and "sleep"
 *  write "wake"	wakes all callbacks that sleep, of all files
 *  write "flb WHAT"	tells an FLB what to do, for all files: "fail preserve",
 *			"sleep preserve", "fail retrieve", "sleep finish" or
 *			"ok"; or "get": gets FLBs that came in, and logs how
 *
 * "fail" and "sleep" travel, too: those of retrieve, can_finish and finish are of
 * use in the next kernel. Each callback is logged with the file's data, for
 * tests that want to see their order.
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
#include <linux/wait.h>

#include "test_liveupdate.h"

#define LUO_TEST_MAGIC		0x6c756f5f74657374UL
#define LUO_TEST_DATA_LENGTH	64

enum luo_test_step {
	LUO_TEST_PRESERVE,
	LUO_TEST_FREEZE,
	LUO_TEST_RETRIEVE,
	LUO_TEST_CAN_FINISH,
	LUO_TEST_NR_FAIL,	/* those before can fail */

	LUO_TEST_UNPRESERVE = LUO_TEST_NR_FAIL,
	LUO_TEST_UNFREEZE,
	LUO_TEST_FINISH,
	LUO_TEST_NR_STEPS,
};

static const char * const luo_test_steps[] = {
	[LUO_TEST_PRESERVE] = "preserve",
	[LUO_TEST_FREEZE] = "freeze",
	[LUO_TEST_RETRIEVE] = "retrieve",
	[LUO_TEST_CAN_FINISH] = "can_finish",
	[LUO_TEST_UNPRESERVE] = "unpreserve",
	[LUO_TEST_UNFREEZE] = "unfreeze",
	[LUO_TEST_FINISH] = "finish",
};

/**
 * struct luo_test_ser - state of a file, here and in the next kernel
 * @magic: LUO_TEST_MAGIC
 * @fail:  bits of the steps that fail
 * @sleep: bits of the steps that sleep
 * @data:  NUL-terminated
 */
struct luo_test_ser {
	u64 magic;
	u32 fail;
	u32 sleep;
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

static DECLARE_WAIT_QUEUE_HEAD(luo_test_wait);
static unsigned int luo_test_wakes;

/**
 * luo_test_sleep - sleep until somebody writes "wake"
 * @where: what it is that sleeps
 */
void luo_test_sleep(const char *where)
{
	unsigned int wakes = READ_ONCE(luo_test_wakes);

	pr_info("asleep in %s\n", where);
	wait_event_killable(luo_test_wait, READ_ONCE(luo_test_wakes) != wakes);
}

static void luo_test_wake(void)
{
	WRITE_ONCE(luo_test_wakes, luo_test_wakes + 1);
	wake_up_all(&luo_test_wait);
}

static int luo_test_set_step(u32 *steps, const char *step, int nr_steps)
{
	int i = match_string(luo_test_steps, nr_steps, step);

	if (i < 0)
		return -EINVAL;
	*steps |= BIT(i);
	return 0;
}

static int luo_test_flb_command(const char *command)
{
	if (!strcmp(command, "fail preserve"))
		luo_test_flb_set(LUO_TEST_FLB_FAIL_PRESERVE);
	else if (!strcmp(command, "sleep preserve"))
		luo_test_flb_set(LUO_TEST_FLB_SLEEP_PRESERVE);
	else if (!strcmp(command, "fail retrieve"))
		luo_test_flb_set(LUO_TEST_FLB_FAIL_RETRIEVE);
	else if (!strcmp(command, "sleep finish"))
		luo_test_flb_set(LUO_TEST_FLB_SLEEP_FINISH);
	else if (!strcmp(command, "get"))
		pr_info("incoming flbs: %d\n", luo_test_flb_check_incoming());
	else if (!strcmp(command, "ok"))
		luo_test_flb_set(0);
	else
		return -EINVAL;
	return 0;
}

static int luo_test_command(struct luo_test *t, const char *command)
{
	size_t len;

	guard(mutex)(&t->lock);

	len = str_has_prefix(command, "data=");
	if (len) {
		if (strlen(command + len) >= LUO_TEST_DATA_LENGTH)
			return -EMSGSIZE;
		strscpy_pad(t->state.data, command + len);
		return 0;
	}
	len = str_has_prefix(command, "fail ");
	if (len)
		return luo_test_set_step(&t->state.fail, command + len,
					 LUO_TEST_NR_FAIL);
	len = str_has_prefix(command, "sleep ");
	if (len)
		return luo_test_set_step(&t->state.sleep, command + len,
					 LUO_TEST_NR_STEPS);
	len = str_has_prefix(command, "flb ");
	if (len)
		return luo_test_flb_command(command + len);

	if (!strcmp(command, "ok")) {
		t->state.fail = 0;
		t->state.sleep = 0;
		return 0;
	}
	if (!strcmp(command, "wake")) {
		luo_test_wake();
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

	if (t) {
		mutex_init(&t->lock);
		t->state.magic = LUO_TEST_MAGIC;
	}
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

/* Log a step, and sleep or fail in it if told to. */
static int luo_test_step(const struct luo_test_ser *ser, enum luo_test_step step)
{
	pr_info("%s %.*s\n", luo_test_steps[step], LUO_TEST_DATA_LENGTH - 1,
		ser->data);
	if (ser->sleep & BIT(step))
		luo_test_sleep(luo_test_steps[step]);
	return ser->fail & BIT(step) ? -EIO : 0;
}

/* The file's state as it is now. */
static struct luo_test_ser luo_test_state(struct file *file)
{
	struct luo_test *t = file->private_data;

	guard(mutex)(&t->lock);
	return t->state;
}

static int luo_test_preserve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser;
	int err;

	luo_test_flb_check_outgoing();
	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	*ser = luo_test_state(args->file);
	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	err = luo_test_step(ser, LUO_TEST_PRESERVE);
	if (err)
		kho_unpreserve_free(ser);
	return err;
}

static void luo_test_unpreserve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = args->private_data;

	luo_test_flb_check_outgoing();
	luo_test_step(ser, LUO_TEST_UNPRESERVE);
	kho_unpreserve_free(ser);
}

static int luo_test_freeze(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = args->private_data;

	*ser = luo_test_state(args->file);
	return luo_test_step(ser, LUO_TEST_FREEZE);
}

static void luo_test_unfreeze(struct liveupdate_file_op_args *args)
{
	luo_test_step(args->private_data, LUO_TEST_UNFREEZE);
}

/* What came in, in place, until finish frees it; NULL when it is damaged. */
static struct luo_test_ser *luo_test_ser(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser;

	if (!kho_is_preserved(args->serialized_data, sizeof(*ser)))
		return NULL;
	ser = phys_to_virt(args->serialized_data);
	return ser->magic == LUO_TEST_MAGIC ? ser : NULL;
}

static int luo_test_retrieve(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = luo_test_ser(args);
	struct luo_test *t;
	struct file *file;
	int err;

	if (!ser)
		return -EINVAL;
	luo_test_flb_check_incoming();
	err = luo_test_step(ser, LUO_TEST_RETRIEVE);
	if (err)
		return err;

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
	struct luo_test_ser state;

	if (args->file)
		state = luo_test_state(args->file);
	else if (luo_test_ser(args))
		state = *luo_test_ser(args);
	else
		return true;
	return !luo_test_step(&state, LUO_TEST_CAN_FINISH);
}

static void luo_test_finish(struct liveupdate_file_op_args *args)
{
	struct luo_test_ser *ser = luo_test_ser(args);

	if (!ser)
		return;
	luo_test_step(ser, LUO_TEST_FINISH);
	kho_restore_free(ser);
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
