// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): start-up, /dev/liveupdate, ioctl dispatch.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Live update orchestrator
 *
 * Userspace groups files into sessions. When the kernel is replaced by kexec,
 * the state of the files in each session is handed to the next kernel by kexec
 * handover (KHO), and userspace gets the files back there, session by session.
 * What the state of a file consists of is the business of a handler, one for
 * each type of file, see &struct liveupdate_file_handler.
 *
 * An outgoing session is written out by liveupdate_reboot(), called right before
 * the jump; until then, nothing is handed over. The header of the handed over
 * data is published at boot and lists no session, so that it is valid at any
 * time; a successful freeze ends with the store that makes it name some.
 *
 * Data from the previous kernel is read in two steps: its header at boot, the
 * sessions when /dev/liveupdate is first opened. Each address in it is checked
 * by KHO before it is followed. What turns out to be damaged is set aside alone:
 * a file, a session or, at worst, everything. Its memory is not given to the
 * page allocator, for nobody knows what it holds.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "kho_internal.h"
#include "luo_internal.h"

static bool luo_enabled __ro_after_init;

/* What this kernel hands over. NULL while LUO is not up. */
static struct luo_ser *luo_outgoing_header __ro_after_init;

/**
 * struct luo_received - what came in from the previous kernel
 * @known:       its header was read, if there is one. Protected by
 *               luo_receive_lock
 * @header:      the header, until luo_init() frees it: debugfs shows it, but not
 *               as early as drivers may ask for it
 * @nr_updates:  live updates up to this kernel
 * @sessions_pa: sessions not read yet, 0 for none
 * @err:         -EIO when what came in cannot be used
 *
 * There is one opener of the device at a time, so no lock is needed but for the
 * header, which drivers may ask for before initcalls of this file run.
 */
static struct luo_received {
	bool known;
	struct luo_ser *header;
	u64 nr_updates;
	u64 sessions_pa;
	int err;
} luo_received;

static DEFINE_MUTEX(luo_receive_lock);

/* See the list of locks in luo_internal.h. */
static DECLARE_RWSEM(luo_rwsem);

/*
 * The freeze succeeded. Changed under luo_rwsem, which is not held until the
 * jump: the code between would have to be checked for what it waits for.
 */
VISIBLE_IF_KUNIT bool luo_frozen;
static DECLARE_WAIT_QUEUE_HEAD(luo_frozen_wait);

static int __init luo_enable(char *arg)
{
	return kstrtobool(arg, &luo_enabled);
}
early_param("liveupdate", luo_enable);

/**
 * liveupdate_enabled - is live update in use?
 *
 * Return: true when the kernel was booted with liveupdate=on and with KHO.
 */
bool liveupdate_enabled(void)
{
	return luo_enabled && kho_is_enabled();
}
EXPORT_SYMBOL_GPL(liveupdate_enabled);

/**
 * luo_enter - begin something that must not run while all is frozen
 *
 * Waits while all is frozen. When the update goes ahead, that is for ever: the
 * kernel goes away. Tasks that wait here neither count as load nor as hung.
 */
void luo_enter(void)
{
	down_read(&luo_rwsem);
	while (luo_frozen) {
		up_read(&luo_rwsem);
		wait_event_idle(luo_frozen_wait, !READ_ONCE(luo_frozen));
		down_read(&luo_rwsem);
	}
}

/**
 * luo_enter_release - begin the close of a session
 *
 * As luo_enter(), but a kernel thread does not wait once all is frozen. The
 * kernel closes with it what nobody else is left to close, one file after the
 * other, and devices may wait for that when they are shut down.
 *
 * Return: true; or false when the session is written out, and has to be left as
 * it is.
 */
bool luo_enter_release(void)
{
	if (!(current->flags & PF_KTHREAD)) {
		luo_enter();
		return true;
	}

	down_read(&luo_rwsem);
	if (!luo_frozen)
		return true;
	up_read(&luo_rwsem);
	return false;
}

/**
 * luo_exit - end what luo_enter() began
 */
void luo_exit(void)
{
	up_read(&luo_rwsem);
}

