// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): files that come in, are retrieved and
 * finished.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/liveupdate.h>

#include "luo_internal.h"

/* At most so many retrieve callbacks run within each other: stacks are small. */
#define LUO_MAX_DEPTH	8

/**
 * luo_file_receive - read a file that came in from the previous kernel
 * @set: files of the incoming session; not known to anybody else yet
 * @ser: what the previous kernel wrote
 *
 * When no handler can have the name, only this file cannot be retrieved.
 *
 * Return: 0, or -EEXIST when the session has a file of that token.
 */
int luo_file_receive(struct luo_file_set *set, const struct luo_file_ser *ser)
{
	struct luo_file *file;
	int err;

	/*
	 * The previous kernel wrote an entry for each file, so there are no
	 * more of them than fit in preserved memory.
	 */
	file = kzalloc(sizeof(*file), GFP_KHO_RESTORE);
	luo_file_init(file, set, ser->token);
	file->args.serialized_data = ser->data;
	if (luo_compatible_ok(ser->compatible))
		strscpy(file->compatible, ser->compatible);
	else
		pr_err("session '%s': file of token %#llx names no valid handler, it cannot be retrieved\n",
		       set->session, file->token);

	err = luo_file_add(set, file);
	if (err)
		kfree(file);
	return err;
}

/**
 * luo_files_receive - read the files of an incoming session
 * @set: its files, none yet; not known to anybody else yet
 * @ser: what the previous kernel wrote of the session
 *
 * Return: 0, or an errno when they cannot be read. Then there are none, and
 * their memory stays reserved.
 */
int luo_files_receive(struct luo_file_set *set,
		      const struct luo_session_ser *ser)
{
	struct kho_block_set blocks;
	struct kho_block_set_it it;
	struct luo_file_ser *file;
	int err;

	if (!ser->files)
		return ser->count ? -EINVAL : 0;

	kho_block_set_init(&blocks, sizeof(struct luo_file_ser));
	blocks.owner = set->identity;
	err = kho_block_set_restore(&blocks, ser->files);
	if (err)
		return err;

	/* The previous kernel may not know of identities. */
	set->identity = blocks.owner;
	kho_block_set_it_init(&it, &blocks);
	while (!err && (file = kho_block_set_it_read_entry(&it)))
		err = luo_file_receive(set, file);
	if (!err && set->nr_files != ser->count)
		err = -EINVAL;
	if (err) {
		luo_files_drop(set);
		kho_block_set_detach(&blocks);
		return err;
	}

	kho_block_set_destroy(&blocks);
	return 0;
}

/* Find the handler of an incoming file, unless done before. */
static bool luo_file_bind(struct luo_file *file)
{
	if (!file->args.handler)
		file->args.handler = luo_handler_get(file->compatible);
	return file->args.handler;
}

/*
 * Have the handler make the file. The result, good or bad, is kept, unless the
 * handler can be asked again. Returns 0 or the errno.
 */
static int luo_file_do_retrieve(struct luo_file_set *set, struct luo_file *file)
{
	struct liveupdate_file_op_args *args = &file->args;
	int err;

	set->depth++;
	file->retrieving = true;
	err = luo_file_ops(file)->retrieve(args);
	file->retrieving = false;
	set->depth--;
	if (WARN_ON_ONCE(err > 0 || (!err && IS_ERR_OR_NULL(args->file))))
		err = -EIO;
	if (err != -EAGAIN)
		args->retrieve_status = err ?: 1;
	if (err) {
		args->file = NULL;
		return err;
	}

	/* Two tokens may stand for one object: the first stands for both. */
	file->id = luo_id_of(args->handler, args->file);
	luo_id_add(file);
	return 0;
}

/**
 * luo_file_retrieve - get a file of an incoming session
 * @set:   files of the session; locked
 * @token: of the file
 *
 * Return: the file, with a reference for the caller, or an ERR_PTR, see
 * LIVEUPDATE_SESSION_RETRIEVE_FD.
 */
struct file *luo_file_retrieve(struct luo_file_set *set, u64 token)
{
	struct luo_file *file;
	int err;

	file = luo_file_find(set, token);
	if (!file)
		return ERR_PTR(-ENOENT);
	if (!luo_file_bind(file)) {
		pr_warn_ratelimited("session '%s': no handler '%s' for token %#llx, load its module and try again\n",
				    set->session, file->compatible, token);
		trace_luo_file_retrieve(set->session, token, file->compatible,
					-ENOENT);
		return ERR_PTR(-ENOENT);
	}

