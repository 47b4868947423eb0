// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): runs an ioctl by a table of commands.
 *
 * The rules for structures that grow, and for unknown numbers, are here, for the
 * device and for the files of sessions.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "luo_internal.h"

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
