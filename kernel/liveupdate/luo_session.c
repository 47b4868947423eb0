// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): sessions.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Sessions
 *
 * A session is a named group of files that a process keeps through a live
 * update. It is made as an outgoing session, lives as long as its file, and is
 * what the freeze writes out. In the next kernel it is an incoming session, held
 * until somebody retrieves it by name and finishes it. A session never turns
 * from one kind into the other: to hand a file on once more, it is put into an
 * outgoing session of the kernel that received it.
 *
 * Closing a retrieved session finishes it. A close cannot fail, so when a file
 * is not ready to be finished the session is held as before it was retrieved,
 * and can be retrieved again: nothing is lost.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/anon_inodes.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kho_internal.h"
#include "luo_internal.h"

#include <trace/events/liveupdate.h>

struct luo_session_set luo_outgoing;
struct luo_session_set luo_incoming;

/**
 * luo_session_set_init - make a set of sessions ready for use
 * @set:      the set
 * @incoming: whether its sessions come from the previous kernel
 */
void luo_session_set_init(struct luo_session_set *set, bool incoming)
{
	set->incoming = incoming;
	mutex_init(&set->lock);
	set->names = RB_ROOT;
	INIT_LIST_HEAD(&set->sessions);
	set->count = 0;
	kho_block_set_init(&set->blocks, sizeof(struct luo_session_ser));
}

/**
 * luo_sessions_init - called once before anything else here
 */
void __init luo_sessions_init(void)
{
	luo_session_set_init(&luo_outgoing, false);
	luo_session_set_init(&luo_incoming, true);
}

static bool luo_session_name_ok(const char *name)
{
	return name[0] && strnlen(name, LIVEUPDATE_SESSION_NAME_LENGTH) <
			  LIVEUPDATE_SESSION_NAME_LENGTH;
}

static struct luo_session *luo_session_alloc(struct luo_session_set *set,
					     const char *name, gfp_t gfp)
{
	struct luo_session *session;

	session = kzalloc(sizeof(*session), gfp);
	if (!session)
		return NULL;
	session->set = set;
	RB_CLEAR_NODE(&session->node);
	INIT_LIST_HEAD(&session->list);
	strscpy(session->name, name);
	luo_file_set_init(&session->files, session->name,
			  crc32_le(~0, session->name,
				   sizeof(session->name)) ?: 1,
			  set->incoming);
	return session;
}

/**
 * luo_session_free - free a session that is in no set
 * @session: the session, without files
 */
void luo_session_free(struct luo_session *session)
{
	luo_file_set_destroy(&session->files);
	kfree(session);
}

static int luo_session_cmp_name(const void *name, const struct rb_node *node)
{
	return strcmp(name, rb_entry(node, struct luo_session, node)->name);
}

static int luo_session_cmp(struct rb_node *a, const struct rb_node *b)
{
	return luo_session_cmp_name(rb_entry(a, struct luo_session, node)->name,
				    b);
}

/**
 * luo_session_find - find a session by name
 * @set:  where; locked
 * @name: NUL-terminated
 *
 * Return: the session or NULL.
 */
struct luo_session *luo_session_find(struct luo_session_set *set,
				     const char *name)
{
	lockdep_assert_held(&set->lock);

	return rb_entry_safe(rb_find(name, &set->names, luo_session_cmp_name),
			     struct luo_session, node);
}

static int luo_session_add(struct luo_session *session)
{
	struct luo_session_set *set = session->set;

	lockdep_assert_held(&set->lock);

	if (rb_find_add(&session->node, &set->names, luo_session_cmp)) {
		RB_CLEAR_NODE(&session->node);
		return -EEXIST;
	}
	list_add_tail(&session->list, &set->sessions);
	set->count++;
	return 0;
}

/* Take a session out of its set, if it is there still. */
static void luo_session_del(struct luo_session *session)
{
	struct luo_session_set *set = session->set;

	guard(mutex)(&set->lock);
	if (RB_EMPTY_NODE(&session->node))
		return;
	rb_erase(&session->node, &set->names);
	RB_CLEAR_NODE(&session->node);
	list_del_init(&session->list);
	set->count--;
	if (!session->set->incoming)
		kho_block_set_shrink(&set->blocks, set->count);
}

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

	/* First, so that a full table does not cost the handler's one try. */
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
		/* A loss is told once: who tries again is to come to an end. */
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