	err = min(file->args.retrieve_status, 0);
	if (!file->args.retrieve_status) {
		if (file->retrieving || set->depth == LUO_MAX_DEPTH)
			return ERR_PTR(-ELOOP);
		err = luo_file_do_retrieve(set, file);
	}
	trace_luo_file_retrieve(set->session, token, file->compatible, err);
	if (err)
		return ERR_PTR(err);
	return get_file(file->args.file);
}

/**
 * liveupdate_get_file_incoming - retrieve a file that another one depends on
 * @handle: &liveupdate_file_op_args.session, of a session that came in
 * @token:  of the file in the same session
 * @filp:   output; the file, with a reference for the caller to fput()
 *
 * As if userspace had asked for the file: its handler is asked until it has made
 * the file, or fails for good. Later calls get the same file or the same error.
 *
 * Context: callbacks of a file handler but can_preserve and get_id
 * Return: 0; -ENOENT for an unknown token, a file that is finished already, or
 * when there is no handler for it; -ELOOP when the file is being retrieved, as
 * with files that depend on each other in a circle, or when the file is the
 * ninth of a chain; -EINVAL when the session is an outgoing one; or what the
 * file's retrieve callback failed with, now or before.
 */
int liveupdate_get_file_incoming(struct liveupdate_session *handle, u64 token,
				 struct file **filp)
{
	struct luo_file_set *set = luo_file_set_of(handle);
	struct file *file;

	lockdep_assert_held(&set->mutex);

	if (!set->incoming)
		return -EINVAL;
	file = luo_file_retrieve(set, token);
	if (IS_ERR(file))
		return PTR_ERR(file);
	*filp = file;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_get_file_incoming);

/*
 * Without its handler nobody knows what a file stands for. It may be a device that is
 * still writing to memory of the session, and that nobody can stop.
 */
static bool luo_file_can_leave(struct luo_file_set *set, struct luo_file *file)
{
	const char *flb = luo_flbs_in_required();

	if (!flb)
		return true;
	pr_warn_ratelimited("session '%s': no handler '%s' for token %#llx, not finished as long as '%s' is in use: load its module, or reboot the machine\n",
			    set->session, file->compatible, file->token, flb);
	return false;
}

static bool luo_file_can_finish(struct luo_file_set *set, struct luo_file *file)
{
	const struct liveupdate_file_ops *ops;

	if (!luo_file_bind(file))
		return luo_file_can_leave(set, file);
	ops = luo_file_ops(file);
	return !ops->can_finish || ops->can_finish(&file->args);
}

static void luo_file_finish(struct luo_file_set *set, struct luo_file *file)
{
	const bool retrieved = file->args.retrieve_status > 0;

	if (file->args.handler) {
		luo_file_ops(file)->finish(&file->args);
		if (retrieved && file->args.retrieve_status < 0)
			set->lost = true;
		luo_flbs_finish(file->args.handler);
	} else {
		pr_warn("session '%s': no handler '%s' to release token %#llx, its memory stays reserved until the next reboot\n",
			set->session, file->compatible, file->token);
	}
	trace_luo_file_finish(set->session, file->token, file->compatible,
			      file->args.handler ? 0 : -ENOENT);
	luo_id_del(file);
	luo_file_del(set, file);
	luo_file_free(file);
}

/**
 * luo_files_finish - finish all files of an incoming session
 * @set: files of the session; locked
 *
 * The last one preserved comes first, so that what a file depends on is there
 * when the file is finished, if it was preserved before the file.
 *
 * Return: 0, or -EBUSY when one is not ready; then none is finished.
 */
int luo_files_finish(struct luo_file_set *set)
{
	struct luo_file *file, *prev;

	lockdep_assert_held(&set->mutex);

	list_for_each_entry(file, &set->files, list) {
		if (!luo_file_can_finish(set, file))
			return -EBUSY;
	}
	list_for_each_entry_safe_reverse(file, prev, &set->files, list)
		luo_file_finish(set, file);
	return 0;
}

/**
 * luo_files_drop - drop the files of an incoming session that is damaged
 * @set: its files; not known to anybody else yet
 *
 * Nothing handed over is touched.
 */
void luo_files_drop(struct luo_file_set *set)
{
	struct luo_file *file, *next;

	list_for_each_entry_safe(file, next, &set->files, list) {
		luo_file_del(set, file);
		luo_file_free(file);
	}
}
