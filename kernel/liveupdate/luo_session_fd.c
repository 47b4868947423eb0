// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the file of a session, and what userspace can
 * do with it.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <trace/events/liveupdate.h>

#include "kho_internal.h"
#include "luo_internal.h"

static int luo_session_preserve_fd(struct luo_ucmd *ucmd)
{
	const struct liveupdate_session_preserve_fd *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->session;

	if (session->set->incoming)
		return -EINVAL;

	guard(mutex)(&session->files.mutex);
	return luo_file_preserve(&session->files, cmd->token, cmd->fd);
}

static int luo_session_retrieve_fd(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_retrieve_fd *cmd = ucmd->cmd;
	struct luo_session *session = ucmd->session;
	struct file *file;

	if (!session->set->incoming)
		return -EINVAL;

	/* First: the handler is asked once only, not when the table is full. */
	ucmd->fd = get_unused_fd_flags(O_CLOEXEC);
	if (ucmd->fd < 0)
		return ucmd->fd;
	cmd->fd = ucmd->fd;

	scoped_guard(mutex, &session->files.mutex)
		file = luo_file_retrieve(&session->files, cmd->token);
	if (IS_ERR(file))
		return PTR_ERR(file);
	kho_timeline_mark(KHO_RETRIEVED);
	ucmd->file = file;
	return 0;
}

static int luo_session_do_finish(struct luo_session *session, bool *lost)
{
	u64 nr_files;
	int err;

	scoped_guard(mutex, &session->files.mutex) {
		nr_files = session->files.nr_files;
		err = luo_files_finish(&session->files);
		/* Report a loss once: a second try has to succeed. */
		*lost = session->files.lost;
		session->files.lost = false;
	}
	trace_luo_session_finish(session->name, nr_files, err);
	if (err)
		return err;
	scoped_guard(mutex, &session->set->lock)
		session->finished = true;
	kho_timeline_mark(KHO_FINISHED);
	return 0;
}

static int luo_session_finish(struct luo_ucmd *ucmd)
{
	const struct liveupdate_session_finish *cmd = ucmd->cmd;
	bool lost;
	int err;

	if (!ucmd->session->set->incoming || cmd->reserved)
		return -EINVAL;
	err = luo_session_do_finish(ucmd->session, &lost);
	return !err && lost ? -EIO : err;
}

static int luo_session_get_name(struct luo_ucmd *ucmd)
{
	struct liveupdate_session_get_name *cmd = ucmd->cmd;

	if (cmd->reserved)
		return -EINVAL;
	memcpy(cmd->name, ucmd->session->name, sizeof(cmd->name));
	return 0;
}

#define LUO_SESSION_OP(...)						\
	LUO_IOCTL_OP(LIVEUPDATE_CMD_SESSION_BASE, __VA_ARGS__)

static const struct luo_ioctl_op luo_session_ops[] = {
	LUO_SESSION_OP(LIVEUPDATE_SESSION_PRESERVE_FD, luo_session_preserve_fd,
		       struct liveupdate_session_preserve_fd, token),
	LUO_SESSION_OP(LIVEUPDATE_SESSION_RETRIEVE_FD, luo_session_retrieve_fd,
		       struct liveupdate_session_retrieve_fd, token,
		       .output = true),
	LUO_SESSION_OP(LIVEUPDATE_SESSION_FINISH, luo_session_finish,
		       struct liveupdate_session_finish, reserved),
	LUO_SESSION_OP(LIVEUPDATE_SESSION_GET_NAME, luo_session_get_name,
		       struct liveupdate_session_get_name, name,
		       .output = true),
};

static const struct luo_ioctl_table luo_session_table = {
	.base = LIVEUPDATE_CMD_SESSION_BASE,
	.nr = ARRAY_SIZE(luo_session_ops),
	.ops = luo_session_ops,
};

static long luo_session_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return luo_ioctl(&luo_session_table, file->private_data, cmd, arg);
}

/* Make an incoming session retrievable again. */
static void luo_session_put_back(struct luo_session *session)
{
	guard(mutex)(&session->set->lock);
	session->retrieved = false;
}

static void luo_session_close_incoming(struct luo_session *session)
{
	bool lost;

	if (luo_session_do_finish(session, &lost)) {
		pr_warn("session '%s' was closed with files in use; retrieve it again to finish it\n",
			session->name);
		luo_session_put_back(session);
		return;
	}
	luo_session_del(session);
	luo_session_free(session);
}

