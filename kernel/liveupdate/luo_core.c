// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): start-up, /dev/liveupdate, the freeze.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Live update orchestrator
 *
 * Userspace groups files into sessions. When the kernel is replaced by kexec,
 * the state of the files in each session is handed to the next kernel by kexec
 * handover (KHO), and userspace gets the files back there, session by session.
 * Each type of file has a handler, which knows what the state of such a file
 * consists of, see &struct liveupdate_file_handler.
 *
 * An outgoing session is written out by liveupdate_reboot(), called right before
 * the jump; until then, nothing is handed over. The header of the handed over
 * data is published at boot and lists no session, so that it is valid at any
 * time; a successful freeze ends with the store that makes it name some.
 *
 * Data from the previous kernel is read in two steps: its header at boot, the
 * sessions when /dev/liveupdate is first opened. Each address in it is checked
 * by KHO before it is followed. Only what is damaged cannot be used: a file, a
 * session or, at worst, everything. Its memory is not released to the page
 * allocator, because what it contains is unknown.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kexec.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "kho_internal.h"
#include "luo_internal.h"

static int luo_freeze(void)
{
	u64 sessions_pa;
	int err;

	err = luo_freeze_begin();
	if (err)
		return err;
	kho_timeline_mark(KHO_REBOOT);
	err = luo_flbs_check_image(kexec_image);
	if (!err)
		err = luo_sessions_freeze(&sessions_pa);
	if (!err) {
		luo_flbs_freeze();
		luo_header_set_sessions(sessions_pa);
		kho_timeline_mark(KHO_FROZEN);
	}
	luo_freeze_end(!err);

	return err;
}

/**
 * liveupdate_load - may an image be loaded?
 * @image: the image, which has all segments
 *
 * Called by kexec_file_load(). What is preserved later is compared when it is.
 *
 * Context: kexec lock held.
 * Return: 0; -EOPNOTSUPP with a message when devices are preserved that the next kernel
 * does not say that it takes over.
 */
int liveupdate_load(const struct kimage *image)
{
	return kho_image(image) ? luo_flbs_check_image(image) : 0;
}

/**
 * liveupdate_reboot - write out all sessions for the next kernel
 *
 * Called by kernel_kexec() when the next kernel can receive them, before devices
 * are shut down. After a success the sessions cannot be changed. A panic before
 * that starts the crash kernel: a handler may take long, or hang, and the admin
 * must be able to get a dump.
 *
 * Context: kexec lock held.
 * Return: 0, or the errno with which a handler refused, or -EINTR when killed.
 * Then everything is as it was before, and the call can be repeated.
 */
int liveupdate_reboot(void)
{
	int err;

	if (!luo_header_is_published())
		return 0;

	kho_allow_crash();
	err = luo_freeze();
	kho_disallow_crash();

	if (err)
		pr_err("live update called off: %pe; sessions are as before, try again when the reason is gone\n",
		       ERR_PTR(err));
	return err;
}

/**
 * liveupdate_reboot_cold - may the sessions be lost?
 *
 * Called by kernel_kexec() when the next kernel cannot receive them. It waits for
 * no ioctl: a file that is being preserved does not count yet.
 *
 * Return: 0 when no session has a file, else -EOPNOTSUPP with a message.
 */
int liveupdate_reboot_cold(void)
{
	u64 nr_files;

	if (!luo_header_is_published())
		return 0;

	nr_files = luo_sessions_nr_files();
	if (!nr_files)
		return 0;

	pr_err("kexec refused: the loaded image would lose %llu files in sessions; load it with kexec_file_load() (kexec -s), or close the sessions to lose them\n",
	       nr_files);
	return -EOPNOTSUPP;
}

#define LUO_DEVICE_OP(...)	LUO_IOCTL_OP(LIVEUPDATE_CMD_BASE, __VA_ARGS__)

static const struct luo_ioctl_op luo_device_ops[] = {
	LUO_DEVICE_OP(LIVEUPDATE_IOCTL_CREATE_SESSION, luo_create_session,
		      struct liveupdate_ioctl_create_session, name,
		      .output = true),
	LUO_DEVICE_OP(LIVEUPDATE_IOCTL_RETRIEVE_SESSION, luo_retrieve_session,
		      struct liveupdate_ioctl_retrieve_session, name,
		      .output = true, .undo = luo_retrieve_session_undo),
};

static const struct luo_ioctl_table luo_device_table = {
	.base = LIVEUPDATE_CMD_BASE,
	.nr = ARRAY_SIZE(luo_device_ops),
	.ops = luo_device_ops,
};

static long luo_device_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	return luo_ioctl(&luo_device_table, NULL, cmd, arg);
}

/* Bit 0: the device is open. */
static unsigned long luo_device_busy;

/*
 * Sessions that came in and are not read yet, 0 for none; and -EIO when what came
 * in cannot be used. Written at boot, and then by the opener of the device. There
 * is one at a time, so no lock is needed.
 */
static u64 luo_unread_sessions_pa;
static int luo_sessions_err;

/*
 * Called with misc_mtx held. Drivers may need that lock to shut down their devices
 * after the freeze, and handlers may need it to open a device. So this function
 * neither calls luo_enter(), which may wait for ever, nor locks a session.
 */
static int luo_device_open(struct inode *inode, struct file *file)
{
	int err;

	if (test_and_set_bit_lock(0, &luo_device_busy))
		return -EBUSY;

	if (luo_unread_sessions_pa) {
		luo_sessions_err = luo_sessions_receive(luo_unread_sessions_pa);
		luo_unread_sessions_pa = 0;
		kho_timeline_mark(KHO_OPENED);
	}
	err = luo_sessions_err;
	if (err)
		clear_bit_unlock(0, &luo_device_busy);
	return err;
}

static int luo_device_release(struct inode *inode, struct file *file)
{
	clear_bit_unlock(0, &luo_device_busy);
	return 0;
}

static const struct file_operations luo_device_fops = {
	.owner = THIS_MODULE,
	.open = luo_device_open,
	.release = luo_device_release,
	.unlocked_ioctl = luo_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice luo_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "liveupdate",
	.fops = &luo_device_fops,
	.mode = 0600,
};

static int __init luo_publish(u64 nr_updates)
{
	u64 flbs_pa;
	int err;

	err = luo_flbs_publish(&flbs_pa);
	if (err)
		return err;
	err = luo_header_publish(nr_updates, flbs_pa);
	if (err)
		luo_flbs_unpublish();
	return err;
}

/* After KHO. Handlers register in initcalls, too, and need not wait for this. */
static int __init luo_init(void)
{
	struct luo_received received;
	int err;

	if (!luo_start())
		return 0;

	luo_sessions_init();
	luo_header_receive(&received);
	luo_flbs_receive();
	luo_header_free();
	luo_unread_sessions_pa = received.sessions_pa;
	if (received.damaged)
		luo_sessions_err = -EIO;

	err = luo_publish(received.nr_updates + 1);
	if (err) {
		pr_err("cannot set up what to hand over: %pe; live update is off until the next reboot\n",
		       ERR_PTR(err));
		luo_disable();
		return err;
	}
	if (received.nr_updates)
		pr_info("live update number %llu since the last cold boot\n",
			received.nr_updates);
	return 0;
}
postcore_initcall(luo_init);

static int __init luo_device_init(void)
{
	int err;

	if (!liveupdate_enabled())
		return 0;
	err = misc_register(&luo_device);
	if (err)
		pr_err("cannot register /dev/liveupdate: %pe; nothing can be handed over until the next reboot\n",
		       ERR_PTR(err));
	return err;
}
late_initcall(luo_device_init);