/* An incoming session, for the one who gets it. */
static struct luo_session *luo_session_claim(struct luo_session_set *set,
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

	session = luo_session_claim(&luo_incoming, cmd->name);
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

/**
 * luo_session_receive - take in a session from the previous kernel
 * @set: where it is to be kept; locked
 * @ser: what the previous kernel wrote
 *
 * A session whose name can be used but whose files cannot is kept, so that who
 * asks for it learns of it.
 *
 * Return: 0; -EINVAL or -EEXIST for a name that cannot be used; -EIO when it is
 * kept but cannot be retrieved.
 */
int luo_session_receive(struct luo_session_set *set,
			const struct luo_session_ser *ser)
{
	struct luo_session *session;
	int err;

	lockdep_assert_held(&set->lock);

	if (!luo_session_name_ok(ser->name)) {
		pr_err("a session from the previous kernel has no valid name; its memory stays reserved until the next reboot\n");
		return -EINVAL;
	}
	if (luo_session_find(set, ser->name)) {
		pr_err("session '%s' came in twice; the memory of the second stays reserved until the next reboot\n",
		       ser->name);
		return -EEXIST;
	}

	/*
	 * What came in must not be lost to a moment's lack of memory. There is
	 * no more of it than of preserved memory that describes it.
	 */
	session = luo_session_alloc(set, ser->name, GFP_KERNEL | __GFP_NOFAIL);
	err = luo_files_receive(&session->files, ser);
	if (err) {
		pr_err("session '%s' from the previous kernel is damaged: %pe; its memory stays reserved until the next reboot\n",
		       session->name, ERR_PTR(err));
		session->err = -EIO;
	}
	luo_session_add(session);
	trace_luo_session_receive(session->name, session->files.nr_files,
				  session->err);
	return session->err;
}

/**
 * luo_sessions_receive - take in all sessions from the previous kernel
 * @sessions_pa: first block of &struct luo_session_ser
 *
 * Called once. A damaged session does not keep the others from being used.
 *
 * Return: 0, or -EIO when they cannot be read at all.
 */
int luo_sessions_receive(u64 sessions_pa)
{
	struct kho_block_set blocks;
	struct kho_block_set_it it;
	struct luo_session_ser *ser;
	int err;

	kho_block_set_init(&blocks, sizeof(struct luo_session_ser));
	err = kho_block_set_restore(&blocks, sessions_pa);
	if (err) {
		pr_err("list of sessions from the previous kernel is damaged: %pe; their memory stays reserved until the next reboot\n",
		       ERR_PTR(err));
		return -EIO;
	}

	kho_block_set_it_init(&it, &blocks);
	scoped_guard(mutex, &luo_incoming.lock) {
		while ((ser = kho_block_set_it_read_entry(&it)))
			luo_session_receive(&luo_incoming, ser);
	}
	kho_block_set_destroy(&blocks);
	return 0;
}

/**
 * luo_sessions_nr_files - how many files do all outgoing sessions hold?
 *
 * Return: the number, of files that are preserved by now.
 */
u64 luo_sessions_nr_files(void)
{
	struct luo_session *session;
	u64 nr_files = 0;

	guard(mutex)(&luo_outgoing.lock);
	list_for_each_entry(session, &luo_outgoing.sessions, list)
		nr_files += READ_ONCE(session->files.nr_files);

	return nr_files;
}

static int luo_session_freeze(struct luo_session *session,
			      struct kho_block_set_it *it)
{
	struct luo_session_ser *ser;

	ser = kho_block_set_it_reserve_entry(it);
	if (WARN_ON_ONCE(!ser))
		return -ENOSPC;
	strscpy_pad(ser->name, session->name);

	guard(mutex)(&session->files.mutex);
	return luo_files_freeze(&session->files, ser);
}

static void luo_session_unfreeze(struct luo_session *session)
{
	guard(mutex)(&session->files.mutex);
	luo_files_unfreeze(&session->files);
}

/**
 * luo_sessions_freeze - write out all outgoing sessions
 * @sessions_pa: output; their first block, 0 when there are none
 *
 * Called with luo_rwsem held for writing, so that there is nobody else to change
 * the set; its lock is not taken because callbacks run here.
 *
 * Return: 0, or the first errno of a handler; then nothing is frozen.
 */
int luo_sessions_freeze(u64 *sessions_pa)
{
	struct luo_session_set *set = &luo_outgoing;
	struct luo_session *session;
	struct kho_block_set_it it;
	u64 nr_files = 0;
	int err;

	trace_luo_freeze_begin(set->count);
	kho_block_set_it_init(&it, &set->blocks);
	list_for_each_entry(session, &set->sessions, list) {
		err = luo_session_freeze(session, &it);
		if (err)
			goto unfreeze;
		nr_files += session->files.nr_files;
	}
	*sessions_pa = set->count ? kho_block_set_head_pa(&set->blocks) : 0;
	trace_luo_freeze_end(set->count, nr_files, 0);
	return 0;

unfreeze:
	list_for_each_entry_continue_reverse(session, &set->sessions, list)
		luo_session_unfreeze(session);
	kho_block_set_clear(&set->blocks);
	trace_luo_freeze_end(set->count, nr_files, err);
	return err;
}
