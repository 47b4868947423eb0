// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): files that are put into a session, frozen and
 * written out.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bug.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kho_block.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/liveupdate.h>

#include "luo_internal.h"

/*
 * A file in a session is open without a descriptor. The owner of a session must
 * not get around RLIMIT_NOFILE by this, so the limit applies to each session.
 */
static bool luo_file_set_is_full(const struct luo_file_set *set)
{
	return set->nr_files >= rlimit(RLIMIT_NOFILE) &&
	       !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

/* Find out who handles the file, and which object it stands for. */
static struct luo_file *luo_file_alloc(struct luo_file_set *set,
				       struct file *filp, u64 token)
{
	struct liveupdate_file_handler *fh;
	struct luo_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return ERR_PTR(-ENOMEM);

	fh = luo_handler_get_for(filp);
	if (!fh) {
		kfree(file);
		return ERR_PTR(-ENOENT);
	}

	luo_file_init(file, set, token);
	file->id = luo_id_of(fh, filp);
	file->args.handler = fh;
	file->args.file = get_file(filp);
	strscpy(file->compatible, fh->compatible);
	return file;
}

/**
 * luo_file_preserve - put a file into an outgoing session
 * @set:   files of the session; locked
 * @token: by which the file will be asked for
 * @fd:    its descriptor
 *
 * Return: 0 or an errno, see LIVEUPDATE_SESSION_PRESERVE_FD.
 */
int luo_file_preserve(struct luo_file_set *set, u64 token, int fd)
{
	struct luo_file *file;
	struct file *filp;
	int err;

	if (luo_file_find(set, token))
		return -EEXIST;
	if (luo_file_set_is_full(set))
		return -EMFILE;

	filp = fget(fd);
	if (!filp)
		return -EBADF;
	file = luo_file_alloc(set, filp, token);
	fput(filp);
	if (IS_ERR(file)) {
		trace_luo_file_preserve(set->session, token, "", PTR_ERR(file));
		return PTR_ERR(file);
	}

	err = luo_id_add(file);
	if (err)
		goto free_file;
	err = kho_block_set_grow(&set->blocks, set->nr_files + 1);
	if (err)
		goto del_id;
	err = luo_flbs_preserve(file->args.handler, &file->flbs);
	if (err)
		goto shrink;
	err = luo_file_ops(file)->preserve(&file->args);
	if (err)
		goto unpreserve_flbs;
	trace_luo_file_preserve(set->session, token, file->compatible, 0);
	return luo_file_add(set, file);

unpreserve_flbs:
	luo_flbs_unpreserve(file->flbs);
shrink:
	kho_block_set_shrink(&set->blocks, set->nr_files);
del_id:
	luo_id_del(file);
free_file:
	trace_luo_file_preserve(set->session, token, file->compatible, err);
	luo_file_free(file);
	return err;
}

/**
 * liveupdate_get_token_outgoing - ask under which token a file is preserved
 * @handle: &liveupdate_file_op_args.session, of an outgoing session
 * @filp:   the file
 * @token:  output; its token, which names it in the next kernel, too. May be
 *          NULL
 *
 * For a handler whose file depends on another one. When the file is preserved,
 * the other one need not be in the session yet. When it is frozen, all files
 * are.
 *
 * Context: callbacks of a file handler but can_preserve and get_id
 * Return: 0; -ENOENT when neither @filp nor another file of the same object is
 * in the session; -EINVAL when the session came in.
 */
int liveupdate_get_token_outgoing(struct liveupdate_session *handle,
				  struct file *filp, u64 *token)
{
	struct luo_file_set *set = luo_file_set_of(handle);
	struct liveupdate_file_handler *fh;
	int err;

	lockdep_assert_held(&set->mutex);

	if (set->incoming)
		return -EINVAL;
	fh = luo_handler_get_for(filp);
	if (!fh)
		return -ENOENT;

	err = luo_id_find_token(set, fh, filp, token);
	module_put(fh->ops->owner);
	return err;
}
EXPORT_SYMBOL_GPL(liveupdate_get_token_outgoing);

/**
 * liveupdate_has_mapping - does memory belong to a file of a session?
 * @handle:  &liveupdate_file_op_args.session, of an outgoing session
 * @mapping: of the memory, as in &struct folio.mapping; may be NULL, or one that is
 *           not the page cache of a file
 *
 * For a handler that preserves who reaches memory by itself, as devices do. Handlers
 * preserve all of the page cache of their files.
 *
 * Context: callbacks of a file handler but can_preserve and get_id
 * Return: true when it is the page cache of a file that is in the session already.
 */
bool liveupdate_has_mapping(struct liveupdate_session *handle,
			    const struct address_space *mapping)
{
	struct luo_file_set *set = luo_file_set_of(handle);
	struct luo_file *file;

	lockdep_assert_held(&set->mutex);

	list_for_each_entry(file, &set->files, list)
		if (mapping && file->args.file &&
		    file->args.file->f_mapping == mapping)
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(liveupdate_has_mapping);

/**
 * luo_files_unpreserve - take all files out of an outgoing session
 * @set: files of the session; locked
 */
void luo_files_unpreserve(struct luo_file_set *set)
{
	struct luo_file *file, *prev;

	lockdep_assert_held(&set->mutex);

	list_for_each_entry_safe_reverse(file, prev, &set->files, list) {
		luo_file_ops(file)->unpreserve(&file->args);
		luo_flbs_unpreserve(file->flbs);
		trace_luo_file_unpreserve(set->session, file->token,
					  file->compatible, 0);
		luo_id_del(file);
		luo_file_del(set, file);
		luo_file_free(file);
	}
}

static int luo_file_freeze(struct luo_file *file, struct kho_block_set_it *it)
{
	const struct liveupdate_file_ops *ops = luo_file_ops(file);
	struct luo_file_ser *ser;
	int err = 0;

	ser = kho_block_set_it_reserve_entry(it);
	if (WARN_ON_ONCE(!ser))
		return -ENOSPC;

	if (ops->freeze)
		err = ops->freeze(&file->args);
	if (err)
		return err;

	strscpy_pad(ser->compatible, file->compatible);
	ser->data = file->args.serialized_data;
	ser->token = file->token;
	return 0;
}

static void luo_file_unfreeze(struct luo_file_set *set, struct luo_file *file)
{
	const struct liveupdate_file_ops *ops = luo_file_ops(file);

	if (ops->unfreeze)
		ops->unfreeze(&file->args);
	trace_luo_file_unfreeze(set->session, file->token, file->compatible, 0);
}

/**
 * luo_files_freeze - freeze and write out all files of an outgoing session
 * @set: files of the session; locked
 * @ser: output; where they are
 *
 * Return: 0, or the errno of the first that refused; then none is frozen.
 */
int luo_files_freeze(struct luo_file_set *set, struct luo_session_ser *ser)
{
	struct kho_block_set_it it;
	struct luo_file *file;
	int err;

	lockdep_assert_held(&set->mutex);

	kho_block_set_it_init(&it, &set->blocks);
	list_for_each_entry(file, &set->files, list) {
		err = luo_file_freeze(file, &it);
		trace_luo_file_freeze(set->session, file->token,
				      file->compatible, err);
		if (err)
			goto unfreeze;
	}
	ser->files = set->nr_files ?
		     kho_block_set_head_pa(&set->blocks) : 0;
	ser->count = set->nr_files;
	set->frozen = true;
	return 0;

unfreeze:
	pr_err("session '%s': handler '%s' refused to freeze token %#llx: %pe\n",
	       set->session, file->compatible, file->token, ERR_PTR(err));
	list_for_each_entry_continue_reverse(file, &set->files, list)
		luo_file_unfreeze(set, file);
	kho_block_set_clear(&set->blocks);
	return err;
}

/**
 * luo_files_unfreeze - undo a successful luo_files_freeze()
 * @set: files of the session; locked
 */
void luo_files_unfreeze(struct luo_file_set *set)
{
	struct luo_file *file;

	lockdep_assert_held(&set->mutex);

	set->frozen = false;
	list_for_each_entry_reverse(file, &set->files, list)
		luo_file_unfreeze(set, file);
	kho_block_set_clear(&set->blocks);
}