static void luo_session_close_outgoing(struct luo_session *session)
{
	trace_luo_session_unpreserve(session->name, session->files.nr_files, 0);
	luo_session_del(session);
	scoped_guard(mutex, &session->files.mutex)
		luo_files_unpreserve(&session->files);
	luo_session_free(session);
}

static int luo_session_release(struct inode *inode, struct file *file)
{
	struct luo_session *session = file->private_data;

	if (!session)
		return 0;

	if (!luo_enter_release())
		return 0;
	if (session->set->incoming)
		luo_session_close_incoming(session);
	else
		luo_session_close_outgoing(session);
	luo_exit();
	return 0;
}

static const struct file_operations luo_session_fops = {
	.owner = THIS_MODULE,
	.release = luo_session_release,
	.unlocked_ioctl = luo_session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* The file's private_data is set last: until then its release does nothing. */
static int luo_session_open(struct luo_ucmd *ucmd, const char *name)
{
	char link[sizeof("[luo_session] ") + LIVEUPDATE_SESSION_NAME_LENGTH];
	struct file *file;

	ucmd->fd = get_unused_fd_flags(O_CLOEXEC);
	if (ucmd->fd < 0)
		return ucmd->fd;

	snprintf(link, sizeof(link), "[luo_session] %s", name);
	file = anon_inode_getfile(link, &luo_session_fops, NULL, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ucmd->file = file;
	return 0;
}

/**
 * luo_create_session - execute LIVEUPDATE_IOCTL_CREATE_SESSION
 * @ucmd: the command
 *
 * Return: 0 or an errno.
 */
int luo_create_session(struct luo_ucmd *ucmd)
{
	struct liveupdate_ioctl_create_session *cmd = ucmd->cmd;
	struct luo_session_set *set = &luo_outgoing;
	struct luo_session *session;
	int err;

	if (!luo_session_name_ok(cmd->name))
		return -EINVAL;

	err = luo_session_open(ucmd, cmd->name);
	if (err)
		return err;
	session = luo_session_alloc(set, cmd->name, GFP_KERNEL_ACCOUNT);
	if (!session)
		return -ENOMEM;

	scoped_guard(mutex, &set->lock) {
		err = luo_session_add(session);
		if (!err)
			err = kho_block_set_grow(&set->blocks, set->count);
	}
	trace_luo_session_create(cmd->name, 0, err);
	if (err) {
		luo_session_del(session);
		luo_session_free(session);
		return err;
	}

	ucmd->file->private_data = session;
	cmd->fd = ucmd->fd;
	return 0;
}

/* Find an incoming session, and let no other caller retrieve it. */
static struct luo_session *luo_session_start_retrieve(struct luo_session_set *set,
						      const char *name)
{
	struct luo_session *session;

	guard(mutex)(&set->lock);
	session = luo_session_find(set, name);
	if (!session)
		return ERR_PTR(-ENOENT);
	if (session->err)
		return ERR_PTR(session->err);
	if (session->retrieved)
		return ERR_PTR(-EINVAL);
	session->retrieved = true;
	return session;
}

/**
 * luo_retrieve_session - execute LIVEUPDATE_IOCTL_RETRIEVE_SESSION
 * @ucmd: the command
 *
 * Return: 0 or an errno.
 */
int luo_retrieve_session(struct luo_ucmd *ucmd)
{
	struct liveupdate_ioctl_retrieve_session *cmd = ucmd->cmd;
	struct luo_session *session;
	int err;

	/* No session has such a name. */
	if (!luo_session_name_ok(cmd->name))
		return -ENOENT;

	err = luo_session_open(ucmd, cmd->name);
	if (err)
		return err;

	session = luo_session_start_retrieve(&luo_incoming, cmd->name);
	trace_luo_session_retrieve(cmd->name,
				   IS_ERR(session) ? 0 : session->files.nr_files,
				   PTR_ERR_OR_ZERO(session));
	if (IS_ERR(session))
		return PTR_ERR(session);

	ucmd->file->private_data = session;
	cmd->fd = ucmd->fd;
	return 0;
}

/**
 * luo_retrieve_session_undo - the caller did not get the session
 * @ucmd: the command
 */
void luo_retrieve_session_undo(struct luo_ucmd *ucmd)
{
	luo_session_put_back(ucmd->file->private_data);
	ucmd->file->private_data = NULL;
}
