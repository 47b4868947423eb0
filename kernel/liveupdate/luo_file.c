// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): files in sessions.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Files
 *
 * A file in a session is what its handler makes of it. While it is there, it
 * holds a reference to the &struct file, if there is one, and to the module that
 * the handler is in.
 *
 * The handler of an incoming file is looked up when it is first needed, so that
 * its module may be loaded after /dev/liveupdate was opened. As long as there is
 * none, the file alone cannot be retrieved.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/liveupdate.h>

#include "luo_internal.h"

/* So many retrieve callbacks may run within each other: stacks are small. */
#define LUO_MAX_DEPTH	8

/*
 * All files of outgoing sessions by handler and identity, and those of incoming
 * ones that were retrieved: none of them can be preserved once more.
 */
static struct rb_root luo_ids = RB_ROOT;
static DEFINE_MUTEX(luo_ids_lock);

static const struct liveupdate_file_ops *luo_file_ops(const struct luo_file *file)
{
	return file->args.handler->ops;
}

/*
 * A file in a session is open without a descriptor. Who was given a session is
 * not to have more files open in it than descriptors otherwise.
 */
static bool luo_file_set_is_full(const struct luo_file_set *set)
{
	return set->nr_files >= rlimit(RLIMIT_NOFILE) &&
	       !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

/* Drop what the file holds, and the file. It is in no list or tree. */
static void luo_file_free(struct luo_file *file)
{
	if (file->args.file)
		fput(file->args.file);
	if (file->args.handler)
		module_put(luo_file_ops(file)->owner);
	kfree(file);
}

/**
 * luo_file_set_init - make a set of files ready for use
 * @set:      the set
 * @session:  name of its session; has to last as long as the set
 * @identity: a number that stands for @session
 * @incoming: whether the files come from the previous kernel
 */
void luo_file_set_init(struct luo_file_set *set, const char *session,
		       u32 identity, bool incoming)
{
	set->session = session;
	set->identity = identity;
	set->incoming = incoming;
	mutex_init(&set->mutex);
	INIT_LIST_HEAD(&set->files);
	set->tokens = RB_ROOT;
	kho_block_set_init(&set->blocks, sizeof(struct luo_file_ser));
	set->blocks.owner = identity;
}

/**
 * luo_file_set_destroy - undo luo_file_set_init()
 * @set: the set, without files
 */
void luo_file_set_destroy(struct luo_file_set *set)
{
	kho_block_set_destroy(&set->blocks);
	mutex_destroy(&set->mutex);
}

static int luo_file_cmp_token(const void *key, const struct rb_node *node)
{
	u64 token = *(const u64 *)key;
	u64 other = rb_entry(node, struct luo_file, token_node)->token;

	return token < other ? -1 : token > other;
}

static int luo_file_cmp(struct rb_node *a, const struct rb_node *b)
{
	return luo_file_cmp_token(&rb_entry(a, struct luo_file,
					    token_node)->token, b);
}

static struct luo_file *luo_file_find(struct luo_file_set *set, u64 token)
{
	lockdep_assert_held(&set->mutex);

	return rb_entry_safe(rb_find(&token, &set->tokens,
				     luo_file_cmp_token),
			     struct luo_file, token_node);
}

static int luo_file_add(struct luo_file_set *set, struct luo_file *file)
{
	if (rb_find_add(&file->token_node, &set->tokens, luo_file_cmp))
		return -EEXIST;
	list_add_tail(&file->list, &set->files);
	set->nr_files++;
	return 0;
}

static void luo_file_del(struct luo_file_set *set, struct luo_file *file)
{
	rb_erase(&file->token_node, &set->tokens);
	list_del(&file->list);
	set->nr_files--;
}

static unsigned long luo_id_of(const struct liveupdate_file_handler *fh,
			       struct file *filp)
{
	return fh->ops->get_id ? fh->ops->get_id(filp) : (unsigned long)filp;
}

/* Handlers choose identities independently, so both make up the key. */
struct luo_id {
	const struct liveupdate_file_handler *handler;
	unsigned long id;
};

static int luo_id_cmp_key(const void *key, const struct rb_node *node)
{
	const struct luo_file *file = rb_entry(node, struct luo_file, id_node);
	const struct luo_id *id = key;

	if (id->handler != file->args.handler)
		return id->handler < file->args.handler ? -1 : 1;
	return id->id < file->id ? -1 : id->id > file->id;
}

static int luo_id_cmp(struct rb_node *a, const struct rb_node *b)
{
	const struct luo_file *file = rb_entry(a, struct luo_file, id_node);
	struct luo_id id = { .handler = file->args.handler, .id = file->id };

	return luo_id_cmp_key(&id, b);
}

/* The file that stands for the object behind @filp, or NULL. */
static struct luo_file *luo_id_find(const struct liveupdate_file_handler *fh,
				    struct file *filp)
{
	struct luo_id id = { .handler = fh, .id = luo_id_of(fh, filp) };

	lockdep_assert_held(&luo_ids_lock);

	return rb_entry_safe(rb_find(&id, &luo_ids, luo_id_cmp_key),
			     struct luo_file, id_node);
}

static int luo_id_add(struct luo_file *file)
{
	guard(mutex)(&luo_ids_lock);
	if (!rb_find_add(&file->id_node, &luo_ids, luo_id_cmp))
		return 0;
	RB_CLEAR_NODE(&file->id_node);
	return -EBUSY;
}

static void luo_id_del(struct luo_file *file)
{
	guard(mutex)(&luo_ids_lock);
	if (!RB_EMPTY_NODE(&file->id_node))
		rb_erase(&file->id_node, &luo_ids);
	RB_CLEAR_NODE(&file->id_node);
}

/* Say which file of which session this is. */
static void luo_file_set_token(struct luo_file *file,
			       struct luo_file_set *set, u64 token)
{
	INIT_LIST_HEAD(&file->list);
	RB_CLEAR_NODE(&file->id_node);
	file->token = token;
	file->args.session = luo_file_set_handle(set);
	if (set->identity)
		file->args.identity = crc32_le(set->identity, (u8 *)&token,
					       sizeof(token)) ?: 1;
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

	luo_file_set_token(file, set, token);
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
	struct luo_file *file;
	int err = -ENOENT;

	lockdep_assert_held(&set->mutex);

	if (set->incoming)
		return -EINVAL;
	fh = luo_handler_get_for(filp);
	if (!fh)
		return -ENOENT;

	scoped_guard(mutex, &luo_ids_lock) {
		file = luo_id_find(fh, filp);
		/* A file that is being preserved is in no list yet. */
		if (file && file->args.session == handle &&
		    !list_empty(&file->list)) {
			if (token)
				*token = file->token;
			err = 0;
		}
	}
	module_put(fh->ops->owner);
	return err;
}
EXPORT_SYMBOL_GPL(liveupdate_get_token_outgoing);

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

/**
 * luo_file_receive - take in a file from the previous kernel
 * @set: files of the incoming session; not known to anybody else yet
 * @ser: what the previous kernel wrote
 *
 * A name that no handler can have is the trouble of this file alone.
 *
 * Return: 0, or -EEXIST when the session has a file of that token.
 */
int luo_file_receive(struct luo_file_set *set,
		     const struct luo_file_ser *ser)
{
	struct luo_file *file;
	int err;

	/* As for luo_session_receive(). */
	file = kzalloc(sizeof(*file), GFP_KERNEL | __GFP_NOFAIL);
	luo_file_set_token(file, set, ser->token);
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

/* Find the handler of an incoming file, unless done before. */
static bool luo_file_bind(struct luo_file *file)
{
	if (!file->args.handler)
		file->args.handler = luo_handler_get(file->compatible);
	return file->args.handler;
}

/* Have the handler make the file. Whatever comes of it is remembered. */
static void luo_file_do_retrieve(struct luo_file_set *set,
				 struct luo_file *file)
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
	args->retrieve_status = err ?: 1;
	if (err) {
		args->file = NULL;
		return;
	}

	/* Two tokens may stand for one object: the first stands for both. */
	file->id = luo_id_of(args->handler, args->file);
	luo_id_add(file);
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

	if (!file->args.retrieve_status) {
		if (file->retrieving || set->depth == LUO_MAX_DEPTH)
			return ERR_PTR(-ELOOP);
		luo_file_do_retrieve(set, file);
	}
	trace_luo_file_retrieve(set->session, token, file->compatible,
				min(file->args.retrieve_status, 0));
	if (file->args.retrieve_status < 0)
		return ERR_PTR(file->args.retrieve_status);
	return get_file(file->args.file);
}

/**
 * liveupdate_get_file_incoming - retrieve a file that another one depends on
 * @handle: &liveupdate_file_op_args.session, of a session that came in
 * @token:  of the file in the same session
 * @filp:   output; the file, with a reference for the caller to fput()
 *
 * As if userspace had asked for the file: its handler is asked once at most, and
 * who asks later gets the same file or the same error.
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

static bool luo_file_can_finish(struct luo_file *file)
{
	const struct liveupdate_file_ops *ops;

	if (!luo_file_bind(file))
		return true;
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
		if (!luo_file_can_finish(file))
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