static int luo_freeze(void)
{
	u64 sessions_pa;
	int err;

	if (down_write_killable(&luo_rwsem))
		return -EINTR;
	kho_timeline_mark(KHO_REBOOT);
	err = luo_sessions_freeze(&sessions_pa);
	if (!err) {
		luo_flbs_freeze();
		luo_outgoing_header->sessions_pa = sessions_pa;
		luo_frozen = true;
		kho_timeline_mark(KHO_FROZEN);
	}
	up_write(&luo_rwsem);

	return err;
}

/**
 * liveupdate_reboot - write out all sessions for the next kernel
 *
 * Called by kernel_kexec() when the next kernel can receive them, before devices
 * are shut down. From a success on, the sessions cannot be changed. A panic in
 * the meantime starts the crash kernel, for a handler may take long, or hang.
 *
 * Context: kexec lock held.
 * Return: 0, or the errno with which a handler refused, or -EINTR when killed.
 * Then everything is as it was before, and the call can be repeated.
 */
int liveupdate_reboot(void)
{
	int err;

	if (!luo_outgoing_header)
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
 * Called by kernel_kexec() when the next kernel cannot receive them. It does not
 * wait for anybody: a file that is being preserved does not count yet.
 *
 * Return: 0 when no session holds a file, else -EOPNOTSUPP with a message.
 */
int liveupdate_reboot_cold(void)
{
	u64 nr_files;

	if (!luo_outgoing_header)
		return 0;

	nr_files = luo_sessions_nr_files();
	if (!nr_files)
		return 0;

	pr_err("kexec refused: the loaded image would lose %llu files in sessions; load it with kexec_file_load() (kexec -s), or close the sessions to lose them\n",
	       nr_files);
	return -EOPNOTSUPP;
}

/* Hand the results to the caller, or none of them. */
static int luo_ucmd_respond(const struct luo_ioctl_op *op, struct luo_ucmd *ucmd,
			    void __user *ubuffer, u32 user_size)
{
	if (op->output &&
	    copy_to_user(ubuffer, ucmd->cmd, min(user_size, op->size))) {
		if (op->undo)
			op->undo(ucmd);
		return -EFAULT;
	}

	if (ucmd->file)
		fd_install(ucmd->fd, ucmd->file);
	ucmd->file = NULL;
	ucmd->fd = -1;
	return 0;
}

/**
 * luo_ioctl - execute a command
 * @table:   commands of this kind of file
 * @session: the session, NULL on the device
 * @cmd:     the command
 * @arg:     pointer to its structure
 *
 * The rules for structures that grow, and for numbers not known, are all here.
 *
 * Return: 0 or an errno.
 */
long luo_ioctl(const struct luo_ioctl_table *table, struct luo_session *session,
	       unsigned int cmd, unsigned long arg)
{
	void __user *ubuffer = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd);
	const struct luo_ioctl_op *op;
	union luo_ucmd_buffer buf;
	struct luo_ucmd ucmd = { .session = session, .cmd = &buf, .fd = -1 };
	u32 user_size;
	int err;

	if (_IOC_TYPE(cmd) != LIVEUPDATE_IOCTL_TYPE)
		return -ENOTTY;
	if (nr < table->base || nr - table->base >= table->nr)
		return -EINVAL;
	op = &table->ops[array_index_nospec(nr - table->base, table->nr)];
	if (!op->execute || cmd != _IO(LIVEUPDATE_IOCTL_TYPE, nr))
		return -ENOTTY;

	if (get_user(user_size, (u32 __user *)ubuffer))
		return -EFAULT;
	if (user_size < op->min_size)
		return -EINVAL;
	err = copy_struct_from_user(&buf, op->size, ubuffer, user_size);
	if (err)
		return err;

	luo_enter();
	err = op->execute(&ucmd);
	luo_exit();
	if (!err)
		err = luo_ucmd_respond(op, &ucmd, ubuffer, user_size);

	if (ucmd.file)
		fput(ucmd.file);
	if (ucmd.fd >= 0)
		put_unused_fd(ucmd.fd);
	return err;
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
 * Called with misc_mtx held, which drivers may need to shut down their devices
 * after the freeze, and handlers to open a device. So this neither waits in
 * luo_enter() nor takes the lock of a session.
 */
static int luo_device_open(struct inode *inode, struct file *file)
{
	int err;

	if (test_and_set_bit_lock(0, &luo_device_busy))
		return -EBUSY;

	if (luo_received.sessions_pa) {
		luo_received.err = luo_sessions_receive(luo_received.sessions_pa);
		luo_received.sessions_pa = 0;
		kho_timeline_mark(KHO_OPENED);
	}
	err = luo_received.err;
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

/**
 * luo_header_check - can this header from the previous kernel be used?
 * @ser:  the header
 * @size: how many bytes the previous kernel says it has
 *
 * A header of another format may have another size, so the format is looked at
 * first: it is the better explanation.
 *
 * Return: 0 or -EIO.
 */
int luo_header_check(const struct luo_ser *ser, size_t size)
{
	static const char compatible[LUO_ABI_COMPAT_LENGTH] = LUO_ABI_COMPATIBLE;

	if (memcmp(ser->compatible, compatible, sizeof(compatible))) {
		pr_err("previous kernel's data has format '%*pE', expected '%s'\n",
		       (int)strnlen(ser->compatible, LUO_ABI_COMPAT_LENGTH),
		       ser->compatible, compatible);
		return -EIO;
	}
	if (size < sizeof(*ser)) {
		pr_err("previous kernel's header has %zu bytes, expected %zu\n",
		       size, sizeof(*ser));
		return -EIO;
	}
	return 0;
}

/**
 * luo_find_page - a page that the previous kernel preserved
 * @pa: its physical address, as that kernel told it
 *
 * Return: the page, in place, for kho_restore_free() when all in it is read; or
 * NULL when there is none.
 */
void *luo_find_page(u64 pa)
{
	return kho_is_preserved(pa, PAGE_SIZE) ? phys_to_virt(pa) : NULL;
}

/* Read the header that came in, if any. */
static void __init luo_receive_header(void)
{
	struct luo_ser *ser = NULL;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(LUO_KHO_ENTRY_NAME, &phys, &size);
	if (err == -ENOENT)
		return;
	if (!err)
		ser = luo_find_page(phys);
	if (!ser || luo_header_check(ser, size)) {
		pr_err("nothing can be retrieved from the previous kernel; its memory stays reserved until the next reboot\n");
		luo_received.err = -EIO;
		luo_flbs_set_damaged();
		return;
	}

	luo_received.nr_updates = ser->liveupdate_num;
	luo_received.sessions_pa = ser->sessions_pa;
	luo_flbs_receive(ser->flbs_pa);
	luo_received.header = ser;
}

/**
 * luo_receive_early - see to it that the header that came in is read
 *
 * Whoever asks first for what came in reads it. That is luo_init(), unless a
 * driver needs its state before.
 *
 * Context: may sleep; from early_initcall on
 */
void __ref luo_receive_early(void)
{
	guard(mutex)(&luo_receive_lock);
	if (luo_received.known)
		return;
	kho_memory_ready();
	luo_receive_header();
	luo_received.known = true;
}

static int __init luo_publish_header(u64 liveupdate_num)
{
	struct luo_ser *ser;
	u64 flbs_pa;
	int err;

	err = luo_flbs_publish(&flbs_pa);
	if (err)
		return err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto free_flbs;
	}
	strscpy_pad(ser->compatible, LUO_ABI_COMPATIBLE);
	ser->liveupdate_num = liveupdate_num;
	ser->flbs_pa = flbs_pa;

	err = kho_add_subtree(LUO_KHO_ENTRY_NAME, ser, sizeof(*ser));
	if (err)
		goto free_ser;
	luo_outgoing_header = ser;
	return 0;

free_ser:
	kho_unpreserve_free(ser);
free_flbs:
	kho_unpreserve_free(phys_to_virt(flbs_pa));
	return err;
}

/* After KHO. Handlers register in initcalls, too, and need not wait for this. */
static int __init luo_init(void)
{
	int err;

	if (!luo_enabled)
		return 0;
	if (!kho_is_enabled()) {
		pr_warn("liveupdate=on has no effect without kexec handover, boot with kho=on as well\n");
		luo_enabled = false;
		return 0;
	}

	luo_sessions_init();
	luo_receive_early();
	kho_restore_free(luo_received.header);
	luo_received.header = NULL;
	err = luo_publish_header(luo_received.nr_updates + 1);
	if (err) {
		pr_err("cannot set up what to hand over: %pe; live update is off until the next reboot\n",
		       ERR_PTR(err));
		luo_enabled = false;
		return err;
	}
	if (luo_received.nr_updates)
		pr_info("live update number %llu since the last cold boot\n",
			luo_received.nr_updates);
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
